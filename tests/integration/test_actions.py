"""Revoke and retry, with real brokers and a real prefork worker: the effect is seen at the worker,
and each refusal has its reason."""

import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from celery.result import AsyncResult
from kombu import Queue

from dashboard import actions, operations, reasons
from dashboard.actions import Act, Outcome
from dashboard.models import Audit, Operation
from dashboard.store import Store
from realtime.core.events import Event, Reject, parse
from realtime.core.lifecycle import fold
from realtime.core.task import Task
from realtime.core.workers import Worker
from realtime.ports import Changes, Rights
from tests.integration import celery_app
from tests.integration.test_receiver import Heard, hearing
from tests.services.process import free_port, wait_until
from tests.services.rabbitmq import RabbitmqServer
from tests.services.redis import RedisServer
from tests.services.worker import CeleryWorker
from tests.unit.dashboard import stored

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]

REVOKE, TERMINATE, RETRY = (Act(action=word) for word in ("revoke", "terminate", "retry"))
OPERATOR = Rights(user="ann", can=frozenset({"view_task", "revoke_task", "retry_task"}))
SOON_S = 15.0
"""In which a broker that is away must have been given up."""


@pytest.fixture(params=["redis", "rabbitmq"])
def broker(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(f"{request.param}_server")


@pytest.fixture
def broker_url(broker: RedisServer | RabbitmqServer) -> str:
    return broker.url() if isinstance(broker, RedisServer) else broker.url(broker.add_vhost())


@pytest.fixture
def backend_url(redis_server: RedisServer) -> str:
    return redis_server.url(3)


@pytest.fixture
def app(broker_url: str, backend_url: str, settings: Any) -> Iterator[Celery]:
    """The application whose tasks these are; Headway only knows its servers."""
    settings.HEADWAY_BROKER_URL = broker_url
    settings.HEADWAY_RESULT_BACKEND = backend_url
    with celery_app.connected(broker_url, backend_url) as app:
        yield app


@pytest.fixture
def heard(app: Celery) -> Iterator[Heard]:
    with hearing(app) as heard:
        yield heard


@pytest.fixture
def worker(
    heard: Heard, broker_url: str, backend_url: str, tmp_path: Path
) -> Iterator[CeleryWorker]:
    with CeleryWorker(tmp_path, broker=broker_url, backend=backend_url, concurrency=1) as worker:
        yield worker


def store(heard: Heard, task_id: str, **changed: Any) -> Task:
    """Store the task as its events tell of it so far."""
    now = time.time()
    events = [
        event
        for raw in heard.events()
        if isinstance(raw, dict) and raw.get("uuid") == task_id
        for event in [parse(raw, now)]
        if isinstance(event, Event) and not isinstance(event, Reject)
    ]
    task = replace(fold(None, events, now), **changed)
    write(tasks=[task])
    return task


def write(**changes: Any) -> None:
    target = Store()
    assert target.acquire("token", "tests", time.time(), 1e6)
    target.commit("token", Changes(**changes))
    target.close()


def alive(worker: CeleryWorker, state: str = "online") -> None:
    now = time.time()
    row = Worker(
        name=worker.name, first_seen_at=now, last_heartbeat_at=now, state=state, pool="prefork"
    )
    write(workers=[row])


def perform(act: Act, task_id: str) -> Outcome:
    [outcome] = actions.perform(act, [task_id], OPERATOR, actions.celery_app())
    return outcome


def await_kind(heard: Heard, task_id: str, kind: str) -> dict[str, Any]:
    heard.wait_for(lambda _: kind in heard.kinds(task_id), f"{kind} of {task_id}")
    return next(
        raw for raw in heard.events() if raw.get("uuid") == task_id and raw.get("type") == kind
    )


@pytest.fixture
def held(heard: Heard, worker: CeleryWorker, tmp_path: Path) -> Iterator[str]:
    """A task that runs, and occupies the only process, until the test ends."""
    release = tmp_path / "release"
    task: AsyncResult[Any] = celery_app.hold.delay(str(release))
    await_kind(heard, task.id, "task-started")
    alive(worker)
    yield task.id
    release.touch()


def test_a_waiting_task_that_is_revoked_never_runs(
    heard: Heard, worker: CeleryWorker, held: str, tmp_path: Path
) -> None:
    waiting = celery_app.add.delay(1, 2)
    await_kind(heard, waiting.id, "task-sent")
    assert store(heard, waiting.id).status in ("queued", "reserved")
    assert perform(REVOKE, waiting.id).outcome == "done"
    worker.wait_for_line(rf"Tasks flagged as revoked: {waiting.id}")
    (tmp_path / "release").touch()
    await_kind(heard, waiting.id, "task-revoked")
    assert "task-started" not in heard.kinds(waiting.id)
    assert store(heard, waiting.id).conclusion == "cancelled"


def test_a_scheduled_task_that_is_revoked_never_runs(heard: Heard, worker: CeleryWorker) -> None:
    later = celery_app.add.apply_async((1, 2), **celery_app.an_eta(3))
    await_kind(heard, later.id, "task-received")
    assert store(heard, later.id).status == "scheduled"
    assert perform(REVOKE, later.id).outcome == "done"
    await_kind(heard, later.id, "task-revoked")
    assert "task-started" not in heard.kinds(later.id)


@pytest.mark.parametrize(
    ("broker", "signal"),
    [("redis", "SIGTERM"), ("rabbitmq", "SIGKILL"), ("redis", "SIGQUIT")],
    indirect=["broker"],
)
def test_a_running_task_that_is_terminated_ends_at_once(
    heard: Heard, worker: CeleryWorker, held: str, signal: str
) -> None:
    assert store(heard, held).status == "running"
    assert perform(REVOKE, held).reason == "running"
    assert perform(replace(TERMINATE, signal=signal), held).outcome == "done"
    revoked = await_kind(heard, held, "task-revoked")
    assert revoked["terminated"] is True
    # The pool has a new process in place of the one that was ended.
    assert celery_app.add.delay(1, 2).get(timeout=20) == 3


def test_the_soft_signal_lets_a_task_tidy_up(heard: Heard, worker: CeleryWorker, held: str) -> None:
    store(heard, held)
    assert perform(replace(TERMINATE, signal="SIGUSR1"), held).outcome == "done"
    worker.wait_for_line(r"SoftTimeLimitExceeded")


def test_a_termination_is_refused_once_the_worker_is_gone(
    heard: Heard, worker: CeleryWorker, held: str
) -> None:
    other = Worker(name="other", first_seen_at=0, last_heartbeat_at=0, state="online")
    write(workers=[other])
    alive(worker, "gone")
    store(heard, held)
    assert perform(TERMINATE, held)[2:4] == ("refused", "worker_gone")


def test_a_retry_has_the_arguments_that_the_backend_kept(
    heard: Heard, worker: CeleryWorker
) -> None:
    """Longer than Celery's events tell: only the backend has them whole."""
    message = "no funds " * 400
    failed = celery_app.fail.delay(message)
    await_kind(heard, failed.id, "task-failed")
    task = store(heard, failed.id, queue=None, kwargs=None)
    assert task.args != [message]
    outcome = perform(RETRY, failed.id)
    assert outcome.outcome == "done"
    await_kind(heard, str(outcome.new_id), "task-failed")
    meta = app_result(outcome).backend.get_task_meta(outcome.new_id)
    assert meta["args"] == [message]
    sent = await_kind(heard, str(outcome.new_id), "task-sent")
    assert (sent["root_id"], sent["parent_id"], sent["queue"]) == (outcome.new_id, None, "celery")


def app_result(outcome: Outcome) -> AsyncResult[Any]:
    return celery_app.add.AsyncResult(str(outcome.new_id))


def test_a_retry_has_parsed_arguments_where_the_backend_kept_none(
    heard: Heard, worker: CeleryWorker, settings: Any
) -> None:
    settings.HEADWAY_RESULT_BACKEND = None
    first = celery_app.add.apply_async((19,), {"y": 23.5})
    assert first.get(timeout=20) == 42.5
    await_kind(heard, first.id, "task-succeeded")
    task = store(heard, first.id)
    assert (task.args, task.kwargs) == ([19], {"y": 23.5})
    outcome = perform(RETRY, first.id)
    assert outcome.outcome == "done"
    assert app_result(outcome).get(timeout=20) == 42.5


def test_a_date_comes_through_a_retry_as_a_date(heard: Heard, worker: CeleryWorker) -> None:
    when = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
    first = celery_app.fail.delay(when)  # type: ignore[arg-type]
    failed = await_kind(heard, first.id, "task-failed")
    store(heard, first.id)
    outcome = perform(RETRY, first.id)
    again = await_kind(heard, str(outcome.new_id), "task-failed")
    assert (
        "datetime.datetime(2026, 11, 21, 10, 0, tzinfo=datetime.timezone.utc)"
        in again["exception"]
        == failed["exception"]
    )


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"args": "(<Order 7>,)"}, "no_arguments"),
    ({"args": ["cut..."]}, "no_arguments"),
    ({"kwargs": {"token": "[redacted]"}}, "redacted_arguments"),
    ({"name": None}, "no_name"),
    ({"status": "running", "conclusion": None}, "unfinished"),
]


@pytest.mark.parametrize("broker", ["redis"], indirect=True)
def test_a_retry_that_would_be_another_task_is_refused(
    heard: Heard, worker: CeleryWorker, settings: Any
) -> None:
    settings.HEADWAY_RESULT_BACKEND = None
    first = celery_app.add.delay(1, 2)
    await_kind(heard, first.id, "task-succeeded")
    for changed, reason in REFUSED:
        store(heard, first.id, **changed)
        outcome = perform(RETRY, first.id)
        assert outcome[2:4] == ("refused", reason), changed
        assert str(reasons.sentence(outcome.reason)).endswith(".")


def test_a_retry_goes_to_the_queue_of_the_first_with_its_priority(
    app: Celery, broker: Any, broker_url: str, backend_url: str, heard: Heard, tmp_path: Path
) -> None:
    """A queue that Headway does not know, with settings of its own."""
    arguments = {"x-max-priority": 10} if isinstance(broker, RabbitmqServer) else {}
    name = f"slow-{uuid.uuid4().hex[:6]}"
    queue = Queue(name, routing_key=name, queue_arguments=arguments)
    app.conf.task_queues = [queue]
    first = celery_app.add.apply_async((1, 2), queue=queue.name, priority=3)
    await_kind(heard, first.id, "task-sent")
    task = store(
        heard, first.id, status="completed", conclusion="lost", priority=3, state="FAILURE"
    )
    assert task.queue == queue.name
    outcome = perform(RETRY, first.id)
    assert outcome.outcome == "done"
    with app.connection_for_read() as link:
        bound = queue(link.channel())
        properties = [wait_until(bound.get, 10).properties for _ in range(2)]
    assert [p["priority"] for p in properties] == [3, 3]
    assert {p["correlation_id"] for p in properties} == {first.id, outcome.new_id}


def test_a_queue_that_is_gone_is_not_made_anew(rabbitmq_url: str, settings: Any) -> None:
    """RabbitMQ would drop the message without a word."""
    settings.HEADWAY_BROKER_URL = rabbitmq_url
    known = stored_failure("gone-queue")
    write(tasks=[known])
    outcome = perform(RETRY, known.id)
    assert outcome[2:5] == ("refused", "no_queue", "gone-queue")


def stored_failure(queue: str) -> Task:
    return replace(stored.failed("f1", args="()", kwargs="{}"), queue=queue)


@pytest.mark.parametrize(
    ("broker", "how", "act"),
    [
        ("redis", "stop", REVOKE),
        ("redis", "pause", RETRY),
        ("rabbitmq", "stop", RETRY),
        ("rabbitmq", "pause", REVOKE),
    ],
    indirect=["broker"],
)
def test_a_broker_that_is_away_is_given_up_within_seconds(
    broker: RedisServer | RabbitmqServer, broker_url: str, settings: Any, act: Act, how: str
) -> None:
    settings.HEADWAY_BROKER_URL = broker_url
    known = stored_failure("celery")
    if act is REVOKE:
        known = replace(known, status="queued", conclusion=None)
    write(tasks=[known])
    (broker.stop if how == "stop" else broker.pause)()
    try:
        begun = time.monotonic()
        outcome = perform(act, known.id)
        assert time.monotonic() - begun < SOON_S
    finally:
        (broker.start if how == "stop" else broker.resume)()
    assert outcome[2:4] == ("failed", "broker_away")
    assert str(reasons.sentence(reasons.stored("broker_away", outcome.more))).startswith(
        "The broker does not answer ("
    )


def test_a_result_backend_that_is_away_leaves_the_parsed_arguments(
    heard: Heard, worker: CeleryWorker, settings: Any
) -> None:
    first = celery_app.add.delay(1, 2)
    await_kind(heard, first.id, "task-succeeded")
    store(heard, first.id)
    settings.HEADWAY_RESULT_BACKEND = f"redis://127.0.0.1:{free_port()}"
    begun = time.monotonic()
    outcome = perform(RETRY, first.id)
    assert time.monotonic() - begun < SOON_S
    assert app_result(outcome).get(timeout=20) == 3


def test_an_operation_of_many_is_seen_at_the_worker_and_can_be_stopped(
    heard: Heard, worker: CeleryWorker, django_user_model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    django_user_model.objects.create_superuser("ann")
    monkeypatch.setattr(actions, "MAX_BATCH", 5)
    first = celery_app.add.delay(1, 2)
    await_kind(heard, first.id, "task-succeeded")
    task = store(heard, first.id)
    ids = [f"many-{n}" for n in range(400)]
    write(tasks=[replace(task, id=id_) for id_ in ids])
    operation = operations.start(
        RETRY, ids, user="ann", query="id:many-*", app=actions.celery_app()
    )
    wait_until(lambda: Audit.objects.filter(kind="task").count() >= 10, 20, "two batches")
    operations.stop(operation, "ann")

    def is_over() -> bool:
        return not Operation.objects.filter(state__in=operations.ACTIVE).exists()

    wait_until(is_over, 20, "the end")
    operation.refresh_from_db()
    assert operation.state == "stopped"
    assert 10 <= operation.done < 400
    sent = set(Audit.objects.filter(kind="task").values_list("new_id", flat=True))
    assert len(sent) == operation.done

    def succeeded() -> set[Any]:
        return {raw["uuid"] for raw in heard.events() if raw.get("type") == "task-succeeded"}

    wait_until(lambda: sent <= succeeded(), 30, "the tasks at the worker")
