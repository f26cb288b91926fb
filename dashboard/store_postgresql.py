"""PostgreSQL's fast path: COPY into temporary tables, then one upsert from them.

The COPY runs before the row of `headway_stream` is locked. It is the one statement during which
the server waits for us, and that wait is no idle time: a holder frozen in a COPY under the lock
would block its successor for good, where any other frozen holder is ended after
`idle_in_transaction_session_timeout`.
"""

# ruff: noqa: S608 -- the SQL is made of the columns' names; values are parameters

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
from django.db import connections
from psycopg import errors, sql

from dashboard.writers import (
    TASK_ASSIGNMENTS,
    TASK_COLUMNS,
    WORKER_ASSIGNMENTS,
    WORKER_COLUMNS,
    Rows,
    Upsert,
    translated,
)

_SESSION = {
    "idle_in_transaction_session_timeout": "2s",
    # A web action that holds the stream's row for this long is stuck: better to say so and retry.
    "lock_timeout": "5s",
    "application_name": "headway-receiver",
}
_LIMITS = {
    # Seconds, then milliseconds: a network that swallows everything is noticed in ten seconds.
    "connect_timeout": 5,
    "tcp_user_timeout": 10_000,
}
_SELECT_TASKS = f"SELECT {TASK_COLUMNS} FROM headway_task WHERE id = ANY(%s)"
_TABLES = (
    ("headway_task", TASK_COLUMNS, "id", TASK_ASSIGNMENTS),
    ("headway_worker", WORKER_COLUMNS, "name", WORKER_ASSIGNMENTS),
)


class PostgresqlWriter:
    """Writes by COPY; its session ends itself when its process is frozen in a transaction."""

    def __init__(self, alias: str) -> None:
        self._alias = alias
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None
        self._staged: tuple[int, ...] = (0, 0)

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        with translated((psycopg.Error,), _is_ours, self.close):
            yield

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        with self.reading(), self._connected().transaction():
            yield

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> int:
        return self._connected().execute(sql, parameters).rowcount

    def fetch(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        return self._connected().execute(sql, parameters).fetchall()

    def fetch_tasks(self, ids: Sequence[str]) -> list[tuple[Any, ...]]:
        # One array: psycopg spends longer on 500 parameters than the server on their rows.
        return self.fetch(_SELECT_TASKS, (list(ids),))

    def stage(self, tasks: Rows, workers: Rows) -> None:
        for (table, columns, _, _), records in zip(_TABLES, (tasks, workers), strict=True):
            if records:
                self._copy(f"COPY {table}_batch ({columns}) FROM STDIN", records)
        self._staged = (len(tasks), len(workers))

    def write_staged(self, previous: int) -> None:
        for (table, columns, key, assignments), size in zip(_TABLES, self._staged, strict=True):
            if size:
                self.execute(
                    f"INSERT INTO {table} ({columns})"
                    f" SELECT {columns.replace('revision', 'revision + %s', 1)} FROM {table}_batch"
                    f" ON CONFLICT ({key}) DO UPDATE SET {assignments}",
                    (previous,),
                )

    def upsert(self, statement: Upsert, records: Rows) -> None:
        if not records:
            return
        table, columns, key, changes = statement
        # A column is one parameter, whatever the number of records.
        arrays = ", ".join(f"%s::{type_}[]" for type_ in columns.values())
        self.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT * FROM unnest({arrays})"
            f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes}",
            [list(values) for values in zip(*records, strict=True)],
        )

    def forget(self) -> None:
        """Nothing is kept."""

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _copy(self, statement: str, records: Rows) -> None:
        with self._connected().cursor() as cursor, cursor.copy(statement) as copy:
            for record in records:
                copy.write_row(record)

    def _connected(self) -> psycopg.Connection[tuple[Any, ...]]:
        if self._connection is None:
            # Held before it is prepared: where that fails, `close` finds it.
            self._connection = self._connect()
            _prepare(self._connection)
        return self._connection

    def _connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        given = connections[self._alias].get_connection_params()
        # Django's cursors and adapters bind in Python, and its pool would lend our session's
        # settings to others.
        ours = ("context", "cursor_factory", "pool", "assume_role", "isolation_level")
        options = {name: value for name, value in given.items() if name not in ours}
        return psycopg.connect(**{**_LIMITS, **options}, autocommit=True)


def _prepare(connection: psycopg.Connection[tuple[Any, ...]]) -> None:
    for name, value in _SESSION.items():
        connection.execute(sql.SQL("SET {} = {}").format(sql.Identifier(name), sql.Literal(value)))
    for table, *_ in _TABLES:
        connection.execute(
            f"CREATE TEMPORARY TABLE {table}_batch (LIKE {table}) ON COMMIT DELETE ROWS"
        )


def _is_ours(error: Exception) -> bool:
    if isinstance(error, errors.UndefinedTable):
        return False
    return isinstance(
        error,
        psycopg.DataError
        | psycopg.IntegrityError
        | psycopg.ProgrammingError
        | psycopg.NotSupportedError,
    )
