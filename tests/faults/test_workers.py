"""Workers die in the middle of a task, or live in another hour: their tasks are told truly."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.support import one_process
from tests.faults.support import Load, Truth, assert_all_true, connected, tell
from tests.integration import celery_app
from tests.services.process import ROOT
from tests.services.redis import RedisServer
from tests.services.worker import SAMPLE_APP, CeleryWorker

pytestmark = pytest.mark.timeout(300)

Capture = pytest.CaptureFixture[str]

AN_HOUR_AHEAD = """
import time

_true = time.time
time.time = lambda: _true() + 3600
"""


@pytest.fixture
def backend(backend_server: RedisServer) -> str:
    return backend_server.url(1)


@pytest.mark.faults
def test_what_a_killed_worker_ran_is_lost_and_the_page_says_why(
    redis_url: str, backend: str, tmp_path: Path, capsys: Capture
) -> None:
    worker = CeleryWorker(tmp_path, broker=redis_url, backend=backend)
    with (
        worker,
        one_process(tmp_path, redis_url, backend) as (_, site),
        connected(redis_url),
    ):
        site.wait_for_worker(worker.name)
        task = celery_app.hold.delay(str(tmp_path / "never")).id
        site.wait_for_task(task, status="running")
        worker.kill()
        killed_at = time.monotonic()
        stalled = site.wait_for_task(task, status="stalled")
        assert worker.name in stalled["reason"]
        lost = site.wait_for_task(task, conclusion="lost", timeout_s=90)
        assert worker.name in lost["reason"]
        tell(capsys, "worker killed in a task", f"lost after {time.monotonic() - killed_at:.0f} s")


@pytest.fixture
def late(rabbitmq_url: str, backend: str, tmp_path: Path) -> Iterator[list[CeleryWorker]]:
    """Two workers that acknowledge late; the second one is not started."""
    app = "tests.faults.apps:late"
    workers = [CeleryWorker(tmp_path, broker=rabbitmq_url, backend=backend, app=app) for _ in "ab"]
    yield workers
    for worker in workers:
        worker.stop()


def test_what_a_killed_worker_ran_is_run_again_where_it_acknowledges_late(
    late: list[CeleryWorker], rabbitmq_url: str, backend: str, tmp_path: Path, capsys: Capture
) -> None:
    first, second = late
    release = tmp_path / "release"
    with (
        one_process(tmp_path, rabbitmq_url, backend) as (_, site),
        connected(rabbitmq_url),
    ):
        first.start()
        site.wait_for_worker(first.name)
        task = celery_app.hold.delay(str(release)).id
        site.wait_for_task(task, status="running", worker=first.name)
        first.kill()
        second.start()
        site.wait_for_task(task, status="running", worker=second.name)
        release.touch()
        row = site.wait_for_task(task, conclusion="succeeded", worker=second.name)
        attempts = site.task(task)["attempts"]
        assert [attempt["worker"] for attempt in attempts] == [first.name, second.name]
        assert row["retries"] == 0
    tell(capsys, "worker killed in a task (acks_late, amqp)", "redelivered, two attempts shown")


@pytest.mark.faults
def test_a_worker_whose_clock_is_an_hour_ahead_confuses_nothing(
    redis_url: str, backend: str, tmp_path: Path, capsys: Capture
) -> None:
    ahead = tmp_path / "ahead"
    ahead.mkdir()
    (ahead / "sitecustomize.py").write_text(AN_HOUR_AHEAD)
    path = os.pathsep.join([str(ahead), str(ROOT)])
    workers = [
        CeleryWorker(tmp_path, broker=redis_url, backend=backend, app=SAMPLE_APP),
        CeleryWorker(tmp_path, broker=redis_url, backend=backend, env={"PYTHONPATH": path}),
    ]
    with (
        workers[0],
        workers[1],
        one_process(tmp_path, redis_url, backend) as (_, site),
        connected(redis_url) as app,
    ):
        for worker in workers:
            site.wait_for_worker(worker.name)
        with Load(app) as load:
            load.wait_for(400)
        assert_all_true(site, Truth(backend), load.sent)
        stored = site.tasks()
        crossed = [i for i in load.sent if _hosts(site.task(i)) == 2 and stored[i]["retries"]][:1]
        offsets = {row["name"]: row["clock_offset"] for row in site.get("workers")["items"]}
        assert offsets[workers[1].name] == pytest.approx(3600, abs=5)
        assert crossed, "no retried task went over both workers"
    tell(capsys, "one worker's clock an hour off", f"{len(load.sent)} tasks true")


def _hosts(row: dict[str, object]) -> int:
    attempts = row["attempts"]
    assert isinstance(attempts, list)
    return len({attempt["worker"] for attempt in attempts})
