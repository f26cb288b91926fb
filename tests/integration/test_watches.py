"""The whole receiving side on a real broker, beat and worker: what it stores of queues, schedule
and workers."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from django.db import connections

from dashboard import beat, models
from dashboard.redaction import Redaction
from dashboard.store import Store
from realtime import queues, schedule
from realtime.inbox import Inbox
from realtime.inspection import Inspection
from realtime.pipeline import Pipeline
from realtime.queues import QueueWatch
from realtime.receiver import Receiver
from realtime.schedule import ScheduleWatch
from realtime.testing import MemoryPublisher
from tests.integration import beat_app, celery_app
from tests.services.process import Process, wait_until
from tests.services.redis import RedisServer
from tests.services.worker import CeleryWorker, app_environment


@contextmanager
def running(part: Any) -> Iterator[None]:
    def run() -> None:
        part.run()
        connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        part.stop()
        thread.join(20)
        assert not thread.is_alive()


@contextmanager
def receiving(app: Celery, alias: str) -> Iterator[Pipeline]:
    """All parts of a receiver that look beside the stream, on their threads."""
    inbox = Inbox()
    pipeline: Pipeline
    inspection = Inspection(app, inbox, is_leading=lambda: pipeline.is_leader)
    receiver = Receiver(app, inbox, node_id="watches", on_worker=inspection.notice)
    pipeline = Pipeline(
        store=Store(alias),
        inbox=inbox,
        source=receiver,
        publisher=MemoryPublisher(),
        redactor=Redaction(()),
        holder="tests",
    )
    parts = (
        receiver,
        inspection,
        QueueWatch(
            app,
            inbox,
            names=lambda: pipeline.queue_names,
            is_leading=lambda: pipeline.is_leader,
        ),
        ScheduleWatch(
            inbox,
            sources=[partial(schedule.configured, app)],
            history=partial(beat.history, alias=alias),
            is_leading=lambda: pipeline.is_leader,
        ),
    )
    with ExitStack() as stack:
        for part in parts:
            stack.enter_context(running(part))
        stack.enter_context(running(pipeline))
        yield pipeline


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The watches look more often, and lose their patience sooner."""
    monkeypatch.setattr(queues, "ASK_EVERY_S", 0.5)
    monkeypatch.setattr(schedule, "CHECK_EVERY_S", 0.5)
    monkeypatch.setattr(schedule, "GRACE_S", 3.0)


@pytest.fixture
def app(redis_server: RedisServer) -> Iterator[Celery]:
    with celery_app.connected(redis_server.url(), None) as app:
        app.conf.beat_schedule = beat_app.SCHEDULE
        yield app


def beating(directory: Path, broker: str) -> Process:
    command = [sys.executable, "-m", "celery", "-A", "tests.integration.beat_app:app", "beat"]
    command += ["-s", str(directory / "schedule"), "--pidfile="]
    return Process(command, log=directory / "beat.log", env=app_environment(broker))


def one(alias: str, model: Any, name: str, is_so: Callable[[Any], object]) -> Any:
    """The row of this name, as soon as it is as expected."""
    found: list[Any] = []

    def is_met() -> bool:
        found[:] = model.objects.using(alias).filter(name=name)
        return bool(found) and bool(is_so(found[0]))

    wait_until(is_met, 30, f"{model.__name__} {name}")
    return found[0]


def test_beat_s_runs_are_seen_and_so_is_that_they_stopped(
    app: Celery, database: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    every_second = partial(one, database, models.ScheduleEntry, "every second")
    with ExitStack() as stack:
        stack.enter_context(receiving(app, database))
        worker = CeleryWorker(tmp_path, broker=redis_server.url())
        stack.enter_context(worker)
        with beating(tmp_path, redis_server.url()):
            entry = every_second(lambda row: row.last_task_id)
            task = models.Task.objects.using(database).get(id=entry.last_task_id)
            assert task.name == entry.task
            assert (entry.schedule, entry.missed) == ("every 1 second", 0)
            assert entry.next_run_at > entry.last_run_at
            new_year = one(database, models.ScheduleEntry, "new year", lambda row: row.checked_at)
            assert new_year.next_run_at > entry.next_run_at
            assert new_year.missed == 0
        stopped = every_second(lambda row: row.missed >= 2)
        assert stopped.missed_at > stopped.last_run_at
        with beating(tmp_path, redis_server.url()):
            every_second(lambda row: row.missed == 0 and row.last_run_at > stopped.last_run_at)


def test_a_worker_s_queues_are_measured_though_the_configuration_does_not_name_them(
    app: Celery, database: str, redis_server: RedisServer, tmp_path: Path
) -> None:
    with receiving(app, database):
        for _ in range(3):
            celery_app.add.apply_async((1, 1), queue="unattended", priority=9)
        full = one(database, models.Queue, "unattended", lambda row: row.depth == 3)
        assert (full.priorities, full.consumers, full.error) == ('{"9":3}', None, None)
        with CeleryWorker(tmp_path, broker=redis_server.url(), queues=["unattended", "odd"]) as own:
            one(database, models.Queue, "odd", lambda row: row.depth == 0)
            one(database, models.Queue, "unattended", lambda row: row.depth == 0)
            told = one(database, models.Worker, own.name, lambda row: row.inspected_at)
            assert (told.pool, told.concurrency) == ("prefork", 2)
