"""What Headway costs those it watches: a task's runtime and a worker's CPU and throughput, with
progress and plugin on and off in the same worker; then what one call costs.

Tasks work for 10 ms of CPU in 100 steps and tell each of them. The worker is prefork with events
on, on a private Redis, and one process. It runs short rounds without Headway, with the plugin, and
with plugin and progress, in random order; what is compared are rounds that ran next to each other.
Two processes of one program differ by some percent in how fast the same loop runs for as long as
they live: so both sides of a comparison run in one process, and more than one worker is asked.
"""

import itertools
import json
import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import sample

from celery import Celery
from celery.app.trace import build_tracer

from benchmarks import overhead_tasks
from benchmarks.harness import median, options, report, say, table
from benchmarks.overhead_tasks import MODES, OFF, ON, PLUGIN, STEP_S
from realtime.worker import Progress, install, track
from realtime.worker.sender import sender
from tests.services.process import private_directory, wait_until
from tests.services.redis import RedisServer, running_redis
from tests.services.worker import CeleryWorker

TASKS = 40
"""A round of half a second: what else the machine does is the same for those next to it."""
WORKERS, QUICK_WORKERS = 4, 2
SECONDS, QUICK_SECONDS = 30.0, 12.0
"""How long each worker is asked."""
SURE_PERCENT = 95
GOAL_PERCENT = 2.0
GOAL_CALL_US = 2.0
CALLS = 50_000
TRACED = 2000
PUBLISHED = 100
COMPARED = {"plugin": (PLUGIN, OFF), "progress": (ON, PLUGIN), "both": (ON, OFF)}

Figures = dict[str, float]
Block = dict[str, Figures]


def main() -> None:
    given = options(__doc__.partition("\n\n")[0]).parse_args()
    workers = QUICK_WORKERS if given.quick else WORKERS
    seconds = QUICK_SECONDS if given.quick else SECONDS
    blocks: list[Block] = []
    with running_redis() as redis, private_directory("overhead") as directory:
        overhead_tasks.app.conf.broker_url = redis.url()
        length = _step_length()
        for number in range(workers):
            say(f"worker {number + 1} of {workers}, for {seconds:g} s")
            blocks += _worker(redis, directory / str(number), length, seconds)
        calls = _calls(redis)
    _tell(len(blocks), {figure: _compared(figure, blocks) for figure in blocks[0][OFF]}, calls)


def _worker(redis: RedisServer, directory: Path, length: int, seconds: float) -> Iterator[Block]:
    """Rounds of one worker, in blocks of one round of each kind in random order."""
    directory.mkdir()
    rounds = directory / "rounds"
    rounds.touch()
    process = CeleryWorker(
        directory,
        broker=redis.url(),
        app="benchmarks.overhead_tasks:app",
        concurrency=1,
        env={"BENCHMARK_STEP": str(length), "BENCHMARK_ROUNDS": str(rounds)},
    )
    with process:
        for mode in MODES:
            _round(process.name, rounds, mode)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            order = sample(MODES, len(MODES))
            yield {mode: _round(process.name, rounds, mode) for mode in order}


def _round(worker: str, rounds: Path, mode: str) -> Figures:
    """Work off so many tasks; what they took."""
    parent_s = _switch(worker, mode)
    seen = len(rounds.read_text())
    app = overhead_tasks.app
    with app.connection_for_write() as link, app.amqp.Producer(link) as producer:
        overhead_tasks.begin.apply_async((mode,), producer=producer)
        for _ in range(TASKS):
            overhead_tasks.work.apply_async((mode == ON,), producer=producer)
        overhead_tasks.end.apply_async(producer=producer)
    line = wait_until(lambda: rounds.read_text()[seen:].rpartition("\n")[0], 60)
    told = json.loads(line)
    parent_s = _switch(worker, mode) - parent_s
    began, ended, spent = zip(*told["tasks"], strict=True)
    runtime = statistics.mean(ended) - statistics.mean(began)
    return {
        "task_cpu_ms": 1e3 * statistics.mean(spent),
        "runtime_ms": 1e3 * runtime,
        "child_cpu_ms": 1e3 * told["spent_s"] / TASKS,
        "worker_cpu_ms": 1e3 * (told["spent_s"] + parent_s) / TASKS,
        "tasks_per_second": TASKS / (max(ended) - min(began)),
    }


def _switch(worker: str, mode: str) -> float:
    """Put the plugin on or off; the CPU of the worker's own process so far, in seconds."""
    (answer,) = overhead_tasks.app.control.broadcast(
        "overhead_mode", {"mode": mode}, destination=[worker], reply=True, limit=1, timeout=30
    )
    return float(answer[worker]["spent_s"])


def _step_length() -> int:
    """How long a loop takes 0.1 ms of CPU on this machine."""
    began = time.thread_time()
    overhead_tasks.step(1_000_000)
    return int(1_000_000 * STEP_S / (time.thread_time() - began))


def _compared(figure: str, blocks: Sequence[Block]) -> dict[str, float | tuple[float, ...]]:
    """Medians of the rounds, and by how many percent rounds of one block differ: the median with
    its confidence interval."""
    medians = {mode: median(block[mode][figure] for block in blocks) for mode in MODES}
    changes = {
        name: _estimate([100 * (block[new][figure] / block[old][figure] - 1) for block in blocks])
        for name, (new, old) in COMPARED.items()
    }
    return {**medians, **{f"{name}_percent": change for name, change in changes.items()}}


def _estimate(values: Sequence[float]) -> tuple[float, float, float]:
    """The median, and the bounds within which it lies with SURE_PERCENT.

    Each value is above the true median by the toss of a coin, whatever their distribution: the
    bounds are the values that so many tosses in a row of so many hardly ever leave beyond them.
    """
    ordered, tosses = sorted(values), len(values)
    chances = itertools.accumulate(math.comb(tosses, k) / 2**tosses for k in range(tosses))
    beyond = max(sum(chance <= (1 - SURE_PERCENT / 100) / 2 for chance in chances) - 1, 0)
    bounds = statistics.median(ordered), ordered[beyond], ordered[-1 - beyond]
    middle, low, high = (round(value, 2) for value in bounds)
    return middle, low, high


def _calls(redis: RedisServer) -> Figures:
    """Microseconds of one call, in a task with a broker that takes what is sent."""
    app = Celery("calls", broker=redis.url(), set_as_current=False)
    figures: Figures = {}

    def body() -> None:
        numbers = range(CALLS)
        bare = _least(lambda: [None for _ in numbers])
        progress = Progress(total=CALLS)
        figures["update"] = 1e6 * (_least(lambda: [progress.update() for _ in numbers]) - bare)
        figures["set"] = 1e6 * _least(lambda: [progress.set(n) for n in numbers])
        progress.close()
        figures["track"] = 1e6 * (_least(lambda: [None for _ in track(numbers)]) - bare)

    task = app.task(body, name="calls", shared=False)
    request = {"id": "calls", "retries": 0, "hostname": "bench@here", "delivery_info": {}}
    build_tracer(task.name, task, app=app)("calls", (), {}, request=request)
    figures = {name: us / CALLS for name, us in figures.items()}
    figures["task that tells nothing"] = _begin_end_us(app, request)
    plain = _publishing_us(app)
    install(app)
    figures |= {"publish_off": plain, "publish_on": _publishing_us(app)}
    sender.flush()
    return {name: float(f"{us:.3g}") for name, us in figures.items()}


def _begin_end_us(app: Celery, request: dict[str, object]) -> float:
    """What Headway's noting of begin and end adds to a task that does nothing."""

    def nothing() -> None:
        """Do nothing."""

    task = app.task(nothing, name="nothing", shared=False)
    trace = build_tracer(task.name, task, app=app)

    def seconds(is_on: bool) -> float:
        overhead_tasks.follow(is_on)
        return _seconds(lambda: [trace("nothing", (), {}, request=request) for _ in range(TRACED)])

    turns = [(seconds(False), seconds(True)) for _ in range(5)]
    without, with_ = map(min, zip(*turns, strict=True))
    return 1e6 * (with_ - without) / TRACED


def _publishing_us(app: Celery) -> float:
    took = _least(lambda: [app.send_task("calls", ignore_result=True) for _ in range(PUBLISHED)])
    return 1e6 * took / PUBLISHED


def _least(work: Callable[[], object]) -> float:
    """Seconds it takes when nothing else is in the way."""
    return min(_seconds(work) for _ in range(5))


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _tell(blocks: int, worker: dict[str, dict[str, object]], calls: Figures) -> None:
    names = {
        "task_cpu_ms": "task, CPU ms",
        "runtime_ms": "task, runtime ms",
        "child_cpu_ms": "its process, CPU ms a task",
        "worker_cpu_ms": "worker, CPU ms a task",
        "tasks_per_second": "worker, tasks/s",
    }
    table(
        f"Tasks of 10 ms, {blocks} rounds of each kind; to reach: below {GOAL_PERCENT} % more"
        f" (percent, and the bounds within which it lies with {SURE_PERCENT} %)",
        ("", *MODES, *COMPARED),
        (
            (
                names[figure],
                *(told[mode] for mode in MODES),
                *("{:+} ({:+} to {:+})".format(*told[f"{name}_percent"]) for name in COMPARED),  # type: ignore[misc]
            )
            for figure, told in worker.items()
        ),
    )
    table(
        f"One call; to reach: below {GOAL_CALL_US} us between sends",
        ("", "us"),
        calls.items(),
    )
    goals = {"goal_percent": GOAL_PERCENT, "goal_call_us": GOAL_CALL_US}
    report("overhead", {**goals, "blocks": blocks, "worker": worker, "call_us": calls})


if __name__ == "__main__":
    main()
