"""What is watched beside the stream: the broker's queues and beat's schedule, as last found.

Instants are Unix seconds by our clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from realtime.core.events import clean

MAX_ERROR = 200
CONFIRM_S = 30.0
"""What was found unchanged is written again this often: its age is shown, and need not be exact."""
MINUTES = 60
"""For so long it is remembered how deep a queue was."""
_MINUTE_S = 60


class Reading(NamedTuple):
    """What one question about one queue found."""

    name: str
    measured_at: float | None = None
    """When the broker answered; None where it did not."""
    depth: int | None = None
    consumers: int | None = None
    priorities: Mapping[str, int] | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """One queue as the broker told last."""

    name: str
    first_seen_at: float
    measured_at: float | None = None
    depth: int | None = None
    consumers: int | None = None
    """As the broker counts them; None where it does not."""
    priorities: Mapping[str, int] | None = None
    """Depth by priority, without empty ones; None where all wait at the usual one."""
    depths: tuple[int | None, ...] = ()
    """The deepest of each minute, at most `MINUTES` of them; the last is the minute of
    `measured_at`. None where nobody measured."""
    error: str | None = None
    """Why the newest question was not answered, or what is wrong with the queue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleEntry:
    """One entry of beat's schedule, and how its runs stood at `checked_at`."""

    name: str
    task: str
    schedule: str
    source: str
    first_seen_at: float
    """Since when it stands in the schedule as it does now: runs due before are nobody's debt."""
    checked_at: float
    is_enabled: bool = True
    next_run_at: float | None = None
    last_run_at: float | None = None
    last_task_id: str | None = None
    missed: int = 0
    missed_at: float | None = None


def measured(known: Queue | None, reading: Reading, now: float) -> Queue:
    """The queue after this reading; what the broker told before stands while it does not answer."""
    base = known or Queue(name=reading.name, first_seen_at=now)
    error = clean(reading.error, MAX_ERROR)
    if reading.measured_at is None:
        return replace(base, error=error)
    return replace(
        base,
        measured_at=reading.measured_at,
        depth=reading.depth,
        consumers=reading.consumers,
        priorities=reading.priorities,
        depths=_lengthened(base, reading.measured_at, reading.depth),
        error=error,
    )


def _lengthened(base: Queue, at: float, depth: int | None) -> tuple[int | None, ...]:
    """`depths` with what was found at `at`. A clock that was set back adds to the last minute."""
    if not base.depths or base.measured_at is None:
        return (depth,)
    passed = min(int(at // _MINUTE_S - base.measured_at // _MINUTE_S), MINUTES)
    if passed > 0:
        return (*base.depths, *(None,) * (passed - 1), depth)[-MINUTES:]
    known = [each for each in (base.depths[-1], depth) if each is not None]
    return (*base.depths[:-1], max(known, default=None))


def is_news_of_queue(known: Queue | None, found: Queue) -> bool:
    """Whether it has to be written: something changed, or its age would be shown wrong."""
    if known is None:
        return True
    if _is_due(known.measured_at, found.measured_at):
        return True
    return replace(found, measured_at=known.measured_at) != known


def is_news_of_entry(known: ScheduleEntry | None, found: ScheduleEntry) -> bool:
    """Whether it has to be written: something changed, or its age would be shown wrong."""
    if known is None or _is_due(known.checked_at, found.checked_at):
        return True
    return replace(found, checked_at=known.checked_at) != known


def _is_due(written_at: float | None, at: float | None) -> bool:
    if at is None or written_at is None:
        return at is not written_at
    return not 0 <= at - written_at < CONFIRM_S
