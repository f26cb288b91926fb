"""Nothing is shown before it is committed, settled before it is stored, or lost in between."""

from collections.abc import Iterable

import pytest

from realtime import codec, testing
from realtime.core import rollup
from realtime.core.events import Event
from realtime.core.lifecycle import fold
from realtime.inbox import Inbox
from realtime.pipeline import BEAT_S, LEASE_S, Pipeline
from realtime.ports import Changes, Delivery, LeaseLost, SourceHealth, StoreUnavailable
from realtime.testing import FakeClock, MemoryPublisher, MemoryStore

HEARING = SourceHealth(True, 3, None, None, {})


class ScriptedSource:
    """A source that says what the test tells it to."""

    def __init__(self, is_durable: bool = False) -> None:
        self.is_durable = is_durable
        self.settled: list[object] = []
        self.now_is = HEARING

    def health(self) -> SourceHealth:
        return self.now_is

    def settle(self, tags: Iterable[object]) -> None:
        self.settled.extend(tags)


class PromptInbox(Inbox):
    """An inbox that does not wait for what no other thread brings."""

    def wait(self, timeout_s: float) -> bool:
        return super().wait(0)


class Nothing:
    """A redactor for tests whose secrets are none."""

    def redact(self, event: Event) -> Event:
        return event


class House:
    """One receiver's parts on a store that others may share."""

    def __init__(self, store: MemoryStore, clock: FakeClock, *, is_durable: bool = False) -> None:
        self.store = store
        self.clock = clock
        self.inbox = PromptInbox()
        self.source = ScriptedSource(is_durable)
        self.publisher = MemoryPublisher()
        self.pipeline = Pipeline(
            store=store,
            inbox=self.inbox,
            source=self.source,
            publisher=self.publisher,
            redactor=Nothing(),
            holder="tests",
            clock=clock,
        )
        self._tag = 0

    def deliver(self, *events: object) -> None:
        self._tag += 1
        self.inbox.put(Delivery(events, self.clock(), self._tag))

    def turn(self, *events: object) -> None:
        """A beat, then one round with these events."""
        if events:
            self.deliver(*events)
        self.clock.advance(BEAT_S)
        self.pipeline.turn()

    def status(self, task_id: str) -> str:
        return self.store.tasks[task_id][1].status

    def pushed(self) -> list[dict]:
        batches = [batch for batch in self.publisher.batches if "tasks" in batch.rows]
        return [row for batch in batches for row in codec.decode(batch.rows["tasks"])]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def house(clock: FakeClock) -> House:
    return House(MemoryStore(), clock)


def test_a_quick_task_is_one_row_one_push_and_then_settled(house: House) -> None:
    house.turn(testing.task_sent("a"), testing.task_received("a"), testing.task_succeeded("a"))
    assert [row["status"] for row in house.pushed()] == ["completed"]
    assert len([changes for changes in house.store.commits if changes.tasks]) == 1
    assert house.source.settled == [1]


def test_every_pushed_row_has_the_revision_it_is_stored_with(house: House) -> None:
    house.turn(testing.task_received("a"), testing.task_received("b"), testing.worker_online())
    stored = {task_id: revision for task_id, (revision, _) in house.store.tasks.items()}
    assert {row["id"]: row["revision"] for row in house.pushed()} == stored
    batch = house.publisher.batches[-1]
    assert batch.revision - batch.previous == 3


def test_nothing_is_pushed_or_settled_when_the_store_refuses(house: House) -> None:
    house.turn()
    house.deliver(testing.task_received("a"))
    house.store.is_available = False
    with pytest.raises(StoreUnavailable):
        house.pipeline.turn()
    assert (house.pushed(), house.source.settled) == ([], [])
    house.store.is_available = True
    house.turn()
    assert house.status("a") == "reserved"
    assert house.source.settled == [1]


def test_the_order_of_deliveries_survives_a_store_that_comes_and_goes(house: House) -> None:
    house.turn()
    for task_id in "abc":
        house.deliver(testing.task_received(task_id))
        house.store.is_available = False
        with pytest.raises(StoreUnavailable):
            house.pipeline.turn()
        house.store.is_available = True
    house.turn()
    house.turn()
    assert sorted(house.store.tasks) == ["a", "b", "c"]
    assert house.source.settled == [1, 2, 3]


def test_a_late_event_of_a_finished_task_is_folded_into_its_stored_row(house: House) -> None:
    house.turn(testing.task_succeeded("a", at=testing.AT + 2))
    house.turn(testing.task_started("a", at=testing.AT + 1))
    _, task = house.store.tasks["a"]
    assert (task.status, task.started_at) == ("completed", testing.AT + 1)


def test_malformed_events_are_counted_and_harm_no_other(house: House) -> None:
    house.turn(testing.task_received("a"), {"type": "task-started"}, "no object", 7, None)
    house.turn()
    assert house.status("a") == "reserved"
    counters = house.publisher.batches[-1].stream["counters"]
    assert counters["rejected"] == {"not_an_object": 3, "bad_hostname": 1}


def test_events_of_other_systems_are_passed_over(house: House) -> None:
    house.turn({"type": "shop-opened", "hostname": "a", "timestamp": 1.0})
    assert house.source.settled == [1]


def test_a_quiet_stream_beats_once_a_second(house: House) -> None:
    for _ in range(3):
        house.turn()
    assert [batch.rows for batch in house.publisher.batches] == [{}, {}, {}]
    assert house.publisher.batches[-1].stream["state"] == "live"


def test_time_alone_moves_a_scheduled_task_on(house: House, clock: FakeClock) -> None:
    eta = "2026-11-18T13:46:50+00:00"
    task = testing.checked(testing.task_received("a", eta=eta))
    assert isinstance(task.fields["eta"], float)
    clock.now = task.fields["eta"] - 3
    house.turn(task)
    assert house.status("a") == "scheduled"
    clock.advance(5)
    house.turn()
    assert [row["status"] for row in house.pushed()] == ["scheduled", "reserved"]


def test_a_worker_that_falls_silent_stalls_and_then_loses_its_tasks(
    house: House, clock: FakeClock
) -> None:
    house.turn(testing.worker_heartbeat(), testing.task_received("a"), testing.task_started("a"))
    clock.advance(12)
    house.turn()
    assert house.status("a") == "stalled"
    clock.advance(60)
    house.turn()
    assert house.store.tasks["a"][1].conclusion == "lost"
    assert house.store.known_workers[testing.HOSTNAME][1].state == "gone"


def test_silence_while_the_stream_is_blind_loses_no_task(house: House, clock: FakeClock) -> None:
    house.turn(testing.worker_heartbeat(), testing.task_received("a"), testing.task_started("a"))
    blind_since = clock()
    house.source.now_is = SourceHealth(False, None, blind_since, "no answer", {})
    house.turn()
    clock.advance(300)
    house.turn()
    assert house.publisher.batches[-1].stream["state"] == "blind"
    house.source.now_is = HEARING
    house.turn()
    restored_at = clock()
    house.turn()
    assert house.status("a") == "running"
    gap = house.store.stream().gap
    assert gap is not None
    assert (gap.from_at, gap.until_at) == (blind_since, restored_at)


def test_an_absence_of_all_receivers_is_a_gap_where_the_broker_keeps_nothing(
    clock: FakeClock,
) -> None:
    store = MemoryStore()
    House(store, clock).turn()
    died_at = clock()
    clock.advance(40)
    House(store, clock).turn()
    gap = store.stream().gap
    assert gap is not None
    assert (gap.from_at, gap.reason) == (died_at, "no receiver was running")


def test_a_durable_queue_leaves_no_gap(clock: FakeClock) -> None:
    store = MemoryStore()
    House(store, clock, is_durable=True).turn()
    clock.advance(40)
    House(store, clock, is_durable=True).turn()
    assert store.stream().gap is None


def test_a_standby_writes_nothing_and_takes_over_without_a_loss(clock: FakeClock) -> None:
    store = MemoryStore()
    leader, standby = House(store, clock), House(store, clock)
    leader.turn(testing.task_received("a"))
    standby.deliver(testing.task_received("a"))
    standby.pipeline.turn()
    assert (leader.pipeline.is_leader, standby.pipeline.is_leader) == (True, False)
    unheard = testing.task_received("b")
    standby.deliver(unheard)
    standby.turn()
    assert "b" not in store.tasks
    clock.advance(LEASE_S)
    standby.turn()
    assert sorted(store.tasks) == ["a", "b"]
    assert store.stream().gap is None


def test_a_leader_that_was_overtaken_writes_nothing_more(clock: FakeClock) -> None:
    store = MemoryStore()
    frozen, successor = House(store, clock), House(store, clock)
    frozen.turn()
    clock.advance(LEASE_S + 1)
    successor.turn()
    frozen.deliver(testing.task_received("a"))
    with pytest.raises(LeaseLost):
        frozen.pipeline.turn()
    assert store.tasks == {}


def test_a_standby_lets_go_of_what_the_leader_has_long_committed(clock: FakeClock) -> None:
    store = MemoryStore()
    leader, standby = House(store, clock), House(store, clock)
    leader.turn(testing.task_received("a"))
    standby.deliver(testing.task_received("a"))
    standby.pipeline.turn()
    standby.turn(testing.task_received("b"))
    assert standby.source.settled == []
    clock.advance(30)
    leader.turn(testing.task_received("c"))
    standby.turn()
    standby.turn()
    assert standby.source.settled == [1, 2]


def test_what_a_backend_told_waits_for_the_tasks_own_word(house: House, clock: FakeClock) -> None:
    told = Event("task-succeeded", "a", "", 0, clock(), 0, clock(), {"result": "1"})
    house.turn(testing.task_received("a"), testing.task_started("a"))
    house.turn(told)
    assert house.status("a") == "running"
    clock.advance(2)
    house.turn()
    assert house.status("a") == "completed"


def test_what_a_backend_told_of_an_unknown_task_is_not_believed(
    house: House, clock: FakeClock
) -> None:
    house.turn(Event("task-succeeded", "ghost", "", 0, clock(), 0, clock(), {"result": "1"}))
    clock.advance(5)
    house.turn()
    assert house.store.tasks == {}


def test_stopping_writes_what_has_come_and_gives_the_lease_back(house: House) -> None:
    house.turn()
    house.deliver(testing.task_received("a"))
    house.pipeline.stop()
    house.pipeline.run()
    assert house.status("a") == "reserved"
    assert house.store.is_closed
    assert house.store.acquire("another", "tests", house.clock(), LEASE_S)


def test_a_restart_goes_on_with_the_live_tasks_of_the_store(clock: FakeClock) -> None:
    store = MemoryStore()
    started = map(testing.checked, [testing.task_received("a"), testing.task_started("a")])
    store.acquire("before", "tests", clock(), 0.5)
    store.commit("before", Changes(tasks=[fold(None, started, clock())]))
    house = House(store, clock)
    house.turn()
    house.turn(testing.task_succeeded("a", at=testing.AT + 9))
    assert house.status("a") == "completed"


def found(house: House, *events: Event) -> None:
    """A repair's answer, and a round to write it."""
    house.inbox.put(Delivery(events, house.clock(), None, is_repair=True))
    house.clock.advance(BEAT_S)
    house.pipeline.turn()


def stored_result(task_id: str, at: float) -> list[Event]:
    context = Event("task-context", task_id, "", 0, at, 0, at, {"name": "shop.pay"})
    return [context, Event("task-succeeded", task_id, "", 0, at, 0, at, {"result": "1"})]


def test_a_repair_tells_of_unknown_tasks_and_mends_known_ones_at_once(
    house: House, clock: FakeClock
) -> None:
    house.turn(testing.task_received("known"), testing.task_started("known"))
    found(house, *stored_result("unseen", clock()), *stored_result("known", clock()))
    assert {i: task.conclusion for i, (_, task) in house.store.tasks.items()} == {
        "known": "succeeded",
        "unseen": "succeeded",
    }
    assert house.pipeline._holding.mended == 2


def test_a_repair_changes_nothing_that_is_over_or_just_as_it_says(
    house: House, clock: FakeClock
) -> None:
    house.turn(testing.task_received("over"), testing.task_succeeded("over"))
    house.turn(testing.task_received("runs"), testing.task_started("runs"))
    before = dict(house.store.tasks)
    runs = Event(
        "task-started", "runs", testing.HOSTNAME, 7, clock(), 0, clock(), {"inspected": True}
    )
    found(house, *stored_result("over", clock() + 5), runs)
    assert house.store.tasks == before
    assert house.pipeline._holding.mended == 0


def test_a_repair_fills_in_what_was_not_heard_of_a_task_that_is_over(
    house: House, clock: FakeClock
) -> None:
    house.turn(testing.task_succeeded("a"))
    assert house.store.tasks["a"][1].name is None
    found(house, *stored_result("a", clock()))
    _, task = house.store.tasks["a"]
    assert (task.name, task.conclusion) == ("shop.pay", "succeeded")
    assert house.pipeline._holding.mended == 1


def test_a_lost_task_whose_result_is_found_is_lost_no_more(house: House, clock: FakeClock) -> None:
    house.turn(testing.worker_heartbeat(), testing.task_received("a"), testing.task_started("a"))
    clock.advance(80)
    house.turn()
    assert house.store.tasks["a"][1].conclusion == "lost"
    found(house, *stored_result("a", clock()))
    assert house.store.tasks["a"][1].conclusion == "succeeded"


def test_what_a_worker_holds_is_placed_by_its_own_clock(house: House, clock: FakeClock) -> None:
    house.turn(testing.worker_heartbeat(at=clock() + 1 - 3600))
    held = Event(
        "task-received", "a", testing.HOSTNAME, 7, clock(), 0, clock(), {"inspected": True}
    )
    found(house, held)
    house.turn(testing.task_failed("a", at=clock() - 3590))
    assert house.store.tasks["a"][1].conclusion == "failed"


def test_a_restart_of_a_second_is_a_gap_where_the_broker_keeps_nothing(clock: FakeClock) -> None:
    store = MemoryStore()
    House(store, clock).turn()
    clock.advance(LEASE_S)
    House(store, clock).turn()
    assert store.stream().gap is not None


def test_an_interruption_that_was_over_before_anybody_looked_is_a_gap_too(
    house: House, clock: FakeClock
) -> None:
    house.turn()
    since = clock() + 0.3
    house.source.now_is = HEARING._replace(deaf=((since, since + 0.2),))
    house.turn()
    house.turn()
    assert [(gap.from_at, gap.until_at) for gap in house.store.gaps.values()] == [
        (since, since + 0.2)
    ]


def test_a_gap_is_stored_though_the_store_was_away_when_it_began_and_ended(
    house: House, clock: FakeClock
) -> None:
    house.turn()
    from_at = clock()
    house.source.now_is = SourceHealth(False, None, from_at, "the broker is away", {})
    house.store.is_available = False
    with pytest.raises(StoreUnavailable):
        house.turn()
    house.source.now_is = HEARING
    with pytest.raises(StoreUnavailable):
        house.turn()
    house.store.is_available = True
    house.turn()
    assert house.store.gaps[from_at].until_at is not None


class Asked:
    """A repairer that keeps the questions."""

    is_busy = False
    shortfall = "some results cannot be searched"

    def __init__(self) -> None:
        self.questions: list[tuple[object, object]] = []

    def ask(self, window: object, workers: object) -> None:
        self.questions.append((window, workers))


def test_the_repair_waits_until_something_can_be_heard_and_covers_all_that_was_not(
    clock: FakeClock,
) -> None:
    store = MemoryStore()
    before = House(store, clock)
    before.turn(testing.task_received("a"))
    before.turn()
    died_at = clock()
    clock.advance(40)
    house = House(store, clock)
    house.pipeline._repairer = repairer = Asked()  # type: ignore[assignment]
    house.source.now_is = SourceHealth(False, None, None, "not connected yet", {})
    house.turn()
    assert repairer.questions == []
    house.source.now_is = SourceHealth(False, None, clock(), "no answer", {})
    house.turn()
    house.source.now_is = HEARING
    house.turn()
    [((from_at, until_at), workers)] = repairer.questions
    assert from_at == pytest.approx(died_at, abs=0.1)
    assert until_at == clock()
    assert workers == {"a": testing.HOSTNAME}
    house.turn()
    gap = store.stream().gap
    assert gap is not None
    assert gap.reason == "no answer; some results cannot be searched"


def sums(house: House) -> dict[str, int]:
    """What was added up of everything, by the minute."""
    whole = [cell.counts for place, cell in house.store.cells.items() if place[:2] == (60, "all")]
    return {what: sum(counts.get(what, 0) for counts in whole) for what in rollup.COUNTS}


def test_figures_follow_the_tasks_with_the_next_beat(house: House) -> None:
    house.turn(testing.task_received("a"), testing.task_failed("a"))
    house.turn()
    assert (sums(house)["arrived"], sums(house)["failed"]) == (1, 1)
    assert [group.times for group in house.store.failures.values()] == [1]
    last, before = house.publisher.batches[-1], house.publisher.batches[-2]
    assert last.previous == before.revision == before.previous + 1


def test_a_task_is_counted_once_in_each_state_it_comes_to(house: House) -> None:
    for raw in (testing.task_received("a"), testing.task_started("a"), testing.task_started("a")):
        house.turn(raw)
    house.turn(testing.task_succeeded("a"))
    house.turn(testing.task_succeeded("a"))
    house.turn()
    counted = {what: count for what, count in sums(house).items() if count}
    assert counted == {"arrived": 1, "started": 1, "succeeded": 1}


def test_what_the_store_refused_is_counted_once_it_takes_it(house: House) -> None:
    house.turn()
    house.deliver(testing.task_received("a"))
    house.store.is_available = False
    with pytest.raises(StoreUnavailable):
        house.pipeline.turn()
    house.store.is_available = True
    house.turn(testing.task_started("a"))
    for _ in range(2):
        house.turn()
    assert (sums(house)["arrived"], sums(house)["started"]) == (1, 1)


def test_a_pipeline_that_stops_leaves_nothing_to_add_up(house: House) -> None:
    house.turn(testing.task_received("a"))
    house.pipeline.stop()
    house.pipeline.run()
    assert house.store.counted == {}
    assert sums(house)["arrived"] == 1
