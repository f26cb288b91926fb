"""The receiver on the memory broker, and its judgement of its own health."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import celery._state
import pytest
from celery import Celery
from celery._state import _set_task_join_will_block
from kombu import Producer

from realtime import receiver as module
from realtime.inbox import Inbox
from realtime.ports import Source
from realtime.receiver import Receiver
from realtime.testing import (
    FakeClock,
    task_progress,
    task_received,
    task_succeeded,
    worker_heartbeat,
    worker_offline,
)
from tests.services.process import wait_until


def make_app() -> Celery:
    app = Celery("tests", broker="memory://", backend="cache+memory://", set_as_current=False)
    app.conf.update(
        broker_connection_retry_on_startup=True,
        worker_send_task_events=True,
        # The memory broker is the process's: other tests may have left tasks in Celery's own queue.
        task_default_queue="tests.receiver",
        broker_transport_options={"polling_interval": 0.02},
    )
    return app


@pytest.fixture
def app() -> Celery:
    return make_app()


def idle(app: Celery, **options: Any) -> tuple[Receiver, FakeClock, Inbox]:
    """A receiver that is not running."""
    clock, inbox = FakeClock(), options.pop("inbox", None) or Inbox()
    return Receiver(app, inbox, node_id="n1", clock=clock, **options), clock, inbox


def take(receiver: Receiver, told: object, tag: Any = None) -> None:
    receiver._take(tag, lambda value: value, told)


def taken(inbox: Inbox) -> list[Any]:
    return [event for delivery in inbox.take(1_000_000) for event in delivery.events]


@contextmanager
def running(receiver: Receiver) -> Iterator[None]:
    thread = threading.Thread(target=receiver.run)
    thread.start()
    try:
        wait_until(lambda: receiver.health().lag_ms is not None, 20, "the first probe")
        yield
    finally:
        receiver.stop()
        thread.join(20)
        assert not thread.is_alive()


@contextmanager
def working(app: Celery) -> Iterator[None]:
    """A worker on threads in this process, as in the demo. Its threads find their app as the
    process's default, which an app that some other test imported may be."""
    before = celery._state.default_app
    app.set_default()
    worker = app.WorkController(
        pool="threads", concurrency=2, without_mingle=True, without_gossip=True
    )
    thread = threading.Thread(target=worker.start)
    thread.start()
    try:
        yield
    finally:
        worker.stop()
        thread.join(20)
        celery._state.set_default_app(before)
        # The worker forbade this process to wait for results; later tests may.
        _set_task_join_will_block(False)
        assert not thread.is_alive()


def publish(app: Celery, body: object) -> None:
    with app.connection_for_write() as connection:
        exchange = app.events.Dispatcher(connection, enabled=False).exchange
        Producer(connection, exchange=exchange).publish(
            body, routing_key="task.multi", serializer="json"
        )


def test_it_is_a_source(app: Celery) -> None:
    source: Source = idle(app)[0]
    assert not source.is_durable
    source.settle([None, 7])


@pytest.mark.parametrize(
    ("url", "is_durable"),
    [("amqp://localhost//", True), ("redis://localhost/0", False), ("memory://", False)],
)
def test_only_amqp_keeps_what_nobody_reads(url: str, is_durable: bool) -> None:
    app = Celery("tests", broker=url, set_as_current=False)
    assert idle(app)[0].is_durable is is_durable


def test_single_events_and_lists_of_them_arrive_in_order(app: Celery) -> None:
    inbox = Inbox()
    receiver = Receiver(app, inbox, node_id="order")
    with running(receiver):
        publish(app, task_received("a"))
        publish(app, [task_received("b"), task_succeeded("b")])
        wait_until(lambda: inbox.depth == 3, 10)
    assert [event["uuid"] for event in taken(inbox)] == ["a", "b", "b"]


def test_in_one_process_a_worker_on_threads_is_heard_within_a_tenth_of_a_second(
    app: Celery,
) -> None:
    @app.task(name="stir", bind=True)
    def stir(self: Any) -> str:
        self.send_event("task-progress", current=1, total=2)
        return "soup"

    heard: list[Any] = []
    inbox, workers = Inbox(), []
    receiver = Receiver(app, inbox, node_id="demo", on_worker=workers.append)

    def kinds(uuid: str | None = None) -> set[str]:
        heard.extend(taken(inbox))
        return {event["type"] for event in heard if event.get("uuid") == uuid}

    with running(receiver), working(app):
        wait_until(lambda: "worker-heartbeat" in kinds(), 10)
        stirring = stir.delay()
        wait_until(lambda: "task-succeeded" in kinds(stirring.id), 10)
        publish(app, task_progress("late", 1))
        sent_at = time.time()
        deliveries = wait_until(lambda: inbox.wait(5) and inbox.take(100), 5)
    assert {"task-received", "task-started", "task-progress"} <= kinds(stirring.id)
    assert "headway-probe" not in kinds()
    assert len(workers) == 1
    assert deliveries[0].received_at - sent_at < 0.1


def test_our_own_probes_are_no_events(app: Celery) -> None:
    receiver, _, inbox = idle(app)
    take(receiver, [{"type": "headway-probe", "run_id": "another"}, task_received("a")])
    assert [event["uuid"] for event in taken(inbox)] == ["a"]


def test_a_worker_is_told_of_when_first_heard_and_again_after_it_left(app: Celery) -> None:
    told: list[str] = []
    receiver, _, _ = idle(app, on_worker=told.append)
    for raw in (
        worker_heartbeat("a"),
        worker_heartbeat("a"),
        worker_heartbeat("b"),
        worker_offline("a"),
        worker_heartbeat("a"),
        worker_heartbeat("", hostname=["a"]),
        worker_heartbeat("h" * 300),
    ):
        take(receiver, raw)
    assert told == ["a", "b", "a"]


def test_a_worker_is_asked_for_its_events_with_each_of_its_first_heartbeats(
    app: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    receiver, _, _ = idle(app)
    monkeypatch.setattr(receiver._probe, "ask", asked.append)
    for _ in range(module.ASKS + 2):
        take(receiver, worker_heartbeat("a"))
    assert asked == ["a"] * module.ASKS


def test_how_many_workers_are_remembered_is_bounded(
    app: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_KNOWN", 3)
    receiver, _, _ = idle(app)
    for number in range(10):
        take(receiver, worker_heartbeat(f"w{number}"))
    assert len(receiver._known) <= 3


def test_an_endless_list_of_events_is_refused(app: Celery) -> None:
    receiver, _, inbox = idle(app)
    take(receiver, [1] * (module.MAX_EVENTS_A_MESSAGE + 1))
    assert receiver.health().counters["too_large"] == 1
    assert taken(inbox) == []


def test_odd_elements_are_passed_on_to_be_counted_where_events_are_checked(app: Celery) -> None:
    receiver, _, inbox = idle(app)
    take(receiver, [None, 7, "x", {"type": ["x"]}, {"type": {}}, [[]]])
    assert len(taken(inbox)) == 6


def test_progress_gives_way_first_and_state_last(app: Celery) -> None:
    receiver, _, inbox = idle(app, inbox=Inbox(max_events=10))
    take(receiver, [task_received(f"a{n}") for n in range(7)])
    take(receiver, [task_progress("a1", 1)])
    take(receiver, [task_progress("a1", 2), task_succeeded("a1")])
    take(receiver, [task_progress("a2", 2)])
    take(receiver, [task_succeeded("a2")])
    take(receiver, [task_succeeded("a3")])
    counters = receiver.health().counters
    assert (counters["dropped_progress"], counters["dropped_state"]) == (2, 1)
    assert len(taken(inbox)) == 10


def test_refusals_are_logged_at_most_once_a_minute_and_without_content(
    app: Celery, caplog: pytest.LogCaptureFixture
) -> None:
    receiver, clock, _ = idle(app)

    def refuse(_: object) -> object:
        raise module.Refused("not_json")

    for _ in range(120):
        receiver._take(None, refuse, "hunter2")
        clock.advance(1)
    assert receiver.health().counters["not_json"] == 120
    assert [record.action for record in caplog.records] == ["not_json", "not_json"]  # type: ignore[attr-defined]
    assert "hunter2" not in caplog.text


def blind(receiver: Receiver) -> tuple[float | None, str | None]:
    health = receiver.health()
    return health.blind_since, health.reason


def test_it_is_blind_when_nothing_was_heard_for_five_seconds(app: Celery) -> None:
    receiver, clock, _ = idle(app)
    receiver._connected()
    start = clock()
    clock.advance(5)
    assert blind(receiver) == (None, None)
    clock.advance(0.1)
    assert blind(receiver) == (start, "no event comes back from the broker")
    take(receiver, task_received("a"))
    assert blind(receiver) == (None, None)


def test_a_lost_connection_is_blindness_at_once_where_nothing_is_kept(app: Celery) -> None:
    receiver, clock, _ = idle(app)
    receiver._connected()
    take(receiver, task_received("a"))
    heard = clock()
    clock.advance(1)
    receiver._lost("ConnectionError")
    assert blind(receiver) == (heard, "the broker cannot be reached: ConnectionError")
    receiver._connected()
    take(receiver, task_received("b"))
    assert blind(receiver)[0] == heard


def test_it_sees_again_when_a_probe_came_back(app: Celery) -> None:
    receiver, clock, _ = idle(app)
    receiver._connected()
    receiver._lost("ConnectionError")
    receiver._connected()
    receiver._probe._underway[1] = clock()
    probe = {"type": "headway-probe", "run_id": receiver._probe._run_id, "number": 1}
    take(receiver, probe)
    assert blind(receiver) == (None, None)
    assert receiver.health().lag_ms == 0


def test_it_sees_again_without_probes_when_events_have_come_for_a_while(app: Celery) -> None:
    receiver, clock, _ = idle(app)
    receiver._connected()
    receiver._lost("ConnectionError")
    receiver._connected()
    clock.advance(6)
    take(receiver, task_received("a"))
    assert blind(receiver) == (None, None)


def test_a_process_that_stood_still_is_blind_since_the_last_probe_that_came_back(
    app: Celery,
) -> None:
    """What it reads when it goes on lay in a buffer, and what was sent after that is lost."""
    receiver, clock, _ = idle(app)
    receiver._connected()
    sent_at = receiver._probe._underway[1] = clock()
    take(receiver, {"type": "headway-probe", "run_id": receiver._probe._run_id, "number": 1})
    clock.advance(60)
    take(receiver, task_received("a"))
    receiver._lost("ConnectionError")
    assert blind(receiver)[0] == sent_at


def test_a_lost_connection_is_no_blindness_for_a_while_where_events_are_kept() -> None:
    receiver, clock, _ = idle(Celery("tests", broker="amqp://localhost//", set_as_current=False))
    receiver._connected()
    receiver._lost("ConnectionError")
    clock.advance(5)
    assert blind(receiver) == (None, None)
    clock.advance(1)
    assert blind(receiver)[1] == "the broker cannot be reached: ConnectionError"


def test_a_probe_that_cannot_be_sent_is_the_reason(app: Celery) -> None:
    receiver, clock, _ = idle(app)
    receiver._connected()
    receiver._probe._fail(ConnectionRefusedError(111, "Connection refused"))
    clock.advance(6)
    reason = "probes cannot be sent: ConnectionRefusedError (Connection refused)"
    assert blind(receiver)[1] == reason


class Link:
    """A connection that is only tended."""

    def __init__(self) -> None:
        self.connection = self
        self.beats = 0

    def heartbeat_check(self) -> None:
        self.beats += 1

    send_heartbeat = heartbeat_check

    def drain_events(self, timeout: float) -> None:
        raise TimeoutError


def test_a_connection_on_which_our_probes_do_not_come_back_is_given_up(app: Celery) -> None:
    receiver, clock, _ = idle(app)
    receiver._connected()
    receiver._probe._underway[1] = clock()
    clock.advance(5)
    receiver._tend(Link())
    clock.advance(1)
    with pytest.raises(module.Deaf):
        receiver._tend(Link())


def test_a_connection_that_is_only_behind_is_kept(app: Celery) -> None:
    receiver, clock, _ = idle(app)
    receiver._connected()
    receiver._probe._underway[1] = clock()
    clock.advance(60)
    take(receiver, task_received("from an hour ago"))
    receiver._tend(Link())
    assert blind(receiver) == (None, None)


def test_amqp_waits_for_room_and_keeps_its_connection_alive_meanwhile() -> None:
    app = Celery("tests", broker="amqp://localhost//", set_as_current=False)
    receiver, clock, inbox = idle(app, inbox=Inbox(max_events=1))
    receiver._connected()
    for number in (1, 2, 3):
        take(receiver, task_received(f"a{number}"), receiver._acknowledger.tag(number))
    clock.advance(60)
    link = Link()
    receiver._turn(link)
    assert link.beats == 1
    assert blind(receiver) == (None, None)
    heard = []
    for _ in range(3):
        heard += taken(inbox)
        receiver._turn(link)
    assert [event["uuid"] for event in heard] == ["a1", "a2", "a3"]
    assert receiver.health().counters["dropped_state"] == 0


def test_one_line_is_logged_each_time_the_state_changes(
    app: Celery, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    receiver, _, _ = idle(app)
    steps: list[Callable[[], None]] = [
        receiver._connected,
        lambda: receiver._lost("ConnectionError"),
        lambda: receiver._lost("ConnectionError"),
        receiver._connected,
    ]
    for step in steps:
        step()
    assert [record.action for record in caplog.records] == [  # type: ignore[attr-defined]
        "receiver_connected",
        "receiver_unreachable",
        "receiver_connected",
    ]


def test_a_host_that_does_not_send_json_is_told_what_to_change(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = make_app()
    app.conf.event_serializer = "pickle"
    receiver = Receiver(app, Inbox(), node_id="pickled")
    with running(receiver):
        assert "set event_serializer = 'json'" in caplog.text
