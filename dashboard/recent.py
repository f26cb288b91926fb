"""Reads that many pages ask for at once, done for all of them.

Pages that poll ask every two seconds for their place in line, and each look at a long queue takes
tens of milliseconds."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar

from realtime.embedding import Expected, PublicPage, PublicReads, Usual

PLACES_S = 2.0
USUAL_S = 30.0
MAX_KEPT = 1_000
"""Queues, and names."""

Line = Sequence[tuple[float, str]]
Value = TypeVar("Value")
Kept = dict[str, tuple[float, Value | None]]
"""When it was read, and what was found."""


class RecentReads:
    """A `PublicReads` that tells places and durations a moment late. May be used from any thread:
    two that miss at once both read."""

    def __init__(self, reads: PublicReads, now: Callable[[], float] = time.monotonic) -> None:
        """`now` is in seconds of a clock that never goes back."""
        self._reads = reads
        self._now = now
        self._lines: Kept[Line] = {}
        self._usual: Kept[Usual] = {}

    def public(self, subjects: Collection[str]) -> PublicPage:
        """What is known now."""
        return self._reads.public(subjects)

    def places(self, queues: Collection[str]) -> Mapping[str, Line]:
        """At most `PLACES_S` old."""
        return self._recent(self._lines, queues, self._reads.places, PLACES_S)

    def usual(self, names: Collection[str]) -> Mapping[str, Usual]:
        """At most `USUAL_S` old."""
        return self._recent(self._usual, names, self._reads.usual, USUAL_S)

    def vouch(self, subjects: Mapping[str, Expected]) -> None:
        """Told at once."""
        self._reads.vouch(subjects)

    def _recent(
        self,
        kept: Kept[Value],
        keys: Collection[str],
        read: Callable[[Collection[str]], Mapping[str, Value]],
        fresh_s: float,
    ) -> dict[str, Value]:
        now = self._now()
        held = {key: kept.get(key) for key in dict.fromkeys(keys)}
        due = [key for key, each in held.items() if each is None or now - each[0] >= fresh_s]
        if due:
            found = read(due)
            news = {key: (now, found.get(key)) for key in due}
            if len(kept) + len(news) > MAX_KEPT:
                kept.clear()
            kept.update(news)
            held |= news
        told = ((key, each[1]) for key, each in held.items() if each is not None)
        return {key: value for key, value in told if value is not None}
