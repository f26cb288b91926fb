"""The one row of the overview: what goes on, how it went in the last hour, and what is wrong."""

# ruff: noqa: S608 -- every piece of SQL is a constant; values are parameters

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from dashboard import failing, figures, problems, traffic
from dashboard.counting import finished, open_counts
from dashboard.filters import where
from dashboard.snapshots import Snapshot
from realtime.core.query import EVERYTHING, Query
from realtime.core.task import CONCLUSIONS, FAILED, LOST
from realtime.core.wire import Row
from realtime.ports import StreamInfo
from realtime.standing import stream_row

SHOWN_NAMES = 8
SHOWN_FAILURES = 6
SHOWN_QUEUES = 20
"""The longest; the page of queues has all."""
SEARCHED_FAILURES = 50
"""The newest groups, among which problems are looked for."""
MAX_WORKERS = 5_000
MAX_OLD = 1_000
"""Tasks first seen longest ago, among which the one that waits or runs longest is looked for."""
MAX_UNFINISHED = 10_000
"""Tasks that are looked at to find out which worker has them."""
_MINUTE_S, _HOUR_S = 60, 3600
_MINUTES = 60
_MEAN_OF = 5
"""Minutes that the throughput is a mean of."""
_UNFINISHED = ("running", "stalled", "reserved")

Rows = Sequence[Mapping[str, Any]]


def overview_row(
    snapshot: Snapshot, info: StreamInfo, rows: Query, parts: Collection[str], now: float
) -> Row:
    """The figures of the tasks that match `rows`, and of `parts` (of `sight.PARTS`). Whoever sees
    only some tasks is given no rollups, which count all of them."""
    row: Row = {"id": "overview", **open_counts(snapshot, rows, now)}
    row |= _oldest_queued(snapshot, rows, now) | _oldest_running(snapshot, rows, now)
    row |= _all_finished(snapshot, now) if not rows.terms else _own_finished(snapshot, rows, now)
    workers = _workers(snapshot, rows, now) if "workers" in parts else []
    queues = traffic.queue_rows(snapshot, rows, now) if "queues" in parts else []
    groups = failing.shown(_failures(snapshot, now), parts) if "failures" in parts else []
    schedule = traffic.schedule_rows(snapshot, rows, now) if "schedule" in parts else []
    row["problems"] = found = problems.problems(
        now=now,
        stream=stream_row(info, now),
        queues=queues,
        workers=workers,
        failures=groups,
        schedule=schedule,
    )
    if "workers" in parts:
        row |= _pool(workers)
    if "queues" in parts:
        longest = sorted(queues, key=_length, reverse=True)[:SHOWN_QUEUES]
        row["queues"] = [
            {name: value for name, value in queue.items() if name != "depths"} for queue in longest
        ]
    if "failures" in parts:
        subjects = {each["subject"] for each in found}
        row["failures"] = groups[:SHOWN_FAILURES] + [
            group for group in groups[SHOWN_FAILURES:] if group["signature"] in subjects
        ]
    return row


def _all_finished(snapshot: Snapshot, now: float) -> Row:
    """How all tasks went in the last two hours, minute by minute."""
    until = (int(now) // _MINUTE_S + 1) * _MINUTE_S
    points = figures.series(snapshot, "all", "", until - 2 * _HOUR_S, until, 2 * _MINUTES)
    series = _minutes(points, until)
    before, last = series[:_MINUTES], series[_MINUTES:]
    whole = last[-1 - _MEAN_OF : -1]
    names = figures.by_key(snapshot, "name", until - _HOUR_S, until, SHOWN_NAMES)
    return {
        "failed_last_hour": sum(failed for _, _, failed, _ in last),
        "failed_hour_before": sum(failed for _, _, failed, _ in before),
        "finished_last_hour": sum(ended for _, ended, _, _ in last),
        "finished_last_minute": whole[-1][1],
        "throughput_per_minute": sum(ended for _, ended, _, _ in whole) / _MEAN_OF,
        "series": last,
        "names": names,
    }


def _minutes(points: Rows, until: int) -> list[list[int]]:
    """Start, ended, failed and started of each minute of two hours; where figures tell less, of
    what they tell."""
    told = {int(point["at"]): point for point in points}
    found = []
    for at in range(until - 2 * _HOUR_S, until, _MINUTE_S):
        point = told.get(at, {})
        ended = sum(point.get(name, 0) for name in CONCLUSIONS)
        found.append([at, ended, point.get(FAILED, 0), point.get("started", 0)])
    return found


def _own_finished(snapshot: Snapshot, rows: Query, now: float) -> Row:
    """How those tasks went, counted one by one."""
    return {
        "failed_last_hour": finished(snapshot, rows, (FAILED,), now, _HOUR_S),
        "finished_last_minute": finished(snapshot, rows, CONCLUSIONS, now, _MINUTE_S),
    }


def _oldest_queued(snapshot: Snapshot, rows: Query, now: float) -> Row:
    found = _oldest(snapshot, "queued", ("sent_at", "queue"), rows, now)
    return dict(zip(("oldest_queued_at", "oldest_queued_queue"), found, strict=True))


def _oldest_running(snapshot: Snapshot, rows: Query, now: float) -> Row:
    found = _oldest(snapshot, "running", ("started_at", "name"), rows, now)
    return dict(zip(("oldest_running_at", "oldest_running_name"), found, strict=True))


def _oldest(
    snapshot: Snapshot, status: str, columns: tuple[str, str], rows: Query, now: float
) -> tuple[float | None, str | None]:
    """An instant and a text, of the task that is in this status for the longest time."""
    at, text = columns
    clause = where(rows, now, snapshot.vendor)
    names = _names(rows, "first_seen_at", *columns)
    found = snapshot.fetch(
        f"SELECT COALESCE({at}, first_seen_at), {text} FROM (SELECT {names} FROM headway_task"
        f' WHERE status = %s ORDER BY first_seen_at, id LIMIT {MAX_OLD:d}) AS "headway_task"'
        f" WHERE {clause.sql} ORDER BY 1 LIMIT 1",
        (status, *clause.parameters),
    )
    return (found[0][0], found[0][1]) if found else (None, None)


def _names(rows: Query, *columns: str) -> str:
    """The columns, and those that tell whether a row matches."""
    tested = (name for term in rows.terms for name in term.fields)
    return ", ".join(dict.fromkeys((*columns, *tested)))


def _workers(snapshot: Snapshot, rows: Query, now: float) -> list[dict[str, Any]]:
    columns = ("name", "state", "is_offline", "last_heartbeat_at", "active", "concurrency")
    found = snapshot.fetch(
        f"SELECT {', '.join(columns)} FROM headway_worker ORDER BY last_heartbeat_at DESC LIMIT %s",
        (MAX_WORKERS,),
    )
    workers = [dict(zip(columns, record, strict=True)) for record in found]
    absent = [worker["name"] for worker in workers if worker["state"] != "online"]
    running = _unfinished(snapshot, rows, now) if absent else {}
    return [{**worker, "running": running.get(worker["name"], 0)} for worker in workers]


def _unfinished(snapshot: Snapshot, rows: Query, now: float) -> Mapping[str, int]:
    """How many tasks each worker took and has not finished; those of one that is gone are lost."""
    clause = where(rows, now, snapshot.vendor)
    marks, names = ", ".join(["%s"] * len(_UNFINISHED)), _names(rows, "worker")
    found = snapshot.fetch(
        "SELECT worker, count(*) FROM ("
        f"SELECT * FROM (SELECT {names} FROM headway_task WHERE status IN ({marks})"
        f" LIMIT {MAX_UNFINISHED:d}) AS held UNION ALL "
        f"SELECT * FROM (SELECT {names} FROM headway_task WHERE conclusion = %s"
        f" ORDER BY first_seen_at DESC, id DESC LIMIT {MAX_UNFINISHED:d}) AS lost"
        f') AS "headway_task" WHERE {clause.sql} GROUP BY worker',
        (*_UNFINISHED, LOST, *clause.parameters),
    )
    return dict(found)


def _pool(workers: Rows) -> Row:
    online = [worker for worker in workers if worker["state"] == "online"]
    slots = [worker["concurrency"] for worker in online if worker["concurrency"] is not None]
    states = Counter(worker["state"] for worker in workers)
    return {
        "workers": {state: states[state] for state in ("online", "silent", "gone")},
        "slots": sum(slots) if slots else None,
        "busy": sum(worker["active"] for worker in online),
    }


def _failures(snapshot: Snapshot, now: float) -> list[Row]:
    """The newest groups that nobody muted or resolved."""
    groups = failing.failure_rows(snapshot, EVERYTHING, now, SEARCHED_FAILURES)
    return [group for group in groups if group["state"] == "open"]


def _length(queue: Mapping[str, Any]) -> tuple[bool, int]:
    return queue["warning"] is not None, max(queue["depth"] or 0, queue["waiting"] or 0)
