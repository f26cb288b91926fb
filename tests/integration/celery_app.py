"""The Celery application that integration tests watch.

Broker and result backend come from the environment, so that the worker process, the client and
the code under test agree. Every task is plain Celery; none imports Headway.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from celery import Celery, Task, chain, chord, group, shared_task
from celery.canvas import Signature
from kombu import pools

RELEASE_TIMEOUT_S = 60
"""How long `hold` waits for its file before it fails: longer than a test may take to make it."""


def make_app(broker: str, backend: str | None) -> Celery:
    """Return the application on these servers; it becomes this thread's current one."""
    app = Celery("tests", broker=broker, backend=backend)
    app.conf.update(
        accept_content=["json"],
        broker_connection_retry_on_startup=True,
        result_extended=True,
        task_send_sent_event=True,
        worker_prefetch_multiplier=1,
        worker_send_task_events=True,
    )
    return app


app = make_app(
    os.environ.get("HEADWAY_TEST_BROKER_URL", "memory://"),
    os.environ.get("HEADWAY_TEST_RESULT_BACKEND") or None,
)


@contextmanager
def connected(broker: str, backend: str | None) -> Iterator[Celery]:
    """Make the tasks of this module go to a test's servers while the block lasts."""
    client = make_app(broker, backend)
    try:
        yield client
    finally:
        _stop_following(client)
        # kombu keeps pools by address: one that is only closed would be met again by the next test.
        pools.reset()
        client.close()
        app.set_current()


def _stop_following(client: Celery) -> None:
    """End the subscription to results, which a result would renew when it is collected."""
    consumer = getattr(client.backend, "result_consumer", None)
    if consumer is not None:
        consumer.stop()
        consumer._pubsub = None


class Declined(Exception):
    """A failure of the sample's own kind."""


@shared_task
def add(x: float, y: float) -> float:
    return x + y


@shared_task
def total(numbers: list[float]) -> float:
    """The body of a chord."""
    return sum(numbers)


@shared_task
def fail(message: str = "card declined") -> None:
    raise Declined(message)


WAYS = 3
"""In which `fail_in_ways` fails."""


@shared_task(ignore_result=True)
def fail_in_ways(number: int) -> None:
    """Fail in one of `WAYS` ways, each time in other words."""
    if number % WAYS == 0:
        raise Declined(f"order {number} was declined by 10.0.{number % 256}.7")
    if number % WAYS == 1:
        raise KeyError(f"account-{number}")
    raise TimeoutError(f"no answer to 'request {number}' within {number % 9 + 1}.5 s")


@shared_task(ignore_result=True)
def send_failures(start: int, stop: int) -> None:
    """Send `fail_in_ways` with each of these numbers: a worker sends quicker than a test does."""
    for number in range(start, stop):
        fail_in_ways.delay(number)


@shared_task
def fail_deep(depth: int = 5) -> None:
    """Fail with a traceback of `depth` frames and a cause."""
    if depth > 0:
        return fail_deep.run(depth - 1)
    try:
        raise KeyError("account")
    except KeyError as missing:
        raise Declined("no account to charge") from missing


@shared_task(
    bind=True,
    autoretry_for=(Declined,),
    max_retries=5,
    default_retry_delay=0,
    retry_jitter=False,
)
def flaky(self: Task[Any, Any], succeed_on: int = 3) -> int:
    """Fail until the attempt number `succeed_on` (1 is the first); return that number."""
    attempt = int(self.request.retries) + 1
    if attempt < succeed_on:
        raise Declined(f"attempt {attempt}")
    return attempt


@shared_task
def slow(seconds: float = 0.2) -> float:
    time.sleep(seconds)
    return seconds


@shared_task
def hold(release: str) -> str:
    """Run until the file `release` exists: the test decides how long."""
    deadline = time.monotonic() + RELEASE_TIMEOUT_S
    while not Path(release).exists():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{release} was never made")
        time.sleep(0.02)
    return release


@shared_task(bind=True)
def progress_event(self: Task[Any, Any], steps: int = 5, pause_s: float = 0.02) -> int:
    """Tell progress by events of our kind, without importing anything for it."""
    for step in range(1, steps + 1):
        self.send_event("task-progress", current=step, total=steps, message=f"step {step}")
        time.sleep(pause_s)
    return steps


@shared_task(bind=True)
def progress_state(self: Task[Any, Any], steps: int = 5, pause_s: float = 0.02) -> int:
    """Tell progress the way Celery's documentation does, through the result backend."""
    for step in range(1, steps + 1):
        self.update_state(state="PROGRESS", meta={"current": step, "total": steps})
        time.sleep(pause_s)
    return steps


@shared_task(ignore_result=True)
def silent() -> str:
    """Leave nothing in the result backend."""
    return "nobody reads this"


def a_chain(length: int = 3) -> Signature:
    """Return additions, each of which takes the sum of the one before it."""
    return chain(add.s(1, 1), *(add.s(1) for _ in range(length - 1)))


def a_group(size: int = 3) -> Signature:
    """Return `size` additions side by side."""
    return group(add.s(number, number) for number in range(size))


def a_chord(size: int = 3) -> Signature:
    """Return `size` additions and the task that sums them up."""
    return chord([add.s(number, number) for number in range(size)], total.s())


def an_eta(delay_s: float = 1.0) -> dict[str, Any]:
    """Return the options of `apply_async` that schedule a task `delay_s` ahead."""
    return {"eta": datetime.now(UTC) + timedelta(seconds=delay_s)}
