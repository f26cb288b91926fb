"""The stream of `/embed/v1/` on real servers: frames come one by one, and are resumed."""

import http.client
import json
import socket as socket_module
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import jwt
import pytest

from tests.services.headway import Headway
from tests.services.process import Process, free_port, wait_until

KEY = "k" * 40
APP = "dashboard.server.asgi:application"
COMMANDS: dict[str, Callable[[int], list[str]]] = {
    "daphne": lambda port: ["daphne", "-b", "127.0.0.1", "-p", str(port), APP],
    "uvicorn": lambda port: ["uvicorn", "--host", "127.0.0.1", "--port", str(port), APP],
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with the tables in it."""
    directory = tmp_path_factory.mktemp("embed")
    env = {"HEADWAY_DATA": str(directory)}
    with Headway(directory, "manage", "migrate", "-v", "0", env=env) as migrating:
        assert migrating.wait_for_exit(60) == 0
    return directory


@pytest.fixture(params=COMMANDS)
def port(request: pytest.FixtureRequest, data: Path) -> Iterator[int]:
    """Of a server that serves Headway's pages from this directory."""
    port = free_port()
    process = Process(
        [sys.executable, "-m", *COMMANDS[request.param](port)],
        log=data / f"{request.param}.log",
        env={
            "HEADWAY_DATA": str(data),
            "HEADWAY_EMBED_KEY": KEY,
            "HEADWAY_ALLOWED_ORIGINS": "https://shop.example",
            "HEADWAY_MAX_SOCKETS_PER_ADDRESS": "1",
            "DJANGO_SETTINGS_MODULE": "dashboard.server.settings",
        },
    )

    def listens() -> bool:
        with closing(socket_module.socket()) as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    with process:
        process.wait_for(listens, 30, "the port to be open")
        yield port


class Reading:
    """One streaming request, and the frames of it so far."""

    def __init__(self, port: int, body: dict[str, Any], **headers: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        sent = {"Content-Type": "application/json", **headers}
        self._connection.request("POST", "/embed/v1/stream", json.dumps(body), sent)
        self.answer = self._connection.getresponse()

    def any_frame(self) -> dict[str, Any]:
        """The next frame."""
        while line := self.answer.readline():
            if line.startswith(b"data: "):
                frame: dict[str, Any] = json.loads(line.removeprefix(b"data: "))
                return frame
        raise AssertionError("The stream ended.")

    def frame(self, op: str) -> dict[str, Any]:
        """The next frame of this kind."""
        while (frame := self.any_frame())["op"] != op:
            pass
        return frame

    def close(self) -> None:
        self._connection.close()


def body(**more: Any) -> dict[str, Any]:
    claims = {"aud": "headway", "exp": time.time() + 600, "iat": time.time(), "tasks": ["t1"]}
    token = jwt.encode(claims, KEY, "HS256")
    return {"tokens": {"a": token}, "subjects": ["task:t1"], "since": None, **more}


def test_frames_come_while_the_answer_goes_on_and_are_resumed(port: int) -> None:
    with closing(Reading(port, body(), Origin="https://shop.example")) as first:
        assert first.answer.status == 200
        assert first.answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"
        epoch = first.frame("hello")["epoch"]
        told = first.frame("snapshot")
    assert [row["subject"] for row in told["rows"]] == ["task:t1"]
    assert told["rows"][0]["note"] == "handed_over"
    since = {"epoch": epoch, "revision": told["revision"]}
    # The address has one place, which the first reader gave back when it went.
    again = wait_until(lambda: greeted(port, body(since=since)), 20, "a place to be free")
    assert again["epoch"] == epoch


def greeted(port: int, asked: dict[str, Any]) -> dict[str, Any] | None:
    """What a stream begins with; None where it is not let in."""
    with closing(Reading(port, asked)) as reading:
        first = reading.any_frame()
    return first if first["op"] == "hello" else None


def test_a_bad_token_is_refused_in_the_stream(port: int) -> None:
    asked = body()
    asked["tokens"]["a"] = asked["tokens"]["a"][:-3] + "AAA"
    with closing(Reading(port, asked)) as reading:
        error = reading.frame("error")
    assert error["code"] == "bad_token"
