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
_TESTS = 3
"""Of texts and numbers, in one row: they cost as much as reading it."""
_JSON = ("args", "kwargs")
_JSON_TESTS = 9
"""What it costs to take one of these apart."""
_SCATTERED = 2.0
"""Rows of one value lie further apart than the newest rows: to read one costs so much more."""
_TIMES = ("since", "until")


@dataclass(frozen=True, slots=True)
class Plan:
    """`branches` are queries of indexed terms, disjoint and each in the order of pages; `rest`
    must be tested on what they give. `ids` are further rows, of which all are read: those that
    match `beside` (by default `rest`) and are of no branch."""

    branches: tuple[Query, ...]
    rest: Query
    ids: tuple[str, ...] = ()
    beside: Query | None = None
    anchor: str | None = None
    """The word of the term that gives the branches, where there is one."""

    @property
    def is_indexed(self) -> bool:
        """Whether nothing is left to be searched for."""
        return not (self.branches and self.rest.terms)

    def searchable(self, rows: int) -> int:
        """How many rows of each branch may be tested where `rows` with a simple test may be: fewer
        where the test of one row costs more."""
        tests = sum(
            _tests(term) * (_JSON_TESTS if name in _JSON else 1)
            for term in self.rest.terms
            for name in term.fields
        )
        cost = max(tests / _TESTS, 1.0) * (1.0 if self.anchor is None else _SCATTERED)
        return max(int(rows / cost) // max(len(self.branches), 1), 1)

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
    anchor = min((t for t in query.terms if _is_anchor(t)), key=_commonness, default=None)
    return anchored(query, anchor)


def anchored(query: Query, anchor: Term | None) -> Plan:
    """How to read the rows of `query` by this term, one of equalities of an indexed column."""
    times = tuple(term for term in query.terms if _is_time(term))
    rest = Query(tuple(term for term in query.terms if term not in (*times, anchor)))
    if anchor is None:
        return Plan((Query(times),), rest)
    branches = (
        Query((replace(anchor, conditions=(value,)), *times)) for value in anchor.conditions
    )
    return Plan(tuple(branches), rest, anchor=anchor.word)


def is_answered_by_index(term: Term) -> bool:
    """Whether an index has exactly the rows of this term; if it asks for the beginning of a text,
    not in the order of pages."""
    return _is_anchor(term) or _is_prefix(term)


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
    keyset = under(below)
    return Statement(
        f'SELECT {_names(columns)} FROM "headway_task" WHERE {clause.sql} AND {keyset.sql}'
        f" ORDER BY {ORDER} LIMIT {limit:d} OFFSET {offset:d}",
        (*clause.parameters, *keyset.parameters),
    )


def few(
    plan: Plan,
    columns: Iterable[str],
    limit: int,
    now: float,
    vendor: str,
    below: Key | None = None,
) -> Statement:
    """The newest `limit` of the rows that `plan` knows by their ids, below a key."""
    query = plan.rest if plan.beside is None else plan.beside
    asked = [where(query, now, vendor), under(below)]
    asked += [_not(where(each, now, vendor)) for each in plan.branches]
    tested = (name for each in (query, *plan.branches) for t in each.terms for name in t.fields)
    # The limit within keeps a database from going through another index, for the order's sake.
    return Statement(
        f"SELECT {_names(columns)} FROM (SELECT {_names(dict.fromkeys((*columns, *tested)))}"
        f' FROM "headway_task" WHERE id IN ({", ".join(["%s"] * len(plan.ids))})'
        f' LIMIT {len(plan.ids):d}) AS "headway_task"'
        f" WHERE {' AND '.join(clause.sql for clause in asked)} ORDER BY {ORDER} LIMIT {limit:d}",
        (*plan.ids, *(value for clause in asked for value in clause.parameters)),
    )


def _names(columns: Iterable[str]) -> str:
    return ", ".join(f'"headway_task"."{name}"' for name in columns)


def _not(clause: Clause) -> Clause:
    return Clause(f"({clause.sql}) IS NOT TRUE", clause.parameters)


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


def _tests(term: Term) -> int:
    """Of one field; equalities are one test, however many they are."""
    others = sum(not isinstance(condition, Equal) for condition in term.conditions)
    return others + (others < len(term.conditions))


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
