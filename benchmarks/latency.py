"""From a worker's emit to the changed page in Chromium, by the event's own time stamp: idle, and
at 1,000 events a second with 100 sockets; beside celery-progress, which polls.

    python -m benchmarks.latency [--quick] [--shape serve|split]

Events go through Celery's own dispatcher and a private Redis. In the page a MutationObserver notes
when a task's row is there. `serve` is one process on SQLite; `split` a receiver and a web process
on PostgreSQL with Redis between them. For the peer one task tells its progress by celery-progress;
its own page polls every 500 ms, its default, and Headway shows the same task on a page beside it.
"""

import asyncio
import random
import subprocess
import tempfile
import threading
import time
import uuid
import venv
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self

from celery import Celery
from playwright.sync_api import BrowserContext, Page, ViewportSize

from benchmarks import harness
from benchmarks.soak import Traffic
from benchmarks.sockets import Crowd, Pressure, allow_many_files, percentile
from tests.acceptance.support import Site, one_process, open_list
from tests.faults.support import Cluster
from tests.services.browser import running_chromium
from tests.services.postgresql import running_postgresql
from tests.services.process import Process, free_port, wait_until
from tests.services.redis import RedisServer, running_redis

GOAL_IDLE_P50_MS = 50.0
GOAL_BUSY_P99_MS = 500.0
EVENTS_PER_S = 1_000
SOCKETS = 100
OPEN = '{"op":"open","view":1,"of":"tasks"}'
MANY = ("HEADWAY_MAX_SOCKETS_PER_USER", "HEADWAY_MAX_SOCKETS_PER_ADDRESS")
IDLE_S = 0.5
"""Between events of an idle page: longer than any tick."""
BUSY_S = 0.2
SETTLE_S = 2.0
WINDOW: ViewportSize = {"width": 1280, "height": 800}
PEER = ("celery-progress", "celery[redis]", "django")
PEER_PAUSE_S = 0.8
"""Between two progresses: longer than the peer's poll, which then misses none."""

NOTE_ROWS = """() => {
  window.seen = {};
  const list = document.querySelector("headway-task-list");
  const rows = list.querySelector("tbody").rows;
  const note = () => {
    const now = (performance.timeOrigin + performance.now()) / 1000;
    for (const row of rows) if (row.dataset.id) window.seen[row.dataset.id] ??= now;
  };
  note();
  new MutationObserver(note).observe(list, {childList: true, subtree: true, attributes: true,
    attributeFilter: ["data-id"]});
}"""
NOTE_STAMPS = r"""() => {
  window.late = [];
  const told = new Set();
  const note = () => {
    const now = (performance.timeOrigin + performance.now()) / 1000;
    for (const [, stamp] of document.body.textContent.matchAll(/@(\d+\.\d+);/g)) {
      if (told.has(stamp)) continue;
      told.add(stamp);
      window.late.push(now - Number(stamp));
    }
  };
  note();
  window.late.length = 0;
  new MutationObserver(note).observe(document.body,
    {childList: true, subtree: true, characterData: true, attributes: true});
}"""


class Figures(NamedTuple):
    """One situation; `missed` were pushed out of the list before the page drew them: later than the
    0.4 s for which a row is among the newest 100 of 250 a second, and in no percentile. `pressure`
    is the share of time in which something on the machine waited for a processor."""

    shape: str
    load: str
    samples: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    missed: int
    pressure: float | None = None


def figures(shape: str, load: str, late_s: Sequence[float], sent: int) -> Figures:
    """The figures of these delays."""
    parts = (percentile(late_s, percent) for percent in (50, 95, 99))
    times = [None if part is None else round(1000 * part, 1) for part in parts]
    return Figures(shape, load, len(late_s), *times, missed=sent - len(late_s))


class Probe:
    """Emits tasks as a worker does and asks the page when it showed them."""

    def __init__(self, app: Celery, page: Page) -> None:
        self._page = page
        self._connection = app.connection_for_write()
        self._dispatcher = app.events.Dispatcher(self._connection, hostname="celery@probe")
        page.evaluate(NOTE_ROWS)

    def run(self, shape: str, load: str, count: int, pause_s: float) -> Figures:
        """Emit so many, and wait for the last one."""
        sent: dict[str, float] = {}
        pressure = Pressure()
        for _ in range(count):
            self._page.wait_for_timeout(1000 * pause_s * random.uniform(0.8, 1.4))  # noqa: S311
            task_id = str(uuid.uuid4())
            sent[task_id] = time.time()
            self._dispatcher.send(
                "task-received", uuid=task_id, name="bench.probe", args="(1, 2)", kwargs="{}"
            )
        self._page.wait_for_timeout(1000 * SETTLE_S)
        seen = self._page.evaluate("ids => ids.map(id => window.seen[id] ?? null)", list(sent))
        late = [at - sent[i] for i, at in zip(sent, seen, strict=True) if at is not None]
        return figures(shape, load, late, count)._replace(pressure=pressure.share())

    def close(self) -> None:
        """Give up the connection."""
        self._connection.close()


class Others:
    """The sockets of other readers, on a thread of their own."""

    def __init__(self, site: Site) -> None:
        self._port = int(site.url.rpartition(":")[2])
        self._key = site.key
        self._is_open = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    def __enter__(self) -> Self:
        self._thread.start()
        self._is_open.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    async def _run(self) -> None:
        crowd = Crowd(self._port, "/ws/v1/live", headers=[f"Authorization: Bearer {self._key}"])
        await crowd.join(SOCKETS - 1, OPEN)
        self._is_open.set()
        await asyncio.to_thread(self._stopping.wait)
        await crowd.leave()


@contextmanager
def serve(redis: RedisServer, directory: Path) -> Iterator[Site]:
    """One process."""
    raised = ("--max-sockets-per-user", "1000", "--max-sockets-per-address", "1000")
    with one_process(directory, redis.url(), redis.url(), *raised) as (_, site):
        yield site


@contextmanager
def split(redis: RedisServer, directory: Path) -> Iterator[Site]:
    """A receiver and a web process."""
    with running_postgresql() as postgresql:
        cluster = Cluster(
            directory,
            database=postgresql.add_database(),
            broker=redis.url(),
            backend=redis.url(),
            layer=redis.url(),
        )
        for process in cluster.webs:
            process.env |= dict.fromkeys(MANY, "1000")
        with cluster.running():
            yield cluster.site


SHAPES: dict[str, Callable[[RedisServer, Path], Any]] = {"serve": serve, "split": split}


def measure(
    shape: str, redis: RedisServer, context: BrowserContext, site: Site, options: Any
) -> Iterator[Figures]:
    """Idle, then busy."""
    app = Celery("benchmark", broker=redis.url())
    page = open_list(context, site.url)
    page.set_viewport_size(WINDOW)
    probe = Probe(app, page)
    yield probe.run(shape, "idle", options.idle, IDLE_S)
    with Others(site), Traffic(app, EVENTS_PER_S) as traffic:
        page.wait_for_timeout(1000 * SETTLE_S)
        began, events = time.monotonic(), traffic.events
        busy = probe.run(shape, "busy", options.busy, BUSY_S)
        rate = (traffic.events - events) / (time.monotonic() - began)
    yield busy._replace(load=f"{rate:.0f} events/s, {SOCKETS} sockets")
    probe.close()
    page.close()


def peer_python() -> Path:
    """The interpreter of an environment that holds celery-progress, made once."""
    home = harness.CACHE / "celery-progress"
    python, ready = home / "bin" / "python", home / ".ready"
    if not ready.exists():
        harness.say(f"Installing {PEER[0]} into {home}")
        venv.create(home, with_pip=True, clear=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *PEER], check=True, capture_output=True)
        ready.touch()
    return python


def beside_polling(
    redis: RedisServer, context: BrowserContext, site: Site, directory: Path, steps: int
) -> Iterator[Figures]:
    """One task, two pages."""
    python, port = peer_python(), free_port()
    here = Path(__file__).parent
    env = {"BENCHMARK_REDIS": redis.url(), "PYTHONPATH": str(here)}
    command = [python, "-m", "celery", "-A", "polling_site", "worker", "-E", "-c", "1"]
    worker = Process(
        [*command, "-n", "polling@localhost", "--loglevel", "INFO"],
        log=directory / "peer.log",
        env=env,
        cwd=directory,
    )
    web = Process(
        [python, here / "polling_site.py", str(port)],
        log=directory / "peer-web.log",
        env=env,
        cwd=directory,
    )
    with worker, web, Celery("peer", broker=redis.url(), backend=redis.url()) as app:
        worker.wait_for_line(r"polling@localhost ready\.")
        task_id = app.send_task("benchmark.work", (steps, PEER_PAUSE_S)).id
        wait_until(lambda: site.has(f'id:"{task_id}" status:running'), 20, "the task to run")
        theirs, ours = context.new_page(), context.new_page()
        theirs.goto(f"http://127.0.0.1:{port}/page/{task_id}/")
        ours.goto(f"{site.url}/tasks/{task_id}/")
        for page in (theirs, ours):
            page.evaluate(NOTE_STAMPS)
        wait_until(lambda: is_over(ours, site, task_id), 120, "the task's end")
        for page, name in ((ours, "serve, task page"), (theirs, "celery-progress")):
            late = page.evaluate("() => window.late")
            yield figures(name, "one task's progress", late, max(len(late), steps - 2))


def is_over(page: Page, site: Site, task_id: str) -> bool:
    """Whether the task has ended; lets Playwright work meanwhile."""
    page.wait_for_timeout(500)
    return site.has(f'id:"{task_id}" status:completed')


def run(options: Any) -> list[Figures]:
    """Each shape, and the peer beside the first."""
    found = []
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        browser = stack.enter_context(running_chromium())
        for shape in options.shape:
            directory = home / shape
            directory.mkdir()
            with running_redis() as redis, SHAPES[shape](redis, directory) as site:
                context = browser.new_context()
                works = [measure(shape, redis, context, site, options)]
                if shape == "serve":
                    works.append(beside_polling(redis, context, site, directory, options.steps))
                for work in works:
                    for row in work:
                        harness.say(str(row))
                        found.append(row)
                context.close()
    return found


def line(row: Figures) -> tuple[object, ...]:
    """One line of the table."""
    return (*row[:-1], "" if row.pressure is None else f"{row.pressure:.0%}")


def summary(rows: Sequence[Figures]) -> dict[str, object]:
    """The figures for programs, by shape."""
    idle = {row.shape: row.p50_ms for row in rows if row.load == "idle"}
    busy = {row.shape: row.p99_ms for row in rows if row.load.endswith("sockets")}
    polled = next((row.p50_ms for row in rows if row.shape == PEER[0]), None)
    return {
        "idle_p50_ms": idle,
        "busy_p99_ms": busy,
        "celery_progress_p50_ms": polled,
        "goals": {"idle_p50_ms": GOAL_IDLE_P50_MS, "busy_p99_ms": GOAL_BUSY_P99_MS},
    }


def main() -> None:
    """Print the table, and the figures as JSON in the last line."""
    parser = harness.options(__doc__.partition("\n\n")[0])
    parser.add_argument("--shape", choices=SHAPES, action="append", help="default: both")
    options = parser.parse_args()
    options.shape = options.shape or list(SHAPES)
    options.idle, options.busy, options.steps = (4, 8, 4) if options.quick else (40, 150, 40)
    allow_many_files()
    rows = run(options)
    head = ("", "load", "samples", "p50 ms", "p95 ms", "p99 ms", "missed", "pressure")
    harness.table("From emit to changed page", head, map(line, rows))
    harness.report("latency", {**summary(rows), "rows": [row._asdict() for row in rows]})


if __name__ == "__main__":
    main()
