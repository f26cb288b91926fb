"""The reading side of the stored truth: pages, changes, counts, and where the stream stands.

Everything that one answer holds is read in one snapshot of the database, the revision included.
"""

# ruff: noqa: S608 -- the SQL is made of the columns' names; values are parameters

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS

from dashboard import cursors, plans, rows, search, snapshots, told
from dashboard.counting import counted
from dashboard.cursors import Key
from dashboard.filters import where
from dashboard.snapshots import Snapshot
from dashboard.streams import STREAM_SQL, stream_info
from realtime.core.frames import TOLD
from realtime.core.query import Query, conjunction
from realtime.core.wire import Row
from realtime.ports import Counts, Page, Select, StreamInfo

MAX_SEARCHED = 50_000
"""Rows that one request tests: a tenth of a second on the slowest store we know."""

NEAR = (200, 1_000, 5_000)
"""Rows of those with a text that are tested first: what many tasks match is found among them, at a
cost that no history changes."""
_PROMISING = 0.1
"""Of a page must have been found for more of them to be tested."""

MAX_COUNTED = 25_000
"""Rows that one count tests: most counts are asked for beside a page."""

_KEY = ("first_seen_at", "id")
_TASK_READERS: Mapping[str, tuple[tuple[str, ...], Callable[[rows.Record], Row]]] = {
    "tasks": (rows.LIST_COLUMNS, rows.list_row),
    "task": (rows.TASK_COLUMNS, rows.task_row),
}
_ALL_READERS = {
    "tasks": ("headway_task", rows.TASK_COLUMNS, rows.task_row),
    "workers": ("headway_worker", rows.WORKER_COLUMNS, rows.worker_row),
    "groups": ("headway_group", rows.GROUP_COLUMNS, rows.group_row),
}

Answer = TypeVar("Answer")


class Reader:
    """The `Snapshots` of a Django database. May be used from any thread; every method may raise
    `StoreUnavailable`."""

    def __init__(self, alias: str = DEFAULT_DB_ALIAS) -> None:
        self._alias = alias

    def stream(self) -> StreamInfo:
        """Where the stream stands."""
        return self._read(_stream)

    def page(self, select: Select, rows: Query, now: float, after: str | None = None) -> Page:
        """The newest `limit` rows that match both queries, below the cursor `after`; ValueError
        when it is no cursor."""
        below = None if after is None else cursors.key(after)
        return self._read(_pages(select, rows, now, below))

    def changes(self, of: str, since: int, limit: int) -> list[Row] | None:
        """Whole rows changed after revision `since`, oldest first; None when more than `limit`."""
        table, columns, row = _ALL_READERS[of]
        found = self._read(
            lambda snapshot: snapshot.fetch(
                f"SELECT {', '.join(columns)} FROM {table} WHERE revision > %s"
                " ORDER BY revision LIMIT %s",
                (since, limit + 1),
            )
        )
        return None if len(found) > limit else [row(record) for record in found]

    def counts(self, query: Query, rows: Query, now: float) -> Counts:
        """Capped counts of every status and conclusion of what matches both queries, whatever
        status, conclusion and state they ask for themselves."""
        return self._read(lambda snapshot: counted(snapshot, query, rows, now, MAX_COUNTED))

    def _read(self, work: Callable[[Snapshot], Answer]) -> Answer:
        return snapshots.read(self._alias, work)


def _stream(snapshot: Snapshot) -> StreamInfo:
    return stream_info(snapshot.fetch(STREAM_SQL))


def _pages(
    select: Select, access: Query, now: float, below: Key | None
) -> Callable[[Snapshot], Page]:
    """How to read the page of this select, of the tasks that `access` lets through."""
    if select.ids:
        # PostgreSQL refuses a NUL even to compare with; nothing that is stored has one.
        ids = tuple(id_ for id_ in select.ids if "\x00" not in id_)
        select = select._replace(ids=ids)
        if not ids:
            return _nothing
    if select.of in ("workers", "worker"):
        return lambda snapshot: _workers(snapshot, select)
    if select.of in TOLD:
        return lambda snapshot: told.page(snapshot, select, access, now)
    query = conjunction(select.query, access)
    if select.ids:
        return lambda snapshot: _followed(snapshot, select, query, now)
    return lambda snapshot: _window(snapshot, select, query, now, below)


def _nothing(snapshot: Snapshot) -> Page:
    info = _stream(snapshot)
    return Page([], info.epoch, info.revision)


def _workers(snapshot: Snapshot, select: Select) -> Page:
    info = _stream(snapshot)
    condition, parameters = "TRUE", select.ids
    if select.ids:
        condition = f"name IN ({_marks(select.ids)})"
    found = snapshot.fetch(
        f"SELECT {', '.join(rows.WORKER_COLUMNS)} FROM headway_worker WHERE {condition}"
        " ORDER BY name LIMIT %s",
        (*parameters, max(select.limit, len(select.ids))),
    )
    return Page([rows.worker_row(record) for record in found], info.epoch, info.revision)


def _followed(snapshot: Snapshot, select: Select, query: Query, now: float) -> Page:
    """Exactly these ids, where they match."""
    info = _stream(snapshot)
    clause = where(query, now, snapshot.vendor)
    columns, row = _TASK_READERS[select.of]
    found = snapshot.fetch(
        f"SELECT {', '.join(columns)} FROM headway_task"
        f" WHERE id IN ({_marks(select.ids)}) AND {clause.sql} ORDER BY {plans.ORDER}",
        (*select.ids, *clause.parameters),
    )
    return Page([row(record) for record in found], info.epoch, info.revision)


def _window(
    snapshot: Snapshot, select: Select, query: Query, now: float, below: Key | None
) -> Page:
    info = _stream(snapshot)
    keys, stop = _newest(snapshot, query, select.limit + 1, now, below)
    shown = keys[: select.limit]
    last = shown[-1] if len(keys) > select.limit else stop
    return Page(
        _rows(snapshot, select.of, shown),
        info.epoch,
        info.revision,
        None if last is None else cursors.text(last),
        None if stop is None else stop.first_seen_at,
    )


def _newest(
    snapshot: Snapshot, query: Query, limit: int, now: float, below: Key | None
) -> tuple[list[Key], Key | None]:
    """The newest keys that match, and the key where the search for more of them stopped."""
    plan = plans.plan(query)
    if plan.is_indexed:
        return _matching(snapshot, plan, limit, now, below, limit), None
    with search.searching(snapshot):
        near = search.near(snapshot, query, now)
        for most in NEAR if near else ():
            keys, stop = _searched(snapshot, near, limit, now, below, most)
            if _are_newest(keys, stop, limit):
                return keys[:limit], None
            if len(keys) < _PROMISING * limit:
                break
        found = search.plan(snapshot, query, now)
        wide = near if near and found == plan else (found,)
        keys, stop = _searched(snapshot, wide, limit, now, below, MAX_SEARCHED // len(wide))
        if _are_newest(keys, stop, limit):
            return keys[:limit], None
        return [key for key in keys if stop is None or key >= stop], stop


def _are_newest(keys: Sequence[Key], stop: Key | None, limit: int) -> bool:
    """Whether no key that was not found could be among the first of these."""
    return stop is None or (len(keys) >= limit and keys[limit - 1] >= stop)


def _searched(
    snapshot: Snapshot,
    several: Sequence[plans.Plan],
    limit: int,
    now: float,
    below: Key | None,
    most: int,
) -> tuple[list[Key], Key | None]:
    """Keys that match, the newest first, of which each plan gives as many as the limit when it
    tests so many rows; and the key above which none is missing, None where none is."""
    found: set[Key] = set()
    stops: list[Key | None] = []
    for plan in several:
        keys = _matching(snapshot, plan, limit, now, below, most)
        found.update(keys)
        if len(keys) == limit:
            stops.append(keys[-1])
        elif not plan.is_indexed:
            stops.append(_searched_to(snapshot, plan, now, below, most))
    stop = max((each for each in stops if each is not None), default=None)
    return sorted(found, reverse=True), stop


def _matching(
    snapshot: Snapshot, plan: plans.Plan, limit: int, now: float, below: Key | None, most: int
) -> list[Key]:
    """The newest keys that match, among those that may be searched."""
    vendor = snapshot.vendor
    size = limit if plan.is_indexed else plan.searchable(most)
    columns = tuple(dict.fromkeys((*_KEY, *plan.columns)))
    parts = [plans.branch(each, columns, size, now, vendor, below) for each in plan.branches]
    if plan.ids:
        parts.append(plans.few(plan, columns, limit, now, vendor, below))
    if not parts:
        return []
    table = plans.union(parts)
    clause = where(plan.rest, now, vendor)
    # SQLite gives the rows of one branch in the branch's order, and sorts them again when asked,
    # which would read all of them.
    is_ordered = vendor == "sqlite" and len(parts) == 1
    order = "" if is_ordered else f" ORDER BY {plans.ORDER}"
    found = snapshot.fetch(
        f"SELECT first_seen_at, id FROM {table.sql} WHERE {clause.sql}{order} LIMIT %s",
        (*table.parameters, *clause.parameters, limit),
    )
    return [Key(*key) for key in found]


def _searched_to(
    snapshot: Snapshot, plan: plans.Plan, now: float, below: Key | None, most: int
) -> Key | None:
    """The key down to which every branch was searched; None when all were read to their end."""
    ends: list[Key] = []
    size = plan.searchable(most)
    for query in plan.branches:
        last = plans.branch(query, _KEY, 1, now, snapshot.vendor, below, offset=size - 1)
        ends += [Key(*key) for key in snapshot.fetch(*last)]
    return max(ends, default=None)


def _rows(snapshot: Snapshot, of: str, keys: Sequence[Key]) -> list[Row]:
    if not keys:
        return []
    columns, row = _TASK_READERS[of]
    ids = [key.id for key in keys]
    found = snapshot.fetch(
        f"SELECT {', '.join(columns)} FROM headway_task WHERE id IN ({_marks(ids)})"
        f" ORDER BY {plans.ORDER}",
        ids,
    )
    return [row(record) for record in found]


def _marks(values: Sequence[Any]) -> str:
    return ", ".join(["%s"] * len(values))
