"""What the HTTP API tells beside single tasks: failures, queues, the schedule, figures over time,
workflows. The rows are those of the live views."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

from django.db import DEFAULT_DB_ALIAS
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Query, Router

from dashboard import figures, trees
from dashboard import snapshots as reads
from dashboard.said import said
from dashboard.snapshots import Snapshot
from dashboard.views import schemas_figures as shapes
from dashboard.views.api import MAX_LIMIT, Refused, allowed, snapshots, unknown_task
from realtime import sight
from realtime.core import query as language
from realtime.core.rollup import HOUR_S
from realtime.ports import Page, Rights, Select

router = Router()

MAX_KEYS = 100
"""The busiest; whoever wants more asks the metrics."""
POINTS = 120
SHORTEST_S = 60

_FROM = Query(None, alias="from", description="Else an hour before `to`.")
_TO = Query(None, alias="to", description="Else now.")

Answer = TypeVar("Answer")


@router.get("failures", response=shapes.FailureGroups, summary="Groups of failures")
def failures(
    request: HttpRequest,
    query: str = Query("", description="Words: name, state, since; else text of the failure."),
    limit: int = Query(100, ge=1, le=MAX_LIMIT),
) -> dict[str, Any]:
    """The groups that failed last among those that match the query."""
    rights = _seeing(request, "failures")
    asked = language.parse(query, unreadable=rights.hidden, language=language.FAILURES)
    return _listed(_page(Select("failures", asked, limit), rights))


@router.get("failures/{signature}", response=shapes.CountedFailureGroup, summary="One group")
def failure(request: HttpRequest, signature: str) -> Any:
    """One group of failures."""
    page = _page(Select("failures", ids=(signature,), limit=1), _seeing(request, "failures"))
    if not page.rows:
        detail = _("No failure of this signature was ever seen, or it was deleted by retention.")
        raise Refused(404, "unknown_failure", _("Unknown failure"), detail)
    return page.rows[0]


@router.get("queues", response=shapes.Queues, summary="Queues")
def queues(request: HttpRequest) -> dict[str, Any]:
    """Every queue, by name."""
    return _listed(_page(Select("queues"), _seeing(request, "queues")))


@router.get("schedule", response=shapes.Schedule, summary="Schedule")
def schedule(request: HttpRequest) -> dict[str, Any]:
    """Every entry of Celery beat's schedule, by name."""
    return _listed(_page(Select("schedule"), _seeing(request, "schedule")))


@router.get("stats", response=shapes.Stats, summary="Figures over time")
def stats(
    request: HttpRequest,
    since: datetime | None = _FROM,
    until: datetime | None = _TO,
    by: Literal["name", "queue", "worker"] = Query("name"),
) -> dict[str, Any]:
    """What happened to all tasks in a span of time, and to those of the busiest keys."""
    rights = allowed(request, "view_task")
    if sight.is_restricted(rights):
        detail = _("These figures count all tasks, and you may see only some of them.")
        raise Refused(403, "not_allowed", _("Not allowed"), detail)
    from_at, until_at = _span(since, until)
    points = min(POINTS, int((until_at - from_at) // SHORTEST_S))

    def work(snapshot: Snapshot) -> dict[str, Any]:
        keys = figures.by_key(snapshot, by, from_at, until_at, MAX_KEYS, with_others=True)
        return {
            "items": [{**row, "key": row[by]} for row in keys],
            "series": figures.series(snapshot, "all", "", from_at, until_at, points),
        }

    return {"from_at": from_at, "until_at": until_at, "by": by, **_read(work)}


@router.get("tasks/{path:task_id}/tree", response=shapes.Tree, summary="The workflow of a task")
def tree(request: HttpRequest, task_id: str) -> Any:
    """The tasks of its root that the caller may see, at most 500."""
    rights = allowed(request, "view_task")
    found = _read(lambda snapshot: trees.tree(snapshot, task_id, rights.rows, time.time()))
    if found is None:
        raise unknown_task()
    return found._asdict()


def _seeing(request: HttpRequest, of: str) -> Rights:
    """The caller's rights, which let them see this kind of thing."""
    rights: Rights = request.auth  # type: ignore[attr-defined]
    if refused := sight.refusal(of, rights):
        raise Refused(403, "not_allowed", _("Not allowed"), said(refused))
    return rights


def _page(select: Select, rights: Rights) -> Page:
    return snapshots().page(sight.narrowed(select, rights), rights.rows, time.time())


def _listed(page: Page) -> dict[str, Any]:
    return {"items": page.rows, "epoch": page.epoch, "revision": page.revision}


def _read(work: Callable[[Snapshot], Answer]) -> Answer:
    return reads.read(DEFAULT_DB_ALIAS, work)


def _span(since: datetime | None, until: datetime | None) -> tuple[float, float]:
    """Unix seconds."""
    now = time.time()
    until_at = now if until is None else _seconds(until)
    from_at = until_at - HOUR_S if since is None else _seconds(since)
    if from_at < 0 or until_at > now + figures.LONGEST_S:
        detail = _("from, to: there are no figures of before 1970 or of more than 7 days ahead.")
        raise Refused(400, "bad_parameter", _("Bad parameter"), detail)
    if not SHORTEST_S <= until_at - from_at <= figures.LONGEST_S:
        detail = _("from: it is a minute to 7 days before `to`.")
        raise Refused(400, "bad_parameter", _("Bad parameter"), detail)
    return from_at, until_at


def _seconds(moment: datetime) -> float:
    """Unix seconds; what has no zone is UTC."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
