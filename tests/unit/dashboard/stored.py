"""Tasks and workers in the database, as the receiver would have written them."""

from collections.abc import Iterable
from typing import Any

from dashboard.store import Store
from realtime import testing
from realtime.core.lifecycle import fold
from realtime.core.task import Task
from realtime.core.workers import Worker
from realtime.ports import Changes
from realtime.testing import Raw

NOW = 1_000_000.0
WORKER = testing.HOSTNAME


def write(tasks: Iterable[Task] = (), workers: Iterable[Worker] = ()) -> None:
    """Commit these records."""
    store = Store()
    assert store.acquire("token", "tests", NOW, 1e9)
    store.commit("token", Changes(tasks=list(tasks), workers=list(workers)))
    store.close()


def told(*history: Raw) -> Task:
    """The task of these events."""
    return fold(None, map(testing.checked, history), NOW)


def queued(id_: str, **fields: Any) -> Task:
    return told(testing.task_sent(id_, at=NOW, **fields))


def received(id_: str, **fields: Any) -> Task:
    return told(testing.task_received(id_, at=NOW, **fields))


def running(id_: str, **fields: Any) -> Task:
    began = testing.task_started(id_, at=NOW + 1)
    return told(testing.task_received(id_, at=NOW, **fields), began)


def failed(id_: str, **fields: Any) -> Task:
    ended = testing.task_failed(id_, at=NOW + 2, exception="E('no')", traceback="Traceback")
    return told(testing.task_received(id_, at=NOW, **fields), ended)


def succeeded(id_: str, **fields: Any) -> Task:
    ended = testing.task_succeeded(id_, at=NOW + 2)
    return told(testing.task_received(id_, at=NOW, **fields), ended)


def worker(name: str = WORKER, state: str = "online", pool: str | None = "prefork") -> Worker:
    return Worker(
        name=name, first_seen_at=NOW, last_heartbeat_at=NOW, state=state, pid=4242, pool=pool
    )
