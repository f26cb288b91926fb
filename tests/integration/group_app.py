"""A Celery application whose tasks run in groups and chords, with the context plugin installed."""

import os
from typing import Any

from celery import Celery

from realtime.worker import PublicError, install

FAILING = frozenset({7, 19})

app = Celery(
    "groups",
    broker=os.environ.get("HEADWAY_TEST_BROKER_URL", "memory://"),
    backend=os.environ.get("HEADWAY_TEST_RESULT_BACKEND") or None,
    set_as_current=False,
)
app.conf.update(
    broker_connection_retry_on_startup=True,
    result_extended=True,
    worker_prefetch_multiplier=1,
    worker_send_task_events=True,
)
install(app)


@app.task(name="groups.convert")
def convert(number: int) -> int:
    """One part of an upload; two of them cannot be read."""
    if number in FAILING:
        raise PublicError(f"Page {number} cannot be read.")
    return number


@app.task(name="groups.publish")
def publish(pages: list[Any]) -> int:
    """The body of a chord."""
    return len(pages)
