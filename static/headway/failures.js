/**
 * Groups of failures as their page shows them: every value already a text.
 * `dashboard/failures.py` writes the same lines into the page as it is first sent;
 * `tests/vectors/failures.json` holds both to it.
 *
 * @typedef {import ("./telling.js").Setting} Setting
 */

import * as format from "./format.js";
import * as geometry from "./geometry.js";
import { failureUrl, sentence } from "./telling.js";
import { fill } from "./words.js";

const NEW_FOR_S = 3600;
const STATES = ["open", "muted", "resolved"];
/** @type {Record<string, string>} */
const ICONS = { open: "failed", muted: "mute", resolved: "check" };

/**
 * What nobody looked at first, then what fails most, then what failed last.
 *
 * @param {any[]} rows
 * @returns {any[]}
 */
export function ordered(rows) {
  return [...rows].sort((a, b) => STATES.indexOf(a.state) - STATES.indexOf(b.state)
    || b.last_hour - a.last_hour || b.last_seen_at - a.last_seen_at || (a.signature < b.signature ? -1 : 1));
}

/**
 * The same rows, those that are shown already in the order in which they are.
 *
 * @param {any[]} rows
 * @param {string[]} shown signatures
 */
export function held(rows, shown) {
  const places = new Map(shown.map((signature, place) => [signature, place]));
  const placeOf = (/** @type {any} */ row) => places.get(row.signature) ?? Infinity;
  return ordered(rows).map((row, place) => ({ row, place }))
    .sort((a, b) => (placeOf(a.row) === placeOf(b.row) ? a.place - b.place : placeOf(a.row) - placeOf(b.row)))
    .map(({ row }) => row);
}

/**
 * How many groups there are, in all and in each state.
 *
 * @param {any[]} rows
 * @returns {Record<string, number>}
 */
export function counts(rows) {
  return Object.fromEntries([["all", rows.length], ...STATES.map((state) => [state, rows.filter((row) => row.state === state).length])]);
}

/**
 * @param {any} row
 * @param {Setting & {zone?: string}} setting `zone` of the times: the viewer's own, where absent
 */
export function line(row, { links, words, now, zone }) {
  const isQuiet = row.state !== "open";
  return {
    key: row.signature,
    url: failureUrl(row.signature, links),
    type: row.type,
    message: pieces(row.message),
    name: row.name ?? "",
    frame: row.frame ?? "",
    bars: geometry.bars(row.spark),
    drawn: isQuiet ? "queued" : "failed",
    hour: row.last_hour ? format.number(row.last_hour) : format.NONE,
    day: row.last_day ? format.number(row.last_day) : format.NONE,
    first: sentence("%(time)s", row.first_seen_at, now),
    last: sentence("%(time)s", row.last_seen_at, now),
    state: row.state,
    icon: `#i-${ICONS[row.state]}`,
    word: words.failures[row.state] ?? row.state,
    news: news(row, words, now),
    until: until(row, words, zone),
    is_quiet: isQuiet,
  };
}

/** @param {string|null} message */
const pieces = (message) => (message ?? "").split(/(‹[^›]*›)/).filter(Boolean).map((text) => ({ text, is_mask: /^‹[^›]*›$/.test(text) }));

/**
 * @param {any} row
 * @param {import ("./words.js").Words} words
 * @param {number} now
 */
function news(row, { failures: words }, now) {
  if (row.state === "open" && row.returned_at !== null) return sentence(words.returned, row.returned_at, now);
  if (row.state === "open" && now - row.first_seen_at < NEW_FOR_S) return sentence(words.new, row.first_seen_at, now);
  return sentence("", null, now);
}

/**
 * How long it is muted, or who resolved it.
 *
 * @param {any} row
 * @param {import ("./words.js").Words} words
 * @param {string|undefined} zone
 */
function until(row, { failures: words }, zone) {
  if (row.state === "muted") {
    return row.muted_until === null ? (words.muted_for_good ?? "") : fill(words.muted_until, { when: format.moment(row.muted_until, zone) });
  }
  return row.state === "resolved" && row.state_by ? fill(words.by, { user: row.state_by }) : "";
}
