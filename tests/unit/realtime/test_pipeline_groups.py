"""Groups and what was handed over, through the whole pipeline: true after every kind of failure."""

import contextlib
import random

import pytest

from realtime import codec, testing
from realtime.core.expected import HANDED_OVER, NO_NEWS, Expectation
from realtime.core.groups import Group
from realtime.core.public import EXPECTED_S
from realtime.pipeline import BEAT_S, LEASE_S
from realtime.ports import Changes, Commit, LeaseLost, StoreUnavailable
from realtime.testing import FakeClock, MemoryStore
from tests.unit.realtime.test_pipeline import House


class DoubtfulStore(MemoryStore):
    """Commits, and sometimes fails to say so."""

    is_silent = False

    def commit(self, token: str, changes: Changes) -> Commit:
        commit = super().commit(token, changes)
        if self.is_silent:
            raise StoreUnavailable("the answer was lost")
        return commit


class RunningClock(FakeClock):
    """A clock that goes on by itself: what waits for the end of a tick comes to it."""

    def __call__(self) -> float:
        return self.advance(0.001)


@pytest.fixture
def clock() -> FakeClock:
    return RunningClock()


@pytest.fixture
def store() -> DoubtfulStore:
    return DoubtfulStore()


@pytest.fixture
def house(store: DoubtfulStore, clock: FakeClock) -> House:
    house = House(store, clock)
    house.turn()
    return house


def in_group(task_id: str, **more: object) -> testing.Raw:
    return testing.task_context(task_id, group="g1", **more)


def group(house: House, group_id: str = "g1") -> Group:
    return house.store.known_groups[group_id][1]


def vouch(house: House, subject: str, total: int | None = None, number: int = 1) -> None:
    house.store.expected[number] = Expectation(number, subject, house.clock(), total)


def test_a_group_is_written_with_its_members_and_pushed_with_its_revision(house: House) -> None:
    house.turn(in_group("a", group_size=3), testing.task_received("a"), in_group("b"))
    (changes,) = [each for each in house.store.commits if each.groups]
    assert {task.id for task in changes.tasks} == {"a", "b"}
    revision, stored = house.store.known_groups["g1"]
    assert (stored.total, stored.parts, stored.waiting) == (3, 2, 2)
    (batch,) = [batch for batch in house.publisher.batches if "groups" in batch.rows]
    [row] = codec.decode(batch.rows["groups"])
    assert (row["id"], row["revision"], row["total"], row["waiting"]) == ("g1", revision, 3, 3)


def test_a_commit_whose_answer_was_lost_is_repeated_and_doubles_nothing(
    house: House, store: DoubtfulStore
) -> None:
    house.turn(in_group("a", group_size=2), in_group("b"))
    store.is_silent = True
    house.deliver(testing.task_succeeded("a"), testing.task_failed("b"))
    with pytest.raises(StoreUnavailable):
        house.turn()
    assert group(house).failed == 1  # it was made
    store.is_silent = False
    house.turn()
    told = group(house)
    assert (told.succeeded, told.failed, told.parts, told.running, told.waiting) == (1, 1, 2, 0, 0)
    assert (told.status, told.conclusion, told.percent) == ("completed", "failed", 100.0)


def test_a_new_group_whose_first_commit_is_in_doubt_is_not_doubled(
    house: House, store: DoubtfulStore
) -> None:
    store.is_silent = True
    house.deliver(in_group("a"), in_group("b"), testing.task_succeeded("b"))
    with pytest.raises(StoreUnavailable):
        house.turn()
    with pytest.raises(StoreUnavailable):
        house.turn(in_group("c"))
    store.is_silent = False
    house.turn()
    house.turn()
    told = group(house)
    assert (told.parts, told.succeeded, told.waiting) == (3, 1, 2)


def test_redelivery_to_a_successor_after_a_commit_that_was_made_doubles_nothing(
    house: House, store: DoubtfulStore, clock: FakeClock
) -> None:
    house.turn(in_group("a", group_size=2), in_group("b"))
    store.is_silent = True
    last = (testing.task_succeeded("a"), testing.task_failed("b"))
    house.deliver(*last)
    with pytest.raises(StoreUnavailable):
        house.turn()
    store.is_silent = False
    clock.advance(30)
    other = House(store, clock)
    other.turn()
    other.turn(*last)
    other.turn(in_group("a", group_size=2))
    assert (group(other).succeeded, group(other).failed, group(other).parts) == (1, 1, 2)


@pytest.mark.parametrize("seed", range(5))
def test_thirty_members_two_of_which_fail_add_up_whatever_order_and_whatever_breaks(
    house: House, store: DoubtfulStore, seed: int
) -> None:
    rng = random.Random(seed)  # noqa: S311 -- the same each time
    events = []
    for n in range(30):
        ended = testing.task_failed if n in (7, 19) else testing.task_succeeded
        id_ = f"m{n}"
        events += [in_group(id_, group_size=30), testing.task_received(id_)]
        events += [testing.task_started(id_, at=testing.AT + 1), ended(id_, at=testing.AT + 2)]
    rng.shuffle(events)
    events += rng.sample(events, 20)
    before = 0.0
    while events:
        size = rng.randint(1, 20)
        house.deliver(*events[:size])
        del events[:size]
        store.is_silent = rng.random() < 0.4
        with contextlib.suppress(StoreUnavailable):
            house.turn()
        store.is_silent = False
        if "g1" in store.known_groups:
            percent = group(house).percent or 0.0
            assert percent >= before
            before = percent
    house.turn()
    house.turn()
    told = group(house)
    assert (told.total, told.parts, told.succeeded, told.failed) == (30, 30, 28, 2)
    assert (told.running, told.waiting, told.fractions) == (0, 0, 0.0)
    assert (told.conclusion, told.percent) == ("failed", 100.0)


def test_what_was_handed_over_is_queued_until_it_is_heard_of(
    house: House, store: DoubtfulStore, clock: FakeClock
) -> None:
    vouch(house, "task:a")
    house.turn()
    task = store.tasks["a"][1]
    assert (task.status, task.reason) == ("queued", HANDED_OVER)
    assert store.expected == {}
    house.turn(testing.task_received("a", at=clock()))
    assert house.status("a") == "reserved"


def test_after_ten_minutes_without_news_it_says_that_it_does_not_know(
    house: House, store: DoubtfulStore, clock: FakeClock
) -> None:
    vouch(house, "task:a")
    house.turn()
    clock.advance(EXPECTED_S)
    house.turn()
    assert (house.status("a"), store.tasks["a"][1].reason) == ("unknown", NO_NEWS)


def test_vouching_for_a_task_that_was_heard_of_writes_nothing(
    house: House, store: DoubtfulStore
) -> None:
    house.turn(testing.task_received("live"), testing.task_succeeded("over"))
    house.turn()
    commits = len(store.commits)
    vouch(house, "task:live", number=1)
    vouch(house, "task:over", number=2)
    house.turn()
    assert len(store.commits) == commits
    assert store.expected == {}


def test_what_was_read_and_not_written_is_read_again(house: House, store: DoubtfulStore) -> None:
    vouch(house, "task:a")
    vouch(house, "group:g1", 12, number=2)
    store.is_silent = True
    with pytest.raises(StoreUnavailable):
        house.turn()
    assert store.expected.keys() == {1, 2}
    store.is_silent = False
    house.turn()
    assert house.status("a") == "queued"
    assert (group(house).total, group(house).status) == (12, "queued")
    assert store.expected == {}


def test_a_group_of_which_only_the_size_was_told_is_there_before_its_members(
    house: House,
) -> None:
    vouch(house, "group:g1", 12)
    house.turn()
    house.turn(in_group("a", group_size=3), testing.task_started("a"))
    told = group(house)
    assert (told.total, told.parts, told.running) == (12, 1, 1)


@pytest.mark.parametrize("subject", ["", "task:", "worker:a", "group:g1", "nonsense"])
def test_what_is_no_word_about_a_task_or_a_size_is_taken_and_harms_nothing(
    house: House, store: DoubtfulStore, subject: str
) -> None:
    vouch(house, subject)
    house.turn()
    assert store.expected == {}
    assert store.known_groups == {}


def test_nobody_on_the_broker_can_vouch(house: House, store: DoubtfulStore) -> None:
    told = {"type": "task-expected", "uuid": "a", "hostname": "headway", "timestamp": testing.AT}
    house.turn({**told, "pid": 1, "clock": 1, "utcoffset": 0})
    house.turn()
    assert store.tasks == {}


@pytest.mark.parametrize("size", [0, -1, 2.5, "30", True, None, 10**30])
def test_a_size_that_is_none_is_passed_over(house: House, size: object) -> None:
    house.turn(in_group("a", group_size=size))
    assert group(house).total is None


def test_who_leads_again_counts_what_another_wrote_meanwhile(
    store: DoubtfulStore, clock: FakeClock
) -> None:
    first, second = House(store, clock), House(store, clock)
    first.turn()
    first.turn(in_group("a", group_size=3), testing.task_succeeded("a"))
    clock.advance(LEASE_S + 1)
    second.turn()
    second.turn(in_group("b"), testing.task_succeeded("b"))
    first.clock.advance(BEAT_S)
    with pytest.raises(LeaseLost):
        first.pipeline.turn()
    first.pipeline._stand_down()
    clock.advance(LEASE_S + 1)
    first.turn()
    first.turn(in_group("c"), testing.task_succeeded("c"))
    assert (group(first).parts, group(first).succeeded, group(first).is_finished) == (3, 3, True)
