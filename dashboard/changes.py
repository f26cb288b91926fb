"""What web processes write of shown rows: numbered as every other change of the store is."""

import contextlib
from collections.abc import Iterator

from django.db import (
    DEFAULT_DB_ALIAS,
    InterfaceError,
    InternalError,
    OperationalError,
    connections,
    transaction,
)
from django.db.backends.base.base import BaseDatabaseWrapper

from dashboard.models import new_epoch
from realtime.ports import StoreUnavailable

_TAKE = "UPDATE headway_stream SET revision = revision + %s WHERE id = 1"
_TAKEN = "SELECT revision FROM headway_stream WHERE id = 1"
_ENSURE = (
    "INSERT INTO headway_stream (id, epoch, revision, floor, lease_until, stats)"
    " VALUES (1, %s, 0, 0, 0, '{}') ON CONFLICT (id) DO NOTHING"
)
_LIMITS = {
    # The row of the stream stays locked until the end: whoever freezes here is ended, and the
    # receiver goes on.
    "idle_in_transaction_session_timeout": "2000",
    "lock_timeout": "5000",
}


@contextlib.contextmanager
def numbered(size: int = 1, alias: str = DEFAULT_DB_ALIAS) -> Iterator[range]:
    """A transaction for `size` changed rows; gives their revisions. Keep it short: nobody else
    writes meanwhile. Nothing is announced: hubs notice that the revision moved. Raises
    `StoreUnavailable`."""
    with translated(), transaction.atomic(using=alias):
        # The numbers first: SQLite then waits for its turn instead of failing half-way.
        last = _take(connections[alias], size)
        yield range(last - size + 1, last + 1)


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Failures of the database as `StoreUnavailable`."""
    try:
        yield
    except (OperationalError, InterfaceError, InternalError) as error:
        raise StoreUnavailable(f"The database did not take it: {error}") from error


def _take(connection: BaseDatabaseWrapper, size: int) -> int:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            for name, milliseconds in _LIMITS.items():
                cursor.execute("SELECT set_config(%s, %s, true)", (name, milliseconds))
        cursor.execute(_TAKE, (size,))
        if cursor.rowcount == 0:
            cursor.execute(_ENSURE, (new_epoch(),))
            cursor.execute(_TAKE, (size,))
        cursor.execute(_TAKEN)
        [revision] = cursor.fetchone()
    return int(revision)
