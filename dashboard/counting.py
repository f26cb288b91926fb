"""How many tasks are in which status: exact where an index tells, bounded and marked elsewhere."""

# ruff: noqa: S608 -- every piece of SQL is a constant; values are parameters

from collections import Counter
from collections.abc import Mapping, Sequence

from dashboard import plans, search
from dashboard.filters import where
from dashboard.plans import Plan, Statement
from dashboard.snapshots import Snapshot
from realtime.core.query import Query, Term, conjunction, without
from realtime.core.query_terms import Equal
from realtime.core.task import COMPLETED, CONCLUSIONS, STATUSES
from realtime.ports import Counts

CAP = 10_000
"""Beyond it people read "10k+", and a database counts for nothing."""
OPEN_CAP = 100_000
MAX_OWN = 50_000
"""Rows that are tested one by one, where a viewer sees only some tasks."""
_STATE_WORDS = frozenset({"status", "conclusion", "state"})
_OPEN = tuple(status for status in STATUSES if status != COMPLETED)
OPEN = tuple(status for status in _OPEN if status != "unknown")
_COLUMNS = ("first_seen_at", "id", "status", "conclusion")

Tally = Mapping[str, tuple[int, bool]]


def counted(
    snapshot: Snapshot, query: Query, rows: Query, now: float, max_searched: int, cap: int = CAP
) -> Counts:
    """`all`, every status and every conclusion, of what matches `query` and `rows`. Only `query`
    loses its state terms: `rows` is what the viewer may see."""
    asked = conjunction(without(query, _STATE_WORDS), rows)
    if plans.is_in_time(asked):
        selects = [("all", asked)]
        selects += [(status, _with("status", status, asked)) for status in STATUSES]
        selects += [(word, _with("conclusion", word, asked)) for word in CONCLUSIONS]
        return _by_index(snapshot, selects, now, cap)
    with search.searching(snapshot):
        return _by_search(snapshot, asked, now, max_searched, cap)


def open_counts(snapshot: Snapshot, rows: Query, now: float) -> Mapping[str, int]:
    """How many tasks that match `rows` are in each status but `completed` and `unknown`; none is
    counted beyond `OPEN_CAP`."""
    if plans.is_in_time(rows):
        selects = [(status, _with("status", status, rows)) for status in OPEN]
        tally = _by_index(snapshot, selects, now, OPEN_CAP)
    else:
        tally = counted(snapshot, Query(), rows, now, MAX_OWN, OPEN_CAP)
    return {status: tally[status][0] for status in OPEN}


def finished(
    snapshot: Snapshot, rows: Query, conclusions: Sequence[str], now: float, within_s: float
) -> int:
    """How many of `MAX_OWN` tasks that ended so within the last `within_s` seconds match."""
    clause = where(rows, now, snapshot.vendor)
    marks = ", ".join(["%s"] * len(conclusions))
    tested = {name for term in rows.terms for name in term.fields}
    [(number,)] = snapshot.fetch(
        f"SELECT count(*) FROM (SELECT {', '.join(sorted({'id', *tested}))} FROM headway_task"
        f" WHERE conclusion IN ({marks}) AND finished_at >= %s"
        f' LIMIT {MAX_OWN:d}) AS "headway_task" WHERE {clause.sql}',
        (*conclusions, now - within_s, *clause.parameters),
    )
    return int(number)


def _by_index(
    snapshot: Snapshot, selects: Sequence[tuple[str, Query]], now: float, cap: int
) -> Tally:
    """Each of these by its name, from its own index."""
    parts = [(name, where(query, now, snapshot.vendor)) for name, query in selects]
    sql = " UNION ALL ".join(
        f"SELECT '{name}', count(*) FROM (SELECT 1 AS one FROM headway_task"
        f" WHERE {clause.sql} LIMIT {cap + 1:d}) AS part_{n}"
        for n, (name, clause) in enumerate(parts)
    )
    found = snapshot.fetch(sql, [value for _, clause in parts for value in clause.parameters])
    return {name: (min(number, cap), number > cap) for name, number in found}


def _by_search(snapshot: Snapshot, asked: Query, now: float, max_searched: int, cap: int) -> Tally:
    """One search gives all figures. Where it stopped early they are lower bounds, but for the
    tasks that are not over: there are few, and each status has its index."""
    tally, is_whole = _searched(snapshot, search.plan(snapshot, asked, now), now, max_searched)
    uncertain = set() if is_whole else {"all", *STATUSES, *CONCLUSIONS}
    for status in () if is_whole else _OPEN:
        plan = Plan((_with("status", status, Query()),), asked)
        own, is_own_whole = _searched(snapshot, plan, now, max_searched)
        tally["all"] += own[status] - tally[status]
        tally[status] = own[status]
        if is_own_whole:
            uncertain.discard(status)
    return {
        name: (min(tally[name], cap), tally[name] > cap or name in uncertain)
        for name in ("all", *STATUSES, *CONCLUSIONS)
    }


def _searched(
    snapshot: Snapshot, plan: Plan, now: float, max_searched: int
) -> tuple[Counter[str], bool]:
    """The figures of at most `max_searched` rows, and whether those were all."""
    size = plan.searchable(max_searched)
    columns = tuple(dict.fromkeys((*_COLUMNS, *plan.columns)))
    parts = [plans.branch(q, columns, size, now, snapshot.vendor) for q in plan.branches]
    if plan.ids:
        parts.append(plans.few(plan, columns, len(plan.ids), now, snapshot.vendor))
    tally: Counter[str] = Counter()
    is_whole = True
    for place, each in enumerate(parts):
        read = 0
        for status, conclusion, number, matching in snapshot.fetch(
            *_grouped(each, plan.rest, now, snapshot.vendor)
        ):
            read += number
            for name in ("all", status, conclusion):
                tally[name] += matching
        is_whole &= read < size or place >= len(plan.branches)
    return tally, is_whole


def _grouped(branch: Statement, rest: Query, now: float, vendor: str) -> Statement:
    table, clause = plans.union([branch]), where(rest, now, vendor)
    return Statement(
        f"SELECT status, conclusion, count(*), sum(CASE WHEN {clause.sql} THEN 1 ELSE 0 END)"
        f" FROM {table.sql} GROUP BY status, conclusion",
        (*clause.parameters, *table.parameters),
    )


def _with(word: str, value: str, query: Query) -> Query:
    term = Term(word=word, fields=(word,), conditions=(Equal(value),), text=f"{word}:{value}")
    return Query((term, *query.terms))
