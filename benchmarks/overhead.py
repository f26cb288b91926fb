"""What Headway costs those it watches: a task's runtime and a worker's CPU and throughput, with
progress and plugin on and off, in turns; then what one call costs.

Tasks work for 10 ms of CPU in 100 steps and tell each of them. The worker is prefork with events
on, on a private Redis, and one process: a second one would wait for the benchmark itself.
"""

import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from celery import Celery
from celery.app.trace import build_tracer

from benchmarks import overhead_tasks
from benchmarks.harness import family_cpu_s, median, options, report, say, table
from benchmarks.overhead_tasks import STEP_S
from realtime.worker import Progress, install, track
from tests.services.process import private_directory, wait_until
from tests.services.redis import RedisServer, running_redis
from tests.services.worker import CeleryWorker

TASKS, QUICK_TASKS = 1000, 250
ROUNDS, QUICK_ROUNDS = 7, 3
GOAL_PERCENT = 2.0
GOAL_CALL_US = 2.0
CALLS = 200_000
PUBLISHED = 300

Figures = dict[str, float]


def main() -> None:
    given = options(__doc__.partition("\n\n")[0]).parse_args()
    with running_redis() as redis, private_directory("overhead") as directory:
        rounds = QUICK_ROUNDS if given.quick else ROUNDS
        tasks = QUICK_TASKS if given.quick else TASKS
        length = _step_length()
        runs: dict[str, list[Figures]] = defaultdict(list)
        for round_ in range(rounds):
            # Whoever comes second finds a machine that the first has warmed.
            for name in ("off", "on") if round_ % 2 else ("on", "off"):
                say(f"round {round_ + 1}: {name}")
                runs[name].append(_run(redis, directory, name == "on", tasks, length))
        worker = _compared(runs)
        calls = _calls(redis)
    _told(worker, calls)


def _step_length() -> int:
    """How long a loop takes 0.1 ms of CPU on this machine."""
    began = time.thread_time()
    overhead_tasks.step(1_000_000)
    return int(1_000_000 * STEP_S / (time.thread_time() - began))


def _run(redis: RedisServer, directory: Path, is_on: bool, tasks: int, length: int) -> Figures:
    redis.reset()
    with tempfile.TemporaryDirectory(dir=directory) as times:
        env = {
            "BENCHMARK_HEADWAY": str(int(is_on)),
            "BENCHMARK_STEP": str(length),
            "BENCHMARK_TIMES": times,
        }
        app = "benchmarks.overhead_tasks:app"
        with CeleryWorker(directory, broker=redis.url(), app=app, concurrency=1, env=env) as worker:
            _publish(redis, 20)
            wait_until(lambda: len(_times(times)) == 20, 30)
            used = family_cpu_s(worker.pid)
            _publish(redis, tasks)
            wait_until(lambda: len(_times(times)) == 20 + tasks, 120)
            used = family_cpu_s(worker.pid) - used
        told = sorted(_times(times))[20:]
    took = max(ended for _, ended, _ in told) - told[0][0]
    return {
        "task_cpu_ms": 1e3 * statistics.median(spent for _, _, spent in told),
        "runtime_ms": 1e3 * statistics.median(ended - began for began, ended, _ in told),
        "worker_cpu_ms": 1e3 * used / tasks,
        "tasks_per_second": tasks / took,
    }


def _publish(redis: RedisServer, tasks: int) -> None:
    overhead_tasks.app.conf.broker_url = redis.url()
    with overhead_tasks.app.connection_for_write() as connection:
        with overhead_tasks.app.amqp.Producer(connection) as producer:
            for _ in range(tasks):
                overhead_tasks.work.apply_async(producer=producer)


def _times(directory: str) -> list[tuple[float, float, float]]:
    told = []
    for path in Path(directory).iterdir():
        lines = path.read_text().rpartition("\n")[0].splitlines()
        told += [tuple(map(float, line.split())) for line in lines]
    return told  # type: ignore[return-value]


def _compared(runs: dict[str, list[Figures]]) -> dict[str, Figures]:
    """Medians, and by how much each round's `on` differed from the `off` beside it."""
    compared = {}
    for figure in runs["on"][0]:
        on = [run[figure] for run in runs["on"]]
        off = [run[figure] for run in runs["off"]]
        changes = [100 * (one / other - 1) for one, other in zip(on, off, strict=True)]
        compared[figure] = {
            "off": median(off),
            "on": median(on),
            "change_percent": round(statistics.median(changes), 2),
        }
    return compared


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


def _told(worker: dict[str, Figures], calls: Figures) -> None:
    names = {
        "task_cpu_ms": "task, CPU ms",
        "runtime_ms": "task, runtime ms",
        "worker_cpu_ms": "worker, CPU ms a task",
        "tasks_per_second": "worker, tasks/s",
    }
    table(
        f"Tasks of 10 ms; to reach: below {GOAL_PERCENT} % more",
        ("", "off", "on", "change %"),
        (
            (names[figure], told["off"], told["on"], told["change_percent"])
            for figure, told in worker.items()
        ),
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
