"""One connection: its views, its credit, and the frames that wait to be written."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from realtime.codec import decode
from realtime.core import frames, framing
from realtime.core.credit import Allowance, Credit
from realtime.core.frames import Ack, Close, FrameError, Open, Subjects, Token
from realtime.core.framing import Text
from realtime.hub.answers import Answers
from realtime.hub.keyring import Keyring
from realtime.hub.rows import frame_body

if TYPE_CHECKING:
    from realtime.hub.embeds import Embeds
    from realtime.hub.viewers import Viewer

MAX_VIEWS = 32
MAX_NOTICES = 64
"""Frames of other kinds than rows, waiting for credit: a peer that provokes more does not read."""
MAX_FAULTS = 20
"""Bad frames of one peer: more are no mistake."""
OPENS_AT_ONCE = 2 * MAX_VIEWS
OPENS_PER_S = 8.0
"""Each may cost the store a read. A page opens a handful, and all of them when it comes back."""


class Part(Protocol):
    """What a socket keeps for later, in whole frames, while it has no credit."""

    @property
    def waiting_size(self) -> int:
        """Bytes that wait for credit."""
        ...

    def flush(self) -> bool:
        """Send what credit allows; whether everything is sent."""
        ...


class Fed(Part, Protocol):
    """A view on a socket."""

    op: Open


class Desk(Protocol):
    """What a socket asks of its hub."""

    counters: Counter[str]
    embeds: Embeds

    def now(self) -> float:
        """Seconds of a clock that never goes back."""
        ...

    def open(self, socket: Socket, op: Open) -> Fed:
        """Begin to feed a view; FrameError when it is refused."""
        ...

    def close(self, feed: Fed) -> None:
        """Feed it no more."""
        ...


class Socket:
    """Touched only by the loop that its hub runs in."""

    def __init__(
        self, desk: Desk, viewer: Viewer, address: str, *, takes_tokens: bool = False
    ) -> None:
        """`takes_tokens` where it comes from a page that may embed, or from no page."""
        self.viewer = viewer
        self.address = address
        self.takes_tokens = takes_tokens
        self.keyring = Keyring(desk.now())
        self.answers = Answers(self)
        self.feeds: dict[int, Fed] = {}
        self.close_code: int | None = None
        """Set when the server ends the connection, after what is in the outbox."""
        self._desk = desk
        self._credit = Credit(desk.now())
        self._opens = Allowance(OPENS_AT_ONCE, OPENS_PER_S, desk.now())
        self._due: dict[Part, None] = {}
        self._notices: deque[tuple[str, Text, int | None]] = deque()
        self._stream: Text | None = None
        self._outbox: list[str] = []
        self._is_gone = False
        self._waiting: asyncio.Future[None] | None = None
        self._faults = 0

    @property
    def is_over(self) -> bool:
        """Whether nothing more is taken from this peer or sent to it."""
        return self._is_gone or self.close_code is not None

    @property
    def is_served(self) -> bool:
        """Whether its peer is answered: somebody who signed in, or a holder of tokens."""
        return not self.viewer.is_stranger or bool(self.keyring)

    def receive(self, data: str | bytes | None) -> None:
        """Take a text frame of the peer; None and bytes are what is not one."""
        if self.is_over:
            return
        try:
            op = self._read(data)
        except FrameError as error:
            if self.is_served or error.code == "bad_token":
                self._answer(error)
        else:
            if self.is_served or isinstance(op, Ack | Token):
                self._obey(op)

    async def taken(self) -> list[str]:
        """The texts to write next, as soon as there are any; none when the connection is over."""
        while not self._outbox and not self.is_over:
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        texts, self._outbox = self._outbox, []
        return texts

    def end(self) -> None:
        """The peer is gone."""
        self._is_gone = True
        self._wake()

    def finish(self, code: int) -> None:
        """Close the connection with this code, after what was sent."""
        if self.close_code is None:
            self.close_code = code
        self._wake()

    def dismiss(self, code: int, reason: str, message: str, *, retry: bool) -> None:
        """Close the connection with this code, and say why before."""
        if not self.is_over:
            self._desk.counters[f"dismissed_{reason}"] += 1
            fields = {"code": reason, "message": message, "retry": retry}
            self.send("error", frame_body(fields))
            self.finish(code)

    def leave(self, reconnect_in_ms: int) -> None:
        """The server stops: the peer shall come back then."""
        if not self.is_over:
            self.send("bye", frame_body({"reconnect_in_ms": reconnect_in_ms}))
            self.finish(frames.RESTARTING)

    def note(self, op: str, fields: Mapping[str, object], view: int | None = None) -> None:
        """Send a frame that is not about rows, once credit allows."""
        if len(self._notices) >= MAX_NOTICES:
            message = "Too many answers wait to be acknowledged."
            self.dismiss(frames.TOO_SLOW, "unread", message, retry=True)
            return
        self._notices.append((op, frame_body(fields), view))
        self.flush()

    def tell_stream(self, body: Text) -> None:
        """Tell how the stream stands; only the newest word is kept for a peer without credit."""
        self._stream = body
        self.flush()

    def refuse(self, feed: Fed, code: str, message: str, *, retry: bool) -> None:
        """Close a view, and say why."""
        self._drop(feed.op.view)
        self._error(code, message, feed.op.view, retry=retry)

    def reopen(self) -> None:
        """The viewer's rights are other than before: show every view anew."""
        for feed in list(self.feeds.values()):
            if feed.op.of != frames.PROGRESS:
                self._drop(feed.op.view)
                self._feed(feed.op._replace(since=None))

    def allows(self, size: int) -> bool:
        """Whether a frame of `size` bytes may be sent now."""
        return not self.is_over and self._credit.allows(size)

    def send(self, op: str, body: Text, view: int | None = None) -> None:
        """Send a frame, whatever the credit."""
        size = body.size + framing.HEAD_BYTES
        self._desk.counters["frames"] += 1
        frame = self._credit.spend(size, self._desk.now())
        self._outbox.append(framing.head(op, frame, view) + body.text)
        self._wake()

    def note_due(self, feed: Part) -> None:
        """A part has something to send that could not be sent at once."""
        self._desk.counters["deferred"] += 1
        self._due[feed] = None
        self.flush()

    def flush(self) -> None:
        """Send what waits, as far as the credit goes; each view gets its turn first in time."""
        while self._notices and self.allows(self._notices[0][1].size + framing.HEAD_BYTES):
            self.send(*self._notices.popleft())
        if self._stream and self.allows(self._stream.size + framing.HEAD_BYTES):
            self.send("stream", self._stream)
            self._stream = None
        for feed in list(self._due):
            if not self.allows(0):
                return
            del self._due[feed]
            if not feed.flush():
                self._due[feed] = None

    def tick(self) -> None:
        """Close the connection where time is up."""
        now = self._desk.now()
        if not (self.is_over or self.is_served) and now >= self.keyring.close_at:
            self._send_away()
        elif self._credit.is_silent(now) and self._credit.is_much(self._waiting_size()):
            message = "No acknowledgement came for 30 seconds."
            self.dismiss(frames.TOO_SLOW, "too_slow", message, retry=True)

    def _send_away(self) -> None:
        """Nobody vouches for this peer, and none of its tokens is valid."""
        code = self.keyring.close_code
        if code is None:
            message = "Sign in, or send an API key in Authorization: Bearer, or a token."
            self.dismiss(frames.NOT_ALLOWED, "not_signed_in", message, retry=False)
            return
        self._desk.counters["dismissed_without_token"] += 1
        self.finish(code)

    def _read(self, data: str | bytes | None) -> frames.Op:
        if not isinstance(data, str):
            raise FrameError("bad_frame", "A frame is JSON text, not binary data.")
        if frames.is_oversize(data):
            limit = frames.MAX_FRAME_BYTES
            raise FrameError("frame_too_large", f"A frame has at most {limit} bytes.")
        try:
            value = decode(data)
        except ValueError:
            raise FrameError("bad_frame", "This is not JSON.") from None
        return frames.parse(value)

    def _answer(self, error: FrameError) -> None:
        self._desk.counters[f"refused_{error.code}"] += 1
        self._faults += error.code in ("bad_frame", "frame_too_large", "bad_token")
        if self._faults > MAX_FAULTS:
            message = "Too many frames could not be read."
            self.dismiss(frames.BAD_PEER, "bad_peer", message, retry=True)
            return
        if error.view is not None:
            self._drop(error.view)
        self._error(error.code, error.message, error.view, **error.details)

    def _obey(self, op: frames.Op) -> None:
        if isinstance(op, Ack):
            self._acknowledge(op.frame)
        elif isinstance(op, Close):
            self._drop(op.view)
        elif isinstance(op, Token):
            self._desk.embeds.take_token(self, op)
        elif isinstance(op, Subjects):
            self._change(op)
        else:
            self._open(op)

    def _acknowledge(self, frame: int) -> None:
        if not self._credit.acknowledge(frame, self._desk.now()):
            self._answer(FrameError("bad_frame", f"No frame {frame} was sent."))
            return
        self.flush()

    def _open(self, op: Open) -> None:
        self._drop(op.view)
        try:
            if len(self.feeds) >= MAX_VIEWS:
                message = f"A socket has at most {MAX_VIEWS} views: close one first."
                raise FrameError("too_many_views", message, op.view)
            if not self._opens.take(self._desk.now()):
                message = "Too many views were opened in a short time."
                raise FrameError("too_fast", message, op.view, retry=True)
        except FrameError as error:
            self._answer(error)
        else:
            self._feed(op)

    def _feed(self, op: Open) -> None:
        try:
            self.feeds[op.view] = self._desk.open(self, op)
        except FrameError as error:
            self._answer(error)

    def _change(self, op: Subjects) -> None:
        try:
            self._desk.embeds.change(self, op)
        except FrameError as error:
            self._answer(error)

    def _drop(self, view: int) -> None:
        feed = self.feeds.pop(view, None)
        if feed is not None:
            self._due.pop(feed, None)
            self._desk.close(feed)

    def _error(
        self, code: str, message: str, view: int | None, *, retry: bool = False, **details: object
    ) -> None:
        fields = {"code": code, "message": message, **details, "retry": retry}
        self.note("error", fields, view)

    def _waiting_size(self) -> int:
        return sum(feed.waiting_size for feed in self._due)

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
