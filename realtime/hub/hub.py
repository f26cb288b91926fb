"""The life of a hub: what arrives, and what becomes due."""

import asyncio
import logging
import random
import time
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from realtime.backoff import Backoff
from realtime.core import channels, frames
from realtime.core.frames import Open, Refused
from realtime.embedding import PublicReads, Tokens
from realtime.hub.door import NO_RIGHT, Door, stranger
from realtime.hub.embeds import Embeds
from realtime.hub.feed import Feed
from realtime.hub.following import Following
from realtime.hub.inlet import Inlet, Layer
from realtime.hub.pool import Offload, Pool
from realtime.hub.rows import frame_body
from realtime.hub.settings import About, Limits
from realtime.hub.silence import Silence
from realtime.hub.socket import Fed, Socket
from realtime.hub.stream import Behind, Lost, News, OtherStream, Stream
from realtime.hub.viewers import Scope, Viewer, Viewers
from realtime.hub.watch import Watch
from realtime.ports import Access, Batch, Snapshots

logger = logging.getLogger(__name__)

TICK_S = 0.25
MAX_QUEUE = 1_000
"""Batches that wait for a read of the store; it replaces them."""
Listener = Callable[[News | None], None]


class Hub:
    """One per event loop, which alone touches it, but for `submit` and `announce_rights`."""

    def __init__(
        self,
        *,
        reader: Snapshots,
        access: Access,
        about: About,
        tokens: Tokens | None = None,
        public: PublicReads | None = None,
        limits: Limits | None = None,
        layer: Layer | None = None,
        pool: Offload | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Made within its loop. `layer` is None where batches come by `submit` alone, `tokens`
        and `public` where progress is shown to nobody."""
        self.counters: Counter[str] = Counter()
        """Since the start: what was taken, read, sent, refused and lost."""
        self.now = monotonic
        self.is_stopped = False
        self._loop = asyncio.get_running_loop()
        self._clock = clock
        self._about = about
        self._limits = limits or Limits()
        self._pool = pool or Pool()
        self._stream = Stream(reader, self._pool)
        self._watch = Watch(
            reader=reader,
            pool=self._pool,
            stream=self._stream,
            counters=self.counters,
            max_views=self._limits.views,
            clock=clock,
            now=monotonic,
            spawn=self._spawn,
            catch_up=self.catch_up,
        )
        self.embeds = Embeds(
            tokens=tokens,
            reads=public,
            pool=self._pool,
            stream=self._stream,
            counters=self.counters,
            limits=self._limits,
            clock=clock,
            now=monotonic,
            spawn=self._spawn,
        )
        self._viewers = Viewers(access, self._pool, self.counters, self._apply_rights)
        self._door = Door(self._viewers, self._limits, self.counters)
        self._inlet = Inlet(layer, self._hear, self.counters) if layer is not None else None
        self._sockets: dict[Socket, None] = {}
        self._listeners: dict[Listener, None] = {}
        self._queue: deque[Batch] = deque()
        self._submitted = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._starting: asyncio.Task[None] | None = None
        self._is_started = False
        self._catching_up: asyncio.Task[None] | None = None
        self._backoff = Backoff()
        self._ticking: asyncio.Task[None] | None = None
        self._silence = Silence(monotonic())
        self._read_at = monotonic()

    def submit(self, batch: Batch) -> None:
        """Take a batch, from any thread; what is dropped here is read from the store."""
        if self._submitted >= MAX_QUEUE:
            self.counters["batches_dropped"] += 1
            return
        self._submitted += 1
        self._call(self._receive_submitted, batch)

    def announce_rights(self, user: str | None) -> None:
        """Read the rights of this user (of everyone for None) at once. From any thread."""
        self._call(self._renew_rights, user)

    async def admit(
        self, scope: Scope | None, address: str, *, takes_tokens: bool = False
    ) -> Socket:
        """A socket for whoever opened this connection; Refused says why not. `takes_tokens` where
        no page opened it, or one that may embed; without a scope tokens are all there is."""
        self._door.enter(address)
        try:
            viewer = await self._viewer(scope, takes_tokens=takes_tokens)
        except BaseException:
            self._door.leave(address)
            raise
        return self._seat(viewer, address, takes_tokens=takes_tokens)

    async def admit_tokens(self, address: str) -> Socket:
        """A socket for somebody who comes with tokens alone, over whatever transport: hand it
        frames by `receive`, write what is `taken`, and `end` and `leave` it."""
        return await self.admit(None, address, takes_tokens=True)

    def leave(self, socket: Socket) -> None:
        """The connection has ended, or is to be served no more."""
        if socket not in self._sockets:
            return
        del self._sockets[socket]
        for feed in list(socket.feeds.values()):
            self.close(feed)
        socket.feeds.clear()
        self.embeds.leave(socket)
        self._viewers.leave(socket)
        self._door.leave(socket.address)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Tell this function what becomes known from now on, and None where something was missed;
        call what comes back to end it."""
        self._listeners[listener] = None
        return lambda: self._listeners.pop(listener, None)

    def farewell(self, socket: Socket) -> None:
        """Tell one browser when to come back: at a random moment, so that not all come at once."""
        socket.leave(round(1000 * random.uniform(0, self._limits.drain_s)))  # noqa: S311

    async def stop(self) -> None:
        """Say goodbye to every socket and end."""
        self.is_stopped = True
        for socket in list(self._sockets):
            self.farewell(socket)
            self.leave(socket)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._pool.close()

    def open(self, socket: Socket, op: Open) -> Feed | Following:
        """Begin to feed a view; FrameError when it is refused."""
        if op.of == frames.PROGRESS:
            return self.embeds.open(socket, op)
        return self._watch.open(socket, op)

    def close(self, feed: Fed) -> None:
        """Feed it no more."""
        if isinstance(feed, Following):
            feed.end()
        elif isinstance(feed, Feed):
            self._watch.close(feed)

    async def started(self) -> None:
        """Return once the hub stands where the store stands; raises what the store raises."""
        if self._is_started:
            return
        if self._starting is None:
            self._starting = self._spawn(self._start())
        await asyncio.shield(self._starting)

    async def catch_up(self) -> None:
        """Read from the store what did not arrive. Never raises; one read at a time."""
        if self._catching_up is None:
            self._catching_up = self._spawn(self._catch_up())
        await asyncio.shield(self._catching_up)

    def tick(self) -> None:
        """Do what is due; called four times a second."""
        now, at = self.now(), self._clock()
        self._break_silence(now)
        self._tell_stream(at)
        self._watch.tick()
        self.embeds.tick()
        for socket in list(self._sockets):
            socket.tick()
        if due := self._viewers.due(now):
            self._spawn(self._viewers.renew(due, now))
        self._stream.trim(at)

    async def _viewer(self, scope: Scope | None, *, takes_tokens: bool) -> Viewer:
        takes_tokens = takes_tokens and self.embeds.is_open
        try:
            await self.started()
            if scope is None:
                return stranger(self.now())
            return await self._door.viewer(scope, self.now(), takes_tokens=takes_tokens)
        except Refused:
            raise
        except Exception as error:
            logger.exception("A socket could not be admitted", extra={"action": "admit"})
            raise self._door.refused(
                frames.TRY_LATER, "unavailable", "The store does not answer.", retry=True
            ) from error

    def _seat(self, viewer: Viewer, address: str, *, takes_tokens: bool) -> Socket:
        socket = Socket(self, viewer, address, takes_tokens=takes_tokens)
        self._viewers.join(socket)
        self._sockets[socket] = None
        self._greet(socket)
        return socket

    def _greet(self, socket: Socket) -> None:
        at = self._clock()
        socket.note("hello", socket.viewer.greeting(self._stream.epoch, at, self._about))
        if not socket.viewer.is_stranger:
            socket.tell_stream(frame_body(self._stream.pulse.told(at)))

    async def _start(self) -> None:
        if self._inlet is not None and self._ticking is None:
            self._spawn(self._inlet.run())
        try:
            await self._stream.begin(self._clock())
        except BaseException:
            self._starting = None
            raise
        self._is_started = True
        self._silence.hear(self.now())
        if self._ticking is None:
            self._ticking = self._spawn(self._tick_forever())
        self._drain()

    async def _tick_forever(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            try:
                self.tick()
            except Exception:
                self.counters["tick_failed"] += 1
                logger.exception("A tick of the hub failed", extra={"action": "tick"})

    def _hear(self, message: Mapping[str, Any]) -> None:
        """A message of the channel layer."""
        try:
            if message["type"] == channels.RIGHTS:
                self._renew_rights(message["user"])
            elif message["type"] == channels.BATCH:
                self._receive(Batch(**{name: message[name] for name in Batch._fields}))
        except (KeyError, TypeError):
            self.counters["malformed"] += 1

    def _receive_submitted(self, batch: Batch) -> None:
        self._submitted -= 1
        self._receive(batch)

    def _receive(self, batch: Batch) -> None:
        self._silence.hear(self.now())
        if self._is_started and self._catching_up is None:
            self._take(batch)
        elif len(self._queue) < MAX_QUEUE:
            self._queue.append(batch)
        else:
            self.counters["batches_dropped"] += 1

    def _drain(self) -> None:
        while self._queue and self._is_started and self._catching_up is None:
            self._take(self._queue.popleft())

    def _take(self, batch: Batch) -> None:
        self.counters["batches"] += 1
        try:
            news = self._stream.take(batch, self._clock())
        except Behind:
            self.counters["gaps"] += 1
            self._wish_to_catch_up()
            return
        except OtherStream:
            self._wish_to_catch_up()
            return
        except (ValueError, KeyError, TypeError):
            self.counters["malformed"] += 1
            logger.exception("A batch could not be read", extra={"action": "take_batch"})
            return
        if news is not None:
            self.counters["rows"] += sum(len(changes) for changes in news.changes.values())
            self._watch.apply(news)
            self.embeds.apply(news)
            self._tell_listeners(news)
        self._tell_stream(self._clock())

    def _wish_to_catch_up(self) -> None:
        """Read from the store, but not again and again while it fails."""
        if self._catching_up is None and self.now() >= self._read_at:
            self._catching_up = self._spawn(self._catch_up())

    async def _catch_up(self) -> None:
        self.counters["catch_ups"] += 1
        try:
            news = await self._followed()
        except Lost:
            self._watch.lose()
            self.embeds.lose()
            self._tell_listeners(None)
        except Exception:
            self.counters["catch_ups_failed"] += 1
            self._read_at = self.now() + self._backoff.next_s()
            logger.exception("The stream could not be read", extra={"action": "catch_up"})
        else:
            self._backoff.reset()
            if news is not None:
                self._watch.apply(news)
                self.embeds.catch_up(news)
                # Of groups nothing was read.
                self._tell_listeners(None)
        finally:
            self._catching_up = None
        self._tell_stream(self._clock())
        self._drain()

    async def _followed(self) -> News | None:
        """What the store tells beyond where we stand; of another stream, all of it."""
        try:
            return await self._stream.catch_up(self._clock())
        except OtherStream:
            await self._restart()
            return None

    async def _restart(self) -> None:
        """Nothing that browsers hold is true any more: they come back and begin anew."""
        self.counters["restarts"] += 1
        self._is_started, self._starting = False, None
        for socket in list(self._sockets):
            self.farewell(socket)
            self.leave(socket)
        await self.started()

    def _break_silence(self, now: float) -> None:
        inlet = self._inlet
        if self._silence.is_poll_due(now, is_joined=inlet is None or inlet.is_joined):
            self._wish_to_catch_up()
        is_blind = self._stream.pulse.is_blind(self._clock())
        if inlet is not None and self._silence.is_deaf(now) and not is_blind:
            self._silence.note_rejoined(now)
            inlet.rejoin()

    def _tell_stream(self, at: float) -> None:
        told = self._stream.pulse.due(at)
        if told is None:
            return
        self.embeds.tell_stream(told)
        body = frame_body(told)
        for socket in list(self._sockets):
            if not socket.viewer.is_stranger:
                socket.tell_stream(body)

    def _tell_listeners(self, news: News | None) -> None:
        for listener in list(self._listeners):
            listener(news)

    def _renew_rights(self, user: str | None) -> None:
        if viewers := self._viewers.of_user(user):
            self._spawn(self._viewers.renew(viewers, self.now()))

    def _apply_rights(self, viewer: Viewer) -> None:
        self.counters["rights_changed"] += 1
        for socket in list(viewer.sockets):
            if "view_task" in viewer.rights.can:
                socket.reopen()
            else:
                socket.dismiss(frames.NO_RIGHT, "no_right", NO_RIGHT, retry=False)
                self.leave(socket)

    def _call(self, call: Callable[..., None], *args: object) -> None:
        try:
            self._loop.call_soon_threadsafe(call, *args)
        except RuntimeError:
            self.counters["loop_closed"] += 1

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
