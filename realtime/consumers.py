"""The websocket edge: one plain ASGI application for every live socket.

It has no consumer class of Channels beneath it: those ask the channel layer for a channel of
their own per socket, which fails while the layer is down, and hop through a thread for every
frame that comes in.
"""

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any, Protocol

from realtime.codec import encode
from realtime.core import frames, peer

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

FLUSH_S = 0.1
"""Daphne waits for its applications when it stops, and writes what they sent only meanwhile."""
YIELD_EVERY = 32
"""Frames of one peer in a row; then the others get their turn."""


class LiveSocket(Protocol):
    """One connection as its hub sees it."""

    close_code: int | None
    """Set when the server ends the connection."""

    def receive(self, data: str | bytes | None) -> None:
        """Take a frame of the peer."""
        ...

    async def taken(self) -> list[str]:
        """The texts to write next; none when the connection is over."""
        ...

    def end(self) -> None:
        """The peer is gone."""
        ...


class LiveHub(Protocol):
    """Whoever serves the sockets of this loop."""

    async def admit(
        self, scope: Mapping[str, object], address: str, *, takes_tokens: bool = False
    ) -> Any:
        """A `LiveSocket` for this connection, which may show tokens where it `takes_tokens`;
        `frames.Refused` says why not."""
        ...

    def farewell(self, socket: Any) -> None:
        """The server stops: tell the peer when to come back."""
        ...

    def leave(self, socket: Any) -> None:
        """The connection has ended."""
        ...


class LiveApplication:
    """Serves `/ws/v1/live` on any ASGI server."""

    def __init__(
        self,
        hub: Callable[[], LiveHub],
        *,
        is_own_page: Callable[[str | None, str], bool],
        is_embed_page: Callable[[str | None, str], bool] | None = None,
        trusted_proxies: Callable[[], Sequence[peer.Network]],
    ) -> None:
        """`hub` gives the hub of the running loop; `is_own_page` tells by Origin and Host whether
        a page is our own: on another's, the cookie that comes along counts for nothing.
        `is_embed_page` tells by the same whether tokens count on it."""
        self._hub = hub
        self._is_own_page = is_own_page
        self._is_embed_page = is_embed_page or is_own_page
        self._trusted_proxies = trusted_proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection to its end."""
        await receive()
        await send({"type": "websocket.accept"})
        hub = self._hub()
        client = scope.get("client")
        address = peer.address(client and client[0], scope["headers"], self._trusted_proxies())
        try:
            believed, takes_tokens = self._believed(scope)
            socket = await hub.admit(believed, address, takes_tokens=takes_tokens)
        except frames.Refused as refused:
            await _refuse(send, refused)
            return
        await _serve(hub, socket, receive, send)

    def _believed(self, scope: Scope) -> tuple[Scope, bool]:
        """The connection without what a browser adds by itself on anybody's page, and whether
        tokens count on the page that opened it."""
        headers = scope["headers"]
        origin, host = peer.header(headers, b"origin"), peer.header(headers, b"host")
        if self._is_own_page(origin, host or ""):
            return scope, True
        kept = [(name, value) for name, value in headers if name.lower() != b"cookie"]
        told = {name: value for name, value in scope.items() if name not in _OF_COOKIE}
        return {**told, "headers": kept}, self._is_embed_page(origin, host or "")


_OF_COOKIE = ("user", "session", "cookies")
"""What a host's own middleware reads out of the cookie."""


async def _refuse(send: Send, refused: frames.Refused) -> None:
    fields = {"op": "error", "frame": 1, **refused.fields}
    if await _is_sent(send, {"type": "websocket.send", "text": encode(fields).decode()}):
        await _is_sent(send, {"type": "websocket.close", "code": refused.close_code})


async def _serve(hub: LiveHub, socket: LiveSocket, receive: Receive, send: Send) -> None:
    reading = asyncio.ensure_future(_read(socket, receive))
    try:
        await _write(socket, send)
        if reading.done():
            reading.result()
    except asyncio.CancelledError:
        # The server stops: this is the last moment in which the peer can be told so.
        hub.farewell(socket)
        with contextlib.suppress(Exception):
            await _write(socket, send)
            await asyncio.sleep(FLUSH_S)
        raise
    finally:
        hub.leave(socket)
        reading.cancel()


async def _read(socket: LiveSocket, receive: Receive) -> None:
    """Until the peer is gone. A queue that is never empty would never let others run."""
    try:
        for count in itertools.count(1):
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return
            socket.receive(message.get("text") or message.get("bytes"))
            if count % YIELD_EVERY == 0:
                await asyncio.sleep(0)
    finally:
        socket.end()


async def _write(socket: LiveSocket, send: Send) -> None:
    """Until nothing more is to be written, or nobody is there to read it."""
    while texts := await socket.taken():
        for text in texts:
            if not await _is_sent(send, {"type": "websocket.send", "text": text}):
                return
    if socket.close_code is not None:
        await _is_sent(send, {"type": "websocket.close", "code": socket.close_code})


async def _is_sent(send: Send, message: Message) -> bool:
    """False when the peer has gone, which uvicorn tells by an OSError, and daphne by autobahn's
    Disconnected, a RuntimeError."""
    try:
        await send(message)
    except (OSError, RuntimeError):
        return False
    return True
