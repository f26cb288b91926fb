"""What Headway costs those it watches: a task's runtime and a worker's CPU and throughput, with
progress and plugin on and off, in turns; then what one call costs.

Tasks work for 10 ms of CPU in 100 steps and tell each of them. The worker is prefork with events
on, on a private Redis, and one process. Both workers run all the time and get their tasks in turns.
"""

import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Self

from celery import Celery
from celery.app.trace import build_tracer

from benchmarks import overhead_tasks
from benchmarks.harness import family_cpu_s, median, options, report, say, table
from benchmarks.overhead_tasks import STEP_S
from realtime.worker import Progress, install, track
from tests.services.process import private_directory, wait_until
from tests.services.redis import RedisServer, running_redis
from tests.services.worker import CeleryWorker

TASKS = 100
"""A round, short enough that what else the machine does is the same for both."""
ROUNDS, QUICK_ROUNDS = 40, 8
WARM_UP = 20
GOAL_PERCENT = 2.0
GOAL_CALL_US = 2.0
CALLS = 200_000
PUBLISHED = 300

Figures = dict[str, float]


class Times(NamedTuple):
    """Seconds by the monotonic clock, and of CPU."""

    began: float
    ended: float
    spent: float


def main() -> None:
    given = options(__doc__.partition("\n\n")[0]).parse_args()
    with running_redis() as redis, private_directory("overhead") as directory:
        runs: dict[str, list[Figures]] = defaultdict(list)
        length = _step_length()
        on = _Worker("on", redis, directory, length)
        off = _Worker("off", redis, directory, length)
        with on, off:
            for worker in (on, off):
                worker.run(WARM_UP)
            for round_ in range(QUICK_ROUNDS if given.quick else ROUNDS):
                say(f"round {round_ + 1}")
                turns = [("off", off, False), ("plugin", on, False), ("on", on, True)]
                for name, worker, tells in turns if round_ % 2 else reversed(turns):
                    runs[name].append(worker.run(TASKS, tells=tells))
        compared = _compared(runs)
        calls = _calls(redis)
    _tell(compared, calls)


class _Worker:
    """A worker with Headway or without, and the times of its tasks."""

    def __init__(self, name: str, redis: RedisServer, directory: Path, length: int) -> None:
        self._name = name
        self._redis = redis
        self._times = directory / name
        self._times.mkdir()
        self._seen = 0
        self._process = CeleryWorker(
            directory,
            broker=redis.url(),
            app="benchmarks.overhead_tasks:app",
            concurrency=1,
            queues=[name],
            env={
                "BENCHMARK_HEADWAY": str(int(name == "on")),
                "BENCHMARK_STEP": str(length),
                "BENCHMARK_TIMES": str(self._times),
            },
        )

    def __enter__(self) -> Self:
        self._process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stop()

    def run(self, tasks: int, *, tells: bool = False) -> Figures:
        """Work off so many tasks; what they took."""
        used = family_cpu_s(self._process.pid)
        _publish(self._redis, self._name, tasks, tells)
        told = wait_until(lambda: self._told(tasks), 60)
        used = family_cpu_s(self._process.pid) - used
        took = max(ended for _, ended, _ in told) - min(began for began, _, _ in told)
        return {
            "task_cpu_ms": 1e3 * statistics.median(spent for _, _, spent in told),
            "runtime_ms": 1e3 * statistics.median(ended - began for began, ended, _ in told),
            "worker_cpu_ms": 1e3 * used / tasks,
            "tasks_per_second": tasks / took,
        }

    def _told(self, tasks: int) -> list[Times] | None:
        lines = [
            line
            for path in self._times.iterdir()
            for line in path.read_text().rpartition("\n")[0].splitlines()
        ]
        if len(lines) < self._seen + tasks:
            return None
        new, self._seen = lines[self._seen :], len(lines)
        return [Times(*map(float, line.split())) for line in new]


def _step_length() -> int:
    """How long a loop takes 0.1 ms of CPU on this machine."""
    began = time.thread_time()
    overhead_tasks.step(1_000_000)
    return int(1_000_000 * STEP_S / (time.thread_time() - began))


def _publish(redis: RedisServer, queue: str, tasks: int, tells: bool) -> None:
    app = overhead_tasks.app
    app.conf.broker_url = redis.url()
    with app.connection_for_write() as link, app.amqp.Producer(link) as producer:
        for _ in range(tasks):
            overhead_tasks.work.apply_async((tells,), producer=producer, queue=queue)


def _compared(runs: dict[str, list[Figures]]) -> dict[str, Figures]:
    """Medians, and by how much each round's `on` differed from what ran beside it.

    Two processes of one program differ by some percent in how fast the same loop runs, for as long
    as they live: `progress_percent` compares within one process, `all_percent` two processes.
    """
    compared = {}
    for figure in runs["on"][0]:
        on = [run[figure] for run in runs["on"]]
        off = [run[figure] for run in runs["off"]]
        plugin = [run[figure] for run in runs["plugin"]]
        compared[figure] = {
            "off": median(off),
            "plugin": median(plugin),
            "on": median(on),
            "progress_percent": _change(on, plugin),
            "all_percent": _change(on, off),
        }
    return compared


def _change(one: list[float], other: list[float]) -> float:
    changes = [100 * (new / old - 1) for new, old in zip(one, other, strict=True)]
    return round(statistics.median(changes), 2)


def _calls(redis: RedisServer) -> Figures:
    """Microseconds of one call, in a task with a broker that takes what is sent."""
    app = Celery("calls", broker=redis.url(), set_as_current=False)
    figures: Figures = {}

    def body() -> None:
        numbers = range(CALLS)
        bare = _seconds(lambda: [None for _ in numbers])
        progress = Progress(total=CALLS)
        figures["update"] = 1e6 * (_seconds(lambda: [progress.update() for _ in numbers]) - bare)
        figures["set"] = 1e6 * _seconds(lambda: [progress.set(n) for n in numbers])
        progress.close()
        figures["track"] = 1e6 * (_seconds(lambda: [None for _ in track(numbers)]) - bare)

    task = app.task(body, name="calls", shared=False)
    request = {"id": "calls", "retries": 0, "hostname": "bench@here", "delivery_info": {}}
    build_tracer(task.name, task, app=app)("calls", (), {}, request=request)
    plain = _publishing_us(app)
    install(app)
    figures = {name: us / CALLS for name, us in figures.items()}
    figures |= {"publish_off": plain, "publish_on": _publishing_us(app)}
    return {name: float(f"{us:.3g}") for name, us in figures.items()}


def _publishing_us(app: Celery) -> float:
    took = _seconds(lambda: [app.send_task("calls", ignore_result=True) for _ in range(PUBLISHED)])
    return 1e6 * took / PUBLISHED


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _tell(worker: dict[str, Figures], calls: Figures) -> None:
    names = {
        "task_cpu_ms": "task, CPU ms",
        "runtime_ms": "task, runtime ms",
        "worker_cpu_ms": "worker, CPU ms a task",
        "tasks_per_second": "worker, tasks/s",
    }
    table(
        f"Tasks of 10 ms; to reach: below {GOAL_PERCENT} % more",
        ("", "off", "plugin", "both", "progress %", "all %"),
        ((names[figure], *told.values()) for figure, told in worker.items()),
    )
    table(
        f"One call; to reach: below {GOAL_CALL_US} us between sends",
        ("", "us"),
        calls.items(),
    )
    goals = {"goal_percent": GOAL_PERCENT, "goal_call_us": GOAL_CALL_US}
    report("overhead", {**goals, "worker": worker, "call_us": calls})


if __name__ == "__main__":
    main()
