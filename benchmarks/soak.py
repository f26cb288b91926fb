"""Half an hour of a working day: does anything grow?

    python -m benchmarks.soak [--minutes 30] [--rate 500] [--sockets 30]

Four workers' events, published by Celery's own dispatcher through a private Redis; a receiver and
a web process on a private PostgreSQL, as docker-compose.yml runs them; sockets that come and go all
the time. Each second notes memory and file handles of both and the lag of the stream. At the end
every task must be stored as it ended.
"""

import asyncio
import heapq
import itertools
import json
import os
import random
import statistics
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self

from celery import Celery

from benchmarks.harness import options, report, resident_mb, say, table
from benchmarks.plot import Panel, svg
from benchmarks.sockets import Crowd, percentile
from tests.acceptance.support import Site
from tests.faults.support import Cluster
from tests.services.postgresql import running_postgresql
from tests.services.process import NotReady, wait_until
from tests.services.redis import RedisServer, running_redis

PLOT = Path(__file__).parents[1] / "docs" / "images" / "soak.svg"
WORKERS = 4
EVENTS_A_TASK = 4
"""Received, started, one progress, and an end."""
HEARTBEAT_S = 2.0
TICK_S = 0.02
LONGEST_S = 3.0
"""Of one task."""
LEAVE_A_SECOND = 2
WARM_UP = 1 / 3
"""Of the run; what is compared is what comes after."""
FLAT_MB = 8.0
"""Between the first and the last tenth after the warm-up: an allocator's noise on both processes
stays below, and a leak of 10 bytes an event would not."""
FLAT_HANDLES = 5
QUERIES = ("", "status:running", "conclusion:failed", "name:shop.*", "queue:mail", "since:1m")


class Sample(NamedTuple):
    """What one second looked like."""

    at_s: float
    receiver_mb: float
    web_mb: float
    receiver_handles: int
    web_handles: int
    lag_ms: float
    events: int


class Traffic:
    """Events of tasks that run for up to three seconds, at a steady rate, from its own thread."""

    def __init__(self, app: Celery, rate: float) -> None:
        self.events = 0
        self.begun = 0
        self.failed = 0
        self._app = app
        self._tasks_per_s = rate / EVENTS_A_TASK
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._random = random.Random(3)  # noqa: S311 - a day's traffic, not a secret
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(60)

    def _run(self) -> None:
        with self._app.connection_for_write() as connection:
            dispatchers = [
                self._app.events.Dispatcher(
                    connection, hostname=f"celery@soak-{n}", buffer_group=frozenset({"task"})
                )
                for n in range(WORKERS)
            ]
            began = time.monotonic()
            for dispatcher in dispatchers:
                self._beat(dispatcher, began)
            while not self._stopping.wait(TICK_S):
                now = time.monotonic()
                while self.begun < (now - began) * self._tasks_per_s:
                    self._begin(dispatchers[self.begun % WORKERS], now)
                self._work(now, dispatchers)
            # What has begun shall end, or nobody could tell a lost task from an open one.
            self._work(float("inf"), dispatchers, is_last=True)

    def _work(self, now: float, dispatchers: Sequence[Any], *, is_last: bool = False) -> None:
        while self._due and self._due[0][0] <= now:
            _, _, send = heapq.heappop(self._due)
            if not (is_last and getattr(send, "is_beat", False)):
                send()
        for dispatcher in dispatchers:
            dispatcher.flush()

    def _begin(self, worker: Any, now: float) -> None:
        self.begun += 1
        number, task_id = self.begun, str(uuid.uuid4())
        runtime = self._random.uniform(0.1, LONGEST_S)
        name = f"shop.{self._random.choice(('pay', 'ship', 'mail', 'resize'))}"
        told = {"name": name, "queue": name.removeprefix("shop."), "retries": 0}
        told |= {"root_id": task_id, "parent_id": None, "eta": None, "expires": None}
        told |= {"args": f"({number},)", "kwargs": repr({"customer": f"customer-{number % 997}"})}
        steps = {"current": 5, "total": 10, "message": f"half of {number}"}
        if number % 25 == 0:
            self.failed += 1
            trace = f"Traceback (most recent call last):\nValueError: declined {number}"
            end = ("task-failed", {"exception": "ValueError('declined')", "traceback": trace})
        else:
            end = ("task-succeeded", {"result": repr({"order": number}), "runtime": runtime})
        self._tell(worker, task_id, now, "task-received", told)
        self._tell(worker, task_id, now + 0.05, "task-started", {})
        self._tell(worker, task_id, now + 0.05 + runtime / 2, "task-progress", steps)
        self._tell(worker, task_id, now + 0.05 + runtime, *end)

    def _tell(self, worker: Any, task_id: str, at: float, kind: str, fields: Any) -> None:
        def send() -> None:
            worker.send(kind, uuid=task_id, **fields)
            self.events += 1

        self._push(at, send)

    def _beat(self, worker: Any, at: float) -> None:
        def send() -> None:
            worker.send("worker-heartbeat", freq=HEARTBEAT_S, active=8, processed=self.begun)
            self._beat(worker, at + HEARTBEAT_S)

        send.is_beat = True  # type: ignore[attr-defined]
        self._push(at, send)

    def _push(self, at: float, send: Callable[[], None]) -> None:
        heapq.heappush(self._due, (at, next(self._order), send))


async def watched(cluster: Cluster, traffic: Traffic, seconds: float, sockets: int) -> list[Sample]:
    """One sample a second, while sockets come and go."""
    path, key = "/ws/v1/live", f"Authorization: Bearer {cluster.site.key}"
    crowd = Crowd(cluster.webs[0].port, path, headers=[key])
    say(f"{sockets} sockets, {seconds / 60:.1f} minutes")
    await crowd.join(sockets, opening(0))
    samples: list[Sample] = []
    began = time.monotonic()
    for number in itertools.count(1):
        await asyncio.sleep(max(0.0, began + number - time.monotonic()))
        for gone in crowd.clients[:LEAVE_A_SECOND]:
            gone.end()
        del crowd.clients[:LEAVE_A_SECOND]
        await crowd.join(LEAVE_A_SECOND, opening(number), opening(number + 1, view=2))
        at_s = time.monotonic() - began
        samples.append(await asyncio.to_thread(sample, cluster, traffic, at_s))
        if number % 30 == 0:
            say(f"{at_s:5.0f} s  {traffic.events} events  {samples[-1]}")
        if at_s >= seconds:
            break
    await crowd.leave()
    return samples


def opening(number: int, view: int = 1) -> str:
    """The frame that opens a view; each in turn asks for something else."""
    asked = {"op": "open", "view": view, "of": "tasks", "query": QUERIES[number % len(QUERIES)]}
    return json.dumps(asked)


def sample(cluster: Cluster, traffic: Traffic, at_s: float) -> Sample:
    """What this second looks like."""
    receiver, web = cluster.receivers[0].pid, cluster.webs[0].pid
    lag_ms = cluster.site.get("stream")["lag_ms"]
    return Sample(
        at_s=at_s,
        receiver_mb=resident_mb(receiver),
        web_mb=resident_mb(web),
        receiver_handles=handles(receiver),
        web_handles=handles(web),
        lag_ms=float("nan") if lag_ms is None else float(lag_ms),
        events=traffic.events,
    )


def handles(pid: int) -> int:
    """How many files, sockets and pipes a process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - numbers, not paths


def grown(values: Sequence[float]) -> float:
    """The last tenth after the warm-up less the first, by their medians."""
    steady = values[int(len(values) * WARM_UP) :]
    tenth = max(1, len(steady) // 10)
    return statistics.median(steady[-tenth:]) - statistics.median(steady[:tenth])


def stored(site: Site) -> dict[str, int]:
    """How many tasks are stored under which conclusion, once none is open any more."""
    try:
        wait_until(lambda: not site.has("-status:completed"), 60, "all tasks to end")
    except NotReady as late:
        say(str(late))
    found = {"succeeded": 0, "failed": 0, "other": 0}
    for row in site.tasks().values():
        name = row["conclusion"]
        found[name if name in found else "other"] += 1
    return found


@contextmanager
def cluster_on(redis: RedisServer, directory: Path) -> Iterator[Cluster]:
    """A receiver and a web process on PostgreSQL."""
    with running_postgresql() as postgresql:
        cluster = Cluster(
            directory,
            database=postgresql.add_database(),
            broker=redis.url(),
            backend=redis.url(1),
            layer=redis.url(2),
        )
        for process in (*cluster.receivers, *cluster.webs):
            process.env["HEADWAY_CHANNEL_LAYER_URL"] = redis.url(2)
        with cluster.running():
            yield cluster


def plot(samples: Sequence[Sample]) -> str:
    """The run as a picture."""
    minutes = [each.at_s / 60 for each in samples]
    panels = [
        Panel(
            "Resident memory, MB",
            {
                "receiver": [each.receiver_mb for each in samples],
                "web": [each.web_mb for each in samples],
            },
        ),
        Panel(
            "Open files",
            {
                "receiver": [each.receiver_handles for each in samples],
                "web": [each.web_handles for each in samples],
            },
        ),
        Panel("Lag, ms", {"lag": [each.lag_ms for each in samples]}),
    ]
    return svg(panels, minutes, "minutes")


def main() -> int:
    """Run it; 1 where something was lost or grew."""
    parser = options(__doc__ or "")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rate", type=float, default=500.0, help="events a second")
    parser.add_argument("--sockets", type=int, default=30)
    asked = parser.parse_args()
    seconds = 40.0 if asked.quick else asked.minutes * 60
    with (
        tempfile.TemporaryDirectory() as home,
        running_redis() as redis,
        cluster_on(redis, Path(home)) as cluster,
    ):
        with Traffic(Celery("soak", broker=redis.url()), asked.rate) as traffic:
            samples = asyncio.run(watched(cluster, traffic, seconds, asked.sockets))
        counts = stored(cluster.site)
        counters = cluster.site.get("stream")["counters"]
    if not asked.quick:
        PLOT.write_text(plot(samples))
    is_fine = told(samples, traffic, counts, counters)
    # Forty seconds are all warm-up.
    return 0 if is_fine or asked.quick else 1


def told(
    samples: Sequence[Sample], traffic: Traffic, counts: dict[str, int], counters: Any
) -> bool:
    """Print what was measured; whether nothing was lost and nothing grew."""
    columns = list(zip(*samples, strict=True))
    names = ("receiver_mb", "web_mb", "receiver_handles", "web_handles", "lag_ms")
    rows, growth = [], {}
    for name, values in zip(names, columns[1:], strict=False):
        growth[name] = round(grown(values), 1)
        rows.append((name, *(f"{of(values):.0f}" for of in (min, statistics.median, max))))
        rows[-1] += (f"{growth[name]:+.1f}",)
    table(
        f"Soak, {samples[-1].at_s / 60:.1f} minutes",
        ("", "least", "median", "most", "growth"),
        rows,
    )
    seconds = samples[-1].at_s
    lost = traffic.begun - counts["succeeded"] - counts["failed"]
    wrong = abs(counts["failed"] - traffic.failed)
    is_flat = all(
        growth[name] <= (FLAT_MB if name.endswith("_mb") else FLAT_HANDLES) for name in names[:4]
    )
    report(
        "soak",
        {
            "minutes": round(seconds / 60, 1),
            "events_per_second": round(samples[-1].events / seconds, 1),
            "tasks": traffic.begun,
            "lost": lost,
            "wrong": wrong,
            "lag_ms_p50": percentile(columns[5], 50),
            "lag_ms_p99": percentile(columns[5], 99),
            "median": {n: statistics.median(v) for n, v in zip(names, columns[1:], strict=False)},
            "growth": growth,
            "is_flat": is_flat,
            "counters": counters,
        },
    )
    return is_flat and not lost and not wrong


if __name__ == "__main__":
    sys.exit(main())
