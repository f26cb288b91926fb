"""What is shipped for tests keeps the promises of what it stands in for."""

import pytest

from realtime.core.events import TASK_KINDS, WORKER_KINDS
from realtime.core.lifecycle import fold
from realtime.core.task import Task
from realtime.core.workers import Worker, heard
from realtime.ports import (
    Batch,
    Changes,
    Gap,
    LeaseLost,
    Publisher,
    StoreUnavailable,
    TaskStore,
)
from realtime.testing import (
    AT,
    BUILDERS,
    FakeClock,
    MemoryPublisher,
    MemoryStore,
    checked,
    task_received,
    task_succeeded,
    worker_online,
)


def task(task_id: str, at: float = AT) -> Task:
    return fold(None, [checked(task_received(task_id, at=at))], at)


def worker(name: str) -> Worker:
    made = heard(None, checked(worker_online(name)))
    assert made is not None
    return made


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    assert store.acquire("mine", "receiver-1", AT, 4.0)
    return store


def test_there_is_a_builder_for_every_kind() -> None:
    assert set(BUILDERS) == TASK_KINDS | WORKER_KINDS


def test_a_built_history_folds_to_the_task_it_tells() -> None:
    clock = FakeClock()
    history = [task_received("a1", at=clock()), task_succeeded("a1", at=clock.advance(2))]
    folded = fold(None, [checked(raw) for raw in history], clock())
    assert (folded.state, folded.conclusion, folded.finished_at) == ("SUCCESS", "succeeded", AT + 2)


def test_fields_can_be_replaced_and_left_out() -> None:
    raw = task_received("a1", name="shop.ship", without=("clock", "pid"))
    assert raw["name"] == "shop.ship"
    assert {"clock", "pid", "without"}.isdisjoint(raw)


def test_what_headway_would_not_take_is_said() -> None:
    with pytest.raises(ValueError, match="bad_timestamp"):
        checked(task_received("a1", timestamp="now"))


def test_the_memory_parts_are_the_ports(store: MemoryStore) -> None:
    tasks: TaskStore = store
    publisher: Publisher = MemoryPublisher()
    assert tasks.stream().epoch == "epoch-1"
    assert publisher is not None


def test_a_commit_numbers_tasks_first_and_then_workers(store: MemoryStore) -> None:
    first = store.commit("mine", Changes(tasks=[task("a"), task("b")], workers=[worker("w")]))
    second = store.commit("mine", Changes(tasks=[task("a")], covered_at=AT))
    assert (first.previous, first.revision) == (0, 3)
    assert (second.previous, second.revision) == (3, 4)
    assert {task_id: n for task_id, (n, _) in store.tasks.items()} == {"a": 4, "b": 2}
    assert store.known_workers["w"][0] == 3
    assert (store.stream().revision, store.stream().covered_at) == (4, AT)


def test_only_the_holder_of_the_lease_writes(store: MemoryStore) -> None:
    assert not store.acquire("other", "receiver-2", AT + 3.9, 4.0)
    with pytest.raises(LeaseLost):
        store.commit("other", Changes(tasks=[task("a")]))
    with pytest.raises(LeaseLost):
        store.beat("other", AT, 4.0, {})
    assert store.tasks == {}


def test_an_expired_or_released_lease_can_be_taken(store: MemoryStore) -> None:
    assert store.acquire("other", "receiver-2", AT + 4.0, 4.0)
    with pytest.raises(LeaseLost):
        store.beat("mine", AT + 4.0, 4.0, {})
    store.release("mine")
    assert not store.acquire("mine", "receiver-1", AT + 5.0, 4.0)
    store.release("other")
    assert store.acquire("mine", "receiver-1", AT + 5.0, 4.0)
    assert store.stream().holder == "receiver-1"


def test_a_beat_renews_the_lease_and_is_told(store: MemoryStore) -> None:
    info = store.beat("mine", AT + 3, 4.0, {"lag_ms": 5})
    assert (info.alive_at, info.stats) == (AT + 3, {"lag_ms": 5})
    assert not store.acquire("other", "receiver-2", AT + 6.9, 4.0)


def test_loading_leaves_unknown_ids_out_and_live_is_newest_first(store: MemoryStore) -> None:
    over = fold(task("over"), [checked(task_succeeded("over"))], AT)
    store.commit("mine", Changes(tasks=[task("old", AT), task("new", AT + 1), over]))
    assert set(store.load(["old", "over", "never"])) == {"old", "over"}
    assert [live.id for live in store.live(10)] == ["new", "old"]
    assert [live.id for live in store.live(1)] == ["new"]


def test_gaps_are_known_by_their_beginning(store: MemoryStore) -> None:
    store.commit("mine", Changes(gaps=[Gap(from_at=AT, reason="away")]))
    store.commit("mine", Changes(gaps=[Gap(from_at=AT, until_at=AT + 9, reason="away")]))
    assert store.stream().gap == Gap(from_at=AT, until_at=AT + 9, reason="away")
    assert len(store.gaps) == 1


def test_an_absent_store_says_so_until_it_is_back(store: MemoryStore) -> None:
    store.is_available = False
    with pytest.raises(StoreUnavailable):
        store.load(["a"])
    store.is_available = True
    assert store.load(["a"]) == {}


def test_published_batches_are_kept_and_can_be_awaited() -> None:
    publisher = MemoryPublisher()
    batch = Batch("epoch-1", 0, 1, {}, {}, {})
    publisher.publish(batch)
    assert publisher.wait_for(lambda batches: len(batches) == 1) == [batch]
    with pytest.raises(TimeoutError, match="not published"):
        publisher.wait_for(lambda batches: len(batches) == 2, timeout_s=0)
