"""Events a second, and CPU per event, of one receiver with every task durable, beside Flower 2.2's
in-memory state fed the same recorded bytes.

Each run replays a whole recording at once through a private Redis, and ends when the last task's
end is known: in the database for Headway, in memory for Flower. The best a contender can do is then
bounded by nothing but itself.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from benchmarks import contenders, recording
from benchmarks.contenders import Contender
from benchmarks.harness import cpu_s, family_cpu_s, median, options, report, say, table
from benchmarks.recording import Recording
from tests.services.postgresql import PostgresqlServer, running_postgresql
from tests.services.process import private_directory
from tests.services.redis import RedisServer, running_redis

TASKS = 12_000
"""36,000 events: the inbox takes them all, so nothing is dropped however slow a receiver is."""
QUICK_TASKS = 4_000
ROUNDS = 3
GOALS = {"single": 1.5, "packed": 2.0}
"""How many times Flower's events a second are to be reached, on each recording."""
PEER = "flower"

Runs = dict[str, list[dict[str, float]]]
Start = Callable[[], AbstractContextManager[Contender]]


class Bench:
    """The servers, and one run after the other on them."""

    def __init__(self, redis: RedisServer, postgresql: PostgresqlServer, directory: Path) -> None:
        self.redis = redis
        self.postgresql = postgresql
        self.directory = directory

    def contenders(self, tasks: int) -> Mapping[str, Start]:
        """What is compared, by its name in the figures."""
        redis, postgresql, directory = self.redis, self.postgresql, self.directory
        return {
            PEER: lambda: contenders.flower(redis, directory, tasks),
            "postgresql": lambda: contenders.on_postgresql(redis, postgresql, directory),
            "sqlite": lambda: contenders.on_sqlite(redis, directory),
        }

    def run(self, start: Start, replayed: Recording) -> dict[str, float]:
        """The figures of one contender and one replay, in microseconds per event."""
        contenders.await_silence(self.redis)
        with start() as contender:
            pid, server = contender.process.pid, self.postgresql.process.pid
            used, server_used, began = cpu_s(pid), family_cpu_s(server), time.monotonic()
            recording.replay(self.redis, replayed)
            contender.await_ended(replayed.tasks)
            took = time.monotonic() - began
            return {
                "events_per_second": replayed.events / took,
                "cpu_us": 1e6 * (cpu_s(pid) - used) / replayed.events,
                "database_cpu_us": 1e6 * (family_cpu_s(server) - server_used) / replayed.events,
            }


def main() -> None:
    parser = options(__doc__.partition("\n\n")[0])
    parser.add_argument("--rounds", type=int, help=f"runs of each contender ({ROUNDS})")
    parser.add_argument("--tasks", type=int, help=f"tasks of a recording ({TASKS})")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these contenders, and Flower")
    given = parser.parse_args()
    with ExitStack() as stack:
        redis = stack.enter_context(running_redis())
        postgresql = stack.enter_context(running_postgresql())
        directory = stack.enter_context(private_directory("ingest"))
        recording.unbounded(redis)
        report("ingest", _measure(Bench(redis, postgresql, directory), given))


def _measure(bench: Bench, given: argparse.Namespace) -> dict[str, object]:
    tasks = given.tasks or (QUICK_TASKS if given.quick else TASKS)
    rounds = given.rounds or (1 if given.quick else ROUNDS)
    single = recording.record(bench.redis, bench.directory, tasks)
    figures: dict[str, object] = {}
    for name, replayed in {"single": single, "packed": recording.packed(single)}.items():
        runs: Runs = defaultdict(list)
        for round_ in range(rounds):
            for contender, start in bench.contenders(tasks).items():
                if given.only and contender not in (PEER, *given.only):
                    continue
                say(f"{name}, round {round_ + 1}: {contender}")
                runs[contender].append(bench.run(start, replayed))
        figures[name] = _told(name, replayed, runs)
    return figures


def _told(name: str, replayed: Recording, runs: Runs) -> dict[str, object]:
    medians = {
        contender: {figure: median(run[figure] for run in told) for figure in told[0]}
        for contender, told in runs.items()
    }
    peer = dict(medians[PEER])
    for told in medians.values():
        told["times_flower"] = round(told["events_per_second"] / peer["events_per_second"], 2)
        told["times_flower_per_cpu"] = round(peer["cpu_us"] / told["cpu_us"], 2)
    table(
        f"{name}: {replayed.events} events of {replayed.tasks} tasks,"
        f" {replayed.events_a_message} a message; to reach: {GOALS[name]} times Flower",
        ("", "events/s", "times Flower", "CPU us/event", "times Flower per CPU", "PostgreSQL us"),
        (
            (
                contender,
                round(told["events_per_second"]),
                told["times_flower"],
                round(told["cpu_us"], 1),
                told["times_flower_per_cpu"],
                round(told["database_cpu_us"], 1),
            )
            for contender, told in medians.items()
        ),
    )
    return {"events_a_message": replayed.events_a_message, "goal": GOALS[name], **medians}


if __name__ == "__main__":
    main()
