"""For tests of what is built on Headway: events as Celery sends them, and ports in memory.

    clock = FakeClock()
    history = [task_received("a1", at=clock()), task_succeeded("a1", at=clock.advance(2))]
    events = [checked(raw) for raw in history]

The builders return raw events, dicts with every field that Celery 5.7 puts in; `checked` makes the
`Event` of one. Instants are Unix seconds. A keyword replaces a field, `without` leaves some out.
"""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from realtime.core import events, failures, rollup
from realtime.core.events import Event, Reject
from realtime.core.expected import Expectation
from realtime.core.failures import FailureGroup
from realtime.core.groups import Group
from realtime.core.rollup import Cell, CellKey
from realtime.core.task import Task
from realtime.core.watched import Queue, ScheduleEntry
from realtime.core.workers import Worker
from realtime.ports import (
    Batch,
    Changes,
    Commit,
    Counted,
    Gap,
    LeaseLost,
    StoreUnavailable,
    StreamInfo,
)

Raw = dict[str, object]

HOSTNAME = "celery@worker-1"
CLIENT = "gen42@client"
PID = 4242
AT = 1_795_000_000.0
"""An instant in 2026."""


class FakeClock:
    """A clock that stands still until it is told otherwise. Call it for Unix seconds."""

    def __init__(self, now: float = AT) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> float:
        """Let time pass; the new time."""
        self.now += seconds
        return self.now


def checked(raw: Raw, received_at: float | None = None) -> Event:
    """The `Event` of a raw event, received the instant it was stamped unless told otherwise;
    ValueError when Headway would not take it."""
    at = raw.get("timestamp")
    if received_at is None:
        received_at = at if isinstance(at, float) else AT
    event = events.parse(raw, received_at)
    if event is None or isinstance(event, Reject):
        raise ValueError(f"not an event that is taken: {event!r}")
    return event


def task_sent(uuid: str, /, *, at: float = AT, **fields: object) -> Raw:
    """A client put the task in a queue (only with `task_send_sent_event`)."""
    told = {"hostname": CLIENT, "queue": "celery", "exchange": "", "routing_key": "celery"}
    return _task("task-sent", uuid, at, {**_ANNOUNCED, **told, **fields})


def task_received(uuid: str, /, *, at: float = AT, **fields: object) -> Raw:
    """A worker took the task from the broker."""
    return _task("task-received", uuid, at, {**_ANNOUNCED, **fields})


def task_started(uuid: str, /, *, at: float = AT, **fields: object) -> Raw:
    """A process of the worker began to run it."""
    return _task("task-started", uuid, at, fields)


def task_succeeded(uuid: str, /, *, at: float = AT, **fields: object) -> Raw:
    """It returned. `result` is a repr, `runtime` seconds."""
    return _task("task-succeeded", uuid, at, {"result": "None", "runtime": 1.0, **fields})


def task_failed(uuid: str, /, *, at: float = AT, **fields: object) -> Raw:
    """It raised, and will not be tried again."""
    return _task("task-failed", uuid, at, {**_RAISED, **fields})


def task_retried(uuid: str, /, *, at: float = AT, **fields: object) -> Raw:
    """It raised, and will be tried again."""
    return _task("task-retried", uuid, at, {**_RAISED, **fields})


def task_revoked(uuid: str, /, *, at: float = AT, **fields: object) -> Raw:
    """It was revoked, ended by a signal, or expired."""
    told = {"terminated": False, "signum": None, "expired": False}
    return _task("task-revoked", uuid, at, {**told, **fields})


def task_rejected(uuid: str, /, *, at: float = AT, **fields: object) -> Raw:
    """The worker gave it back to the broker."""
    return _task("task-rejected", uuid, at, {"requeue": False, **fields})


def task_cancelled(uuid: str, /, *, at: float = AT, **fields: object) -> Raw:
    """The worker lost its connection and let go of the task, which comes again (Celery 5.7)."""
    return _task("task-cancelled", uuid, at, fields)


def task_progress(
    uuid: str, /, current: object = 1, total: object = None, *, at: float = AT, **fields: object
) -> Raw:
    """It told how far it is: `unit message stage stages retries` beside the numbers."""
    return _task("task-progress", uuid, at, {"current": current, "total": total, **fields})


def task_context(uuid: str, /, *, at: float = AT, **fields: object) -> Raw:
    """What `realtime.worker.install` tells of a task: `queue group owner label priority ...`."""
    return _task("task-context", uuid, at, {"retries": 0, **fields})


def worker_online(hostname: str = HOSTNAME, /, *, at: float = AT, **fields: object) -> Raw:
    """A worker started."""
    return _event("worker-online", at, {"hostname": hostname, **_SOFTWARE, **fields})


def worker_heartbeat(hostname: str = HOSTNAME, /, *, at: float = AT, **fields: object) -> Raw:
    """A worker lives: `active`, `processed` and `loadavg` beside what it is."""
    told = {"active": 0, "processed": 0, "loadavg": [0.1, 0.2, 0.3]}
    return _event("worker-heartbeat", at, {"hostname": hostname, **_SOFTWARE, **told, **fields})


def worker_offline(hostname: str = HOSTNAME, /, *, at: float = AT, **fields: object) -> Raw:
    """A worker says goodbye."""
    return _event("worker-offline", at, {"hostname": hostname, **_SOFTWARE, **fields})


BUILDERS: Mapping[str, Callable[..., Raw]] = {
    "task-sent": task_sent,
    "task-received": task_received,
    "task-started": task_started,
    "task-succeeded": task_succeeded,
    "task-failed": task_failed,
    "task-retried": task_retried,
    "task-revoked": task_revoked,
    "task-rejected": task_rejected,
    "task-cancelled": task_cancelled,
    "task-progress": task_progress,
    "task-context": task_context,
    "worker-online": worker_online,
    "worker-heartbeat": worker_heartbeat,
    "worker-offline": worker_offline,
}
"""Kind to a builder that needs one argument: the task's id, or the worker's hostname."""

_ANNOUNCED: Mapping[str, object] = {
    "name": "shop.pay",
    "args": "()",
    "kwargs": "{}",
    "root_id": None,
    "parent_id": None,
    "retries": 0,
    "eta": None,
    "expires": None,
}
_RAISED: Mapping[str, object] = {
    "exception": "ValueError('declined')",
    "traceback": "Traceback (most recent call last):\nValueError: declined\n",
}
_SOFTWARE: Mapping[str, object] = {
    "freq": 2.0,
    "sw_ident": "py-celery",
    "sw_ver": "5.7.0",
    "sw_sys": "Linux",
}


def _task(kind: str, uuid: str, at: float, fields: Mapping[str, object]) -> Raw:
    return _event(kind, at, {"uuid": uuid, **fields})


def _event(kind: str, at: float, fields: Mapping[str, object]) -> Raw:
    raw: Raw = {"type": kind, "hostname": HOSTNAME, "pid": PID, "clock": 1, "utcoffset": 0}
    raw |= {"timestamp": at, **fields}
    left_out = raw.pop("without", ())
    for name in left_out if isinstance(left_out, list | tuple | set) else (left_out,):
        raw.pop(str(name), None)
    return raw


class MemoryStore:
    """A `TaskStore` that keeps everything in this process, with the same lease and numbers.

    Set `is_available` to False and every method raises `StoreUnavailable`.
    """

    def __init__(self, epoch: str = "epoch-1") -> None:
        self.is_available = True
        self.is_closed = False
        self.commits: list[Changes] = []
        """Every commit that was made, the oldest first."""
        self.tasks: dict[str, tuple[int, Task]] = {}
        """Id to revision and task."""
        self.known_workers: dict[str, tuple[int, Worker]] = {}
        self.known_groups: dict[str, tuple[int, Group]] = {}
        self.expected: dict[int, Expectation] = {}
        """What was vouched for and not yet taken, by number."""
        self.queues: dict[str, tuple[int, Queue]] = {}
        self.schedule: dict[str, tuple[int, ScheduleEntry]] = {}
        self.gaps: dict[float, Gap] = {}
        self.counted: dict[int, Counted] = {}
        """What commits counted and `add_up` has not yet added."""
        self.cells: dict[CellKey, Cell] = {}
        self.failures: dict[str, FailureGroup] = {}
        self._info = StreamInfo(epoch=epoch, revision=0, floor=0)
        self._token: str | None = None
        self._lease_until = 0.0
        self._lock = threading.RLock()

    def acquire(self, token: str, holder: str, now: float, ttl_s: float) -> bool:
        """Take the lease when it is free, expired or already mine; renews it when mine."""
        with self._available():
            if self._token not in (None, token) and now < self._lease_until:
                return False
            self._token, self._lease_until = token, now + ttl_s
            self._set(holder=holder)
            return True

    def release(self, token: str) -> None:
        """Give the lease back."""
        with self._available():
            if self._token == token:
                self._token = None

    def load(self, ids: Collection[str]) -> dict[str, Task]:
        """The stored tasks of these ids; unknown ids are absent."""
        with self._available():
            return {task_id: self.tasks[task_id][1] for task_id in ids if task_id in self.tasks}

    def live(self, limit: int) -> list[Task]:
        """The newest tasks that are not over."""
        with self._available():
            live = [task for _, task in self.tasks.values() if task.is_live]
            live.sort(key=lambda task: (task.first_seen_at, task.id), reverse=True)
            return live[:limit]

    def workers(self) -> list[Worker]:
        """Every stored worker."""
        with self._available():
            return [worker for _, worker in self.known_workers.values()]

    def groups(self, ids: Collection[str]) -> dict[str, Group]:
        """The stored groups of these ids; unknown ids are absent."""
        with self._available():
            return {id_: self.known_groups[id_][1] for id_ in ids if id_ in self.known_groups}

    def expectations(self, limit: int) -> list[Expectation]:
        """What was vouched for and not yet taken, the oldest first."""
        with self._available():
            return [self.expected[n] for n in sorted(self.expected)[:limit]]

    def take_expectations(self, taken: Collection[Expectation], before: float | None) -> None:
        """Forget these, as they were read; nothing else is kept."""
        with self._available():
            for each in taken:
                if self.expected.get(each.id) == each:
                    del self.expected[each.id]

    def watched(self) -> tuple[list[Queue], list[ScheduleEntry]]:
        """Every stored queue, and every stored entry of the schedule."""
        with self._available():
            queues = [queue for _, queue in self.queues.values()]
            return queues, [entry for _, entry in self.schedule.values()]

    def commit(self, token: str, changes: Changes) -> Commit:
        """Keep everything under the lease; `LeaseLost` keeps nothing."""
        with self._available():
            self._check(token)
            previous = revision = self._info.revision
            for revision, task in enumerate(changes.tasks, start=previous + 1):
                self.tasks[task.id] = (revision, task)
            for worker in changes.workers:
                revision += 1
                self.known_workers[worker.name] = (revision, worker)
            for group in changes.groups:
                revision += 1
                self.known_groups[group.id] = (revision, group)
            for queue in changes.queues:
                revision += 1
                self.queues[queue.name] = (revision, queue)
            for entry in changes.schedule:
                revision += 1
                self.schedule[entry.name] = (revision, entry)
            if changes.removed:
                revision += 1
                self._remove(changes.removed)
                self._set(floor=revision)
            if changes.counted is not None:
                self.counted[changes.counted.id] = changes.counted
            self.gaps |= {gap.from_at: gap for gap in changes.gaps}
            self._set(revision=revision)
            if changes.covered_at is not None:
                self._set(covered_at=changes.covered_at)
            if changes.gaps:
                self._set(gap=self.gaps[max(self.gaps)])
            self.commits.append(changes)
            return Commit(self._info.epoch, previous, revision)

    def add_up(self, token: str, now: float) -> Commit | None:
        """Add what commits counted; the numbers it took, None when there was nothing."""
        with self._available():
            self._check(token)
            counted, self.counted = list(self.counted.values()), {}
            for each in counted:
                for place, change in rollup.cells(each.marks.items(), now).items():
                    self.cells.setdefault(place, Cell()).add(change)
                groups = failures.merged((*self.failures.values(), *each.failures))
                self.failures = {group.signature: group for group in groups}
            previous = self._info.revision
            self._set(revision=previous + bool(counted))
            revision = previous + 1
            return Commit(self._info.epoch, previous, revision) if counted else None

    def beat(self, token: str, now: float, ttl_s: float, stats: Mapping[str, object]) -> StreamInfo:
        """Renew the lease and keep the signs of life; `LeaseLost` when it is another's."""
        with self._available():
            self._check(token)
            self._lease_until = now + ttl_s
            self._set(alive_at=now, stats=dict(stats))
            return self._info

    def stream(self) -> StreamInfo:
        """Where the stream stands."""
        with self._available():
            return self._info

    def close(self) -> None:
        """Note that it was closed."""
        self.is_closed = True

    def _remove(self, removed: Mapping[str, Sequence[str]]) -> None:
        kept: Mapping[str, dict[str, Any]] = {
            "workers": self.known_workers,
            "queues": self.queues,
            "schedule": self.schedule,
        }
        for kind, names in removed.items():
            for name in names:
                kept[kind].pop(name, None)

    def _available(self) -> threading.RLock:
        if not self.is_available:
            raise StoreUnavailable("the test says so")
        return self._lock

    def _check(self, token: str) -> None:
        if self._token != token:
            raise LeaseLost

    def _set(self, **values: object) -> None:
        told = {name: getattr(self._info, name) for name in self._info.__slots__}
        self._info = StreamInfo(**{**told, **values})


class MemoryPublisher:
    """A `Publisher` that keeps what is published."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self._published = threading.Condition()

    def publish(self, batch: Batch) -> None:
        """Keep it."""
        with self._published:
            self.batches.append(batch)
            self._published.notify_all()

    def wait_for(
        self, is_enough: Callable[[Sequence[Batch]], bool], timeout_s: float = 5.0
    ) -> list[Batch]:
        """The batches so far, as soon as they are enough; TimeoutError when they never are."""
        with self._published:
            if not self._published.wait_for(lambda: is_enough(self.batches), timeout_s):
                raise TimeoutError(f"not published within {timeout_s} s: {self.batches!r}")
            return list(self.batches)
