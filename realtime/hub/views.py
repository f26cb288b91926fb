"""The distinct views: what each holds, and what a batch changes in it, for all who watch it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from realtime.core import frames, framing, query
from realtime.core.framing import Text
from realtime.core.query import Query
from realtime.core.window import Pending, Window
from realtime.core.wire import Row
from realtime.hub.rows import (
    TASKS,
    WORKERS,
    Change,
    Encoder,
    Held,
    Projection,
    changes_of,
    json_text,
    told_changes,
)
from realtime.ports import Page, Select

if TYPE_CHECKING:
    from realtime.hub.counts import Board
    from realtime.hub.feed import Feed

RELOAD_EVERY_S = 1.0
"""At most so often is a window refilled: a busy `status:running` loses rows with every batch."""
RETRY_S = 3.0
"""After a read that failed."""
COSTLY_S = 5.0
LONGEST_COSTLY_S = 300.0
"""Between reads that took too long: twice as long after each, up to this."""
RELATIVE_EVERY_S = 10.0

KIND_OF: Mapping[str, str] = {
    "tasks": TASKS,
    "task": TASKS,
    "workers": WORKERS,
    "worker": WORKERS,
    **{kind: kind for kind in frames.TOLD},
}


class ViewKey(NamedTuple):
    """What makes a view the same view, whoever watches."""

    select: Select
    rows: Query
    """The watcher's row access, ANDed to the query."""
    hidden: frozenset[str]


class Patch(NamedTuple):
    """One frame's worth of what changed, and whether nothing is left to tell after it."""

    body: Text
    upsert: list[str]
    remove: list[str]
    is_last: bool


class Delta(NamedTuple):
    """What changed in a view, and the patches that tell it to all who were up to date."""

    pending: Pending
    patches: list[Patch]
    has_counts: bool = False


REACH_S = 60.0
"""Long enough for all browsers to come back after a restart."""


class Reach(NamedTuple):
    """Keys of the rows in a window and of many below it, newest first, as of a revision."""

    revision: int
    keys: list[str]
    read_at: float
    """By a clock that never goes back."""


class View:
    """One distinct view and the feeds that watch it. Touched only by the hub's loop."""

    def __init__(self, key: ViewKey, board: Board | None, at: float, now: float) -> None:
        """`at` is Unix seconds, for relative terms; `now` is of a clock that never goes back."""
        self.select = key.select
        self.key = key
        self.board = board
        self.kind = KIND_OF[key.select.of]
        self.is_told = self.kind in frames.TOLD
        """Whether only the store can tell what it holds, and when that changes."""
        self.projection = Projection(
            key.select.of, key.hidden if self.kind == TASKS else frozenset()
        )
        self.feeds: dict[Feed, None] = {}
        self.held: dict[str, Held] = {}
        self.revision = 0
        """Everything up to here is in `held`."""
        self.is_ready = False
        self.is_loading = False
        self.load_at: float | None = None
        """When the rows are to be read anew; None while nothing is missing. Meanwhile its
        revision stands still: whoever resumes from it is told again what it may lack."""
        self.loaded_at = now
        self._costly_s = COSTLY_S
        self.read_revision = 0
        """As of which the rows were last read; what changed before is in them."""
        self.reach: Reach | None = None
        """What readers who come back may hold; kept for a while, since many do at once."""
        self._window = Window(key.select.limit)
        self._keys = frozenset(key.select.ids)
        self._query = query.conjunction(key.select.query, key.rows)
        self._matches, self._allows = self._predicates(at)

    @property
    def is_relative(self) -> bool:
        """Whether time alone changes what belongs to it."""
        return self._query.is_relative

    @property
    def keys(self) -> frozenset[str]:
        """The rows that it follows; empty where a query chooses them."""
        return self._keys

    @property
    def is_complete(self) -> bool:
        """Whether it holds every row that belongs to it."""
        return self._window.is_complete

    def allows(self, change: Change) -> bool:
        """Whether its watchers may know of this row."""
        return self.kind != TASKS or self._allows(change.row)

    def newest_first(self) -> list[str]:
        """Keys of the rows it holds, in the order that people see."""
        return self._window.newest_first()

    def oldest(self, count: int) -> list[str]:
        """Keys of the `count` rows at its bottom."""
        return self._window.oldest(count)

    def advance(self, revision: int) -> None:
        """Nothing changed here until `revision`."""
        if self.load_at is None and not self.is_told:
            self.revision = max(self.revision, revision)

    def apply(
        self, changes: Iterable[Change], encoder: Encoder, revision: int, now: float
    ) -> Delta | None:
        """Take up what changed until `revision`; None when nothing of it is shown here."""
        told = self.revision
        pending = self._take(changes, encoder)
        return self._settle(pending, told, revision, now)

    def remove(self, keys: frozenset[str], revision: int, now: float) -> Delta | None:
        """Take out rows that no longer exist since `revision`."""
        told = self.revision
        pending = Pending()
        for key in self.held.keys() & keys:
            self._drop(key, pending)
        return self._settle(pending, told, revision, now)

    def install(
        self, page: Page, later: Iterable[Change], revision: int, at: float, now: float
    ) -> Delta | None:
        """Hold the rows of a page, and `later` ones that changed between it and `revision`."""
        before, told, was_ready = self.held, self.revision, self.is_ready
        self._matches, self._allows = self._predicates(at)
        self._fill(page)
        self.load_at, self.loaded_at = None, now
        self._costly_s = COSTLY_S
        self.is_ready = True
        self.revision = self.read_revision = page.revision
        self._refill_if_short(self._take(later, Encoder()), now)
        self.advance(revision)
        return self._delta(self._difference(before), told) if was_ready else None

    def is_due(self, now: float) -> bool:
        """Whether to read the rows anew."""
        is_wanted = self.is_ready or self.is_told
        is_time = self.load_at is not None and now >= self.load_at
        return is_wanted and is_time and not self.is_loading

    def forget_reach(self, now: float) -> None:
        """Keep no keys for readers who no longer come."""
        if self.reach is not None and now - self.reach.read_at >= REACH_S:
            self.reach = None

    def put_off(self, now: float) -> None:
        """Reading the rows took too long: wait, each time for longer."""
        self.load_at = now + self._costly_s
        self._costly_s = min(2 * self._costly_s, LONGEST_COSTLY_S)

    def lose(self, now: float) -> None:
        """Changes were missed, or time changed what belongs here: the rows are to be read anew."""
        self.load_at = now

    def pieces(self) -> list[list[Text]]:
        """The rows newest first, in the pieces of a snapshot."""
        return framing.pieces(self.held[key].text for key in self.newest_first())

    def counted(self) -> Delta:
        """The patch that tells new counts."""
        patch = self.patch(Pending(), self.revision, has_counts=True)
        return Delta(Pending(), [patch], has_counts=True)

    def patch(self, pending: Pending, told: int, *, has_counts: bool) -> Patch:
        """As much of `pending` as a frame takes. Only the last frame has the view's revision: a
        reader that misses it resumes from `told`, and misses nothing."""
        room = framing.ROOM
        gone = [json_text(key) for key in pending.remove]
        remove, room = framing.first(gone, room)
        upsert, _ = framing.first((self.held[key].text for key in pending.upsert), room)
        is_last = len(remove) == len(gone) and len(upsert) == len(pending.upsert)
        counts = self.board.text if is_last and has_counts and self.board else None
        body = framing.patch_body(self.revision if is_last else told, upsert, remove, counts)
        return Patch(
            framing.sized(body),
            list(islice(pending.upsert, len(upsert))),
            list(islice(pending.remove, len(remove))),
            is_last,
        )

    def _predicates(self, at: float) -> tuple[Callable[[Row], bool], Callable[[Row], bool]]:
        return query.predicate(self._query, at), query.predicate(self.key.rows, at)

    def _belongs(self, change: Change) -> bool:
        if self._keys:
            return change.key in self._keys and self.allows(change)
        return self.kind == WORKERS or self._matches(change.row)

    def _fill(self, page: Page) -> None:
        before, encoder = self.held, Encoder()
        self._window, self.held = Window(self.select.limit), {}
        for change in self._changes(page):
            if not self._window.admit(change.order).is_in:
                continue
            self.held[change.key] = self._kept(before.get(change.key), change, encoder)
        if page.after is not None or page.searched_back_to is not None:
            self._window.is_complete = False

    def _kept(self, old: Held | None, change: Change, encoder: Encoder) -> Held:
        """What is held after a read that found `change`: the old one where nothing is new."""
        if old is not None and old.revision == change.revision and not self.is_told:
            return old
        held = encoder.held(change, self.projection)
        # A row without a number of its own is the same while it reads the same.
        return old if old is not None and self.is_told and old.text == held.text else held

    def _changes(self, page: Page) -> list[Change]:
        if self.is_told:
            return told_changes(self.kind, page.rows, page.revision)
        return changes_of(self.kind, page.rows)

    def _take(self, changes: Iterable[Change], encoder: Encoder) -> Pending:
        pending = Pending()
        newest: dict[str, Change] = {}
        for change in changes:
            if change.revision <= self.read_revision:
                continue
            if self._belongs(change):
                self._admit(change, pending)
                newest[change.key] = change
            else:
                self._drop(change.key, pending)
        for key in pending.upsert:
            self.held[key] = encoder.held(newest[key], self.projection)
        return pending

    def _admit(self, change: Change, pending: Pending) -> None:
        place = self._window.admit(change.order)
        if place.is_in:
            pending.put(change.key, is_new=place.is_new)
        if place.pushed_out is not None:
            self.held.pop(place.pushed_out, None)
            pending.drop(place.pushed_out)

    def _drop(self, key: str, pending: Pending) -> None:
        if self._window.discard(key):
            self.held.pop(key, None)
            pending.drop(key)

    def _settle(self, pending: Pending, told: int, revision: int, now: float) -> Delta | None:
        self._refill_if_short(pending, now)
        self.advance(revision)
        return self._delta(pending, told)

    def _refill_if_short(self, pending: Pending, now: float) -> None:
        is_short = len(self._window) < self.select.limit and not self._window.is_complete
        if pending.remove and is_short and self.load_at is None:
            self.load_at = max(now, self.loaded_at + RELOAD_EVERY_S)

    def _difference(self, before: Mapping[str, Held]) -> Pending:
        pending = Pending()
        for key in before:
            if key not in self.held:
                pending.drop(key)
        for key, held in self.held.items():
            old = before.get(key)
            if old != held:
                pending.put(key, is_new=old is None)
        return pending

    def _delta(self, pending: Pending, told: int) -> Delta | None:
        """The patches of `pending`, made once for all who were told everything up to `told`."""
        if not pending or not self.feeds:
            return None
        left = Pending()
        left.merge(pending)
        patches = []
        while left:
            patch = self.patch(left, told, has_counts=False)
            left.told(patch.upsert, patch.remove)
            patches.append(patch)
        return Delta(pending, patches)
