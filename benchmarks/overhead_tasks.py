"""The tasks of `overhead`: 10 ms of work each, in 100 steps, with Headway or without.

BENCHMARK_HEADWAY is 1 or 0, BENCHMARK_STEP how long a step's loop is, BENCHMARK_TIMES a directory
for a line per task: when it began and ended by the monotonic clock, and its CPU in seconds.
"""

import os
import time
from collections.abc import Iterable
from pathlib import Path

from celery import Celery

STEPS = 100
STEP_S = 0.0001
IS_ON = os.environ.get("BENCHMARK_HEADWAY") == "1"

app = Celery("overhead", broker=os.environ.get("HEADWAY_TEST_BROKER_URL", "memory://"))
app.conf.update(task_ignore_result=True, worker_prefetch_multiplier=16)
if IS_ON:
    from realtime.worker import install, track

    install(app)


def step(length: int) -> None:
    """A step's work."""
    for _ in range(length):
        pass


@app.task(name="shop.work")
def work(tells: bool) -> None:
    """Work for 10 ms, and tell how far it is."""
    began, used = time.monotonic(), time.thread_time()
    length = int(os.environ["BENCHMARK_STEP"])
    steps: Iterable[int] = range(STEPS)
    for _ in track(steps, message="Working") if tells else steps:
        step(length)
    spent = time.thread_time() - used
    path = Path(os.environ["BENCHMARK_TIMES"]) / str(os.getpid())
    with path.open("a") as times:
        times.write(f"{began} {time.monotonic()} {spent}\n")
