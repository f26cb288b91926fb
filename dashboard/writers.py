"""What both fast paths of `Store` share: a connection of their own, transactions, the upsert."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from django.db import connections

from dashboard import rows
from realtime.ports import Commit, LeaseLost, StoreUnavailable

Rows = Sequence[tuple[Any, ...]]
"""Records whose revision is still their place in the transaction, from 1."""


class Upsert(NamedTuple):
    """One statement that inserts records or, where their key is stored, changes what is."""

    table: str
    columns: Mapping[str, str]
    """Name to PostgreSQL's type."""
    key: Sequence[str]
    assignments: str


class Writer(Protocol):
    """One connection that writes. Made again after an error; used by one thread at a time."""

    def transaction(self) -> contextlib.AbstractContextManager[None]:
        """All or nothing. Failures of the database leave as `StoreUnavailable`."""
        ...

    def reading(self) -> contextlib.AbstractContextManager[None]:
        """For `fetch` outside a transaction, with the same errors."""
        ...

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """Run a statement with `%s` parameters; how many rows it touched."""
        ...

    def fetch(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query with `%s` parameters."""
        ...

    def fetch_tasks(self, ids: Sequence[str]) -> Iterable[tuple[Any, ...]]:
        """The records of `TASK_COLUMNS` of these ids, in any order."""
        ...

    def stage(self, tasks: Rows, workers: Rows) -> None:
        """Take what will be written, before any number is taken."""
        ...

    def write_staged(self, previous: int) -> None:
        """Write what was staged; its revisions follow `previous`."""
        ...

    def upsert(self, statement: Upsert, records: Rows) -> None:
        """Write these records, whose keys differ, at once; whatever order."""
        ...

    def forget(self) -> None:
        """Take nothing for stored that was read or written before: another may have led since."""
        ...

    def close(self) -> None:
        """Give up the connection."""
        ...


def writer(alias: str) -> Writer:
    """The fast path for the database of this alias; ValueError where there is none."""
    vendor = connections[alias].vendor
    if vendor == "sqlite":
        from dashboard.store_sqlite import SqliteWriter

        return SqliteWriter(alias)
    if vendor == "postgresql":
        from dashboard.store_postgresql import PostgresqlWriter

        return PostgresqlWriter(alias)
    raise ValueError(
        f"The database {alias!r} is {vendor}: Headway writes to sqlite and postgresql only."
    )


_TAKE_NUMBERS = (
    "UPDATE headway_stream SET revision = revision + %s, covered_at = COALESCE(%s, covered_at)"
    " WHERE id = 1 AND lease_token = %s"
)


def take_numbers(writer: Writer, token: str, size: int, covered_at: float | None = None) -> Commit:
    """Take `size` numbers, which locks the stream until the transaction ends; `LeaseLost` when the
    lease is another's."""
    if not writer.execute(_TAKE_NUMBERS, (size, covered_at, token)):
        raise LeaseLost
    [(epoch, revision)] = writer.fetch("SELECT epoch, revision FROM headway_stream WHERE id = 1")
    return Commit(epoch, revision - size, revision)


def assignments(columns: Sequence[str], key: str) -> str:
    """The SET of an upsert. `first_seen_at` stays: then pages neither skip nor repeat a row."""
    changed = (name for name in columns if name not in (key, "first_seen_at"))
    return ", ".join(f"{name} = excluded.{name}" for name in changed)


TASK_COLUMNS = ", ".join(rows.TASK_COLUMNS)
TASK_ASSIGNMENTS = assignments(rows.TASK_COLUMNS, "id")
WORKER_COLUMNS = ", ".join(rows.WORKER_COLUMNS)
WORKER_ASSIGNMENTS = assignments(rows.WORKER_COLUMNS, "name")


@contextlib.contextmanager
def translated(
    errors: tuple[type[Exception], ...],
    is_ours: Callable[[Exception], bool],
    discard: Callable[[], None],
) -> Iterator[None]:
    """Database errors as `StoreUnavailable`, our own faults as they are. `discard` follows."""
    try:
        yield
    except errors as error:
        discard()
        if is_ours(error):
            raise
        raise StoreUnavailable(f"The database did not take it: {error}") from error
