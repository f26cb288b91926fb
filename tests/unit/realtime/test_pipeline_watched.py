"""What is watched beside the stream is written with it, numbered with it, and removed with it."""

from dataclasses import replace

import pytest

from realtime import codec, testing
from realtime.core.events import Event
from realtime.core.watched import Queue, Reading, ScheduleEntry
from realtime.core.workers import FORGOTTEN_AFTER_S, GONE_AFTER_S
from realtime.ports import Delivery
from realtime.testing import FakeClock, MemoryStore
from tests.unit.realtime.test_pipeline import HEARING, House

ENTRY = ScheduleEntry(
    name="report", task="t", schedule="hourly", source="celery", first_seen_at=1.0, checked_at=1.0
)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def house(clock: FakeClock) -> House:
    return House(MemoryStore(), clock)


def tell(house: House, kind: str, **found: object) -> None:
    now = house.clock()
    event = Event(kind, "", "", 0, now, 0, now, dict(found))
    house.inbox.put(Delivery((event,), now, None))
    house.turn()


def test_a_survey_is_written_in_one_transaction_with_the_tasks(house: House) -> None:
    house.turn()
    house.deliver(testing.task_received("a"))
    tell(house, "queue-inspected", queues=(Reading("mail", house.clock(), 3),))
    (changes,) = [each for each in house.store.commits if each.queues]
    assert [task.id for task in changes.tasks] == ["a"]
    assert house.store.tasks["a"][0] == 1
    revision, queue = house.store.queues["mail"]
    assert (revision, queue.depth) == (2, 3)


def test_a_survey_that_found_nothing_new_writes_nothing(house: House) -> None:
    tell(house, "schedule-inspected", entries=(ENTRY,))
    commits = len(house.store.commits)
    tell(house, "schedule-inspected", entries=(ENTRY,))
    assert len(house.store.commits) == commits


def test_a_vanished_entry_takes_a_number_and_raises_the_floor(house: House) -> None:
    tell(house, "schedule-inspected", entries=(ENTRY, replace(ENTRY, name="other")))
    before = house.store.stream().revision
    tell(house, "schedule-inspected", entries=(ENTRY,))
    info = house.store.stream()
    assert house.store.schedule.keys() == {"report"}
    assert info.revision == info.floor == before + 1
    last = [batch for batch in house.publisher.batches if batch.previous != batch.revision][-1]
    assert (last.previous, last.revision, last.removed) == (before, before + 1, {})
    assert last.stream["floor"] == before + 1


def test_a_survey_that_the_store_refused_is_written_later(house: House) -> None:
    house.turn()
    house.store.is_available = False
    with pytest.raises(testing.StoreUnavailable):
        tell(house, "queue-inspected", queues=(Reading("mail", 1.0, 3),))
    house.store.is_available = True
    house.turn()
    house.turn()
    assert house.store.queues["mail"][1].depth == 3


def test_a_new_leader_goes_on_from_what_is_stored(clock: FakeClock) -> None:
    store = MemoryStore()
    first = House(store, clock)
    tell(first, "queue-inspected", queues=(Reading("mail", clock(), 3),))
    clock.advance(10)
    second = House(store, clock)
    second.turn()
    assert second.pipeline.is_leader
    assert second.pipeline.queue_names == {"mail"}
    before = len(store.commits)
    tell(second, "queue-inspected", queues=(Reading("mail", clock() - 12, 3),))
    assert [each for each in store.commits[before:] if each.queues] == []


def test_a_standby_writes_no_survey(clock: FakeClock) -> None:
    store = MemoryStore()
    House(store, clock).turn()
    standby = House(store, clock)
    tell(standby, "queue-inspected", queues=(Reading("mail", clock(), 3),))
    assert store.queues == {}


def test_names_of_queues_are_told_to_whoever_asks_brokers(house: House, clock: FakeClock) -> None:
    house.turn(testing.task_sent("a", queue="mail"), testing.worker_heartbeat(at=clock()))
    inspected = {"pool": "prefork", "concurrency": 2, "queues": ("fast", "slow")}
    house.turn(
        Event(
            "worker-inspected",
            testing.HOSTNAME,
            testing.HOSTNAME,
            0,
            clock(),
            0,
            clock(),
            inspected,
        )
    )
    clock.advance(5)
    house.turn()
    assert house.pipeline.queue_names == {"mail", "fast", "slow"}


def live_until_gone(house: House) -> None:
    house.turn(testing.worker_heartbeat(at=house.clock()))
    for _ in range(3):
        house.clock.advance(GONE_AFTER_S / 2)
        house.turn()
    assert house.store.known_workers[testing.HOSTNAME][1].state == "gone"


def test_a_worker_that_is_gone_for_long_is_forgotten_and_pages_see_it_go(
    house: House, clock: FakeClock
) -> None:
    live_until_gone(house)
    clock.advance(FORGOTTEN_AFTER_S - GONE_AFTER_S * 3)
    house.turn()
    assert testing.HOSTNAME in house.store.known_workers
    clock.advance(GONE_AFTER_S * 3)
    house.turn()
    assert house.store.known_workers == {}
    told = [batch.removed for batch in house.publisher.batches if batch.removed]
    assert told == [{"workers": [testing.HOSTNAME]}]
    assert house.store.stream().floor == house.store.stream().revision


def test_a_forgotten_worker_that_comes_back_is_a_new_one(house: House, clock: FakeClock) -> None:
    live_until_gone(house)
    clock.advance(FORGOTTEN_AFTER_S)
    house.turn()
    house.turn(testing.worker_online(at=clock()))
    assert house.store.known_workers[testing.HOSTNAME][1].first_seen_at == pytest.approx(clock(), 1)
    (row,) = codec.decode(house.publisher.batches[-1].rows["workers"])
    assert row["state"] == "online"


def test_a_worker_whose_tasks_are_not_over_is_not_forgotten(house: House, clock: FakeClock) -> None:
    house.turn(testing.task_received("a", at=clock()))
    live_until_gone(house)
    clock.advance(2 * FORGOTTEN_AFTER_S)
    house.turn()
    assert house.status("a") == "queued"
    assert testing.HOSTNAME in house.store.known_workers


def test_no_worker_is_forgotten_while_nothing_can_be_heard(house: House, clock: FakeClock) -> None:
    live_until_gone(house)
    house.source.now_is = HEARING._replace(is_connected=False, blind_since=clock(), reason="away")
    clock.advance(2 * FORGOTTEN_AFTER_S)
    house.turn()
    assert testing.HOSTNAME in house.store.known_workers


def test_a_queue_named_for_the_first_time_was_first_seen_then(house: House) -> None:
    tell(house, "queue-inspected", queues=(Reading("mail", error="away"),))
    _, queue = house.store.queues["mail"]
    assert queue == Queue(name="mail", first_seen_at=house.clock(), error="away")
