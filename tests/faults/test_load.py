"""A thousand open pages, slow ones among them; all of them back at once; a flood of tasks."""

import asyncio
import json
import statistics
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from celery import Celery
from kombu import Producer

from benchmarks.harness import resident_mb
from benchmarks.sockets import Client, Crowd, allow_many_files, percentile
from realtime.codec import decode
from realtime.testing import Raw, task_progress, task_received, task_started, task_succeeded
from tests.acceptance.support import Row, ask
from tests.faults.support import Cluster, connected, tell
from tests.services.headway import HeadwayWeb
from tests.services.process import wait_until
from tests.services.redis import RedisServer

pytestmark = [pytest.mark.faults, pytest.mark.timeout(400)]

Capture = pytest.CaptureFixture[str]

SOCKETS = 1_000
SLOW = SOCKETS // 10
SLOW_BYTES_PER_S = 1_024
LIVE = "/ws/v1/live"
COUNTING = (sys.executable, "-m", "tests.faults.counting")
MANY = {
    "HEADWAY_MAX_SOCKETS_PER_USER": str(2 * SOCKETS),
    "HEADWAY_MAX_SOCKETS_PER_ADDRESS": str(2 * SOCKETS),
}
GROWTH_MB = 60.0
"""Of the web process while a tenth does not keep up: 64 KB of credit each are 6 MB; the rest is
what an allocator keeps."""
FLOOD = 50_000
FLOOD_S = 10.0
IN_A_MESSAGE = 24
"""Events that a busy worker's dispatcher sends together, at the most."""


class Page(Client):
    """Keeps its rows as a page does."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.rows: dict[str, Row] = {}
        self.revision = 0
        self.is_filled = False
        self.ops: list[str] = []

    def hear(self, data: bytes) -> None:
        frame = decode(data)
        if frame["op"] == "snapshot" and frame["part"] == 1:
            self.rows = {}
        for row in frame.get("rows") or frame.get("upsert") or ():
            self.rows[row["id"]] = row["revision"]
        for key in frame.get("remove") or ():
            self.rows.pop(key, None)
        if frame["op"] in ("snapshot", "patch"):
            self.revision = max(self.revision, frame["revision"])
            self.is_filled |= frame.get("part") == frame.get("of")
        elif frame["op"] in ("error", "bye"):
            self.ops.append(data.decode())
        super().hear(data)


class Emitter:
    """Sends events as workers do, many in a message."""

    def __init__(self, app: Celery) -> None:
        self._connection = app.connection_for_write()
        exchange = app.events.Dispatcher(self._connection, enabled=False).exchange
        self._producer = Producer(self._connection, exchange=exchange, serializer="json")

    def send(self, events: Sequence[Raw]) -> None:
        self._producer.publish(list(events), routing_key="task.multi", delivery_mode=1)

    def close(self) -> None:
        self._connection.close()


@contextmanager
def house(
    directory: Path, database: str, broker: str, backend: str
) -> Iterator[tuple[Cluster, Emitter]]:
    """A receiver, a web process that takes thousands of sockets, and somebody who emits."""
    allow_many_files()
    cluster = Cluster(directory, database=database, broker=broker, backend=backend, layer=backend)
    env = cluster.env | MANY
    web = HeadwayWeb(directory, "web", "--channel-layer", backend, env=env, program=COUNTING)
    cluster.webs = [web]
    with cluster.running(), connected(broker, backend) as app:
        emitter = Emitter(app)
        yield cluster, emitter
        emitter.close()


def crowd_of(cluster: Cluster) -> Crowd:
    key = f"Authorization: Bearer {cluster.site.key}"
    return Crowd(cluster.webs[0].port, LIVE, headers=[key], kind=Page)


def opening(query: str = "", since: Row | None = None) -> str:
    asked = {"op": "open", "view": 1, "of": "tasks", "query": query, "since": since}
    return json.dumps(asked)


def begun(ids: Sequence[str], **fields: object) -> list[Raw]:
    now = time.time()
    kinds = (task_received, task_started)
    return [kind(i, at=now, **fields) for i in ids for kind in kinds]


def pages_of(clients: Sequence[Client]) -> list[Page]:
    return [client for client in clients if isinstance(client, Page)]


async def until(condition: Any, timeout_s: float, what: str) -> None:
    """Return once the condition holds, while the crowd goes on."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"{what} not within {timeout_s} s"
        await asyncio.sleep(0.05)


async def stored(cluster: Cluster, query: str = "") -> dict[str, int]:
    """The newest hundred tasks, by id, with their revisions."""
    page = await asyncio.to_thread(cluster.site.get, "tasks", query=query, limit=100)
    return {row["id"]: row["revision"] for row in page["items"]}


async def test_slow_readers_stay_and_end_in_the_true_state_and_hold_up_nobody(
    redis_url: str,
    backend_server: RedisServer,
    postgresql_url: str,
    tmp_path: Path,
    capsys: Capture,
) -> None:
    with house(tmp_path, postgresql_url, redis_url, backend_server.url(1)) as (cluster, emitter):
        ids = [f"t{n}" for n in range(30)]
        emitter.send(begun(ids, name="shop.resize"))
        await asyncio.to_thread(wait_until, lambda: len(cluster.site.tasks("status:running")) == 30)
        crowd = crowd_of(cluster)
        await crowd.join(SOCKETS - SLOW, opening())
        slow = pages_of(await crowd.join_slowly(SLOW, SLOW_BYTES_PER_S, opening()))
        fast = pages_of(crowd.clients)
        await until(lambda: all(page.is_filled for page in (*fast, *slow)), 90, "first rows")
        pid, before = cluster.webs[0].pid, resident_mb(cluster.webs[0].pid)
        crowd.tally.reset()
        most = await under_load(emitter, ids, pid, seconds=20)
        delays = crowd.tally.delays_s
        truth = await ended(cluster, emitter, ids)
        await until(lambda: all(page.rows == truth for page in fast), 30, "the fast ones")
        frames = [statistics.median(page.frames for page in some) for some in (fast, slow)]
        await until(lambda: all(page.rows == truth for page in slow), 150, "the slow ones")
        assert not [page.close_code or page.ops for page in (*fast, *slow) if page.is_closed]
        most = max(most, resident_mb(pid))
        await crowd.leave()
    p99_ms = 1000 * (percentile(delays, 99) or 0)
    tell(
        capsys,
        f"{SOCKETS} sockets, {SLOW} of them at 1 KB/s, 10 ticks/s for 20 s",
        f"web {before:.0f} MB, at most {most:.0f} MB; frames {frames[0]:.0f} a fast socket, "
        f"{frames[1]:.0f} a slow one; p99 {p99_ms:.0f} ms; all {SOCKETS} in the true state",
    )
    assert frames[0] > 2 * frames[1]
    assert most - before < GROWTH_MB


async def under_load(emitter: Emitter, ids: Sequence[str], pid: int, seconds: float) -> float:
    """Ten ticks a second of three tasks' progress; the most memory that the web process took."""
    began, most = time.monotonic(), 0.0
    for tick in range(int(seconds * 10)):
        await asyncio.sleep(max(0.0, began + tick / 10 - time.monotonic()))
        now, some = time.time(), [ids[(tick * 3 + n) % len(ids)] for n in range(3)]
        message = f"@{now:.6f}"
        news = [task_progress(i, at=now, current=tick, message=message) for i in some]
        await asyncio.to_thread(emitter.send, news)
        most = max(most, resident_mb(pid))
    return most


async def ended(cluster: Cluster, emitter: Emitter, ids: Sequence[str]) -> dict[str, int]:
    """Let all tasks succeed; what is stored then."""
    now = time.time()
    await asyncio.to_thread(emitter.send, [task_succeeded(i, at=now) for i in ids])
    is_over = "conclusion:succeeded"
    await asyncio.to_thread(
        wait_until, lambda: len(cluster.site.tasks(is_over)) == len(ids), 30, "the end of all"
    )
    return await stored(cluster)


async def test_a_thousand_pages_that_come_back_at_once_cost_one_read_of_each_view(
    redis_url: str,
    backend_server: RedisServer,
    postgresql_url: str,
    tmp_path: Path,
    capsys: Capture,
) -> None:
    queries = ["", "status:running", *(f"name:shop.{name}" for name in ("pay", "ship", "mail"))]
    with house(tmp_path, postgresql_url, redis_url, backend_server.url(1)) as (cluster, emitter):
        for name in ("pay", "ship", "mail"):
            emitter.send(begun([f"{name}{n}" for n in range(150)], name=f"shop.{name}"))
        await asyncio.to_thread(wait_until, lambda: len(cluster.site.tasks()) == 450)
        crowd = crowd_of(cluster)
        for query in queries:
            await crowd.join(SOCKETS // len(queries), opening(query))
        pages = pages_of(crowd.clients)
        await until(lambda: all(page.is_filled for page in pages), 60, "first rows")
        cluster.webs[0].kill()
        await crowd.leave()
        for name in ("pay", "ship", "mail"):
            emitter.send(begun([f"{name}-later{n}" for n in range(5)], name=f"shop.{name}"))
        await asyncio.to_thread(cluster.webs[0].start)
        await asyncio.to_thread(wait_until, lambda: len(cluster.site.tasks()) == 465)
        epoch = cluster.site.get("stream")["epoch"]
        began, back = time.monotonic(), crowd_of(cluster)
        for page in pages:
            page.is_filled = False
        each = len(pages) // len(queries)
        await asyncio.gather(
            *(
                back.rejoin(
                    page,
                    opening(queries[n // each], {"epoch": epoch, "revision": page.revision}),
                )
                for n, page in enumerate(pages)
            )
        )
        truths = [await stored(cluster, query) for query in queries]
        for number, truth in enumerate(truths):
            some = pages[number * each : (number + 1) * each]
            await until(lambda some=some, truth=truth: all(p.rows == truth for p in some), 60, "it")
        took_s = time.monotonic() - began
        counters = ask(f"{cluster.webs[0].url}/counters").body
        await back.leave()
    tell(
        capsys,
        f"{SOCKETS} sockets on {len(queries)} views back at once after kill -9",
        f"{counters['reads']} reads of the store, {counters.get('resumed', 0)} resumed, "
        f"{counters.get('snapshots', 0)} snapshots, all true {took_s:.1f} s after the first",
    )
    assert counters["reads"] <= len(queries)
    assert counters["resumed"] == SOCKETS


def test_a_flood_of_tasks_drops_no_state_change_silently(
    redis_url: str,
    backend_server: RedisServer,
    postgresql_url: str,
    tmp_path: Path,
    capsys: Capture,
) -> None:
    with house(tmp_path, postgresql_url, redis_url, backend_server.url(1)) as (cluster, emitter):
        took_s = flood(emitter)
        with psycopg.connect(postgresql_url, autocommit=True) as database:
            began = time.monotonic()
            wait_until(lambda: is_settled(cluster, database), 180, "the end of the flood")
            settled_s = time.monotonic() - began
            rows = database.execute("SELECT state, count(*) FROM headway_task GROUP BY state")
            found = dict(rows.fetchall())
        stream = cluster.site.get("stream")
    true = found.get("SUCCESS", 0)
    dropped, gap = stream["counters"]["dropped"], stream["gap"]
    tell(
        capsys,
        f"{FLOOD} tasks, {3 * FLOOD} events in {took_s:.1f} s",
        f"{true} in their true state, {settled_s:.1f} s later; dropped and told: {dropped}; "
        f"gap: {gap and gap['reason']}",
    )
    assert true == FLOOD or dropped or gap, found


def flood(emitter: Emitter) -> float:
    """Send it in ten seconds or as fast as this machine can; how long it took."""
    began = time.monotonic()
    for number in range(0, FLOOD, IN_A_MESSAGE // 3):
        now, some = time.time(), range(number, min(FLOOD, number + IN_A_MESSAGE // 3))
        ids = [f"t{n}" for n in some]
        over = [task_succeeded(i, at=now, clock=3) for i in ids]
        emitter.send([*begun(ids, name="shop.flood"), *over])
        ahead_s = began + FLOOD_S * number / FLOOD - time.monotonic()
        if ahead_s > 0:
            threading.Event().wait(ahead_s)
    return time.monotonic() - began


def is_settled(cluster: Cluster, database: psycopg.Connection[Any]) -> bool:
    """Whether all that came is stored, and nothing more is to come."""
    [(count,)] = database.execute("SELECT count(*) FROM headway_task").fetchall()
    told = cluster.site.get("stream")
    is_quiet = told["events_per_second"] < 50 and told["lag_ms"] is not None
    return count == FLOOD or (told["state"] == "live" and is_quiet)
