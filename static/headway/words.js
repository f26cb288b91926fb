/**
 * The words that both the server and this page write. The server sends them translated
 * (`#headway-words`); the English here stands where it sends none.
 *
 * @typedef {Record<string, string>} Group
 * @typedef {{states: Group, notes: Group, stream: Group, health: Group,
 *   overview: Group, problems: Group, chart: Group, page: Group}} Words
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
  overview: {
    of_slots: "of %(count)s slots",
    oldest: "oldest %(time)s, %(what)s",
    oldest_alone: "oldest %(time)s",
    none_runs: "nothing runs",
    none_waits: "nothing waits",
    hour_before: "hour before: %(count)s",
    last_minute: "%(count)s in the last minute",
    per_minute: "per min",
    finished_hour: "%(count)s finished in the last hour",
    new_failure: "new, first seen %(time)s ago",
    returned: "came back %(time)s ago",
    no_workers: "no workers",
    backlog: "falls behind",
    ago: "%(time)s ago",
    in_all: "%(day)s in 24 hours, %(all)s in all",
    more_problems: "%(count)s more to look at",
    online: "%(count)s online",
    silent: "%(count)s silent",
    gone: "%(count)s gone",
    show_queue: "Show tasks",
    show_worker: "Open workers",
    show_failure: "Open failure",
    show_schedule: "Open schedule",
  },
  problems: {
    queue_unattended: "%(subject)s has no workers.",
    queue_unattended_one: "1 task waits, for %(time)s.",
    queue_unattended_many: "%(count)s tasks wait, the oldest for %(time)s.",
    queue_backlog: "%(subject)s falls behind.",
    queue_backlog_one: "1 task waits, for %(time)s.",
    queue_backlog_many: "%(count)s tasks wait, the oldest for %(time)s.",
    worker_gone: "%(subject)s is gone.",
    worker_gone_none: "Nothing was heard of it for %(time)s.",
    worker_gone_one: "Nothing was heard of it for %(time)s; it left 1 task unfinished.",
    worker_gone_many: "Nothing was heard of it for %(time)s; it left %(count)s tasks unfinished.",
    worker_silent: "%(subject)s is silent.",
    worker_silent_none: "No heartbeat for %(time)s.",
    worker_silent_one: "No heartbeat for %(time)s; it has 1 task in hand.",
    worker_silent_many: "No heartbeat for %(time)s; it has %(count)s tasks in hand.",
    failure_in: "%(subject)s in %(task)s",
    failure_new: "%(subject)s is new.",
    failure_new_one: "1 task failed with it, %(time)s ago.",
    failure_new_many: "%(count)s tasks failed with it, the first %(time)s ago.",
    failure_burst: "%(subject)s is frequent.",
    failure_burst_many: "%(count)s tasks failed with it in the last hour, the newest %(time)s ago.",
    failure_returned: "%(subject)s came back.",
    failure_returned_many: "It was resolved, and failed again %(time)s ago.",
    schedule_missed: "%(subject)s did not run.",
    schedule_missed_one: "1 run was missed, due %(time)s ago.",
    schedule_missed_many: "%(count)s runs were missed, the first due %(time)s ago.",
    stream: "Events may be missing.",
    stream_many: "Nothing is heard from the cluster for %(time)s.",
    other: "%(subject)s needs a look.",
    other_many: "Since %(time)s.",
  },
  chart: {
    finished: "finished",
    failed: "failed",
    started: "started",
    so_far: "so far",
    blind: "blind",
    summary: "Between %(low)s and %(high)s finished %(unit)s; %(failed)s failed in all, %(peak)s at most.",
    nothing: "Nothing finished in this time.",
    title: "Finished and failed %(unit)s",
    unit_60: "per minute",
    unit_120: "per 2 minutes",
    unit_300: "per 5 minutes",
    unit_900: "per 15 minutes",
    unit_3600: "per hour",
    unit_7200: "per 2 hours",
  },
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
