"""Queues and the schedule as one viewer may see them."""

from collections.abc import Mapping

from dashboard import figures, waiting
from dashboard.snapshots import Snapshot
from realtime.core.query import Query
from realtime.core.wire import Row

RATE_OF_S = 300
"""In and out a minute are means of so long."""
_MINUTE_S = 60
_OF_ALL_TASKS = ("waiting", "oldest_at")
_OF_ONE_TASK = ("last_task_id", "last_outcome")


def queue_rows(snapshot: Snapshot, rows: Query, now: float) -> list[Row]:
    """Every queue by name. Whoever sees only some tasks (`rows`) is told what the broker tells, not
    what all tasks add up to."""
    if not rows.terms:
        return [_told(row) for row in waiting.queue_rows(snapshot, now, rates)]
    found = waiting.queue_rows(snapshot, now, with_tasks=False)
    return [_told(row) | dict.fromkeys(_OF_ALL_TASKS) for row in found]


def schedule_rows(snapshot: Snapshot, rows: Query, now: float) -> list[Row]:
    """Every entry of the schedule by name. Whoever sees only some tasks (`rows`) is not told which
    task ran last."""
    found = [_told(row) for row in waiting.schedule_rows(snapshot, now)]
    nothing: Row = dict.fromkeys(_OF_ONE_TASK) if rows.terms else {}
    return [row | nothing for row in found]


def rates(snapshot: Snapshot, now: float) -> Mapping[str, tuple[float | None, float | None]]:
    """How many tasks came into each queue, and how many a worker took out of it, a minute."""
    until = int(now) // _MINUTE_S * _MINUTE_S
    found = figures.by_key(snapshot, "queue", until - RATE_OF_S, until, waiting.MAX_QUEUES)
    return {row["queue"]: (row["in_per_minute"], row["out_per_minute"]) for row in found}


def _told(row: Row) -> Row:
    """The row without its number: what else it tells changes without that."""
    return {name: value for name, value in row.items() if name != "revision"}
