/**
 * What only all workers together tell. `dashboard/views/workers.py` says the same.
 *
 * @typedef {Record<string, any>} Row
 */

import { fill } from "./words.js";

/** A clock this far off makes the ages on the page wrong enough to see. */
const SKEW_LIMIT_S = 1;

/**
 * The rows with another version than the `usual` one, and whether one is in `trouble`. A worker
 * that is gone claims no load and no clock, and is `forgotten_at`.
 *
 * @param {Row[]} rows
 * @param {number} forgetAfter seconds
 * @returns {Row[]}
 */
export function shown(rows, forgetAfter) {
  const usual = usualVersion(rows);
  return rows.map((row) => {
    if (row.state === "gone") {
      const nothing = { loadavg: null, clock_offset: null, inspected_at: null, active: 0 };
      return { ...row, ...nothing, forgotten_at: row.last_heartbeat_at + forgetAfter };
    }
    const isOdd = Boolean(row.sw_ver) && row.sw_ver !== usual;
    const isSkewed = Math.abs(row.clock_offset ?? 0) >= SKEW_LIMIT_S;
    return { ...row, usual: isOdd ? usual : null, trouble: row.state === "silent" || isSkewed };
  });
}

/** @param {Row[]} rows */
function usualVersion(rows) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const { state, sw_ver: version } of rows) {
    if (state !== "gone" && version) counts.set(version, (counts.get(version) ?? 0) + 1);
  }
  const [first] = [...counts].sort(([a, many], [b, more]) => more - many || (a < b ? -1 : 1));
  return first ? first[0] : null;
}

/**
 * How many of the slots of those that live are busy; empty where none are known.
 *
 * @param {Row[]} rows
 * @param {string|undefined} pattern
 */
export function slots(rows, pattern) {
  const living = rows.filter((row) => row.state !== "gone" && row.concurrency);
  const sum = (/** @type {string} */ name) => living.reduce((total, row) => total + (row[name] ?? 0), 0);
  return living.length ? fill(pattern, { busy: sum("active"), slots: sum("concurrency") }) : "";
}
