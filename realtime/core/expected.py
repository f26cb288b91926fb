"""What is known of a task that somebody vouched for and that has not been heard of.

With Celery's defaults nothing tells of a task before a worker takes it. Who handed it over says so
beside the stream; that is evidence like any other, of which the first word counts.
"""

from collections.abc import Iterable
from typing import NamedTuple

from realtime.core.events import Event
from realtime.core.public import EXPECTED_S
from realtime.core.task import Mark

EVENT = "task-expected"
"""The Event of it. It comes from our own store, never from a broker: nobody may vouch there."""
KIND = "expected"
"""The mark that it leaves."""
HOSTNAME = "headway"
"""Who tells it: a mark without a hostname is a result backend's."""

HANDED_OVER = "It was handed over; no news yet."
NO_NEWS = "It was handed over, and nothing was heard of it for 10 minutes."


class Expectation(NamedTuple):
    """Somebody trusted said that this was handed over, as it is stored."""

    id: int
    """Its number in the store."""
    subject: str
    """`task:<id>` or `group:<id>`."""
    at: float
    total: int | None = None
    """How many members a group has."""


def event(id_: str, at: float, received_at: float) -> Event:
    """That the task was handed over at `at`, as told at `received_at`; both Unix seconds."""
    return Event(EVENT, id_, HOSTNAME, 0, at, 0, received_at, {})


def expected_at(marks: Iterable[Mark]) -> float | None:
    """When it was first said to be handed over; None where nobody said so."""
    return min((mark.at for mark in marks if mark.kind == KIND), default=None)


def no_news_at(marks: Iterable[Mark]) -> float | None:
    """Until when it counts as on its way, nothing else being known of it."""
    at = expected_at(marks)
    return None if at is None else at + EXPECTED_S
