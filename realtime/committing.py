"""The commit that is on its way while the next events are folded.

For a third of its time a pipeline would wait for the database. So the commit has a thread of its
own, and the pipeline folds meanwhile what will be written next. Nothing else is shared between
the two: a commit is given values that nobody changes, there is at most one, and all that follows
from it (to publish, to settle, to hold its tasks for written) is done by the pipeline when it asks
for the end of it.
"""

import itertools
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from realtime import codec
from realtime.core.wire import Row, group_row, task_row, worker_row
from realtime.ports import Changes, Commit, Delivery, TaskStore


class Committed(NamedTuple):
    """What is in the store now."""

    commit: Commit
    changes: Changes
    rows: Mapping[str, bytes]
    """The rows of the changes as they are published, see `ports.Batch`."""
    deliveries: Sequence[Delivery]
    """What the changes came from."""


class _Begun(NamedTuple):
    future: Future[Commit]
    changes: Changes
    rows: Mapping[str, list[Row]]
    """Made while the store writes; their revisions are not known yet."""
    deliveries: Sequence[Delivery]


class Committing:
    """Commits to one store under one lease, one at a time. Used by one thread, which must not
    write to the store between `begin` and `end`; it may read the tasks that it does not hold."""

    def __init__(self, store: TaskStore, token: str) -> None:
        self._store = store
        self._token = token
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="headway-commit")
        self._begun: _Begun | None = None

    def begin(self, changes: Changes, deliveries: Sequence[Delivery]) -> None:
        """Send these changes on their way. The one before must have ended."""
        future = self._thread.submit(self._store.commit, self._token, changes)
        rows = {
            "tasks": [task_row(task, 0) for task in changes.tasks],
            "workers": [worker_row(worker, 0) for worker in changes.workers],
            "groups": [group_row(group, 0) for group in changes.groups],
        }
        self._begun = _Begun(future, changes, rows, deliveries)

    def close(self) -> None:
        """Let the thread end. What was begun must have been ended; nothing can be begun after."""
        self._thread.shutdown()

    def end(self) -> Committed | None:
        """Wait for the commit that is on its way, if one is.

        Raises LeaseLost or StoreUnavailable where it was not made; it is forgotten then.
        """
        begun, self._begun = self._begun, None
        if begun is None:
            return None
        commit = begun.future.result()
        return Committed(
            commit, begun.changes, _numbered(begun.rows, commit.previous), begun.deliveries
        )


def _numbered(rows: Mapping[str, list[Row]], previous: int) -> Mapping[str, bytes]:
    """The rows with the revisions that follow `previous`, as JSON; tasks come first, then
    workers, then groups, as the store numbers them."""
    numbers = itertools.count(previous + 1)
    for of_kind in rows.values():
        for row in of_kind:
            row["revision"] = next(numbers)
    return {kind: codec.encode(of_kind) for kind, of_kind in rows.items() if of_kind}
