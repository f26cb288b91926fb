"""Groups of real tasks in a real prefork worker, through a store whose answers get lost."""

import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from celery import Celery, chord, group
from kombu import pools

from dashboard.public import PublicReader
from realtime.core import public
from realtime.core.groups import Group
from realtime.core.public import Shown
from realtime.embedding import Expected
from realtime.inbox import Inbox
from realtime.pipeline import Pipeline
from realtime.receiver import Receiver
from realtime.testing import MemoryPublisher
from tests.integration import group_app
from tests.integration.test_receiver import running
from tests.integration.test_rollups import Unreliable
from tests.services.process import wait_until
from tests.services.redis import RedisServer
from tests.services.worker import CeleryWorker
from tests.unit.realtime.test_pipeline import Nothing

SIZE = 30


@contextmanager
def followed(app: Celery, store: Unreliable) -> Iterator[None]:
    """A receiver on its threads that writes to this store."""
    inbox = Inbox()
    receiver = Receiver(app, inbox, node_id="groups")
    pipeline = Pipeline(
        store=store,
        inbox=inbox,
        source=receiver,
        publisher=MemoryPublisher(),
        redactor=Nothing(),
        holder="groups",
    )
    with ExitStack() as stack:
        stack.enter_context(running(receiver.run, receiver.stop))
        stack.enter_context(running(pipeline.run, pipeline.stop))
        wait_until(lambda: receiver.health().lag_ms is not None, 20, "the first probe")
        yield


@pytest.fixture(scope="module")
def app(shared_redis: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Celery]:
    """The application, with its worker."""
    app = group_app.app
    shared_redis.reset()
    broker, backend = shared_redis.url(), shared_redis.url(3)
    app.conf.update(broker_url=broker, result_backend=backend)
    worker = CeleryWorker(
        tmp_path_factory.mktemp("groups"),
        broker=broker,
        backend=backend,
        app="tests.integration.group_app:app",
    )
    worker.start()
    try:
        yield app
    finally:
        worker.stop()
        pools.reset()
        app.close()


def test_a_group_of_thirty_with_two_that_fail_is_true_though_answers_of_commits_are_lost(
    app: Celery, database: str
) -> None:
    store = Unreliable(database)
    store.faults = random.Random(5).choices(["none", "after"], k=20)  # noqa: S311
    with followed(app, store):
        sent = group(group_app.convert.s(n) for n in range(SIZE)).apply_async()
        reader = PublicReader(database)
        subject = f"group:{sent.id}"
        reader.vouch({subject: Expected(1.0, SIZE)})
        body = chord([group_app.convert.s(n) for n in range(3)])(group_app.publish.s())

        def is_over(group_id: str) -> bool:
            row: Any = reader.public([f"group:{group_id}"]).groups.get(group_id)
            return row is not None and row["status"] == "completed"

        wait_until(lambda: is_over(str(sent.id)), 30, "the group to end")
        wait_until(lambda: is_over(str(body.parent.id)), 30, "the chord's header to end")
        wait_until(
            lambda: f"{body.id}" in reader.public([f"task:{body.id}"]).tasks, 30, "the chord's body"
        )
    store.close()
    page = reader.public([subject, f"group:{body.parent.id}", f"task:{sent.results[7].id}"])
    told = page.groups[str(sent.id)]
    assert {name: told[name] for name in ("total", "parts", "succeeded", "failed")} == {
        "total": SIZE,
        "parts": SIZE,
        "succeeded": SIZE - 2,
        "failed": 2,
    }
    assert (told["running"], told["waiting"], told["conclusion"]) == (0, 0, "failed")
    header = page.groups[str(body.parent.id)]
    assert (header["total"], header["succeeded"], header["conclusion"]) == (3, 3, "succeeded")
    failed = str(sent.results[7].id)
    shown = public.task_row(page.tasks[failed], None, Shown(), 0.0, id=failed)
    assert shown["error"] == {
        "message": "Page 7 cannot be read.",
        "reference": public.reference(failed),
    }
    stored = store.groups([str(sent.id)])[str(sent.id)]
    store.close()
    assert isinstance(stored, Group)
    assert stored.fractions == 0.0
