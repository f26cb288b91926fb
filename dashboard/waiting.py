"""What waits, and for whom: the rows of queues and of the schedule as pages show them.

Everything is bounded and by index: the tasks that wait are read from the oldest on, up to a cap.
"""

# ruff: noqa: S608 -- the SQL is made of the columns' names; values are parameters

from collections.abc import Callable, Mapping
from typing import NamedTuple

from dashboard import rows
from dashboard.snapshots import Snapshot
from realtime.codec import decode
from realtime.core.watched import Queue
from realtime.core.wire import Row

MAX_QUEUES = 500
MAX_ENTRIES = 1_000
MAX_WORKERS = 1_000
MAX_NAMED = 50
"""Workers that a queue's row names; `worker_count` tells how many there are."""
WAITING_CAP = 10_000
"""Waiting tasks that are counted, in all queues together."""
UNATTENDED_AFTER_S = 30.0
"""A worker that restarts is back by then."""
BACKLOG_AFTER_S = 300.0
"""An attended queue whose oldest task has waited for this long does not keep up."""

Rates = Callable[[Snapshot, float], Mapping[str, tuple[float | None, float | None]]]
"""What came into each queue and what went out of it, a minute."""

_QUEUES = f"SELECT {', '.join(rows.QUEUE_COLUMNS)} FROM headway_queue ORDER BY name LIMIT %s"
_WAITING = (
    "SELECT queue, COUNT(*), MIN(COALESCE(sent_at, first_seen_at)) FROM ("
    "SELECT queue, sent_at, first_seen_at FROM headway_task WHERE status = 'queued'"
    " ORDER BY first_seen_at, id LIMIT %s) AS waiting GROUP BY queue"
)
_HELD = {
    "running": "active",
    "stalled": "active",
    "reserved": "reserved",
    "scheduled": "scheduled",
}
_HOLDING = (
    "SELECT worker, COUNT(*) FROM (SELECT worker FROM headway_task WHERE status = %s"
    " ORDER BY first_seen_at, id LIMIT %s) AS held GROUP BY worker"
)
_ONLINE = "SELECT name, queues FROM headway_worker WHERE state = 'online' ORDER BY name LIMIT %s"
_ENTRIES = (
    f"SELECT {', '.join('entry.' + name for name in rows.SCHEDULE_COLUMNS)},"
    " task.status, task.conclusion FROM headway_scheduleentry AS entry"
    " LEFT JOIN headway_task AS task ON task.id = entry.last_task_id"
    " ORDER BY entry.name LIMIT %s"
)


class _Waiting(NamedTuple):
    tasks: int = 0
    oldest_at: float | None = None


class _Consumers(NamedTuple):
    by_queue: Mapping[str, list[str]]
    is_whole: bool
    """Whether every online worker told its queues."""


def queue_rows(
    snapshot: Snapshot, now: float, rates: Rates | None = None, *, with_tasks: bool = True
) -> list[Row]:
    """Every queue by name; in and out a minute are None without `rates`. Without `with_tasks` no
    stored task counts, in warnings neither."""
    waiting, is_capped = _waiting(snapshot) if with_tasks else ({}, False)
    consumers = _consumers(snapshot)
    moving = {} if rates is None else rates(snapshot, now)
    found = []
    for record in snapshot.fetch(_QUEUES, (MAX_QUEUES,)):
        queue = rows.queue(record)
        inward, outward = moving.get(queue.name, (None, None))
        row = _queue_row(queue, waiting.get(queue.name, _Waiting()), consumers, now)
        found.append(
            {
                **row,
                "waiting_capped": is_capped,
                "in_per_minute": inward,
                "out_per_minute": outward,
                "revision": record[0],
            }
        )
    return found


def schedule_rows(snapshot: Snapshot, now: float) -> list[Row]:
    """Every entry of the schedule by name. `now` is taken for what pages ask all their rows."""
    found = []
    for *record, status, conclusion in snapshot.fetch(_ENTRIES, (MAX_ENTRIES,)):
        row: Row = dict(zip(rows.SCHEDULE_COLUMNS, record, strict=True))
        row["is_enabled"] = bool(row["is_enabled"])
        row["last_outcome"] = conclusion or status
        found.append(row)
    return found


def held(snapshot: Snapshot) -> dict[str, dict[str, int]]:
    """How many tasks each worker runs (`active`), has taken (`reserved`) and keeps for later
    (`scheduled`), of the oldest `WAITING_CAP` of each kind. Workers that hold none are absent.

    The tasks themselves are what `worker:NAME status:reserved` finds.
    """
    found: dict[str, dict[str, int]] = {}
    for status, kind in _HELD.items():
        for worker, tasks in snapshot.fetch(_HOLDING, (status, WAITING_CAP)):
            if worker is not None:
                counts = found.setdefault(worker, dict.fromkeys(_HELD.values(), 0))
                counts[kind] += tasks
    return found


def _queue_row(queue: Queue, waiting: _Waiting, consumers: _Consumers, now: float) -> Row:
    workers = consumers.by_queue.get(queue.name, [])
    return {
        "name": queue.name,
        "depth": queue.depth,
        "consumers": queue.consumers,
        "priorities": queue.priorities,
        "depths": list(queue.depths),
        "measured_at": queue.measured_at,
        "error": queue.error,
        "waiting": waiting.tasks,
        "oldest_at": waiting.oldest_at,
        "workers": workers[:MAX_NAMED],
        "worker_count": len(workers),
        "warning": _warning(queue, waiting, consumers, now),
    }


def _warning(queue: Queue, waiting: _Waiting, consumers: _Consumers, now: float) -> str | None:
    """`unattended`: tasks wait and nobody takes them. `backlog`: they are taken too slowly."""
    waited_s = 0.0 if waiting.oldest_at is None else now - waiting.oldest_at
    # What the broker told before it fell silent may be over.
    is_deep = queue.error is None and bool(queue.depth)
    if not is_deep and waited_s <= UNATTENDED_AFTER_S:
        return None
    if _is_unattended(queue, consumers):
        return "unattended"
    return "backlog" if waited_s > BACKLOG_AFTER_S else None


def _is_unattended(queue: Queue, consumers: _Consumers) -> bool:
    if consumers.by_queue.get(queue.name):
        return False
    if queue.error is None and queue.consumers is not None:
        return queue.consumers == 0
    # A worker that did not tell its queues yet may well take from this one.
    return consumers.is_whole


def _waiting(snapshot: Snapshot) -> tuple[Mapping[str, _Waiting], bool]:
    """The tasks that wait by queue, and whether there are more than were counted."""
    found = snapshot.fetch(_WAITING, (WAITING_CAP + 1,))
    by_queue = {queue: _Waiting(tasks, oldest) for queue, tasks, oldest in found}
    return by_queue, sum(each.tasks for each in by_queue.values()) > WAITING_CAP


def _consumers(snapshot: Snapshot) -> _Consumers:
    by_queue: dict[str, list[str]] = {}
    is_whole = True
    for worker, told in snapshot.fetch(_ONLINE, (MAX_WORKERS,)):
        is_whole = is_whole and told is not None
        for queue in decode(told) if told is not None else ():
            by_queue.setdefault(queue, []).append(worker)
    return _Consumers(by_queue, is_whole)
