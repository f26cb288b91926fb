"""Processor time of each delivered frame, and its delay: Headway's hub on one web process against
`group_send` to every socket, in the same run.

    python -m benchmarks.fanout [--quick] [--sockets N] [--rate N]

Every socket watches the same list of tasks, one of which changes `--rate` times a second. Headway
is the standalone server as users run it: its session check at connect, its rights at each view,
frame numbers, acknowledgements. The changes are stored in SQLite and published over Redis, exactly
as a receiver does; `group_send` is handed frames of the same size over the same Redis.
"""

import argparse
import asyncio
import os
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import harness
from benchmarks.sockets import Crowd, Pressure, allow_many_files, percentile, stamp
from tests.acceptance.support import api_key
from tests.services.headway import Headway
from tests.services.process import Process, free_port
from tests.services.redis import running_redis

GOAL_SHARE = 0.35
GOAL_P99_MS = 250.0
OPEN = '{"op":"open","view":1,"of":"tasks"}'
SETTLE_S = 2.0
"""Of the load before measuring: sockets just opened still have their first rows to read."""
DRAIN_S = 1.0
"""After it: what was sent in time may arrive."""
BEAT_S = 1.0
GROUP = "crowd"
LEASE_S = 30.0

SERVERS: dict[str, Callable[[int, str], list[str]]] = {
    "daphne": lambda port, app: ["daphne", "-v", "0", "-b", "127.0.0.1", "-p", str(port), app],
    "uvicorn": lambda port, app: [
        *("uvicorn", "--host", "127.0.0.1", "--port", str(port)),
        *("--log-level", "warning", "--lifespan", "off", app),
    ],
}


class Subject(NamedTuple):
    """What is measured."""

    name: str
    server: str
    application: str
    is_acking: bool = True

    @property
    def is_peer(self) -> bool:
        """Whether it is not Headway."""
        return self.application == PLAIN


PLAIN = "benchmarks.plain:application"
PEER = Subject("group_send", "daphne", PLAIN, is_acking=False)
HEADWAY = Subject("headway", "daphne", "dashboard.server.asgi:application")
BESIDE = (
    Subject("headway, no acks", "daphne", "benchmarks.unacknowledged:application", is_acking=False),
    Subject("headway", "uvicorn", "dashboard.server.asgi:application"),
)


class Figures(NamedTuple):
    """What one subject was seen to do. CPU is the web process's own."""

    subject: str
    server: str
    cpu_us_per_frame: float
    p50_ms: float | None
    p99_ms: float | None
    delivered: float
    """Share of the news that came in time; the rest was late, merged or lost."""
    cpu_share: float
    """Of one core."""
    memory_mb: float
    pressure: float | None
    """Share of time in which something on the machine waited for a processor."""


class Source:
    """Changes as a receiver makes them: folded, stored, published."""

    def __init__(self, layer_url: str) -> None:
        """Reads HEADWAY_ variables of the environment, as the server does."""
        import django

        os.environ["DJANGO_SETTINGS_MODULE"] = "dashboard.server.settings"
        django.setup()
        from channels_redis.pubsub import RedisPubSubChannelLayer

        from dashboard.server import accounts
        from dashboard.store import Store
        from realtime.publisher import LayerPublisher

        accounts.ensure_admin(None)
        self.layer = RedisPubSubChannelLayer(hosts=[layer_url])
        self._publisher = LayerPublisher(_layer_of_settings())
        self._store = Store()
        self._task: Any = None
        self._beat_at = 0.0
        self._store.acquire("benchmark", "benchmark", time.time(), LEASE_S)

    def change(self) -> str:
        """Let a progress be made; the row of the list as the pages are told it."""
        from realtime.codec import encode
        from realtime.core import wire
        from realtime.core.lifecycle import fold
        from realtime.ports import Batch, Changes
        from realtime.testing import checked, task_progress, task_received, task_started

        now = time.time()
        news = [task_progress("t1", at=now, current=now, message=stamp())]
        if self._task is None:
            news[:0] = [task_received("t1", at=now), task_started("t1", at=now)]
        self._task = fold(self._task, [checked(raw) for raw in news], now)
        commit = self._store.commit("benchmark", Changes(tasks=[self._task]))
        row = wire.task_row(self._task, commit.revision)
        self._publisher.publish(Batch(*commit, {"tasks": encode([row])}, {}, self._told(now)))
        return encode(wire.list_row(row, frozenset())).decode()

    def close(self) -> None:
        """Send what waits."""
        self._publisher.close()
        self._store.close()

    def _told(self, now: float) -> dict[str, object]:
        if now - self._beat_at >= BEAT_S:
            self._beat_at = now
            stats = {"state": "live", "lag_ms": int(now) % 90}
            self._store.beat("benchmark", now, LEASE_S, stats)
        return {"alive_at": self._beat_at, "state": "live", "lag_ms": int(self._beat_at) % 90}


def _layer_of_settings() -> Any:
    from channels.layers import get_channel_layer

    return get_channel_layer()


async def measure(
    subject: Subject, source: Source, key: str, process: Process, port: int, options: Any
) -> Figures:
    """Open the sockets, let changes come, and look at the web process meanwhile."""
    path = "/" if subject.is_peer else "/ws/v1/live"
    crowd = Crowd(port, path, headers=[f"Authorization: Bearer {key}"], is_acking=subject.is_acking)
    await crowd.join(options.sockets, *([] if subject.is_peer else [OPEN]))
    tell = group_sender(source) if subject.is_peer else changer(source)
    try:
        await send_for(SETTLE_S, options.rate, tell)
        crowd.tally.reset()
        cpu, began = harness.cpu_s(process.pid), time.monotonic()
        pressure = Pressure()
        sent = await send_for(options.seconds, options.rate, tell)
        await asyncio.sleep(DRAIN_S)
        used, took = harness.cpu_s(process.pid) - cpu, time.monotonic() - began
        delays = crowd.tally.delays_s
        return Figures(
            subject.name,
            subject.server,
            1e6 * used / max(1, crowd.tally.frames),
            in_ms(percentile(delays, 50)),
            in_ms(percentile(delays, 99)),
            crowd.tally.in_time / (sent * options.sockets),
            used / took,
            harness.resident_mb(process.pid),
            pressure.share(),
        )
    finally:
        await crowd.leave()


def in_ms(seconds: float | None) -> float | None:
    """Milliseconds."""
    return None if seconds is None else 1000 * seconds


def changer(source: Source) -> Callable[[], Any]:
    """Lets Headway tell its pages something."""

    async def tell() -> None:
        await asyncio.to_thread(source.change)

    return tell


def group_sender(source: Source) -> Callable[[], Any]:
    """Sends a frame of the size of Headway's to the group, as a host's code would."""
    from realtime.core import frames

    row = source.change()
    begin, _, rest = row.partition('"@')
    _, _, end = rest.partition('"')

    async def tell() -> None:
        text = f'{begin}"{stamp()}"{end}'
        body = frames.patch_body(1, [frames.sized(text)], [])
        told = frames.head("patch", 1, 1) + body
        await source.layer.group_send(GROUP, {"type": "told", "text": told})

    return tell


async def send_for(seconds: float, rate: float, tell: Callable[[], Any]) -> int:
    """Tell something `rate` times a second; how often it was."""
    began, count = time.monotonic(), 0
    while (due := count / rate) < seconds:
        await asyncio.sleep(max(0.0, began + due - time.monotonic()))
        await tell()
        count += 1
    return count


@contextmanager
def serving(
    subject: Subject, directory: Path, env: dict[str, str]
) -> Iterator[tuple[Process, int]]:
    """The web process, listening."""
    port = free_port()
    command = [sys.executable, "-m", *SERVERS[subject.server](port, subject.application)]
    process = Process(command, log=directory / f"web-{port}.log", env=env)
    with process:
        process.wait_for(lambda: _listens(port), 30, "the port to be open")
        yield process, port


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def run(options: argparse.Namespace) -> list[Figures]:
    """Each subject in turn, `--repeat` times."""
    subjects = [PEER, HEADWAY, *BESIDE]
    found = []
    with tempfile.TemporaryDirectory() as name, running_redis() as redis:
        directory = Path(name)
        env = {
            "HEADWAY_DATA": str(directory / "data"),
            "HEADWAY_CHANNEL_LAYER_URL": redis.url(1),
            "HEADWAY_MAX_SOCKETS_PER_USER": str(options.sockets),
            "HEADWAY_MAX_SOCKETS_PER_ADDRESS": str(options.sockets),
            "BENCHMARK_LAYER": redis.url(2),
            "BENCHMARK_GROUP": GROUP,
        }
        os.environ |= env
        with Headway(directory, "manage", "migrate", env=env) as command:
            if command.wait_for_exit(60):
                raise RuntimeError(command.output())
        source = Source(redis.url(2))
        key = api_key(directory, env=env)
        for _ in range(options.repeat):
            for subject in subjects:
                with serving(subject, directory, env) as (process, port):
                    work = measure(subject, source, key, process, port, options)
                    found.append(asyncio.run(work))
                    harness.say(" ".join(line(found[-1])))
        source.close()
    return found


HEAD = (
    "subject",
    "server",
    "CPU us/frame",
    "p50 ms",
    "p99 ms",
    "in time",
    "cores",
    "MB",
    "pressure",
)


def line(row: Figures) -> tuple[str, ...]:
    """One line of the table."""
    share = "not one" if row.p50_ms is None else f"{row.delivered:.0%}"
    times = ("" if ms is None else f"{ms:.0f}" for ms in (row.p50_ms, row.p99_ms))
    cpu = f"{row.cpu_us_per_frame:.1f}"
    return (
        row.subject,
        row.server,
        cpu,
        *times,
        share,
        f"{row.cpu_share:.2f}",
        f"{row.memory_mb:.0f}",
        "" if row.pressure is None else f"{row.pressure:.0%}",
    )


def summary(rows: list[Figures]) -> dict[str, Any]:
    """The figures for programs: medians of repeated runs."""
    peers = [row.cpu_us_per_frame for row in rows if row.subject == PEER.name]
    ours = [row for row in rows if (row.subject, row.server) == (HEADWAY.name, HEADWAY.server)]
    shares = [row.cpu_us_per_frame / peer for row, peer in zip(ours, peers, strict=True)]
    share = harness.median(shares)
    p99_ms = harness.median(row.p99_ms or 0.0 for row in ours)
    return {
        "cpu_share_of_group_send": share,
        "p99_ms": p99_ms,
        "is_reached": share <= GOAL_SHARE and p99_ms < GOAL_P99_MS,
        "goals": {"cpu_share_of_group_send": GOAL_SHARE, "p99_ms": GOAL_P99_MS},
    }


def main() -> None:
    """Print the table, and the figures as JSON in the last line."""
    parser = harness.options(__doc__.partition("\n\n")[0])
    parser.add_argument("--sockets", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=10.0, help="changes a second")
    options = parser.parse_args()
    options.seconds, options.repeat = (3.0, 1) if options.quick else (8.0, 3)
    allow_many_files()
    rows = run(options)
    told = summary(rows)
    title = (
        f"{options.sockets} sockets x {options.rate:g} changes a second, {options.seconds:g} s each"
    )
    harness.table(title, HEAD, map(line, rows))
    goals = (
        ("CPU a frame, share of group_send's", told["cpu_share_of_group_send"], GOAL_SHARE),
        ("p99 ms", told["p99_ms"], GOAL_P99_MS),
    )
    harness.table("Goals", ("", "measured", "at most"), goals)
    load = {"sockets": options.sockets, "rate": options.rate, "seconds": options.seconds}
    harness.report("fanout", {**load, **told, "rows": [row._asdict() for row in rows]})


if __name__ == "__main__":
    main()
