"""What was not heard is asked for: of the workers, of the result backend, and then it is enough."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from realtime import repair
from realtime.core.events import Event
from realtime.inbox import Inbox
from realtime.inspection import Held
from realtime.repair import Repairer, Window
from realtime.testing import AT, FakeClock
from tests.services.process import wait_until

GAP = Window(AT - 30, AT)
NOBODY = Held(frozenset({"celery@a"}), [])


def outcome(task_id: str) -> list[Event]:
    context = Event("task-context", task_id, "", 0, AT, 0, AT, {"name": "shop.pay"})
    return [context, Event("task-succeeded", task_id, "", 0, AT, 0, AT, {"result": "1"})]


def held(task_id: str) -> list[Event]:
    return [Event("task-started", task_id, "celery@a", 7, AT, 0, AT, {"inspected": True})]


class World:
    """What workers and result backend say when they are asked, and how often they were."""

    def __init__(self) -> None:
        self.held = NOBODY
        self.stored: dict[str, list[Event]] = {}
        self.pages: list[list[Event]] = []
        self.failures = 0
        self.searched: list[tuple[float, float]] = []
        self.inbox = Inbox()

    def survey(self) -> Held:
        return self.held

    def lookup(self, ids: Sequence[str]) -> list[Event]:
        if self.failures:
            self.failures -= 1
            raise ConnectionError
        return [event for task_id in ids for event in self.stored.get(task_id, ())]

    def search(self, from_at: float, until_at: float) -> Iterator[list[Event]]:
        self.searched.append((from_at, until_at))
        yield from self.pages

    def told(self) -> dict[str, Event]:
        """The last word on each task."""
        deliveries = self.inbox.take(10_000)
        assert all(delivery.is_repair and delivery.tag is None for delivery in deliveries)
        return {event.id: event for delivery in deliveries for event in delivery.events}


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repair, "PAUSE_S", 0.0)
    monkeypatch.setattr(repair.Backoff, "next_s", lambda _: 0.0)


@pytest.fixture
def world() -> World:
    return World()


@contextmanager
def running(world: World, unsearchable: str | None = None) -> Iterator[Repairer]:
    repairer = Repairer(
        lookup=world.lookup,
        survey=world.survey,
        search=None if unsearchable else world.search,
        unsearchable=unsearchable,
        inbox=world.inbox,
        clock=FakeClock(),
    )
    thread = threading.Thread(target=repairer.run)
    thread.start()
    try:
        yield repairer
    finally:
        repairer.stop()
        thread.join(5)
    assert not thread.is_alive()


def asked(world: World, **workers: str | None) -> dict[str, Event]:
    with running(world) as repairer:
        repairer.ask(GAP, workers)
        wait_until(lambda: not repairer.is_busy)
    return world.told()


def test_each_live_task_is_held_by_a_worker_or_has_ended_or_is_in_doubt(world: World) -> None:
    world.held = Held(frozenset({"celery@a"}), held("running"))
    world.stored = {"over": outcome("over")}
    told = asked(world, running="celery@a", over="celery@a", gone="celery@a", mute="celery@b")
    assert {task_id: event.kind for task_id, event in told.items()} == {
        "running": "task-started",
        "over": "task-succeeded",
        "gone": "task-missed",
        "mute": "task-missed",
    }
    assert told["gone"].fields == {
        "since": GAP.from_at,
        "why": "no worker holds it and no result is stored",
        "is_free": True,
    }
    assert told["mute"].fields["why"] == "its worker did not answer"
    assert told["mute"].fields["is_free"] is False


def test_tasks_whose_worker_did_not_answer_are_asked_about_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repair, "ASK_AGAIN_S", (0.0,) * 3)
    answers = [NOBODY, NOBODY, Held(frozenset({"celery@b"}), held("mute"))]
    monkeypatch.setattr(world, "survey", lambda: answers.pop(0))
    with running(world) as repairer:
        repairer.ask(GAP, {"mute": "celery@b"})
        wait_until(lambda: world.inbox.depth == 3)
    assert world.told()["mute"].kind == "task-started"
    assert world.searched == [tuple(GAP)]


def test_asking_again_comes_to_an_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repair, "ASK_AGAIN_S", (0.0,) * 3)
    with running(world) as repairer:
        repairer.ask(GAP, {"mute": "celery@b"})
        wait_until(lambda: world.inbox.depth == 4)
        wait_until(lambda: not repairer.is_busy)
    assert len(world.inbox.take(100)) == 4


def test_what_began_and_ended_unseen_is_searched_for_once_a_gap(world: World) -> None:
    world.pages = [outcome("a"), [], outcome("b")]
    assert sorted(asked(world)) == ["a", "b"]
    assert world.searched == [GAP]


def test_after_a_search_it_rests_so_that_gaps_in_a_row_are_searched_together(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repair, "REST", 1e9)
    monkeypatch.setattr(repair, "MAX_REST_S", 1e9)
    with running(world) as repairer:
        repairer.ask(GAP, {})
        wait_until(lambda: not repairer.is_busy)
        world.stored = {"over": outcome("over")}
        for later in (100, 200):
            repairer.ask(Window(AT + later, AT + later + 1), {"over": None})
        wait_until(lambda: world.inbox.depth == 2)
        assert world.searched == [GAP]
        assert repairer._window is not None
        monkeypatch.setattr(repairer, "_rests_until", 0.0)
        repairer.ask(Window(AT + 300, AT + 301), {})
        wait_until(lambda: not repairer.is_busy)
    assert world.searched == [GAP, (AT + 100, AT + 301)]


def test_a_backend_that_comes_back_late_is_asked_again(world: World) -> None:
    world.failures = 3
    world.stored = {"over": outcome("over")}
    assert asked(world, over=None)["over"].kind == "task-succeeded"


def test_a_backend_that_never_answers_is_told(world: World) -> None:
    world.failures = 1000
    with running(world) as repairer:
        repairer.ask(GAP, {"a": None})
        wait_until(lambda: not repairer.is_busy)
        assert repairer.shortfall == "the result backend could not be asked"
    assert world.told()["a"].fields["why"] == "the result backend could not be asked"


def test_a_backend_that_cannot_be_searched_says_what_is_not_known(world: World) -> None:
    with running(world, unsearchable="no result backend is configured") as repairer:
        repairer.ask(GAP, {})
        wait_until(lambda: not repairer.is_busy)
        assert repairer.shortfall == (
            "tasks that began and ended in it are not known, no result backend is configured"
        )
    assert world.searched == []
