/**
 * What each worker runs now, followed from the running tasks.
 *
 * @typedef {import ("../types.js").TaskRow} TaskRow
 * @typedef {import ("../store.js").Store<TaskRow>} TaskStore
 */

import { make } from "../dom.js";
import { keepFocus } from "../focus.js";
import * as format from "../format.js";
import { newestFirst } from "../store.js";

/** A cell has room for two. */
const SHOWN = 2;

/**
 * The running tasks by the worker that runs them, newest first.
 *
 * @param {TaskRow[]} rows
 * @returns {Map<string, TaskRow[]>}
 */
export function byWorker(rows) {
  /** @type {Map<string, TaskRow[]>} */
  const found = new Map();
  for (const row of [...rows].sort(newestFirst)) {
    if (row.worker) found.set(row.worker, [...(found.get(row.worker) ?? []), row]);
  }
  return found;
}

/**
 * Writes the tasks of one worker into its cell, where they are others than those that it shows.
 *
 * @param {Element|null} cell
 * @param {TaskRow[]} rows
 * @param {{now: number, urlOf: (id: string) => string}} context
 */
export function paintRunning(cell, rows, { now, urlOf }) {
  const line = cell?.querySelector(".hw-cut");
  if (!(line instanceof HTMLElement)) return;
  const key = rows.map((row) => `${row.id} ${row.started_at}`).join();
  if (line.dataset.key === key) return;
  line.dataset.key = key;
  const parts = rows.slice(0, SHOWN).flatMap((row, place) => {
    const since = row.started_at;
    const ran = make("span", { class: "hw-3", ...(since === null ? {} : { "data-since": String(since) }) }, since === null ? "" : format.duration(now - since));
    return [place ? ", " : "", make("a", { href: urlOf(row.id) }, format.name(row.name)[1]), " ", ran];
  });
  const rest = rows.length - SHOWN;
  const giveBack = keepFocus(line);
  line.replaceChildren(...parts, ...(rest > 0 ? [" ", make("span", { class: "hw-3" }, `+${rest}`)] : []));
  giveBack();
}
