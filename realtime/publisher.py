"""Where committed batches go: to the hubs of this process, or to those of every other one.

Nothing here raises: what is lost is noticed by the hubs and read from the store.
"""

import asyncio
import logging
import threading
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from realtime.backoff import Backoff
from realtime.codec import decode, encode
from realtime.core import channels
from realtime.ports import Batch

logger = logging.getLogger(__name__)

MAX_WAITING = 64
"""Messages for a layer that is slow or down: a few seconds' worth. Older ones only delay news."""
SEND_S = 5.0
CLOSE_S = 2.0


class Listeners(Protocol):
    """The hubs of this process."""

    def submit(self, batch: Batch) -> None:
        """Take a batch, from any thread."""
        ...

    def announce_rights(self, user: str | None) -> None:
        """Read this user's rights (everyone's for None) at once. From any thread."""
        ...


class GroupSender(Protocol):
    """What the publisher uses of a channel layer."""

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        """Send a message to every member."""
        ...


class LocalPublisher:
    """Receiver and web in one process: batches go straight to the hubs, nothing is copied."""

    def __init__(self, listeners: Listeners) -> None:
        self._listeners = listeners

    def publish(self, batch: Batch) -> None:
        """Hand the batch over; returns at once."""
        self._listeners.submit(batch)

    def announce_rights(self, user: str | None) -> None:
        """The rights of this user, of everyone for None, may have changed."""
        self._listeners.announce_rights(user)

    def close(self) -> None:
        """Nothing is open."""


class LayerPublisher:
    """Sends batches over a channel layer, from a thread and a loop of its own: a layer that hangs
    holds up nobody."""

    def __init__(
        self, layer: GroupSender, max_message_bytes: int = channels.MAX_MESSAGE_BYTES
    ) -> None:
        """The thread starts with the first message."""
        self.counters: Counter[str] = Counter()
        """`sent`, `failed`, and `dropped` because too many waited."""
        self._layer = layer
        self._max_bytes = max_message_bytes
        self._waiting: deque[dict[str, Any]] = deque()
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake: asyncio.Event | None = None
        self._thread: threading.Thread | None = None
        self._is_closing = False

    def publish(self, batch: Batch) -> None:
        """Send the batch to every web process; returns at once."""
        try:
            messages = [_message(part) for part in parts(batch, self._max_bytes)]
        except Exception:
            self.counters["failed"] += 1
            logger.exception("A batch could not be split", extra={"action": "publish"})
            return
        self._put(messages)

    def announce_rights(self, user: str | None) -> None:
        """The rights of this user, of everyone for None, may have changed: every web process
        reads them at once."""
        self._put([{"type": channels.RIGHTS, "user": user}])

    def close(self) -> None:
        """Send what waits, for two seconds at most, and end the thread."""
        with self._lock:
            self._is_closing = True
            thread = self._thread
            self._alarm()
        if thread is not None:
            thread.join(CLOSE_S)

    def _put(self, messages: Sequence[dict[str, Any]]) -> None:
        with self._lock:
            if self._is_closing:
                return
            for message in messages:
                if len(self._waiting) >= MAX_WAITING:
                    self._waiting.popleft()
                    self.counters["dropped"] += 1
                self._waiting.append(message)
            if self._thread is None:
                self._start()
            self._alarm()

    def _start(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._wake = asyncio.Event()
        self._thread = threading.Thread(
            target=self._run, args=(self._loop, self._wake), name="headway-publisher", daemon=True
        )
        self._thread.start()

    def _alarm(self) -> None:
        if self._loop is not None and self._wake is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake.set)

    def _run(self, loop: asyncio.AbstractEventLoop, wake: asyncio.Event) -> None:
        try:
            loop.run_until_complete(self._send_all(wake))
        finally:
            loop.close()

    async def _send_all(self, wake: asyncio.Event) -> None:
        backoff = Backoff(first_s=0.1, longest_s=2.0)
        while not (self._is_closing and not self._waiting):
            await wake.wait()
            wake.clear()
            while (message := self._next()) is not None:
                if await self._send(message):
                    backoff.reset()
                elif self._is_closing:
                    return
                else:
                    await asyncio.sleep(backoff.next_s())

    def _next(self) -> dict[str, Any] | None:
        with self._lock:
            return self._waiting.popleft() if self._waiting else None

    async def _send(self, message: dict[str, Any]) -> bool:
        try:
            async with asyncio.timeout(SEND_S):
                await self._layer.group_send(channels.GROUP, message)
        except Exception as error:  # noqa: BLE001 -- a layer may raise whatever it is made of
            self.counters["failed"] += 1
            name = type(error).__name__
            logger.warning("The channel layer failed: %s", name, extra={"action": "publish"})
            return False
        self.counters["sent"] += 1
        return True


def parts(batch: Batch, max_bytes: int) -> Iterator[Batch]:
    """The batch in messages of at most `max_bytes` of rows, each beginning where the one before it
    ended. A row that is larger travels alone."""
    if sum(map(len, batch.rows.values())) <= max_bytes:
        yield batch
        return
    pieces = list(_pieces(batch.rows, max_bytes))
    ends = [*(revision for _, revision in pieces[:-1]), batch.revision]
    begins = [batch.previous, *ends[:-1]]
    for (rows, _), previous, revision in zip(pieces, begins, ends, strict=True):
        removed = batch.removed if revision == batch.revision else {}
        yield Batch(batch.epoch, previous, revision, rows, removed, batch.stream)


def _pieces(rows: Mapping[str, bytes], max_bytes: int) -> Iterator[tuple[dict[str, bytes], int]]:
    """Rows of any kind in the order of their revisions, with the last revision of each piece."""
    numbered = sorted(
        (
            (row["revision"], kind, encode(row))
            for kind, data in rows.items()
            for row in decode(data)
        ),
        key=lambda entry: entry[0],
    )
    piece: dict[str, list[bytes]] = {}
    size = last = 0
    for revision, kind, data in numbered:
        if piece and size + len(data) > max_bytes:
            yield _arrays(piece), last
            piece, size = {}, 0
        piece.setdefault(kind, []).append(data)
        size += len(data) + 1
        last = revision
    if piece:
        yield _arrays(piece), last


def _arrays(piece: Mapping[str, Sequence[bytes]]) -> dict[str, bytes]:
    return {kind: b"[" + b",".join(texts) + b"]" for kind, texts in piece.items()}


def _message(batch: Batch) -> dict[str, Any]:
    fields = batch._asdict()
    removed = {kind: list(keys) for kind, keys in batch.removed.items()}
    return {"type": channels.BATCH, **fields, "rows": dict(batch.rows), "removed": removed}
