"""What the store adds up is what its tasks count for, whatever happens to commits and leaders."""

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboard import models, rollups
from dashboard.store import Store
from realtime import pipeline, testing
from realtime.core import failures, rollup
from realtime.core.lifecycle import fold
from realtime.core.rollup import HOUR_S, MINUTE_S, CellKey
from realtime.core.task import Task
from realtime.pipeline import LEASE_S
from realtime.ports import Changes, Commit, Counted, LeaseLost, StoreUnavailable
from realtime.testing import AT, FakeClock, checked
from tests.services.summing import (
    cells_of,
    failures_of,
    is_added_up,
    stored_cells,
    stored_failures,
    stored_tasks,
)
from tests.unit.realtime.test_pipeline import House

TTL_S = 5.0
MINUTE = int(AT) // 60 * 60


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    """A store that holds the lease as `mine`."""
    store = Store(database)
    assert store.acquire("mine", "receiver-1", AT, TTL_S)
    yield store
    store.close()


def told(task_id: str, *raws: testing.Raw, at: float = AT) -> Task:
    received = testing.task_received(task_id, at=at, name=f"shop.{task_id}")
    return fold(None, [checked(raw) for raw in (received, *raws)], AT)


def failed(task_id: str, at: float = AT, exception: str = "ValueError('no 12')") -> Task:
    raw = testing.task_failed(task_id, at=at, exception=exception)
    return replace(told(task_id, raw, at=at), updated_at=at)


def counted(id_: int, *tasks: Task) -> Counted:
    marks: dict[Any, int] = {}
    for task in tasks:
        rollup.add_difference(marks, None, task)
    return Counted(id_, marks, failures.groups([(None, task) for task in tasks]))


def commit(store: Store, id_: int, *tasks: Task) -> Commit:
    return store.commit("mine", Changes(tasks=tasks, counted=counted(id_, *tasks)))


def assert_true(alias: str, now: float = AT) -> None:
    """The sums are those of the stored tasks, and there are some."""
    tasks = stored_tasks(alias)
    assert is_added_up(alias)
    assert stored_cells(alias) == cells_of(tasks, now) != {}
    assert stored_failures(alias) == failures_of(tasks)


def test_what_commits_counted_is_added_up_once(store: Store, database: str) -> None:
    commit(store, 1, told("a"), failed("b"))
    commit(store, 2, told("c", testing.task_started("c"), testing.task_succeeded("c")))
    store.add_up("mine", AT)
    assert store.add_up("mine", AT) is None
    commit(store, 3, failed("d"))
    store.add_up("mine", AT)
    assert_true(database)


def test_a_count_that_is_told_again_takes_the_place_of_the_first(
    store: Store, database: str
) -> None:
    commit(store, 1, told("a"))
    commit(store, 1, failed("a"), told("b"))
    store.add_up("mine", AT)
    assert_true(database)


def test_what_a_leader_counted_its_successor_adds_up(store: Store, database: str) -> None:
    commit(store, 1, failed("a"))
    store.add_up("mine", AT)
    commit(store, 2, failed("b"))
    other = Store(database)
    assert other.acquire("theirs", "receiver-2", AT + 2 * TTL_S, TTL_S)
    with pytest.raises(LeaseLost):
        store.add_up("mine", AT)
    other.add_up("theirs", AT)
    other.close()
    assert_true(database)


def test_what_ended_while_sums_were_made_is_not_added_twice(
    store: Store, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transaction of ours whose connection broke may still end well. That another can write
    meanwhile shows too that nothing is locked while sums are made."""
    commit(store, 1, failed("a"))
    make, doubtful = rollups.Rollups._sums, Store(database)

    def made(self: rollups.Rollups, now: float) -> Any:
        sums = make(self, now)
        monkeypatch.setattr(rollups.Rollups, "_sums", make)
        doubtful.add_up("mine", AT)
        return sums

    monkeypatch.setattr(rollups.Rollups, "_sums", made)
    assert store.add_up("mine", AT) is None
    doubtful.close()
    commit(store, 2, failed("b"))
    store.add_up("mine", AT)
    assert_true(database)


def test_a_leader_that_comes_back_counts_on_from_what_another_one_added_up(
    store: Store, database: str
) -> None:
    commit(store, 1, failed("a"))
    store.add_up("mine", AT)
    other = Store(database)
    other.acquire("theirs", "receiver-2", AT + 2 * TTL_S, TTL_S)
    other.commit("theirs", Changes(tasks=[failed("b")], counted=counted(2, failed("b"))))
    other.add_up("theirs", AT)
    other.release("theirs")
    other.close()
    store.acquire("mine", "receiver-1", AT, TTL_S)
    commit(store, 3, failed("c"))
    store.add_up("mine", AT)
    assert_true(database)


def test_the_revision_moves_so_that_views_of_the_sums_are_read_again(store: Store) -> None:
    before = commit(store, 1, told("a"))
    numbers = store.add_up("mine", AT)
    assert numbers == ("e1", before.revision, before.revision + 1)


def test_each_failure_group_that_changed_has_a_number_of_its_own(
    store: Store, database: str
) -> None:
    before = commit(store, 1, failed("a"), failed("b", exception="OSError(2, 'gone')"))
    store.add_up("mine", AT)
    groups = models.Failure.objects.using(database).order_by("revision")
    first = before.revision + 1
    assert list(groups.values_list("revision", flat=True)) == [first, first + 1]
    assert store.stream().revision == first + 1


def group(database: str) -> models.Failure:
    return models.Failure.objects.using(database).get()


def test_a_group_shows_its_newest_failure(store: Store, database: str) -> None:
    commit(store, 1, failed("new", AT + 5))
    store.add_up("mine", AT)
    commit(store, 2, failed("old", AT - 5))
    store.add_up("mine", AT)
    found = group(database)
    assert (found.type, found.message, found.frame) == ("ValueError", "no ‹n›", None)
    assert (found.task_id, found.name, found.count) == ("new", "shop.new", 2)
    assert (found.first_seen_at, found.last_seen_at) == (AT - 5, AT + 5)


@pytest.mark.parametrize(
    ("state", "state_at", "then"),
    [
        ("resolved", AT + 1, ("open", AT + 9)),
        ("resolved", AT + 20, ("resolved", None)),
        ("muted", AT + 1, ("muted", None)),
    ],
)
def test_a_resolved_group_that_fails_again_is_open_again(
    store: Store, database: str, state: str, state_at: float, then: tuple[str, float | None]
) -> None:
    commit(store, 1, failed("a"))
    store.add_up("mine", AT)
    models.Failure.objects.using(database).update(state=state, state_at=state_at)
    commit(store, 2, failed("b", AT + 9))
    store.add_up("mine", AT)
    found = group(database)
    assert (found.state, found.returned_at) == then


def test_keys_beyond_what_a_span_holds_are_counted_together(
    store: Store, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollups, "MAX_KEYS", 3)
    commit(store, 1, *(told(f"t{n}") for n in range(5)))
    store.add_up("mine", AT)
    commit(store, 2, *(told(f"t{n}") for n in range(5, 9)))
    store.add_up("mine", AT)
    cells = stored_cells(database)
    names = {p.key: c for p, c in cells.items() if (p.tier, p.by) == (MINUTE_S, "name")}
    assert len(names) == 4
    assert names[""].counts == {"arrived": 6}
    assert cells[CellKey(MINUTE_S, "all", MINUTE, "")].counts == {"arrived": 9}


def test_sums_are_the_same_when_memory_holds_but_few_of_them(
    store: Store, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollups, "_MAX_CELLS", 4)
    for n in range(12):
        commit(store, n, failed(f"t{n}", AT + 60 * (n % 3)))
        store.add_up("mine", AT)
    assert_true(database)


def test_rollups_are_deleted_when_they_are_kept_no_longer(store: Store, database: str) -> None:
    commit(store, 1, failed("a"))
    store.add_up("mine", AT)
    for days, tiers in ((1, {MINUTE_S, HOUR_S}), (3, {HOUR_S}), (91, set())):
        for _ in range(10):
            store.add_up("mine", AT + days * 86_400)
        assert {place.tier for place in stored_cells(database)} == tiers


class PassingClock(FakeClock):
    """Time passes by looking at it, so that a tick comes to its end."""

    def __call__(self) -> float:
        return self.advance(0.02)


class Unreliable(Store):
    """A store that fails as it is told: before it wrote, or after, which nobody can tell apart."""

    def __init__(self, alias: str) -> None:
        super().__init__(alias)
        self.faults: list[str] = []

    def commit(self, token: str, changes: Changes) -> Commit:
        return self._unreliably(lambda: Store.commit(self, token, changes))

    def add_up(self, token: str, now: float) -> Commit | None:
        return self._unreliably(lambda: Store.add_up(self, token, now))

    def _unreliably(self, write: Any) -> Any:
        fault = self.faults.pop() if self.faults else "none"
        if fault == "before":
            raise StoreUnavailable(fault)
        made = write()
        if fault == "after":
            raise StoreUnavailable(fault)
        return made


class Cluster:
    """Receivers that follow each other on one store, and a broker that keeps what they did not
    settle."""

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self.clock = PassingClock()
        self.waiting: list[tuple[testing.Raw, ...]] = []
        self.start()

    def start(self) -> None:
        """Another receiver takes over, and is handed what the last one did not settle."""
        self.clock.advance(LEASE_S + 1)
        self.store = Unreliable(self.alias)
        self.house = House(self.store, self.clock, is_durable=True)  # type: ignore[arg-type]
        self.given = self.waiting
        for events in self.given:
            self.house.deliver(*events)
        self.turn()

    def tell(self, *events: testing.Raw) -> None:
        self.waiting.append(events)
        self.given = self.given if self.given is self.waiting else [*self.given, events]
        self.house.deliver(*events)

    def turn(self) -> None:
        """A beat, then rounds that leave a commit on its way while there is more to fold."""
        try:
            self.house.turn()
            while self.house.inbox.depth:
                self.house.pipeline.turn()
        except StoreUnavailable:
            self.clock.advance(1)

    def crash(self) -> None:
        settled = {int(str(tag)) - 1 for tag in self.house.source.settled}
        self.waiting = [e for n, e in enumerate(self.given) if n not in settled]
        self.store.close()
        self.start()

    def end(self) -> None:
        self.store.faults.clear()
        for _ in range(4):
            self.turn()
        self.store.close()


def life(task_id: str, kind: int, at: float) -> list[testing.Raw]:
    began = [
        testing.task_sent(task_id, at=at, name=f"shop.{kind}", queue=f"q{kind % 2}"),
        testing.task_received(task_id, at=at + 1, name=f"shop.{kind}"),
        testing.task_started(task_id, at=at + 2),
    ]
    again = [
        testing.task_retried(task_id, at=at + 3),
        testing.task_received(task_id, at=at + 4, retries=1, hostname="celery@other"),
        testing.task_started(task_id, at=at + 61, hostname="celery@other"),
    ]
    ends = (
        [testing.task_succeeded(task_id, at=at + 70, runtime=8.0)],
        [testing.task_failed(task_id, at=at + 3)],
        [*again, testing.task_succeeded(task_id, at=at + 90, hostname="celery@other")],
        [*again, testing.task_failed(task_id, at=at + 90, exception="OSError(2, 'gone')")],
        [testing.task_revoked(task_id, at=at + 5)],
    )
    return began + ends[kind % len(ends)]


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commits overlap with the next fold as soon as two deliveries wait."""
    monkeypatch.setattr(pipeline, "TICK_EVENTS", 2)


FAULTS = st.sampled_from(["none", "none", "before", "after"])
STEPS = st.lists(
    st.tuples(st.integers(1, 9), st.lists(FAULTS, max_size=3), st.integers(0, 5)),
    min_size=1,
    max_size=12,
)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25
)
@given(STEPS, st.randoms(use_true_random=False))
def test_no_end_and_no_doubt_loses_or_doubles_a_count(
    hasty: None, database: str, steps: list[tuple[int, list[str], int]], order: random.Random
) -> None:
    for model in (models.Task, models.Rollup, models.Failure):
        model.objects.using(database).all().delete()
    models.Stream.objects.using(database).update(lease_token=None, covered_at=None)
    events = [raw for n in range(8) for raw in life(f"t{n}", n, AT + 20 * n)]
    events += order.sample(events, 6)
    order.shuffle(events)
    cluster = Cluster(database)
    for number, faults, then in steps:
        some, events = events[:number], events[number:]
        if some:
            for raw in some:
                cluster.tell(raw)
        cluster.store.faults = list(faults)
        cluster.turn()
        if then == 0:
            cluster.crash()
    cluster.tell(*events, testing.task_received("last"))
    cluster.end()
    assert_true(database, cluster.clock())
