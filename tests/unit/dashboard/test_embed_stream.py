"""The stream ends by itself, is resumed from where it stood, and needs an ASGI server."""

import json
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import pytest
from django.test import AsyncClient, Client

from dashboard.throttle import Budget, Rate
from dashboard.views import cors, embed_stream
from dashboard.views.embed import Asked
from realtime.core import frames
from tests.unit.dashboard.embedded import KEY, ORIGIN, token

URL = "/headway/embed/v1/stream"


class FakeSocket:
    """Gives the frames that it holds, one list at a time, and keeps what it is told."""

    def __init__(self, *answers: list[str] | type[TimeoutError]) -> None:
        self.answers = list(answers)
        self.heard: list[dict[str, Any]] = []
        self.is_ended = False

    def receive(self, text: str) -> None:
        self.heard.append(json.loads(text))

    async def taken(self) -> list[str]:
        answer = self.answers.pop(0) if self.answers else []
        if isinstance(answer, list):
            return answer
        raise answer

    def end(self) -> None:
        self.is_ended = True


class FakeHub:
    """A hub that admits everybody to one socket."""

    def __init__(self, socket: FakeSocket) -> None:
        self.socket = socket
        self.left: list[FakeSocket] = []

    async def admit_tokens(self, address: str) -> FakeSocket:
        return self.socket

    def leave(self, socket: FakeSocket) -> None:
        self.left.append(socket)


class FrozenClock:
    """Stands still but for what is waited."""

    def __init__(self) -> None:
        self.at = 1_000.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.at

    async def wait(self, work: Awaitable[Any], seconds: float) -> Any:
        self.waits.append(seconds)
        try:
            return await work
        except TimeoutError:
            self.at += seconds
            raise


def frame(number: int, op: str = "patch", size: int = 0) -> str:
    return json.dumps({"op": op, "frame": number, "fill": "x" * size})


ASKED = Asked({"a": "x.y.z"}, ("task:t1", "group:g1"), {"epoch": "e1", "revision": 7})


async def collected(
    hub: FakeHub, clock: FrozenClock | None = None, asked: Asked = ASKED
) -> list[bytes]:
    clock = clock or FrozenClock()
    events: AsyncIterator[bytes] = embed_stream.events(
        lambda: hub, asked, "10.0.0.1", now=clock, wait=clock.wait
    )
    return [event async for event in events]


async def test_frames_come_as_events_and_are_acknowledged() -> None:
    socket = FakeSocket([frame(1, "hello"), frame(2)], [frame(3)])
    found = await collected(FakeHub(socket))
    assert found == [
        f"data: {text}\n\n".encode() for text in (frame(1, "hello"), *map(frame, (2, 3)))
    ]
    assert socket.heard[-2:] == [{"op": "ack", "frame": 2}, {"op": "ack", "frame": 3}]


async def test_the_hub_is_asked_as_a_page_would_and_from_where_it_stood() -> None:
    socket = FakeSocket()
    await collected(FakeHub(socket))
    assert socket.heard == [
        {"op": "token", "key": "a", "token": "x.y.z"},
        {"op": "open", "view": 1, "of": "progress", "since": {"epoch": "e1", "revision": 7}},
        {"op": "subjects", "view": 1, "add": ["task:t1", "group:g1"], "remove": []},
    ]


async def test_no_frame_to_the_hub_is_larger_than_frames_may_be() -> None:
    socket = FakeSocket()
    subjects = tuple(f"task:{'ü' * 250}{n}" for n in range(500))
    await collected(FakeHub(socket), asked=ASKED._replace(subjects=subjects))
    added = [each for each in socket.heard if each["op"] == "subjects"]
    assert [subject for each in added for subject in each["add"]] == list(subjects)
    assert not any(frames.is_oversize(json.dumps(each, ensure_ascii=False)) for each in added)


async def test_a_quiet_stream_says_that_it_is_there_and_ends_after_a_minute() -> None:
    clock = FrozenClock()
    socket = FakeSocket(*(20 * [TimeoutError]))
    found = await collected(FakeHub(socket), clock)
    assert found == 8 * [b":\n\n"]
    assert clock.waits == [*(7 * [8.0]), 4.0]
    assert clock.at == 1_060.0


async def test_a_stream_ends_after_256_kb() -> None:
    socket = FakeSocket(*([frame(n, size=16_000)] for n in range(100)))
    found = await collected(FakeHub(socket))
    total = sum(map(len, found))
    assert 256 * 1024 <= total < 256 * 1024 + 17_000


async def test_the_socket_is_given_back_however_it_ends() -> None:
    socket = FakeSocket([frame(1)], [frame(2)])
    hub = FakeHub(socket)
    await collected(hub)
    assert (socket.is_ended, hub.left) == (True, [socket])
    gone = FakeSocket([frame(1)], [frame(2)])
    hub = FakeHub(gone)
    events = embed_stream.events(lambda: hub, ASKED, "10.0.0.1")
    await anext(events)
    await events.aclose()  # type: ignore[attr-defined]
    assert (gone.is_ended, hub.left) == (True, [gone])


async def test_a_hub_that_admits_nobody_says_why() -> None:
    class Full(FakeHub):
        async def admit_tokens(self, address: str) -> FakeSocket:
            raise frames.Refused(frames.TOO_MANY, "too_many_sockets", "Too many.", retry=True)

    [event] = await collected(Full(FakeSocket()))
    told = json.loads(event.removeprefix(b"data: "))
    assert (told["op"], told["code"], told["retry"]) == ("error", "too_many_sockets", True)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, settings: Any) -> FakeHub:
    settings.HEADWAY_EMBED_KEY = KEY
    settings.HEADWAY_ALLOWED_ORIGINS = [ORIGIN]
    hub = FakeHub(FakeSocket([frame(1, "hello")]))
    monkeypatch.setattr(embed_stream.routing.hubs, "current", lambda: hub)
    monkeypatch.setattr(cors, "budget", Budget(Rate(10_000, 0.001)))
    return hub


BODY = {"tokens": {"a": token()}, "subjects": ["task:t1"], "since": None}


def test_a_server_without_asgi_says_that_it_cannot(hub: FakeHub) -> None:
    answer = Client().post(URL, BODY, "application/json")
    assert (answer.status_code, answer.json()["code"]) == (501, "not_asgi")
    assert "embed/v1/states" in answer.json()["detail"]


async def test_an_asgi_server_streams_without_buffers(hub: FakeHub) -> None:
    answer: Any = await AsyncClient().post(
        URL, BODY, "application/json", headers={"Origin": ORIGIN}
    )
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert answer.headers["Cache-Control"] == "no-store, no-transform"
    assert answer.headers["X-Accel-Buffering"] == "no"
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert [part async for part in answer.streaming_content] == [
        f"data: {frame(1, 'hello')}\n\n".encode()
    ]


async def test_a_body_that_asks_for_nothing_is_refused_before_the_stream(hub: FakeHub) -> None:
    answer = await AsyncClient().post(URL, {"tokens": {}}, "application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
    assert hub.socket.heard == []
