"""Failure groups: how many stored tasks failed with one signature, and what that looks like.

As with `rollup`, what is written is the difference to what a task counted for as it was stored.
"""

from collections.abc import Iterable
from typing import NamedTuple

from realtime.core.rollup import ended_at
from realtime.core.signature import failure
from realtime.core.task import FAILED, Task


class FailureGroup(NamedTuple):
    """What is to be added to a group. All but `times` are of the newest task that failed so."""

    signature: str
    times: int
    """How many more tasks count; less than 0 where one turned out to have failed otherwise."""
    first_seen_at: float
    """Unix seconds at which the first task failed so, as far as these changes know."""
    last_seen_at: float
    task_id: str
    name: str | None
    type: str
    message: str
    frame: str | None


class _Change:
    """A group's change while it is gathered."""

    __slots__ = ("count", "first_seen_at", "newest")

    def __init__(self, task: Task) -> None:
        self.count = 0
        self.first_seen_at = _seen_at(task)
        self.newest: tuple[bool, float, Task] = (False, self.first_seen_at, task)

    def take(self, task: Task, count: int) -> None:
        self.count += count
        at = _seen_at(task)
        self.first_seen_at = min(self.first_seen_at, at)
        # A task that failed so stands for the group before one that turned out not to.
        if (count > 0, at) > self.newest[:2]:
            self.newest = (count > 0, at, task)


def groups(changes: Iterable[tuple[Task | None, Task]]) -> list[FailureGroup]:
    """The changes of the groups when tasks become the second of each pair that were stored as the
    first (None: not at all)."""
    found: dict[str, _Change] = {}
    for before, after in changes:
        old, new = _signature(before), _signature(after)
        if old == new:
            continue
        if new is not None:
            found.setdefault(new, _Change(after)).take(after, 1)
        if old is not None and before is not None:
            found.setdefault(old, _Change(before)).take(before, -1)
    return [_group(signature, change) for signature, change in found.items()]


def merged(changes: Iterable[FailureGroup]) -> list[FailureGroup]:
    """One change for each group, which does what all of its changes did."""
    found: dict[str, FailureGroup] = {}
    for change in changes:
        held = found.get(change.signature, change)
        newest = max(held, change, key=lambda each: (each.times > 0, each.last_seen_at))
        found[change.signature] = newest._replace(
            times=change.times if held is change else held.times + change.times,
            first_seen_at=min(held.first_seen_at, change.first_seen_at),
        )
    return list(found.values())


def _seen_at(task: Task) -> float:
    """When it failed, by the worker's clock while that is not ahead of ours."""
    return min(ended_at(task), task.updated_at)


def _signature(task: Task | None) -> str | None:
    return task.signature if task is not None and task.conclusion == FAILED else None


def _group(signature: str, change: _Change) -> FailureGroup:
    _, last_seen_at, task = change.newest
    shown = failure(task.exception or "", task.traceback)
    return FailureGroup(
        signature,
        change.count,
        change.first_seen_at,
        last_seen_at,
        task.id,
        task.name,
        *shown,
    )
