"""Why an action was refused or failed: one word for the store and for programs, one sentence for
people."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

SENTENCES: Mapping[str, str | Promise] = {
    "not_allowed": gettext_lazy("The permission for this was withdrawn."),
    "unknown": gettext_lazy("Nothing is known of such a task, or you may not see it."),
    "finished": gettext_lazy("It is over: there is nothing left to revoke."),
    "running": gettext_lazy("It is running already: only terminating ends it."),
    "worker_gone": gettext_lazy("The worker that ran it is gone: nobody is left to end it."),
    "pool": gettext_lazy(
        "Its worker has no process for each task (its pool is of threads, or solo): none can be "
        "ended alone."
    ),
    "no_worker": gettext_lazy(
        "No worker is alive: only living ones remember that a task is revoked."
    ),
    "unfinished": gettext_lazy("It is not over yet: only what is over can be tried again."),
    "no_name": gettext_lazy("Its name was never told, so nobody knows what to run."),
    "no_arguments": gettext_lazy(
        "Its arguments are not known whole: the result backend has none (set result_extended), and "
        "what the events told was cut or is no plain data."
    ),
    "redacted_arguments": gettext_lazy(
        "Some of its arguments are redacted, and the result backend has no others (set "
        "result_extended)."
    ),
    "no_queue": gettext_lazy("The broker has no queue named %(more)s."),
    "stopped": gettext_lazy("It was stopped: what was done stays done, the rest is as it was."),
    "interrupted": gettext_lazy(
        "The process that carried it out ended: what was done stays done, the rest is as it was."
    ),
    "no_app": gettext_lazy(
        "The web process knows no Celery app to act through. Set HEADWAY_CELERY_APP or "
        "HEADWAY_BROKER_URL for it too."
    ),
    "bad_app": gettext_lazy(
        "The Celery app that HEADWAY_CELERY_APP names cannot be loaded; the log says why."
    ),
    "broker_away": gettext_lazy(
        "The broker does not answer (%(more)s). Try again when it is back."
    ),
    "not_sent": gettext_lazy("It could not be sent (%(more)s)."),
}
"""`%(more)s` stands for words that need no translation: a name, a type of error."""

MAX_STORED = 500


def stored(reason: str | None, more: str = "") -> str | None:
    """The reason as an audit entry keeps it, to be told in each reader's own language."""
    if reason is None:
        return None
    return f"{reason}: {more}"[:MAX_STORED] if more else reason


def code(text: str | None) -> str | None:
    """The word for programs of what was stored."""
    return None if text is None else text.partition(": ")[0]


def sentence(text: str | None) -> str | None:
    """What was stored as a sentence, in the language of whoever asks."""
    if text is None:
        return None
    reason, _colon, more = text.partition(": ")
    known = SENTENCES.get(reason)
    return text if known is None else str(known) % {"more": more or _("no reason told")}
