"""Every subject that is watched in this process, and the reads that keep them true."""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from realtime.core import public
from realtime.core.frames import FrameError
from realtime.embedding import Expected, PublicPage, PublicReads
from realtime.hub.lookups import Lookups
from realtime.hub.pool import Offload
from realtime.hub.rows import GROUPS, TASKS, Change
from realtime.hub.subjects import Subject, tell

if TYPE_CHECKING:
    from realtime.hub.following import Following

logger = logging.getLogger(__name__)

MAX_A_READ = 500
UNKNOWN_EVERY_S = 5.0
"""What nobody has told anything of is asked for again: another process may vouch for it."""
RETRY_S = 3.0
"""After a read that failed."""
FULL = "This server shows as many tasks and groups as it can: this will be tried again."

KINDS: Mapping[str, str] = {TASKS: public.TASK, GROUPS: public.GROUP}
Spawn = Callable[[Coroutine[Any, Any, None]], object]


class Reading:
    """Touched only by the hub's loop; reads in the hub's threads."""

    def __init__(
        self,
        *,
        reads: PublicReads | None,
        pool: Offload,
        counters: Counter[str],
        max_subjects: int,
        clock: Callable[[], float],
        now: Callable[[], float],
        spawn: Spawn,
    ) -> None:
        """`clock` is Unix seconds, `now` seconds that never go back."""
        self.counters = counters
        self.now = now
        self._reads = reads
        self._pool = pool
        self._max_subjects = max_subjects
        self._clock = clock
        self._spawn = spawn
        self._subjects: dict[str, Subject] = {}
        self._wanted: dict[Subject, None] = {}
        """Those to read, the first first."""
        self._unknown: dict[Subject, None] = {}
        self._overdue: dict[Subject, float] = {}
        """When what nobody has heard of yet is given up (Unix seconds), while that lies ahead."""
        self._overdue_at = math.inf
        """The first of these."""
        self._given_up: dict[Subject, None] = {}
        """Those of which something else is told, even where the store has nothing new."""
        self._is_reading = False
        self._read_at = self._asked_at = now()
        self._lookups = Lookups(reads, pool, counters, now, spawn)

    def __len__(self) -> int:
        return len(self._subjects)

    def follow(self, key: str, following: Following, issued_at: float | None) -> Subject:
        """The subject of this key, followed; FrameError when there are too many."""
        subject = self._subjects.get(key)
        if subject is None:
            # Whoever has an owner's token may name what does not exist: that must not take the room
            # of those whose tokens name what they follow.
            room = self._max_subjects // (1 if issued_at is not None else 2)
            if len(self._subjects) >= room:
                raise FrameError("too_many_subjects", FULL, retry=True)
            subject = self._subjects[key] = Subject(key)
            subject.issued_at = issued_at
            self._want(subject)
        subject.followers[following] = None
        return subject

    def leave(self, subject: Subject, following: Following) -> None:
        """Follow it no more; what nobody follows is forgotten."""
        subject.followers.pop(following, None)
        if not subject.followers and self._subjects.get(subject.key) is subject:
            del self._subjects[subject.key]
            self._wanted.pop(subject, None)
            for held in (self._unknown, self._overdue, self._given_up):
                held.pop(subject, None)
            self._lookups.forget(subject)

    def vouch(self, subject: Subject, issued_at: float | None) -> None:
        """A token that was issued then names it."""
        if issued_at is None or subject.issued_at is not None:
            return
        subject.issued_at = issued_at
        if subject.is_unknown:
            self._want(subject)

    def apply(self, changes: Mapping[str, list[Change]]) -> None:
        """Take up what a commit changed, and tell who watches it."""
        if not self._subjects:
            return
        at, changed = self._clock(), []
        for kind, of in KINDS.items():
            for change in changes.get(kind, ()):
                subject = self._subjects.get(f"{of}:{change.key}")
                if subject is not None and subject.take(change.row, at):
                    changed.append(subject)
        self._settle(changed)

    def read_again(self, kind: str | None = None) -> None:
        """Changes of this kind (of all for None) were missed: read what is watched."""
        for subject in self._subjects.values():
            if kind is None or subject.kind == kind:
                self._want(subject)

    def turn(self) -> None:
        """What is told of all that is not over is other than before."""
        changed = [subject for subject in self._subjects.values() if not subject.is_over]
        for subject in changed:
            subject.change()
        self._settle(changed)

    def tick(self) -> None:
        """Read what is due."""
        now = self.now()
        if self._unknown and now - self._asked_at >= UNKNOWN_EVERY_S:
            self._asked_at = now
            # Those that wait longest: each read puts its own at the end.
            for subject in list(islice(self._unknown, MAX_A_READ)):
                self._want(subject)
        self._give_up()
        self._start_read()
        self._lookups.tick()

    def _give_up(self) -> None:
        """Read what has become overdue: the store may know better by now."""
        at = self._clock()
        if at < self._overdue_at:
            return
        for subject in [each for each, due_at in self._overdue.items() if due_at <= at]:
            del self._overdue[subject]
            self._given_up[subject] = None
            self._want(subject)
        self._overdue_at = min(self._overdue.values(), default=math.inf)

    def _want(self, subject: Subject) -> None:
        if self._reads is not None:
            self._wanted[subject] = None
            self._start_read()

    def _start_read(self) -> None:
        if self._wanted and not self._is_reading and self.now() >= self._read_at:
            self._is_reading = True
            self._spawn(self._read())

    async def _read(self) -> None:
        """Until nothing is wanted: all that is asked for meanwhile is read together."""
        asked: list[Subject] = []
        try:
            while self._wanted:
                asked = list(islice(self._wanted, MAX_A_READ))
                for subject in asked:
                    del self._wanted[subject]
                await self._read_some(asked)
        except Exception:
            self.counters["public_reads_failed"] += 1
            self._read_at = self.now() + RETRY_S
            self._wanted.update((subject, None) for subject in asked if subject.followers)
            logger.exception("Progress could not be read", extra={"action": "read_progress"})
        finally:
            self._is_reading = False

    async def _read_some(self, asked: list[Subject]) -> None:
        if self._reads is None:
            return
        self.counters["public_reads"] += 1
        issued = {subject.key: subject.issued_at for subject in asked}
        page, vouched = await self._pool.run(_read, self._reads, issued)
        self.counters["vouched"] += len(vouched)
        at, changed = self._clock(), []
        for subject in asked:
            rows = page.tasks if subject.kind == public.TASK else page.groups
            expected = page.expected.get(subject.key) or vouched.get(subject.key)
            is_news = subject.learn(rows.get(subject.id), expected, at)
            if subject in self._given_up:
                del self._given_up[subject]
                subject.change()
                is_news = True
            if is_news:
                changed.append(subject)
        self._settle(changed)

    def _settle(self, changed: Iterable[Subject]) -> None:
        followed = [subject for subject in changed if subject.followers]
        for subject in followed:
            self._unknown.pop(subject, None)
            if subject.is_unknown:
                self._unknown[subject] = None
            self._note_overdue(subject)
            self._lookups.note(subject)
        tell(followed)

    def _note_overdue(self, subject: Subject) -> None:
        due_at = public.overdue_at(subject.row, subject.expected)
        if due_at is None or due_at <= self._clock():
            self._overdue.pop(subject, None)
            return
        self._overdue[subject] = due_at
        self._overdue_at = min(self._overdue_at, due_at)


def _read(
    reads: PublicReads, issued: Mapping[str, float | None]
) -> tuple[PublicPage, Mapping[str, Expected]]:
    """What is known of these subjects, and the word of their tokens for those of which nothing is.
    Runs in a thread."""
    page = reads.public(list(issued))
    vouched = {
        key: Expected(at)
        for key, at in issued.items()
        if at is not None and key not in page.expected and not _is_stored(page, key)
    }
    if vouched:
        try:
            reads.vouch(vouched)
        except Exception:
            # People are shown what is known; the next who watch it vouch again.
            logger.exception("What was handed over could not be noted", extra={"action": "vouch"})
    return page, vouched


def _is_stored(page: PublicPage, key: str) -> bool:
    kind, _, id_ = key.partition(":")
    return id_ in (page.tasks if kind == public.TASK else page.groups)
