"""Which tasks an action on many would hit: counted whole, never estimated."""

# ruff: noqa: S608 -- the SQL is made of the columns' names; values are parameters

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from django.db import DEFAULT_DB_ALIAS

from dashboard import snapshots
from dashboard.filters import Clause, where
from dashboard.snapshots import Snapshot
from realtime.core.query import Query, conjunction

MAX_TARGETS = 50_000
"""Of one operation. More is a mistake in the query, or work for a script."""
MAX_IDS = 5_000
"""Of a selection: the body of the request stays below what Django takes."""
_IDS_PER_READ = 500
_NAMES_TOLD = 5


class Target(NamedTuple):
    """A task as far as it is counted."""

    first_seen_at: float
    id: str
    name: str | None
    status: str
    conclusion: str | None


def of_query(query: Query, rows: Query, now: float, most_s: float | None = None) -> list[Target]:
    """The tasks that match both queries, oldest first; one more than `MAX_TARGETS` where there are
    too many. Raises `StoreUnavailable`, and `TooCostly` after `most_s` seconds (`MAX_READ_S` of a
    snapshot for None)."""
    asked = conjunction(query, rows)
    return sorted(
        snapshots.read(DEFAULT_DB_ALIAS, lambda snapshot: _matching(snapshot, asked, now), most_s)
    )


def of_ids(ids: Sequence[str], rows: Query, now: float) -> list[Target]:
    """Those of these tasks that match `rows`, oldest first. Raises `StoreUnavailable`."""
    unique = [id_ for id_ in dict.fromkeys(ids) if "\x00" not in id_]
    return sorted(
        snapshots.read(DEFAULT_DB_ALIAS, lambda snapshot: _chosen(snapshot, unique, rows, now))
    )


def by_state(targets: Sequence[Target]) -> dict[str, int]:
    """How many have each conclusion, or status while they are not over."""
    return dict(Counter(each.conclusion or each.status for each in targets).most_common())


def by_name(targets: Sequence[Target]) -> list[tuple[str, int]]:
    """The commonest names and how many have each."""
    return Counter(each.name or "" for each in targets).most_common(_NAMES_TOLD)


def _chosen(snapshot: Snapshot, ids: list[str], rows: Query, now: float) -> list[Target]:
    clause = where(rows, now, snapshot.vendor)
    found: list[Target] = []
    for start in range(0, len(ids), _IDS_PER_READ):
        some = ids[start : start + _IDS_PER_READ]
        marks = ", ".join(["%s"] * len(some))
        picked = Clause(f"id IN ({marks}) AND {clause.sql}", (*some, *clause.parameters))
        found += _read(snapshot, picked)
    return found


def _matching(snapshot: Snapshot, query: Query, now: float) -> list[Target]:
    return _read(snapshot, where(query, now, snapshot.vendor))


def _read(snapshot: Snapshot, clause: Clause) -> list[Target]:
    # Without an order an index that has the rows is used, whatever the statistics say.
    found = snapshot.fetch(
        "SELECT first_seen_at, id, name, status, conclusion FROM headway_task"
        f" WHERE {clause.sql} LIMIT {MAX_TARGETS + 1:d}",
        clause.parameters,
    )
    return [Target(*record) for record in found]
