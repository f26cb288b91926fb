"""How the watched is written, queues and the schedule, and how rows that are gone are removed."""

# ruff: noqa: S608 -- the SQL is made of the columns' names; values are parameters

from collections.abc import Mapping, Sequence

from dashboard import rows
from dashboard.writers import Upsert, Writer, assignments
from realtime.core.watched import Queue, ScheduleEntry

TABLES: Mapping[str, str] = {
    "workers": "headway_worker",
    "queues": "headway_queue",
    "schedule": "headway_scheduleentry",
}
"""What may be removed by name, and from where."""

_NAMES_A_STATEMENT = 500
"""SQLite before 3.32 allows 999 parameters."""

_OTHER_TYPES = {
    **dict.fromkeys(("revision", "depth"), "bigint"),
    **dict.fromkeys(("consumers", "missed"), "integer"),
    **dict.fromkeys(("name", "task", "schedule", "source", "error", "last_task_id"), "varchar"),
    **dict.fromkeys(("priorities", "depths"), "text"),
    "is_enabled": "boolean",
}


def _upsert(table: str, columns: Sequence[str], changes: str) -> Upsert:
    types = {name: _OTHER_TYPES.get(name, "float8") for name in columns}
    return Upsert(table, types, ("name",), changes)


_QUEUES = _upsert("headway_queue", rows.QUEUE_COLUMNS, assignments(rows.QUEUE_COLUMNS, "name"))
# Whole: since when an entry stands as it does is for its watch to say.
_SCHEDULE = _upsert(
    "headway_scheduleentry",
    rows.SCHEDULE_COLUMNS,
    ", ".join(f"{name} = excluded.{name}" for name in rows.SCHEDULE_COLUMNS if name != "name"),
)


def load(writer: Writer) -> tuple[list[Queue], list[ScheduleEntry]]:
    """Every stored queue, and every stored entry of the schedule."""
    queues = writer.fetch(f"SELECT {', '.join(rows.QUEUE_COLUMNS)} FROM headway_queue")
    entries = writer.fetch(f"SELECT {', '.join(rows.SCHEDULE_COLUMNS)} FROM headway_scheduleentry")
    return [rows.queue(record) for record in queues], [rows.entry(record) for record in entries]


def write(
    writer: Writer, queues: Sequence[Queue], schedule: Sequence[ScheduleEntry], first: int
) -> None:
    """Write these, numbered from `first` on, queues before entries."""
    if queues:
        told = [rows.queue_record(queue, n) for n, queue in enumerate(queues, first)]
        writer.upsert(_QUEUES, told)
    if schedule:
        begin = first + len(queues)
        due = [rows.entry_record(entry, n) for n, entry in enumerate(schedule, begin)]
        writer.upsert(_SCHEDULE, due)


def remove(writer: Writer, removed: Mapping[str, Sequence[str]]) -> None:
    """Delete these rows. Whoever resumes from before cannot be told of it row by row, so the
    `floor` is raised to the number that the transaction took for it, its last."""
    for kind, names in removed.items():
        for start in range(0, len(names), _NAMES_A_STATEMENT):
            some = names[start : start + _NAMES_A_STATEMENT]
            marks = ", ".join(["%s"] * len(some))
            writer.execute(f"DELETE FROM {TABLES[kind]} WHERE name IN ({marks})", tuple(some))
    writer.execute("UPDATE headway_stream SET floor = revision WHERE id = 1")
