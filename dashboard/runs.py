"""The last runs of a task's name: how long each took and how it ended, as bars. `now` is in Unix
seconds."""

from collections.abc import Sequence
from typing import Any

from dashboard import formats, presentation, words
from dashboard.presentation import Row, running_time, stamp
from realtime.core import query as language
from realtime.core.query import Query

LIMIT = 60
HEIGHT = 96
"""Of the drawing, in its own units."""
_FEWEST = 20
"""Fewer bars are not made wider than those of so many."""
_TELLING = 3
"""A median of fewer runs says nothing."""
_SHORTEST = 2.0
"""Even a run of no time is seen."""
_FILLED = 0.7
"""Of the room that a bar has."""
_CUT = 2.0
"""A run that took this many times the p95 is cut there: the others would vanish beside it."""


def query(name: str) -> Query:
    """What has begun of this name."""
    begun = "-status:queued,scheduled,reserved"
    return language.parse(f"{presentation.term('name', name)} {begun}")


def chart(rows: Sequence[Row], task_id: str, now: float) -> dict[str, Any] | None:
    """The runs as bars from the oldest to the newest, with the median and the p95 of those that
    ended; None without a run."""
    runs = [row for row in reversed(rows) if running_time(row, now) is not None]
    if not runs:
        return None
    ended = sorted(row["runtime"] for row in runs if row.get("runtime") is not None)
    p50, p95 = (_quantile(ended, share) for share in (0.5, 0.95))
    longest = max(running_time(row, now) or 0.0 for row in runs)
    width = 100 / max(len(runs), _FEWEST)
    top = max(min(longest, _CUT * p95) if p95 else longest, 0.001)
    return {
        "bars": [
            _bar(row, place, width, top, now) | {"is_current": row["id"] == task_id}
            for place, row in enumerate(runs)
        ],
        "p50": None if p50 is None else {"y": _y(p50, top), "text": formats.duration(p50)},
        "p95": None if p95 is None else {"y": _y(p95, top), "text": formats.duration(p95)},
        "is_current_shown": any(row["id"] == task_id for row in runs),
        "failed": sum(row.get("conclusion") == "failed" for row in runs),
        "count": len(runs),
    }


def _bar(row: Row, place: int, width: float, top: float, now: float) -> dict[str, Any]:
    line = presentation.node_line(row)
    ran = running_time(row, now) or 0.0
    height = max(_SHORTEST, HEIGHT * min(1.0, ran / top))
    began_at = row.get("started_at") or row["first_seen_at"]
    x = width * place
    is_retried = line["state"] == "succeeded" and bool(row.get("retries"))
    return {
        "url": line["url"],
        "state": "retrying" if is_retried else line["state"],
        "word": _retried_word(row) if is_retried else line["word"],
        "x": f"{x:.2f}%",
        "width": f"{width * _FILLED:.2f}%",
        "room": f"{width:.2f}%",
        "middle": f"{min(92.0, max(8.0, x + width * _FILLED / 2)):.2f}%",
        "y": f"{HEIGHT - height:.1f}",
        "height": f"{height:.1f}",
        "runtime": formats.duration(ran),
        "clock": formats.moment(began_at),
        "at": stamp(began_at),
        "is_over": ran > top,
    }


def _retried_word(row: Row) -> str:
    return f"{words.STATES['succeeded']} {presentation.retried(row['retries'])}"


def _quantile(ascending: Sequence[float], share: float) -> float | None:
    """The nearest rank; None where there are too few to tell."""
    if len(ascending) < _TELLING:
        return None
    return ascending[min(len(ascending) - 1, int(share * len(ascending)))]


def _y(seconds: float, top: float) -> str:
    return f"{HEIGHT * (1 - min(1.0, seconds / top)):.1f}"
