"""What people who wait are answered from: the `PublicReads` of a Django database."""

# ruff: noqa: S608 -- the SQL is made of the columns' names; values are parameters

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence

from django.db import DEFAULT_DB_ALIAS, connections, transaction

from dashboard import rows, snapshots
from dashboard.changes import translated
from dashboard.rollups import sketch_of
from dashboard.snapshots import Snapshot
from realtime.core import sketch
from realtime.core.events import is_id
from realtime.core.groups import MAX_TOTAL
from realtime.core.public import GROUP, TASK, split
from realtime.core.rollup import HOUR_S, NAME
from realtime.core.sketch import Sketch
from realtime.core.wire import Row
from realtime.embedding import Expected, PublicPage, Usual

MAX_SUBJECTS = 500
MAX_PLACES = 1_000
"""Of one queue: whoever stands further back is told no place."""
MAX_READ = 20_000
"""Waiting tasks that one look at a queue reads."""
MAX_QUEUES = 100
MAX_NAMES = 500
USUAL_S = 7 * 86_400
"""How far back it is looked for what is usual."""
MIN_RUNS = 5
_A_STATEMENT = 200
"""Rows of four values each: SQLite before 3.32 allows 999 parameters."""

_STREAM = (
    "SELECT stream.epoch, stream.revision, told.subject, told.at, told.total"
    " FROM (SELECT 1 AS id) AS one LEFT JOIN headway_stream AS stream ON stream.id = one.id"
    " LEFT JOIN headway_expectation AS told ON told.subject IN ({})"
)
# The index of statuses has the order too. That of queues would be read through all that ever ran.
_PLACES = (
    "SELECT queue, first_seen_at, id FROM (SELECT first_seen_at, id, queue FROM headway_task"
    " WHERE status = 'queued' ORDER BY first_seen_at, id LIMIT %s) AS waiting"
    " WHERE queue IN ({}) ORDER BY first_seen_at, id"
)
_VOUCH = (
    "INSERT INTO headway_expectation (subject, at, total, is_taken) VALUES {}"
    " ON CONFLICT (subject) DO UPDATE SET total = excluded.total, is_taken = excluded.is_taken"
    " WHERE excluded.total > COALESCE(headway_expectation.total, 0)"
)


class PublicReader:
    """The `PublicReads` of one database. May be used from any thread; every method may raise
    `StoreUnavailable`."""

    def __init__(
        self, alias: str = DEFAULT_DB_ALIAS, clock: Callable[[], float] = time.time
    ) -> None:
        self._alias = alias
        self._clock = clock

    def public(self, subjects: Collection[str]) -> PublicPage:
        """What is known of at most `MAX_SUBJECTS` subjects; ValueError for more. What is no
        subject is absent."""
        known = [subject for subject in dict.fromkeys(subjects) if _is_subject(subject)]
        if len(known) > MAX_SUBJECTS:
            raise ValueError(f"{len(known)} subjects; at most {MAX_SUBJECTS} are read at once.")
        return snapshots.read(self._alias, lambda snapshot: _page(snapshot, known))

    def places(self, queues: Collection[str]) -> Mapping[str, Sequence[tuple[float, str]]]:
        """For each queue its waiting tasks, oldest first, as (first_seen_at, id); of the first
        `MAX_QUEUES` queues, and of the `MAX_READ` that wait longest."""
        wanted = [name for name in dict.fromkeys(queues) if is_id(name)][:MAX_QUEUES]
        if not wanted:
            return {}
        return snapshots.read(self._alias, lambda snapshot: _places(snapshot, wanted))

    def usual(self, names: Collection[str]) -> Mapping[str, Usual]:
        """How long tasks of these names ran in the last seven days; those of fewer than `MIN_RUNS`
        runs are absent."""
        wanted = [name for name in dict.fromkeys(names) if is_id(name)][:MAX_NAMES]
        if not wanted:
            return {}
        since = int(self._clock() - USUAL_S) // HOUR_S * HOUR_S
        return snapshots.read(self._alias, lambda snapshot: _usual(snapshot, wanted, since))

    def vouch(self, subjects: Mapping[str, Expected]) -> None:
        """Store that these were handed over. The first word counts: the instant stays, a total only
        grows. Writes nothing where nothing is new, so that a page that is shown again costs a
        read."""
        told = {subject: word for subject, word in subjects.items() if _is_subject(subject)}
        names = list(told)
        for start in range(0, len(names), _A_STATEMENT):
            some = {name: _bounded(told[name]) for name in names[start : start + _A_STATEMENT]}
            known = self._vouched(list(some))
            news = {name: word for name, word in some.items() if _is_news(known.get(name), word)}
            if news:
                self._store(news)

    def _vouched(self, subjects: Sequence[str]) -> Mapping[str, Expected]:
        return snapshots.read(self._alias, lambda snapshot: _expected(snapshot, subjects)[2])

    def _store(self, news: Mapping[str, Expected]) -> None:
        values: list[str | float | None] = []
        # In one order everywhere: then two that vouch for the same cannot wait for each other.
        for subject, (at, total) in sorted(news.items()):
            values += [subject, at, total, False]
        statement = _VOUCH.format(", ".join(["(%s, %s, %s, %s)"] * len(news)))
        connection = connections[self._alias]
        with translated(), transaction.atomic(using=self._alias), connection.cursor() as cursor:
            cursor.execute(statement, values)


def _is_subject(subject: object) -> bool:
    named = split(subject)
    return named is not None and is_id(named[1])


def _bounded(word: Expected) -> Expected:
    at, total = word
    return Expected(at, None if total is None else min(max(total, 0), MAX_TOTAL))


def _is_news(known: Expected | None, word: Expected) -> bool:
    return known is None or (word.total or 0) > (known.total or 0)


def _page(snapshot: Snapshot, subjects: Sequence[str]) -> PublicPage:
    epoch, revision, expected = _expected(snapshot, subjects)
    named = [named for subject in subjects if (named := split(subject))]
    tasks = _read(snapshot, TASK, [id_ for kind, id_ in named if kind == TASK])
    groups = _read(snapshot, GROUP, [id_ for kind, id_ in named if kind == GROUP])
    return PublicPage(tasks, groups, expected, epoch, revision)


def _expected(snapshot: Snapshot, subjects: Sequence[str]) -> tuple[str, int, dict[str, Expected]]:
    """Where the stream stands, and which of these somebody vouched for."""
    found = snapshot.fetch(_STREAM.format(_marks(subjects) if subjects else "NULL"), subjects)
    known = {subject: Expected(at, total) for _, _, subject, at, total in found if subject}
    epoch, revision, *_ = found[0]
    # A database that was emptied, and that no receiver has written to since, has no stream.
    return epoch or "", revision or 0, known


def _read(snapshot: Snapshot, kind: str, ids: Sequence[str]) -> dict[str, Row]:
    if not ids:
        return {}
    table, columns, row = _READERS[kind]
    found = snapshot.fetch(
        f"SELECT {', '.join(columns)} FROM {table} WHERE id IN ({_marks(ids)})", ids
    )
    return {str(each["id"]): each for each in map(row, found)}


_READERS: Mapping[str, tuple[str, Sequence[str], Callable[[rows.Record], Row]]] = {
    TASK: ("headway_task", rows.TASK_COLUMNS, rows.task_row),
    GROUP: ("headway_group", rows.GROUP_COLUMNS, rows.group_row),
}


def _places(snapshot: Snapshot, queues: Sequence[str]) -> dict[str, Sequence[tuple[float, str]]]:
    """All queues by one look at what waits: each look is of up to `MAX_READ` rows."""
    lines: dict[str, list[tuple[float, str]]] = {queue: [] for queue in queues}
    for queue, at, id_ in snapshot.fetch(_PLACES.format(_marks(queues)), (MAX_READ, *queues)):
        if len(lines[queue]) < MAX_PLACES:
            lines[queue].append((at, id_))
    return dict(lines)


def _usual(snapshot: Snapshot, names: Sequence[str], since: int) -> dict[str, Usual]:
    found = snapshot.fetch(
        'SELECT "key", runtimes FROM headway_rollup WHERE tier = %s AND "by" = %s'
        f' AND "key" IN ({_marks(names)}) AND start >= %s',
        (HOUR_S, NAME, *names, since),
    )
    merged: dict[str, Sketch] = defaultdict(dict)
    for name, runtimes in found:
        sketch.merge(merged[name], sketch_of(runtimes))
    return {name: _usually(told) for name, told in merged.items() if _runs(told) >= MIN_RUNS}


def _runs(runtimes: Sketch) -> int:
    return sum(runtimes.values())


def _usually(runtimes: Sketch) -> Usual:
    low, median, high = sketch.quantiles(runtimes, (0.25, 0.5, 0.75))
    return Usual(low or 0.0, high or 0.0, median or 0.0)


def _marks(values: Sequence[object]) -> str:
    return ", ".join(["%s"] * len(values))
