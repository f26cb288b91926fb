/**
 * What is wrong, in words. `dashboard/overview.py` writes the same lines into the page as it is
 * first sent.
 *
 * @typedef {import ("./telling.js").Links} Links
 * @typedef {import ("./telling.js").Setting} Setting
 */

import * as format from "./format.js";
import { failureUrl, search, sentence, term } from "./telling.js";
import { fill } from "./words.js";

/** So many are shown at once, the rest on demand. */
export const SHOWN = 3;
/** @type {Record<string, string>} the colours of those that are more than a warning */
const TROUBLE = { failure: "failed", worker_gone: "failed", stream: "lost" };

/**
 * What is wrong, the worst first, each in words.
 *
 * @param {any} row
 * @param {Setting} setting
 */
export function problems(row, setting) {
  /** @type {Map<string, string>} */
  const tasks = new Map((row.failures ?? []).map((/** @type {any} */ group) => [group.signature, group.name]));
  return (row.problems ?? []).map((/** @type {any} */ each) => problem(each, tasks.get(each.subject), setting));
}

/**
 * The sentence of a problem for none, for one, or for any number.
 *
 * @param {string} kind
 * @param {number|null|undefined} count
 * @param {import ("./words.js").Group} words
 */
function pattern(kind, count, words) {
  const name = ["none", "one"][count ?? 0] ?? "many";
  return words[`${kind}_${name}`] ?? words[`${kind}_many`];
}

/**
 * What people call it; one type of exception may be many failures, told apart by the task.
 *
 * @param {any} told
 * @param {string|null|undefined} task
 * @param {import ("./words.js").Group} words
 */
function titleOf(told, task, words) {
  const title = told.title || told.subject;
  return task && told.kind.startsWith("failure") ? fill(words.failure_in, { subject: title, task: format.name(task)[1] }) : title;
}

/**
 * @param {any} told
 * @param {string|null|undefined} task
 * @param {Setting} setting
 */
function problem(told, task, { links, words, now }) {
  const kind = told.kind in words.problems ? told.kind : "other";
  const { subject, value: count, since_at: at = null } = told;
  const about = kind.split("_")[0] ?? "";
  const url = problemUrl(about, subject, links);
  return {
    key: `${kind} ${subject}`,
    state: TROUBLE[kind] ?? TROUBLE[about] ?? "retrying",
    title: fill(words.problems[kind], { subject: titleOf(told, task, words.problems) }),
    says: sentence(at === null ? "" : pattern(kind, count, words.problems), at, now, { count: format.number(count) }),
    url,
    action: url ? (words.overview[`show_${about}`] ?? "") : "",
  };
}

/**
 * @param {string} about
 * @param {string} subject
 * @param {Links} links
 */
function problemUrl(about, subject, links) {
  switch (about) {
    case "queue": return search(links, term("queue", subject), "status:queued");
    case "failure": return failureUrl(subject, links);
    case "worker": return links.workers;
    case "schedule": return links.schedule;
    default: return "";
  }
}
