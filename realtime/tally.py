"""Which count goes with which commit, so that each change of a task is counted exactly once.

A count is the difference between the tasks as they are written and as the store has them. Whether
a commit that failed was made after all nobody knows; so its repetition, which writes all of its
tasks again, counts from the same beginning and under the same id, and takes the place of the first.
"""

import secrets
from collections.abc import Iterable

from realtime.core import failures, rollup
from realtime.core.rollup import RollupMark
from realtime.core.task import Task
from realtime.ports import Counted

IDLE_S = 60.0
"""Rollups that are kept no longer are looked for this often while nothing is counted."""
_ID_BITS = 62
"""Drawn at random, so that no leader repeats the id of another; a column holds 63."""


class Tally:
    """The counts of one leader's commits."""

    def __init__(self) -> None:
        self._id: int | None = None
        self._is_counted = True
        self._added_up_at = 0.0

    def count(self, changes: Iterable[tuple[Task | None, Task]]) -> Counted | None:
        """What a commit counts that writes the second task of each pair where the store has the
        first; None when there is nothing to count."""
        changes = list(changes)
        marks: dict[RollupMark, int] = {}
        for before, after in changes:
            rollup.add_difference(marks, before, after)
        marks = {mark: count for mark, count in marks.items() if count}
        groups = failures.groups(changes)
        if not marks and not groups and self._id is None:
            return None
        if self._id is None:
            self._id = secrets.randbits(_ID_BITS)
        return Counted(self._id, marks, groups)

    def written(self, counted: Counted | None) -> None:
        """The commit that counted this was made."""
        if counted is not None:
            self._id = None
            self._is_counted = True

    def is_due(self, now: float) -> bool:
        """Whether the store should add up: something was counted, and no commit is in doubt."""
        is_idle = abs(now - self._added_up_at) >= IDLE_S
        return self._id is None and (self._is_counted or is_idle)

    def added_up(self, now: float) -> None:
        """The store has added up."""
        self._is_counted = False
        self._added_up_at = now
