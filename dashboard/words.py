"""The words of the pages that both the server and the page's script write: one place, marked for
translation.

The script gets them as JSON (`#headway-words`), so a translated page stays translated when it is
live.
"""

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from dashboard import reasons, said

STATES = {
    "queued": _("Queued"),
    "scheduled": _("Scheduled"),
    "reserved": _("Reserved"),
    "running": _("Running"),
    "retrying": _("Retrying"),
    "stalled": _("Stalled"),
    "unknown": _("Unknown"),
    "succeeded": _("Succeeded"),
    "failed": _("Failed"),
    "cancelled": _("Cancelled"),
    "rejected": _("Rejected"),
    "expired": _("Expired"),
    "lost": _("Lost"),
}

# What the progress column says of a task that has no bar. Placeholders are filled with formatted
# text.
NOTES = {
    "queued": _("waiting for a worker"),
    "reserved": _("held by the worker, not started"),
    "running": _("no progress reported"),
    "stalled": _("no news from it"),
    "scheduled_in": _("due in %(time)s"),
    "scheduled_due": _("due now"),
    "retry_in": _("Again in %(time)s"),
    "retry_due": _("Again now"),
    "retry_unknown": _("Again, time unknown"),
    "after_one_retry": _("after 1 retry"),
    "after_retries": _("after %(count)s retries"),
    "cancelled": _("cancelled"),
    "rejected": _("the worker refused it"),
    "expired": _("its time to start had passed"),
    "lost": _("its worker is gone; the outcome is not known"),
    "unknown": _("nothing is known about it"),
    "progress_of": _("Progress of %(name)s"),
    "left": _("%(time)s left"),
}

# The state of the stream and of this page's connection, as the badge says it.
STREAM = {
    "still": _("As of"),
    "live": _("Live"),
    "behind": _("Catching up"),
    "blind": _("Blind"),
    "repairing": _("Repairing"),
    "unknown": _("No receiver"),
    "connecting": _("Connecting"),
    "reconnecting": _("Reconnecting"),
    "offline": _("Offline"),
    "behind_by": _("%(time)s behind"),
    "since": _("since %(time)s"),
    "as_of": _("as of %(time)s"),
    "retry_in": _("in %(time)s"),
    "gap": _("Blind from %(from)s to %(until)s"),
    "gap_open": _("Blind since %(from)s"),
    "one_repaired": _("1 task repaired."),
    "repaired": _("%(count)s tasks repaired."),
    "blind_why": _("Nothing is heard from the cluster. What is shown may be old."),
    "behind_why": _("Events arrive faster than they are stored."),
    "repairing_why": _("Tasks are read again after an interruption."),
    "unknown_why": _("No receiver writes. What is shown may be old."),
    "interrupted": _("The connection was interrupted."),
    "stopped": _("The connection was refused."),
    "not_allowed": _("You may not watch this. Ask for the permission to view tasks, then reload."),
    "no_right": _("Your right to watch has ended. Sign in again, then reload."),
    "crowded": _("Too many pages are open at once. This one tries again in a minute."),
    "leaving": _("The server restarts."),
    "updated": _("Headway was updated. Reload the page to go on with the new version."),
    "transport": _("WebSocket"),
    "no_transport": _("none, last frame %(time)s"),
    "events": _("%(rate)s/s in, %(dropped)s dropped, %(rejected)s rejected"),
}

HEALTH = {
    "online": _("Online"),
    "silent": _("Silent"),
    "gone": _("Gone"),
}

# Why embed tokens opened nothing, as counted (`dashboard.refused`). What is not here shows as its
# code.
REFUSED_TOKENS = {
    "bad_signature": _("wrong key or altered"),
    "bad_algorithm": _("another algorithm"),
    "malformed": _("malformed"),
    "wrong_audience": _("for another program"),
    "token_expired": _("expired"),
    "token_ran_out": _("ended while in use"),
    "too_long_lived": _("too long-lived"),
    "not_allowed": _("for another task"),
    "origin_not_allowed": _("from a foreign page"),
    "too_fast": _("too many at once"),
}

# What the overview says. Each text holds one `%(time)s` at most: it counts by itself.
OVERVIEW = {
    "of_slots": _("of %(count)s slots"),
    "oldest": _("oldest %(time)s, %(what)s"),
    "oldest_alone": _("oldest %(time)s"),
    "none_runs": _("nothing runs"),
    "none_waits": _("nothing waits"),
    "hour_before": _("hour before: %(count)s"),
    "last_minute": _("%(count)s in the last minute"),
    "per_minute": _("per min"),
    "finished_hour": _("%(count)s finished in the last hour"),
    "new_failure": _("new, first seen %(time)s ago"),
    "returned": _("came back %(time)s ago"),
    "no_workers": _("no workers"),
    "backlog": _("falls behind"),
    "ago": _("%(time)s ago"),
    "in_all": _("%(day)s in 24 hours, %(all)s in all"),
    "more_problems": _("%(count)s more to look at"),
    "online": _("%(count)s online"),
    "silent": _("%(count)s silent"),
    "gone": _("%(count)s gone"),
    "show_queue": _("Show tasks"),
    "show_worker": _("Open workers"),
    "show_failure": _("Open failure"),
    "show_schedule": _("Open schedule"),
}

# Problems in words: what it is about, and a sentence.
PROBLEMS = {
    "queue_unattended": _("%(subject)s has no workers."),
    "queue_unattended_one": _("1 task waits, for %(time)s."),
    "queue_unattended_many": _("%(count)s tasks wait, the oldest for %(time)s."),
    "queue_backlog": _("%(subject)s falls behind."),
    "queue_backlog_one": _("1 task waits, for %(time)s."),
    "queue_backlog_many": _("%(count)s tasks wait, the oldest for %(time)s."),
    "worker_gone": _("%(subject)s is gone."),
    "worker_gone_none": _("Nothing was heard of it for %(time)s."),
    "worker_gone_one": _("Nothing was heard of it for %(time)s; it left 1 task unfinished."),
    "worker_gone_many": _(
        "Nothing was heard of it for %(time)s; it left %(count)s tasks unfinished."
    ),
    "worker_silent": _("%(subject)s is silent."),
    "worker_silent_none": _("No heartbeat for %(time)s."),
    "worker_silent_one": _("No heartbeat for %(time)s; it has 1 task in hand."),
    "worker_silent_many": _("No heartbeat for %(time)s; it has %(count)s tasks in hand."),
    "failure_in": _("%(subject)s in %(task)s"),
    "failure_new": _("%(subject)s is new."),
    "failure_new_one": _("1 task failed with it, %(time)s ago."),
    "failure_new_many": _("%(count)s tasks failed with it, the first %(time)s ago."),
    "failure_burst": _("%(subject)s is frequent."),
    "failure_burst_many": _(
        "%(count)s tasks failed with it in the last hour, the newest %(time)s ago."
    ),
    "failure_returned": _("%(subject)s came back."),
    "failure_returned_many": _("It was resolved, and failed again %(time)s ago."),
    "schedule_missed": _("%(subject)s did not run."),
    "schedule_missed_one": _("1 run was missed, due %(time)s ago."),
    "schedule_missed_many": _("%(count)s runs were missed, the first due %(time)s ago."),
    "stream": _("Events may be missing."),
    "stream_many": _("Nothing is heard from the cluster for %(time)s."),
    "other": _("%(subject)s needs a look."),
    "other_many": _("Since %(time)s."),
}

CHART = {
    "finished": _("finished"),
    "failed": _("failed"),
    "started": _("started"),
    "so_far": _("so far"),
    "blind": _("blind"),
    "summary": _(
        "Between %(low)s and %(high)s finished %(unit)s; %(failed)s failed in all,"
        " %(peak)s at most."
    ),
    "nothing": _("Nothing finished in this time."),
    "title": _("Finished and failed %(unit)s"),
    "unit_60": _("per minute"),
    "unit_120": _("per 2 minutes"),
    "unit_300": _("per 5 minutes"),
    "unit_900": _("per 15 minutes"),
    "unit_3600": _("per hour"),
    "unit_7200": _("per 2 hours"),
}

# What the dialog of actions says.
ACTIONS = {
    "one_task": _("1 task"),
    "tasks": _("%(count)s tasks"),
    "revoke": _("Revoke"),
    "retry": _("Retry"),
    "terminate": _("Terminate"),
    "sending": _("Sending…"),
    "revoke_one": _("Revoke this task?"),
    "terminate_one": _("Terminate this task?"),
    "retry_one": _("Retry this task?"),
    "revoke_some": _("Revoke tasks?"),
    "retry_some": _("Retry tasks?"),
    "revoke_many": _("Revoke %(tasks)s?"),
    "retry_many": _("Retry %(tasks)s?"),
    "over": _("Over already, so it will be refused: %(tasks)s."),
    "not_over": _("Not over yet, so it will be refused: %(tasks)s."),
    "ended": _("Running, and will be ended: %(tasks)s."),
    "left_running": _("Running, and left to go on: %(tasks)s."),
    "why_revoke": reasons.SENTENCES["finished"],
    "why_retry": reasons.SENTENCES["unfinished"],
    "too_many": _("More than %(limit)s tasks match: narrow the query."),
    "nothing": _("There is no such task (any more)."),
    "revoke_running": _("Revoking"),
    "terminate_running": _("Terminating"),
    "retry_running": _("Retrying"),
    "stopping": _("Stopping"),
    "finished": _("Done"),
    "stopped": _("Stopped"),
    "interrupted": _("Interrupted"),
    "count_done": _("%(count)s done"),
    "count_refused": _("%(count)s refused"),
    "count_failed": _("%(count)s failed"),
    "of": _("%(count)s of %(tasks)s"),
    "is_done": _("done"),
    "is_refused": _("refused"),
    "is_failed": _("failed"),
    "more_outcomes": _("The others are in the audit."),
    "revoke_done": _("It is revoked: workers will pass it over."),
    "terminate_done": _("Its worker was told to end it."),
    "retry_done": _("It was sent again."),
    "new_task": _("New task %(id)s"),
    "no_answer": _(
        "No answer came. It may have been done all the same: look before you try again."
    ),
    "signed_out": _(
        "The server refused it (%(status)s). Reload the page, sign in if it asks, and try again."
    ),
    "failed": _("The server could not do it (%(status)s). Its log says why."),
    "all_matching": _("Select all %(count)s that match"),
    "all_selected": _("All %(count)s that match"),
    "select": _("Select %(name)s"),
    "none_fits_retry": _("None of the selected tasks is over yet."),
    "none_fits_revoke": _("All of the selected tasks are over."),
}

# What the page of failures says.
FAILURES = {
    "open": _("Open"),
    "muted": _("Muted"),
    "resolved": _("Resolved"),
    "new": _("new since %(time)s"),
    "returned": _("came back %(time)s ago"),
    "muted_until": _("until %(when)s"),
    "muted_for_good": _("for good"),
    "by": _("by %(user)s"),
    "said_mute": _("Muted."),
    "said_resolve": _("Resolved. A new failure brings it back."),
    "said_reopen": _("Open again."),
    "loading": _("Reading what is known of it…"),
    "unreachable": _("What is known of it could not be read: the server did not answer."),
    "groups_one": _("1 group"),
    "groups": _("%(count)s groups"),
}

# The drawing of a workflow.
GRAPH = {
    "done": _("%(count)s of %(total)s done"),
    "cut": _("Only the first %(count)s tasks are shown."),
    "fold": _("%(count)s × %(name)s"),
    "this": _("this task"),
    "part": _("%(count)s %(state)s"),
    "title": _("Workflow"),
}

# What only the script writes.
PAGE = {
    "new": _("%(count)s new"),
    "one_new_said": _("1 new task waits"),
    "new_said": _("%(count)s new tasks wait"),
    "shown": _("%(number)s of %(total)s"),
    "remove": _("Remove filter %(term)s"),
    "selected": _("%(count)s selected"),
    "held": _("List held, %(count)s waiting"),
    "loading": _("Loading older tasks"),
    "end": _("That is all"),
    "failed": _("Older tasks could not be loaded: %(reason)s"),
    "copied": _("Copied"),
    "not_copied": _("The browser did not allow copying"),
    "unreachable": _("the server did not answer"),
    "suggestions": _("%(count)s suggestions"),
    "kept": _("Saved as %(name)s."),
    "renamed": _("It is called %(name)s now."),
    "deleted": _("%(name)s is deleted."),
    "rename": _("Rename %(name)s"),
    "forget": _("Delete %(name)s"),
    "every": _("every task"),
    "columns": _("Columns changed."),
    "unnamed": _("unnamed task"),
    "open_failures": _("%(count)s open failure groups"),
}


def for_script() -> dict[str, dict[str, str]]:
    """All of them in the language of the request, ready for `json_script`."""
    groups: dict[str, Mapping[str, object]] = {
        "states": STATES,
        "notes": NOTES,
        "stream": STREAM,
        "health": HEALTH,
        "overview": OVERVIEW,
        "problems": PROBLEMS,
        "chart": CHART,
        "actions": ACTIONS,
        "failures": FAILURES,
        "graph": GRAPH,
        "page": PAGE,
    }
    told = {name: {key: str(text) for key, text in texts.items()} for name, texts in groups.items()}
    return {**told, "said": said.for_script()}
