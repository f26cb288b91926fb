"""Two thousand people who wait for one task, each with a token and a socket of their own."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import jwt
import pytest

from benchmarks.harness import cpu_s, resident_mb
from benchmarks.sockets import Client, Crowd, allow_many_files, percentile
from realtime.codec import decode
from realtime.testing import task_progress, task_received, task_started, task_succeeded
from tests.acceptance.support import Row
from tests.faults.support import Cluster, connected, tell
from tests.faults.test_load import LIVE, Capture, Emitter, until
from tests.services.headway import HeadwayWeb
from tests.services.process import wait_until
from tests.services.redis import RedisServer

pytestmark = [pytest.mark.faults, pytest.mark.timeout(400)]

SOCKETS = 2_000
TASK = "film-1"
KEY = "k" * 48
CHANGES = 60
EVERY_S = 0.25
ENV = {
    "HEADWAY_EMBED_KEY": KEY,
    "HEADWAY_MAX_SOCKETS_PER_ADDRESS": str(2 * SOCKETS),
}
MADE_AGAIN = 3
"""Encodings beyond one for each change: the row of a reader who is late tells its seconds anew."""


class Visitor(Client):
    """Keeps the newest row as it came; two thousand that parse each would be what is measured."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.newest = b""
        self.refused: list[str] = []

    def hear(self, data: bytes) -> None:
        if b'"op":"patch"' in data or b'"op":"snapshot"' in data:
            self.newest = data
        elif b'"op":"error"' in data or b'"op":"bye"' in data:
            self.refused.append(data.decode())
        super().hear(data)

    @property
    def row(self) -> Row:
        """What this page shows now."""
        frame = decode(self.newest) if self.newest else {}
        [row] = frame.get("upsert") or frame.get("rows") or [{}]
        return row


def token() -> str:
    now = int(time.time())
    claims = {"aud": "headway", "iat": now, "exp": now + 3600, "tasks": [TASK]}
    return jwt.encode(claims, KEY, "HS256")


def questions() -> list[str]:
    """What each page says: its token, and what it follows."""
    return [
        json.dumps({"op": "token", "key": "a", "token": token()}),
        json.dumps({"op": "open", "view": 1, "of": "progress"}),
        json.dumps({"op": "subjects", "view": 1, "add": [f"task:{TASK}"]}),
    ]


async def told(cluster: Cluster) -> dict[str, int]:
    """What the web process has counted, as operators are shown it."""
    stream = await asyncio.to_thread(cluster.site.get, "stream")
    return dict(stream["web"]["counters"])


async def advance(emitter: Emitter) -> None:
    """One change every quarter of a second, then the end."""
    began = time.monotonic()
    for n in range(CHANGES):
        await asyncio.sleep(max(0.0, began + n * EVERY_S - time.monotonic()))
        now = time.time()
        news = task_progress(TASK, at=now, current=n, total=CHANGES, message=f"@{now:.6f}")
        await asyncio.to_thread(emitter.send, [news])
    await asyncio.sleep(EVERY_S)
    await asyncio.to_thread(emitter.send, [task_succeeded(TASK, at=time.time())])


def newest(cluster: Cluster) -> Row | None:
    """The stored task, once it is over."""
    rows = cluster.site.tasks("conclusion:succeeded")
    return rows.get(TASK)


async def test_two_thousand_sockets_on_one_task_cost_the_hub_one_encoding_a_change(
    redis_url: str,
    backend_server: RedisServer,
    postgresql_url: str,
    tmp_path: Path,
    capsys: Capture,
) -> None:
    allow_many_files()
    layer = backend_server.url(1)
    cluster = Cluster(
        tmp_path, database=postgresql_url, broker=redis_url, backend=layer, layer=layer
    )
    env = cluster.env | ENV
    web = HeadwayWeb(tmp_path, "web", "--channel-layer", layer, env=env)
    cluster.webs = [web]
    with cluster.running(), connected(redis_url, layer) as app:
        emitter = Emitter(app)
        now = time.time()
        emitter.send([task_received(TASK, at=now, name="shop.film"), task_started(TASK, at=now)])
        await asyncio.to_thread(wait_until, lambda: TASK in cluster.site.tasks("status:running"))
        empty_mb = resident_mb(web.pid)
        crowd = Crowd(web.port, LIVE, kind=Visitor)
        await crowd.join(SOCKETS, *questions())
        visitors = [each for each in crowd.clients if isinstance(each, Visitor)]
        await until(lambda: all(each.newest for each in visitors), 90, "first rows")
        full_mb = resident_mb(web.pid)
        before, cpu_before = await told(cluster), cpu_s(web.pid)
        crowd.tally.reset()
        await advance(emitter)
        stored = await asyncio.to_thread(wait_until, lambda: newest(cluster), 60, "the end")
        await until(lambda: all(b"succeeded" in each.newest for each in visitors), 90, "the end")
        after, cpu_after = await told(cluster), cpu_s(web.pid)
        ends = [each.row for each in visitors]
        refused = [each.refused for each in visitors if each.refused or each.is_closed]
        delays, frames = crowd.tally.delays_s, crowd.tally.frames
        await crowd.leave()
        emitter.close()
    spent = {name: after[name] - before.get(name, 0) for name in after}
    changes, encodings = spent["rows"], spent["progress_encoded"]
    p99_ms = 1000 * (percentile(delays, 99) or 0)
    tell(
        capsys,
        f"{SOCKETS:,} sockets by token on one task, {CHANGES} changes in {CHANGES * EVERY_S:.0f} s",
        f"{encodings} encodings of {changes} changes; {frames:,} frames, "
        f"{1e6 * (cpu_after - cpu_before) / frames:.0f} us of CPU each; "
        f"{1000 * (full_mb - empty_mb) / SOCKETS:.0f} KB a socket ({full_mb:.0f} MB); "
        f"p99 {p99_ms:.0f} ms; all {SOCKETS:,} told the end",
    )
    assert refused == []
    assert {(row["status"], row["conclusion"], row["revision"]) for row in ends} == {
        ("completed", "succeeded", stored["revision"])
    }
    assert len(ends) == SOCKETS
    assert CHANGES / 2 < changes <= CHANGES + 5
    assert encodings <= changes + MADE_AGAIN
