/**
 * Which action fits which task, and how a page asks for one: the dialog of actions hears it.
 *
 * @typedef {"revoke"|"retry"} Action
 * @typedef {{id: string, name: string, state: string}|{ids: string[]}|{query: string}
 *   |{signature: string, name: string}} Target one task, a selection, what matches, a failure group
 */

const RUNS = new Set(["running", "stalled"]);
const OVER = new Set(["succeeded", "failed", "cancelled", "rejected", "expired", "lost"]);

/**
 * Whether an action makes sense for a task in this state (a conclusion, or a status).
 *
 * @param {Action} action
 * @param {string} state
 */
export function fits(action, state) {
  if (action === "retry") return OVER.has(state);
  return !OVER.has(state) || state === "lost";
}

/** @param {string} state */
export const isRunning = (state) => RUNS.has(state);

/**
 * Opens the dialog of the page.
 *
 * @param {Action} action
 * @param {Target} target
 */
export function ask(action, target) {
  document.dispatchEvent(new CustomEvent("headway:act", { detail: { action, target } }));
}
