"""Memory of a receiver that has seen 1,000,000 tasks, beside Flower's state with the 100,000 tasks
that it holds by default; and of a web process per idle socket.

The tasks come round by round, the same recorded events under other ids, 24 a message.
"""

import argparse
import asyncio
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

from websockets.asyncio.client import connect

from benchmarks import contenders, recording
from benchmarks.contenders import FLOWER_TASKS, Contender
from benchmarks.harness import options, report, resident_mb, say, table
from benchmarks.recording import Recording
from tests.acceptance.support import api_key
from tests.services.headway import HeadwayWeb
from tests.services.postgresql import PostgresqlServer, running_postgresql
from tests.services.process import private_directory
from tests.services.redis import RedisServer, running_redis

TASKS = 1_000_000
QUICK_TASKS = 12_000
TASKS_A_ROUND = 4_000
SOCKETS = 1_000
QUICK_SOCKETS = 200
WARM_SOCKETS = 50
"""The first sockets load what all of them share; they are not counted."""
GOAL_MB = 150
GOAL_SOCKET_KB = 60


def main() -> None:
    parser = options(__doc__.partition("\n\n")[0])
    parser.add_argument("--tasks", type=int, help=f"tasks the receiver sees ({TASKS})")
    parser.add_argument("--flower-tasks", type=int, help=f"tasks Flower holds ({FLOWER_TASKS})")
    given = parser.parse_args()
    with ExitStack() as stack:
        redis = stack.enter_context(running_redis())
        postgresql = stack.enter_context(running_postgresql())
        directory = stack.enter_context(private_directory("memory"))
        recording.unbounded(redis)
        sockets = QUICK_SOCKETS if given.quick else SOCKETS
        socket_kb = _per_socket_kb(redis, postgresql, directory, sockets)
        figures = {**_receivers(redis, postgresql, directory, given), "socket_kb": socket_kb}
        table(
            f"web process, {sockets} idle sockets, each with the list of tasks open",
            ("", "measured", "to reach"),
            [("KB a socket", socket_kb, f"< {GOAL_SOCKET_KB}")],
        )
        report("memory", figures)


def _receivers(
    redis: RedisServer, postgresql: PostgresqlServer, directory: Path, given: argparse.Namespace
) -> dict[str, object]:
    tasks = given.tasks or (QUICK_TASKS if given.quick else TASKS)
    held = given.flower_tasks or (QUICK_TASKS if given.quick else FLOWER_TASKS)
    replayed = recording.packed(recording.record(redis, directory, TASKS_A_ROUND))
    contenders.await_silence(redis)
    with contenders.on_postgresql(redis, postgresql, directory) as contender:
        ours = _sizes(redis, contender, replayed, tasks)
    contenders.await_silence(redis)
    with contenders.flower(redis, directory, TASKS_A_ROUND) as contender:
        theirs = _sizes(redis, contender, replayed, held)
    tenth = max(len(ours) // 10, 1)
    table(
        "receiver, MB resident",
        ("tasks seen", "Headway", "Flower's state"),
        (
            (
                f"{n * TASKS_A_ROUND:,}",
                round(ours[n]),
                round(theirs[n]) if n < len(theirs) else "",
            )
            for n in sorted({0, 1, len(theirs) - 1, *range(0, len(ours), tenth), len(ours) - 1})
            if n < len(ours)
        ),
    )
    return {
        "goal_mb": GOAL_MB,
        "tasks": tasks,
        "headway_mb": round(ours[-1], 1),
        "headway_peak_mb": round(max(ours), 1),
        "headway_mb_at_a_tenth": round(ours[tenth], 1),
        "flower_tasks": held,
        "flower_mb": round(theirs[-1], 1),
    }


def _sizes(
    redis: RedisServer, contender: Contender, replayed: Recording, tasks: int
) -> list[float]:
    """Resident MB before the first round and after each."""
    sizes = [resident_mb(contender.process.pid)]
    for round_ in range(-(-tasks // TASKS_A_ROUND)):
        recording.replay(redis, recording.renamed(replayed, round_))
        contender.await_ended(TASKS_A_ROUND, recording.mark_of(round_))
        sizes.append(resident_mb(contender.process.pid))
        if round_ % 25 == 0:
            say(f"{(round_ + 1) * TASKS_A_ROUND} tasks seen: {sizes[-1]:.0f} MB")
    return sizes


def _per_socket_kb(
    redis: RedisServer, postgresql: PostgresqlServer, directory: Path, sockets: int
) -> float:
    say(f"Opening {sockets} sockets")
    env = contenders.prepared(postgresql, directory)
    limits = ["--max-sockets-per-user", "100000", "--max-sockets-per-address", "100000"]
    layer = ["--channel-layer", redis.url(1), "--log-level", "warning"]
    with HeadwayWeb(directory, "web", *layer, *limits, env=env) as web:
        return asyncio.run(_grown_kb(web, api_key(directory, env=env), sockets))


async def _grown_kb(web: HeadwayWeb, key: str, sockets: int) -> float:
    """How much the web process grows with each socket, in KB resident."""
    async with AsyncExitStack() as stack:
        for _ in range(WARM_SOCKETS):
            await _idle(stack, web, key)
        before = resident_mb(web.pid)
        for _ in range(sockets):
            await _idle(stack, web, key)
        return round(1e3 * (resident_mb(web.pid) - before) / sockets, 1)


async def _idle(stack: AsyncExitStack, web: HeadwayWeb, key: str) -> None:
    """A socket that has its first snapshot."""
    socket = await stack.enter_async_context(
        connect(
            f"ws://127.0.0.1:{web.port}/ws/v1/live",
            additional_headers={"Authorization": f"Bearer {key}"},
            ping_interval=None,
        )
    )
    await socket.send('{"op": "open", "view": 1, "of": "tasks"}')
    async for frame in socket:
        if '"snapshot"' in str(frame):
            return


if __name__ == "__main__":
    main()
