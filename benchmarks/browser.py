"""Does a tab stay answerable while 1,000 events a second come into the list that it shows?

    python -m benchmarks.browser [--quick]

One `headway serve` on SQLite holds 100,000 tasks; events of new ones come through Celery's own
dispatcher and a private Redis, and Chromium shows the newest. Meanwhile the badge in the top bar is
clicked twice a second. Each click tells when its handler ran and when the answer was painted, by
its own time stamp. Memory and nodes are read after a garbage collection, at the beginning and at
the end.
"""

import random
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from celery import Celery
from playwright.sync_api import Browser, CDPSession, Page

from benchmarks import harness
from benchmarks.soak import Traffic
from benchmarks.sockets import Pressure, percentile
from tests.acceptance.support import Site, one_process, open_list
from tests.services.browser import running_chromium
from tests.services.process import wait_until
from tests.services.redis import running_redis

GOAL_CLICK_MS = 100.0
FLAT_HEAP_MB = 1.0
FLAT_NODES = 100
"""About two rows' worth: how many rows show a bar or a note changes from second to second."""
EVENTS_PER_S = 1_000
STORE_PER_S = 4_000
"""Tasks put into the store beforehand; each is two events, and Redis keeps none for who is late."""
WARM_UP_S = 5.0
"""Until every row of the list has been replaced, and code is compiled."""
CLICK_S = 0.5
BADGE = "headway-badge summary"

NOTE_CLICKS = """() => {
  window.clicks = [];
  window.tasks = [];
  document.addEventListener("click", (event) => {
    const handled = performance.now() - event.timeStamp;
    requestAnimationFrame(() => setTimeout(() => {
      window.clicks.push([handled, performance.now() - event.timeStamp]);
    }));
  }, {capture: true});
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.tasks.push(entry.duration);
  }).observe({type: "longtask"});
}"""
FORGET = "() => { window.clicks.length = window.tasks.length = 0; }"


class State(NamedTuple):
    """What a tab holds, after a garbage collection."""

    heap_mb: float
    nodes: int
    """Of all its documents, those included that nothing shows."""
    listeners: int
    rows: int
    """Of the list, with DOM."""


class Tab:
    """The page under load, and what Chromium tells of it."""

    def __init__(self, browser: Browser, site: Site) -> None:
        context = browser.new_context()
        self.page: Page = open_list(context, site.url)
        self.page.set_viewport_size({"width": 1280, "height": 800})
        self.page.evaluate(NOTE_CLICKS)
        self._cdp: CDPSession = context.new_cdp_session(self.page)
        self._browser = browser.new_browser_cdp_session()
        self._cdp.send("Performance.enable")

    def state(self) -> State:
        """Its memory and its nodes now."""
        self._cdp.send("HeapProfiler.collectGarbage")
        told = self._cdp.send("Performance.getMetrics")["metrics"]
        values = {metric["name"]: metric["value"] for metric in told}
        rows = self.page.locator("headway-task-list tbody tr[data-id]").count()
        heap_mb = round(values["JSHeapUsedSize"] / 1e6, 2)
        return State(heap_mb, int(values["Nodes"]), int(values["JSEventListeners"]), rows)

    def cpu_s(self) -> float:
        """Seconds of CPU that the busiest renderer has used, all threads."""
        told = self._browser.send("SystemInfo.getProcessInfo")["processInfo"]
        return max(float(one["cpuTime"]) for one in told if one["type"] == "renderer")

    def click_for(self, seconds: float) -> None:
        """Open and close the badge's popover, as a person might, for so long."""
        self.page.evaluate(FORGET)
        box = self.page.locator(BADGE).bounding_box()
        if box is None:
            raise RuntimeError("The page shows no badge to click.")
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
            self.page.wait_for_timeout(1000 * CLICK_S * random.uniform(0.8, 1.2))  # noqa: S311

    def clicks_ms(self) -> tuple[list[float], list[float]]:
        """Until the handler of each click ran, and until its answer was painted."""
        clicks: list[tuple[float, float]] = self.page.evaluate("() => window.clicks")
        return [handled for handled, _ in clicks], [painted for _, painted in clicks]

    def long_tasks_ms(self) -> list[float]:
        """What held the main thread for more than 50 ms (w3.org/TR/longtasks)."""
        return list(self.page.evaluate("() => window.tasks"))


def fill_store(app: Celery, site: Site, count: int) -> None:
    """Let so many tasks have been."""
    last = ""
    with app.connection_for_write() as connection:
        worker = app.events.Dispatcher(
            connection, hostname="celery@before", buffer_group=frozenset({"task"})
        )
        began = time.monotonic()
        for number in range(count):
            last = str(uuid.uuid4())
            told = {"name": "shop.before", "args": f"({number},)", "kwargs": "{}"}
            worker.send("task-received", uuid=last, **told)
            worker.send("task-succeeded", uuid=last, result="None", runtime=0.1)
            if number % 100 == 0:
                time.sleep(max(0.0, began + number / STORE_PER_S - time.monotonic()))
        worker.flush()
    wait_until(lambda: site.has(f'id:"{last}" status:completed'), 60, "the tasks to be stored")


@contextmanager
def site_with(tasks: int) -> Iterator[tuple[Celery, Site]]:
    """A dashboard with so many tasks, and the Celery application it hears."""
    with (
        tempfile.TemporaryDirectory() as name,
        running_redis() as redis,
        one_process(Path(name), redis.url(), redis.url()) as (_, site),
    ):
        app = Celery("benchmark", broker=redis.url())
        harness.say(f"Storing {tasks:,} tasks")
        fill_store(app, site, tasks)
        yield app, site


def measure(tab: Tab, app: Celery, seconds: float) -> dict[str, Any]:
    """The figures of a tab under load."""
    with Traffic(app, EVENTS_PER_S) as traffic:
        tab.click_for(WARM_UP_S)
        before, cpu_s, pressure = tab.state(), tab.cpu_s(), Pressure()
        began, events = time.monotonic(), traffic.events
        tab.click_for(seconds)
        took = time.monotonic() - began
        rate, cores = (traffic.events - events) / took, (tab.cpu_s() - cpu_s) / took
        share = pressure.share()
        after = tab.state()
    handled, painted = tab.clicks_ms()
    long_ms = tab.long_tasks_ms()
    return {
        "events_per_s": round(rate),
        "seconds": round(took, 1),
        "clicks": len(handled),
        "click_ms": [round(percentile(handled, of) or 0, 1) for of in (50, 99)],
        "painted_ms": [round(percentile(painted, of) or 0, 1) for of in (50, 99)],
        "long_tasks": len(long_ms),
        "longest_task_ms": round(max(long_ms, default=0)),
        "renderer_cores": round(cores, 2),
        "before": before._asdict(),
        "after": after._asdict(),
        "pressure": None if share is None else round(share, 2),
    }


def run(options: Any) -> dict[str, Any]:
    """The figures of one run."""
    with site_with(options.tasks) as (app, site), running_chromium() as browser:
        tab = Tab(browser, site)
        harness.say(f"Streaming for {options.seconds:.0f} s")
        found = measure(tab, app, options.seconds)
    grown = {name: found["after"][name] - found["before"][name] for name in State._fields}
    goals = {
        "click_p99_ms": found["click_ms"][1] < GOAL_CLICK_MS,
        "heap_flat": grown["heap_mb"] < FLAT_HEAP_MB,
        "nodes_constant": abs(grown["nodes"]) < FLAT_NODES,
    }
    return {"tasks": options.tasks, **found, "goals": goals}


def lines(found: dict[str, Any]) -> list[tuple[object, ...]]:
    """The table."""
    before, after = State(**found["before"]), State(**found["after"])
    longest = found["longest_task_ms"] or "under 50"
    return [
        ("a click's handler ran after, p50 and p99, ms", *found["click_ms"]),
        ("its answer was painted after, p50 and p99, ms", *found["painted_ms"]),
        ("longest task, ms, and tasks above 50 ms", longest, found["long_tasks"]),
        ("heap after a collection, MB", before.heap_mb, after.heap_mb),
        ("nodes", before.nodes, after.nodes),
        ("event listeners", before.listeners, after.listeners),
        ("rows with DOM", before.rows, after.rows),
        ("renderer, cores", "", found["renderer_cores"]),
    ]


def main() -> None:
    """Print the table, and the figures as JSON in the last line."""
    parser = harness.options(__doc__.partition("\n\n")[0])
    options = parser.parse_args()
    options.tasks, options.seconds = (8_000, 15.0) if options.quick else (100_000, 60.0)
    found = run(options)
    title = f"A list under {found['events_per_s']} events/s, {found['clicks']} clicks"
    head = (f"{found['tasks']:,} tasks, {found['seconds']} s", "at first", "at last")
    harness.table(title, head, lines(found))
    harness.report("browser", found)


if __name__ == "__main__":
    main()
