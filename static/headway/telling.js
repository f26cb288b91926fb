/**
 * What lines are written with: sentences in which a time goes on, rates, and addresses of lists.
 * `dashboard/overview.py` writes the same.
 *
 * @typedef {import ("./words.js").Words} Words
 * @typedef {{tasks: string, workers: string, failures: string, failure: string, schedule: string}} Links
 *   addresses of pages, empty where there is none; `failure` has `ID_PLACEHOLDER` for its signature
 * @typedef {{before: string, at: number|null, time: string, after: string}} Sentence
 *   a text around a time that counts on by itself
 * @typedef {{links: Links, words: Words, now: number}} Setting
 */

import * as format from "./format.js";
import { fill } from "./words.js";

const PLACEHOLDER = "ID_PLACEHOLDER";

/**
 * Times a minute: `244`, `4.1`, `0`; a dash for null.
 *
 * @param {number|null|undefined} value
 */
export function rate(value) {
  if (value === null || value === undefined) return format.NONE;
  const tenths = Math.floor(Math.max(0, value) * 10 + 0.5);
  if (tenths >= 100 || tenths % 10 === 0) return format.number(Math.floor(tenths / 10 + 0.5));
  return format.decimal(Math.floor(tenths / 10), tenths % 10);
}

/**
 * `text` with its places filled, and the age of `at` where it says `%(time)s`.
 *
 * @param {string|undefined} text
 * @param {number|null|undefined} at
 * @param {number} now
 * @param {Record<string, string>} [values]
 * @returns {Sentence}
 */
export function sentence(text, at, now, values = {}) {
  const [before = "", after = ""] = fill(text, { ...values, time: "\0" }).split("\0");
  if (at === null || at === undefined) return { before: before + after, at: null, time: "", after: "" };
  return { before, at, time: format.age(now - at), after };
}

/**
 * One term of the filter language for an exact value: `queue:media`, `worker:"a b"`.
 *
 * @param {string} key
 * @param {string} value
 */
export function term(key, value) {
  return /[\s,"*\\]|^-|^$/.test(value) ? `${key}:"${value.replace(/["\\*]/g, "\\$&")}"` : `${key}:${value}`;
}

/**
 * The task list with these terms.
 *
 * @param {Links} links
 * @param {...string} terms
 */
export function search(links, ...terms) {
  return `${links.tasks}?query=${encodeURIComponent(terms.join(" "))}`;
}

/**
 * The page of a failure group, or its tasks where there is no such page.
 *
 * @param {string} signature
 * @param {Links} links
 */
export function failureUrl(signature, links) {
  return links.failure ? links.failure.replace(PLACEHOLDER, () => encodeURIComponent(signature)) : search(links, term("signature", signature));
}
