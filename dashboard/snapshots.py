"""One consistent view of the database for one answer, on the asking thread's own connection."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from django.db import InterfaceError, InternalError, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from realtime.ports import StoreUnavailable

Answer = TypeVar("Answer")

_BEGIN = {
    # Deferred: a reader takes no lock, whatever `transaction_mode` the host's writers use.
    "sqlite": "BEGIN DEFERRED",
    "postgresql": "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
}
_LOST = (OperationalError, InterfaceError, InternalError)


class Snapshot:
    """Reads that all see the same committed state."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._connection = connection
        self.vendor: str = connection.vendor

    def fetch(self, sql: str, parameters: Sequence[str | float] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query with `%s` parameters."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            found: list[tuple[Any, ...]] = cursor.fetchall()
            return found


def read(alias: str, work: Callable[[Snapshot], Answer]) -> Answer:
    """What `work` makes of one snapshot; `StoreUnavailable` when the database fails. A connection
    that was left open and has died since is made anew."""
    connection = connections[alias]
    if connection.in_atomic_block:
        # The host's own transaction: its rules hold, and it is not ours to end.
        return work(Snapshot(connection))
    was_open = connection.connection is not None
    try:
        return _once(connection, work)
    except _LOST as error:
        connection.close()
        if not was_open:
            raise StoreUnavailable(f"The database did not answer: {error}") from error
    try:
        return _once(connection, work)
    except _LOST as error:
        connection.close()
        raise StoreUnavailable(f"The database did not answer: {error}") from error
    finally:
        connection.close_if_unusable_or_obsolete()


def _once(connection: BaseDatabaseWrapper, work: Callable[[Snapshot], Answer]) -> Answer:
    was_open = connection.connection is not None
    try:
        with _transaction(connection):
            return work(Snapshot(connection))
    finally:
        if not was_open:
            # Opened for this read, outside of a request that would look after it.
            connection.close_if_unusable_or_obsolete()


@contextlib.contextmanager
def _transaction(connection: BaseDatabaseWrapper) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(_BEGIN[connection.vendor])
    try:
        yield
    finally:
        # Nothing was written; where it cannot be ended, the connection is lost and given up.
        with contextlib.suppress(*_LOST), connection.cursor() as cursor:
            cursor.execute("ROLLBACK")
