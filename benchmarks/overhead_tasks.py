"""The worker of `overhead`: tasks of 10 ms of work in 100 steps, and how to put Headway on and off
in a worker that runs.

BENCHMARK_STEP is how long a step's loop is, BENCHMARK_ROUNDS a file for a JSON object per round.
"""

import itertools
import json
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from celery import Celery, signals
from celery.worker.control import control_command

from realtime.worker import install, track
from realtime.worker.sender import sender

STEPS = 100
STEP_S = 0.0001
OFF, PLUGIN, ON = "off", "plugin", "on"
MODES = (OFF, PLUGIN, ON)

app = Celery("overhead", broker=os.environ.get("HEADWAY_TEST_BROKER_URL", "memory://"))
app.conf.update(task_ignore_result=True, worker_prefetch_multiplier=16)

_FOLLOWING = {
    signal: list(signal.receivers) for signal in (signals.task_prerun, signals.task_postrun)
}
_tasks: list[tuple[float, float, float]] = []
_spent_s = 0.0


def step(length: int) -> None:
    """A step's work: plain bytecode that makes no object. How fast numbers are made depends on
    where they come to lie in memory, which differs by some percent with whatever else there is."""
    for _ in itertools.repeat(None, length):
        pass


@app.task(name="shop.work")
def work(tells: bool) -> None:
    """Work for 10 ms, and tell how far it is."""
    began, used = time.monotonic(), time.thread_time()
    length = int(os.environ["BENCHMARK_STEP"])
    steps: Iterable[int] = range(STEPS)
    for _ in track(steps, message="Working") if tells else steps:
        step(length)
    _tasks.append((began, time.monotonic(), time.thread_time() - used))


@app.task(name="shop.begin")
def begin(mode: str) -> None:
    """A round begins, with Headway or without in the process that runs the tasks."""
    global _spent_s
    follow(mode != OFF)
    _tasks.clear()
    _spent_s = time.process_time()


@app.task(name="shop.end")
def end() -> None:
    """A round is over: write down what it took."""
    sender.flush()
    spent_s = time.process_time() - _spent_s
    with Path(os.environ["BENCHMARK_ROUNDS"]).open("a") as rounds:
        rounds.write(json.dumps({"tasks": _tasks, "spent_s": spent_s}) + "\n")


@control_command(args=[("mode", str)])
def overhead_mode(state: Any, mode: str) -> dict[str, float]:
    """Put the plugin on or off in the worker's own process; the CPU which that has used so far."""
    if mode != OFF:
        install(app)
    else:
        uid = f"headway.context.{id(app)}"
        for signal in (
            signals.before_task_publish,
            signals.after_task_publish,
            signals.task_received,
        ):
            signal.disconnect(dispatch_uid=uid)
    if bool(signals.task_received.receivers) != (mode != OFF):
        raise RuntimeError("The plugin is not where this benchmark looks for it")
    return {"spent_s": time.process_time()}


def follow(is_on: bool) -> None:
    """Have each task's begin and end noted, as the import of `realtime.worker` has it, or not."""
    for signal, handlers in _FOLLOWING.items():
        signal.receivers[:] = handlers if is_on else []
        signal.sender_receivers_cache.clear()
