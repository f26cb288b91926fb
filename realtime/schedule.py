"""When beat's entries are due, when they last ran, and which of their runs did not happen.

Beat tells nobody what it does, so a run is known by its task: the newest stored one of the entry's
task name counts as the entry's last run. Therefore a task that was also sent by hand counts,
entries that share a task name share their runs, and a run is seen when its task is: when it is
sent, where `task_send_sent_event` is on, else when a worker takes it.
"""

import copy
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from celery import Celery
from celery.schedules import maybe_schedule

from realtime.core.events import MAX_ID, Event, clean, is_id
from realtime.core.watched import ScheduleEntry
from realtime.inbox import Inbox
from realtime.ports import Delivery, Gap
from realtime.watching import SCHEDULE

logger = logging.getLogger(__name__)

CHECK_EVERY_S = 10.0
LOOK_EVERY_S = 0.5
"""How soon a receiver that begins to lead checks for the first time."""
GRACE_S = 60.0
"""A run is missed when its task was not seen this long after it was due; a run may be seen this
long before, by clocks that differ."""
MAX_MISSED = 100
"""More are not counted: an entry that has missed so many is not running at all."""
MAX_STEPS = 1_000
"""Due times that are looked at in one check of one entry, about 30 us each."""
MAX_ENTRIES = 1_000
MAX_TEXT = 200
CELERY = "celery"

Due = Callable[[float], float | None]
"""The first time after an instant at which an entry is due; None when there is none, or when its
schedule does not tell."""


class Planned(NamedTuple):
    """One entry as a source has it."""

    name: str
    task: str
    schedule: str
    source: str
    due_after: Due
    is_enabled: bool = True
    told_run_at: float | None = None
    """When it last ran, where the source itself keeps it."""
    changed_at: float | None = None
    """When somebody last changed it, where the source keeps that."""


class Run(NamedTuple):
    """The newest stored task of a name, and when it was sent, or first seen."""

    task_id: str
    at: float


class History(NamedTuple):
    """What the store knows."""

    runs: Mapping[str, Run] = {}
    """By task name."""
    entries: Mapping[str, ScheduleEntry] = {}
    """By name, as written last."""
    gaps: Sequence[Gap] = ()
    """The newest times in which runs may have gone unseen."""


class ScheduleWatch:
    """Checks every `CHECK_EVERY_S` the entries of the sources against what the store knows.

    A later source replaces entries of the same name. Each check goes to the inbox as one Event;
    when a source or the store fails there is none, and the age of the last one tells it.
    """

    def __init__(
        self,
        inbox: Inbox,
        *,
        sources: Sequence[Callable[[], Iterable[Planned]]],
        history: Callable[[Collection[str]], History],
        is_leading: Callable[[], bool],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._inbox = inbox
        self._sources = sources
        self._history = history
        self._is_leading = is_leading
        self._clock = clock
        self._stopping = threading.Event()
        self._checked_at = 0.0
        self._trouble: str | None = None

    def stop(self) -> None:
        """Ask `run` to return."""
        self._stopping.set()

    def run(self) -> None:
        """Check until `stop`; the store may come and go."""
        while not self._stopping.wait(LOOK_EVERY_S):
            now = self._clock()
            if self._is_leading() and not 0 <= now - self._checked_at < CHECK_EVERY_S:
                self._checked_at = now
                self._try()

    def _try(self) -> None:
        trouble = None
        try:
            self.check()
        except Exception as error:  # noqa: BLE001 - a source and a store raise what they like
            trouble = type(error).__name__
        if trouble is not None and trouble != self._trouble:
            logger.warning(
                "The schedule cannot be checked: %s",
                trouble,
                extra={"action": "schedule_unchecked"},
            )
        self._trouble = trouble

    def check(self) -> None:
        """Check once, and hand over what was found; errors of the sources and the store come
        through."""
        planned: dict[str, Planned] = {}
        for source in self._sources:
            planned.update((entry.name, entry) for entry in source())
        some = list(planned.values())[:MAX_ENTRIES]
        history = self._history({entry.task for entry in some})
        now = self._clock()
        found = tuple(standing(entry, history, now) for entry in some)
        event = Event(SCHEDULE, "", "", 0, now, 0, now, {"entries": found})
        self._inbox.put(Delivery((event,), now, None))


def standing(planned: Planned, history: History, now: float) -> ScheduleEntry:
    """How the entry stands at `now`."""
    since = _stands_since(planned, history.entries.get(planned.name), now)
    run = history.runs.get(planned.task)
    last_at, task_id = _last(planned, run)
    entry = ScheduleEntry(
        name=planned.name,
        task=planned.task,
        schedule=planned.schedule[:MAX_TEXT],
        source=planned.source,
        first_seen_at=since,
        checked_at=now,
        is_enabled=planned.is_enabled,
        last_run_at=last_at,
        last_task_id=task_id,
    )
    if not planned.is_enabled:
        return entry
    begin = max(last_at or since, since, planned.changed_at or since)
    missed, missed_at, upcoming = _dues(planned.due_after, begin, last_at, history.gaps, now)
    return replace(entry, next_run_at=upcoming, missed=missed, missed_at=missed_at)


def _stands_since(planned: Planned, known: ScheduleEntry | None, now: float) -> float:
    """A changed entry is a new one: what was due by another schedule is nobody's debt."""
    if known is None:
        return now
    before = known.task, known.schedule, known.is_enabled
    is_same = before == (planned.task, planned.schedule[:MAX_TEXT], planned.is_enabled)
    return known.first_seen_at if is_same else now


def _last(planned: Planned, run: Run | None) -> tuple[float | None, str | None]:
    """When it last ran, and as which task; the source's own word where it knows of a later run
    than the store."""
    told = planned.told_run_at
    if run is None or (told is not None and told > run.at + GRACE_S):
        return told, None
    return run.at, run.task_id


def _dues(
    due_after: Due, begin: float, last_at: float | None, gaps: Sequence[Gap], now: float
) -> tuple[int, float | None, float | None]:
    """How many due times after `begin` were missed, the first of them, and the next one."""
    missed, missed_at = 0, None
    due = due_after(begin)
    if due is not None and last_at == begin and _is_early(begin, due, due_after(due)):
        due = due_after(due)
    for _ in range(MAX_STEPS):
        if due is None or due > now:
            return missed, missed_at, due
        if due > now - GRACE_S or missed >= MAX_MISSED:
            break
        if not _is_unseen(due, gaps):
            missed, missed_at = missed + 1, missed_at or due
        due = due_after(due)
    return missed, missed_at, due_after(now)


def _is_early(run_at: float, due: float, following: float | None) -> bool:
    """Whether a run shortly before it was due was this one: clocks differ. Of a quick schedule it
    is the one that it is nearest to."""
    reach = GRACE_S if following is None else min(GRACE_S, (following - due) / 2)
    return due - run_at < reach


def _is_unseen(due: float, gaps: Sequence[Gap]) -> bool:
    """Whether nobody listened around that time."""
    return any(
        gap.from_at - GRACE_S <= due and (gap.until_at is None or due <= gap.until_at)
        for gap in gaps
    )


def configured(app: Celery) -> list[Planned]:
    """The entries of the app's own configuration, those that its `on_after_finalize` adds
    included."""
    app.finalize(auto=True)
    return [
        _of_configuration(app, str(name), told)
        for name, told in list((app.conf.beat_schedule or {}).items())
        if is_id(str(name))
    ]


def _of_configuration(app: Celery, name: str, told: object) -> Planned:
    """One entry; one that cannot be read says so in place of its schedule."""
    entry: Mapping[str, Any] = told if isinstance(told, Mapping) else {}
    task = clean(entry.get("task"), MAX_ID) or "?"
    try:
        schedule = maybe_schedule(entry["schedule"], bool(entry.get("relative")), app=app)
        return Planned(name, task, text(schedule), CELERY, due_of(schedule, app))
    except Exception as error:  # noqa: BLE001 - a host's configuration may hold anything
        return Planned(name, task, f"unreadable: {type(error).__name__}", CELERY, never)


def due_of(schedule: Any, app: Celery) -> Due:
    """The due times of one of Celery's schedules, by its own reckoning and in its own timezone."""
    plan = copy.copy(schedule)
    plan.app = app

    def due_after(at: float) -> float | None:
        moment = datetime.fromtimestamp(at, UTC)
        # What remains at the instant itself is when it is due.
        plan.nowfun = lambda: moment
        try:
            # To the microsecond, as Celery's own times are: a float's noise would not be theirs.
            due = round(at + float(plan.remaining_estimate(moment).total_seconds()), 6)
        except Exception:  # noqa: BLE001 - a host's own schedule raises what it likes
            return None
        return due if due > at else None

    return due_after


def never(_: float) -> float | None:
    """The due times of an entry that has none."""
    return None


def text(schedule: Any) -> str:
    """The schedule in Celery's own words."""
    period = getattr(schedule, "run_every", None)
    if isinstance(period, timedelta):
        return f"every {_period(period.total_seconds())}"
    return str(clean(" ".join(repr(schedule).strip("<> \n").split()), MAX_TEXT))


_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def _period(seconds: float) -> str:
    for size, unit in _UNITS:
        if seconds >= size and seconds % size == 0:
            count = round(seconds / size)
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{seconds:g} seconds"
