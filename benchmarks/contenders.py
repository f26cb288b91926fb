"""The processes that are measured: a receiver of Headway on its store, and Flower's state."""

import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.harness import flower_python
from benchmarks.recording import has_listener
from tests.services.headway import Headway, HeadwayWeb
from tests.services.postgresql import PostgresqlServer
from tests.services.process import Process, wait_until
from tests.services.redis import RedisServer

FLOWER_TASKS = 100_000
"""Flower's default `max_tasks`."""
_COUNT = (
    "SELECT count(*) FROM headway_task"
    " WHERE id >= '{mark}' AND id < '{mark}g' AND conclusion IS NOT NULL"
)
"""Hexadecimal ids that begin with a mark, by the index of the primary key."""
_ALIVE = "SELECT count(*) FROM headway_stream WHERE alive_at IS NOT NULL"

Ask = Callable[[str], int]
"""The one number that a query answers."""


class Contender:
    """A running process that takes events. `ended` tells how many tasks whose ids begin with a text
    it knows the end of."""

    def __init__(self, process: Process, ended: Callable[[str], int]) -> None:
        self.process = process
        self._ended = ended

    def await_ended(self, tasks: int, mark: str = "", timeout_s: float = 120) -> None:
        """Return once it knows the end of this many tasks whose ids begin with `mark`."""
        what = f"{tasks} ended tasks"
        self.process.wait_for(lambda: self._ended(mark) >= tasks, timeout_s, what)


def prepared(server: PostgresqlServer, directory: Path) -> dict[str, str]:
    """The environment of Headway's commands on an empty, migrated database."""
    env = {
        "HEADWAY_DATABASE_URL": server.add_database(),
        "HEADWAY_SECRET_KEY": secrets.token_urlsafe(40),
        "HEADWAY_ADMIN_PASSWORD": secrets.token_urlsafe(20),
    }
    with Headway(directory, "manage", "migrate", env=env) as migration:
        if migration.wait_for_exit(120):
            raise RuntimeError(migration.output())
    return env


@contextmanager
def on_postgresql(
    redis: RedisServer, server: PostgresqlServer, directory: Path
) -> Iterator[Contender]:
    """`headway receiver` on an empty PostgreSQL database, publishing as it does in production."""
    env = prepared(server, directory)
    options = ["--broker", redis.url(), "--channel-layer", redis.url(1)]
    options += ["--node-id", "benchmark", "--log-level", "warning"]
    with psycopg.connect(env["HEADWAY_DATABASE_URL"], autocommit=True) as connection:

        def ask(query: str) -> int:
            [(number,)] = connection.execute(query).fetchall()
            return int(number)

        with Headway(directory, "receiver", *options, env=env) as process:
            yield _ready(process, redis, ask)


@contextmanager
def on_sqlite(redis: RedisServer, directory: Path) -> Iterator[Contender]:
    """`headway serve` on an empty SQLite database: receiver and web in one process."""
    data = directory / f"data-{len(list(directory.iterdir()))}"
    options = ["--broker", redis.url(), "--data", str(data), "--log-level", "warning"]
    with HeadwayWeb(directory, "serve", *options) as process:
        [path] = data.glob("*.sqlite3")
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:

            def ask(query: str) -> int:
                [(number,)] = connection.execute(query).fetchall()
                return int(number)

            yield _ready(process, redis, ask)


def _ready(process: Headway, redis: RedisServer, ask: Ask) -> Contender:
    """The receiver once it leads and listens."""
    process.wait_for(lambda: ask(_ALIVE) > 0, 30, "the lease")
    process.wait_for(lambda: has_listener(redis), 30, "its subscription")
    return Contender(process, lambda mark: ask(_COUNT.format(mark=mark)))


@contextmanager
def flower(
    redis: RedisServer, directory: Path, tasks: int, max_tasks: int = FLOWER_TASKS
) -> Iterator[Contender]:
    """Flower's state, asked after every `tasks` tasks."""
    command: list[Any] = [flower_python(), Path(__file__).parent / "flower_state.py"]
    log = directory / f"flower-{len(list(directory.iterdir()))}.log"
    with Process([*command, redis.url(), str(tasks), str(max_tasks)], log=log) as process:
        process.wait_for(lambda: has_listener(redis), 30, "its subscription")
        yield Contender(process, lambda mark: _told(process, mark, tasks))


def _told(process: Process, mark: str, tasks: int) -> int:
    """It says so after each `tasks` tasks; a mark is the number of that round."""
    return tasks * (process.output().count("ended") > int(mark or "0", 16))


def await_silence(redis: RedisServer) -> None:
    """Return when nobody listens any more."""
    wait_until(lambda: not has_listener(redis), 30, "the last subscriber to go")
