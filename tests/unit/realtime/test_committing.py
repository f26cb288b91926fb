"""While a commit is on its way more is folded: none of both is shown early, lost or doubled."""

import threading

import pytest

from realtime import pipeline, testing
from realtime.committing import Committing
from realtime.core.events import Event
from realtime.core.task import Task
from realtime.ports import Changes, Commit, LeaseLost, StoreUnavailable
from realtime.testing import FakeClock, MemoryStore
from tests.unit.realtime.test_pipeline import House


class HeldStore(MemoryStore):
    """A store whose commits of tasks end when the test lets them, or fail as it says."""

    def __init__(self) -> None:
        super().__init__()
        self.may_end = threading.Event()
        self.failure: Exception | None = None
        self.is_loadable = True

    def commit(self, token: str, changes: Changes) -> Commit:
        if not changes.tasks and not changes.workers:
            return super().commit(token, changes)
        if not self.may_end.wait(5):
            raise TimeoutError("nothing was folded meanwhile")
        if self.failure is not None:
            raise self.failure
        return super().commit(token, changes)

    def load(self, ids):  # type: ignore[no-untyped-def]  # as its base
        if not self.is_loadable:
            raise StoreUnavailable("the test says so")
        return super().load(ids)


class Releasing:
    """A redactor that lets the commit that is on its way end once it has seen so many events."""

    def __init__(self, store: HeldStore, after: int) -> None:
        self.store = store
        self.left = after

    def redact(self, event: Event) -> Event:
        self.left -= 1
        if not self.left:
            self.store.may_end.set()
        return event


@pytest.fixture
def store() -> HeldStore:
    return HeldStore()


@pytest.fixture
def house(store: HeldStore, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> House:
    """Every delivery is a batch of its own, and the first commit waits for the second batch."""
    monkeypatch.setattr(pipeline, "TICK_EVENTS", 1)
    house = House(store, clock)
    house.pipeline._redactor = Releasing(store, after=2)
    return house


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def begin(house: House, *raws: object) -> None:
    """Deliver each event by itself; then the first one's commit is on its way."""
    for raw in raws:
        house.deliver(raw)
    house.pipeline.turn()
    assert (house.pushed(), house.source.settled) == ([], [])


def test_the_next_events_are_folded_while_a_commit_is_on_its_way(house: House) -> None:
    begin(house, testing.task_received("a"), testing.task_received("b"))
    house.pipeline.turn()
    assert [(row["id"], row["revision"]) for row in house.pushed()] == [("a", 1), ("b", 2)]
    assert house.source.settled == [1, 2]
    batches = house.publisher.batches
    assert [batch.previous for batch in batches[1:]] == [batch.revision for batch in batches[:-1]]


def test_only_what_a_commit_covers_is_settled_and_noted_as_covered_by_it(
    house: House, store: HeldStore, clock: FakeClock
) -> None:
    first_at = clock()
    house.deliver(testing.task_received("a"))
    clock.advance(0.1)
    begin(house, testing.task_received("b"), testing.task_received("c"))
    settled: list[list[object]] = []
    house.source.settle = lambda tags: settled.append(list(tags))  # type: ignore[method-assign]
    house.pipeline.turn()
    assert settled == [[1]]
    assert store.commits[0].covered_at == first_at
    house.pipeline.turn()
    assert settled == [[1], [2], [3]]


def test_a_task_that_changes_while_it_is_written_is_written_again(
    house: House, store: HeldStore
) -> None:
    begin(house, testing.task_received("a"), testing.task_started("a"))
    house.pipeline.turn()
    assert [row["status"] for row in house.pushed()] == ["reserved", "running"]
    assert house.status("a") == "running"
    assert not house.pipeline._holding.dirty_tasks


def test_a_task_that_is_over_is_held_until_its_late_events_are_written_too(house: House) -> None:
    begin(house, testing.task_succeeded("a", at=testing.AT + 2), testing.task_received("a"))
    house.pipeline.turn()
    task = house.store.tasks["a"][1]
    assert (task.name, task.conclusion) == ("shop.pay", "succeeded")
    assert not house.pipeline._holding.tasks


def test_a_worker_that_changes_while_it_is_written_is_written_again(
    house: House, store: HeldStore
) -> None:
    heard = [testing.worker_heartbeat(active=n, at=testing.AT + n) for n in (1, 2)]
    begin(house, *heard)
    store.may_end.set()
    house.pipeline.turn()
    assert store.known_workers[testing.HOSTNAME][1].active == 2


def test_what_failed_on_its_way_is_written_with_what_was_folded_meanwhile(
    house: House, store: HeldStore
) -> None:
    begin(house, testing.task_received("a"), testing.task_received("b"))
    store.failure = StoreUnavailable("the test says so")
    with pytest.raises(StoreUnavailable):
        house.pipeline.turn()
    assert (house.pushed(), house.source.settled) == ([], [])
    store.failure = None
    house.turn()
    assert sorted(store.tasks) == ["a", "b"]
    assert house.source.settled == [1, 2]


def test_a_batch_that_cannot_be_folded_waits_and_the_commit_on_its_way_counts(
    house: House, store: HeldStore
) -> None:
    begin(house, testing.task_received("a"), testing.task_received("b"))
    store.is_loadable = False
    with pytest.raises(StoreUnavailable):
        house.pipeline.turn()
    store.is_loadable = True
    house.turn()
    house.turn()
    assert sorted(store.tasks) == ["a", "b"]
    assert house.source.settled == [1, 2]


def test_a_lease_lost_on_the_way_keeps_every_delivery_for_the_next_term(
    house: House, store: HeldStore, clock: FakeClock
) -> None:
    begin(house, testing.task_received("a"), testing.task_received("b"))
    clock.advance(pipeline.LEASE_S + 1)
    assert store.acquire("another", "tests", clock(), pipeline.LEASE_S)
    store.may_end.set()
    with pytest.raises(LeaseLost):
        house.pipeline.turn()
    house.pipeline._stand_down()
    assert (store.tasks, house.source.settled) == ({}, [])
    store.release("another")
    house.turn()
    house.turn()
    assert sorted(store.tasks) == ["a", "b"]
    assert house.source.settled == [1, 2]


def test_a_beat_follows_the_commit_that_is_on_its_way(house: House, store: HeldStore) -> None:
    begin(house, testing.task_received("a"), testing.task_received("b"))
    store.may_end.set()
    house.turn()
    first, committed, *later = house.publisher.batches
    assert (first.revision, committed.revision, sorted(committed.rows)) == (0, 1, ["tasks"])
    assert all(batch.previous >= committed.revision for batch in later)
    assert [row["id"] for row in house.pushed()] == ["a", "b"]


def test_a_stop_waits_for_the_commit_that_is_on_its_way(house: House, store: HeldStore) -> None:
    begin(house, testing.task_received("a"), testing.task_received("b"))
    store.may_end.set()
    house.pipeline.stop()
    house.pipeline.run()
    assert sorted(store.tasks) == ["a", "b"]
    assert house.source.settled == [1, 2]
    assert store.is_closed
    assert store.acquire("another", "tests", house.clock(), 1.0)


def test_a_stop_settles_nothing_of_a_commit_that_failed(house: House, store: HeldStore) -> None:
    begin(house, testing.task_received("a"), testing.task_received("b"))
    store.failure = StoreUnavailable("the test says so")
    store.may_end.set()
    house.pipeline.stop()
    house.pipeline.run()
    assert (house.pushed(), house.source.settled) == ([], [])
    assert store.is_closed


def test_there_is_nothing_to_wait_for_after_an_end_or_a_failure(store: HeldStore) -> None:
    store.may_end.set()
    store.acquire("mine", "tests", 0.0, 1.0)
    committing = Committing(store, "mine")
    assert committing.end() is None
    for failure in (None, StoreUnavailable("the test says so")):
        store.failure = failure
        committing.begin(Changes(tasks=[Task(id="a", first_seen_at=0.0, updated_at=0.0)]), ())
        if failure is None:
            assert committing.end() is not None
        else:
            with pytest.raises(StoreUnavailable):
                committing.end()
        assert committing.end() is None


def test_the_thread_of_commits_ends_with_its_pipeline(house: House, store: HeldStore) -> None:
    store.may_end.set()
    house.deliver(testing.task_received("t1"))
    house.turn()
    house.pipeline.stop()
    house.pipeline.run()
    assert house.pipeline._committing._thread._shutdown
    assert "t1" in store.tasks
