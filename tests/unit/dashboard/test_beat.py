"""django-celery-beat's tables as entries, by its own models and its own reckoning."""

import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from celery import Celery
from django.utils import timezone
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)

from dashboard import beat
from realtime.schedule import History, Planned, Run, standing

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
AT = NOON.timestamp()


@pytest.fixture
def app() -> Celery:
    return Celery(broker="memory://", set_as_current=False)


@pytest.fixture
def minutes() -> IntervalSchedule:
    return IntervalSchedule.objects.create(every=10, period="minutes")


@pytest.fixture
def daily() -> CrontabSchedule:
    return CrontabSchedule.objects.create(minute="0", hour="4", timezone="Europe/Berlin")


def entry(name: str = "report", **told: Any) -> PeriodicTask:
    return PeriodicTask.objects.create(name=name, task="shop.report", **told)


def planned(app: Celery, name: str = "report") -> Planned:
    return {each.name: each for each in beat.planned(app)}[name]


def test_it_is_known_whether_it_is_installed() -> None:
    assert beat.is_installed()


def test_an_interval_is_due_after_its_last_run(app: Celery, minutes: IntervalSchedule) -> None:
    entry(interval=minutes)
    PeriodicTask.objects.update(last_run_at=NOON)
    found = planned(app)
    assert (found.task, found.schedule, found.source) == (
        "shop.report",
        "every 10 minutes",
        "django-celery-beat",
    )
    assert (found.is_enabled, found.told_run_at, found.changed_at) == (True, AT, None)
    assert found.due_after(AT) == AT + 600


def test_a_crontab_is_due_in_its_own_timezone(app: Celery, daily: CrontabSchedule) -> None:
    entry(crontab=daily)
    found = planned(app)
    assert found.schedule == "crontab: 0 4 * * * (m/h/dM/MY/d) Europe/Berlin"
    assert found.due_after(AT) == AT + 15 * 3_600


def test_a_clocked_entry_is_due_once(app: Celery) -> None:
    clocked = ClockedSchedule.objects.create(clocked_time=NOON + timedelta(hours=1))
    entry(clocked=clocked, one_off=True)
    found = planned(app)
    assert found.schedule.startswith("clocked: 2026-11-21 13:00:00")
    assert (found.due_after(AT), found.due_after(AT + 3_600)) == (AT + 3_600, None)


def test_a_disabled_entry_is_told_as_such(app: Celery, minutes: IntervalSchedule) -> None:
    entry(interval=minutes, enabled=False)
    found = planned(app)
    assert not found.is_enabled
    assert standing(found, History(), AT).next_run_at is None


def test_an_entry_that_never_ran_owes_nothing_from_before_it_was_changed(
    app: Celery, minutes: IntervalSchedule
) -> None:
    entry(interval=minutes)
    found = planned(app)
    assert found.told_run_at is None
    assert found.changed_at == pytest.approx(timezone.now().timestamp(), abs=60)


def test_nothing_is_due_before_its_start_and_after_its_end(
    app: Celery, minutes: IntervalSchedule, daily: CrontabSchedule
) -> None:
    within = {"start_time": NOON + timedelta(days=1), "expires": NOON + timedelta(days=2)}
    entry(interval=minutes, **within)
    entry("nightly", crontab=daily, **within)
    day = 86_400
    assert planned(app).due_after(AT) == AT + day
    assert planned(app).due_after(AT + day) == AT + day + 600
    assert planned(app, "nightly").due_after(AT) == AT + day + 15 * 3_600
    assert planned(app).due_after(AT + 2 * day - 600) is None


def test_what_cannot_be_read_says_so_and_hurts_no_other(
    app: Celery, minutes: IntervalSchedule
) -> None:
    entry("good", interval=minutes)
    PeriodicTask.objects.bulk_create([PeriodicTask(name="bad", task="shop.report")])
    found = planned(app, "bad")
    assert (found.schedule, found.due_after(AT)) == ("unreadable: AttributeError", None)
    assert planned(app, "good").due_after(AT) == AT + 600


def test_a_solar_entry_is_told_in_words_where_its_times_cannot_be_reckoned(
    app: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ephem", None)
    solar = SolarSchedule.objects.create(event="sunset", latitude=48, longitude=11)
    entry(solar=solar)
    found = planned(app)
    assert (found.schedule, found.due_after(AT)) == ("solar: Sunset (48.000000, 11.000000)", None)


def test_a_missed_run_of_an_entry_shows(app: Celery, minutes: IntervalSchedule) -> None:
    entry(interval=minutes)
    PeriodicTask.objects.update(last_run_at=NOON)
    known = standing(planned(app), History(), AT - 86_400)
    past = History({"shop.report": Run("t1", AT)}, {"report": known})
    found = standing(planned(app), past, AT + 700)
    assert (found.missed, found.missed_at, found.last_task_id) == (1, AT + 600, "t1")
