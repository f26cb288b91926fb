"""A survey is whole; only what it changed is written, and what it no longer names goes."""

from dataclasses import replace
from typing import Any

import pytest

from realtime import testing, watching
from realtime.core.events import Event, parse
from realtime.core.task import Task
from realtime.core.watched import CONFIRM_S, MINUTES, Queue, Reading, ScheduleEntry
from realtime.core.workers import Worker
from realtime.watching import MAX_NAMES, QUEUE_KEPT_S, QUEUES, SCHEDULE, Watched

AT = testing.AT // 60 * 60
"""A minute begins."""


def survey(kind: str, now: float, **found: Any) -> Event:
    return Event(kind, "", "", 0, now, 0, now, found)


def ask(watched: Watched, now: float, *readings: Reading) -> None:
    watched.hear(survey(QUEUES, now, queues=readings), now)


def check(watched: Watched, now: float, *entries: ScheduleEntry) -> None:
    watched.hear(survey(SCHEDULE, now, entries=entries), now)


def entry(name: str = "report", **told: Any) -> ScheduleEntry:
    made = ScheduleEntry(
        name=name, task="t", schedule="hourly", source="celery", first_seen_at=AT, checked_at=AT
    )
    return replace(made, **told)


def queue(name: str, **told: Any) -> Queue:
    return replace(Queue(name=name, first_seen_at=AT), **told)


def write(watched: Watched) -> tuple[list[str], list[str], dict[str, list[str]]]:
    """Commit what is unwritten; the names of it."""
    queues, schedule, removed = watched.unwritten()
    watched.written(queues, schedule, removed)
    assert not watched.is_dirty
    return [each.name for each in queues], [each.name for each in schedule], removed


def test_only_a_queue_that_changed_is_written_and_now_and_then_its_age() -> None:
    watched = Watched()
    ask(watched, AT, Reading("a", AT, 1), Reading("b", AT, 0))
    assert write(watched) == (["a", "b"], [], {})
    ask(watched, AT + 5, Reading("a", AT + 5, 2), Reading("b", AT + 5, 0))
    assert write(watched) == (["a"], [], {})
    later = AT + CONFIRM_S
    ask(watched, later, Reading("a", later, 2), Reading("b", later, 0))
    assert write(watched) == (["b"], [], {})


def test_what_changed_while_it_was_written_stays_unwritten() -> None:
    watched = Watched()
    ask(watched, AT, Reading("a", AT, 1))
    on_its_way = watched.unwritten()
    ask(watched, AT + 5, Reading("a", AT + 5, 2))
    watched.written(*on_its_way)
    assert watched.dirty_queues == {"a"}


def test_a_broker_that_is_away_leaves_what_it_told_last_with_its_age() -> None:
    watched = Watched()
    ask(watched, AT, Reading("a", AT, 7, 2, {"3": 7}))
    ask(watched, AT + 5, Reading("a", error="TimeoutError"))
    known = watched.queues["a"]
    assert known == queue(
        "a",
        measured_at=AT,
        depth=7,
        consumers=2,
        priorities={"3": 7},
        depths=(7,),
        error="TimeoutError",
    )
    write(watched)
    ask(watched, AT + 900, Reading("a", error="TimeoutError"))
    assert not watched.is_dirty
    ask(watched, AT + 905, Reading("a", AT + 905, 7, 2, {"3": 7}))
    assert watched.queues["a"].error is None
    assert watched.is_dirty


def depths(*readings: tuple[float, int | None]) -> tuple[int | None, ...]:
    """What is remembered of these depths, each with its seconds after `AT`."""
    watched = Watched()
    for after, depth in readings:
        ask(watched, AT + after, Reading("a", AT + after, depth))
    return watched.queues["a"].depths


def test_the_deepest_of_each_minute_is_remembered() -> None:
    assert depths((0, 3), (55, 1), (60, 1), (61, 9), (119, 2), (120, 0)) == (3, 9, 0)


def test_minutes_in_which_nobody_measured_are_unknown() -> None:
    assert depths((0, 3), (180, 1)) == (3, None, None, 1)
    assert depths((0, None), (1, 4), (60, None)) == (4, None)
    assert depths((0, 3), (1e9, 1)) == (*(None,) * (MINUTES - 1), 1)


def test_an_hour_is_remembered_and_no_more() -> None:
    known = depths(*((60.0 * minute, minute) for minute in range(MINUTES + 5)))
    assert known == tuple(range(5, MINUTES + 5))


def test_a_clock_that_was_set_back_adds_to_the_last_minute() -> None:
    assert depths((600, 3), (0, 5), (5, 4)) == (5,)


def test_a_new_minute_is_written_though_nothing_else_changed() -> None:
    watched = Watched()
    ask(watched, AT + 50, Reading("a", AT + 50, 2))
    write(watched)
    ask(watched, AT + 55, Reading("a", AT + 55, 2))
    assert not watched.is_dirty
    ask(watched, AT + 60, Reading("a", AT + 60, 2))
    assert write(watched)[0] == ["a"]


def test_a_queue_that_nobody_named_for_a_day_is_forgotten() -> None:
    watched = Watched()
    watched.begin([queue("old", measured_at=AT), queue("named", measured_at=AT)], [])
    for now in (AT + QUEUE_KEPT_S, AT + QUEUE_KEPT_S + 1):
        ask(watched, now, Reading("named", error="TimeoutError"))
    assert watched.queues.keys() == {"named"}
    assert write(watched)[2] == {"queues": ["old"]}
    ask(watched, AT + QUEUE_KEPT_S + 6, Reading("old", AT, 0), Reading("named", error="x"))
    assert "old" in write(watched)[0]


def test_a_queue_that_comes_back_before_it_was_removed_stays() -> None:
    watched = Watched()
    watched.begin([queue("old", measured_at=AT)], [])
    ask(watched, AT + QUEUE_KEPT_S + 1)
    ask(watched, AT + QUEUE_KEPT_S + 2, Reading("old", AT, 0))
    assert write(watched) == (["old"], [], {})


def test_the_queues_that_are_remembered_are_bounded() -> None:
    watched = Watched()
    ask(watched, AT, *(Reading(f"q{n}", AT, 0) for n in range(MAX_NAMES + 10)))
    assert len(watched.queues) == MAX_NAMES


def test_an_entry_that_vanished_from_the_schedule_is_removed_and_may_come_back() -> None:
    watched = Watched()
    check(watched, AT, entry("a"), entry("b"))
    assert write(watched) == ([], ["a", "b"], {})
    check(watched, AT + 10, entry("b", checked_at=AT + 10))
    assert write(watched) == ([], [], {"schedule": ["a"]})
    check(watched, AT + 20, entry("a"), entry("b"))
    assert write(watched) == ([], ["a"], {})


def test_an_entry_is_written_when_it_changed_and_now_and_then_its_age() -> None:
    watched = Watched()
    watched.begin([], [entry("a")])
    check(watched, AT + 10, entry("a", checked_at=AT + 10))
    assert not watched.is_dirty
    check(watched, AT + 20, entry("a", checked_at=AT + 20, missed=1, missed_at=AT))
    assert write(watched)[1] == ["a"]
    check(watched, AT + 55, entry("a", checked_at=AT + 55, missed=1, missed_at=AT))
    assert write(watched)[1] == ["a"]


def test_names_come_from_workers_live_tasks_and_queues_that_hold_something() -> None:
    watched = Watched()
    watched.begin([queue("full", depth=2), queue("empty", depth=0)], [])
    task = Task(id="t", first_seen_at=AT, updated_at=AT, queue="of-task")
    worker = Worker(name="w", first_seen_at=AT, last_heartbeat_at=AT, queues=("of-worker",))
    bare = replace(worker, queues=None)
    watched.note([task, replace(task, queue=None)], [worker, bare], AT)
    assert watched.names == {"full", "of-task", "of-worker"}
    watched.note([], [], AT + 1)
    assert "of-task" in watched.names
    watched.note([], [], AT + watching.NAMES_EVERY_S)
    assert watched.names == {"full"}


@pytest.mark.parametrize("kind", sorted(watching.KINDS))
def test_no_broker_can_send_a_survey(kind: str) -> None:
    raw = {"type": kind, "hostname": "w", "timestamp": AT, "queues": (), "entries": ()}
    assert parse(raw, AT) is None
