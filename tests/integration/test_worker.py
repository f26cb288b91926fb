"""Progress from real workers, in every pool, as a monitor on a private Redis hears it."""

import contextlib
import importlib.util
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kombu import pools

from realtime.core import lifecycle
from realtime.core.events import Event, parse
from realtime.testing import checked
from realtime.worker.sender import sender
from tests.integration import worker_app
from tests.services.process import wait_until
from tests.services.redis import RedisServer
from tests.services.worker import CeleryWorker

APP = "tests.integration.worker_app:app"
POOLS = ("prefork", "threads", "solo", "gevent")


class Monitor:
    """Hears every event of the broker."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self._is_over = threading.Event()
        self._is_ready = threading.Event()
        self._thread = threading.Thread(target=self._listen)

    def __enter__(self) -> "Monitor":
        self._thread.start()
        assert self._is_ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join(10)

    def _listen(self) -> None:
        with worker_app.app.connection_for_read() as link:
            receiver = worker_app.app.events.Receiver(link, handlers={"*": self.heard.append})
            with receiver.consumer_context() as (drained, *_):
                self._is_ready.set()
                while not self._is_over.is_set():
                    with contextlib.suppress(TimeoutError):
                        drained.drain_events(timeout=0.1)

    def of(self, task_id: str, kind: str) -> list[dict[str, Any]]:
        return [e for e in list(self.heard) if e.get("uuid") == task_id and e["type"] == kind]

    def await_count(self, task_id: str, count: int) -> list[dict[str, Any]]:
        """The task's progress, once it came to `count`."""

        def arrived() -> list[dict[str, Any]] | None:
            told = self.of(task_id, "task-progress")
            return told if any(event.get("current") == count for event in told) else None

        return wait_until(arrived, 20, f"{task_id} to come to {count}: {self.heard[-5:]}")


@pytest.fixture
def monitor(redis_url: str) -> Iterator[Monitor]:
    worker_app.app.conf.broker_url = redis_url
    # Tasks of other tests are shared with this application: their context went to another broker.
    sender.flush()
    for outlet in sender._outlets.values():
        outlet.close()
    try:
        with Monitor() as monitor:
            yield monitor
    finally:
        pools.reset()
        worker_app.app.amqp._producer_pool = None
        worker_app.app.pool.force_close_all()


@pytest.fixture(params=POOLS)
def worker(
    request: pytest.FixtureRequest, tmp_path: Path, redis_url: str, monitor: Monitor
) -> Iterator[CeleryWorker]:
    if request.param == "gevent" and importlib.util.find_spec("gevent") is None:
        pytest.skip("gevent is not installed")
    with CeleryWorker(tmp_path, broker=redis_url, app=APP, pool=request.param) as worker:
        worker.wait_for_line(r"ready\.")
        yield worker


def test_tasks_of_every_pool_tell_how_far_they_are(worker: CeleryWorker, monitor: Monitor) -> None:
    steady = worker_app.steady.delay()
    told = monitor.await_count(steady.id, 200)
    lasted_s = told[-1]["timestamp"] - told[0]["timestamp"]
    assert 3 <= len(told) <= 3 + 10 * lasted_s
    assert all(event["total"] == 200 and event["hostname"] == worker.name for event in told)

    quick = [worker_app.quick.delay() for _ in range(20)]
    for result in quick:
        assert len(monitor.await_count(result.id, 20)) == 1

    coroutine = worker_app.in_a_coroutine.delay()
    monitor.await_count(coroutine.id, 3)

    parent = worker_app.family.delay()
    wait_until(lambda: len({e["part"] for e in _shares(monitor, parent.id)}) == 3, 20)
    events = [checked(event, time.time()) for event in monitor.heard if _is_of(event, parent.id)]
    progress = lifecycle.fold(None, events, time.time()).progress
    assert progress is not None
    assert (progress.done, progress.percent) == (3, 100)


def test_the_context_comes_from_the_client_and_from_the_workers_own_process(
    tmp_path: Path, redis_url: str, monitor: Monitor
) -> None:
    headers = {"headway_owner": "17", "headway_label": "Your photos"}
    result = worker_app.quick.apply_async(headers=headers, queue="celery", time_limit=30)
    (sent,) = wait_until(lambda: monitor.of(result.id, "task-context"), 30)
    queued = lifecycle.fold(None, [checked(sent, time.time())], time.time())
    assert (queued.status, queued.name) == ("queued", worker_app.quick.name)
    with CeleryWorker(tmp_path, broker=redis_url, app=APP) as worker:
        monitor.await_count(result.id, 20)
        contexts = monitor.of(result.id, "task-context")
        assert [event["hostname"] for event in contexts[1:]] == [worker.name]
        assert contexts[1]["pid"] == worker.pid
    for event in contexts:
        context = parse(event, time.time())
        assert isinstance(context, Event)
        told = context.fields
        assert (told["owner"], told["label"]) == ("17", "Your photos")
        assert (told["queue"], told["time_limit"]) == ("celery", 30)


def test_a_child_that_ends_sends_its_last_value_before(
    tmp_path: Path, redis_url: str, monitor: Monitor
) -> None:
    with CeleryWorker(tmp_path, broker=redis_url, app=APP) as worker:
        results = [worker_app.quick.delay() for _ in range(5)]
        wait_until(lambda: all(monitor.of(r.id, "task-succeeded") for r in results), 20)
        worker.stop()
    for result in results:
        monitor.await_count(result.id, 20)


def test_a_task_goes_on_while_the_broker_is_away(
    tmp_path: Path, redis_server: RedisServer, redis_url: str, monitor: Monitor
) -> None:
    with CeleryWorker(tmp_path, broker=redis_url, app=APP):
        result = worker_app.steady.delay(2.0)
        wait_until(lambda: monitor.of(result.id, "task-progress"), 20)
        redis_server.pause()
        time.sleep(0.5)
        redis_server.resume()
        monitor.await_count(result.id, 200)
        (done,) = wait_until(lambda: monitor.of(result.id, "task-succeeded"), 20)
    assert done["runtime"] < 2.6


def _shares(monitor: Monitor, parent_id: str) -> list[dict[str, Any]]:
    return [e for e in monitor.of(parent_id, "task-progress") if "part" in e]


def _is_of(event: dict[str, Any], task_id: str) -> bool:
    return event.get("uuid") == task_id and parse(event, 0.0) is not None
