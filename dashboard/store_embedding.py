"""How groups are written, and how the leader takes up what was handed over."""

# ruff: noqa: S608 -- the SQL is made of the columns' names; values are parameters

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from dashboard import rows
from dashboard.writers import Upsert, Writer
from realtime.core.expected import Expectation
from realtime.core.groups import Group

_IDS_A_STATEMENT = 500
"""SQLite before 3.32 allows 999 parameters."""
_MAX_FORGOTTEN = 2_000
"""Deleted at once, which takes some milliseconds."""

_COLUMNS = ", ".join(rows.GROUP_COLUMNS)
_TYPES = {
    "revision": "bigint",
    "id": "varchar",
    **dict.fromkeys(
        ("total", "parts", "succeeded", "failed", "cancelled", "running", "waiting"), "integer"
    ),
    **dict.fromkeys(
        ("first_seen_at", "updated_at", "fractions", "furthest", "finished_at"), "float8"
    ),
}
# Whole: the record says itself when it was first seen, which an earlier member may move.
_UPSERT_GROUPS = Upsert(
    "headway_group",
    {name: _TYPES[name] for name in rows.GROUP_COLUMNS},
    ("id",),
    ", ".join(f"{name} = excluded.{name}" for name in rows.GROUP_COLUMNS if name != "id"),
)
_EXPECTATIONS = (
    "SELECT id, subject, at, total FROM headway_expectation WHERE NOT is_taken ORDER BY id LIMIT %s"
)
# A total that has grown since it was read is to be read again.
_TAKE = "UPDATE headway_expectation SET is_taken = %s WHERE COALESCE(total, 0) = %s AND id IN ({})"
_FORGET = (
    "DELETE FROM headway_expectation WHERE id IN"
    " (SELECT id FROM headway_expectation WHERE at < %s ORDER BY at LIMIT %s)"
)


def groups(writer: Writer, ids: Sequence[str]) -> dict[str, Group]:
    """The stored groups of these ids."""
    found = (
        record
        for some in _pieces(ids)
        for record in writer.fetch(
            f"SELECT {_COLUMNS} FROM headway_group WHERE id IN ({_places(some)})", some
        )
    )
    return {group.id: group for group in map(rows.group, found)}


def write_groups(writer: Writer, changed: Sequence[Group], first: int) -> None:
    """Write these, numbered from `first` on."""
    if changed:
        records = [rows.group_record(group, n) for n, group in enumerate(changed, first)]
        writer.upsert(_UPSERT_GROUPS, records)


def expectations(writer: Writer, limit: int) -> list[Expectation]:
    """What was vouched for and not yet taken, the oldest first."""
    return [Expectation(*record) for record in writer.fetch(_EXPECTATIONS, (limit,))]


def take(writer: Writer, taken: Iterable[Expectation], before: float | None) -> None:
    """Mark these as taken where they are as they were read, and delete a few of those made before
    then."""
    by_total: dict[int, list[int]] = {}
    for each in taken:
        by_total.setdefault(each.total or 0, []).append(each.id)
    for total, ids in by_total.items():
        for some in _pieces(ids):
            writer.execute(_TAKE.format(_places(some)), (True, total, *some))
    if before is not None:
        writer.execute(_FORGET, (before, _MAX_FORGOTTEN))


def _pieces(values: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    for start in range(0, len(values), _IDS_A_STATEMENT):
        yield tuple(values[start : start + _IDS_A_STATEMENT])


def _places(values: Sequence[object]) -> str:
    return ", ".join(["%s"] * len(values))
