"""A run is missed when it was due, nobody saw it, and somebody was there to see it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from celery import Celery
from celery.schedules import crontab, schedule
from hypothesis import given
from hypothesis import strategies as st

from realtime import schedule as module
from realtime.core.watched import ScheduleEntry
from realtime.inbox import Inbox
from realtime.ports import Gap
from realtime.schedule import (
    GRACE_S,
    MAX_MISSED,
    History,
    Planned,
    Run,
    ScheduleWatch,
    configured,
    due_of,
    standing,
)
from realtime.testing import FakeClock

HOUR = 3_600.0
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()
LONG_AGO = NOON - 40 * 86_400


def app(**conf: object) -> Celery:
    made = Celery(broker="memory://", set_as_current=False)
    made.conf.update(conf)
    return made


def hourly(**told: Any) -> Planned:
    due_after = due_of(crontab(minute="0"), app())
    return Planned("report", "shop.report", "hourly", "celery", due_after)._replace(**told)


def every(seconds: float, **told: Any) -> Planned:
    return hourly(due_after=due_of(schedule(timedelta(seconds=seconds)), app()), **told)


def known(since: float = LONG_AGO, **told: Any) -> dict[str, ScheduleEntry]:
    entry = ScheduleEntry(
        name="report",
        task="shop.report",
        schedule="hourly",
        source="celery",
        first_seen_at=since,
        checked_at=since,
    )
    return {"report": module.replace(entry, **told)}


def history(run_at: float | None = None, since: float = LONG_AGO, **told: Any) -> History:
    runs = {} if run_at is None else {"shop.report": Run("t1", run_at)}
    return History(runs, told.pop("entries", known(since)), told.pop("gaps", ()))


def test_a_run_on_time_is_the_last_one_and_nothing_is_missed() -> None:
    entry = standing(hourly(), history(NOON + 0.2), NOON + 600)
    assert (entry.last_run_at, entry.last_task_id) == (NOON + 0.2, "t1")
    assert (entry.missed, entry.missed_at) == (0, None)
    assert entry.next_run_at == NOON + HOUR


def test_a_run_is_missed_only_after_the_grace() -> None:
    past = history(NOON - HOUR)
    before, after = (standing(hourly(), past, NOON + GRACE_S + by) for by in (-1, 1))
    assert (before.missed, after.missed) == (0, 1)
    assert after.missed_at == NOON
    assert after.next_run_at == NOON + HOUR


def test_a_late_run_makes_up_for_what_was_missed() -> None:
    entry = standing(hourly(), history(NOON + 900), NOON + 1_000)
    assert (entry.missed, entry.missed_at) == (0, None)


def test_all_runs_since_the_last_one_count_up_to_a_bound() -> None:
    assert standing(hourly(), history(NOON - 5 * HOUR), NOON + 120).missed == 5
    entry = standing(hourly(), history(LONG_AGO), NOON)
    assert entry.missed == MAX_MISSED
    assert entry.next_run_at == NOON + HOUR


def test_a_run_that_a_slow_clock_put_before_its_time_is_this_one() -> None:
    entry = standing(hourly(), history(NOON - 5), NOON + 300)
    assert entry.missed == 0


@pytest.mark.parametrize("age_s", [9.0, 15.0, 65.0])
def test_an_interval_counts_from_its_last_run(age_s: float) -> None:
    entry = standing(every(10), history(NOON - age_s), NOON)
    assert entry.missed == 0
    assert entry.next_run_at is not None
    assert entry.next_run_at > NOON - GRACE_S


def test_a_quick_interval_that_stands_still_is_missed() -> None:
    entry = standing(every(10), history(NOON - 200), NOON)
    assert (entry.missed, entry.missed_at) == (14, NOON - 190)


def test_an_entry_seen_for_the_first_time_owes_nothing_yet() -> None:
    entry = standing(hourly(), History(), NOON + 100)
    assert (entry.first_seen_at, entry.missed) == (NOON + 100, 0)
    assert entry.next_run_at == NOON + HOUR
    later = standing(hourly(), History(entries={"report": entry}), NOON + 2 * HOUR)
    assert (later.missed, later.missed_at) == (1, NOON + HOUR)


@pytest.mark.parametrize(
    "before", [{"schedule": "daily"}, {"is_enabled": False}, {"task": "shop.other"}]
)
def test_a_changed_entry_owes_nothing_by_what_it_was(before: dict[str, object]) -> None:
    entry = standing(hourly(), history(LONG_AGO, entries=known(**before)), NOON)
    assert (entry.first_seen_at, entry.missed) == (NOON, 0)


def test_what_was_due_while_nobody_listened_is_not_counted() -> None:
    gap = Gap(from_at=NOON - 2.5 * HOUR, until_at=NOON - 0.5 * HOUR)
    entry = standing(hourly(), history(NOON - 4 * HOUR, gaps=[gap]), NOON + 120)
    assert (entry.missed, entry.missed_at) == (2, NOON - 3 * HOUR)
    blind = Gap(from_at=NOON - 10)
    assert standing(hourly(), history(NOON - HOUR, gaps=[blind]), NOON + 120).missed == 0


def test_a_disabled_entry_is_due_never_and_owes_nothing() -> None:
    entry = standing(hourly(is_enabled=False), history(LONG_AGO), NOON)
    assert (entry.next_run_at, entry.missed, entry.is_enabled) == (None, 0, False)
    assert entry.last_run_at == LONG_AGO


def test_the_source_s_own_word_counts_where_no_task_was_seen() -> None:
    told = hourly(told_run_at=NOON)
    entry = standing(told, history(NOON - HOUR), NOON + 200)
    assert (entry.last_run_at, entry.last_task_id, entry.missed) == (NOON, None, 0)
    entry = standing(told, history(NOON + 0.1), NOON + 200)
    assert (entry.last_run_at, entry.last_task_id) == (NOON + 0.1, "t1")


def test_a_schedule_without_times_tells_none() -> None:
    entry = standing(hourly(due_after=module.never), history(NOON), NOON + 10)
    assert (entry.next_run_at, entry.missed, entry.last_task_id) == (None, 0, "t1")


@given(run=st.floats(0, 86_400), period=st.integers(1, 7_200), since=st.floats(0, 86_400))
def test_no_more_is_missed_than_was_due(run: float, period: int, since: float) -> None:
    entry = standing(every(period), history(NOON - run, NOON - since), NOON)
    assert 0 <= entry.missed <= min(run, since) / period + 1
    assert (entry.missed == 0) == (entry.missed_at is None)
    assert entry.next_run_at is not None
    assert entry.next_run_at > NOON - GRACE_S


def times(due_after: module.Due, at: float, count: int) -> list[str]:
    found = []
    for _ in range(count):
        at = due_after(at) or 0
        found.append(datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds"))
    return found


def test_a_crontab_goes_by_the_app_s_timezone_over_its_changes() -> None:
    berlin = app(timezone="Europe/Berlin")
    due_after = due_of(crontab(hour=4, minute=0), berlin)
    october = datetime(2026, 10, 24, 12, tzinfo=UTC).timestamp()
    assert times(due_after, october - 86_400, 3) == [
        "2026-10-24T02:00:00+00:00",
        "2026-10-25T03:00:00+00:00",
        "2026-10-26T03:00:00+00:00",
    ]


def test_a_relative_interval_keeps_to_the_full_hour() -> None:
    due_after = due_of(schedule(timedelta(hours=1), relative=True), app())
    assert times(due_after, NOON + 100, 1) == ["2026-11-21T13:00:00+00:00"]


def test_the_configuration_is_read_entry_by_entry() -> None:
    told = {
        "cron": {"task": "a", "schedule": crontab(minute="*/5")},
        "delta": {"task": "b", "schedule": timedelta(minutes=90)},
        "seconds": {"task": "c", "schedule": 30.0},
        "odd": {"task": 7, "schedule": 0.5},
        "bad": {"task": "d"},
        "worse": None,
        "\x00": {"task": "e", "schedule": 1},
    }
    found = {entry.name: entry for entry in configured(app(beat_schedule=told))}
    assert {name: (entry.task, entry.schedule) for name, entry in found.items()} == {
        "cron": ("a", "crontab: */5 * * * * (m/h/dM/MY/d)"),
        "delta": ("b", "every 90 minutes"),
        "seconds": ("c", "every 30 seconds"),
        "odd": ("?", "every 0.5 seconds"),
        "bad": ("d", "unreadable: KeyError"),
        "worse": ("?", "unreadable: KeyError"),
    }
    assert found["bad"].due_after(NOON) is None
    assert found["seconds"].due_after(NOON) == NOON + 30


def test_entries_that_code_adds_are_read_too() -> None:
    made = app()

    def add(sender: Celery, **_: object) -> None:
        sender.add_periodic_task(60.0, sender.signature("shop.tick"), name="tick")

    made.on_after_finalize.connect(add)
    assert [(entry.name, entry.task) for entry in configured(made)] == [("tick", "shop.tick")]


def test_a_check_is_one_event_and_a_later_source_wins() -> None:
    inbox, clock = Inbox(), FakeClock(NOON)
    asked: list[set[str]] = []

    def told(names: Any) -> History:
        asked.append(set(names))
        return history(NOON)

    watch = ScheduleWatch(
        inbox,
        sources=[
            lambda: [hourly(), hourly(name="other", task="shop.other")],
            lambda: [hourly(source="django-celery-beat")],
        ],
        history=told,
        is_leading=lambda: True,
        clock=clock,
    )
    watch.check()
    (delivery,) = inbox.take(10)
    (event,) = delivery.events
    assert event.kind == "schedule-inspected"  # type: ignore[attr-defined]
    entries = event.fields["entries"]  # type: ignore[attr-defined]
    assert [(e.name, e.source) for e in entries] == [
        ("report", "django-celery-beat"),
        ("other", "celery"),
    ]
    assert asked == [{"shop.report", "shop.other"}]


def test_a_source_that_fails_tells_nothing_and_is_noted_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def failing() -> list[Planned]:
        raise OSError("password")

    watch = ScheduleWatch(
        Inbox(), sources=[failing], history=lambda _: History(), is_leading=lambda: True
    )
    watch._try()
    watch._try()
    assert [record.message for record in caplog.records] == [
        "The schedule cannot be checked: OSError"
    ]
    assert watch._inbox.depth == 0
