"""`POST /embed/v1/stream`: the live socket's frames as Server-Sent Events, for pages whose network
lets no websocket through.

One request streams for a minute, or 256 KB: a server that gives no back-pressure keeps no more than
that for a reader that has stopped reading. The page then asks again from where it stood.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from dashboard import routing
from dashboard.views import cors
from dashboard.views.cors import Refused
from dashboard.views.embed import Asked, asked_by
from realtime import codec
from realtime.core import frames

LONGEST_S = 60.0
MAX_BYTES = 256 * 1024
QUIET_S = 8.0
"""The element gives up what is silent for 20 s, proxies soon after; a comment is no event."""
VIEW = 1
_ROOM = frames.MAX_FRAME_BYTES // 2

Wait = Callable[[Awaitable[Any], float], Awaitable[Any]]


@cors.shared("POST")
async def stream(request: HttpRequest) -> HttpResponseBase:
    """Frames of one view of progress, as events."""
    if not isinstance(request, ASGIRequest):
        detail = _("This server cannot stream (it is not ASGI): ask embed/v1/states.")
        raise Refused(501, "not_asgi", _("No streams here"), detail)
    asked = asked_by(request)
    response = StreamingHttpResponse(
        events(routing.hubs.current, asked, cors.address(request)),
        content_type="text/event-stream; charset=utf-8",
    )
    response.headers["Cache-Control"] = "no-store, no-transform"
    response.headers["X-Accel-Buffering"] = "no"
    return response


async def events(
    hub_of_loop: Callable[[], Any],
    asked: Asked,
    address: str,
    *,
    now: Callable[[], float] = time.monotonic,
    wait: Wait = asyncio.wait_for,
) -> AsyncIterator[bytes]:
    """The events of one request, until the time or the bytes are used up or the hub ends it."""
    hub = hub_of_loop()
    try:
        socket = await hub.admit_tokens(address)
    except frames.Refused as refused:
        yield event(codec.encode({"op": "error", "frame": 1, **refused.fields}).decode())
        return
    try:
        for frame in _questions(asked):
            socket.receive(frame)
        async for chunk in _answers(socket, now, wait):
            yield chunk
    finally:
        socket.end()
        hub.leave(socket)


def event(text: str) -> bytes:
    """One frame as an event. JSON has no line ends of its own."""
    return b"data: " + text.encode() + b"\n\n"


async def _answers(socket: Any, now: Callable[[], float], wait: Wait) -> AsyncIterator[bytes]:
    until, sent = now() + LONGEST_S, 0
    while sent < MAX_BYTES and (left := until - now()) > 0:
        texts: list[str] | None = None
        with contextlib.suppress(TimeoutError):
            texts = await wait(socket.taken(), min(left, QUIET_S))
        if texts is None:
            yield b":\n\n"
            continue
        if not texts:
            return
        for text in texts:
            chunk = event(text)
            sent += len(chunk)
            yield chunk
        # What was handed to the server counts as read: it is bounded by the bytes of this request.
        socket.receive(codec.encode({"op": "ack", "frame": _number(texts[-1])}).decode())


def _number(text: str) -> int:
    return int(codec.decode(text)["frame"])


def _questions(asked: Asked) -> Iterator[str]:
    """The frames that a page would send on a socket of its own."""
    for key, token in asked.tokens.items():
        yield _frame(op="token", key=key, token=token)
    yield _frame(op="open", view=VIEW, of="progress", since=asked.since)
    some: list[str] = []
    for subject in asked.subjects:
        if some and sum(len(each.encode()) for each in some) > _ROOM:
            yield _frame(op="subjects", view=VIEW, add=some, remove=[])
            some = []
        some.append(subject)
    yield _frame(op="subjects", view=VIEW, add=some, remove=[])


def _frame(**fields: object) -> str:
    return codec.encode(fields).decode()
