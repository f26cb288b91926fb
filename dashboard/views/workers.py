"""The workers: how they are, what they hold, and how busy they are."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from dashboard import cells, conf, formats, presentation, snapshots, waiting
from dashboard.cells import Row
from dashboard.views import pages, shell, told
from dashboard.views.policy import page
from dashboard.views.tasklist import ID_PLACEHOLDER
from realtime import sight
from realtime.core import query as language
from realtime.ports import Rights, Select, Snapshots, StoreUnavailable

ACTIVE_LIMIT = 500
_NAMED = 2
"""Running tasks that a row names; the rest are counted."""

TABLE = told.Table(
    of="workers",
    key="name",
    cells={
        "url": ("search", "worker", "name"),
        "title": ("text", "name"),
        "node": ("name", "name", "node"),
        "host": ("name", "name", "host"),
        "health": ("text", "state"),
        "word": ("health", "state"),
        "queues": ("all", "queues"),
        "use": ("use", "active", "concurrency"),
        "has_slots": ("flag", "concurrency"),
        "share": ("share", "active", "concurrency"),
        "pool": ("text", "pool"),
        "processed": ("number", "processed"),
        "load": ("load", "loadavg"),
        "loads": ("load", "loadavg", "all"),
        "offset": ("offset", "clock_offset"),
        "is_skewed": ("is_skewed", "clock_offset"),
        "version": ("text", "sw_ver"),
        "system": ("text", "sw_sys"),
        "is_odd": ("flag", "usual"),
        "says_version": ("fill", "runs", "sw_ver", "usual"),
        "is_silent": ("flag", "state", "silent"),
        "silence": ("age", "last_heartbeat_at", "silence"),
        "beat": ("age", "last_heartbeat_at", "ago"),
        "asked": ("age", "inspected_at", "asked"),
        "forgotten": ("due", "forgotten_at"),
        "is_gone": ("flag", "forgotten_at"),
    },
    words={
        "online": _("%(count)s online"),
        "silent": _("%(count)s silent"),
        "gone": _("%(count)s gone"),
        "slots": _("%(busy)s of %(slots)s slots busy"),
        "silence": _("is silent: no heartbeat for %(time)s."),
        "runs": _("It runs Celery %(sw_ver)s, the others %(usual)s."),
        "ago": _("%(time)s ago"),
        "asked": _("asked %(time)s ago"),
        "due_in": _("forgotten in %(time)s"),
        "due_now": _("about to be forgotten"),
    },
    only={"notes": ("trouble",)},
    tallies={state: ("state", state) for state in ("online", "silent", "gone")},
)


@page("view_worker")
@require_safe
def show(request: HttpRequest, rights: Rights) -> HttpResponse:
    """Every worker by name, with what it runs and holds where the viewer may see tasks."""
    reader, now = pages.snapshots(), time.time()
    try:
        found = reader.page(sight.narrowed(Select(TABLE.of), rights), language.EVERYTHING, now)
        rows = sorted(found.rows, key=lambda row: str(row["name"]))
        forget_after = conf.current().forget_workers_after
        made = told.context(TABLE, shown(rows, forget_after), rights, now)
        active, held = _active(reader, rights, now), _held(rights)
        for line in made["lines"]:
            tasks = active.get(line["key"], [])
            line |= {"active": tasks[:_NAMED], "more": len(tasks[_NAMED:])}
            line["held"] = _holding(line["key"], held.get(line["key"], {}))
        made["script"]["forget_after"] = forget_after
        context = {
            **made,
            "is_restricted": sight.is_restricted(rights),
            "slots": slots(rows),
            "forgotten_after": formats.age(forget_after),
            "task_url": reverse("headway:task", args=[ID_PLACEHOLDER]),
        }
        return shell.page(request, "workers.html", context, stream=reader.stream(), now=now)
    except StoreUnavailable:
        return pages.unavailable(request)


def shown(rows: Sequence[Row], forget_after: float) -> list[Row]:
    """The rows with what only all of them tell: the `usual` version for who has another, and
    whether one is in `trouble`. A worker that is gone claims no load and no clock, and is
    `forgotten_at`."""
    living = [row for row in rows if row["state"] != "gone"]
    versions = Counter(row["sw_ver"] for row in living if row.get("sw_ver"))
    usual = min(versions, key=lambda each: (-versions[each], each), default=None)
    return [_shown(row, usual, forget_after) for row in rows]


def _shown(row: Row, usual: str | None, forget_after: float) -> Row:
    if row["state"] == "gone":
        nothing = dict.fromkeys(("loadavg", "clock_offset", "inspected_at")) | {"active": 0}
        return {**row, **nothing, "forgotten_at": row["last_heartbeat_at"] + forget_after}
    is_odd = bool(row.get("sw_ver")) and row["sw_ver"] != usual
    is_skewed = abs(row.get("clock_offset") or 0) >= cells.SKEW_LIMIT_S
    is_troubled = row["state"] == "silent" or is_skewed
    return {**row, "usual": usual if is_odd else None, "trouble": is_troubled}


def slots(rows: Sequence[Row]) -> str:
    """How many of the slots of those that live are busy; empty where none are known."""
    living = [row for row in rows if row["state"] != "gone" and row.get("concurrency")]
    of = sum(row["concurrency"] for row in living)
    busy = sum(row.get("active") or 0 for row in living)
    return str(TABLE.words["slots"]) % {"busy": busy, "slots": of} if of else ""


def _active(reader: Snapshots, rights: Rights, now: float) -> dict[str, list[dict[str, Any]]]:
    """The running tasks of each worker, newest first."""
    if "view_task" not in rights.can:
        return {}
    running = Select("tasks", language.parse("status:running,stalled"), ACTIVE_LIMIT)
    active: dict[str, list[dict[str, Any]]] = {}
    for row in reader.page(running, rights.rows, now).rows:
        active.setdefault(str(row.get("worker") or ""), []).append(presentation.task_line(row, now))
    return active


def read_held() -> Mapping[str, Mapping[str, int]]:
    """How many tasks each worker holds, by kind."""
    return snapshots.read(DEFAULT_DB_ALIAS, waiting.held)


def _held(rights: Rights) -> Mapping[str, Mapping[str, int]]:
    """Nothing for who may see but some tasks: it counts everybody's."""
    if "view_task" not in rights.can or sight.is_restricted(rights):
        return {}
    return read_held()


def _holding(worker: str, counts: Mapping[str, int]) -> list[dict[str, str]]:
    """What a worker has taken and not begun, in words that lead to it."""
    words = {"reserved": _("%(count)s reserved"), "scheduled": _("%(count)s scheduled")}
    name = presentation.term("worker", worker)
    return [
        {
            "text": str(word) % {"count": formats.number(counts[kind])},
            "url": presentation.search_url(f"{name} status:{kind}"),
        }
        for kind, word in words.items()
        if counts.get(kind)
    ]
