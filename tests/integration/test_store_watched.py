"""Queues, the schedule and what is removed, on both databases."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.db.models import Model

from dashboard import models
from dashboard.store import Store
from realtime.core.task import Task
from realtime.core.watched import Queue, Reading, ScheduleEntry, measured
from realtime.core.workers import Worker
from realtime.ports import Changes, LeaseLost
from realtime.schedule import History, Planned, never, standing

NOW = 1_795_000_000.0
QUEUE = Queue(
    name="mail",
    first_seen_at=NOW,
    measured_at=NOW + 1,
    depth=3_000_000_000,
    consumers=2,
    priorities={"0": 1, "9": 2},
    depths=(1, None, 3_000_000_000),
    error="TimeoutError",
)
ENTRY = ScheduleEntry(
    name="report",
    task="shop.report",
    schedule="crontab: 0 4 * * * (m/h/dM/MY/d)",
    source="celery",
    first_seen_at=NOW,
    checked_at=NOW + 1,
    is_enabled=False,
    next_run_at=NOW + 2,
    last_run_at=NOW - 2,
    last_task_id="t1",
    missed=2,
    missed_at=NOW - 1,
)
BARE_ENTRY = ScheduleEntry(
    name="bare", task="?", schedule="", source="celery", first_seen_at=NOW, checked_at=NOW
)


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    """A store that holds the lease as `mine`."""
    store = Store(database)
    assert store.acquire("mine", "receiver-1", NOW, 5.0)
    yield store
    store.close()


def numbers(alias: str, model: type[Model]) -> dict[str, int]:
    return dict(model._default_manager.using(alias).values_list("pk", "revision"))


def worker(name: str) -> Worker:
    return Worker(name=name, first_seen_at=NOW, last_heartbeat_at=NOW, inspected_at=NOW + 3)


def test_what_was_committed_is_read_back_unchanged(store: Store) -> None:
    bare = Queue(name="bare", first_seen_at=NOW)
    store.commit("mine", Changes(queues=[QUEUE, bare], schedule=[ENTRY, BARE_ENTRY]))
    queues, schedule = store.watched()
    assert {each.name: each for each in queues} == {"mail": QUEUE, "bare": bare}
    assert {each.name: each for each in schedule} == {"report": ENTRY, "bare": BARE_ENTRY}


def test_an_update_keeps_when_a_queue_was_first_seen_and_renews_since_when_an_entry_stands(
    store: Store,
) -> None:
    store.commit("mine", Changes(queues=[QUEUE], schedule=[ENTRY]))
    later = {"first_seen_at": NOW + 9}
    store.commit(
        "mine",
        Changes(queues=[replace(QUEUE, **later, depth=1)], schedule=[replace(ENTRY, **later)]),
    )
    assert store.watched() == ([replace(QUEUE, depth=1)], [replace(ENTRY, **later)])


def test_rows_are_numbered_after_tasks_and_workers(store: Store, database: str) -> None:
    task = Task(id="a", first_seen_at=NOW, updated_at=NOW)
    commit = store.commit(
        "mine",
        Changes(
            tasks=[task],
            workers=[worker("w")],
            queues=[QUEUE, replace(QUEUE, name="other")],
            schedule=[ENTRY],
        ),
    )
    assert commit == ("e1", 0, 5)
    assert numbers(database, models.Queue) == {"mail": 3, "other": 4}
    assert numbers(database, models.ScheduleEntry) == {"report": 5}
    assert store.workers() == [worker("w")]


def test_a_removal_takes_one_number_which_is_the_floor(store: Store, database: str) -> None:
    store.commit(
        "mine",
        Changes(workers=[worker("w"), worker("x")], queues=[QUEUE], schedule=[ENTRY, BARE_ENTRY]),
    )
    names = [f"unknown-{n}" for n in range(1_200)]
    removed = {"workers": ["w"], "queues": ["mail", *names], "schedule": ["report"]}
    commit = store.commit("mine", Changes(removed=removed))
    assert commit == ("e1", 5, 6)
    info = store.stream()
    assert (info.revision, info.floor) == (6, 6)
    assert [each.name for each in store.workers()] == ["x"]
    assert store.watched() == ([], [BARE_ENTRY])
    assert store.commit("mine", Changes(queues=[QUEUE])) == ("e1", 6, 7)
    assert store.stream().floor == 6


def test_without_the_lease_nothing_is_written_and_nothing_removed(store: Store) -> None:
    store.commit("mine", Changes(schedule=[ENTRY]))
    with pytest.raises(LeaseLost):
        store.commit("theirs", Changes(queues=[QUEUE], removed={"schedule": ["report"]}))
    assert store.watched() == ([], [ENTRY])
    assert store.stream().floor == 0


def test_texts_as_long_as_they_may_be_fit_their_columns(store: Store) -> None:
    reading = Reading("n" * 255, NOW, error="é" * 5_000)
    planned = Planned("n" * 255, "t" * 255, "s" * 5_000, "django-celery-beat", never)
    queue, entry = measured(None, reading, NOW), standing(planned, History(), NOW)
    store.commit("mine", Changes(queues=[queue], schedule=[entry]))
    assert store.watched() == ([queue], [entry])
