"""A public row in words, for pages that nothing has made live yet."""

from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from dashboard import formats
from realtime.core.task import COMPLETED
from realtime.core.wire import Row


class Face(NamedTuple):
    """What is read: how it stands, more about it, and the bar: whether there is one, and how far
    it is in percent (None: nobody knows)."""

    words: str
    note: str = ""
    has_bar: bool = False
    percent: str | None = None
    value: str = ""


def face(row: Row | None) -> Face:
    """The words of a public row, in the active language; None is one that could not be read."""
    if row is None:
        return Face(_("How it stands is not known right now."))
    if row["status"] == COMPLETED:
        return _over(row)
    words = _words(row)
    return Face(words, _note(row), *_bar(row))


def _over(row: Row) -> Face:
    counts: Any = row.get("counts")
    conclusion = row["conclusion"]
    if conclusion == "succeeded":
        return Face(_("Done"))
    if conclusion == "cancelled":
        return Face(_("Cancelled"))
    if counts and counts["failed"]:
        told = {"failed": counts["failed"], "total": sum(counts.values())}
        return Face(_("%(failed)s of %(total)s failed") % told)
    error: Any = row.get("error") or {}
    reference = error.get("reference")
    note = _("Reference %(reference)s") % {"reference": reference} if reference else ""
    return Face(error.get("message") or _("It did not work"), note)


def _words(row: Row) -> str:
    status, progress = row["status"], row.get("progress")
    told: Any = progress if isinstance(progress, dict) else {}
    if status == "running":
        said = told.get("message") or told.get("stage")
        return str(said) if said else _("In progress")
    return {
        "queued": _("Waiting to start"),
        "reserved": _("Waiting to start"),
        "scheduled": _("Starts later"),
        "retrying": _("Will be tried again"),
        "stalled": _("Takes longer than usual"),
    }.get(str(status), _("Nothing is known of it (any more)"))


def _note(row: Row) -> str:
    place: Any = row.get("queue_position")
    if place:
        return _("About number %(place)s in line") % {"place": formats.number(place)}
    if row.get("note") == "handed_over":
        return _("It was handed over and waits.")
    return _progress_note(row)


def _progress_note(row: Row) -> str:
    counts: Any = row.get("counts")
    progress: Any = row.get("progress")
    if counts and progress and progress["total"] is not None:
        told = {"done": progress["current"], "total": progress["total"]}
        return _("%(done)s of %(total)s") % told
    left: Any = row.get("eta_seconds")
    return _("About %(time)s left") % {"time": formats.age(left)} if left else ""


def _bar(row: Row) -> tuple[bool, str | None, str]:
    if row["status"] == "unknown":
        return False, None, ""
    progress: Any = row.get("progress")
    percent = progress.get("percent") if isinstance(progress, dict) else None
    if percent is None:
        return True, None if row["status"] in ("running", "stalled") else "0", ""
    return True, f"{percent:.4g}", formats.percent(percent)
