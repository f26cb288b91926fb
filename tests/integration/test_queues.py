"""Real brokers tell what waits; one that hangs, goes or comes back hurts nothing but its rows."""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from kombu import Connection

from realtime.core.watched import Reading
from realtime.inbox import Inbox
from realtime.queues import NO_QUEUE, QueueWatch
from tests.integration import celery_app
from tests.services.rabbitmq import RabbitmqServer
from tests.services.redis import RedisServer
from tests.services.worker import CeleryWorker


class Asking:
    """A watch whose answers are read at once; `close` gives up its connection."""

    def __init__(self, app: Celery, *names: str) -> None:
        self.inbox = Inbox()
        self.watch = QueueWatch(app, self.inbox, names=lambda: names, is_leading=lambda: True)

    def __call__(self) -> dict[str, Reading]:
        self.watch.ask()
        (delivery,) = self.inbox.take(10)
        (event,) = delivery.events
        return {told.name: told for told in event.fields["queues"]}  # type: ignore[attr-defined]

    def close(self) -> None:
        self.watch.stop()
        self.watch.run()

    def wait_for_an_answer(self) -> dict[str, Reading]:
        """Ask until the broker answers again, which takes it a moment after it came back."""
        deadline = time.monotonic() + 30
        while True:
            found = self()
            if all(told.measured_at is not None for told in found.values()):
                return found
            assert time.monotonic() < deadline, found


Ask = Callable[..., Asking]


@pytest.fixture
def ask() -> Iterator[Ask]:
    """Makes watches that let go of their connections afterwards."""
    with ExitStack() as stack:

        def make(app: Celery, *names: str) -> Asking:
            asking = Asking(app, *names)
            stack.callback(asking.close)
            return asking

        yield make


@pytest.fixture
def redis_app(redis_server: RedisServer) -> Iterator[Celery]:
    with celery_app.connected(redis_server.url(), None) as app:
        yield app


@pytest.fixture
def rabbitmq_app(rabbitmq_url: str) -> Iterator[Celery]:
    with celery_app.connected(rabbitmq_url, None) as app:
        yield app


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"global_keyprefix": "shop:"},
        {"sep": ":", "priority_steps": [0, 2, 4, 6, 8], "global_keyprefix": "{x}"},
    ],
)
def test_redis_tells_the_depth_of_each_priority_as_kombu_keeps_it(
    ask: Ask, redis_app: Celery, options: dict[str, Any]
) -> None:
    redis_app.conf.broker_transport_options = options
    for priority in (None, 0, 3, 3, 6, 9, 9, 9):
        celery_app.add.apply_async((1, 1), queue="mixed", priority=priority)
    celery_app.add.apply_async((1, 1), queue="plain")
    asking = ask(redis_app, "mixed", "plain")

    found = asking()

    steps = options.get("priority_steps", [0, 3, 6, 9])
    expected: dict[str, int] = {}
    for priority in (0, 0, 3, 3, 6, 9, 9, 9):
        step = str(max(step for step in steps if step <= priority))
        expected[step] = expected.get(step, 0) + 1
    assert (found["mixed"].depth, found["mixed"].priorities) == (8, expected)
    assert (found["plain"].depth, found["plain"].priorities) == (1, None)
    assert found["celery"][2:] == (0, None, None, None)


def test_a_key_of_another_kind_under_a_queue_s_name_is_told_for_it_alone(
    ask: Ask, redis_app: Celery, redis_server: RedisServer
) -> None:
    with redis_server.client() as client:
        client.set("odd", "text")
    found = ask(redis_app, "odd")()
    assert (found["odd"].depth, found["odd"].error) == (None, "ResponseError")
    assert (found["celery"].depth, found["celery"].error) == (0, None)


def test_rabbitmq_tells_depth_and_consumers_and_which_queue_is_not_there(
    ask: Ask, rabbitmq_app: Celery, rabbitmq_url: str, tmp_path: Path
) -> None:
    for _ in range(3):
        celery_app.add.apply_async((1, 1), queue="waiting")
    asking = ask(rabbitmq_app, "waiting", "nowhere", "elsewhere")
    with CeleryWorker(tmp_path, broker=rabbitmq_url, queues=["celery"]):
        found = asking()
    assert found["waiting"][2:] == (3, 0, None, None)
    assert found["celery"][2:] == (0, 1, None, None)
    for name in ("nowhere", "elsewhere"):
        assert found[name].error == NO_QUEUE
        assert found[name].measured_at is not None
    assert asking()["waiting"].depth == 3


def test_a_forbidden_queue_is_told_as_refused_beside_one_that_is_allowed(
    ask: Ask,
    rabbitmq_server: RabbitmqServer,
) -> None:
    url = rabbitmq_server.url(rabbitmq_server.add_vhost())
    with celery_app.connected(url, None) as app, Connection(url) as other:
        # Exclusive to another connection: nobody else may even look at it.
        other.default_channel.queue_declare("private", exclusive=True)
        celery_app.add.apply_async((1, 1), queue="open")
        found = ask(app, "private", "open")()
    assert found["private"].error == "ResourceLocked"
    assert (found["open"].depth, found["open"].error) == (1, None)


@pytest.mark.parametrize("kind", ["redis", "rabbitmq"])
def test_a_broker_that_hangs_is_told_within_its_timeouts_and_read_again_afterwards(
    ask: Ask, kind: str, request: pytest.FixtureRequest
) -> None:
    server = request.getfixturevalue(f"{kind}_server")
    url = server.url() if kind == "redis" else server.url(server.add_vhost())
    name = f"q-{uuid.uuid4().hex[:8]}"
    with celery_app.connected(url, None) as app, ExitStack() as stack:
        celery_app.add.apply_async((1, 1), queue=name)
        asking = ask(app, name)
        assert asking()[name].depth == 1
        stack.callback(server.resume)
        server.pause()
        began = time.monotonic()
        found = asking()
        assert time.monotonic() - began < 25
        assert found[name].error
        assert found[name].measured_at is None
        server.resume()
        again = asking.wait_for_an_answer()
        assert (again[name].depth, again[name].error) == (1, None)


def test_a_broker_that_was_restarted_is_read_without_a_word_of_it(
    ask: Ask, redis_app: Celery, redis_server: RedisServer
) -> None:
    asking = ask(redis_app)
    assert asking()["celery"].error is None
    redis_server.stop()
    assert asking()["celery"].error
    redis_server.start()
    assert asking()["celery"].error is None
