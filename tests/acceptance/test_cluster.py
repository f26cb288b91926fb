"""Two thousand tasks of every kind on a real prefork worker: what is stored is what happened."""

import json
import random
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import Celery
from celery.result import AsyncResult, GroupResult

from tests.acceptance.support import Row, Site, one_process
from tests.integration import celery_app
from tests.services.process import wait_until
from tests.services.redis import RedisServer
from tests.services.worker import CeleryWorker

Result = AsyncResult | GroupResult
Send = Callable[[], Result]

REVOKED = [str(uuid.uuid4()) for _ in range(60)]
"""Revoked before they are sent."""
SLOTS = 4


def an_ordinary_day() -> list[Send]:
    """Sends 1,990 tasks, mixed in an order that is always the same."""
    tasks = celery_app
    kinds: list[tuple[int, Callable[[int], Result]]] = [
        (475, lambda n: tasks.add.delay(n, n)),
        (100, lambda _: tasks.a_chain(3).delay()),
        (60, lambda _: tasks.a_group(5).delay()),
        (40, lambda _: tasks.a_chord(4).delay()),
        (100, lambda _: tasks.fail.delay()),
        (20, lambda _: tasks.fail_deep.delay()),
        (130, lambda n: tasks.flaky.delay(1 + n % 4)),
        (10, lambda _: tasks.flaky.delay(99)),
        (60, lambda _: tasks.progress_event.delay(5, 0.01)),
        (60, lambda _: tasks.progress_state.delay(5, 0.01)),
        (150, lambda _: tasks.silent.delay()),
        (60, lambda _: tasks.add.apply_async((1, 2), **tasks.an_eta(1.5))),
        (40, lambda _: tasks.add.apply_async((3, 4), expires=0.001)),
        (len(REVOKED), lambda n: tasks.add.apply_async((5, 6), task_id=REVOKED[n])),
        (20, lambda _: _revoked_while_it_waits()),
        (5, lambda _: tasks.slow.apply_async((60,), time_limit=1)),
    ]
    day: list[Send] = [partial(send, n) for number, send in kinds for n in range(number)]
    random.Random(2_000).shuffle(day)  # noqa: S311 - an order, not a secret
    return day


def _revoked_while_it_waits() -> Result:
    result = celery_app.add.apply_async((7, 8), countdown=4)
    result.revoke()
    return result


def ids(result: Result) -> set[str]:
    """The ids of all tasks that one call sent."""
    own = {part.id for part in result.results} if isinstance(result, GroupResult) else {result.id}
    return own | (ids(result.parent) if result.parent else set())


@pytest.fixture(params=["redis", "rabbitmq"])
def broker(request: pytest.FixtureRequest, redis_server: RedisServer) -> str:
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def app(broker: str, redis_server: RedisServer) -> Iterator[Celery]:
    with celery_app.connected(broker, redis_server.url(3)) as app:
        yield app


def test_after_2000_tasks_the_stored_states_equal_the_result_backends(
    app: Celery, broker: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    backend = redis_server.url(3)
    worker = CeleryWorker(tmp_path, broker=broker, backend=backend, concurrency=SLOTS)
    with worker, one_process(tmp_path, broker, backend) as (_, site):
        app.control.revoke(REVOKED)
        wait_until(lambda: knows_as_revoked(app, worker.name), 20, "the revocations")
        sent = set().union(*(ids(send()) for send in an_ordinary_day()))
        wait_for_the_end_of(sent, site)
        sent |= terminated_while_running(app, site, tmp_path, 10)
        wait_for_the_end_of(sent, site)

        stored = site.tasks()
        assert len(sent) == 2_000
        assert stored.keys() == sent
        told = told_by_backend(redis_server, sent)
        assert differences(stored, told) == {}
        assert {row["status"] for row in stored.values()} == {"completed"}
        conclusions = Counter(row["conclusion"] for row in stored.values())
        assert conclusions.keys() == {"succeeded", "failed", "cancelled", "expired"}
        counters = site.get("stream")["counters"]
        assert (counters["rejected"], counters["dropped"]) == ({}, 0)


def test_on_rabbitmq_nothing_is_lost_when_headway_is_killed_in_the_middle(
    rabbitmq_url: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    backend = redis_server.url(3)
    worker = CeleryWorker(tmp_path, broker=rabbitmq_url, backend=backend)
    with ExitStack() as stack:
        app = stack.enter_context(celery_app.connected(rabbitmq_url, backend))
        stack.enter_context(worker)
        server, site = stack.enter_context(one_process(tmp_path, rabbitmq_url, backend))
        results = [celery_app.flaky.delay(1 + n % 2) for n in range(200)]
        wait_until(lambda: site.has("status:completed"), 20, "the first to be over")
        server.kill()
        results += [celery_app.add.delay(n, n) for n in range(100)]
        for result in results:
            app.AsyncResult(result.id).get(timeout=30)
        server.start()
        sent = {result.id for result in results}
        wait_for_the_end_of(sent, site)
        stored = site.tasks()
        assert stored.keys() == sent
        assert differences(stored, told_by_backend(redis_server, sent)) == {}
        assert all(row["started_at"] and row["worker"] for row in stored.values())


def knows_as_revoked(app: Celery, worker: str) -> bool:
    answer = app.control.inspect([worker], timeout=1).revoked() or {}
    return set(REVOKED) <= set(answer.get(worker, ()))


def terminated_while_running(app: Celery, site: Site, directory: Path, number: int) -> set[str]:
    """Fill all slots of the worker, and terminate those and what waits behind them."""
    held = [celery_app.hold.delay(str(directory / "never")).id for _ in range(number)]
    running = f"status:running id:{','.join(held)}"
    wait_until(lambda: len(site.tasks(running)) == SLOTS, 20, "full slots")
    app.control.revoke(held, terminate=True)
    return set(held)


def wait_for_the_end_of(sent: set[str], site: Site) -> None:
    """Return when each of them is stored as over; one that is not is named."""

    def are_over() -> bool:
        return not site.has("-status:completed") and len(site.tasks()) >= len(sent)

    try:
        wait_until(are_over, 75)
    except AssertionError as late:
        stuck = site.tasks("-status:completed")
        missing = sent - site.tasks().keys()
        raise AssertionError(f"stuck: {stuck}, missing: {missing}") from late


def told_by_backend(server: RedisServer, sent: set[str]) -> dict[str, Any]:
    """What the result backend has of each task."""
    order = sorted(sent)
    with redis.Redis.from_url(server.url(3)) as client:
        values = client.mget([f"celery-task-meta-{task_id}" for task_id in order])
    return {i: json.loads(value) for i, value in zip(order, values, strict=True) if value}


def differences(stored: dict[str, Row], told: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """By id, what is stored and what it should be, where these differ."""
    found = {task_id: (shown(row), expected(row, told)) for task_id, row in stored.items()}
    return {task_id: pair for task_id, pair in found.items() if pair[0] != pair[1]}


def shown(row: Row) -> tuple[object, ...]:
    return row["name"], row["state"], row["conclusion"], row["retries"]


def expected(row: Row, told: dict[str, Any]) -> tuple[object, ...]:
    meta = told.get(row["id"])
    if meta is None and row["name"].endswith(".silent"):
        return row["name"], "SUCCESS", "succeeded", 0
    if meta is None:
        # RabbitMQ itself drops a message whose time is over: no worker ever saw it.
        return row["name"], "PENDING", "expired", 0
    if meta["status"] == "RETRY":
        return row["name"], *_end_of_flaky(row["args"][0])
    conclusion = {"SUCCESS": "succeeded", "FAILURE": "failed"}.get(meta["status"])
    if meta["status"] == "REVOKED":
        is_expired = "expired" in meta["result"]["exc_message"]
        conclusion = "expired" if is_expired else "cancelled"
    return meta["name"], meta["status"], conclusion, meta["retries"]


def _end_of_flaky(succeed_on: int) -> tuple[str, str, int]:
    """How it must end. The child that failed stores RETRY after it has sent the next attempt: when
    that one was quicker, the backend keeps RETRY for good (Celery's `TraceInfo.handle_retry`)."""
    if succeed_on > celery_app.flaky.max_retries + 1:
        return "FAILURE", "failed", celery_app.flaky.max_retries
    return "SUCCESS", "succeeded", succeed_on - 1
