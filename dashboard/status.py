"""What a host's own code asks: how a task or a group stands, and to be told when that changes.

    task = get_task(result)                 # or: await aget_task(id)
    if task.is_finished: ...
    async for state in task.watch(): ...    # woken by the stream
    value = await task.wait(timeout=30)

It reads Headway's store, and the result backend of the Celery application where the store has
nothing; `source` says which. It asks for nobody's permission: what it tells is for the host to show
or not. Instants are Unix seconds (`date_done` is a datetime, as Celery has it), durations seconds.
"""

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from dashboard import following, status_reading
from dashboard.public import PublicReader
from dashboard.status_reading import Known
from dashboard.status_subject import Subject
from dashboard.threads import awaited
from realtime.core.public import GROUP, TASK, subject_of
from realtime.core.wire import Row
from realtime.embedding import Expected

__all__ = [
    "Group",
    "NotSuccessful",
    "Task",
    "TaskFailed",
    "Tree",
    "aexpect",
    "aexpect_group",
    "aget_group",
    "aget_task",
    "expect",
    "expect_group",
    "get_group",
    "get_task",
]


class TaskFailed(Exception):
    """The task ended without success; `task` is its state, the message its exception."""

    def __init__(self, task: "Task") -> None:
        super().__init__(task.exception or task.reason or f"It was {task.conclusion}.")
        self.task = task


class NotSuccessful(ValueError):
    """A task that has not succeeded has no return value."""


def get_task(task: object) -> "Task":
    """How this task stands: an id, or whatever has one (`AsyncResult`, a Django `TaskResult`).
    Never fails for an unknown id: `is_known` is then false. Raises `StoreUnavailable`."""
    return Task(status_reading.task(_id(task)))


async def aget_task(task: object) -> "Task":
    """As `get_task`, in async code."""
    return await awaited(get_task)(task)


def get_group(group: object) -> "Group":
    """How this group stands: an id, or a `GroupResult`. Costs the same whatever its size. Raises
    `StoreUnavailable`."""
    return Group(status_reading.group(_id(group), _members(group)), _members(group))


async def aget_group(group: object) -> "Group":
    """As `get_group`, in async code."""
    return await awaited(get_group)(group)


def expect(task: object) -> None:
    """Vouch that this task was handed over: until it is heard of it shows as queued, and after ten
    minutes as unknown with the reason. Raises `StoreUnavailable`."""
    PublicReader().vouch({subject_of(TASK, _id(task)): Expected(time.time())})


async def aexpect(task: object) -> None:
    """As `expect`, in async code."""
    await awaited(expect)(task)


def expect_group(group: object, total: int | None = None) -> None:
    """Vouch that this group was handed over with `total` members; of a `GroupResult` the number is
    known. Raises ValueError without a number, and `StoreUnavailable`."""
    total = len(_members(group)) or None if total is None else total
    if total is None or isinstance(total, bool) or total < 1:
        raise ValueError(f"total is {total!r}: say how many members the group has, at least 1.")
    PublicReader().vouch({subject_of(GROUP, _id(group)): Expected(time.time(), total)})


async def aexpect_group(group: object, total: int | None = None) -> None:
    """As `expect_group`, in async code."""
    await awaited(expect_group)(group, total)


class Task(Subject):
    """One task as it stood when it was read; `refresh` reads it again."""

    _kind = TASK

    def __repr__(self) -> str:
        return f"<Task {self.id} {self.conclusion or self.status}>"

    @property
    def task_id(self) -> str:
        """The same as `id`."""
        return self.id

    @property
    def name(self) -> str | None:
        """Its registered name."""
        return self._text("name")

    @property
    def args(self) -> Any:
        """Positional arguments as data, or, if `reprs` has `args`, as Celery printed them."""
        return self._get("args")

    @property
    def kwargs(self) -> Any:
        """Keyword arguments as data, or, if `reprs` has `kwargs`, as Celery printed them."""
        return self._get("kwargs")

    @property
    def reprs(self) -> frozenset[str]:
        """Which of `args`, `kwargs` and `result` are only known as Python printed them: a text,
        which may be cut."""
        texts = {name for name in ("args", "kwargs") if isinstance(self._get(name), str)}
        return frozenset(texts | ({"result"} if self._known.is_result_repr else set()))

    @property
    def worker(self) -> str | None:
        """Who runs it or ran it last."""
        return self._text("worker")

    @property
    def queue(self) -> str | None:
        """Where it was sent."""
        return self._text("queue")

    @property
    def retries(self) -> int:
        """How often it was tried again."""
        return self._count("retries")

    @property
    def priority(self) -> int | None:
        """Its priority in the queue."""
        return self._get("priority")  # type: ignore[no-any-return]

    @property
    def state(self) -> str:
        """Celery's word for it: PENDING, STARTED, SUCCESS, or the task's own."""
        return str(self._get("state") or "PENDING")

    @property
    def reason(self) -> str | None:
        """Why it stands as it does, in a sentence, where the status alone does not say."""
        return self._standing[1]

    @property
    def label(self) -> str | None:
        """What people are to call it."""
        return self._text("label")

    @property
    def owner(self) -> str | None:
        """Whose task it is, as the host said when it sent it."""
        return self._text("owner")

    @property
    def progress(self) -> Mapping[str, Any] | None:
        """How far it is: `current total percent unit message stage stages`; None untold."""
        return self._get("progress")  # type: ignore[no-any-return]

    @property
    def result(self) -> Any:
        """What it returned; None while it has not. If `reprs` has `result`: as Python prints it."""
        return self._known.result if self.is_successful else None

    @property
    def return_value(self) -> Any:
        """What it returned, so that None is a value; `NotSuccessful` where it has not succeeded."""
        if not self.is_successful:
            raise NotSuccessful(f"Task {self.id} is {self.conclusion or self.status}.")
        return self._known.result

    @property
    def exception(self) -> str | None:
        """The error of its last attempt that failed, as Python prints it."""
        return self._text("exception")

    @property
    def traceback(self) -> str | None:
        """Where that error came from."""
        return self._text("traceback")

    @property
    def errors(self) -> Sequence[Mapping[str, Any]]:
        """Every error: `exception traceback at worker`, the oldest first."""
        return tuple(self._get("errors") or ())

    @property
    def attempts(self) -> Sequence[Mapping[str, Any]]:
        """Every attempt, the oldest first: `retries worker started_at finished_at outcome`, ..."""
        return tuple(self._get("attempts") or ())

    @property
    def worker_ids(self) -> list[str]:
        """The workers of its attempts, in their order."""
        workers = (attempt["worker"] for attempt in self.attempts)
        return list(dict.fromkeys(worker for worker in workers if worker))

    @property
    def sent_at(self) -> float | None:
        """When it was sent; None with Celery's defaults, which do not tell."""
        return self._number("sent_at")

    @property
    def started_at(self) -> float | None:
        """When it first began to run."""
        return self._number("started_at")

    @property
    def last_attempted_at(self) -> float | None:
        """When its newest attempt began to run."""
        return self.attempts[-1]["started_at"] if self.attempts else None

    @property
    def date_done(self) -> datetime | None:
        """When it ended, as Celery's results have it."""
        return None if self.finished_at is None else datetime.fromtimestamp(self.finished_at, UTC)

    @property
    def runtime(self) -> float | None:
        """Seconds that it ran."""
        return self._number("runtime")

    @property
    def group(self) -> "Group | None":
        """Its group; None where it has none. Reads the store."""
        return get_group(group_id) if (group_id := self._text("group_id")) else None

    @property
    def tree(self) -> "Tree":
        """The workflow that it belongs to. Reads the store; in async code `atree`."""
        return Tree(status_reading.tree(self.id))

    async def atree(self) -> "Tree":
        """As `tree`, in async code."""
        return await awaited(lambda: self.tree)()

    @property
    def parent(self) -> "Task | None":
        """The task that called it. Reads the store, as do `children` and `leaf`."""
        return get_task(parent_id) if (parent_id := self._text("parent_id")) else None

    @property
    def children(self) -> "list[Task]":
        """The tasks that it called, in their order."""
        return [get_task(id_) for id_ in self.tree.children(self.id)]

    @property
    def leaf(self) -> "Task":
        """The last one of what follows from it: of a chain, its end; itself where nothing does."""
        return get_task(self.tree.leaf(self.id))

    def refresh(self) -> None:
        """Read it again."""
        self._known = status_reading.task(self.id)

    async def watch(self) -> "AsyncIterator[Task]":
        """Its state now, and again after each change until it is over. Woken by the stream."""
        async with following.follow(self._kind, self.id) as news:
            await self.arefresh()
            yield Task(self._known)
            while not self.is_finished:
                await news.changed()
                before = self._known
                await self.arefresh()
                if self._known != before:
                    yield Task(self._known)

    async def wait(self, timeout: float | None = None, *, propagate: bool = True) -> Any:  # noqa: ASYNC109
        """What it returned, as soon as it has. A failed one raises its error, or returns it where
        `propagate` is False. TimeoutError after `timeout` seconds, which leaves the task alone."""
        await following.exhausted(self.watch(), timeout)
        if self.is_successful:
            return self.return_value
        error = await awaited(status_reading.error)(self.id) or TaskFailed(self)
        if propagate:
            raise error
        return error


class Group(Subject):
    """One group as it stood when it was read. Counts are exact for what was heard; without a known
    `total` they are a beginning, and the group is not over."""

    _kind = GROUP

    def __init__(self, known: Known, members: Sequence[str] = ()) -> None:
        super().__init__(known)
        self._members = tuple(members)

    def __repr__(self) -> str:
        return f"<Group {self.id} {self.finished} of {self.total or '?'}>"

    @property
    def total(self) -> int | None:
        """How many members it has; None where nobody said."""
        expected = self._known.expected
        told = (self._get("total"), expected.total if expected else None, len(self._members))
        return max((number for number in told if number), default=None)

    @property
    def percent(self) -> float | None:
        """0 to 100, never falling; None where the total is not known."""
        return self._number("percent")

    @property
    def completed(self) -> int:
        """Members that succeeded: what Celery calls `completed_count`."""
        return self._count("succeeded")

    @property
    def failed(self) -> int:
        """Members that failed, were rejected, expired or lost."""
        return self._count("failed")

    @property
    def cancelled(self) -> int:
        """Members that were cancelled."""
        return self._count("cancelled")

    @property
    def running(self) -> int:
        """Members that run."""
        return self._count("running")

    @property
    def waiting(self) -> int:
        """Members that have not begun, those nobody has heard of included."""
        if self.total is None:
            return self._count("waiting")
        return max(self.total - self.finished - self.running, 0)

    @property
    def finished(self) -> int:
        """Members that are over."""
        return self.completed + self.failed + self.cancelled

    @property
    def tasks(self) -> list[Task]:
        """Its members, in the order of the `GroupResult` where one was given, else as they were
        first seen; the first 1,000. Reads the store."""
        return [Task(known) for known in status_reading.members(self.id, self._members)]

    def refresh(self) -> None:
        """Read it again."""
        self._known = status_reading.group(self.id, self._members)

    async def watch(self) -> "AsyncIterator[Group]":
        """Its state now, and again after each change until it is over. Woken by the stream."""
        async with following.follow(self._kind, self.id) as news:
            await self.arefresh()
            yield Group(self._known, self._members)
            while not self.is_finished:
                await news.changed()
                before = self._known
                await self.arefresh()
                if self._known != before:
                    yield Group(self._known, self._members)

    async def iterate(self) -> AsyncIterator[Task]:
        """Its members as they end, each once."""
        told: set[str] = set()
        async for _ in self.watch():
            for task in await awaited(lambda: self.tasks)():
                if task.is_finished and task.id not in told:
                    told.add(task.id)
                    yield task

    async def wait(self, timeout: float | None = None, *, propagate: bool = True) -> list[Any]:  # noqa: ASYNC109
        """What its members returned, in their order, as soon as all are over. The first that failed
        raises `TaskFailed`, or stands in the list where `propagate` is False. TimeoutError after
        `timeout` seconds."""
        await following.exhausted(self.watch(), timeout)
        tasks = await awaited(lambda: self.tasks)()
        found = [task.result if task.is_successful else TaskFailed(task) for task in tasks]
        failed = next((each for each in found if isinstance(each, TaskFailed)), None)
        if failed is not None and propagate:
            raise failed
        return found


class Tree:
    """The workflow of a task: what called what, as far as it was seen. Rows have `id name status
    conclusion parent_id group_id first_seen_at started_at finished_at runtime`."""

    def __init__(self, nodes: Mapping[str, Row]) -> None:
        self.nodes = nodes
        """By id, in the order they were first seen."""

    def children(self, task_id: str) -> list[str]:
        """The ids of what this task called, in the order they were first seen."""
        return [id_ for id_, node in self.nodes.items() if node["parent_id"] == task_id]

    def leaf(self, task_id: str) -> str:
        """The end of what follows from this task, by the last of each one's children."""
        seen = {task_id}
        while below := [id_ for id_ in self.children(task_id) if id_ not in seen]:
            task_id = below[-1]
            seen.add(task_id)
        return task_id

    @property
    def finished(self) -> list[str]:
        """The ids of what is over, in the order in which results came."""
        over = [node for node in self.nodes.values() if node["finished_at"] is not None]
        return [str(node["id"]) for node in sorted(over, key=lambda node: node["finished_at"])]  # type: ignore[arg-type, return-value]


def _id(of: object) -> str:
    id_ = of if isinstance(of, str) else getattr(of, "id", None)
    if not isinstance(id_, str) or not id_:
        raise TypeError(f"{of!r} has no id: give an id, or a result of Celery or Django.")
    return id_


def _members(group: object) -> tuple[str, ...]:
    return tuple(str(result.id) for result in getattr(group, "results", None) or ())
