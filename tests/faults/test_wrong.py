"""What goes wrong in the large, or for a minute, stands on the overview in words."""

import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.acceptance.overview import assert_three_ways, watched
from tests.acceptance.support import Capture
from tests.faults.support import tell
from tests.integration import celery_app
from tests.services.process import wait_until
from tests.services.redis import RedisServer
from tests.services.worker import CeleryWorker

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

FAILURES = 30_000
PIECE = 1_000


def test_thirty_thousand_failures_of_three_kinds_are_three_failures(
    chromium: Browser, redis_server: RedisServer, tmp_path: Path, capsys: Capture
) -> None:
    broker, backend = redis_server.url(), redis_server.url(1)
    worker = CeleryWorker(tmp_path, broker=broker, backend=backend, concurrency=4)
    with watched(chromium, broker, backend, tmp_path, capsys) as (site, overview), worker:
        site.wait_for_worker(worker.name)
        overview.page.reload()
        began = time.monotonic()
        for start in range(0, FAILURES, PIECE):
            celery_app.send_failures.delay(start, start + PIECE)
        overview.says(
            "the first of 30,000 failures", "Declined in fail_in_ways is new.",
            since=began, within_s=30,
        )  # fmt: skip
        wait_until(lambda: is_over(redis_server), 400, "the worker to have done all of it")
        ended = time.monotonic()
        assert_three_ways(overview, site, FAILURES, ended, within_s=60)
        took = time.monotonic() - ended
        tell(
            capsys,
            "30,000 failures in three ways, in the words of the overview",
            f"{FAILURES / (ended - began):.0f} failures/s; three groups, 10,000 each,"
            f" {took:.1f} s after the last",
        )


def is_over(server: RedisServer) -> bool:
    """Whether nothing waits and nothing is in hand."""
    with server.client() as client:
        return not client.llen("celery") and not client.hlen("unacked")


def test_a_worker_that_was_killed_is_gone_after_a_minute_with_what_it_left(
    chromium: Browser, redis_server: RedisServer, tmp_path: Path, capsys: Capture
) -> None:
    broker, backend = redis_server.url(), redis_server.url(1)
    worker = CeleryWorker(tmp_path, broker=broker, backend=backend, concurrency=1)
    with watched(chromium, broker, backend, tmp_path, capsys) as (site, overview):
        worker.start()
        held = celery_app.hold.delay(str(tmp_path / "never"))
        site.wait_for_task(held.id, status="running")
        overview.page.reload()
        worker.kill()
        at = time.monotonic()
        overview.says(
            "kill -9, and no word for a minute", f"{worker.name} is gone.",
            "it left 1 task unfinished", since=at, within_s=75,
        )  # fmt: skip
