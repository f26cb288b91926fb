"""The words of the pages that both the server and the page's script write: one place, marked for
translation.

The script gets them as JSON (`#headway-words`), so a translated page stays translated when it is
live.
"""

from django.utils.translation import gettext_lazy as _

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
}


def for_script() -> dict[str, dict[str, str]]:
    """All of them in the language of the request, ready for `json_script`."""
    groups = {"states": STATES, "notes": NOTES, "stream": STREAM, "health": HEALTH, "page": PAGE}
    return {name: {key: str(text) for key, text in texts.items()} for name, texts in groups.items()}
