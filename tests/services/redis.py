"""A private Redis server."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from tests.services.needs import require_program
from tests.services.process import Process, Service, free_port, private_directory

_OPTIONS = ("--save", "", "--appendonly", "no")


class RedisServer(Service):
    """redis-server on a free port of the loopback interface, without persistence.

    `stop` and `start` restart it empty on the same port; `pause` freezes it.
    """

    def __init__(self, program: Path, directory: Path) -> None:
        self.port = free_port()
        self.process = Process(
            [
                program,
                "--port",
                str(self.port),
                "--bind",
                "127.0.0.1",
                "--dir",
                directory,
                *_OPTIONS,
            ],
            log=directory / "redis.log",
        )

    def url(self, database: int = 0) -> str:
        return f"redis://127.0.0.1:{self.port}/{database}"

    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port, socket_timeout=5, retry=None)

    def reset(self) -> None:
        """Bring it back to a running server that holds nothing."""
        if not self.process.is_running:
            return self.start()
        self.resume()
        with self.client() as client:
            client.flushall()
        return None

    def _answers(self) -> bool:
        with self.client() as client:
            try:
                return bool(client.ping())
            except redis.ConnectionError:
                return False


@contextmanager
def running_redis() -> Iterator[RedisServer]:
    """Yield a Redis server that answers; end it afterwards."""
    program = require_program("redis-server", "valkey-server")
    with private_directory("redis") as directory:
        server = RedisServer(program, directory)
        try:
            server.start()
            yield server
        finally:
            server.stop()
