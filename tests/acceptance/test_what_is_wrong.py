"""What is wrong in a real cluster stands on the overview in words, within seconds.

`pytest -s` prints how long each took; 30,000 failures and a worker that is gone for good:
tests/faults/test_wrong.py.
"""

import time
import uuid
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.acceptance.overview import assert_three_ways, watched
from tests.acceptance.support import Capture
from tests.integration import celery_app
from tests.services.redis import RedisServer
from tests.services.worker import CeleryWorker

FAILURES = 900


@pytest.mark.parametrize("broker", ["redis_url", "rabbitmq_url"])
def test_a_queue_that_nobody_consumes_is_named_until_a_worker_starts(
    request: pytest.FixtureRequest,
    broker: str,
    chromium: Browser,
    shared_redis: RedisServer,
    tmp_path: Path,
    capsys: Capture,
) -> None:
    url, backend = str(request.getfixturevalue(broker)), shared_redis.url(1)
    queue = f"nobody-{uuid.uuid4().hex[:6]}"
    with watched(chromium, url, backend, tmp_path, capsys) as (site, overview):
        # Its empty list says what is missing; with the first task the panels come.
        sent = [celery_app.add.apply_async((n, n), queue=queue).id for n in range(3)]
        at = time.monotonic()
        site.wait_for_task(sent[0])
        overview.page.reload()
        fact = f"nobody consumes a queue, {broker[:-4]}"
        overview.says(fact, f"{queue} has no workers.", "3 tasks wait", since=at, within_s=15)
        worker = CeleryWorker(tmp_path, broker=url, backend=backend, queues=[queue])
        with worker:
            at = time.monotonic()
            overview.is_quiet_about("its worker starts late", queue, at, within_s=15)
            for task_id in sent:
                site.wait_for_task(task_id, conclusion="succeeded")


def test_workers_that_are_killed_stopped_and_renamed_are_told_apart(
    chromium: Browser, redis_server: RedisServer, tmp_path: Path, capsys: Capture
) -> None:
    broker, backend = redis_server.url(), redis_server.url(1)
    killed, stopped, renamed = (
        CeleryWorker(tmp_path, broker=broker, backend=backend, concurrency=1, queues=[name])
        for name in ("killed", "stopped", "stopped")
    )
    with watched(chromium, broker, backend, tmp_path, capsys) as (site, overview), stopped:
        killed.start()
        held = celery_app.hold.apply_async((str(tmp_path / "never"),), queue="killed").id
        site.wait_for_task(held, status="running")
        site.wait_for_worker(stopped.name)
        overview.page.reload()
        fleet = "[data-part='fleet']"
        expect(overview.page.locator(fleet)).to_contain_text("2 online")
        expect(overview.problems).to_have_count(0)

        killed.kill()
        at = time.monotonic()
        overview.says(
            "kill -9 of a worker", f"{killed.name} is silent.", "it has 1 task in hand",
            since=at, within_s=15,
        )  # fmt: skip

        # In order, and again under another name: nothing of it is a problem.
        stopped.stop()
        at = time.monotonic()
        overview.shows("a worker stops in order", fleet, "1 gone", at, within_s=5)
        celery_app.add.apply_async((1, 1), queue="stopped")
        at = time.monotonic()
        overview.says(
            "its queue goes on", "stopped has no workers.", "1 task waits", since=at, within_s=15
        )
        with renamed:
            at = time.monotonic()
            overview.shows("it comes back under another name", fleet, "1 online", at, within_s=5)
            overview.is_quiet_about("and takes the queue", "stopped has no", at, within_s=15)
            expect(overview.problems).to_have_count(1)
            expect(overview.problems).to_contain_text(killed.name)


def test_a_task_that_fails_in_three_ways_is_three_failures(
    chromium: Browser, redis_server: RedisServer, tmp_path: Path, capsys: Capture
) -> None:
    broker, backend = redis_server.url(), redis_server.url(1)
    with (
        watched(chromium, broker, backend, tmp_path, capsys) as (site, overview),
        CeleryWorker(tmp_path, broker=broker, backend=backend) as worker,
    ):
        site.wait_for_worker(worker.name)
        overview.page.reload()
        at = time.monotonic()
        celery_app.send_failures.delay(0, FAILURES)
        assert_three_ways(overview, site, FAILURES, at, within_s=30)
