"""How long a page waits for its first rows when it opens a view by socket, and a program for its
answer of the API, and what that costs the web process: one after another, and many at once, as
after a restart.

    python -m benchmarks.opening [--quick]

`headway web` on PostgreSQL, tables empty: what is measured is the way to the database and back.
Each asks for something else, so none is given what was read for another.
"""

import asyncio
import functools
import json
import time
import urllib.request
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import NamedTuple

from websockets.asyncio.client import connect

from benchmarks import contenders
from benchmarks.harness import cpu_s, options, report, table
from benchmarks.sockets import Pressure, percentile
from tests.acceptance.support import api_key
from tests.services.headway import HeadwayWeb
from tests.services.postgresql import running_postgresql
from tests.services.process import private_directory
from tests.services.redis import running_redis

PAGES, QUICK_PAGES = 400, 60
AT_ONCE = 45
"""One user may have 50 sockets."""
ROUNDS, QUICK_ROUNDS = 5, 1


class Figures(NamedTuple):
    p50_ms: float
    p95_ms: float
    cpu_ms: float
    """Of the web process, each."""


def main() -> None:
    parser = options(__doc__.partition("\n\n")[0])
    given = parser.parse_args()
    pages, rounds = (QUICK_PAGES, QUICK_ROUNDS) if given.quick else (PAGES, ROUNDS)
    pressure = Pressure()
    with ExitStack() as stack:
        redis = stack.enter_context(running_redis())
        postgresql = stack.enter_context(running_postgresql())
        directory = stack.enter_context(private_directory("opening"))
        env = contenders.prepared(postgresql, directory)
        arguments = ("--channel-layer", redis.url(1), "--log-level", "warning")
        web = stack.enter_context(HeadwayWeb(directory, "web", *arguments, env=env))
        found = asyncio.run(_measured(web, api_key(directory, env=env), pages, rounds))
    table(
        "to the first rows, ms",
        ("", "p50", "p95", "CPU of the web process each"),
        ((name, *figures) for name, figures in found.items()),
    )
    share = pressure.share()
    told = {name: figures._asdict() for name, figures in found.items()}
    report("opening", {**told, "pressure": None if share is None else round(share, 2)})


async def _measured(web: HeadwayWeb, key: str, pages: int, rounds: int) -> dict[str, Figures]:
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(AT_ONCE) as threads:

        def answered(name: str) -> Awaitable[float]:
            return loop.run_in_executor(threads, _answered, web, key, name)

        ways = {"view": functools.partial(_opened, web, key), "API": answered}
        found: dict[str, Figures] = {}
        for way, asked in ways.items():
            alone, together = await _asked(asked, web.pid, pages, rounds)
            found[f"{way}, one after another"] = alone
            found[f"{way}, {AT_ONCE} at once"] = together
    return found


async def _asked(
    ask: Callable[[str], Awaitable[float]], pid: int, pages: int, rounds: int
) -> tuple[Figures, Figures]:
    """Of one after another, and of many at once."""
    await ask("first")  # loads what all of them share
    before = cpu_s(pid)
    alone = [await ask(f"one{n}") for n in range(pages)]
    between = cpu_s(pid)
    together: list[float] = []
    for number in range(rounds):
        together += await asyncio.gather(*(ask(f"many{number}x{n}") for n in range(AT_ONCE)))
    after = cpu_s(pid)
    return _figures(alone, between - before), _figures(together, after - between)


async def _opened(web: HeadwayWeb, key: str, name: str) -> float:
    """Seconds from asking to the first rows, of a socket of its own."""
    address = f"ws://127.0.0.1:{web.port}/ws/v1/live"
    headers = {"Authorization": f"Bearer {key}"}
    async with connect(address, additional_headers=headers) as socket:
        asked = {"op": "open", "view": 1, "of": "tasks", "query": f"name:{name}"}
        began = time.perf_counter()
        await socket.send(json.dumps(asked))
        while json.loads(await socket.recv())["op"] != "snapshot":
            pass
        return time.perf_counter() - began


def _answered(web: HeadwayWeb, key: str, name: str) -> float:
    """Seconds from asking the API for tasks to its answer, on a connection of its own."""
    address = f"{web.url}/api/v1/tasks?query=name:{name}"
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {key}"})
    began = time.perf_counter()
    with urllib.request.urlopen(request, timeout=60) as answer:
        json.load(answer)
    return time.perf_counter() - began


def _figures(took_s: Sequence[float], used_s: float) -> Figures:
    p50, p95 = (percentile(took_s, percent) or 0.0 for percent in (50, 95))
    times = (1e3 * p50, 1e3 * p95, 1e3 * used_s / len(took_s))
    return Figures(*(round(each, 1) for each in times))


if __name__ == "__main__":
    main()
