"""Rollups and failure groups as they are written: what each commit counted, added up.

A commit stores its count in the transaction of its tasks, as one row; adding up reads these rows,
adds them to the sums and deletes them in one transaction of its own. So neither an end at any
moment nor another leader loses a count or adds it twice, and the sums, which are many rows, are
written once a second and not with every commit.
"""

# ruff: noqa: S608 -- the SQL is made of the columns' names; values are parameters

import itertools
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import orjson

from dashboard.writers import Rows, Upsert, Writer, take_numbers
from realtime.codec import decode, encode
from realtime.core import failures, rollup
from realtime.core.failures import FailureGroup
from realtime.core.rollup import BYS, KEPT_S, OTHERS, Cell, CellKey, RollupMark
from realtime.core.sketch import Sketch
from realtime.ports import Commit, Counted

MAX_KEYS = 500
"""Of one kind in one span; what comes beyond them is counted together under `OTHERS`."""
_MAX_CELLS = 20_000
"""Kept in memory once they were read, up to 2 kB each: two hours of minutes of 150 keys."""
_MAX_COUNTS = 30
"""Added up at once, three beats of a busy stream. Where it is done under the lock of the stream's
row, PostgreSQL ends a session that is idle in its transaction for two seconds."""
_MAX_STARTS = 200
"""Spans that one query reads."""
_MAX_EXPIRED = 500
"""Deleted at once, which takes some milliseconds."""

_Span = tuple[int, int]
"""Tier and start."""

_UPSERT_TALLY = Upsert(
    "headway_tally",
    {"id": "bigint", "counts": "text"},
    ("id",),
    "counts = excluded.counts",
)
_UPSERT_CELLS = Upsert(
    "headway_rollup",
    {
        "tier": "integer",
        '"by"': "varchar",
        "start": "bigint",
        '"key"': "varchar",
        **dict.fromkeys(rollup.COUNTS, "integer"),
        "waits": "text",
        "runtimes": "text",
    },
    ("tier", '"by"', "start", '"key"'),
    ", ".join(f"{name} = excluded.{name}" for name in (*rollup.COUNTS, "waits", "runtimes")),
)
_CELL_COLUMNS = ", ".join(_UPSERT_CELLS.columns)
_IS_NEWER = "excluded.count > 0 AND excluded.last_seen_at >= headway_failure.last_seen_at"
# Somebody resolved it, and it came again afterwards.
_RETURNED = (
    "headway_failure.state = 'resolved' AND excluded.count > 0"
    " AND excluded.last_seen_at > headway_failure.state_at"
)
_SHOWN = ("type", "message", "frame", "name", "task_id")
_UPSERT_GROUPS = Upsert(
    "headway_failure",
    {
        "revision": "bigint",
        "signature": "varchar",
        "count": "bigint",
        "first_seen_at": "float8",
        "last_seen_at": "float8",
        "task_id": "varchar",
        "name": "varchar",
        "type": "varchar",
        "message": "varchar",
        "frame": "varchar",
        "state": "varchar",
    },
    ("signature",),
    "revision = excluded.revision, count = headway_failure.count + excluded.count,"
    " first_seen_at = CASE WHEN excluded.first_seen_at < headway_failure.first_seen_at"
    " THEN excluded.first_seen_at ELSE headway_failure.first_seen_at END,"
    f" last_seen_at = CASE WHEN {_IS_NEWER} THEN excluded.last_seen_at"
    " ELSE headway_failure.last_seen_at END,"
    f" returned_at = CASE WHEN {_RETURNED} THEN excluded.last_seen_at"
    " ELSE headway_failure.returned_at END,"
    f" state = CASE WHEN {_RETURNED} THEN 'open' ELSE headway_failure.state END, "
    + ", ".join(
        f"{name} = CASE WHEN {_IS_NEWER} THEN excluded.{name} ELSE headway_failure.{name} END"
        for name in _SHOWN
    ),
)
_EXPIRE = (
    "DELETE FROM headway_rollup WHERE id IN (SELECT id FROM headway_rollup"
    ' WHERE tier = %s AND "by" = %s AND start < %s ORDER BY start LIMIT %s)'
)


class _Sums(NamedTuple):
    """What is to be written, and the revision of the stream that it was made at."""

    revision: int
    ids: Sequence[int]
    """The counts that are in it."""
    cells: Rows
    groups: Sequence[FailureGroup]


class Rollups:
    """Writes the counts of one leader and adds them up. Used by one thread at a time."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._spans: OrderedDict[_Span, dict[str, dict[str, Cell]]] = OrderedDict()
        self._expiring = itertools.cycle(itertools.product(KEPT_S, BYS))

    def record(self, counted: Counted) -> None:
        """Store a count, within the transaction of its commit."""
        told = {
            "marks": [(*mark, count) for mark, count in counted.marks.items()],
            "failures": [tuple(group) for group in counted.failures],
        }
        self._writer.upsert(_UPSERT_TALLY, [(counted.id, encode(told).decode())])

    def add_up(self, token: str, now: float) -> Commit | None:
        """Add what was counted to the sums; the numbers it took, None when there was nothing.
        `LeaseLost` writes nothing."""
        try:
            # Made before the stream's row is locked: commits and actions wait for nothing but the
            # writing.
            with self._writer.reading():
                sums = self._sums(now)
            with self._writer.transaction():
                return self._write(token, sums, now)
        except BaseException:
            self.forget()
            raise

    def forget(self) -> None:
        """Take nothing that was read before for stored: another may have led since."""
        self._spans.clear()

    def _sums(self, now: float) -> _Sums:
        # First of all: what is read afterwards can only be newer.
        found = self._writer.fetch("SELECT revision FROM headway_stream WHERE id = 1")
        revision = found[0][0] if found else -1
        found = self._writer.fetch("SELECT id, counts FROM headway_tally LIMIT %s", (_MAX_COUNTS,))
        counts = [decode(told) for _, told in found]
        groups = failures.merged(
            FailureGroup(*told) for count in counts for told in count["failures"]
        )
        cells = self._changed_cells(_marks(counts), now)
        return _Sums(revision, [id_ for id_, _ in found], cells, list(groups))

    def _write(self, token: str, sums: _Sums, now: float) -> Commit | None:
        at = take_numbers(self._writer, token, 0)
        if at.revision != sums.revision:
            # Somebody wrote in between, perhaps a transaction of ours whose end was not known.
            # What that wrote is seen now that the row is locked, and nothing more can come.
            self.forget()
            sums = self._sums(now)
        self._expire(now)
        if not sums.ids:
            return None
        self._writer.upsert(_UPSERT_CELLS, sums.cells)
        # Views of the sums are read again when the revision moves.
        commit = take_numbers(self._writer, token, max(len(sums.groups), 1))
        self._writer.upsert(_UPSERT_GROUPS, list(_group_records(sums.groups, commit.previous)))
        self._remove(sums.ids)
        return commit

    def _changed_cells(self, marks: Counter[RollupMark], now: float) -> Rows:
        changes = rollup.cells(marks.items(), now)
        self._read({(place.tier, place.start) for place in changes})
        changed: dict[CellKey, Cell] = {}
        for place, change in changes.items():
            place, cell = self._cell(place)
            cell.add(change)
            changed[place] = cell
        records = [_record(*each) for each in changed.items()]
        self._let_go()
        return records

    def _cell(self, place: CellKey) -> tuple[CellKey, Cell]:
        """The cell that counts for this key: that of the others once there are too many."""
        held = self._spans[place.tier, place.start].setdefault(place.by, {})
        if place.key not in held and len(held) >= MAX_KEYS:
            place = place._replace(key=OTHERS)
        return place, held.setdefault(place.key, Cell())

    def _read(self, spans: set[_Span]) -> None:
        for span in spans & self._spans.keys():
            self._spans.move_to_end(span)
        unread = defaultdict[int, list[int]](list)
        for tier, start in spans - self._spans.keys():
            self._spans[tier, start] = {}
            unread[tier].append(start)
        for tier, starts in unread.items():
            for first in range(0, len(starts), _MAX_STARTS):
                self._read_cells(tier, starts[first : first + _MAX_STARTS])

    def _read_cells(self, tier: int, starts: Sequence[int]) -> None:
        found = self._writer.fetch(
            f'SELECT {_CELL_COLUMNS} FROM headway_rollup WHERE tier = %s AND "by" IN'
            f" ({_places(BYS)}) AND start IN ({_places(starts)})",
            (tier, *BYS, *starts),
        )
        for _, by, start, key, *told in found:
            self._spans[tier, start].setdefault(by, {})[key] = _cell(told)

    def _let_go(self) -> None:
        """Keep the spans that were used last. The records of what changed are made already."""
        sizes = {
            span: sum(len(held) for held in kinds.values()) for span, kinds in self._spans.items()
        }
        excess = sum(sizes.values()) - _MAX_CELLS
        for span, size in sizes.items():
            if excess <= 0:
                return
            del self._spans[span]
            excess -= size

    def _remove(self, ids: Sequence[int]) -> None:
        self._writer.execute(f"DELETE FROM headway_tally WHERE id IN ({_places(ids)})", ids)

    def _expire(self, now: float) -> None:
        tier, by = next(self._expiring)
        oldest = rollup.oldest_start(tier, now)
        self._writer.execute(_EXPIRE, (tier, by, oldest, _MAX_EXPIRED))


def _marks(counts: Iterable[Any]) -> Counter[RollupMark]:
    total: Counter[RollupMark] = Counter()
    for count in counts:
        for *mark, times in count["marks"]:
            total[tuple(mark)] += times
    return total


def _record(place: CellKey, cell: Cell) -> tuple[Any, ...]:
    counts = cell.counts
    return (
        *place,
        *(counts.get(what, 0) for what in rollup.COUNTS),
        _text(cell.waits),
        _text(cell.runtimes),
    )


def _cell(record: Sequence[Any]) -> Cell:
    *counts, waits, runtimes = record
    told = {what: count for what, count in zip(rollup.COUNTS, counts, strict=True) if count}
    return Cell(told, sketch_of(waits), sketch_of(runtimes))


def sketch_of(text: str) -> Sketch:
    """The sketch of a column `waits` or `runtimes`."""
    return {int(bucket): count for bucket, count in decode(text).items()}


def _text(sketch: Sketch) -> str:
    return orjson.dumps(sketch, option=orjson.OPT_NON_STR_KEYS).decode()


def _group_records(groups: Iterable[FailureGroup], previous: int) -> Iterable[tuple[Any, ...]]:
    for revision, group in enumerate(groups, start=previous + 1):
        yield (revision, *group, "open")


def _places(values: Sequence[object]) -> str:
    return ", ".join(["%s"] * len(values))
