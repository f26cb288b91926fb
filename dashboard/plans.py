"""Which part of a query an index answers in the order of pages, and which part must be searched.

Databases choose between "follow the order" and "follow the index" by statistics, and read the
whole table when they choose wrongly. Here the choice is made once, by rule: at most one indexed
term gives the rows in order (a branch for each of its values), everything else is tested on them,
and the number of rows tested is bounded.
"""

# ruff: noqa: S608 -- every piece of SQL is a constant; values are parameters

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from dashboard.cursors import Key
from dashboard.filters import Clause, where
from realtime.core.query import Query, Term
from realtime.core.query_terms import Equal, Pattern

ORDER = '"headway_task"."first_seen_at" DESC, "headway_task"."id" DESC'
MAX_BRANCHES = 16
"""More values than this are tested row by row: each branch is read to the full limit."""

# The fewer rows one value is likely to have, the earlier.
_INDEXED = (
    "id",
    "group",
    "parent",
    "root",
    "signature",
    "owner",
    "status",
    "conclusion",
    "name",
    "worker",
    "queue",
)
_COMMON = ("completed", "succeeded")
_TIMES = ("since", "until")


@dataclass(frozen=True, slots=True)
class Plan:
    """`branches` are queries of indexed terms, disjoint and each in the order of pages; `rest`
    must be tested on what they give."""

    branches: tuple[Query, ...]
    rest: Query

    @property
    def is_indexed(self) -> bool:
        """Whether nothing is left to be searched for."""
        return not self.rest.terms

    @property
    def columns(self) -> tuple[str, ...]:
        """What must be read of a row to test it, apart from its key."""
        return tuple(sorted({name for term in self.rest.terms for name in term.fields}))


class Statement(NamedTuple):
    """SQL with `%s` for each of its parameters."""

    sql: str
    parameters: tuple[str | float, ...]


def plan(query: Query) -> Plan:
    """How to read the rows of `query`."""
    times = tuple(term for term in query.terms if _is_time(term))
    anchor = min((t for t in query.terms if _is_anchor(t)), key=_commonness, default=None)
    rest = tuple(term for term in query.terms if term not in (*times, anchor))
    if anchor is None:
        return Plan((Query(times),), Query(rest))
    branches = (
        Query((replace(anchor, conditions=(value,)), *times)) for value in anchor.conditions
    )
    return Plan(tuple(branches), Query(rest))


def prefix(query: Query) -> Query | None:
    """The indexed term of `query` that asks for the beginning of a text, where there is one. Its
    index has the rows, but not in the order of pages."""
    found = next((term for term in query.terms if _is_prefix(term)), None)
    return None if found is None else Query((found,))


def is_in_time(query: Query) -> bool:
    """Whether nothing but the time of a task matters, so that every index can be asked."""
    return all(_is_time(term) for term in query.terms)


def branch(
    query: Query,
    columns: Iterable[str],
    limit: int,
    now: float,
    vendor: str,
    below: Key | None = None,
    offset: int = 0,
) -> Statement:
    """The newest `limit` rows of one branch, below a key, after `offset` of them."""
    clause = where(query, now, vendor)
    names = ", ".join(f'"headway_task"."{name}"' for name in columns)
    keyset = under(below)
    return Statement(
        f'SELECT {names} FROM "headway_task" WHERE {clause.sql} AND {keyset.sql}'
        f" ORDER BY {ORDER} LIMIT {limit:d} OFFSET {offset:d}",
        (*clause.parameters, *keyset.parameters),
    )


def under(key: Key | None) -> Clause:
    """The rows that stand below this key; all where there is none."""
    if key is None:
        return Clause("TRUE")
    columns = '("headway_task"."first_seen_at", "headway_task"."id")'
    return Clause(f"{columns} < (%s, %s)", tuple(key))


def union(branches: Sequence[Statement]) -> Statement:
    """All their rows, as a table to select from that goes by the name of the real one."""
    if len(branches) == 1:
        sql = branches[0].sql
    else:
        sql = " UNION ALL ".join(
            f"SELECT * FROM ({each.sql}) AS branch_{n}" for n, each in enumerate(branches)
        )
    return Statement(
        f'({sql}) AS "headway_task"', tuple(p for each in branches for p in each.parameters)
    )


def _is_time(term: Term) -> bool:
    return term.word in _TIMES and not term.is_negated and len(term.conditions) == 1


def _is_anchor(term: Term) -> bool:
    return (
        term.word in _INDEXED
        and not term.is_negated
        and len(term.conditions) <= MAX_BRANCHES
        and all(isinstance(condition, Equal) for condition in term.conditions)
    )


def _is_prefix(term: Term) -> bool:
    [condition, *others] = term.conditions
    return (
        term.word in _INDEXED
        and not (term.is_negated or others)
        and isinstance(condition, Pattern)
        and bool(condition.parts[0])
        and condition.parts[1:] == ("",)
    )


def _commonness(term: Term) -> tuple[bool, int, int]:
    is_common = any(isinstance(c, Equal) and c.text in _COMMON for c in term.conditions)
    return is_common, _INDEXED.index(term.word), len(term.conditions)
