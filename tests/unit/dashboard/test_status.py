"""Every word of the APIs that people know has its answer here, by name."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from celery import Celery
from celery.result import AsyncResult, GroupResult

from dashboard import actions, following, routing, status
from dashboard.store import Store
from realtime import testing
from realtime.core.expected import HANDED_OVER, NO_NEWS
from realtime.core.public import EXPECTED_S
from realtime.testing import AT, FakeClock
from tests.unit.realtime.test_pipeline import House

pytestmark = pytest.mark.django_db(transaction=True)

TASK_NAMES = [
    "args",
    "attempts",
    "children",
    "conclusion",
    "date_done",
    "errors",
    "exception",
    "finished_at",
    "group",
    "id",
    "is_failed",
    "is_finished",
    "is_known",
    "is_successful",
    "is_vouched",
    "kwargs",
    "label",
    "last_attempted_at",
    "leaf",
    "name",
    "owner",
    "parent",
    "priority",
    "progress",
    "queue",
    "reason",
    "reprs",
    "result",
    "retries",
    "return_value",
    "revision",
    "row",
    "runtime",
    "sent_at",
    "source",
    "started_at",
    "state",
    "status",
    "task_id",
    "traceback",
    "tree",
    "updated_at",
    "worker",
    "worker_ids",
    "arefresh",
    "atree",
    "refresh",
    "wait",
    "watch",
]
GROUP_NAMES = [
    "arefresh",
    "cancelled",
    "completed",
    "conclusion",
    "failed",
    "finished",
    "finished_at",
    "id",
    "is_failed",
    "is_finished",
    "is_known",
    "is_successful",
    "is_vouched",
    "iterate",
    "percent",
    "refresh",
    "revision",
    "row",
    "running",
    "source",
    "status",
    "tasks",
    "total",
    "updated_at",
    "wait",
    "waiting",
    "watch",
]


class RunningClock(FakeClock):
    """A clock that goes on by itself."""

    def __call__(self) -> float:
        return self.advance(0.001)


class Receiver(House):
    """A receiver in this process: what it publishes reaches the hubs."""

    def __init__(self) -> None:
        super().__init__(Store(), RunningClock())  # type: ignore[arg-type]
        self.turn()

    def hear(self, *events: testing.Raw) -> None:
        """Take these, store them, publish what came of them."""
        self.turn(*events)
        self.turn()
        for batch in self.publisher.batches:
            routing.hubs.submit(batch)
        self.publisher.batches.clear()

    async def ahear(self, *events: testing.Raw) -> None:
        await sync_to_async(self.hear)(*events)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.store.close()


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The result backend of the watched application."""
    app = Celery("status", broker="memory://", backend="cache+memory://", set_as_current=False)
    app.conf.result_extended = True
    app.backend.client.cache.clear()  # type: ignore[attr-defined]
    monkeypatch.setattr(actions, "celery_app", lambda: app)
    return app.backend


def lived(id_: str, at: float = AT, **announced: object) -> list[testing.Raw]:
    """A task that succeeded with 42."""
    return [
        testing.task_sent(id_, at=at, **announced),
        testing.task_received(id_, at=at + 1, **announced),
        testing.task_started(id_, at=at + 2),
        testing.task_succeeded(id_, at=at + 5, result="42", runtime=3.0),
    ]


def test_every_name_is_public_and_there_is_no_other() -> None:
    for kind, names in ((status.Task, TASK_NAMES), (status.Group, GROUP_NAMES)):
        assert sorted(name for name in dir(kind) if not name.startswith("_")) == sorted(names)


def test_a_task_that_ended_well_tells_everything_by_the_names_people_know(
    receiver: Receiver,
) -> None:
    receiver.hear(
        testing.task_context("a", owner="ann", label="Report", priority=3, queue="mail"),
        *lived("a", name="shop.pay", args="(1, 'x')", kwargs="{'b': 2}", queue="mail"),
        testing.task_progress("a", 5, 10, at=AT + 3, message="half", retries=0),
    )
    task = status.get_task("a")
    assert (task.id, task.task_id, task.name) == ("a", "a", "shop.pay")
    assert (task.args, task.kwargs, task.reprs) == ([1, "x"], {"b": 2}, frozenset())
    assert (task.worker, task.queue, task.priority) == (testing.HOSTNAME, "mail", 3)
    assert (task.owner, task.label, task.retries) == ("ann", "Report", 0)
    assert (task.state, task.status, task.conclusion) == ("SUCCESS", "completed", "succeeded")
    assert (task.is_finished, task.is_successful, task.is_failed) == (True, True, False)
    assert (task.is_known, task.is_vouched, task.source) == (True, False, "store")
    assert (task.result, task.return_value) == (42, 42)
    assert task.progress is not None
    assert (task.progress["percent"], task.progress["message"]) == (50.0, "half")
    assert (task.sent_at, task.started_at, task.finished_at) == (AT, AT + 2, AT + 5)
    assert task.date_done == datetime.fromtimestamp(AT + 5, UTC)
    assert task.last_attempted_at == AT + 2
    assert (task.runtime, task.reason, task.exception, task.traceback) == (3.0, None, None, None)
    assert (len(task.attempts), task.errors, task.worker_ids) == (1, (), [testing.HOSTNAME])
    assert (task.group, task.parent, task.row["id"]) == (None, None, "a")
    assert task.revision > 0
    assert task.updated_at is not None
    assert repr(task) == "<Task a succeeded>"


def test_a_task_that_failed_tells_its_error_and_has_no_return_value(receiver: Receiver) -> None:
    receiver.hear(testing.task_received("a"), testing.task_failed("a", at=AT + 1))
    task = status.get_task("a")
    assert (task.is_finished, task.is_successful, task.is_failed) == (True, False, True)
    assert task.exception == "ValueError('declined')"
    assert task.traceback is not None
    assert task.errors[0]["exception"] == task.exception
    assert task.result is None
    with pytest.raises(status.NotSuccessful, match="a is failed"):
        _ = task.return_value


def test_none_is_a_value(receiver: Receiver) -> None:
    receiver.hear(testing.task_succeeded("a", result="None"))
    assert status.get_task("a").return_value is None


def test_what_cannot_be_read_as_data_stays_text_and_is_marked(receiver: Receiver) -> None:
    odd = {"args": "(<object object at 0x1>,)", "kwargs": "{'a': ...}"}
    receiver.hear(
        testing.task_received("a", **odd),
        testing.task_succeeded("a", at=AT + 1, result="<Response 200>"),
    )
    task = status.get_task("a")
    assert task.reprs == {"args", "kwargs", "result"} - ({"kwargs"} if task.kwargs == {} else set())
    assert (task.args, task.result) == (odd["args"], "<Response 200>")


def test_never_seen_handed_over_and_silent_for_long_are_told_apart(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    never = status.get_task("never")
    assert (never.status, never.state, never.is_known, never.source) == (
        "unknown",
        "PENDING",
        False,
        None,
    )
    assert never.reason == "Nothing was ever seen of it, or its result has expired."
    status.expect("a")
    task = status.get_task("a")
    assert (task.status, task.reason, task.source) == ("queued", HANDED_OVER, "expected")
    assert (task.is_known, task.is_vouched, task.is_finished) == (True, True, False)
    told_at = status.PublicReader().public(["task:a"]).expected["task:a"].at
    later = told_at + EXPECTED_S
    monkeypatch.setattr("dashboard.status_subject.time.time", lambda: later)
    assert (task.status, task.reason) == ("unknown", NO_NEWS)


def test_the_result_backend_is_read_where_the_store_has_nothing_and_it_says_so(
    backend: Any,
) -> None:
    backend.store_result("a", {"rows": 3}, "SUCCESS")
    backend.store_result("p", {"current": 3, "total": 10}, "PROGRESS")
    backend.store_result("f", ValueError("no"), "FAILURE", traceback="Traceback ...")
    backend.store_result("r", RuntimeError("gone"), "REVOKED")
    task = status.get_task("a")
    assert (task.source, task.status, task.return_value) == ("backend", "completed", {"rows": 3})
    assert task.date_done is not None
    running = status.get_task("p")
    assert (running.source, running.status, running.state) == ("backend", "running", "PROGRESS")
    assert running.progress == {"current": 3, "total": 10}
    failed = status.get_task("f")
    assert (failed.is_failed, failed.exception) == (True, "ValueError('no')")
    assert status.get_task("r").conclusion == "cancelled"
    assert status.get_task("none").source is None


def test_a_result_that_its_event_only_prints_is_read_from_the_backend(
    receiver: Receiver, backend: Any
) -> None:
    receiver.hear(testing.task_succeeded("a", result="<Thing>"))
    backend.store_result("a", {"thing": 1}, "SUCCESS")
    task = status.get_task("a")
    assert (task.source, task.result, task.reprs) == ("store", {"thing": 1}, frozenset())


def test_a_backend_that_is_away_is_as_good_as_none(
    backend: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(task_id: str) -> None:
        raise OSError("refused")

    monkeypatch.setattr(backend, "get_task_meta", away)
    assert status.get_task("a").status == "unknown"
    assert "was not read" in caplog.text


def test_whatever_has_an_id_can_be_asked_for(receiver: Receiver) -> None:
    receiver.hear(*lived("a"))
    app = Celery("x", broker="memory://", set_as_current=False)
    assert status.get_task(AsyncResult("a", app=app)).is_successful
    for bad in (None, 7, "", object()):
        with pytest.raises(TypeError, match="has no id"):
            status.get_task(bad)
    for hostile in ("\x00", "a" * 300, "\ud800"):
        assert not status.get_task(hostile).is_known


def test_the_workflow_of_a_task_is_parent_children_leaf_and_the_order_of_results(
    receiver: Receiver,
) -> None:
    receiver.hear(
        *lived("root", AT),
        *lived("b", AT + 10, root_id="root", parent_id="root"),
        *lived("c", AT + 8, root_id="root", parent_id="root"),
        *lived("d", AT + 20, root_id="root", parent_id="b"),
    )
    root = status.get_task("root")
    children = root.children
    assert {child.id for child in children} == {"b", "c"}
    parent = status.get_task("d").parent
    assert parent is not None
    assert parent.id == "b"
    assert status.get_task("b").leaf.id == "d"
    assert status.get_task("d").leaf.id == "d"
    assert root.tree.finished == ["root", "c", "b", "d"]
    assert status.get_task("never").leaf.id == "never"


def members(group_id: str = "g1", size: int = 3) -> list[testing.Raw]:
    return [
        event
        for n in range(size)
        for event in (
            testing.task_context(f"m{n}", group=group_id, group_size=size),
            testing.task_received(f"m{n}", at=AT + n),
        )
    ]


def test_a_group_tells_everything_by_the_names_people_know(receiver: Receiver) -> None:
    receiver.hear(*members(size=4))
    receiver.hear(
        testing.task_succeeded("m0", at=AT + 9, result="0"),
        testing.task_failed("m1", at=AT + 9),
        testing.task_revoked("m2", at=AT + 9),
        testing.task_started("m3", at=AT + 9),
    )
    group = status.get_group("g1")
    assert (group.id, group.source, group.total, group.finished) == ("g1", "store", 4, 3)
    assert (group.completed, group.failed, group.cancelled) == (1, 1, 1)
    assert (group.running, group.waiting, group.percent) == (1, 0, 75.0)
    assert (group.status, group.conclusion, group.is_finished) == ("running", None, False)
    assert [task.id for task in group.tasks] == ["m0", "m1", "m2", "m3"]
    receiver.hear(testing.task_succeeded("m3", at=AT + 12))
    group.refresh()
    assert (group.is_finished, group.is_failed, group.is_successful) == (True, True, False)
    assert group.finished_at == AT + 12
    assert (group.is_known, group.is_vouched) == (True, False)
    assert group.revision > 0
    assert (group.row["id"], group.updated_at is None) == ("g1", False)
    assert status.get_task("m0").group is not None
    assert repr(group) == "<Group g1 4 of 4>"


def test_a_group_that_was_only_handed_over_waits_whole(receiver: Receiver) -> None:
    status.expect_group("g1", 12)
    group = status.get_group("g1")
    assert (group.status, group.total, group.waiting, group.source) == (
        "queued",
        12,
        12,
        "expected",
    )
    assert (group.is_vouched, group.tasks) == (True, [])
    for bad in (0, -1, True):
        with pytest.raises(ValueError, match="at least 1"):
            status.expect_group("g1", bad)
    with pytest.raises(ValueError, match="at least 1"):
        status.expect_group("g1")


def test_a_group_of_another_time_is_added_up_from_the_result_backend(backend: Any) -> None:
    app = backend.app
    results = [AsyncResult(f"m{n}", app=app) for n in range(3)]
    for n, state in enumerate(("SUCCESS", "FAILURE")):
        backend.store_result(f"m{n}", n if n == 0 else ValueError("no"), state)
    given = GroupResult("g9", results, app=app)
    group = status.get_group(given)
    assert (group.source, group.total, group.completed, group.failed) == ("backend", 3, 1, 1)
    assert (group.waiting, group.is_finished) == (1, False)
    given.save(backend=backend)
    assert status.get_group("g9").total == 3
    status.expect_group(given)
    assert status.get_group("g9").is_vouched


@pytest.mark.parametrize("word", ["aget_task", "aget_group"])
async def test_everything_has_its_asynchronous_form(word: str) -> None:
    found = await getattr(status, word)("nothing")
    assert not found.is_known
    await status.aexpect("x")
    await status.aexpect_group("y", 3)
    await found.arefresh()
    task = await status.aget_task("x")
    assert task.status == "queued"
    assert (await task.atree()).nodes == {}
    assert (await status.aget_group("y")).total == 3


@pytest.fixture
async def hub() -> Any:
    """The hub of this loop, stopped afterwards."""
    hub = routing.hubs.current()
    await hub.started()
    yield hub
    await routing.hubs.stop()


async def test_watching_tells_each_change_until_the_end(hub: Any) -> None:
    receiver = await sync_to_async(Receiver)()
    await receiver.ahear(testing.task_received("a"))
    seen = []
    following_events = iter(
        ([testing.task_started("a", at=AT + 1)], [testing.task_succeeded("a", at=AT + 2)])
    )
    async with asyncio.timeout(20):
        async for state in (await status.aget_task("a")).watch():
            seen.append(state.status)
            if (events := next(following_events, None)) is not None:
                await receiver.ahear(*events)
    assert seen == ["reserved", "running", "completed"]
    assert hub._listeners == {}
    await sync_to_async(receiver.store.close)()


async def test_waiting_gives_the_result_or_the_error_or_gives_up(hub: Any) -> None:
    receiver = await sync_to_async(Receiver)()
    await receiver.ahear(*lived("a"), testing.task_received("b"), testing.task_received("c"))
    assert await (await status.aget_task("a")).wait(5) == 42
    waiting = asyncio.ensure_future((await status.aget_task("b")).wait(20))
    while not hub._listeners:  # noqa: ASYNC110 -- the hub tells nobody that somebody listens
        await asyncio.sleep(0)
    await receiver.ahear(testing.task_failed("b", at=AT + 3))
    with pytest.raises(status.TaskFailed, match="declined") as failed:
        await waiting
    assert failed.value.task.id == "b"
    told = await (await status.aget_task("b")).wait(5, propagate=False)
    assert isinstance(told, status.TaskFailed)
    with pytest.raises(TimeoutError):
        await (await status.aget_task("c")).wait(0.05)
    assert (await status.aget_task("c")).status == "reserved"
    await sync_to_async(receiver.store.close)()


async def test_a_failed_task_raises_its_own_error_where_the_backend_has_it(
    hub: Any, backend: Any
) -> None:
    backend.store_result("f", KeyError("account"), "FAILURE")
    with pytest.raises(KeyError, match="account"):
        await (await status.aget_task("f")).wait(5)


async def test_a_group_is_watched_waited_for_and_gone_through_as_its_members_end(hub: Any) -> None:
    receiver = await sync_to_async(Receiver)()
    await receiver.ahear(*members())
    group = await status.aget_group("g1")
    waiting = asyncio.ensure_future(group.wait(20, propagate=False))
    ended = []
    async with asyncio.timeout(20):
        rest = iter((1, 0, 2))
        await receiver.ahear(testing.task_succeeded(f"m{next(rest)}", at=AT + 5, result="1"))
        async for task in (await status.aget_group("g1")).iterate():
            ended.append(task.id)
            if (n := next(rest, None)) is not None:
                event = testing.task_failed if n == 2 else testing.task_succeeded
                await receiver.ahear(event(f"m{n}", at=AT + 6))
    assert ended == ["m1", "m0", "m2"]
    first, second, third = await waiting
    assert (first, second) == (None, 1)
    assert isinstance(third, status.TaskFailed)
    with pytest.raises(status.TaskFailed):
        await (await status.aget_group("g1")).wait(5)
    await sync_to_async(receiver.store.close)()


async def test_where_no_receiver_is_heard_it_says_that_it_reads_once_a_second(
    hub: Any, caplog: pytest.LogCaptureFixture
) -> None:
    following._said.clear()
    caplog.set_level("INFO", "dashboard.following")
    for _ in range(2):
        async with following.follow("task", "a"):
            pass
    assert caplog.text.count("read once a second") == 1
