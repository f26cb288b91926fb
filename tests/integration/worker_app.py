"""Tasks that tell their progress with `realtime.worker`, run by real workers."""

from __future__ import annotations

import asyncio
import os
import time

from celery import Celery

from realtime.worker import Progress, install, track

app = Celery(
    "progress",
    broker=os.environ.get("HEADWAY_TEST_BROKER_URL", "memory://"),
    set_as_current=False,
)
app.conf.update(broker_connection_retry_on_startup=True, task_ignore_result=True)
install(app)


@app.task
def quick(steps: int = 20) -> None:
    """Over long before it would tell a second value."""
    for _ in track(range(steps), message="Quick"):
        pass


@app.task
def steady(seconds: float = 0.55, steps: int = 200) -> None:
    """Count for so long, evenly."""
    for _ in track(range(steps)):
        time.sleep(seconds / steps)


@app.task
def in_a_coroutine() -> None:
    """Count in a coroutine."""

    async def count() -> None:
        for _ in track("abc"):
            await asyncio.sleep(0.01)

    asyncio.run(count())


@app.task
def family(children: int = 3) -> None:
    """Call children, each of which adds to this count."""
    Progress(total=children)
    for _ in range(children):
        child.delay()


@app.task
def child() -> None:
    """Add one to the parent's count."""
    Progress.parent().update()
