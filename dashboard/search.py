"""What a look into the indexes makes of a query before its rows are read.

Three kinds of terms become a few rows or values, whatever the age of what they match: the beginning
of an id that few tasks have; a part of a name, queue, worker or owner, of which there are few
different ones; and a part of a label, an exception, or of any of what a bare word searches. The
answer is never another for it: everything that is found this way is tested by the query itself.
"""

# ruff: noqa: S608 -- every piece of SQL is a constant; values are parameters

import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from dashboard import plans, texts
from dashboard.filters import where
from dashboard.plans import Plan
from dashboard.snapshots import Snapshot, distinct
from realtime.core.query import Query, Term, predicate
from realtime.core.query_terms import Contains, Equal, Pattern

MAX_FOUND = 1_000
"""So many rows are read whole, whatever else the query asks of them."""
MAX_VALUES = 500
"""Different names, queues or workers that are looked through; a new one costs some microseconds."""

_FEW_VALUES = ("name", "queue", "worker", "owner", "signature")
_WORDS_IN_TEXTS = ("", "label", "error")
_FEW_ROWS = ("id", "group", "parent", "root", "signature", "owner")
"""Their rows are few: better than whatever may be found."""
_ODD = {
    "sqlite": f"id NOT GLOB '{'[0-9a-f-]' * 36}'",
    "postgresql": "id !~ '^[0-9a-f-]{36}$'",
}
"""Ids that are not as Celery makes them, as the migration 0004 spells it."""
_ID_LENGTH = 36
_IN_AN_ID = re.compile("[0-9a-f-]*")


@contextlib.contextmanager
def searching(snapshot: Snapshot) -> Iterator[None]:
    """Around everything that a plan reads. How many rows that is was decided; PostgreSQL, which
    thinks of reading the whole table, with helpers and compiled code, need not."""
    with snapshot.planned(enable_seqscan="off", jit="off", max_parallel_workers_per_gather="0"):
        yield


def plan(snapshot: Snapshot, query: Query, now: float) -> Plan:
    """How to read the rows of `query` in this database; within `searching`."""
    plain = plans.plan(query)
    if plain.is_indexed or plain.anchor in _FEW_ROWS:
        return plain
    return (
        _by_index(snapshot, query, now)
        or _by_text(snapshot, query, now, is_anchored=plain.anchor is not None)
        or _by_values(snapshot, query, now)
        or plain
    )


def near(snapshot: Snapshot, query: Query, now: float) -> tuple[Plan, ...]:
    """Plans that together have every row of a query which asks for a text, and lead to those of a
    common one at once; none for other queries. Their rows may be the same. Within `searching`."""
    plain = plans.plan(query)
    term = next((t for t in query.terms if not t.is_negated and t.word in _WORDS_IN_TEXTS), None)
    if term is None or plain.anchor in _FEW_ROWS:
        return ()
    if plain.anchor is not None:
        return (plain,)
    if "id" not in term.fields:
        return tuple(_with_text(query, column) for column in term.fields)
    by_id = _ids_with(snapshot, term)
    named = _named(snapshot, replace(term, word="name", fields=("name",)), now)
    if by_id is None or named is None or len(named.conditions) > plans.MAX_BRANCHES:
        return (plain,)
    by_text = [_with_text(query, column) for column in texts.COLUMNS]
    if named.conditions:
        terms = (named if each == term else each for each in query.terms)
        by_text.append(plans.anchored(Query(tuple(terms)), named))
    if by_id:
        by_text.append(Plan((), query, ids=by_id))
    return tuple(by_text)


def _with_text(query: Query, column: str) -> Plan:
    """By the rows that have such a text at all, of which there is an index."""
    has_text = Term(
        word=column, fields=(column,), conditions=(Pattern(("", "")),), text=f"{column}:*"
    )
    return plans.anchored(Query((has_text, *query.terms)), has_text)


def _by_index(snapshot: Snapshot, query: Query, now: float) -> Plan | None:
    """By a text, or the beginning of one, that few tasks have."""
    for term in query.terms:
        if plans.is_answered_by_index(term):
            clause = where(Query((term,)), now, snapshot.vendor)
            ids = _ids(snapshot, clause.sql, clause.parameters)
            if ids is not None:
                return Plan((), query, ids=ids)
    return None


def _by_text(snapshot: Snapshot, query: Query, now: float, *, is_anchored: bool) -> Plan | None:
    """By a part of a label or an exception, or by a bare word. Of several terms the first that few
    tasks match will do, and the one that the fewest are expected to match is asked for first."""
    asked = [
        (term, runs)
        for term in query.terms
        if not term.is_negated and term.word in _WORDS_IN_TEXTS
        if (runs := texts.runs(term.conditions)) is not None
    ]
    if len(asked) > 1:
        asked.sort(key=lambda each: texts.expected(snapshot, _columns(each[0]), each[1]))
    for term, runs in asked:
        found = _of_texts(snapshot, query, term, runs, now, is_anchored=is_anchored)
        if found is not None:
            return found
    return None


def _columns(term: Term) -> list[str]:
    return [name for name in texts.COLUMNS if name in term.fields]


def _of_texts(
    snapshot: Snapshot, query: Query, term: Term, runs: texts.Runs, now: float, *, is_anchored: bool
) -> Plan | None:
    ids = texts.candidates(snapshot, _columns(term), runs, MAX_FOUND)
    if ids is None or "id" not in term.fields:
        return None if ids is None else Plan((), query, ids=tuple(ids))
    by_id = _ids_with(snapshot, term)
    named = _named(snapshot, replace(term, word="name", fields=("name",)), now)
    if by_id is None or named is None:
        return None
    found = tuple(dict.fromkeys((*ids, *by_id)))
    if not named.conditions:
        return Plan((), query, ids=found)
    if is_anchored or len(named.conditions) > plans.MAX_BRANCHES:
        return None
    terms = (named if each == term else each for each in query.terms)
    return replace(plans.anchored(Query(tuple(terms)), named), ids=found, beside=query)


def _ids_with(snapshot: Snapshot, term: Term) -> tuple[str, ...] | None:
    """The tasks whose id may hold one of these texts; None where that takes a search."""
    odd = _ids(snapshot, _ODD[snapshot.vendor], ())
    whole: list[str] = []
    for condition in term.conditions:
        parts = condition.parts if isinstance(condition, Contains) else ("",)
        if all(_IN_AN_ID.fullmatch(part) for part in parts):
            if len(parts) != 1 or len(parts[0]) < _ID_LENGTH:
                return None
            whole.append(parts[0])
    return None if odd is None else (*odd, *whole)


def _by_values(snapshot: Snapshot, query: Query, now: float) -> Plan | None:
    """With each pattern of a column that has few different values written as those it fits."""
    terms = [_named(snapshot, t, now) or t if _is_pattern(t) else t for t in query.terms]
    if any(not term.conditions for term in terms):
        return Plan((), query)
    changed = Query(tuple(terms))
    return plans.plan(changed) if changed != query else None


def _is_pattern(term: Term) -> bool:
    return (
        term.word in _FEW_VALUES
        and not term.is_negated
        and any(isinstance(condition, Pattern) for condition in term.conditions)
    )


def _named(snapshot: Snapshot, term: Term, now: float) -> Term | None:
    """The term with the values that it fits, perhaps none; None where there are too many values."""
    [column] = term.fields
    values = distinct(snapshot, column, MAX_VALUES + 1)
    if len(values) > MAX_VALUES:
        return None
    fits = predicate(Query((term,)), now)
    found = tuple(Equal(value) for value in values if fits({column: value}))
    return replace(term, conditions=found)


def _ids(snapshot: Snapshot, sql: str, parameters: Sequence[str | float]) -> tuple[str, ...] | None:
    """The ids of what a condition selects that an index answers; None where they are too many."""
    found = snapshot.known(
        f"SELECT id FROM headway_task WHERE {sql} LIMIT {MAX_FOUND + 1:d}", parameters
    )
    return None if len(found) > MAX_FOUND else tuple(id_ for (id_,) in found)
