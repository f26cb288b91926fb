"""The index of parts of texts: which tasks may hold a text in their label or exception.

Only tasks that have a label or an exception are in it, which keeps it small. It is made by the
migration 0004 where the database can: `pg_trgm` on PostgreSQL, FTS5 with its tokenizer `trigram` on
SQLite. Where it is missing nothing is found by it, and texts are searched for row by row.

What it gives are candidates. It knows nothing of the marks between words and treats more letters
alike than a query does, so whoever asks must test the rows themselves.
"""

# ruff: noqa: S608 -- every piece of SQL is a constant; values are parameters

import contextlib
import re
import sqlite3
from collections.abc import Iterable, Sequence

from dashboard.plans import Statement
from dashboard.snapshots import Snapshot
from realtime.core.query_terms import Condition, Contains, Equal, ErrorType, Pattern

COLUMNS = ("label", "exception")
_POSTGRESQL_INDEX = "headway_task_{}_parts"
_IS_THERE = {
    "sqlite": "SELECT 1 FROM sqlite_master WHERE name = 'headway_text_parts'",
    "postgresql": "SELECT 1 FROM pg_index WHERE indisvalid AND indexrelid IN ("
    + ", ".join(f"to_regclass('{_POSTGRESQL_INDEX.format(name)}')" for name in COLUMNS)
    + f") HAVING count(*) = {len(COLUMNS)}",
}
# Both kinds of index know three characters that follow each other within a word.
_RUN = re.compile("[A-Za-z0-9]{3,}")
# What most exceptions end in leads to all of them, and takes the longer the more there are.
_COMMON_END = re.compile("(?<=[a-z0-9]{3})(?:error|exception)$", re.IGNORECASE)
_MOST_RUNS = 4
_MOST_TRIGRAMS = 24
_DUE = "SELECT task_id FROM headway_text_due"
_INDEX_DUE = (
    f"""
    DELETE FROM headway_text_parts
    WHERE rowid IN (SELECT id FROM headway_text WHERE task_id IN ({_DUE}))
    """,
    f"DELETE FROM headway_text WHERE task_id IN ({_DUE})",
    f"""
    INSERT INTO headway_text (task_id) SELECT id FROM headway_task
    WHERE id IN ({_DUE}) AND (label IS NOT NULL OR exception IS NOT NULL)
    """,
    f"""
    INSERT INTO headway_text_parts (rowid, label, exception)
    SELECT headway_text.id, label, exception FROM headway_text
    JOIN headway_task ON headway_task.id = headway_text.task_id
    WHERE headway_text.task_id IN ({_DUE})
    """,
    "DELETE FROM headway_text_due",
)

Runs = tuple[tuple[str, ...], ...]
"""Of each alternative, the pieces of text that must all be found."""


def runs(conditions: Iterable[Condition]) -> Runs | None:
    """What the index can be asked for in place of these; None where one of them gives nothing to
    ask for."""
    found = tuple(_longest(condition) for condition in conditions)
    return found if all(found) else None


def candidates(
    snapshot: Snapshot, columns: Sequence[str], wanted: Runs, limit: int
) -> list[str] | None:
    """The ids of the tasks that may hold one of the alternatives in one of these columns; None
    where there are more than `limit`, or no index."""
    if not snapshot.known(_IS_THERE[snapshot.vendor]):
        return None
    ask = {"sqlite": _by_fts, "postgresql": _by_trigrams}[snapshot.vendor]
    ids = ask(snapshot, columns, wanted, limit + 1)
    return None if len(ids) > limit else ids


def expected(snapshot: Snapshot, columns: Sequence[str], wanted: Runs) -> int:
    """About how many tasks hold one of the alternatives, as the statistics of PostgreSQL have it:
    its index reads all of them before it gives the first. That of SQLite does not: 0."""
    if snapshot.vendor != "postgresql":
        return 0
    with _by_the_index(snapshot):
        return sum(_expected(snapshot, _holding(column, wanted)) for column in columns)


def is_kept(connection: sqlite3.Connection) -> bool:
    """Whether this file of SQLite has an index that must be kept up to date."""
    return connection.execute(_IS_THERE["sqlite"]).fetchone() is not None


def keep(connection: sqlite3.Connection) -> None:
    """Index the texts that were written since this was last done, in the transaction that wrote
    them. Until then they are candidates, whatever is looked for."""
    if connection.execute(f"{_DUE} LIMIT 1").fetchone():
        for statement in _INDEX_DUE:
            connection.execute(statement)


def _longest(condition: Condition) -> tuple[str, ...]:
    match condition:
        case Equal(text) | ErrorType(text):
            parts: tuple[str, ...] = (text,)
        case Pattern(parts) | Contains(parts):
            pass
        case _:
            parts = ()
    found = dict.fromkeys(_COMMON_END.sub("", run) for part in parts for run in _RUN.findall(part))
    return tuple(sorted(found, key=len, reverse=True)[:_MOST_RUNS])


def _by_fts(snapshot: Snapshot, columns: Sequence[str], wanted: Runs, limit: int) -> list[str]:
    """The index knows which trigrams a task has, in whatever column and order. They are letters
    and digits, so nothing of them means anything to FTS5."""
    del columns
    any_of = " OR ".join(f"({_trigrams(each)})" for each in wanted)
    found = snapshot.fetch(
        "SELECT * FROM (SELECT headway_text.task_id FROM headway_text_parts JOIN headway_text"
        " ON headway_text.id = headway_text_parts.rowid WHERE headway_text_parts MATCH %s LIMIT %s)"
        f" UNION ALL SELECT * FROM ({_DUE} LIMIT %s)",
        (any_of, limit, limit),
    )
    return [id_ for (id_,) in found]


def _trigrams(runs_: Sequence[str]) -> str:
    found = dict.fromkeys(run[at : at + 3] for run in runs_ for at in range(len(run) - 2))
    return " AND ".join(f'"{each}"' for each in list(found)[:_MOST_TRIGRAMS])


def _by_trigrams(snapshot: Snapshot, columns: Sequence[str], wanted: Runs, limit: int) -> list[str]:
    ids: dict[str, None] = {}
    with _by_the_index(snapshot):
        for column in columns:
            holding = _holding(column, wanted)
            found = snapshot.fetch(f"{holding.sql} LIMIT %s", (*holding.parameters, limit))
            ids.update(dict.fromkeys(id_ for (id_,) in found))
    return list(ids)


def _by_the_index(snapshot: Snapshot) -> contextlib.AbstractContextManager[None]:
    """An index that gives rows in some order looks cheaper than it is where few of them match."""
    off = dict.fromkeys(("enable_seqscan", "enable_indexscan", "enable_indexonlyscan"), "off")
    return snapshot.planned(**off, jit="off")


def _holding(column: str, wanted: Runs) -> Statement:
    every = f'"{column}" COLLATE "C" ILIKE %s'
    any_of = " OR ".join(f"({' AND '.join([every] * len(each))})" for each in wanted)
    return Statement(
        f'SELECT id FROM headway_task WHERE "{column}" IS NOT NULL AND ({any_of})',
        tuple(f"%{run}%" for each in wanted for run in each),
    )


def _expected(snapshot: Snapshot, statement: Statement) -> int:
    [(told,)] = snapshot.fetch(f"EXPLAIN (FORMAT JSON) {statement.sql}", statement.parameters)
    rows: int = told[0]["Plan"]["Plan Rows"]
    return rows
