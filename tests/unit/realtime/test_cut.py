"""A request that is cut off by a server that stops leaves no error that nobody looks at."""

import asyncio
import gc
from collections.abc import AsyncIterator
from typing import Any

import pytest
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, StreamingHttpResponse
from django.urls import path

from realtime.cut import CutQuietly


async def _events() -> AsyncIterator[bytes]:
    yield b"data: 1\n\n"
    await asyncio.Event().wait()


async def _stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(_events(), content_type="text/event-stream")


urlpatterns = [path("stream", _stream)]
SCOPE = {
    "type": "http",
    "method": "GET",
    "path": "/stream",
    "query_string": b"",
    "headers": [(b"host", b"testserver")],
}


async def _cut_off(application: Any) -> list[str]:
    """What asyncio complains of, where the server cancels a stream and then tells of its end, as
    daphne does."""
    complaints: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, told: complaints.append(str(told["message"])))
    incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    incoming.put_nowait({"type": "http.request", "body": b""})
    is_begun = asyncio.Event()

    async def send(message: dict[str, Any]) -> None:
        if message.get("body"):
            is_begun.set()

    before = asyncio.all_tasks()
    answering = loop.create_task(application(SCOPE, incoming.get, send))
    async with asyncio.timeout(10):
        await is_begun.wait()
    answering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answering
    incoming.put_nowait({"type": "http.disconnect"})
    left = asyncio.all_tasks() - before
    for task in left:
        if "process_request" in repr(task.get_coro()):
            task.cancel()
    await asyncio.wait(left, timeout=10)
    del answering, left, task
    gc.collect()
    return complaints


# Django's file of the body is left open where its request is cancelled.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.urls(__name__)
async def test_a_stream_that_is_cut_off_leaves_no_error_behind() -> None:
    assert await _cut_off(CutQuietly(get_asgi_application())) == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.urls(__name__)
async def test_without_it_there_is_one_for_each_stream() -> None:
    assert await _cut_off(get_asgi_application()) == ["Task exception was never retrieved"]


async def test_other_connections_and_whole_requests_are_handed_on_as_they_are() -> None:
    heard: list[Any] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        heard.append((scope["type"], await receive()))

    async def receive() -> str:
        return "news"

    for kind in ("websocket", "http", "lifespan"):
        await CutQuietly(application)({"type": kind}, receive, None)
    assert heard == [("websocket", "news"), ("http", "news"), ("lifespan", "news")]
