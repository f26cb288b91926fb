"""Child processes of tests: output in a file, readiness a condition, ended by their ids."""

import contextlib
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self, TypeVar

ROOT = Path(__file__).resolve().parents[2]
"""Top of the repository, the working directory of every child unless it says otherwise."""

Answer = TypeVar("Answer")

_POLL_S = 0.02

# What the test run sets for itself would change what a user's program does.
_OWN_VARIABLES = ("CELERY_", "DJANGO_", "HEADWAY_", "PYTEST_")


class NotReady(AssertionError):
    """A condition did not come true in its time; the message carries what the process printed."""


def free_port() -> int:
    """Return a TCP port of the loopback interface that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(
    condition: Callable[[], Answer | None], timeout_s: float = 30, what: str = ""
) -> Answer:
    """Return the first true answer of `condition`, or raise NotReady after `timeout_s`.

    OSError counts as "not yet": a server that is starting refuses connections.
    """
    deadline = time.monotonic() + timeout_s
    error: OSError | None = None
    while time.monotonic() < deadline:
        try:
            if answer := condition():
                return answer
        except OSError as refused:
            error = refused
        time.sleep(_POLL_S)
    raise NotReady(f"{what or condition} not within {timeout_s} s") from error


@contextlib.contextmanager
def private_directory(name: str, owner: str | None = None) -> Iterator[Path]:
    """Make a directory only `owner` (a user name; by default oneself) may enter; remove it."""
    with tempfile.TemporaryDirectory(prefix=f"headway-{name}-", ignore_cleanup_errors=True) as path:
        if owner is not None:
            shutil.chown(path, owner)
        yield Path(path)


class Process:
    """One program as the leader of its own process group, its output in the file `log`.

    `start` may follow `stop` or `kill`: the same command again, its output appended.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path = ROOT,
        user: str | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.command = [str(part) for part in command]
        self.log = log
        self.env = _clean_environment() | dict(env or {})
        self.cwd = cwd
        self.user = user
        self.stop_signal = stop_signal
        self._child: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Process id of the running child, which is its process group as well."""
        assert self._child is not None, f"{self.command[0]} was not started"
        return self._child.pid

    @property
    def is_running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    @property
    def returncode(self) -> int | None:
        """Exit code, or the negative number of the signal that ended it; None while it runs."""
        return self._child.poll() if self._child else None

    def output(self) -> str:
        """Return what the child printed since its last start, both streams together."""
        if not self.log.exists():
            return ""
        return self.log.read_bytes()[self._log_start :].decode(errors="replace")

    def start(self) -> None:
        """Start the program; it is not ready yet."""
        assert not self.is_running, f"{self.command[0]} already runs"
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.cwd,
                env=self.env,
                start_new_session=True,
                user=self.user,
                group=None if self.user is None else pwd.getpwnam(self.user).pw_gid,
                extra_groups=None if self.user is None else [],
            )

    def stop(self, timeout_s: float = 15) -> int | None:
        """Ask the program to end, kill its whole group after `timeout_s`; return its exit code."""
        if self.is_running:
            self._signal(signal.SIGCONT)
            self._signal(self.stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._reap(timeout_s)
        self.kill()
        return self.returncode

    def kill(self) -> None:
        """End the program and all of its children at once, as a power cut would."""
        if self._child is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._reap(10)

    def pause(self) -> None:
        """Freeze the program: its sockets stay open and answer nothing."""
        self._signal(signal.SIGSTOP)
        # The last of its threads may answer a question yet until the system has stopped it.
        os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def resume(self) -> None:
        """Let a frozen program go on."""
        self._signal(signal.SIGCONT)

    def wait_for_exit(self, timeout_s: float = 30) -> int:
        """Return the exit code of a program that ends by itself."""
        try:
            return self._reap(timeout_s)
        except subprocess.TimeoutExpired:
            raise NotReady(self._described(f"did not end within {timeout_s} s")) from None

    def wait_for(
        self, condition: Callable[[], Answer | None], timeout_s: float = 30, what: str = "ready"
    ) -> Answer:
        """Return the first true answer of `condition`; raise NotReady once the program is gone."""

        def checked() -> Answer | None:
            if not self.is_running:
                raise NotReady(self._described(f"ended with {self.returncode} before {what}"))
            return condition()

        try:
            return wait_until(checked, timeout_s, what)
        except NotReady as late:
            raise NotReady(self._described(str(late))) from late

    def wait_for_line(self, pattern: str, timeout_s: float = 30) -> re.Match[str]:
        """Return the first match of `pattern` in a line printed since the last start."""
        regex = re.compile(pattern, re.MULTILINE)
        return self.wait_for(lambda: regex.search(self.output()), timeout_s, f"line {pattern!r}")

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def _reap(self, timeout_s: float) -> int:
        assert self._child is not None
        return self._child.wait(timeout_s)

    def _described(self, message: str) -> str:
        return f"{' '.join(self.command)}: {message}\n{self.output()[-4000:]}"


def _clean_environment() -> dict[str, str]:
    inherited = os.environ.items()
    return {name: value for name, value in inherited if not name.startswith(_OWN_VARIABLES)}


class Service:
    """A server of which a test may do everything that can happen to one."""

    process: Process

    def start(self) -> None:
        """Start it and return when it answers."""
        self.process.start()
        self.process.wait_for(self._answers, 60, f"{self.process.command[0]} to answer")

    def stop(self) -> None:
        """End it in order; what is durable is kept."""
        self.process.stop(30)

    def kill(self) -> None:
        self.process.kill()

    def pause(self) -> None:
        self.process.pause()

    def resume(self) -> None:
        self.process.resume()

    def _answers(self) -> bool:
        raise NotImplementedError
