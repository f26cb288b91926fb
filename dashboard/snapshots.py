"""One consistent view of the database for one answer, on the asking thread's own connection."""

# ruff: noqa: S608 -- the SQL is made of columns' names; values are parameters

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from django.db import InterfaceError, InternalError, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from realtime.ports import StoreUnavailable, TooCostly

Answer = TypeVar("Answer")

_BEGIN = {
    # Deferred: a reader takes no lock, whatever `transaction_mode` the host's writers use.
    "sqlite": "BEGIN DEFERRED",
    "postgresql": "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
    " SET LOCAL statement_timeout = {limit_ms:d}",
}
MAX_READ_S = 15.0
"""Of one statement on PostgreSQL, of a whole read on SQLite. The number of rows that are searched
is bounded, what one row costs is not: with texts made for it, ten terms took half a minute."""
_STEPS = 100_000
"""SQLite's own, between two looks at the clock: about a millisecond."""
_CANCELLED = "57014"
"""`query_canceled` (PostgreSQL, appendix A)."""
_LOST = (OperationalError, InterfaceError, InternalError)


class Snapshot:
    """Reads that all see the same committed state."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._connection = connection
        self._known: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
        self.vendor: str = connection.vendor

    def fetch(self, sql: str, parameters: Sequence[str | float] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query with `%s` parameters."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            found: list[tuple[Any, ...]] = cursor.fetchall()
            return found

    def known(self, sql: str, parameters: Sequence[str | float] = ()) -> list[tuple[Any, ...]]:
        """As `fetch`, for what several parts of one answer ask: the database is asked once."""
        asked = (sql, *parameters)
        if asked not in self._known:
            self._known[asked] = self.fetch(sql, parameters)
        return self._known[asked]

    @contextlib.contextmanager
    def planned(self, **settings: str) -> Iterator[None]:
        """Have PostgreSQL plan what is read within under these settings; SQLite has none."""
        if self.vendor != "postgresql":
            yield
            return
        changed = ", ".join(f"set_config('{name}', %s, true)" for name in settings)
        # Both in one: the present values are told before they are changed.
        told = ", ".join(f"current_setting('{name}')" for name in settings)
        [found] = self.fetch(f"SELECT {told}, {changed}", tuple(settings.values()))
        before = found[: len(settings)]
        yield
        # A host's own transaction may go on; one that failed takes its settings with it.
        self.fetch(f"SELECT {changed}", before)


def read(alias: str, work: Callable[[Snapshot], Answer], most_s: float | None = None) -> Answer:
    """What `work` makes of one snapshot; `StoreUnavailable` when the database fails, `TooCostly`
    when it takes longer than `most_s` (seconds; `MAX_READ_S` for None). The connection
    stays open for the next query, as after Django's own, until the request ends; one that has died
    meanwhile is made anew."""
    most_s = MAX_READ_S if most_s is None else most_s
    connection = connections[alias]
    if connection.in_atomic_block:
        # The host's own transaction: its rules hold, and it is not ours to end.
        return work(Snapshot(connection))
    was_open = connection.connection is not None
    try:
        return _once(connection, work, most_s)
    except _LOST as error:
        connection.close()
        if not was_open:
            raise StoreUnavailable(f"The database did not answer: {error}") from error
    try:
        return _once(connection, work, most_s)
    except _LOST as error:
        connection.close()
        raise StoreUnavailable(f"The database did not answer: {error}") from error


def distinct(snapshot: Snapshot, column: str, most: int, start: str = "") -> list[str]:
    """The different values of an indexed column of tasks from `start` on, in order, at most so
    many: by a step through the index from each to the next, not through all of its rows."""
    following = (
        f'SELECT "{column}" FROM headway_task WHERE "{column}" {{}} ORDER BY "{column}" LIMIT 1'
    )
    found = snapshot.known(
        "WITH RECURSIVE found (value) AS ("
        f"SELECT * FROM ({following.format('>= %s')}) AS least"
        f" UNION ALL SELECT ({following.format('> found.value')}) FROM found"
        " WHERE found.value IS NOT NULL)"
        " SELECT value FROM found WHERE value IS NOT NULL LIMIT %s",
        (start, most),
    )
    return [value for (value,) in found]


def _once(
    connection: BaseDatabaseWrapper, work: Callable[[Snapshot], Answer], most_s: float
) -> Answer:
    try:
        with _transaction(connection, most_s), _limited(connection, most_s):
            return work(Snapshot(connection))
    except OperationalError as error:
        if _is_cancelled(error):
            raise TooCostly(f"The read took more than {most_s:g} s.") from error
        raise


@contextlib.contextmanager
def _transaction(connection: BaseDatabaseWrapper, most_s: float) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(_BEGIN[connection.vendor].format(limit_ms=round(most_s * 1000)))
    try:
        yield
    finally:
        # Nothing was written; where it cannot be ended, the connection is lost and given up.
        with contextlib.suppress(*_LOST), connection.cursor() as cursor:
            cursor.execute("ROLLBACK")


@contextlib.contextmanager
def _limited(connection: BaseDatabaseWrapper, most_s: float) -> Iterator[None]:
    """Whatever SQLite runs within is given up after so many seconds."""
    if connection.vendor != "sqlite":
        yield
        return
    until = time.monotonic() + most_s
    database: Any = connection.connection
    database.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
    try:
        yield
    finally:
        database.set_progress_handler(None, 0)


def _is_cancelled(error: OperationalError) -> bool:
    return getattr(error.__cause__, "sqlstate", None) == _CANCELLED or str(error) == "interrupted"
