"""The words of the pages that both the server and the page's script write: one place, marked for translation.

The script gets them as JSON (`#headway-words`), so a translated page stays translated when it is live.
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

# What the progress column says of a task that has no bar. Placeholders are filled with formatted text.
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
    "no_name": _("name not known yet"),
}

# The state of the stream, as the badge says it.
STREAM = {
    "still": _("As of"),
    "live": _("Live"),
    "behind": _("Catching up"),
    "blind": _("Blind"),
    "repairing": _("Repairing"),
    "unknown": _("No receiver"),
    "paused": _("Paused"),
    "reconnecting": _("Reconnecting"),
    "offline": _("Offline"),
    "behind_by": _("%(time)s behind"),
    "since": _("since %(time)s"),
    "as_of": _("as of %(time)s"),
}

HEALTH = {
    "online": _("Online"),
    "silent": _("Silent"),
    "gone": _("Gone"),
}


def for_script() -> dict[str, dict[str, str]]:
    """All of them in the language of the request, ready for `json_script`."""
    groups = {"states": STATES, "notes": NOTES, "stream": STREAM, "health": HEALTH}
    return {name: {key: str(text) for key, text in texts.items()} for name, texts in groups.items()}
