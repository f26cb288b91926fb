"""What stored tasks add up to: counts and durations by minute and hour, for the charts and tiles.

What a task counts for is a pure function of the task (`marks`), and what is written when it
changes is the difference to what it counted for as it was stored. So the sum of everything that
was ever written is the sum over the stored tasks, whatever way they took: a count is neither lost
nor doubled by events that come late, twice or in another order.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from realtime.core import sketch
from realtime.core.deliveries import attempts
from realtime.core.sketch import Sketch
from realtime.core.task import CONCLUSIONS, EXPIRED, FAILED, Task

MINUTE_S = 60
HOUR_S = 3600
KEPT_S: Mapping[int, float] = {MINUTE_S: 48 * 3600.0, HOUR_S: 90 * 86400.0}
"""Tier (seconds that one cell spans) to how long its cells are kept."""

ALL = "all"
NAME = "name"
QUEUE = "queue"
WORKER = "worker"
SIGNATURE = "signature"
BYS = (ALL, NAME, QUEUE, WORKER, SIGNATURE)
"""What a cell's key may name."""
OTHERS = ""
"""The key of everything together, and of what came when a span had too many keys."""

ARRIVED = "arrived"
STARTED = "started"
RETRIED = "retried"
COUNTS = (ARRIVED, STARTED, RETRIED, *CONCLUSIONS)

MAX_AHEAD_S = 3600.0
"""A sender's clock may be an hour ahead of ours; beyond that ours is believed."""
MAX_BEHIND_S = KEPT_S[HOUR_S]

RollupMark = tuple[str, int, str | None, str | None, str | None, str | None, int | None]
"""What happened (of `COUNTS`), the minute's start in Unix seconds, the task's name, queue, worker
and failure signature, and the bucket of how long it waited (started) or ran (conclusions). A plain
tuple: several are made for every task that changes."""


def marks(task: Task) -> tuple[RollupMark, ...]:
    """Everything that the task, as it is stored, counts for. Nothing before any event told of it:
    that somebody vouched for it is not yet a task that arrived."""
    if not task.marks or _is_only_expected(task):
        return ()
    name, queue, worker = task.name, task.queue, task.worker
    told: list[RollupMark] = []
    if any(mark.kind == "retried" for mark in task.marks):
        worker = _note_attempts(told, task)
    arrived_at = task.first_seen_at if task.sent_at is None else task.sent_at
    told.append((ARRIVED, _minute(arrived_at, task), name, queue, None, None, None))
    if task.started_at is not None:
        waited = None if task.wait is None else sketch.bucket(task.wait)
        minute = _minute(task.started_at, task)
        told.append((STARTED, minute, name, queue, worker, None, waited))
    if task.conclusion is not None:
        ran = None if task.runtime is None else sketch.bucket(task.runtime)
        signature = task.signature if task.conclusion == FAILED else None
        minute = _minute(ended_at(task), task)
        told.append((task.conclusion, minute, name, queue, task.worker, signature, ran))
    return tuple(told)


def _is_only_expected(task: Task) -> bool:
    marks = task.marks
    return marks[0].kind == "expected" and all(mark.kind == "expected" for mark in marks)


def ended_at(task: Task) -> float:
    """Unix seconds at which a task that is over ended, as far as is known."""
    if task.finished_at is not None:
        return task.finished_at
    if task.conclusion == EXPIRED and task.expires is not None:
        return task.expires
    return task.updated_at


def add_difference(counted: dict[RollupMark, int], before: Task | None, after: Task) -> None:
    """Count the task as it is after, and no longer as it was before (None: not at all)."""
    old = marks(before) if before is not None else ()
    new = marks(after)
    if old == new:
        return
    for mark in new:
        counted[mark] = counted.get(mark, 0) + 1
    for mark in old:
        counted[mark] = counted.get(mark, 0) - 1


def difference(before: Task | None, after: Task) -> dict[RollupMark, int]:
    """What is to be added to the sums when a task that was stored as `before` becomes `after`."""
    counted: dict[RollupMark, int] = {}
    add_difference(counted, before, after)
    return {mark: count for mark, count in counted.items() if count}


def _note_attempts(told: list[RollupMark], task: Task) -> str | None:
    """Each attempt that was to be tried again; the worker that started the first one."""
    first = None
    for attempt in attempts(task.marks):
        if first is None and attempt.started_at is not None:
            first = attempt.worker
        if attempt.outcome == RETRIED and attempt.finished_at is not None:
            minute = _minute(attempt.finished_at, task)
            told.append((RETRIED, minute, task.name, task.queue, attempt.worker, None, None))
    return first or task.worker


def _minute(at: float, task: Task) -> int:
    """The start of its minute, where the sender's clock is not far from the time we heard of it."""
    if at > task.updated_at + MAX_AHEAD_S:
        at = task.updated_at
    elif at < task.first_seen_at - MAX_BEHIND_S:
        at = task.first_seen_at
    return int(at) // MINUTE_S * MINUTE_S


_Keys = tuple[int, str | None, str | None, str | None, str | None]
"""A minute, and what a mark counts for within it, in the order of `BYS`."""


class CellKey(NamedTuple):
    """Which cell: `tier` seconds from `start` (Unix seconds), of the tasks whose `by` is `key`."""

    tier: int
    by: str
    start: int
    key: str


@dataclass(slots=True)
class Cell:
    """What happened in one span of time to the tasks of one key. A change of a cell is one too,
    with counts below zero where something is taken back."""

    counts: dict[str, int] = field(default_factory=dict)
    """Of `COUNTS`; absent is 0."""
    waits: Sketch = field(default_factory=dict)
    runtimes: Sketch = field(default_factory=dict)

    def add(self, other: "Cell") -> None:
        """Add the other's counts and durations."""
        for what, count in other.counts.items():
            self.counts[what] = self.counts.get(what, 0) + count
        if other.waits:
            sketch.merge(self.waits, other.waits)
        if other.runtimes:
            sketch.merge(self.runtimes, other.runtimes)

    @property
    def is_empty(self) -> bool:
        """Whether adding it would change nothing."""
        return not (any(self.counts.values()) or self.waits or self.runtimes)


def cells(counted: Iterable[tuple[RollupMark, int]], now: float) -> dict[CellKey, Cell]:
    """The changes of the cells of every tier; of those only that are still kept at `now`."""
    minutes: dict[tuple[str, int, str], Cell] = {}
    for (minute, *keys), change in _by_keys(counted).items():
        for by, key in zip(BYS, (OTHERS, *keys), strict=True):
            if key or by == ALL:
                place = by, minute, key or OTHERS
                cell = minutes.get(place)
                if cell is None:
                    cell = minutes[place] = Cell()
                cell.add(change)
    found: dict[CellKey, Cell] = {}
    for (by, minute, key), change in minutes.items():
        if not change.is_empty:
            hour = minute // HOUR_S * HOUR_S
            _include(found, CellKey(MINUTE_S, by, minute, key), change, now)
            _include(found, CellKey(HOUR_S, by, hour, key), change, now)
    return {place: change for place, change in found.items() if not change.is_empty}


def _by_keys(counted: Iterable[tuple[RollupMark, int]]) -> dict[_Keys, Cell]:
    """Together what counts for the same cells: far fewer than marks, each of which is in eight."""
    found: dict[_Keys, Cell] = {}
    for (what, minute, name, queue, worker, signature, held), count in counted:
        place = minute, name, queue, worker, signature
        cell = found.get(place)
        if cell is None:
            cell = found[place] = Cell()
        counts = cell.counts
        counts[what] = counts.get(what, 0) + count
        if held is not None:
            durations = cell.waits if what == STARTED else cell.runtimes
            durations[held] = durations.get(held, 0) + count
    return found


def oldest_start(tier: int, now: float) -> int:
    """The start of the oldest cell of this tier that is kept at `now`; Unix seconds."""
    return int(now - KEPT_S[tier]) // tier * tier


def _include(found: dict[CellKey, Cell], place: CellKey, change: Cell, now: float) -> None:
    if place.start >= oldest_start(place.tier, now):
        found.setdefault(place, Cell()).add(change)
