"""SQLite's fast path: one connection, one prepared upsert for all rows of a transaction."""

# ruff: noqa: S608 -- the SQL is made of the columns' names; values are parameters

import contextlib
import sqlite3
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import Any

from django.db import connections

from dashboard import rows, texts
from dashboard.writers import (
    TASK_ASSIGNMENTS,
    TASK_COLUMNS,
    WORKER_ASSIGNMENTS,
    WORKER_COLUMNS,
    Rows,
    Upsert,
    assignments,
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
_IDS_PER_READ = 500
"""SQLite allows 32,766 parameters a statement (999 before 3.32)."""
_INSERT_TASK = (
    f"INSERT INTO headway_task ({TASK_COLUMNS})"
    f" VALUES ({', '.join('?' * len(rows.TASK_COLUMNS))})"
    f" ON CONFLICT (id) DO UPDATE SET "
)
_UPSERT_TASKS = _INSERT_TASK + TASK_ASSIGNMENTS
_FACTS = ("name", "queue", "root_id", "parent_id", "group_id", "owner")
"""Indexed, and hardly ever changed once they are known. SQLite writes the index of every column
that an update names, changed or not: a third of its time."""
_UPSERT_STATES = _INSERT_TASK + assignments(
    [name for name in rows.TASK_COLUMNS if name not in _FACTS], "id"
)
_MAX_KNOWN = 50_000
"""Tasks whose stored facts are remembered, about 300 bytes each."""
_UPSERT_WORKERS = (
    f"INSERT INTO headway_worker ({WORKER_COLUMNS})"
    f" VALUES ({', '.join('?' * len(rows.WORKER_COLUMNS))})"
    f" ON CONFLICT (name) DO UPDATE SET {WORKER_ASSIGNMENTS}"
)


_id = itemgetter(rows.TASK_COLUMNS.index("id"))
_facts = itemgetter(*(rows.TASK_COLUMNS.index(name) for name in _FACTS))


class SqliteWriter:
    """Writes with `BEGIN IMMEDIATE`: it waits for another writer before it reads, never after."""

    def __init__(self, alias: str) -> None:
        self._alias = alias
        self._connection: sqlite3.Connection | None = None
        self._has_texts = False
        self._tasks: Rows = ()
        self._workers: Rows = ()
        self._known: OrderedDict[str, tuple[Any, ...]] = OrderedDict()

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
                    self.forget()
                    connection.rollback()

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> int:
        return self._run(sql, parameters).rowcount

    def fetch(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        return self._run(sql, parameters).fetchall()

    def fetch_tasks(self, ids: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        for start in range(0, len(ids), _IDS_PER_READ):
            some = ids[start : start + _IDS_PER_READ]
            marks = ", ".join(["?"] * len(some))
            yield from self.fetch(
                f"SELECT {TASK_COLUMNS} FROM headway_task WHERE id IN ({marks})", some
            )

    def stage(self, tasks: Rows, workers: Rows) -> None:
        self._tasks, self._workers = tasks, workers

    def write_staged(self, previous: int) -> None:
        same: list[tuple[Any, ...]] = []
        other: list[tuple[Any, ...]] = []
        for row in self._tasks:
            (same if self._known.get(_id(row)) == _facts(row) else other).append(row)
        statements = (
            (_UPSERT_STATES, same),
            (_UPSERT_TASKS, other),
            (_UPSERT_WORKERS, self._workers),
        )
        for sql, records in statements:
            self._connected().executemany(sql, ((previous + row[0], *row[1:]) for row in records))
        if self._has_texts:
            texts.keep(self._connected())
        self._remember(other)
        self._tasks = self._workers = ()

    def upsert(self, statement: Upsert, records: Rows) -> None:
        table, columns, key, changes = statement
        self._connected().executemany(
            f"INSERT INTO {table} ({', '.join(columns)})"
            f" VALUES ({', '.join('?' * len(columns))})"
            f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes}",
            records,
        )

    def _remember(self, records: Rows) -> None:
        known = self._known
        known.update((_id(row), _facts(row)) for row in records)
        while len(known) > _MAX_KNOWN:
            known.popitem(last=False)

    def forget(self) -> None:
        self._known.clear()

    def close(self) -> None:
        self.forget()
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
            self._has_texts = texts.is_kept(self._connection)
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
