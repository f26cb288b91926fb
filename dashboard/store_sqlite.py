"""SQLite's fast path: one connection, one prepared upsert for all rows of a transaction."""

# ruff: noqa: S608 -- the SQL is made of the columns' names; values are parameters

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connections

from dashboard import rows
from dashboard.writers import (
    TASK_ASSIGNMENTS,
    TASK_COLUMNS,
    WORKER_ASSIGNMENTS,
    WORKER_COLUMNS,
    Rows,
    translated,
)

_PRAGMAS = (
    # Readers go on while we write. The mode stays with the file, so every connection has it.
    "PRAGMA journal_mode = WAL",
    # Safe against a crash of the process; a power cut may take the last transactions, whole.
    "PRAGMA synchronous = NORMAL",
    # 64 MB in place of 2: ids fall all over their indexes, and a page that is not held is read.
    "PRAGMA cache_size = -65536",
)
_UPSERT_TASKS = (
    f"INSERT INTO headway_task ({TASK_COLUMNS})"
    f" VALUES ({', '.join('?' * len(rows.TASK_COLUMNS))})"
    f" ON CONFLICT (id) DO UPDATE SET {TASK_ASSIGNMENTS}"
)
_UPSERT_WORKERS = (
    f"INSERT INTO headway_worker ({WORKER_COLUMNS})"
    f" VALUES ({', '.join('?' * len(rows.WORKER_COLUMNS))})"
    f" ON CONFLICT (name) DO UPDATE SET {WORKER_ASSIGNMENTS}"
)


class SqliteWriter:
    """Writes with `BEGIN IMMEDIATE`: it waits for another writer before it reads, never after."""

    def __init__(self, alias: str) -> None:
        self._alias = alias
        self._connection: sqlite3.Connection | None = None
        self._tasks: Rows = ()
        self._workers: Rows = ()

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        with translated((sqlite3.Error,), _is_ours, self.close):
            yield

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        with self.reading():
            connection = self._connected()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.rollback()

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> int:
        return self._run(sql, parameters).rowcount

    def fetch(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        return self._run(sql, parameters).fetchall()

    def stage(self, tasks: Rows, workers: Rows) -> None:
        self._tasks, self._workers = tasks, workers

    def write_staged(self, previous: int) -> None:
        connection = self._connected()
        for sql, records in ((_UPSERT_TASKS, self._tasks), (_UPSERT_WORKERS, self._workers)):
            connection.executemany(sql, ((previous + row[0], *row[1:]) for row in records))
        self._tasks = self._workers = ()

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _run(self, sql: str, parameters: Sequence[object]) -> sqlite3.Cursor:
        return self._connected().execute(sql.replace("%s", "?"), parameters)

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            options = connections[self._alias].get_connection_params()
            self._connection = sqlite3.connect(**options, isolation_level=None)
            for pragma in _PRAGMAS:
                self._connection.execute(pragma)
        return self._connection


def _is_ours(error: Exception) -> bool:
    return isinstance(
        error,
        sqlite3.IntegrityError
        | sqlite3.DataError
        | sqlite3.ProgrammingError
        | sqlite3.InterfaceError
        | sqlite3.NotSupportedError,
    )
