"""The schedule of Celery beat: when each entry is due, how its last run went, what did not run."""

import time
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from dashboard import phrases
from dashboard.views import pages, shell, told
from dashboard.views.policy import page
from realtime import sight
from realtime.ports import Rights, Select, StoreUnavailable

TABLE = told.Table(
    of="schedule",
    key="name",
    cells={
        "name": ("text", "name"),
        "task": ("text", "task"),
        "task_url": ("search", "name", "task"),
        "is_off": ("absent", "is_enabled"),
        "is_missed": ("flag", "missed"),
        "phrase": ("phrase", "schedule"),
        "raw": ("raw", "schedule"),
        "next": ("due", "next_run_at"),
        "next_at": ("instant", "next_run_at"),
        "last": ("age", "last_run_at", "ago"),
        "last_url": ("link", "task", "last_task_id"),
        "is_never": ("absent", "last_run_at"),
        "outcome": ("chip", "last_outcome"),
        "missed": ("counted", "missed", "missed", "missed_at"),
        "note": ("counted", "note", "missed", "missed_at"),
        "source": ("text", "source"),
        "checked": ("age", "checked_at", "ago"),
    },
    words={
        **phrases.WORDS,
        "due_in": _("in %(time)s"),
        "due_now": _("due now"),
        "ago": _("%(time)s ago"),
        "missed_one": _("1 missed, %(time)s ago"),
        "missed_many": _("%(count)s missed, first %(time)s ago"),
        "note_one": _("did not run: 1 run was missed, due %(time)s ago."),
        "note_many": _("did not run: %(count)s runs were missed, the first due %(time)s ago."),
        "all": _("%(count)s in all"),
        "late": _("%(count)s did not run"),
        "off": _("%(count)s disabled"),
    },
    only={"notes": ("missed",)},
    tallies={"late": ("missed",), "off": ("is_enabled", "False", "false"), "all": ()},
)


@page("view_scheduleentry")
@require_safe
def show(request: HttpRequest, rights: Rights) -> HttpResponse:
    """Every entry: those that missed runs first, the disabled ones last."""
    reader, now = pages.snapshots(), time.time()
    try:
        found = reader.page(sight.narrowed(Select(TABLE.of), rights), rights.rows, now)
        rows = sorted(found.rows, key=_trouble_first)
        context = {
            **told.context(TABLE, rows, rights, now),
            "is_restricted": sight.is_restricted(rights),
        }
        return shell.page(request, "schedule.html", context, stream=reader.stream(), now=now)
    except StoreUnavailable:
        return pages.unavailable(request)


def _trouble_first(row: Any) -> tuple[bool, bool, float, str]:
    due = row.get("next_run_at")
    return (
        not row.get("missed"),
        not row.get("is_enabled"),
        float("inf") if due is None else due,
        row["name"],
    )
