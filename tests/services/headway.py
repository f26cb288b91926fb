"""The `headway` command, in a process of its own."""

import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from tests.services.process import Process, free_port

_COMMAND = "import sys; from dashboard.server.cli import main; sys.exit(main())"


class Headway(Process):
    """`headway ARGUMENTS...` of the code under test, its output in a file of `directory`."""

    def __init__(
        self,
        directory: Path,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        program: tuple[str | Path, ...] = (sys.executable, "-c", _COMMAND),
    ) -> None:
        super().__init__(
            [*program, *arguments],
            log=directory / f"headway-{arguments[0]}-{free_port()}.log",
            env={"PYTHONUNBUFFERED": "1", **(env or {})},
        )


class HeadwayWeb(Headway):
    """A `headway` command that serves pages, on a free port of the loopback interface."""

    def __init__(
        self,
        directory: Path,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        program: tuple[str | Path, ...] = (sys.executable, "-c", _COMMAND),
    ) -> None:
        self.port = free_port()
        super().__init__(directory, *arguments, "--port", str(self.port), env=env, program=program)

    @property
    def url(self) -> str:
        """Address of the server, without a slash at its end."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and return when its health page answers 200."""
        super().start()
        self.wait_for_http("/healthz")

    def wait_for_http(self, path: str, status: int = 200, timeout_s: float = 30) -> None:
        """Return once `path` is answered with `status`."""
        self.wait_for(lambda: self._status(path) == status, timeout_s, f"{path} to answer {status}")

    def _status(self, path: str) -> int:
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code
