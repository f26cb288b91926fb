/**
 * What the "Progress or outcome" column says about a task: a bar or a note. The server's first
 * paint says the same (`dashboard/presentation.py`).
 *
 * @typedef {import ("./types.js").TaskRow} TaskRow
 * @typedef {import ("./types.js").Progress} Progress
 * @typedef {import ("./words.js").Words} Words
 *
 * @typedef {{text: string, until?: number, pattern?: string, due?: string}} Text
 *   with `until`, the text counts down: `pattern` before that instant, `due` after it
 * @typedef {{percent: number|null, detail: Text, title: string}} Bar
 * @typedef {{strong: Text, text: Text}} Note
 */

import * as format from "./format.js";
import { said } from "./said.js";
import { fill } from "./words.js";

/** An estimate from less than this much work is noise. */
const ESTIMATE_AFTER_S = 5;

/**
 * When a running task will probably be done, by its pace so far; null where that is not known.
 *
 * @param {TaskRow} row
 */
export function expectedEnd(row) {
  const { progress, started_at: start } = row;
  if (!progress || start === null || progress.percent === null) return null;
  const elapsed = progress.updated_at - start;
  if (elapsed < ESTIMATE_AFTER_S || progress.percent <= 0 || progress.percent >= 100) return null;
  return progress.updated_at + (elapsed * (100 - progress.percent)) / progress.percent;
}

/**
 * `4,608 / 7,200 frames`, `4,608 frames`, or nothing.
 *
 * @param {Progress} progress
 */
export function counted({ current, total, unit }) {
  if (current === null || current === undefined) return "";
  const amount = total === null || total === undefined ? format.number(current) : `${format.number(current)} / ${format.number(total)}`;
  return `${amount} ${unit ?? ""}`.trim();
}

/**
 * Seconds that the task ran, null when it has not started or still runs.
 *
 * @param {TaskRow} row
 */
export function runningSince(row) {
  return row.runtime === null && (row.status === "running" || row.status === "stalled") ? row.started_at : null;
}

/**
 * @param {TaskRow} row
 * @param {Words} words
 * @returns {Bar|null} null for a task that shows a note
 */
export function bar(row, words) {
  const { progress } = row;
  if (!progress || row.status !== "running") return null;
  const title = progress.message || progress.stage || counted(progress);
  const until = expectedEnd(row);
  const detail = until === null ? { text: title } : { text: title, until, pattern: words.notes.left ?? "", due: title };
  return { percent: progress.percent, detail, title };
}

/** @typedef {(row: TaskRow, words: Words) => [string|Text, string|Text]|null} Teller */

/** @type {Teller} */
function scheduled(row, { notes }) {
  if (row.eta === null) return null;
  return ["", { text: "", until: row.eta, pattern: notes.scheduled_in ?? "", due: notes.scheduled_due ?? "" }];
}

/** @type {Teller} */
function retrying(row, { notes }) {
  const [type, message] = format.exception(row.exception ?? "");
  const because = message ? `${type}: ${message}` : type;
  if (row.retry_at === null) return [notes.retry_unknown ?? "", because];
  return [{ text: "", until: row.retry_at, pattern: notes.retry_in ?? "", due: notes.retry_due ?? "" }, because];
}

/** @type {Teller} */
function succeeded(row, { notes }) {
  const retried = row.retries === 1 ? notes.after_one_retry : fill(notes.after_retries, { count: row.retries });
  return ["", [row.progress ? counted(row.progress) : "", row.retries ? retried : ""].filter(Boolean).join(", ")];
}

/** @type {Record<string, Teller>} */
const TELLERS = { scheduled, retrying, succeeded, failed: (row) => (row.exception ? format.exception(row.exception) : null) };

/** @param {string|Text} part */
const text = (part) => (typeof part === "string" ? { text: part } : part);

/**
 * The sentence of a task that shows no bar.
 *
 * @param {TaskRow} row
 * @param {Words} words
 * @returns {Note}
 */
export function note(row, words) {
  const { state } = format.look(row);
  const [strong, plain] = TELLERS[state]?.(row, words) ?? ["", said(row.reason ?? "", words.said) || words.notes[state] || ""];
  return { strong: text(strong), text: text(plain) };
}

/**
 * A text at an instant.
 *
 * @param {Text} part
 * @param {number} now
 */
export function at(part, now) {
  if (part.until === undefined) return part.text;
  const left = part.until - now;
  return left > 0 ? fill(part.pattern, { time: format.age(left) }) : (part.due ?? "");
}
