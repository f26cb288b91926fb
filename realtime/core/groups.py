"""What the members of a group add up to: one record, the same cost for 3 members or for 3,000.

What a task adds is a pure function of it (`share`), and a commit adds the difference between its
tasks as they are written and as they are stored. So the counts are those of the stored members,
whatever way they took; fractions are whole 2**-20, of which sums are exact in any order.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from realtime.core.task import (
    CANCELLED,
    COMPLETED,
    FAILED,
    QUEUED,
    RUNNING,
    STALLED,
    SUCCEEDED,
    Task,
)

MAX_TOTAL = 1_000_000
"""Members that a group may be said to have: nobody sends more, and a false word stays bounded."""
_STEPS = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One group as its stored members make it. Instants are Unix seconds."""

    id: str
    first_seen_at: float
    updated_at: float
    total: int | None = None
    """The largest that was told; None while nobody told any."""
    parts: int = 0
    """Members that were seen."""
    succeeded: int = 0
    failed: int = 0
    """Failed, rejected, expired or lost."""
    cancelled: int = 0
    running: int = 0
    waiting: int = 0
    """Members that were seen, and neither run nor are over."""
    fractions: float = 0.0
    """How far those have come that are not over, added up; each 0 to 1."""
    furthest: float = 0.0
    """The largest percent it ever had, so that it never falls."""
    finished_at: float | None = None
    """When the last one so far ended."""

    @property
    def size(self) -> int | None:
        """How many members it has; None while that is not known."""
        return None if self.total is None else max(self.total, self.parts)

    @property
    def finished(self) -> int:
        """Members that are over."""
        return self.succeeded + self.failed + self.cancelled

    @property
    def percent(self) -> float | None:
        """0 to 100, never falling; None while its size is not known."""
        return None if self.size is None else max(self.furthest, _percent(self))

    @property
    def is_finished(self) -> bool:
        """Whether every member is over, of as many as it has."""
        return self.size is not None and self.finished >= self.size

    @property
    def status(self) -> str:
        """`queued`, `running` or `completed`."""
        if self.is_finished:
            return COMPLETED
        return RUNNING if self.running or self.finished or self.fractions else QUEUED

    @property
    def conclusion(self) -> str | None:
        """How it ended: `failed` if any member did, else `cancelled` if any was, else `succeeded`;
        None while it has not."""
        if not self.is_finished:
            return None
        return FAILED if self.failed else CANCELLED if self.cancelled else SUCCEEDED


class Share(NamedTuple):
    """What one member adds to its group, or what a commit changes of that."""

    parts: int = 0
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0
    running: int = 0
    waiting: int = 0
    fractions: float = 0.0

    def plus(self, other: "Share", sign: int = 1) -> "Share":
        """Both added up; with `sign` -1 this one less the other."""
        return Share(
            self.parts + sign * other.parts,
            self.succeeded + sign * other.succeeded,
            self.failed + sign * other.failed,
            self.cancelled + sign * other.cancelled,
            self.running + sign * other.running,
            self.waiting + sign * other.waiting,
            self.fractions + sign * other.fractions,
        )


class Difference(NamedTuple):
    """What a commit changes of one group."""

    share: Share = Share()
    first_seen_at: float | None = None
    updated_at: float = 0.0
    finished_at: float | None = None


_OUTCOMES: Mapping[str, Share] = {
    SUCCEEDED: Share(parts=1, succeeded=1),
    CANCELLED: Share(parts=1, cancelled=1),
}
_FAILED = Share(parts=1, failed=1)


def share(task: Task) -> Share:
    """What this task, as it is stored, adds to its group."""
    if task.status == COMPLETED:
        return _OUTCOMES.get(task.conclusion or "", _FAILED)
    percent = task.progress.percent if task.progress is not None else None
    fraction = round(min(max(percent or 0.0, 0.0), 100.0) / 100 * _STEPS) / _STEPS
    if task.status in (RUNNING, STALLED):
        return Share(parts=1, running=1, fractions=fraction)
    return Share(parts=1, waiting=1, fractions=fraction)


def differences(changes: Iterable[tuple[Task | None, Task]]) -> dict[str, Difference]:
    """What these changes of tasks, each as it is stored (None: not at all) and as it is written,
    change of their groups, by the group's id."""
    found: dict[str, Difference] = {}
    for before, after in changes:
        old = before.group_id if before is not None else None
        new = after.group_id
        if new is None and old is None:
            continue
        if before is not None and old is not None:
            _add(found, old, after, share(before), -1)
        if new is not None:
            _add(found, new, after, share(after), 1)
    return found


def _add(found: dict[str, Difference], id_: str, task: Task, told: Share, sign: int) -> None:
    known = found.get(id_) or Difference()
    first = task.first_seen_at
    if known.first_seen_at is not None:
        first = min(first, known.first_seen_at)
    ended = known.finished_at
    if sign > 0 and task.finished_at is not None:
        ended = max(task.finished_at, ended or 0.0)
    updated_at = max(task.updated_at, known.updated_at)
    found[id_] = Difference(known.share.plus(told, sign), first, updated_at, ended)


def changed(group: Group, difference: Difference) -> Group:
    """The group after the commit that this is the difference of."""
    told = difference.share.plus(Share(*(getattr(group, name) for name in Share._fields)))
    first = group.first_seen_at
    if difference.first_seen_at is not None:
        first = min(first, difference.first_seen_at)
    ended = difference.finished_at
    if ended is None or (group.finished_at is not None and group.finished_at > ended):
        ended = group.finished_at
    return _reached(
        replace(
            group,
            first_seen_at=first,
            updated_at=max(group.updated_at, difference.updated_at),
            finished_at=ended,
            **told._asdict(),
        )
    )


def sized(group: Group, total: int) -> Group:
    """The group after somebody told how many members it has; the largest number counts."""
    total = min(total, MAX_TOTAL)
    if total < 1 or (group.total is not None and group.total >= total):
        return group
    return _reached(replace(group, total=total))


def _reached(group: Group) -> Group:
    percent = group.percent
    return group if percent is None else replace(group, furthest=percent)


def _percent(group: Group) -> float:
    size = group.size
    if not size:
        return 0.0
    return min(max(100 * (group.finished + group.fractions) / size, 0.0), 100.0)
