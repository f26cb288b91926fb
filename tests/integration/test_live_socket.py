"""The live socket on real servers, over a real Redis channel layer."""

import asyncio
import json
import socket as socket_module
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any

import pytest
from channels_redis.pubsub import RedisPubSubChannelLayer
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from realtime.publisher import LayerPublisher
from tests.integration.live_app import FileStore
from tests.services.process import Process, free_port
from tests.services.redis import RedisServer
from tests.unit.realtime.live import task

APP = "tests.integration.live_app:application"
COMMANDS: dict[str, Callable[[int], list[str]]] = {
    "daphne": lambda port: ["daphne", "-b", "127.0.0.1", "-p", str(port), APP],
    "uvicorn": lambda port: ["uvicorn", "--host", "127.0.0.1", "--port", str(port), APP],
}


class Site:
    """A web process, the store behind it, and the publisher of a receiver."""

    def __init__(self, server: str, directory: Path, redis_url: str) -> None:
        self.server = server
        self.store = FileStore(directory / "store.json")
        self.save_alive()
        self.port = free_port()
        self.process = Process(
            [sys.executable, "-m", *COMMANDS[server](self.port)],
            log=directory / "web.log",
            env={"LIVE_STORE": str(directory / "store.json"), "LIVE_REDIS": redis_url},
        )
        self.publisher = LayerPublisher(RedisPubSubChannelLayer(hosts=[redis_url], prefix="test"))

    def start(self) -> None:
        """Start the web process and return when it listens."""
        self.process.start()
        self.process.wait_for(self._listens, 20, "the port to be open")

    def _listens(self) -> bool:
        with closing(socket_module.socket()) as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def commit(self, *rows: dict[str, object], is_published: bool = True) -> None:
        batch = self.store.commit(*rows)
        self.save_alive()
        if is_published:
            self.publisher.publish(batch)

    def beat(self, **told: object) -> None:
        """Publish a sign of life that tells something new."""
        self.save_alive()
        batch = self.store.commit()
        self.publisher.publish(batch._replace(stream={**batch.stream, **told}))

    def save_alive(self) -> None:
        self.store.alive_at = time.time()
        self.store.save()

    def connect(self, **headers: str) -> connect:
        return connect(
            f"ws://127.0.0.1:{self.port}/ws/v1/live",
            additional_headers={"Cookie": "ann"} | headers,
        )

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[ClientConnection]:
        """A connection with one view of all tasks, after its snapshot."""
        async with self.connect() as socket:
            await _frame(socket, "hello")
            await _say(socket, op="open", view=1, of="tasks")
            await _frame(socket, "snapshot")
            yield socket


async def _texts(socket: ClientConnection) -> AsyncIterator[str | bytes]:
    """Every frame until the connection is closed."""
    with suppress(ConnectionClosed):
        while True:
            yield await socket.recv()


async def _say(socket: ClientConnection, **frame: object) -> None:
    await socket.send(json.dumps(frame))


async def _frame(socket: ClientConnection, op: str, timeout_s: float = 10) -> Any:
    """The next frame of this kind; what may be the last is not acknowledged."""
    async with asyncio.timeout(timeout_s):
        while True:
            frame = json.loads(await socket.recv())
            is_last = frame["op"] in ("error", "bye")
            if not is_last:
                await _say(socket, op="ack", frame=frame["frame"])
            if frame["op"] == op:
                return frame


async def _row(socket: ClientConnection, id_: str, timeout_s: float = 10) -> Any:
    """The next patch's row of this task."""
    async with asyncio.timeout(timeout_s):
        while True:
            for row in (await _frame(socket, "patch"))["upsert"]:
                if row["id"] == id_:
                    return row


@pytest.fixture(params=["daphne", "uvicorn"])
def site(request: pytest.FixtureRequest, tmp_path: Path, redis_url: str) -> Iterator[Site]:
    site = Site(request.param, tmp_path, redis_url)
    site.start()
    try:
        yield site
    finally:
        site.publisher.close()
        site.process.stop()


async def test_a_committed_task_reaches_every_browser(site: Site) -> None:
    site.commit(task("t1"), is_published=False)
    async with site.watching() as first, site.watching() as second:
        site.commit(task("t2", 1, args=["ünïcode"]))

        for socket in (first, second):
            assert (await _row(socket, "t2"))["args"] == ["ünïcode"]


async def test_figures_follow_the_stream_and_only_what_changed_is_sent(site: Site) -> None:
    site.store.figures = {
        "failures": [{"signature": "a", "count": 1}, {"signature": "b", "count": 1}],
        "queues": [{"name": "mail", "depth": 1}],
    }
    site.commit(task("t1"))
    async with site.connect() as socket:
        await _frame(socket, "hello")
        held = {}
        for view, of in enumerate(("failures", "queues", "overview")):
            await _say(socket, op="open", view=view, of=of)
            snapshot = await _frame(socket, "snapshot")
            held[of] = snapshot["rows"]
        assert held == {**site.store.figures, "overview": [{"id": "overview", "running": 1}]}

        site.store.figures["failures"] = [{"signature": "a", "count": 2}]
        site.commit(task("t2"))
        patches = {}
        while len(patches) < 2:
            patch = await _frame(socket, "patch")
            patches[patch["view"]] = (patch["upsert"], patch["remove"])
        assert patches == {
            0: ([{"signature": "a", "count": 2}], ["b"]),
            2: ([{"id": "overview", "running": 2}], []),
        }


async def test_a_lost_batch_comes_within_three_seconds_and_a_bit(site: Site) -> None:
    async with site.watching() as socket:
        site.commit(task("lost"), is_published=False)

        await _row(socket, "lost", timeout_s=4.5)


async def test_batches_come_again_after_redis_was_away(
    site: Site, redis_server: RedisServer
) -> None:
    async with site.watching() as socket:
        redis_server.stop()
        site.commit(task("t1"))
        await _row(socket, "t1")

        async with site.connect() as other:
            await _frame(other, "hello")
        redis_server.start()
        async with asyncio.timeout(30):
            for number in range(2, 1_000):
                sent = site.publisher.counters["sent"]
                site.commit(task("t2", number))
                began = time.monotonic()
                await _row(socket, "t2")
                # Faster than silence is noticed: it came over the layer.
                if site.publisher.counters["sent"] > sent and time.monotonic() - began < 0.5:
                    break


async def test_a_stranger_is_told_and_closed_with_a_reason_that_browsers_see(site: Site) -> None:
    async with site.connect(Origin="http://evil.example") as socket:
        assert (await _frame(socket, "hello"))["user"] is None
        assert (await _frame(socket, "error"))["code"] == "not_signed_in"
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4503


async def test_a_server_that_stops_tells_its_browsers_to_come_back(site: Site) -> None:
    async with site.watching() as socket:
        # Daphne 4.2 forgets to end its applications while it still counts a socket's upgrade
        # request among its connections: a second or so.
        for lag_ms in range(100, 400, 100):
            site.beat(lag_ms=lag_ms)
            await _frame(socket, "stream")
        stopping = asyncio.create_task(asyncio.to_thread(site.process.stop))
        frames = [json.loads(text) async for text in _texts(socket)]
        await stopping

        if site.server == "daphne":
            assert frames[-1]["op"] == "bye"
            assert socket.close_code == 4412
        else:  # uvicorn closes its sockets itself, before it tells the application
            assert socket.close_code == 1012


async def test_a_page_that_comes_back_to_a_new_process_is_told_what_it_missed(site: Site) -> None:
    site.commit(task("t1"), is_published=False)
    async with site.watching():
        pass
    await asyncio.to_thread(site.process.stop)
    site.commit(task("t2", 1), is_published=False)
    await asyncio.to_thread(site.start)
    async with site.connect() as socket:
        hello = await _frame(socket, "hello")
        since = {"epoch": hello["epoch"], "revision": 1}
        await _say(socket, op="open", view=1, of="tasks", since=since)

        patch = await _frame(socket, "patch")
        assert [row["id"] for row in patch["upsert"]] == ["t2"]


async def test_a_visitor_of_another_site_watches_by_a_token_and_sees_nothing_else(
    site: Site,
) -> None:
    secret: dict[str, Any] = {
        "args": ["SECRET"],
        "exception": "ValueError('SECRET')",
        "traceback": "SECRET",
    }
    site.commit(task("t1", **secret), task("t2", 1), is_published=False)
    async with site.connect(Origin="https://shop.example") as socket:
        told = [await _frame(socket, "hello")]
        assert told[0]["user"] is None
        await _say(socket, op="token", key="a1", token="t")
        told.append(await _frame(socket, "token"))
        await _say(socket, op="open", view=1, of="progress")
        await _say(socket, op="subjects", view=1, add=["task:t1", "task:t2"])
        refused = await _frame(socket, "error")
        assert (refused["subject"], refused["code"]) == ("task:t2", "not_allowed")
        told.append(await _frame(socket, "snapshot"))
        assert [row["subject"] for row in told[-1]["rows"]] == ["task:t1"]

        over: dict[str, Any] = {"status": "completed", "conclusion": "failed"}
        site.commit(task("t1", **secret, **over))
        told.append(await _frame(socket, "patch"))
        assert told[-1]["upsert"][0]["conclusion"] == "failed"
        assert "SECRET" not in str(told)


@pytest.mark.parametrize(
    ("origin", "token", "error", "code"),
    [
        ("https://shop.example", "forged", "bad_token", 4505),
        ("https://evil.example", "t", "origin_not_allowed", 4503),
    ],
)
async def test_a_token_that_opens_nothing_is_answered_and_closed_with_its_code(
    site: Site, origin: str, token: str, error: str, code: int
) -> None:
    async with site.connect(Origin=origin) as socket:
        await _frame(socket, "hello")
        await _say(socket, op="token", key="a1", token=token)
        assert (await _frame(socket, "error"))["code"] == error
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == code
