"""The ASGI edge, driven as a server drives it."""

import asyncio
import json
from ipaddress import ip_network
from typing import Any

import pytest

from realtime.consumers import LiveApplication
from realtime.core.channels import GROUP
from realtime.hub import Limits
from realtime.testing_public import MemoryTokens
from tests.unit.realtime.live import House, open_house, task

PROXIES = ("10.0.0.0/8",)


class Server:
    """One connection between a server and the application."""

    def __init__(self, house: House, **scope: Any) -> None:
        self.house = house
        self.sent: asyncio.Queue[Any] = asyncio.Queue()
        self.inbound: asyncio.Queue[Any] = asyncio.Queue()
        headers = {"host": "status.example", "cookie": "ann"} | scope.pop("headers", {})
        self.scope = {
            "type": "websocket",
            "client": ["1.1.1.1", 5000],
            "headers": [(k.encode(), v.encode()) for k, v in headers.items() if v is not None],
            **scope,
        }
        app = LiveApplication(
            lambda: house.hub,
            is_own_page=lambda origin, host: origin in (None, f"https://{host}"),
            is_embed_page=lambda origin, host: (
                origin in (None, f"https://{host}", "https://shop.example")
            ),
            trusted_proxies=lambda: [ip_network(text) for text in PROXIES],
        )
        self.inbound.put_nowait({"type": "websocket.connect"})
        self.app = asyncio.ensure_future(
            app(self.scope, self.inbound.get, lambda message: self._send(message))
        )

    async def _send(self, message: Any) -> None:
        self.sent.put_nowait(message)

    async def message(self) -> Any:
        return await asyncio.wait_for(self.sent.get(), 5)

    async def frame(self, op: str) -> Any:
        """The next frame of this kind."""
        while True:
            message = await self.message()
            if message["type"] == "websocket.send":
                frame = json.loads(message["text"])
                if frame["op"] == op:
                    return frame

    def say(self, **frame: object) -> None:
        self.inbound.put_nowait({"type": "websocket.receive", "text": json.dumps(frame)})

    async def hang_up(self) -> None:
        self.inbound.put_nowait({"type": "websocket.disconnect", "code": 1001})
        await asyncio.wait_for(self.app, 5)


async def test_a_connection_from_its_accept_to_its_end() -> None:
    async with open_house() as house:
        house.store.commit(task("t1"))
        server = Server(house)
        assert await server.message() == {"type": "websocket.accept"}
        assert (await server.frame("hello"))["user"] == "ann"
        server.say(op="open", view=1, of="tasks")
        assert (await server.frame("snapshot"))["rows"][0]["id"] == "t1"

        await server.hang_up()
        assert len(house.hub._sockets) == len(house.hub._watch) == 0
        assert not house.hub._door


async def test_frames_that_came_before_the_hello_are_taken_after_it() -> None:
    async with open_house() as house:
        server = Server(house)
        server.say(op="open", view=1, of="tasks")
        await server.frame("hello")
        await server.frame("snapshot")
        await server.hang_up()


@pytest.mark.parametrize(
    ("headers", "user"),
    [
        ({}, "ann"),
        ({"origin": "https://status.example"}, "ann"),
        ({"origin": "https://evil.example"}, None),
        ({"origin": "null"}, None),
        ({"cookie": None}, None),
    ],
)
async def test_a_cookie_counts_on_our_own_pages_only(
    headers: dict[str, Any], user: str | None
) -> None:
    async with open_house() as house:
        server = Server(house, headers=headers, user="what a host's middleware made of the cookie")
        assert (await server.frame("hello"))["user"] == user
        await server.hang_up()


async def test_what_was_read_out_of_a_foreign_cookie_is_taken_away_too() -> None:
    async with open_house() as house:
        seen: list[Any] = []
        house.guests.rights = lambda scope: seen.append(scope) or house.guests.rights_of["ann"]  # type: ignore[method-assign, func-returns-value]
        server = Server(house, headers={"origin": "https://evil.example"}, user="ann", session={})
        await server.frame("hello")
        assert not {"user", "session"} & set(seen[0])
        await server.hang_up()


async def test_a_refusal_is_made_after_accept_with_one_error_frame_and_a_code() -> None:
    async with open_house(limits=Limits(sockets_per_address=0)) as house:
        server = Server(house)
        accept, error, close = [await server.message() for _ in range(3)]

        assert accept == {"type": "websocket.accept"}
        assert json.loads(error["text"])["code"] == "too_many_sockets"
        assert close == {"type": "websocket.close", "code": 4405}


async def test_a_stranger_is_closed_with_its_code_after_the_error() -> None:
    async with open_house() as house:
        server = Server(house, headers={"cookie": None})
        await server.frame("hello")
        await house.pass_time(5.5)

        assert (await server.frame("error"))["code"] == "not_signed_in"
        assert await server.message() == {"type": "websocket.close", "code": 4503}
        await asyncio.wait_for(server.app, 5)


async def test_addresses_are_believed_from_trusted_proxies_only() -> None:
    async with open_house(limits=Limits(sockets_per_address=1)) as house:
        behind = [
            Server(house, client=["10.0.0.1", 1], headers={"x-forwarded-for": f"9.9.9.{i}"})
            for i in range(2)
        ]
        direct = [Server(house, headers={"x-forwarded-for": f"8.8.8.{i}"}) for i in range(2)]
        for server in (*behind, direct[0]):
            await server.frame("hello")

        assert (await direct[1].frame("error"))["code"] == "too_many_sockets"
        for server in (*behind, direct[0]):
            await server.hang_up()


async def test_a_server_that_stops_says_goodbye() -> None:
    async with open_house() as house:
        server = Server(house)
        await server.frame("hello")
        server.app.cancel()

        assert 0 <= (await server.frame("bye"))["reconnect_in_ms"] <= 5000
        assert await server.message() == {"type": "websocket.close", "code": 4412}


async def test_a_peer_that_never_pauses_does_not_keep_others_from_running() -> None:
    async with open_house() as house:
        server = Server(house)
        await server.frame("hello")
        for _ in range(1_000):
            server.say(op="close", view=1)
        other = Server(house)
        await other.frame("hello")
        await server.hang_up()
        await other.hang_up()


async def test_no_socket_asks_the_channel_layer_for_anything() -> None:
    class Layer:
        asked: list[str] = []

        async def new_channel(self, prefix: str) -> str:
            self.asked.append("new_channel")
            return "c"

        async def group_add(self, group: str, channel: str) -> None:
            assert group == GROUP

        async def group_discard(self, group: str, channel: str) -> None: ...

        async def receive(self, channel: str) -> Any:
            await asyncio.Event().wait()

    async with open_house(layer=Layer()) as house:
        servers = [Server(house) for _ in range(3)]
        for server in servers:
            await server.frame("hello")
            await server.hang_up()

        assert Layer.asked == ["new_channel"]


async def test_a_peer_that_went_while_it_was_written_to_is_no_fault() -> None:
    async with open_house() as house:
        server = Server(house)
        await server.frame("hello")

        async def fail(message: Any) -> None:
            raise OSError("gone")

        server._send = fail  # type: ignore[method-assign]
        server.app.cancel()
        with pytest.raises(asyncio.CancelledError):
            await server.app
        assert not house.hub._sockets


@pytest.mark.parametrize("told", [OSError, RuntimeError])
async def test_a_server_that_says_the_peer_has_gone_ends_the_connection_quietly(
    told: type[Exception],
) -> None:
    async with open_house() as house:
        server = Server(house)
        await server.frame("hello")

        async def fail(message: Any) -> None:
            raise told("Attempt to send on a closed protocol")

        server._send = fail  # type: ignore[method-assign]
        server.say(op="no such thing")
        await asyncio.wait_for(server.app, 5)
        assert not house.hub._sockets


async def test_a_fault_of_ours_ends_the_connection_and_is_raised() -> None:
    async with open_house() as house:
        server = Server(house)
        await server.frame("hello")
        [socket] = house.hub._sockets
        socket.receive = None  # type: ignore[method-assign, assignment]
        server.say(op="ack", frame=1)

        with pytest.raises(TypeError):
            await asyncio.wait_for(server.app, 5)
        assert not house.hub._sockets


@pytest.mark.parametrize(
    ("origin", "code"),
    [
        (None, "bad_token"),
        ("https://status.example", "bad_token"),
        ("https://shop.example", "bad_token"),
        ("https://evil.example", "origin_not_allowed"),
        ("null", "origin_not_allowed"),
        ("", "origin_not_allowed"),
    ],
)
async def test_tokens_count_on_our_own_pages_and_on_those_that_may_embed(
    origin: str | None, code: str
) -> None:
    async with open_house(tokens=MemoryTokens()) as house:
        server = Server(house, headers={"origin": origin, "cookie": None})
        await server.frame("hello")
        server.say(op="token", key="a1", token="x")
        assert (await server.frame("error"))["code"] == code
        await server.hang_up()
