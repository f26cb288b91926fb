"""What only the store can tell: the rows of each kind that no batch tells of, as far as `Select`
and the viewer's rows allow them."""

# ruff: noqa: S608 -- every piece of SQL is a constant; values are parameters

from collections.abc import Callable, Mapping
from typing import NamedTuple, cast

from dashboard import failing, reasons, summary, traffic
from dashboard.filters import Clause
from dashboard.snapshots import Snapshot
from dashboard.streams import STREAM_SQL, stream_info
from realtime.core.query import Query
from realtime.core.wire import Row
from realtime.ports import Page, Select, StreamInfo

MAX_SEARCHED = 10_000
"""The newest entries, among which somebody's own are looked for."""
OPERATION_SILENT_S = 30.0
"""`operations.SILENT_S`, which builds upon what is here: whoever asks about one operation has that
written down, and whoever watches is told before."""

_AUDIT = (
    "id",
    "at",
    "user",
    "action",
    "kind",
    "target",
    "name",
    "outcome",
    "detail",
    "new_id",
    "operation_id",
)
_OPERATION = (
    "id",
    "user",
    "action",
    "query",
    "state",
    "total",
    "done",
    "refused",
    "failed",
    "started_at",
    "finished_at",
    "beat_at",
)


class Asked(NamedTuple):
    """One question."""

    select: Select
    rows: Query
    """What of the tasks the viewer may see."""
    now: float
    info: StreamInfo


def page(snapshot: Snapshot, select: Select, rows: Query, now: float) -> Page:
    """The rows of a kind of `frames.TOLD`. Unlike others they carry no revision: they are new
    when they read anew."""
    info = stream_info(snapshot.fetch(STREAM_SQL))
    found = _READERS[select.of](snapshot, Asked(select, rows, now, info))
    return Page(found, info.epoch, info.revision)


def _overview(snapshot: Snapshot, asked: Asked) -> list[Row]:
    parts = asked.select.parts
    return [summary.overview_row(snapshot, asked.info, asked.rows, parts, asked.now)]


def _attention(snapshot: Snapshot, asked: Asked) -> list[Row]:
    number, is_capped = failing.open_groups(snapshot, asked.now)
    return [{"id": "attention", "open_failures": number, "is_capped": is_capped}]


def _failures(snapshot: Snapshot, asked: Asked) -> list[Row]:
    select = asked.select
    if select.ids:
        rows = failing.failure_groups(snapshot, select.ids, asked.now)
    else:
        rows = failing.failure_rows(snapshot, select.query, asked.now, select.limit)
    return failing.shown(rows, select.parts)


def _queues(snapshot: Snapshot, asked: Asked) -> list[Row]:
    return traffic.queue_rows(snapshot, asked.rows, asked.now)[: asked.select.limit]


def _schedule(snapshot: Snapshot, asked: Asked) -> list[Row]:
    return traffic.schedule_rows(snapshot, asked.rows, asked.now)[: asked.select.limit]


def _audit(snapshot: Snapshot, asked: Asked) -> list[Row]:
    rows = _newest(snapshot, asked.select, "headway_audit", _AUDIT, "at DESC, id DESC")
    for row in rows:
        stored = cast("str | None", row["detail"])
        row["id"] = str(row["id"])  # a text, as all keys of rows are
        row["operation"] = row.pop("operation_id")
        row |= {"reason": reasons.code(stored), "detail": reasons.sentence(stored)}
    return rows


def _operations(snapshot: Snapshot, asked: Asked) -> list[Row]:
    order = "started_at DESC, id DESC"
    rows = _newest(snapshot, asked.select, "headway_operation", _OPERATION, order)
    for row in rows:
        beat_at = cast(float, row.pop("beat_at"))
        if row["finished_at"] is None and beat_at < asked.now - OPERATION_SILENT_S:
            row["state"] = "interrupted"
    return rows


def _newest(
    snapshot: Snapshot, select: Select, table: str, columns: tuple[str, ...], order: str
) -> list[Row]:
    names = ", ".join(f'"{name}"' for name in columns)
    own = Clause("TRUE") if select.user is None else Clause('"user" = %s', (select.user,))
    found = snapshot.fetch(
        f"SELECT {names} FROM (SELECT {names} FROM {table} ORDER BY {order}"
        f" LIMIT {MAX_SEARCHED:d}) AS newest WHERE {own.sql} ORDER BY {order} LIMIT %s",
        (*own.parameters, select.limit),
    )
    return [dict(zip(columns, record, strict=True)) for record in found]


_READERS: Mapping[str, Callable[[Snapshot, Asked], list[Row]]] = {
    "overview": _overview,
    "attention": _attention,
    "failures": _failures,
    "queues": _queues,
    "schedule": _schedule,
    "audit": _audit,
    "operations": _operations,
}
