"""The rows and frames of the live protocol (docs/reference/protocol.md), as plain dicts."""

from collections.abc import Collection, Mapping
from operator import attrgetter

from realtime.core.deliveries import Attempt, attempts
from realtime.core.groups import Group
from realtime.core.progress import Progress
from realtime.core.task import Task
from realtime.core.workers import Worker

Row = dict[str, object]

TASK_FIELDS = (
    "id",
    "name",
    "state",
    "status",
    "conclusion",
    "queue",
    "worker",
    "priority",
    "retries",
    "eta",
    "expires",
    "first_seen_at",
    "sent_at",
    "received_at",
    "started_at",
    "finished_at",
    "updated_at",
    "wait",
    "runtime",
    "args",
    "kwargs",
    "result",
    "exception",
    "traceback",
    "signature",
    "root_id",
    "parent_id",
    "group_id",
    "owner",
    "label",
    "retry_at",
    "reason",
)
"""The fields of a row that are the task's own, by the same names."""
_fields = attrgetter(*TASK_FIELDS)

HEAVY_FIELDS = frozenset({"result", "traceback", "attempts", "errors"})
"""What list rows never carry."""

GUARDED_FIELDS: Mapping[str, frozenset[str]] = {
    "args": frozenset({"args"}),
    "kwargs": frozenset({"kwargs"}),
    "result": frozenset({"result"}),
    "exception": frozenset({"exception", "errors", "signature"}),
    "traceback": frozenset({"traceback"}),
}
"""What needs a permission of its own, and the fields of a row that tell it."""


def task_row(task: Task, revision: int) -> Row:
    """The whole row of a task: the operator's view, before any rights are applied."""
    row: Row = dict(zip(TASK_FIELDS, _fields(task), strict=True))
    tried = attempts(task.marks)
    row["progress"] = progress_row(task.progress)
    row["attempts"] = [_attempt_row(attempt) for attempt in tried]
    row["errors"] = [_error_row(attempt) for attempt in tried if attempt.exception]
    row["revision"] = revision
    return row


def worker_row(worker: Worker, revision: int) -> Row:
    """The whole row of a worker."""
    return {
        "name": worker.name,
        "state": worker.state,
        "pid": worker.pid or None,
        "first_seen_at": worker.first_seen_at,
        "last_heartbeat_at": worker.last_heartbeat_at,
        "freq": worker.freq,
        "active": worker.active,
        "processed": worker.processed,
        "loadavg": worker.loadavg,
        "clock_offset": worker.clock_offset,
        "sw_ident": worker.sw_ident,
        "sw_ver": worker.sw_ver,
        "sw_sys": worker.sw_sys,
        "pool": worker.pool,
        "concurrency": worker.concurrency,
        "queues": worker.queues,
        "inspected_at": worker.inspected_at,
        "revision": revision,
    }


def group_row(group: Group, revision: int) -> Row:
    """The whole row of a group. Members that nobody saw yet wait, where its size is known."""
    waiting = group.waiting
    if group.size is not None:
        waiting = group.size - group.finished - group.running
    return {
        "id": group.id,
        "status": group.status,
        "conclusion": group.conclusion,
        "total": group.size,
        "percent": group.percent,
        "succeeded": group.succeeded,
        "failed": group.failed,
        "cancelled": group.cancelled,
        "running": group.running,
        "waiting": max(waiting, 0),
        "parts": group.parts,
        "first_seen_at": group.first_seen_at,
        "updated_at": group.updated_at,
        "finished_at": group.finished_at if group.is_finished else None,
        "revision": revision,
    }


def progress_row(progress: Progress | None) -> Row | None:
    """Progress as readers see it; None where the task reported none."""
    if progress is None:
        return None
    return {
        "current": progress.done,
        "total": progress.total,
        "percent": progress.percent,
        "unit": progress.unit,
        "message": progress.message,
        "stage": progress.stage,
        "stages": progress.stages,
        "updated_at": progress.updated_at,
    }


def project(row: Row, hidden: Collection[str]) -> Row:
    """The row without the `hidden` guarded fields, wherever they are told."""
    if not hidden:
        return row
    gone = set().union(*(GUARDED_FIELDS[name] for name in hidden))
    seen = {name: value for name, value in row.items() if name not in gone}
    if "exception" in hidden and "attempts" in seen:
        seen["attempts"] = [{**attempt, "exception": None} for attempt in seen["attempts"]]  # type: ignore[attr-defined]
    if "traceback" in hidden and "errors" in seen:
        seen["errors"] = [{**error, "traceback": None} for error in seen["errors"]]  # type: ignore[attr-defined]
    return seen


def list_row(row: Row, hidden: Collection[str] = ()) -> Row:
    """The row as lists carry it: projected, and without its heavy fields."""
    seen = project(row, hidden)
    return {name: value for name, value in seen.items() if name not in HEAVY_FIELDS}


def _attempt_row(attempt: Attempt) -> Row:
    row: Row = attempt._asdict()
    del row["traceback"]
    return row


def _error_row(attempt: Attempt) -> Row:
    return {
        "exception": attempt.exception,
        "traceback": attempt.traceback,
        "at": attempt.finished_at,
        "worker": attempt.worker,
    }
