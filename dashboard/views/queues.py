"""The queues: how much waits in each, for how long, and whether somebody takes it."""

import time
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from dashboard.views import pages, shell, told
from dashboard.views.policy import page
from realtime import sight
from realtime.core.watched import MINUTES
from realtime.ports import Rights, Select, StoreUnavailable

TABLE = told.Table(
    of="queues",
    key="name",
    cells={
        "name": ("text", "name"),
        "url": ("search", "queue", "name"),
        "waiting_url": ("search", "queue", "name", "status:queued"),
        "warning": ("word", "warning"),
        "is_late": ("flag", "warning"),
        "is_unattended": ("flag", "warning", "unattended"),
        "advice": ("word", "warning", "advice"),
        "command": ("fill", "command", "name"),
        "waits": ("counted", "waits", "waiting", "oldest_at"),
        "state": ("word", "warning", "state"),
        "priorities": ("pairs", "priorities"),
        "error": ("said", "error"),
        "share": ("share", "depth"),
        "depth": ("number", "depth"),
        "hour": ("timeline", "depths", str(MINUTES)),
        "waiting": ("capped", "waiting", "waiting_capped"),
        "oldest": ("age", "oldest_at"),
        "arriving": ("rate", "in_per_minute"),
        "leaving": ("rate", "out_per_minute"),
        "empties": ("empties", "depth", "out_per_minute", "warning"),
        "consumers": ("number", "consumers", "worker_count"),
        "workers": ("listed", "workers", "worker_count"),
        "all_workers": ("all", "workers"),
        "read": ("age", "measured_at"),
    },
    words={
        "warning_unattended": _("no workers"),
        "warning_backlog": _("falls behind"),
        "advice_unattended": _("has no workers."),
        "advice_backlog": _("falls behind."),
        "waits_one": _("1 task waits, for %(time)s."),
        "waits_many": _("%(count)s tasks wait, the oldest for %(time)s."),
        "command": "celery -A proj worker -E -Q %(name)s",
        "empties_backlog": _("growing"),
        "empties_unattended": _("never"),
        "empties_never": _("never"),
        "state_unattended": "retrying",
        "state_backlog": "retrying",
        "all": _("%(count)s in all"),
        "unattended": _("%(count)s without workers"),
        "backlog": _("%(count)s falling behind"),
    },
    only={"notes": ("warning", "unattended")},
    tallies={"unattended": ("warning", "unattended"), "backlog": ("warning", "backlog"), "all": ()},
)


@page("view_queue")
@require_safe
def show(request: HttpRequest, rights: Rights) -> HttpResponse:
    """Every queue: those in trouble first, then the deepest."""
    reader, now = pages.snapshots(), time.time()
    try:
        found = reader.page(sight.narrowed(Select(TABLE.of), rights), rights.rows, now)
        rows = sorted(found.rows, key=_trouble_first)
        context = {
            **told.context(TABLE, rows, rights, now),
            "is_restricted": sight.is_restricted(rights),
        }
        return shell.page(request, "queues.html", context, stream=reader.stream(), now=now)
    except StoreUnavailable:
        return pages.unavailable(request)


def _trouble_first(row: Any) -> tuple[int, int, str]:
    order = {"unattended": 0, "backlog": 1}
    return order.get(row.get("warning"), 2), -(row.get("depth") or 0), row["name"]
