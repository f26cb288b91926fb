"""Records of the core as stored columns, and stored columns as records and rows.

`args`, `kwargs`, `progress` and `journal` are JSON text. A list reads every column but the
journal; the journal holds the rest of the evidence, so that `Task -> columns -> Task` changes
nothing.
"""

import json
import re
from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import orjson

from realtime.codec import decode
from realtime.core import wire
from realtime.core.groups import Group
from realtime.core.progress import Progress
from realtime.core.query_terms import json_text
from realtime.core.task import Mark, Task
from realtime.core.watched import Queue, ScheduleEntry
from realtime.core.workers import Worker

Record = Sequence[Any]

_PLAIN = (
    "id",
    "first_seen_at",
    "updated_at",
    "name",
    "state",
    "status",
    "conclusion",
    "reason",
    "queue",
    "worker",
    "priority",
    "retries",
    "eta",
    "expires",
    "retry_at",
    "sent_at",
    "received_at",
    "started_at",
    "finished_at",
    "wait",
    "runtime",
    "exception",
    "signature",
    "root_id",
    "parent_id",
    "group_id",
    "owner",
    "label",
)
_JSON = ("args", "kwargs", "progress")
LIST_COLUMNS = ("revision", *_PLAIN, *_JSON)
"""What a list row is made of, in the order of a record."""
TASK_COLUMNS = (*LIST_COLUMNS, "journal")
"""All columns of `headway_task`, in the order of a record."""

_WORKER_PLAIN = (
    "name",
    "state",
    "pid",
    "pid_since",
    "first_seen_at",
    "last_heartbeat_at",
    "stamped_at",
    "is_offline",
    "freq",
    "active",
    "processed",
    "clock_offset",
    "sw_ident",
    "sw_ver",
    "sw_sys",
    "pool",
    "concurrency",
    "inspected_at",
)
WORKER_COLUMNS = ("revision", *_WORKER_PLAIN, "loadavg", "queues")
"""All columns of `headway_worker`, in the order of a record."""

QUEUE_COLUMNS = (
    "revision",
    "name",
    "first_seen_at",
    "measured_at",
    "depth",
    "consumers",
    "error",
    "priorities",
    "depths",
)
"""All columns of `headway_queue`, in the order of a record."""
SCHEDULE_COLUMNS = (
    "revision",
    "name",
    "task",
    "schedule",
    "source",
    "is_enabled",
    "first_seen_at",
    "checked_at",
    "next_run_at",
    "last_run_at",
    "last_task_id",
    "missed",
    "missed_at",
)
"""All columns of `headway_scheduleentry`, in the order of a record."""

GROUP_COLUMNS = (
    "revision",
    "id",
    "first_seen_at",
    "updated_at",
    "total",
    "parts",
    "succeeded",
    "failed",
    "cancelled",
    "running",
    "waiting",
    "fractions",
    "furthest",
    "finished_at",
)
"""All columns of `headway_group`, in the order of a record."""

_plain = attrgetter(*_PLAIN)
_worker_plain = attrgetter(*_WORKER_PLAIN)
_queue_plain = attrgetter(*QUEUE_COLUMNS[1:-2])
_entry_plain = attrgetter(*SCHEDULE_COLUMNS[1:])
_group_plain = attrgetter(*GROUP_COLUMNS[1:])
_JOURNAL_AT = TASK_COLUMNS.index("journal")
_PROGRESS_AT = TASK_COLUMNS.index("progress")
# Only here may the two encoders differ: orjson writes floats (and their exponents) its own way.
_MAY_BE_FLOAT = re.compile(rb"\d[.eE]").search


def task_record(task: Task, revision: int) -> tuple[Any, ...]:
    """The values of `TASK_COLUMNS`."""
    progress = wire.progress_row(task.progress)
    return (
        revision,
        *_plain(task),
        _arguments_text(task.args),
        _arguments_text(task.kwargs),
        None if progress is None else orjson.dumps(progress).decode(),
        _journal(task),
    )


def task(record: Record) -> Task:
    """The task of a record of `TASK_COLUMNS`, exactly as it was stored."""
    args, kwargs, progress, journal = record[-4:]
    told = decode(journal)
    marks = tuple(Mark(*mark) for mark in told["marks"])
    return Task(
        **dict(zip(_PLAIN, record[1:], strict=False)),
        args=_argument_data(args),
        kwargs=_argument_data(kwargs),
        progress=_progress(progress, told["progress"]),
        marks=marks,
        ranks=told["ranks"],
        time_limit=told["time_limit"],
        result=_told_by(marks, "result", told["result"]),
        traceback=_told_by(marks, "traceback", told["traceback"]),
    )


def list_row(record: Record) -> wire.Row:
    """The row that lists carry, of a record of `LIST_COLUMNS`."""
    row: wire.Row = dict(zip(LIST_COLUMNS, record, strict=False))
    for name in _JSON:
        row[name] = _argument_data(row[name])  # type: ignore[arg-type]
    return row


def task_row(record: Record) -> wire.Row:
    """The whole row, of a record of `TASK_COLUMNS`."""
    return wire.task_row(task(record), record[0])


def worker_record(worker: Worker, revision: int) -> tuple[Any, ...]:
    """The values of `WORKER_COLUMNS`."""
    return (
        revision,
        *_worker_plain(worker),
        _json_or_none(worker.loadavg),
        _json_or_none(worker.queues),
    )


def worker(record: Record) -> Worker:
    """The worker of a record of `WORKER_COLUMNS`, exactly as it was stored."""
    values = dict(zip(WORKER_COLUMNS[1:], record[1:], strict=True))
    values["is_offline"] = bool(values["is_offline"])
    for name in ("loadavg", "queues"):
        values[name] = None if values[name] is None else tuple(decode(values[name]))
    return Worker(**values)


def worker_row(record: Record) -> wire.Row:
    """The whole row, of a record of `WORKER_COLUMNS`."""
    return wire.worker_row(worker(record), record[0])


def queue_record(queue: Queue, revision: int) -> tuple[Any, ...]:
    """The values of `QUEUE_COLUMNS`."""
    priorities, depths = _json_or_none(queue.priorities), _json_or_none(queue.depths or None)
    return (revision, *_queue_plain(queue), priorities, depths)


def queue(record: Record) -> Queue:
    """The queue of a record of `QUEUE_COLUMNS`, exactly as it was stored."""
    values = dict(zip(QUEUE_COLUMNS[1:], record[1:], strict=True))
    if values["priorities"] is not None:
        values["priorities"] = decode(values["priorities"])
    values["depths"] = () if values["depths"] is None else tuple(decode(values["depths"]))
    return Queue(**values)


def entry_record(entry: ScheduleEntry, revision: int) -> tuple[Any, ...]:
    """The values of `SCHEDULE_COLUMNS`."""
    return (revision, *_entry_plain(entry))


def entry(record: Record) -> ScheduleEntry:
    """The schedule entry of a record of `SCHEDULE_COLUMNS`, exactly as it was stored."""
    values = dict(zip(SCHEDULE_COLUMNS[1:], record[1:], strict=True))
    values["is_enabled"] = bool(values["is_enabled"])
    return ScheduleEntry(**values)


def group_record(group: Group, revision: int) -> tuple[Any, ...]:
    """The values of `GROUP_COLUMNS`."""
    return (revision, *_group_plain(group))


def group(record: Record) -> Group:
    """The group of a record of `GROUP_COLUMNS`, exactly as it was stored."""
    return Group(**dict(zip(GROUP_COLUMNS[1:], record[1:], strict=True)))


def group_row(record: Record) -> wire.Row:
    """The whole row, of a record of `GROUP_COLUMNS`."""
    return wire.group_row(group(record), record[0])


def _arguments_text(value: object) -> str | None:
    """The spelling of `query_terms.json_text`, by the faster encoder where it writes the same."""
    if value is None:
        return None
    try:
        data = orjson.dumps(value)
    except TypeError:  # a whole number of more than 64 bits
        return json_text(value)
    return json_text(value) if _MAY_BE_FLOAT(data) else data.decode()


def _argument_data(text: str | None) -> object:
    if text is None:
        return None
    try:
        return decode(text)
    except ValueError:  # a whole number of more than 64 bits
        return json.loads(text)


def _json_or_none(value: object) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


def _journal(task: Task) -> str:
    marks = task.marks
    return orjson.dumps(
        {
            "marks": [tuple(mark) for mark in marks],
            "ranks": task.ranks,
            "time_limit": task.time_limit,
            "progress": _progress_rest(task.progress),
            "result": _telling(marks, "result", task.result),
            "traceback": _telling(marks, "traceback", task.traceback),
        }
    ).decode()


def _telling(marks: tuple[Mark, ...], name: str, text: str | None) -> object:
    """The number of the mark that told the text, so that a long one is stored once."""
    if text is None:
        return None
    for n in range(len(marks) - 1, -1, -1):
        if marks[n].detail.get(name) == text:
            return n
    return text


def _told_by(marks: tuple[Mark, ...], name: str, told: object) -> Any:
    return marks[told].detail[name] if isinstance(told, int) else told


def _progress_rest(progress: Progress | None) -> object:
    """What the column `progress` does not tell."""
    if progress is None:
        return None
    rest = progress.retries, progress.clock, progress.state, progress.furthest
    if not progress.parts:
        return rest
    return *rest, progress.at, progress.current, progress.parts, progress.parts_at


def _progress(column: str | None, rest: Any) -> Progress | None:
    if column is None:
        return None
    told = decode(column)
    retries, clock, state, furthest, *shared = rest
    at, current, parts, parts_at = shared or (told["updated_at"], told["current"], {}, 0.0)
    stages = told["stages"]
    return Progress(
        retries=retries,
        at=at,
        clock=clock,
        current=current,
        total=told["total"],
        unit=told["unit"],
        message=told["message"],
        stage=told["stage"],
        stages=None if stages is None else tuple(stages),
        state=state,
        furthest=furthest,
        parts=parts,
        parts_at=parts_at,
    )
