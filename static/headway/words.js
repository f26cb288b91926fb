/**
 * The words that both the server and this page write. The server sends them translated
 * (`#headway-words`); the English here stands where it sends none.
 *
 * @typedef {Record<string, string>} Group
 * @typedef {{states: Group, notes: Group, stream: Group, health: Group, page: Group}} Words
 */

/** @type {Words} */
export const ENGLISH = {
  states: {
    queued: "Queued", scheduled: "Scheduled", reserved: "Reserved", running: "Running", retrying: "Retrying",
    stalled: "Stalled", unknown: "Unknown", succeeded: "Succeeded", failed: "Failed", cancelled: "Cancelled",
    rejected: "Rejected", expired: "Expired", lost: "Lost",
  },
  notes: {
    queued: "waiting for a worker",
    reserved: "held by the worker, not started",
    running: "no progress reported",
    stalled: "no news from it",
    scheduled_in: "due in %(time)s",
    scheduled_due: "due now",
    retry_in: "Again in %(time)s",
    retry_due: "Again now",
    retry_unknown: "Again, time unknown",
    after_one_retry: "after 1 retry",
    after_retries: "after %(count)s retries",
    cancelled: "cancelled",
    rejected: "the worker refused it",
    expired: "its time to start had passed",
    lost: "its worker is gone; the outcome is not known",
    unknown: "nothing is known about it",
    progress_of: "Progress of %(name)s",
    left: "%(time)s left",
  },
  stream: {
    live: "Live", behind: "Catching up", blind: "Blind", repairing: "Repairing", unknown: "No receiver",
    reconnecting: "Reconnecting", connecting: "Connecting", offline: "Offline",
    behind_by: "%(time)s behind",
    since: "since %(time)s",
    as_of: "as of %(time)s",
    retry_in: "in %(time)s",
    gap: "Blind from %(from)s to %(until)s",
    gap_open: "Blind since %(from)s",
    one_repaired: "1 task repaired.",
    repaired: "%(count)s tasks repaired.",
    blind_why: "Nothing is heard from the cluster. What is shown may be old.",
    behind_why: "Events arrive faster than they are stored.",
    repairing_why: "Tasks are read again after an interruption.",
    unknown_why: "No receiver writes. What is shown may be old.",
    interrupted: "The connection was interrupted.",
    stopped: "The connection was refused.",
    not_allowed: "You may not watch this. Ask for the permission to view tasks, then reload.",
    no_right: "Your right to watch has ended. Sign in again, then reload.",
    crowded: "Too many pages are open at once. This one tries again in a minute.",
    leaving: "The server restarts.",
    updated: "Headway was updated. Reload the page to go on with the new version.",
    transport: "WebSocket",
    no_transport: "none, last frame %(time)s",
    events: "%(rate)s/s in, %(dropped)s dropped, %(rejected)s rejected",
  },
  health: { online: "Online", silent: "Silent", gone: "Gone" },
  page: {
    new: "%(count)s new",
    one_new_said: "1 new task waits",
    new_said: "%(count)s new tasks wait",
    selected: "%(count)s selected",
    held: "List held, %(count)s waiting",
    loading: "Loading older tasks",
    end: "That is all",
    failed: "Older tasks could not be loaded: %(reason)s",
    copied: "Copied",
    not_copied: "The browser did not allow copying",
    remove: "Remove filter %(term)s",
    unreachable: "the server did not answer",
    suggestions: "%(count)s suggestions",
    shown: "%(number)s of %(total)s",
  },
};

/**
 * The English words, with those that the server sent in their place.
 *
 * @param {Partial<Words>|null} [sent]
 * @returns {Words}
 */
export function merge(sent) {
  const groups = /** @type {(keyof Words)[]} */ (Object.keys(ENGLISH));
  return /** @type {Words} */ (Object.fromEntries(groups.map((name) => [name, { ...ENGLISH[name], ...sent?.[name] }])));
}

/**
 * Fills `%(name)s` places, as Python's `%` does.
 *
 * @param {string|undefined} pattern
 * @param {Record<string, string|number>} values
 */
export function fill(pattern, values) {
  return (pattern ?? "").replace(/%\((\w+)\)s/g, (_, key) => String(values[key] ?? ""));
}
