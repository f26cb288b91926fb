"""Everything that is watched in this process: the distinct views and their counts, kept true."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from realtime import sight
from realtime.core import query
from realtime.core.frames import TOLD, FrameError, Open, Since
from realtime.core.query import QueryError
from realtime.hub import counts
from realtime.hub.counts import Board, BoardKey
from realtime.hub.feed import Feed
from realtime.hub.pool import Offload
from realtime.hub.resume import Resuming
from realtime.hub.rows import TASKS, Change, Encoder
from realtime.hub.socket import Socket
from realtime.hub.stream import News, OtherStream, Stream
from realtime.hub.views import RELATIVE_EVERY_S, RETRY_S, Delta, View, ViewKey
from realtime.ports import Page, Rights, Select, Snapshots, TooCostly

logger = logging.getLogger(__name__)

TOLD_EVERY_S = 2.0
"""At most so often is read what only the store can tell, while the stream moves."""
TOLD_AT_ONCE = 2
"""Such reads cost the most and are due all the time: half of the threads are left to those who
wait for a page. Where there are more such views than that allows, each is read less often."""
READS = 5
"""Tries to read a page that the recent changes still reach back to."""
UNAVAILABLE = "The store does not answer; this will be tried again."
TOO_COSTLY = "This query takes too long to answer. Add a term such as name:, queue: or since:."

Spawn = Callable[[Coroutine[Any, Any, None]], object]


class Watch:
    """Touched only by the hub's loop; reads in the hub's threads."""

    def __init__(
        self,
        *,
        reader: Snapshots,
        pool: Offload,
        stream: Stream,
        counters: Counter[str],
        max_views: int,
        clock: Callable[[], float],
        now: Callable[[], float],
        spawn: Spawn,
        catch_up: Callable[[], Awaitable[None]],
    ) -> None:
        """`clock` is Unix seconds, `now` seconds that never go back; `catch_up` brings the stream
        to where the store is."""
        self._reader = reader
        self._pool = pool
        self._stream = stream
        self._counters = counters
        self._max_views = max_views
        self._clock = clock
        self._now = now
        self._spawn = spawn
        self._catch_up = catch_up
        self._resuming = Resuming(stream, reader, pool, counters, clock, now)
        self._views: dict[ViewKey, View] = {}
        self._boards: dict[BoardKey, Board] = {}
        self._followers: dict[tuple[str, str], dict[View, None]] = {}

    def __len__(self) -> int:
        return len(self._views)

    def open(self, socket: Socket, op: Open) -> Feed:
        """Begin to feed a view to a socket; FrameError when it is refused."""
        key = view_key(op, socket.viewer.rights)
        view = self._views.get(key)
        if view is None:
            view = self._add(key, op.view)
        feed = Feed(socket, op, view)
        view.feeds[feed] = None
        if view.is_ready:
            self._greet(feed, view)
        elif view.load_at is None:
            self._start_load(view)
        return feed

    def close(self, feed: Feed) -> None:
        """Feed a socket no more; a view that nobody watches is forgotten."""
        view = feed.view
        view.feeds.pop(feed, None)
        if not view.feeds and self._views.get(view.key) is view:
            self._forget(view)

    def apply(self, news: News) -> None:
        """Evaluate every view once, and tell all who watch it."""
        revision, now = self._stream.revision, self._now()
        followed = self._followed(news)
        removed = {kind: frozenset(keys) for kind, keys in news.removed.items()}
        encoder = Encoder()
        for view in [view for view in self._views.values() if view.is_ready]:
            if gone := removed.get(view.kind):
                self._tell(view, view.remove(gone, revision, now))
            changes = followed.get(view, ()) if view.keys else news.changes.get(view.kind, ())
            if changes:
                self._tell(view, view.apply(changes, encoder, revision, now))
            else:
                view.advance(revision)
        if news.changes.get(TASKS) or news.removed.get(TASKS):
            for board in self._boards.values():
                board.is_stale = True

    def lose(self) -> None:
        """Changes were missed: read every view anew."""
        for view in self._views.values():
            view.lose(self._now())
        for board in self._boards.values():
            board.is_stale = True

    def tick(self) -> None:
        """Read what is due."""
        now = self._now()
        for view in self._views.values():
            self._age(view, now)
            view.forget_reach(now)
        for view in self._due(now):
            self._start_load(view)
        for board in self._boards.values():
            if board.is_due(now):
                board.begin(now)
                self._spawn(self._count(board))

    def _due(self, now: float) -> list[View]:
        """The views to read now; of those that only the store can tell, who waits longest."""
        due = [view for view in self._views.values() if view.is_due(now)]
        told = sorted((view for view in due if view.is_told), key=lambda view: view.load_at or now)
        reading = sum(view.is_told and view.is_loading for view in self._views.values())
        return [view for view in due if not view.is_told] + told[: max(0, TOLD_AT_ONCE - reading)]

    def _age(self, view: View, now: float) -> None:
        """Let time do to a view what it does."""
        is_outdated = view.is_told and view.read_revision < self._stream.revision
        every_s = TOLD_EVERY_S if is_outdated else RELATIVE_EVERY_S
        is_aging = view.is_told or view.is_relative
        if is_aging and view.load_at is None and now - view.loaded_at >= every_s:
            view.lose(now)
            if view.board is not None:
                view.board.is_stale = True

    def _add(self, key: ViewKey, number: int) -> View:
        if len(self._views) >= self._max_views:
            message = f"This server keeps at most {self._max_views} different views."
            raise FrameError("too_many_views", message, number, retry=True)
        board_key = counts.board_key(key.select, key.rows)
        board = board_key and self._boards.setdefault(board_key, Board(board_key))
        view = View(key, board, self._clock(), self._now())
        self._views[key] = view
        if board is not None:
            board.views[view] = None
        for row in view.keys:
            self._followers.setdefault((view.kind, row), {})[view] = None
        return view

    def _forget(self, view: View) -> None:
        del self._views[view.key]
        for row in view.keys:
            followers = self._followers[view.kind, row]
            del followers[view]
            if not followers:
                del self._followers[view.kind, row]
        board = view.board
        if board is not None:
            del board.views[view]
            if not board.views:
                del self._boards[board.key]

    def _followed(self, news: News) -> dict[View, list[Change]]:
        found: dict[View, list[Change]] = {}
        if not self._followers:
            return found
        for kind, changes in news.changes.items():
            for change in changes:
                for view in self._followers.get((kind, change.key), ()):
                    found.setdefault(view, []).append(change)
        return found

    def _tell(self, view: View, delta: Delta | None) -> None:
        if delta is not None:
            for feed in list(view.feeds):
                feed.take(delta)

    def _greet(self, feed: Feed, view: View) -> None:
        """Tell a new reader what the view holds, or what changed since it left."""
        if feed.op.since is not None:
            self._spawn(self._resume(feed, view, feed.op.since))
        else:
            feed.begin(view.pieces())

    def _start_load(self, view: View) -> None:
        """Read the rows of a view. Identical opens meanwhile wait for the same read."""
        if not view.is_loading:
            view.is_loading = True
            self._spawn(self._load(view))

    async def _load(self, view: View) -> None:
        try:
            if not view.is_ready and view.board is not None and view.board.text is None:
                await self._count(view.board)
            page, later = await self._page(view)
        except OtherStream:
            self._counters["reads_of_another_stream"] += 1
            self._fail(view)
        except TooCostly:
            self._counters["reads_too_costly"] += 1
            self._give_up(view)
        except Exception:
            self._counters["reads_failed"] += 1
            logger.exception("A view could not be read", extra={"action": "read_view"})
            self._fail(view)
        else:
            self._install(view, page, later)
        finally:
            view.is_loading = False

    async def _page(self, view: View) -> tuple[Page, Sequence[Change]]:
        """A page, and what changed between it and now."""
        for _ in range(READS):
            self._counters["reads"] += 1
            limit = self._resuming.limit(view)
            select = view.select._replace(limit=limit)
            page = await self._pool.run(self._reader.page, select, view.key.rows, self._clock())
            if page.epoch != self._stream.epoch:
                raise OtherStream
            if limit > view.select.limit:
                self._resuming.note(view, page)
            later = [] if view.is_told else self._stream.since(view.kind, page.revision)
            if later is not None:
                return page, later
        raise TimeoutError("the store was read more slowly than it changes")

    def _install(self, view: View, page: Page, later: Sequence[Change]) -> None:
        was_ready = view.is_ready
        delta = view.install(page, later, self._stream.revision, self._clock(), self._now())
        self._tell(view, delta)
        if not was_ready:
            for feed in list(view.feeds):
                self._greet(feed, view)

    def _fail(self, view: View) -> None:
        if view.is_ready:
            view.load_at = self._now() + RETRY_S
            return
        for feed in list(view.feeds):
            feed.socket.refuse(feed, "unavailable", UNAVAILABLE, retry=True)

    def _give_up(self, view: View) -> None:
        """Its read took too long. What only the store can tell is the same question for everybody,
        and the store may be less busy by and by; of a query, trying again would only keep the
        store busy for as long again."""
        if view.is_told:
            view.put_off(self._now())
            return
        for feed in list(view.feeds):
            feed.socket.refuse(feed, "too_costly", TOO_COSTLY, retry=False)

    async def _count(self, board: Board) -> None:
        found = None
        board.begin(self._now())
        try:
            found = await self._pool.run(
                self._reader.counts, board.key.query, board.key.rows, self._clock()
            )
        except Exception:
            self._counters["counts_failed"] += 1
            logger.exception("Tasks could not be counted", extra={"action": "count"})
        if board.finish(found):
            for view in [view for view in board.views if view.is_ready]:
                self._tell(view, view.counted())

    async def _resume(self, feed: Feed, view: View, since: Since) -> None:
        changed = None
        try:
            if since.epoch == self._stream.epoch and since.revision > self._stream.revision:
                await self._catch_up()
            changed = await self._resuming.changed_since(view, since)
        except Exception:
            self._counters["reads_failed"] += 1
            logger.exception("A view could not be resumed", extra={"action": "resume"})
        if feed not in view.feeds:
            return
        self._counters["snapshots" if changed is None else "resumed"] += 1
        if changed is None:
            feed.begin(view.pieces())
        else:
            feed.resume(changed, since.revision)


def view_key(op: Open, rights: Rights) -> ViewKey:
    """The view that is asked for, as this asker may see it; FrameError when they may not."""
    if refused := sight.refusal(op.of, rights):
        raise FrameError("not_allowed", refused, op.view)
    language = query.FAILURES if op.of == "failures" else query.TASKS
    try:
        asked = query.parse(op.query, unreadable=rights.hidden, language=language)
    except QueryError as error:
        raise FrameError(
            error.code,
            error.message,
            op.view,
            at=error.at,
            until=error.until,
            allowed=list(error.allowed),
        ) from None
    select = sight.narrowed(Select(op.of, asked, op.limit, op.ids), rights)
    return ViewKey(select, rights.rows, frozenset() if op.of in TOLD else rights.hidden)
