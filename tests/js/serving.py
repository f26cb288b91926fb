"""The fake server of the browser tests as its own process."""

import json
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.services.process import Process, free_port, private_directory, wait_until


class Server:
    """The fake server, and what it is told to do."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def tell(self, **message: Any) -> None:
        request = urllib.request.Request(f"{self.url}/control", data=json.dumps(message).encode())
        with urllib.request.urlopen(request):
            pass

    def asked(self) -> dict[str, Any]:
        """`log`: all that clients sent; `sockets`: how many are open."""
        with urllib.request.urlopen(f"{self.url}/control") as answer:
            asked: dict[str, Any] = json.load(answer)
            return asked

    def heard(self, op: str) -> list[dict[str, Any]]:
        return [message for message in self.asked()["log"] if message["op"] == op]

    def is_ready(self) -> bool:
        self.heard("open")
        return True


@contextmanager
def running(app: str = "tests.js.fake_server:app") -> Iterator[Server]:
    """Yield a server that answers."""
    port = free_port()
    with private_directory("fake-server") as directory:
        command = [sys.executable, "-m", "daphne", "-p", str(port), app]
        with Process(command, log=Path(directory) / "log") as process:
            fake = Server(port)
            wait_until(fake.is_ready, what=f"{process.command} answers")
            yield fake
