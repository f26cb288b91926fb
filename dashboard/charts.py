"""What a chart over time is made of: its points, gaps, table and sentence.

static/headway/chart-data.js writes the same table and sentence when the figures change;
tests/vectors/chart.json holds both to it. Instants are Unix seconds.
"""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from dashboard import formats, geometry, overview, words
from dashboard.overview import Links
from dashboard.ranges import Span
from dashboard.snapshots import Snapshot
from realtime.core.task import CONCLUSIONS

MAX_GAPS = 50
_DAY_S = 86_400


class Point(NamedTuple):
    """One step of a chart: when it begins, and what finished, failed and started in it."""

    at: int
    finished: int = 0
    failed: int = 0
    started: int = 0


class Gap(NamedTuple):
    """A time in which the stream was interrupted; `until_at` is None while it lasts."""

    from_at: float
    until_at: float | None


def of_minutes(series: Sequence[Sequence[int]], span: Span) -> list[Point]:
    """The points of a span of minutes, from the last hour as the overview's row tells it."""
    told = {int(point[0]): Point(*map(int, point[:4])) for point in series}
    return [told.get(at, Point(at)) for at in range(span.from_at, span.until_at, span.step)]


def of_figures(figures: Sequence[Mapping[str, Any]], span: Span) -> list[Point]:
    """The points of a span from rows of `figures.series`, whatever they leave out."""
    sums = {at: [0, 0, 0] for at in range(span.from_at, span.until_at, span.step)}
    for row in figures:
        at = int((row["at"] - span.from_at) // span.step) * span.step + span.from_at
        if at in sums:
            finished = sum(int(row.get(word) or 0) for word in CONCLUSIONS)
            added = (finished, int(row.get("failed") or 0), int(row.get("started") or 0))
            sums[at] = [old + new for old, new in zip(sums[at], added, strict=True)]
    return [Point(at, *figures_) for at, figures_ in sums.items()]


def gaps(snapshot: Snapshot, span: Span) -> list[Gap]:
    """The interruptions that touch a span, oldest first."""
    found = snapshot.fetch(
        "SELECT from_at, until_at FROM headway_gap WHERE from_at < %s"
        " AND (until_at IS NULL OR until_at > %s) ORDER BY from_at DESC LIMIT %s",
        (span.until_at, span.from_at, MAX_GAPS),
    )
    return [Gap(*row) for row in reversed(found)]


def chart(
    span: Span, points: Sequence[Point], interrupted: Sequence[Gap], links: Links, now: float
) -> dict[str, Any]:
    """Everything that _chart.html needs; `data` is what the script draws from."""
    setting = (span, interrupted, links, now)
    over = [point for point in points if point.at + span.step <= now]
    return {
        "title": title(span.step),
        "summary": summary(points, span.step, now),
        "clock": clock(span),
        "drawing": {
            **geometry.line([point.finished for point in over]),
            "bars": geometry.bars([point.failed for point in points]),
        },
        "table": [line(point, *setting) for point in reversed(points) if point.at <= now],
        "data": {
            "range": span.range,
            "from": span.from_at,
            "until": span.until_at,
            "step": span.step,
            "is_zoomed": span.is_zoomed,
            "points": points,
            "gaps": interrupted,
        },
        "whole_url": f"?range={span.range}",
    }


def clock(span: Span) -> str:
    """How its instants are written: with the day where there is more than one."""
    return "moment" if span.until_at - span.from_at > _DAY_S else "minute"


def title(step: int) -> str:
    """`Finished and failed per minute`."""
    return str(words.CHART["title"]) % {"unit": _unit(step)}


def summary(points: Sequence[Point], step: int, now: float) -> str:
    """The chart in one sentence, the step that still runs left out where it can be."""
    over = [point for point in points if point.at + step <= now] or list(points)
    finished, failed = [point.finished for point in over], [point.failed for point in points]
    if not any(finished) and not any(failed):
        return str(words.CHART["nothing"])
    return str(words.CHART["summary"]) % {
        "low": formats.number(min(finished)),
        "high": formats.number(max(finished)),
        "unit": _unit(step),
        "failed": formats.number(sum(failed)),
        "peak": formats.number(max(failed)),
    }


def line(
    point: Point, span: Span, interrupted: Sequence[Gap], links: Links, now: float
) -> dict[str, Any]:
    """One row of the table."""
    times = _times(point.at, point.at + span.step)
    write = formats.moment if clock(span) == "moment" else formats.minute
    return {
        "key": str(point.at),
        "at": point.at,
        "from": write(point.at),
        "url": overview.search(links, *times),
        "failed_url": overview.search(links, "conclusion:failed", *times),
        "finished": formats.number(point.finished),
        "failed": formats.number(point.failed),
        "started": formats.number(point.started),
        "note": _note(point, span.step, interrupted, now),
    }


def _note(point: Point, step: int, interrupted: Sequence[Gap], now: float) -> str:
    until = point.at + step
    if any(gap.from_at < until and (gap.until_at or now) > point.at for gap in interrupted):
        return str(words.CHART["blind"])
    return str(words.CHART["so_far"]) if until > now else ""


def _times(from_at: int, until_at: int) -> tuple[str, str]:
    return f"since:{_minute(from_at)}", f"until:{_minute(until_at)}"


def _minute(at: int) -> str:
    return f"{datetime.datetime.fromtimestamp(at, tz=datetime.UTC):%Y-%m-%dT%H:%M}"


def _unit(step: int) -> str:
    return str(words.CHART[f"unit_{step}"])
