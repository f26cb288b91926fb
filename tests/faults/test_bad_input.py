"""Whatever anybody sends: events, socket frames, queries, API calls and embed tokens that nobody
would write by hand, against a running `headway serve`. Nothing crashes, nothing is logged as an
error, memory stays within a stated bound, and the good tasks among them are stored as they ended.

A few thousand are part of `make acceptance`, a hundred thousand of `make faults`.
"""

import ipaddress
import json
import os
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jwt
import pytest
import schemathesis
from celery import Celery
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from realtime.core.events import MAX_EVENT_BYTES
from realtime.core.frames import PROGRESS, SERVED
from realtime.core.query_terms import LEXICON
from realtime.testing import BUILDERS, Raw, task_received, task_started, task_succeeded
from tests.acceptance.support import Capture, Site, answer_to, ask, one_process, publish, tell
from tests.integration import celery_app
from tests.services.headway import HeadwayWeb
from tests.services.process import wait_until
from tests.services.redis import RedisServer, running_redis

GROWTH_MB = 80
"""What the receiver, the ring of recent changes and the allocator may take more in the end than
after the first tenth. Measured: 22 after 14,000 inputs."""
ROOM = 8 * 1024
"""Bytes of a message for the events of a good task and the envelope."""
EVENTS_A_MESSAGE = 20
FRAMES_A_SOCKET = 16
"""As many as a peer may leave unacknowledged."""
LONGEST_QUERY = 1_100
"""Characters. Longer ones than 1,000 are refused; daphne hangs up on an address of 16 KB."""
MOST_OF_A_TOKEN = 8_000
"""Letters. Daphne hangs up on a header of 16 KB."""
MUCH = 60_000
"""Bytes of a frame. Daphne hangs up on one of megabytes without a word."""
AT = 1_795_000_000.0
EMBED_KEY = "k" * 64
BEGAN_AT = time.time()
OPEN_TO_VISITORS = {"HEADWAY_EMBED_KEY": EMBED_KEY, "HEADWAY_TRUSTED_PROXIES": "127.0.0.1"}
SAID_TO_A_TOKEN = {200, 401, 403, 429}
CLOSED_FOR_GOOD_REASON = {4400, 4405, 4408}
"""Too many bad frames, too many sockets, too many answers that nobody reads."""

numbers = st.integers() | st.floats() | st.sampled_from([0, -1, 1, 2**31, 2**53, 2**64, 10**400])
texts = st.text(max_size=40) | st.sampled_from(
    [
        "",
        "\x00",
        "a\nb",
        "\x1b[2J",
        "..",
        "\u202egnp",
        "%s%n{0}",
        "' OR 1=1 --",
        "x" * 300,
        "é" * 4096,
    ]
)
scalars = st.none() | st.booleans() | numbers | texts
values = st.recursive(
    scalars, lambda more: st.lists(more, max_size=4) | st.dictionaries(texts, more, max_size=4),
    max_leaves=8,
)  # fmt: skip
reprs = st.sampled_from(
    ["(1,)", "('a', …", "{'password': 'x", "(" * 3000, "-" * 3000 + "1", "{1: 2}"]
)


@st.composite
def events(draw: st.DrawFn) -> Any:
    """An event of a kind there is, some of its fields replaced, added or left out."""
    kind = draw(st.sampled_from(sorted(BUILDERS)))
    raw: Raw = BUILDERS[kind](draw(st.sampled_from(["f1", "f2", "f3"]) | texts), at=AT)
    names = sorted({*raw, "queue", "exception", "args", "kwargs", "stages", "eta", "retries"})
    for name in draw(st.lists(st.sampled_from(names), max_size=4)):
        raw[name] = draw(values | reprs)
    for name in draw(st.lists(st.sampled_from(sorted(raw)), max_size=1)):
        raw.pop(name, None)
    return raw


subjects = (
    st.lists(st.builds("{}:{}".format, st.sampled_from(["task", "group", ""]), texts)) | values
)
tokens = (
    st.sampled_from(
        [
            "eyJhbGciOiJub25lIn0.eyJ0YXNrcyI6WyJmMSJdfQ.",
            "eyJhbGciOiJIUzI1NiJ9.eyJ0YXNrcyI6WyJmMSJdfQ.c2lnbmVk",
            "a.b.c",
            "." * 500,
            "x" * 9_000,
        ]
    )
    | values
)


@st.composite
def frames(draw: st.DrawFn) -> str | bytes:
    """A frame of the live protocol, nearly, or something else altogether."""
    frame = {
        "op": draw(st.sampled_from(["open", "open", "close", "ack", "token", "subjects"]) | values),
        "view": draw(st.integers(0, 40) | values),
        "of": draw(st.sampled_from((*SERVED, PROGRESS)) | values),
    }
    for name in draw(st.lists(st.sampled_from(["key", "token", "add", "remove"]))):
        frame[name] = draw(tokens if name == "token" else subjects)
    for name in draw(st.lists(st.sampled_from(["query", "limit", "id", "ids", "since", "frame"]))):
        frame[name] = draw(queries if name == "query" else values)
    text = json.dumps(frame)
    return draw(
        st.sampled_from([text, text, text, text[:-1], "[" * 2000, (text * 200)[:MUCH]])
        | st.binary()
    )


words = st.sampled_from([*LEXICON, "kwarg.a", "nothing", "KWARG.", "-", "--name"])
terms = st.builds(
    "{}{}:{}{}".format,
    st.sampled_from(["", "-"]),
    words,
    texts,
    st.sampled_from(["", "*", ",", '"']),
)
queries = (
    st.lists(terms | texts | st.text(':,*"\\-<>. aé0', max_size=60), max_size=8)
    .map(" ".join)
    .map(lambda text: text[:LONGEST_QUERY])
)


@st.composite
def claims(draw: st.DrawFn) -> str:
    """A token with the right signature, some of whose claims are not."""
    told: dict[str, Any] = {"aud": "headway", "tasks": ["f1", "good-0"]}
    told |= {"iat": BEGAN_AT, "exp": BEGAN_AT + 12 * 3600}
    names = ["aud", "exp", "iat", "nbf", "tasks", "groups", "can", "owner", "label", "sub"]
    for name in draw(st.lists(st.sampled_from(names), max_size=4)):
        told[name] = draw(values | subjects)
    text = json.dumps(told).encode()
    return jwt.PyJWS().encode(text, EMBED_KEY, draw(st.sampled_from(["HS256", "HS512"])))


@st.composite
def embeds(draw: st.DrawFn) -> bytes:
    """What a page asks about its tasks, nearly, or something else altogether."""
    asked = {
        "tokens": draw(st.dictionaries(texts, claims() | tokens, max_size=3) | values),
        "subjects": draw(st.just(["task:f1", "task:good-0", "group:g"]) | subjects),
        "since": draw(st.none() | st.just({"epoch": "e", "revision": 1}) | values),
    }
    text = json.dumps(asked).encode()
    return draw(st.sampled_from([text, text, text, text[:-1], b"[" * 2000]) | st.binary())


def made(strategy: st.SearchStrategy[Any], count: int) -> Iterator[list[Any]]:
    """So many examples, the same ones each time, in lists of at most a thousand."""
    for part in range(0, count, 1000):
        yield _made(strategy, min(1000, count - part), part)


def _made(strategy: st.SearchStrategy[Any], count: int, number: int) -> list[Any]:
    found: list[Any] = []

    @seed(number)
    @settings(
        max_examples=count,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(value: Any) -> None:
        found.append(value)

    collect()
    return found


class Target:
    """A running server, and how much memory it has."""

    def __init__(self, server: HeadwayWeb, site: Site, app: Celery, redis: RedisServer) -> None:
        self.server, self.site, self.app, self.redis = server, site, app, redis
        self.good: list[str] = []

    def memory_mb(self) -> float:
        pages = int(Path(f"/proc/{self.server.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def send_events(self, count: int) -> int:
        """Publish so many events, the three of a good task in every message."""
        sent = 0
        for examples in made(events() | values, count):
            for begin in range(0, len(examples), EVENTS_A_MESSAGE):
                some = examples[begin : begin + EVENTS_A_MESSAGE]
                for message in self._with_good(some):
                    publish(self.app, message)
                sent += len(some)
            with self.redis.client() as client:
                for junk in (b"\xff\x00", b"{", json.dumps({"body": "!", "headers": []}).encode()):
                    client.publish("/0.celeryev/task.multi", junk)
        return sent

    def _with_good(self, some: list[Any]) -> list[list[Any]]:
        """The events of a good task around them; in a message of their own where theirs is so
        large that it is dropped whole."""
        task_id = f"good-{len(self.good)}"
        self.good.append(task_id)
        host = {"hostname": "celery@good"}
        first = task_received(task_id, at=AT, name="shop.good", **host)
        last = [
            task_started(task_id, at=AT + 1, **host),
            task_succeeded(task_id, at=AT + 2, **host),
        ]
        is_dropped = len(json.dumps(some)) > MAX_EVENT_BYTES - ROOM
        return [some, [first, *last]] if is_dropped else [[first, *some, *last]]

    def send_frames(self, count: int) -> int:
        """Say so many frames, on one socket after another."""
        sent = 0
        for examples in made(frames(), count):
            for begin in range(0, len(examples), FRAMES_A_SOCKET):
                self._talk(examples[begin : begin + FRAMES_A_SOCKET])
            sent += len(examples)
        return sent

    def _talk(self, said: Sequence[str | bytes]) -> None:
        address = self.server.url.replace("http", "ws", 1) + "/ws/v1/live"
        headers = {"Authorization": f"Bearer {self.site.key}"}
        with connect(address, additional_headers=headers, max_size=None) as socket:
            try:
                for frame in said:
                    socket.send(frame)
                _wait_for_answer(socket)
            except ConnectionClosed:
                assert socket.close_code in CLOSED_FOR_GOOD_REASON, socket.close_reason

    def send_queries(self, count: int) -> int:
        """Ask for so many lists: in the API, and every tenth as a page."""
        sent = 0
        for examples in made(queries, count):
            for number, query in enumerate(examples):
                answer = self._asked("api/v1/tasks", {"query": query, "limit": 2})
                assert answer in (200, 400), (answer, query)
                if number % 10 == 0:
                    # A stranger's, who is sent to the sign-in page with the query in its address.
                    assert self._asked("tasks/", {"query": query}) in (200, 400), query
            sent += len(examples)
        return sent

    def _asked(self, path: str, parameters: dict[str, Any]) -> int:
        told = {name: str(value).encode("utf-8", "replace") for name, value in parameters.items()}
        url = f"{self.server.url}/{path}?{urllib.parse.urlencode(told)}"
        return ask(url, self.site.key).status

    def send_embeds(self, count: int) -> int:
        """Ask as so many pages would that embed progress; every tenth about one task."""
        sent = 0
        for examples in made(st.tuples(embeds(), claims()), count):
            for number, (body, token) in enumerate(examples):
                assert self._posted("embed/v1/states", body, sent + number) in (200, 400, 413), body
                if number % 10 == 0:
                    url = f"{self.server.url}/embed/v1/tasks/f1"
                    assert ask(url, token[:MOST_OF_A_TOKEN]).status in SAID_TO_A_TOKEN
            sent += len(examples)
        return sent

    def _posted(self, path: str, body: bytes, visitor: int) -> int:
        """Each visitor has an address of their own, of which none asks too often."""
        address = ipaddress.IPv4Address("10.0.0.0") + visitor
        headers = {"Content-Type": "application/json", "X-Forwarded-For": str(address)}
        url = f"{self.server.url}/{path}"
        return answer_to(urllib.request.Request(url, data=body, headers=headers)).status

    def send_calls(self, count: int) -> int:
        """Make so many calls of what the OpenAPI document describes, right ones and wrong ones."""
        document = f"{self.server.url}/api/v1/openapi.json"
        schema = schemathesis.openapi.from_url(document)
        operations = [found.ok() for found in schema.get_all_operations()]
        headers = {"Authorization": f"Bearer {self.site.key}"}
        sent = 0
        for operation in operations:
            for cases in made(operation.as_strategy(), count // len(operations)):
                for case in cases:
                    case.call_and_validate(headers=headers, checks=[not_a_server_error])
                sent += len(cases)
        return sent


def _wait_for_answer(socket: ClientConnection) -> None:
    """Read, and acknowledge what is read, until a last question is answered."""
    socket.send('{"op":"open","view":77777,"of":"workers"}')
    while True:
        told = json.loads(socket.recv(timeout=20))
        socket.send(json.dumps({"op": "ack", "frame": told["frame"]}))
        if told.get("view") == 77777:
            return


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Target]:
    with (
        running_redis() as redis,
        celery_app.connected(redis.url(), redis.url(1)) as app,
        one_process(tmp_path, redis.url(), redis.url(1), **OPEN_TO_VISITORS) as (server, site),
    ):
        yield Target(server, site, app, redis)


def assert_unharmed(target: Target) -> None:
    """The server lives, has logged no error, and knows every good task as it ended."""

    def is_all_good() -> bool:
        found = target.site.tasks("name:shop.good")
        ended = {task_id for task_id, row in found.items() if row["conclusion"] == "succeeded"}
        return ended == set(target.good)

    wait_until(is_all_good, 60, "all good tasks to have succeeded")
    assert ask(f"{target.server.url}/healthz").status == 200
    log = target.server.output()
    assert "Traceback" not in log, log[-4000:]
    assert " ERROR " not in log, log[-4000:]
    assert " CRITICAL " not in log, log[-4000:]


def bombard(target: Target, count: int) -> dict[str, int]:
    """A tenth of each kind first, then the rest; memory may not grow much in between."""
    kinds: dict[str, Callable[[int], int]] = {
        "events": target.send_events,
        "frames": target.send_frames,
        "queries": target.send_queries,
        "embeds": target.send_embeds,
        "calls": target.send_calls,
    }
    each = count // len(kinds)
    sent = {kind: send(each // 10) for kind, send in kinds.items()}
    before = target.memory_mb()
    for kind, send in kinds.items():
        sent[kind] += send(each - each // 10)
    grown = target.memory_mb() - before
    assert_unharmed(target)
    assert grown < GROWTH_MB, f"{grown:.0f} MB more"
    return {**sent, "grown_mb": round(grown)}


def test_thousands_of_bad_inputs_do_no_harm(target: Target) -> None:
    bombard(target, 2_000)


@pytest.mark.faults
@pytest.mark.timeout(3600)
def test_a_hundred_thousand_bad_inputs_do_no_harm(target: Target, capsys: Capture) -> None:
    tell(capsys, f"100,000 bad inputs: {bombard(target, 100_000)}")
