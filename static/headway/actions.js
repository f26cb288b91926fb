/**
 * Revoking, terminating and retrying tasks: what is asked of the server, and the words for what it
 * will hit and for what came of it.
 *
 * @typedef {import ("./words.js").Words} Words
 * @typedef {import ("./acting.js").Action} Action
 * @typedef {import ("./acting.js").Target} Target
 * @typedef {{terminate: boolean, signal: string}} How of a revocation
 * @typedef {{count: number, limit: number, is_over_limit: boolean, by: Record<string, number>,
 *   names: [string, number][]}} Counted
 * @typedef {{id: string, action: string, state: string, total: number, done: number,
 *   refused: number, failed: number, detail: string|null,
 *   reasons: {outcome: string, detail: string|null, count: number}[]}} Operation
 * @typedef {{path: string, body: Record<string, unknown>}} Request path below the API
 * @typedef {{status: number, body: any}} Answer `status` 0: none came
 */

import { fits, isRunning } from "./acting.js";
import * as format from "./format.js";
import { term } from "./telling.js";
import { fill } from "./words.js";

/** No longer than the server needs to find that its broker is away, and as much for the way. */
const PATIENCE_MS = 45_000;

/**
 * @param {Target} target
 * @returns {Record<string, unknown>} the tasks, as the API takes them
 */
function chosen(target) {
  if ("id" in target) return { ids: [target.id] };
  if ("ids" in target) return { ids: target.ids };
  return { query: "query" in target ? target.query : `${term("signature", target.signature)} conclusion:failed` };
}

/** @param {Target} target @returns {target is {id: string, name: string, state: string}} */
export const isOne = (target) => "id" in target;

/** @param {Action} action @param {Target} target @returns {Request} */
export const count = (action, target) => ({ path: "tasks/bulk/count", body: { ...chosen(target), action } });

/**
 * @param {Action} action
 * @param {Target} target
 * @param {{how: How, expected: number}} options `expected`: the number that was told
 * @returns {Request}
 */
export function order(action, target, { how, expected }) {
  const isRevoke = action === "revoke";
  if (isOne(target)) return { path: `tasks/${encodeURIComponent(target.id)}/${action}`, body: isRevoke ? { ...how } : {} };
  if ("signature" in target) return { path: `failures/${encodeURIComponent(target.signature)}/retry`, body: { expected } };
  return { path: "tasks/bulk", body: { ...chosen(target), action, expected, ...(isRevoke ? { options: { ...how } } : {}) } };
}

/**
 * How many of those counted run, and how many the action will be refused for.
 *
 * @param {Action} action
 * @param {Record<string, number>} by
 */
export function split(action, by) {
  let running = 0;
  let unfit = 0;
  for (const [state, number] of Object.entries(by)) {
    if (isRunning(state)) running += number;
    if (!fits(action, state)) unfit += number;
  }
  return { running, unfit };
}

/**
 * `1 task`, `1,204 tasks`.
 *
 * @param {number} number
 * @param {Words} words
 */
const tasks = (number, { actions }) => (number === 1 ? (actions.one_task ?? "") : fill(actions.tasks, { count: format.number(number) }));

/**
 * @param {Action} action
 * @param {Target} target
 * @param {number|null} number of tasks, null while it is not known
 * @param {Words} words
 */
export function title(action, target, number, words) {
  const { actions } = words;
  const isEnd = action === "revoke" && isOne(target) && isRunning(target.state);
  const verb = isEnd ? "terminate" : action;
  if (isOne(target)) return actions[`${verb}_one`] ?? "";
  return number === null ? (actions[`${verb}_some`] ?? "") : fill(actions[`${verb}_many`], { tasks: tasks(number, words) });
}

/**
 * What will happen to those counted, a sentence each.
 *
 * @param {Action} action
 * @param {Counted} counted
 * @param {How} how
 * @param {Words} words
 */
export function warnings(action, counted, how, words) {
  const { actions } = words;
  const { running, unfit } = split(action, counted.by);
  const said = [];
  if (unfit) said.push(fill(action === "retry" ? actions.not_over : actions.over, { tasks: tasks(unfit, words) }));
  if (action === "revoke" && running) said.push(fill(how.terminate ? actions.ended : actions.left_running, { tasks: tasks(running, words) }));
  return said;
}

/**
 * @param {Counted} counted
 * @param {Words} words
 * @returns {{state: string, word: string, count: string}[]} how many are in which state
 */
export function states(counted, words) {
  return Object.entries(counted.by).map(([state, number]) => ({ state, word: words.states[state] ?? state, count: format.number(number) }));
}

/** @param {Operation} operation */
export const isOver = (operation) => operation.state !== "running" && operation.state !== "stopping";

/** @param {Operation} operation */
const gone = (operation) => operation.done + operation.refused + operation.failed;

/**
 * How far an operation is, or what came of it.
 *
 * @param {Operation} operation
 * @param {Words} words
 * @returns {{percent: number, title: string, text: string, reasons: string[]}}
 */
export function told(operation, words) {
  const { actions } = words;
  const { action, state, total, done, refused, failed } = operation;
  const parts = [["done", done], ["refused", refused], ["failed", failed]]
    .filter(([word, number]) => number || (word === "done" && isOver(operation)))
    .map(([word, number]) => fill(actions[`count_${word}`], { count: format.number(Number(number)) }));
  const far = fill(actions.of, { count: format.number(gone(operation)), tasks: tasks(total, words) });
  return {
    percent: total ? Math.floor((100 * gone(operation)) / total) : 100,
    title: actions[`${action}_${state}`] ?? actions[state] ?? state,
    text: [isOver(operation) ? "" : far, ...parts].filter(Boolean).join(" · "),
    reasons: [
      ...(isOver(operation) && operation.detail ? [operation.detail] : []),
      ...operation.reasons.map(({ detail, count: number }) => `${format.number(number)} × ${detail ?? ""}`),
    ],
  };
}

/**
 * What the server said, as a sentence; ours where it said nothing that is meant for people.
 *
 * @param {Answer} answer
 * @param {Words} words
 */
export function fault({ status, body }, { actions }) {
  if (typeof body?.detail === "string" && body.detail) return body.detail;
  if (status === 0) return actions.no_answer ?? "";
  return fill(status === 401 || status === 403 ? actions.signed_out : actions.failed, { status });
}

/**
 * The way to the API.
 *
 * @param {string} root its address
 * @param {() => string} token against forged requests
 * @param {typeof globalThis.fetch} fetch
 */
export function caller(root, token, fetch) {
  /** @param {string} path @param {RequestInit} init @returns {Promise<Answer>} */
  const ask = async (path, init) => {
    try {
      const response = await fetch(root + path, { credentials: "same-origin", signal: AbortSignal.timeout(PATIENCE_MS), ...init });
      return { status: response.status, body: await response.json().catch(() => null) };
    } catch {
      return { status: 0, body: null };
    }
  };
  return {
    /** @param {string} path */
    get: (path) => ask(path, { headers: { accept: "application/json" } }),
    /** @param {Request} request */
    post: ({ path, body }) => ask(path, {
      method: "POST",
      headers: { accept: "application/json", "content-type": "application/json", "x-csrftoken": token() },
      body: JSON.stringify(body),
    }),
  };
}
