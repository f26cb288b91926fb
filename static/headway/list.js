/**
 * Which tasks a list shows, in which order: the live window, older pages below it, and the rule
 * that nothing moves under the pointer.
 *
 * - held: new rows wait (`pending`), the rows that are shown stay where they are;
 * - a row that left the live window (it no longer matches, or newer ones pushed it out) stays
 *   until `refresh()`, within a bound while the list is not held.
 *
 * @typedef {import ("./types.js").TaskRow} TaskRow
 * @typedef {import ("./store.js").Store<TaskRow>} TaskStore
 */

import { newestFirst } from "./store.js";

export class TaskList {
  /** @type {TaskStore} */
  #live;
  /** @type {number} */
  #limit;
  /** @type {Map<string, TaskRow>} rows that are shown and not in the live window */
  #kept = new Map();
  /** @type {string[]} */
  #shown = [];
  /** @type {Map<string, number>} */
  #places = new Map();
  #hasOlder = false;
  #hasLeavers = false;

  /** @type {Set<string>} new rows that wait to be shown */
  pending = new Set();

  /**
   * @param {TaskStore} live
   * @param {number} limit rows of the live window
   */
  constructor(live, limit) {
    this.#live = live;
    this.#limit = limit;
    this.refresh();
  }

  /** Whether what is shown is no longer what is true. */
  get isStale() {
    return this.pending.size > 0 || this.#hasLeavers;
  }

  /** The ids in the order they are shown. */
  get shown() {
    return this.#shown;
  }

  /** @param {string} id */
  row(id) {
    return this.#live.get(id) ?? this.#kept.get(id);
  }

  /** @param {string} id its place in the list, or -1 */
  place(id) {
    return this.#places.get(id) ?? -1;
  }

  /** @param {string} id whether its changes come with the live window */
  isLive(id) {
    return this.#live.has(id);
  }

  /** Shows what is true now: pending rows come in, rows that left go, older pages are dropped. */
  refresh() {
    this.#kept.clear();
    this.pending.clear();
    this.#hasOlder = this.#hasLeavers = false;
    this.#order(this.#live.values());
  }

  /**
   * Takes up a change of the live window; `show()` shows it.
   *
   * @param {{changed: Set<string>, removed: Map<string, TaskRow>}} change `removed` with the rows as they were last held
   */
  update({ changed, removed }) {
    if (removed.size) this.#hasLeavers = true;
    for (const [id, row] of removed) {
      this.pending.delete(id);
      if (this.#places.has(id)) this.#kept.set(id, row);
    }
    for (const id of changed) {
      if (!this.#places.has(id)) this.pending.add(id);
      this.#kept.delete(id);
    }
  }

  /** Lets the waiting rows in; what is shown stays. */
  show() {
    this.pending.clear();
    this.#hasLeavers = false;
    const rows = [...this.#live.values(), ...this.#kept.values()].sort(newestFirst);
    if (!this.#hasOlder) this.#trim(rows);
    this.#order(rows);
  }

  /**
   * Adds an older page below.
   *
   * @param {TaskRow[]} rows
   */
  append(rows) {
    this.#hasOlder = true;
    for (const row of rows) this.keep(row);
    const held = this.#shown.map((id) => this.row(id)).filter((row) => row !== undefined);
    const oldest = held.at(-1);
    const older = rows.filter((row) => !this.#places.has(row.id) && (!oldest || newestFirst(oldest, row) < 0));
    this.#order([...held, ...older]);
  }

  /**
   * Holds the newest version of a row outside the live window.
   *
   * @param {TaskRow} row
   * @returns {boolean} whether it was news
   */
  keep(row) {
    if (this.#live.has(row.id)) return false;
    const held = this.#kept.get(row.id);
    if (held && held.revision >= row.revision) return false;
    this.#kept.set(row.id, row);
    return true;
  }

  /**
   * Drops the rows that left the window, from the oldest, until what is shown fits the limit.
   *
   * @param {TaskRow[]} rows in order
   */
  #trim(rows) {
    for (let i = rows.length - 1; i >= this.#limit; i--) {
      const row = /** @type {TaskRow} */ (rows[i]);
      if (this.#live.has(row.id)) continue;
      this.#kept.delete(row.id);
      rows.splice(i, 1);
    }
  }

  /** @param {TaskRow[]} rows */
  #order(rows) {
    this.#shown = rows.sort(newestFirst).map((row) => row.id);
    this.#places = new Map(this.#shown.map((id, place) => [id, place]));
  }
}
