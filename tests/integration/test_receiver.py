"""Real brokers, a real prefork worker: what is sent arrives, and what hurts is survived."""

import json
import logging
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import Celery
from kombu import Producer

from realtime import receiver as module
from realtime.core.events import Event, Reject, parse
from realtime.inbox import Inbox
from realtime.inspection import Inspection
from realtime.ports import Delivery
from realtime.receiver import Receiver
from realtime.results import ResultListener, lookup
from realtime.testing import AT, task_progress, task_received, task_succeeded
from tests.integration import celery_app
from tests.services.process import wait_until
from tests.services.rabbitmq import RabbitmqServer
from tests.services.redis import RedisServer
from tests.services.worker import CeleryWorker

Raw = dict[str, Any]


class Heard:
    """A receiver on its thread, and what it put in the inbox so far."""

    def __init__(self, app: Celery, inbox: Inbox | None = None, **options: Any) -> None:
        self.inbox = inbox or Inbox()
        options.setdefault("node_id", f"test-{uuid.uuid4().hex[:8]}")
        self.receiver = Receiver(app, self.inbox, **options)
        self.deliveries: list[Delivery] = []

    def events(self, settle: bool = True) -> list[Raw]:
        taken = self.inbox.take(1_000_000)
        self.deliveries += taken
        if settle:
            self.receiver.settle([delivery.tag for delivery in taken])
        return [event for delivery in self.deliveries for event in delivery.events]  # type: ignore[misc]

    def kinds(self, task_id: str) -> list[str]:
        return [
            event["type"]
            for event in self.events()
            if isinstance(event, dict) and event.get("uuid") == task_id
        ]

    def wait_for(self, condition: Callable[[list[Raw]], object], what: str = "") -> list[Raw]:
        def is_met() -> bool:
            return bool(condition(self.events()))

        wait_until(is_met, 20, what or "events")
        return self.events()


@contextmanager
def hearing(app: Celery, **options: Any) -> Iterator[Heard]:
    """A receiver whose first probe came back."""
    heard = Heard(app, **options)
    with running(heard.receiver.run, heard.receiver.stop):
        wait_until(lambda: heard.receiver.health().lag_ms is not None, 20, "the first probe")
        yield heard


@contextmanager
def running(run: Callable[[], None], stop: Callable[[], None]) -> Iterator[None]:
    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop()
        thread.join(20)
        assert not thread.is_alive()


def publish(app: Celery, body: object, **options: Any) -> None:
    """Send a message to the event exchange as any client could."""
    options.setdefault("serializer", "json")
    with app.connection_for_write() as connection:
        exchange = app.events.Dispatcher(connection, enabled=False).exchange
        producer = Producer(connection, exchange=exchange)
        producer.publish(body, routing_key="task.multi", delivery_mode=1, **options)


@pytest.fixture(params=["redis", "rabbitmq"])
def broker(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(f"{request.param}_server")


@pytest.fixture
def broker_url(broker: RedisServer | RabbitmqServer) -> str:
    return broker.url() if isinstance(broker, RedisServer) else broker.url(broker.add_vhost())


@pytest.fixture
def app(broker_url: str, redis_server: RedisServer) -> Iterator[Celery]:
    with celery_app.connected(broker_url, redis_server.url(3)) as app:
        yield app


@pytest.fixture
def redis_app(redis_server: RedisServer) -> Iterator[Celery]:
    with celery_app.connected(redis_server.url(), redis_server.url(3)) as app:
        yield app


@pytest.fixture
def rabbitmq_app(rabbitmq_url: str) -> Iterator[Celery]:
    with celery_app.connected(rabbitmq_url, None) as app:
        yield app


def test_every_event_of_a_real_worker_arrives_though_it_was_started_without_events(
    app: Celery, broker_url: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    backend = redis_server.url(3)
    with ExitStack() as stack:
        heard = stack.enter_context(hearing(app))
        worker = CeleryWorker(tmp_path, broker=broker_url, backend=backend, events=False)
        stack.enter_context(worker)
        heard.wait_for(lambda events: any(e["type"] == "worker-heartbeat" for e in events))
        results = []

        def is_told() -> bool:
            results.append(celery_app.progress_event.delay(3))
            results[-1].get(timeout=20)
            return "task-succeeded" in heard.kinds(results[-1].id)

        wait_until(is_told, 30, "the worker to send events")

        def kinds() -> Counter[str]:
            found = Counter(heard.kinds(results[-1].id))
            del found["task-context"]  # where this process has imported what tells it
            return found

        wait_until(lambda: kinds().total() >= 7, 10, "all events")
        assert kinds() == {
            "task-sent": 1,
            "task-received": 1,
            "task-started": 1,
            "task-progress": 3,
            "task-succeeded": 1,
        }
        assert not any(event["type"] == "headway-probe" for event in heard.events())


def test_good_events_are_unharmed_among_what_is_malformed(app: Celery) -> None:
    script = "<script>alert(1)</script>"
    with hearing(app) as heard:
        for number in range(20):
            publish(app, [task_received(f"good-{number}", name=script), task_succeeded("x")])
            publish(app, {"type": "task-received", "uuid": 7, "hostname": [], "timestamp": {}})
            publish(app, "x" * 1_000_000)
            publish(app, "{not json", content_type="application/json", content_encoding="utf-8")
            publish(app, b"\x80\x04", content_type="application/x-python-serialize")
            publish(app, task_received("packed"), compression="zlib")
            publish(app, [task_received(f"nan-{number}"), task_progress("p", float("nan"))])
            publish(app, [task_received(f"odd-{number}", name="\ud800\x00"), "text", None, 7])
        publish(app, {"type": "task-received", "uuid": "huge", "args": "x" * 10_000_000})
        publish(app, task_succeeded("last"))
        events = heard.wait_for(lambda events: "last" in ids(events))
        assert {f"{kind}-{n}" for kind in ("good", "nan", "odd") for n in range(20)} <= ids(events)
        assert {"huge", "packed"}.isdisjoint(ids(events))
        counters = heard.receiver.health().counters
        assert counters["too_large"] == 21
        assert counters["not_json"] == 60
        rejected = [parse(event, AT) for event in events]
        assert sum(isinstance(answer, Reject) for answer in rejected) >= 20
        assert sum(isinstance(answer, Event) for answer in rejected) >= 60
        assert heard.receiver.health().is_connected


def ids(events: Sequence[object]) -> set[object]:
    return {
        event.get("uuid")
        for event in events
        if isinstance(event, dict) and isinstance(event.get("uuid"), str)
    }


def test_what_redis_carries_without_an_envelope_is_refused(
    redis_app: Celery, redis_server: RedisServer
) -> None:
    envelope = {"body": "%%%", "properties": {"body_encoding": "base64"}, "headers": {}}
    wires = ["", "no json", "[]", "7", "{}", json.dumps(envelope), b"\xff\xfe", "x" * 10_000_000]
    with hearing(redis_app) as heard, redis_server.client() as client:
        for wire in wires:
            assert client.publish("/0.celeryev/task.sent", wire) == 1
        publish(redis_app, task_succeeded("good"))
        heard.wait_for(lambda events: "good" in ids(events))
        counters = heard.receiver.health().counters
        assert (counters["too_large"], counters["not_json"]) == (1, len(wires) - 1)


def test_rabbitmq_gives_again_what_was_not_settled_and_only_that(rabbitmq_app: Celery) -> None:
    with hearing(rabbitmq_app, node_id="fixed") as first:
        for number in range(50):
            publish(rabbitmq_app, task_received(f"a-{number}"))
        wait_until(lambda: len(first.events(settle=False)) >= 50, 20)
        tags = [delivery.tag for delivery in first.deliveries]
        first.receiver.settle(tags[:20])
        first.receiver.settle(tags[30:40])
    for number in range(10):
        publish(rabbitmq_app, task_received(f"away-{number}"))
    with hearing(rabbitmq_app, node_id="fixed") as second:
        again = {f"a-{n}" for n in range(20, 50)} | {f"away-{n}" for n in range(10)}
        second.wait_for(lambda events: ids(events) >= again)
        assert ids(second.events()) == again
    with hearing(rabbitmq_app, node_id="fixed") as third:
        publish(rabbitmq_app, task_received("b"))
        third.wait_for(lambda events: "b" in ids(events))
        assert ids(third.events()) == {"b"}


def test_rabbitmq_keeps_what_does_not_fit_in_the_inbox(
    rabbitmq_app: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PREFETCH", 10)
    with hearing(rabbitmq_app, inbox=Inbox(max_events=5)) as heard:
        for number in range(100):
            publish(rabbitmq_app, task_received(f"a-{number}"))
        wait_until(lambda: heard.inbox.depth >= 5, 20, "a full inbox")
        heard.wait_for(lambda events: len(ids(events)) == 100)
        counters = heard.receiver.health().counters
        assert counters["dropped_state"] == counters["dropped_progress"] == 0


def test_redis_loses_progress_before_state_when_the_inbox_is_full(redis_app: Celery) -> None:
    with hearing(redis_app, inbox=Inbox(max_events=10)) as heard:
        publish(redis_app, [task_received(f"a-{n}") for n in range(8)])
        publish(redis_app, [task_progress("a-1", 1, 2), task_succeeded("a-1")])
        publish(redis_app, [task_progress("a-2", 1, 2), task_succeeded("a-2")])
        publish(redis_app, [task_progress("a-3", 1, 2), task_succeeded("a-3")])
        health = heard.receiver.health
        wait_until(lambda: health().counters["dropped_state"] == 1, 20, "the drop")
        assert health().counters["dropped_progress"] == 3
        assert len(heard.events()) == 10


def test_a_broker_that_dies_is_told_within_seconds_and_found_again(
    broker: RedisServer | RabbitmqServer, app: Celery, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "realtime.receiver")
    with hearing(app) as heard:
        health = heard.receiver.health
        broker.kill()
        wait_until(lambda: health().blind_since is not None, 10, "blindness")
        reason = health().reason
        assert reason is not None
        assert reason.startswith(("the broker cannot be reached", "probes cannot be sent"))
        broker.start()
        wait_until(lambda: health().is_connected and health().blind_since is None, 40, "sight")
        publish(app, task_succeeded("after"))
        heard.wait_for(lambda events: "after" in ids(events))
    lines = [
        record.action  # type: ignore[attr-defined]
        for record in caplog.records
        if record.name == "realtime.receiver"
    ]
    assert lines == ["receiver_connected", "receiver_unreachable", "receiver_connected"]


def test_a_frozen_broker_is_noticed_and_its_return_too(
    broker: RedisServer | RabbitmqServer, app: Celery
) -> None:
    with hearing(app) as heard:
        health = heard.receiver.health
        broker.pause()
        try:
            wait_until(lambda: health().blind_since is not None, 12, "blindness")
        finally:
            broker.resume()
        wait_until(lambda: health().blind_since is None, 40, "sight")
        publish(app, task_succeeded("after"))
        heard.wait_for(lambda events: "after" in ids(events))


def test_a_connection_that_redis_cuts_is_a_moment_of_blindness(
    redis_app: Celery, redis_server: RedisServer
) -> None:
    with hearing(redis_app) as heard, redis_server.client() as client:
        client.client_kill_filter(_type="pubsub")
        wait_until(lambda: heard.receiver.health().blind_since is not None, 10, "blindness")
        wait_until(lambda: heard.receiver.health().blind_since is None, 10, "sight")
        publish(redis_app, task_succeeded("after"))
        heard.wait_for(lambda events: "after" in ids(events))


def test_a_broker_that_is_away_at_the_start_is_waited_for(
    redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    url = redis_server.url().replace("redis://", "redis://:hunter2@")
    redis_server.stop()
    with celery_app.connected(url, None) as app:
        heard = Heard(app)
        with running(heard.receiver.run, heard.receiver.stop):
            wait_until(lambda: "Cannot listen" in caplog.text, 10, "a line in the log")
            redis_server.start()
            with redis_server.client() as client:
                client.config_set("requirepass", "hunter2")
            try:
                wait_until(lambda: heard.receiver.health().lag_ms is not None, 30, "a probe")
            finally:
                with redis.Redis(port=redis_server.port, password="hunter2") as client:
                    client.config_set("requirepass", "")
    assert "hunter2" not in caplog.text


def test_prefixes_and_exchange_names_of_the_host_are_kept(redis_server: RedisServer) -> None:
    with celery_app.connected(redis_server.url(), None) as app:
        app.conf.update(
            event_exchange="shop-events",
            event_queue_prefix="shop",
            broker_transport_options={"global_keyprefix": "shop:", "socket_timeout": 7},
        )
        with hearing(app) as heard, redis_server.client() as client:
            patterns = client.execute_command("CLIENT", "LIST", "TYPE", "pubsub")
            assert b"psub=1" in patterns
            publish(app, task_succeeded("good"))
            heard.wait_for(lambda events: "good" in ids(events))


def test_a_queue_left_with_other_settings_is_made_anew(
    rabbitmq_app: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as older:
        older.setattr(module, "QUEUE_TTL_S", 5)
        with hearing(rabbitmq_app, node_id="upgraded"):
            pass
    with hearing(rabbitmq_app, node_id="upgraded") as heard:
        publish(rabbitmq_app, task_succeeded("good"))
        heard.wait_for(lambda events: "good" in ids(events))


def test_a_worker_is_inspected_when_it_is_first_heard(
    app: Celery, broker_url: str, tmp_path: Path
) -> None:
    inbox = Inbox()
    inspection = Inspection(app, inbox)
    with ExitStack() as stack:
        stack.enter_context(running(inspection.run, inspection.stop))
        heard = stack.enter_context(hearing(app, inbox=inbox, on_worker=inspection.notice))
        worker = CeleryWorker(tmp_path, broker=broker_url, queues=["fast", "slow"])
        stack.enter_context(worker)

        def found() -> list[Event]:
            return [e for e in heard.events() if isinstance(e, Event)]

        wait_until(found, 30, "an answer")
        (event,) = found()
        assert (event.kind, event.id) == ("worker-inspected", worker.name)
        assert event.fields == {"pool": "prefork", "concurrency": 2, "queues": ("fast", "slow")}


def test_progress_of_an_unmodified_task_is_heard_from_its_redis_backend(
    redis_app: Celery, redis_server: RedisServer, tmp_path: Path
) -> None:
    urls = {"broker": redis_server.url(), "backend": redis_server.url(3)}
    inbox = Inbox()
    listener = ResultListener(redis_app, inbox)
    events: list[Event] = []

    def told() -> list[Event]:
        events.extend(e for d in inbox.take(1_000) for e in d.events)  # type: ignore[misc]
        return events

    with running(listener.run, listener.stop), redis_server.client() as client:
        wait_until(lambda: client.pubsub_numpat() == 1, 10, "the subscription")
        with CeleryWorker(tmp_path, **urls):
            task = celery_app.progress_state.delay(3)
            failed = celery_app.fail.delay("no funds")
            wait_until(lambda: {"task-failed", "task-succeeded"} <= {e.kind for e in told()}, 20)
    mine = [event for event in events if event.id == task.id]
    assert [event.fields.get("current") for event in mine] == [1.0, 2.0, 3.0, None]
    assert {event.fields.get("state") for event in mine[:3]} == {"PROGRESS"}
    assert mine[-1].fields["result"] == "3"
    assert {event.hostname for event in events} == {""}
    (failure,) = [event for event in events if event.id == failed.id]
    assert failure.fields["exception"] == "Declined('no funds')"
    assert "Traceback" in str(failure.fields["traceback"])
    stored = lookup(redis_app, [task.id, "never", failed.id], AT)
    assert [(event.id, event.kind) for event in stored] == [
        (task.id, "task-succeeded"),
        (failed.id, "task-failed"),
    ]


def test_the_result_listener_returns_after_redis_was_away(
    redis_app: Celery, redis_server: RedisServer
) -> None:
    inbox = Inbox()
    listener = ResultListener(redis_app, inbox)
    with running(listener.run, listener.stop):
        with redis_server.client() as client:
            wait_until(lambda: client.pubsub_numpat() == 1, 10, "the subscription")
        redis_server.kill()
        redis_server.start()
        with redis_server.client() as client:
            wait_until(lambda: client.pubsub_numpat() == 1, 20, "the subscription again")
            client.publish("celery-task-meta-a1", json.dumps({"status": "COOKING", "result": {}}))
        wait_until(lambda: inbox.depth, 10, "the state")
    (delivery,) = inbox.take(10)
    (event,) = delivery.events
    assert isinstance(event, Event)
    assert (event.id, event.fields["state"]) == ("a1", "COOKING")
