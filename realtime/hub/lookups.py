"""What the rows of waiting and running tasks do not tell themselves: their place in line, and how
long tasks of their name usually take. Read for those that are watched, and for all at once."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from realtime.core import public
from realtime.embedding import PublicReads, Usual
from realtime.hub.pool import Offload
from realtime.hub.subjects import Subject, tell

logger = logging.getLogger(__name__)

PLACES_EVERY_S = 5.0
USUAL_EVERY_S = 60.0
LOOK_EVERY_S = 1.0
MAX_A_READ = 200
"""Queues, and names, that one read asks for."""

Places = Mapping[str, Sequence[tuple[float, str]]]
Spawn = Callable[[Coroutine[Any, Any, None]], object]


class Shelf:
    """What was read of one queue or one name, and for whom."""

    def __init__(self) -> None:
        self.read_at: float | None = None
        self.usual: Usual | None = None
        self.subjects: dict[Subject, None] = {}

    def is_due(self, now: float, every_s: float) -> bool:
        """Whether to read it."""
        return bool(self.subjects) and (self.read_at is None or now - self.read_at >= every_s)

    def is_stale(self, now: float, every_s: float) -> bool:
        """Whether nobody needs it any more."""
        return not self.subjects and (self.read_at is None or now - self.read_at >= every_s)


class Lookups:
    """Touched only by the hub's loop; reads in the hub's threads."""

    def __init__(
        self,
        reads: PublicReads | None,
        pool: Offload,
        counters: Counter[str],
        now: Callable[[], float],
        spawn: Callable[[Coroutine[Any, Any, None]], object],
    ) -> None:
        """`now` is of a clock that never goes back."""
        self._reads = reads
        self._pool = pool
        self._counters = counters
        self._now = now
        self._spawn = spawn
        self._queues: dict[str, Shelf] = {}
        self._names: dict[str, Shelf] = {}
        self._at: dict[Subject, tuple[str | None, str | None]] = {}
        """Queue and name by which a subject is looked up."""
        self._look_at = now()
        self._is_reading = False

    def note(self, subject: Subject) -> None:
        """A subject is watched, or changed."""
        if subject.kind != public.TASK or self._reads is None:
            return
        before = self._at.get(subject, (None, None))
        wanted = (subject.queue, subject.name)
        if wanted == before:
            return
        self.forget(subject)
        if wanted == (None, None):
            return
        self._at[subject] = wanted
        queue, name = wanted
        if queue is not None:
            self._put(self._queues, queue, subject)
        if name is not None:
            subject.usual = self._put(self._names, name, subject).usual

    def forget(self, subject: Subject) -> None:
        """It waits or runs no more, or nobody watches it."""
        queue, name = self._at.pop(subject, (None, None))
        subject.place = None
        for shelves, key in ((self._queues, queue), (self._names, name)):
            if key is not None and key in shelves:
                shelves[key].subjects.pop(subject, None)

    def tick(self) -> None:
        """Read what is due."""
        now = self._now()
        if self._is_reading or now < self._look_at:
            return
        self._look_at = now + LOOK_EVERY_S
        queues = _due(self._queues, now, PLACES_EVERY_S)
        names = _due(self._names, now, USUAL_EVERY_S)
        if queues or names:
            self._is_reading = True
            self._spawn(self._read(queues, names))

    def _put(self, shelves: dict[str, Shelf], key: str, subject: Subject) -> Shelf:
        shelf = shelves.setdefault(key, Shelf())
        shelf.subjects[subject] = None
        if shelf.read_at is None:
            self._look_at = self._now()
        return shelf

    async def _read(self, queues: list[str], names: list[str]) -> None:
        if self._reads is None:
            return
        now = self._now()
        for shelf in (*(self._queues[key] for key in queues), *(self._names[key] for key in names)):
            # Also where it fails: it is tried again no sooner than it would be anyway.
            shelf.read_at = now
        self._counters["progress_lookups"] += 1
        try:
            places, usual = await self._pool.run(_read, self._reads, queues, names)
        except Exception:
            self._counters["progress_lookups_failed"] += 1
            logger.exception("Places in line could not be read", extra={"action": "read_places"})
        else:
            self._install(queues, names, places, usual)
        finally:
            self._is_reading = False

    def _install(
        self,
        queues: Iterable[str],
        names: Iterable[str],
        places: Places,
        usual: Mapping[str, Usual],
    ) -> None:
        changed: dict[Subject, None] = {}
        for queue in queues:
            place_of = {id_: n for n, (_, id_) in enumerate(places.get(queue, ()), start=1)}
            for subject in self._of(self._queues, queue):
                place = place_of.get(subject.id)
                if subject.place != place:
                    subject.place = place
                    changed[subject] = None
        for name in names:
            found = usual.get(name)
            if name in self._names:
                self._names[name].usual = found
            for subject in self._of(self._names, name):
                if subject.usual != found:
                    subject.usual = found
                    changed[subject] = None
        for subject in changed:
            subject.change()
        tell(changed)

    def _of(self, shelves: dict[str, Shelf], key: str) -> Iterable[Subject]:
        return shelves[key].subjects if key in shelves else ()


def _read(
    reads: PublicReads, queues: list[str], names: list[str]
) -> tuple[Places, Mapping[str, Usual]]:
    """Runs in a thread."""
    places = reads.places(queues) if queues else {}
    return places, reads.usual(names) if names else {}


def _due(shelves: dict[str, Shelf], now: float, every_s: float) -> list[str]:
    """What to read now; what nobody needs is forgotten."""
    for key in [key for key, shelf in shelves.items() if shelf.is_stale(now, every_s)]:
        del shelves[key]
    due = (key for key, shelf in shelves.items() if shelf.is_due(now, every_s))
    return list(islice(due, MAX_A_READ))
