"""What people who wait watch, shared by all who watch the same: read once, encoded once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, NamedTuple, cast

from realtime.core import framing, pace, public
from realtime.core.framing import Text
from realtime.core.pace import Pace
from realtime.core.public import Expected, Shown, Usual
from realtime.core.task import COMPLETED, QUEUED, RUNNING
from realtime.core.wire import Row
from realtime.hub.rows import json_text

if TYPE_CHECKING:
    from realtime.hub.following import Following

FRESH_S = 1.0
"""A row tells seconds as of the moment it was made: so long it serves others too."""


class Encoded(NamedTuple):
    """A public row as its readers are sent it."""

    made_at: float
    text: Text


class Subject:
    """One task or group that is watched. Touched only by the hub's loop."""

    __slots__ = (
        "_attempt",
        "_pace",
        "_patches",
        "_texts",
        "expected",
        "followers",
        "id",
        "is_read",
        "issued_at",
        "key",
        "kind",
        "place",
        "revision",
        "row",
        "usual",
    )

    def __init__(self, key: str) -> None:
        """`key` is `task:<id>` or `group:<id>`."""
        self.key = key
        self.kind, _, self.id = key.partition(":")
        self.row: Row | None = None
        self.expected: Expected | None = None
        self.revision = 0
        self.is_read = False
        """Whether there is anything to show."""
        self.issued_at: float | None = None
        """When the first token that names it was issued, Unix seconds: as much as being told that
        it was handed over."""
        self.place: int | None = None
        self.usual: Usual | None = None
        self.followers: dict[Following, None] = {}
        self._attempt: object = None
        self._pace = Pace()
        self._texts: dict[Shown, Encoded] = {}
        self._patches: dict[Shown, tuple[int, Encoded]] = {}

    @property
    def owner(self) -> object:
        """Whose task it is, as far as is known."""
        return self.row.get("owner") if self.row is not None else None

    @property
    def is_unknown(self) -> bool:
        """Whether nobody has told anything of it yet."""
        return self.is_read and self.row is None and self.expected is None

    @property
    def is_over(self) -> bool:
        """Whether nothing more is expected of it."""
        return self.row is not None and self.row.get("status") == COMPLETED

    @property
    def queue(self) -> str | None:
        """Where it waits; None when it does not, as far as is known."""
        is_waiting = self.row is not None and self.row.get("status") == QUEUED
        return self._told("queue") if is_waiting else None

    @property
    def name(self) -> str | None:
        """What it is one of, while it is not over."""
        return None if self.is_over else self._told("name")

    def take(self, row: Row, at: float) -> bool:
        """A newer version of its row, at Unix seconds `at`; False for one that is not newer."""
        revision = cast(int, row.get("revision", 0))
        if self.row is not None and revision <= self.revision:
            return False
        self.row, self.revision, self.is_read = row, revision, True
        self._note_pace(row, at)
        self.change()
        return True

    def learn(self, row: Row | None, expected: Expected | None, at: float) -> bool:
        """What a read found; whether that is news. A row that is gone keeps its last state."""
        is_news = not self.is_read
        self.is_read = True
        if row is not None:
            is_news |= self.take(row, at)
        if expected is not None and expected != self.expected:
            self.expected = expected
            is_news = True
        if is_news:
            self.change()
        return is_news

    def change(self) -> None:
        """What was made of it is true no longer."""
        self._texts.clear()
        self._patches.clear()

    def _told(self, name: str) -> str | None:
        value = self.row.get(name) if self.row is not None else None
        return value if isinstance(value, str) and value else None

    def _fraction(self) -> float | None:
        """How much of it is done, 0 to 1; None while that is unknown."""
        held: Row = self.row or {}
        progress = held.get("progress") if self.kind == public.TASK else held
        percent = progress.get("percent") if isinstance(progress, dict) else None
        return percent / 100 if isinstance(percent, (int, float)) else None

    def _note_pace(self, row: Row, at: float) -> None:
        if self._attempt != row.get("retries"):
            self._attempt, self._pace = row.get("retries"), Pace()
        fraction = self._fraction()
        if fraction is not None and row.get("status") == RUNNING:
            self._pace.note(fraction, at)

    def left(self, at: float) -> float | None:
        """Seconds that it will go on, by its own pace; None when there is none to judge by."""
        fraction, held = self._fraction(), self.row or {}
        if fraction is None or held.get("status") != RUNNING:
            return None
        left = self._pace.seconds_left(at)
        began = held.get("started_at") if self.kind == public.TASK else held.get("first_seen_at")
        if left is None and isinstance(began, (int, float)):
            left = pace.average(fraction, began, at)
        return left

    def encoded(self, shown: Shown, at: float, make: Callable[[Subject, Shown], Row]) -> Encoded:
        """Its row by these eyes, at most a second old; `make` makes it."""
        held = self._texts.get(shown)
        if held is None or not 0 <= at - held.made_at < FRESH_S:
            held = self._texts[shown] = Encoded(at, json_text(make(self, shown)))
        return held

    def patch(self, shown: Shown, revision: int, encoded: Encoded) -> Text:
        """The rest of a frame that tells this row alone."""
        held = self._patches.get(shown)
        if held is None or held[0] != revision or held[1].made_at != encoded.made_at:
            body = framing.sized(framing.patch_body(revision, [encoded.text], ()))
            held = self._patches[shown] = (revision, Encoded(encoded.made_at, body))
        return held[1].text


class Maker:
    """Makes public rows, and counts them."""

    def __init__(
        self,
        counters: Counter[str],
        clock: Callable[[], float],
        public_errors: Collection[str],
    ) -> None:
        """`clock` is Unix seconds."""
        self.is_blind = False
        self._counters = counters
        self._clock = clock
        self._public_errors = public_errors

    def encoded(self, subject: Subject, shown: Shown) -> Encoded:
        """The row of a subject by these eyes."""
        return subject.encoded(shown, self._clock(), self._row)

    def _row(self, subject: Subject, shown: Shown) -> Row:
        self._counters["progress_encoded"] += 1
        at = self._clock()
        if subject.kind == public.GROUP:
            return public.group_row(
                subject.row,
                subject.expected,
                shown,
                at,
                id=subject.id,
                left=subject.left(at),
                is_blind=self.is_blind,
            )
        return public.task_row(
            subject.row,
            subject.expected,
            shown,
            at,
            id=subject.id,
            left=subject.left(at),
            usual=subject.usual,
            place=subject.place,
            public_errors=self._public_errors,
            is_blind=self.is_blind,
        )


def tell(changed: Iterable[Subject]) -> None:
    """Tell everybody who watches these, each of them once."""
    heard: dict[Following, list[Subject]] = {}
    for subject in changed:
        for following in subject.followers:
            heard.setdefault(following, []).append(subject)
    for following, subjects in heard.items():
        following.hear(subjects)
