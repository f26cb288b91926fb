"""The overview: what is wrong, how busy it is, and how it went, from one row of figures."""

import contextlib
import time
from typing import Any, cast

from django.db import DEFAULT_DB_ALIAS
from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_safe

from dashboard import badge, charts, figures, overview, ranges, snapshots, words
from dashboard.overview import PLACEHOLDER, Links
from dashboard.ranges import Span
from dashboard.snapshots import Snapshot
from dashboard.views import pages, shell
from dashboard.views.policy import page
from realtime import sight
from realtime.core import query as language
from realtime.core.wire import Row
from realtime.ports import Rights, Select, Snapshots, StoreUnavailable, TooCostly

_PAGES = {"workers": (), "queues": (), "failures": (), "failure": (PLACEHOLDER,), "schedule": ()}
"""What the overview links to beside the task list, and the arguments of each address."""
_FIGURES = ("queued", "scheduled", "reserved", "running", "retrying", "stalled")


@page("view_task")
@require_safe
def show(request: HttpRequest, rights: Rights) -> HttpResponse:
    """The overview of what this viewer may see. `range` is one of `ranges.RANGES`; `from` and
    `until` (Unix seconds) zoom into it."""
    reader, now = pages.snapshots(), time.time()
    asked = request.GET
    span = ranges.span(asked.get("range"), asked.get("from"), asked.get("until"), now)
    try:
        context = _context(reader, rights, span, now)
        return shell.page(request, "overview.html", context, stream=reader.stream(), now=now)
    except TooCostly:
        return pages.too_costly(request)
    except StoreUnavailable:
        return pages.unavailable(request)


def _context(reader: Snapshots, rights: Rights, span: Span, now: float) -> dict[str, Any]:
    found = reader.page(sight.narrowed(Select("overview"), rights), rights.rows, now)
    row = found.rows[0]
    workers = _workers(reader, rights, now)
    links = addresses(rights)
    cursor = {"epoch": found.epoch, "revision": found.revision}
    context: dict[str, Any] = {
        "links": links,
        "first_rows": {**cursor, "rows": [row]},
        "first_workers": None if workers is None else {**cursor, "rows": workers},
        "ranges": _ranges(span),
    }
    if _is_first_run(reader, rights, row, now):
        checks = badge.first_run_checks(reader.stream(), workers, now)
        return {**context, "empty": {"kind": "first_run", "checks": checks}}
    problems = overview.problems(row, links, now)
    further = problems[overview.SHOWN_PROBLEMS :]
    return context | {
        "problems": problems[: overview.SHOWN_PROBLEMS],
        "further": further,
        "further_count": str(words.OVERVIEW["more_problems"]) % {"count": len(further)},
        "tiles": overview.tiles(row, links, now),
        "has_series": "series" in row,
        "chart": _chart(row, links, span, now) if "series" in row else None,
        "failures": overview.failures(row, links, now) if "failures" in row else None,
        "queues": overview.queues(row, links, now) if "queues" in row else None,
        "latencies": overview.latencies(row, links) if "names" in row else None,
        "workers": None if workers is None else overview.workers(workers, links, now),
        "fleet": None if workers is None else overview.fleet(workers),
    }


def addresses(rights: Rights) -> Links:
    """The pages that the overview links to, as far as they exist and this viewer may open them."""
    links = dict.fromkeys(_PAGES, "") | {"tasks": reverse("headway:tasks")}
    for name, arguments in _PAGES.items():
        if sight.refusal("failures" if name == "failure" else name, rights) is None:
            with contextlib.suppress(NoReverseMatch):
                links[name] = reverse(f"headway:{name}", args=arguments)
    return links


def _workers(reader: Snapshots, rights: Rights, now: float) -> list[Row] | None:
    if sight.refusal("workers", rights) is not None:
        return None
    select = sight.narrowed(Select("workers"), rights)
    return reader.page(select, language.EVERYTHING, now).rows


def _is_first_run(reader: Snapshots, rights: Rights, row: Row, now: float) -> bool:
    """Whether there was never a task for this viewer."""
    if any(row.get(name) for name in (*_FIGURES, "finished_last_hour")):
        return False
    return not reader.page(Select("tasks", limit=1), rights.rows, now).rows


def _ranges(span: Span) -> list[dict[str, Any]]:
    return [
        {"name": name, "url": f"?range={name}", "is_current": name == span.range}
        for name in ranges.RANGES
    ]


def _chart(row: Row, links: Links, span: Span, now: float) -> dict[str, Any]:
    is_told = span.range == ranges.DEFAULT and not span.is_zoomed
    read, gaps = read_chart(span, is_told)
    points = (
        charts.of_minutes(cast(list[list[int]], row["series"]), span)
        if is_told
        else charts.of_figures(read, span)
    )
    return charts.chart(span, points, gaps, links, now)


def read_chart(span: Span, is_told: bool) -> tuple[list[Any], list[charts.Gap]]:
    """The figures of a span, where the overview's row does not tell them, and its gaps."""

    def read(snapshot: Snapshot) -> tuple[list[Any], list[charts.Gap]]:
        gaps = charts.gaps(snapshot, span)
        if is_told:
            return [], gaps
        bounds = (span.from_at, span.until_at)
        return figures.series(snapshot, "all", "", *bounds, span.points), gaps

    return snapshots.read(DEFAULT_DB_ALIAS, read)
