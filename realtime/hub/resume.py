"""What a reader who comes back is told: every change since it left, or everything anew."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Any, TypeVar

from realtime.core.frames import Since
from realtime.core.window import Pending
from realtime.hub.pool import Offload
from realtime.hub.rows import TASKS, Change, changes_of
from realtime.hub.stream import Stream
from realtime.hub.views import Reach, View
from realtime.ports import Page, Snapshots

MOST_TIMES_LIMIT = 5
"""More changes than this many windows cost more to tell one by one than a snapshot."""
TRIES = 2
"""A read that was under way may be of a time before the reader left; the next one is not."""

T = TypeVar("T")


class Resuming:
    """Finds out what readers missed. After a restart they all come back at once, so that what is
    read for one is read for all of them."""

    def __init__(
        self,
        stream: Stream,
        reader: Snapshots,
        pool: Offload,
        counters: Counter[str],
        clock: Callable[[], float],
        now: Callable[[], float],
    ) -> None:
        """`clock` is Unix seconds, `now` seconds that never go back."""
        self._stream = stream
        self._reader = reader
        self._pool = pool
        self._counters = counters
        self._clock = clock
        self._now = now
        self._reading: dict[Hashable, asyncio.Future[Any]] = {}

    async def changed_since(self, view: View, since: Since) -> Pending | None:
        """Which rows to send and which to remove; None where only a snapshot will do.

        Errs towards too much: sending a row again, or removing one that is not held, does no harm.
        """
        if not is_resumable(view, since, self._stream):
            return None
        if view.keys:
            return _followed_since(view, since)
        changes = await self._changes(view, since.revision)
        if changes is None or len(changes) > MOST_TIMES_LIMIT * view.select.limit:
            return None
        below: Sequence[str] | None = ()
        if changes and not view.is_complete:
            # Rows that came in pushed others out, which the reader may hold.
            below = await self._below(view, since.revision, len(changes))
        if below is None:
            return None
        if any(change.key not in view.held and not view.allows(change) for change in changes):
            # It may have been the reader's to see before; its id must not be told now.
            return None
        return _window_since(view, since, changes, below)

    def limit(self, view: View) -> int:
        """How many rows to read for a view: more than it holds where a reader comes back who may
        hold what went out of it."""
        limit = view.select.limit
        return limit * (1 + MOST_TIMES_LIMIT) if self._is_missed(view) else limit

    def note(self, view: View, page: Page) -> Reach:
        """Remember what such a read found, for all who come back."""
        keys = [change.key for change in changes_of(view.kind, page.rows)]
        view.reach = Reach(page.revision, keys, self._now())
        return view.reach

    def _is_missed(self, view: View) -> bool:
        """Whether a reader of a window of tasks was away while something changed."""
        if view.kind != TASKS or view.keys:
            return False
        left = [feed.op.since for feed in view.feeds if feed.op.since is not None]
        return any(
            is_resumable(view, since, self._stream) and since.revision < self._stream.revision
            for since in left
        )

    async def _changes(self, view: View, since: int) -> list[Change] | None:
        found = self._stream.since(view.kind, since)
        if found is not None:
            return found
        limit = MOST_TIMES_LIMIT * view.select.limit
        kind = view.kind

        async def read() -> list[Change] | None:
            rows = await self._pool.run(self._reader.changes, kind, since, limit)
            return None if rows is None else changes_of(kind, rows)

        return await self._shared((kind, since, limit), read)

    async def _below(self, view: View, since: int, count: int) -> Sequence[str] | None:
        """Keys of what the window held before these `count` changes since then, and of what it
        holds now; None when the store does not tell."""

        async def read() -> Reach:
            limit = (1 + MOST_TIMES_LIMIT) * view.select.limit
            wider = view.select._replace(limit=limit)
            page = await self._pool.run(self._reader.page, wider, view.key.rows, self._clock())
            return self.note(view, page)

        for _ in range(TRIES):
            reach = view.reach
            if reach is None or reach.revision < since:
                reach = await self._shared(view, read)
            if reach.revision >= since:
                return reach.keys[: view.select.limit + count]
        return None

    async def _shared(self, key: Hashable, read: Callable[[], Awaitable[T]]) -> T:
        """The answer of this read, or of the same one that is under way."""
        reading = self._reading.get(key)
        if reading is None:
            self._counters["reads"] += 1
            reading = self._reading[key] = asyncio.ensure_future(read())
            reading.add_done_callback(lambda _: self._reading.pop(key))
        found: T = await asyncio.shield(reading)
        return found


def is_resumable(view: View, since: Since, stream: Stream) -> bool:
    """Whether numbers tell what changed in this view. Not where time alone changes it."""
    is_numbered = not view.is_told and not (view.kind == TASKS and view.is_relative)
    is_in_range = stream.floor <= since.revision <= stream.revision
    return is_numbered and since.epoch == stream.epoch and is_in_range


def _followed_since(view: View, since: Since) -> Pending:
    changed = _held_since(view, since)
    for key in view.keys:
        if key not in view.held:
            changed.drop(key)
    return changed


def _window_since(
    view: View, since: Since, changes: Sequence[Change], below: Sequence[str]
) -> Pending:
    changed = _held_since(view, since)
    gone = [change.key for change in changes if change.key not in view.held]
    for key in gone:
        changed.drop(key)
    for key in below:
        if key not in view.held:
            changed.drop(key)
    if not view.is_complete:
        # What came up from below when others went out did not change itself.
        for key in view.oldest(len(gone)):
            changed.put(key, is_new=False)
    return changed


def _held_since(view: View, since: Since) -> Pending:
    changed = Pending()
    for key, held in view.held.items():
        if held.revision > since.revision:
            changed.put(key, is_new=False)
    return changed
