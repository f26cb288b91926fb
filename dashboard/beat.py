"""What the database tells the schedule's watch: the runs and gaps that are stored, and the entries
of django-celery-beat where it is installed."""

# ruff: noqa: S608 -- the SQL is made of the columns' names; values are parameters

from collections.abc import Collection
from typing import Any

from celery import Celery
from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, connections

from dashboard import rows, snapshots
from dashboard.snapshots import Snapshot
from realtime.core.events import MAX_ID, clean, is_id
from realtime.ports import Gap
from realtime.schedule import MAX_ENTRIES, MAX_TEXT, Due, History, Planned, Run, due_of, never, text

SOURCE = "django-celery-beat"
_APP = "django_celery_beat"
_MAX_GAPS = 100
_SCHEDULES = ("interval", "crontab", "solar", "clocked")

_NEWEST = (
    "SELECT id, sent_at, first_seen_at FROM headway_task WHERE name = %s"
    " ORDER BY first_seen_at DESC, id DESC LIMIT 1"
)
_ENTRIES = f"SELECT {', '.join(rows.SCHEDULE_COLUMNS)} FROM headway_scheduleentry LIMIT %s"
_GAPS = "SELECT from_at, until_at FROM headway_gap ORDER BY from_at DESC LIMIT %s"


def history(tasks: Collection[str], alias: str = DEFAULT_DB_ALIAS) -> History:
    """What the store knows of the schedule and of the tasks of these names.

    Raises StoreUnavailable.
    """
    return snapshots.read(alias, lambda snapshot: _history(snapshot, tasks))


def _history(snapshot: Snapshot, tasks: Collection[str]) -> History:
    runs = {}
    for name in tasks:
        for task_id, sent_at, seen_at in snapshot.fetch(_NEWEST, (name,)):
            # Sent again by a retry, it is still the run of its first time.
            runs[name] = Run(task_id, seen_at if sent_at is None else min(sent_at, seen_at))
    entries = [rows.entry(record) for record in snapshot.fetch(_ENTRIES, (2 * MAX_ENTRIES,))]
    gaps = [Gap(from_at=begin, until_at=end) for begin, end in snapshot.fetch(_GAPS, (_MAX_GAPS,))]
    return History(runs, {entry.name: entry for entry in entries}, gaps)


def is_installed() -> bool:
    """Whether this Django project has django-celery-beat."""
    return apps.is_installed(_APP)


def planned(app: Celery) -> list[Planned]:
    """The entries of django-celery-beat, disabled ones included. Raises what its database does."""
    model: Any = apps.get_model(_APP, "PeriodicTask")
    entries = model.objects.select_related(*_SCHEDULES).order_by("name")[:MAX_ENTRIES]
    connection = connections[entries.db]
    was_open = connection.connection is not None
    try:
        return [_planned(entry, app) for entry in entries if is_id(entry.name)]
    finally:
        if not was_open:
            # Opened for this read, outside of a request that would look after it.
            connection.close()


def _planned(entry: Any, app: Celery) -> Planned:
    due_after, words = _reckoned(entry, app)
    last_run_at = None if entry.last_run_at is None else entry.last_run_at.timestamp()
    return Planned(
        name=entry.name,
        task=str(clean(entry.task, MAX_ID)),
        schedule=words,
        source=SOURCE,
        due_after=_within(entry, due_after),
        is_enabled=entry.enabled,
        told_run_at=last_run_at,
        # From then on it reckons itself while it has not run.
        changed_at=entry.date_changed.timestamp() if last_run_at is None else None,
    )


def _reckoned(entry: Any, app: Celery) -> tuple[Due, str]:
    """When it is due, and its schedule in words; one that cannot be read says so."""
    try:
        schedule = entry.schedule
        words = f"crontab: {entry.crontab}" if entry.crontab else text(schedule)
        return due_of(schedule, app), str(clean(words, MAX_TEXT))
    except Exception as error:  # noqa: BLE001 - whatever was put into its tables
        # Without ephem the times of the sun are unknown, its place is not.
        is_solar = entry.solar_id is not None
        words = f"solar: {entry.solar}" if is_solar else f"unreadable: {type(error).__name__}"
        return never, str(clean(words, MAX_TEXT))


def _within(entry: Any, due_after: Due) -> Due:
    """Not before it may start, and not after it has expired."""
    starts_at = None if entry.start_time is None else entry.start_time.timestamp()
    expires_at = None if entry.expires is None else entry.expires.timestamp()

    def due(at: float) -> float | None:
        if starts_at is not None and at < starts_at:
            # An interval begins with its first run, a crontab waits for its next time.
            found = due_after(starts_at) if entry.crontab else starts_at
        else:
            found = due_after(at)
        is_over = found is not None and expires_at is not None and found >= expires_at
        return None if is_over else found

    return due
