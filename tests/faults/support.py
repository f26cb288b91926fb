"""What the tests of faults share: load on a real cluster, the truth, and eyes on the stream."""

import json
import random
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, Self

import pytest
import redis
from celery import Celery

from tests.acceptance.support import Row, Site, Split
from tests.integration import celery_app
from tests.services.process import wait_until

TASKS_PER_S = 60
"""About 240 events a second: a load that two shared cores carry beside everything else."""
END_S = 90.0
"""How long the last tasks, retries and repairs may take once a fault is over."""

_KINDS: list[tuple[int, Callable[[int], tuple[Any, tuple[Any, ...]]]]] = [
    (12, lambda n: (celery_app.add, (n, n))),
    (3, lambda n: (celery_app.fail, (f"no {n}",))),
    (3, lambda n: (celery_app.flaky, (1 + n % 3,))),
    (2, lambda _: (celery_app.slow, (0.02,))),
]
_DAY = [make for number, make in _KINDS for _ in range(number)]


class Load:
    """Tasks of several kinds, sent at a steady pace from a thread of its own.

    `sent` is what the broker has surely taken. What was underway when the broker failed may or
    may not have arrived, as for any client; that is in `unsure`.
    """

    def __init__(self, app: Celery, per_second: float = TASKS_PER_S) -> None:
        self.sent: list[str] = []
        self.unsure: set[str] = set()
        self._app = app
        self._pause_s = 1 / per_second
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Send no more."""
        self._stopping.set()
        self._thread.join(60)
        assert not self._thread.is_alive()

    def wait_for(self, more: int, timeout_s: float = 60) -> None:
        """Return when so many more were sent."""
        enough = len(self.sent) + more
        wait_until(lambda: len(self.sent) >= enough, timeout_s, f"{more} more tasks")

    def _run(self) -> None:
        order = random.Random(7)  # noqa: S311 - an order, not a secret
        number = 0
        while not self._stopping.wait(self._pause_s):
            number += 1
            task, args = order.choice(_DAY)(number)
            task_id = str(uuid.uuid4())
            try:
                self._app.tasks[task.name].apply_async(args, task_id=task_id, retry=False)
            except Exception:  # noqa: BLE001 - whatever its client does when a broker goes
                self.unsure.add(task_id)
            else:
                self.sent.append(task_id)


class Truth:
    """What the result backend has of tasks, by their ids."""

    def __init__(self, url: str) -> None:
        self._url = url

    def of(self, ids: list[str]) -> dict[str, Row]:
        """The stored result of each task that has one."""
        with redis.Redis.from_url(self._url, socket_timeout=10) as client:
            values = client.mget([f"celery-task-meta-{task_id}" for task_id in ids]) if ids else []
        return {i: json.loads(v) for i, v in zip(ids, values, strict=True) if v}

    def is_over(self, ids: list[str]) -> bool:
        """Whether every one of them has come to its end."""
        told = self.of(ids)
        return len(told) == len(ids) and all(_is_end(meta) for meta in told.values())


def _is_end(meta: Row) -> bool:
    return meta["status"] in ("SUCCESS", "FAILURE", "REVOKED", "RETRY")


def differences(stored: Mapping[str, Row], told: Mapping[str, Row]) -> dict[str, Any]:
    """By id, what is stored and what the result backend says, where these differ."""
    found = {}
    for task_id, meta in told.items():
        row = stored.get(task_id)
        shown = row and (row["name"], row["state"], row["conclusion"], row["retries"])
        if is_unknowable(meta, row):
            continue
        if shown != (true := expected(meta)):
            found[task_id] = (shown, row and row["reason"], true)
    return found


def is_unknowable(meta: Row, row: Row | None) -> bool:
    """Whether the end of this task was never heard and is stored nowhere, and its row says so."""
    is_overwritten = meta["status"] == "RETRY" and row is not None
    return bool(is_overwritten and row and "Only its stored result" in (row["reason"] or ""))


def expected(meta: Row) -> tuple[object, ...]:
    """Name, state, conclusion and retries that belong to a stored result."""
    if meta["status"] == "RETRY":
        # The child that failed stores RETRY after it has sent the next attempt, and may be the
        # later one (Celery's `TraceInfo.handle_retry`): it ended as its argument says.
        return meta["name"], "SUCCESS", "succeeded", meta["args"][0] - 1
    conclusion = {"SUCCESS": "succeeded", "FAILURE": "failed", "REVOKED": "cancelled"}
    return meta["name"], meta["status"], conclusion[meta["status"]], meta["retries"]


def assert_all_true(site: Site, truth: Truth, ids: list[str], timeout_s: float = END_S) -> None:
    """Every task has come to its end, and is stored as it ended; those that are not are named."""
    wait_until(lambda: truth.is_over(ids), timeout_s, "the end of all tasks")
    told = truth.of(ids)
    with suppress(AssertionError):
        wait_until(lambda: not differences(stored_tasks(site), told), timeout_s)
    wrong = differences(stored_tasks(site), told)
    assert not wrong, f"{len(wrong)} of {len(ids)} are wrong: {dict(list(wrong.items())[:8])}"


def stored_tasks(site: Site) -> dict[str, Row]:
    try:
        return site.tasks()
    except (AssertionError, OSError):
        return {}


class Seen(NamedTuple):
    """One look at the stream; `at` by a clock that never goes back."""

    at: float
    state: str
    receiver: str | None
    gap: Row | None


class Watch:
    """Looks at the stream all the time, as an open page does, and keeps what it saw."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.seen: list[Seen] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(30)

    @property
    def states(self) -> list[str]:
        """The states in the order in which they came, each once in a row."""
        states = [seen.state for seen in self.seen]
        return [state for n, state in enumerate(states) if n == 0 or states[n - 1] != state]

    def wait_for(self, state: str, since: float = 0.0, timeout_s: float = 60) -> Seen:
        """The first look at this state after `since`."""
        return wait_until(
            lambda: next((s for s in self.seen if s.at > since and s.state == state), None),
            timeout_s,
            f"the stream to be {state}",
        )

    def _run(self) -> None:
        while not self._stopping.wait(0.1):
            with suppress(AssertionError, OSError):
                told = self._site.get("stream")
                seen = Seen(time.monotonic(), told["state"], told["receiver"], told["gap"])
                self.seen.append(seen)


class Cluster(Split):
    """As many receivers and web processes as a test needs."""

    def __init__(self, directory: Path, *, receivers: int = 1, webs: int = 1, **urls: Any) -> None:
        super().__init__(directory, **urls)
        self.receivers = self.receivers[:receivers]
        self.webs = self.webs[:webs]

    def standby(self) -> Any:
        """The receiver that does not lead."""
        leader = self.leader()
        return next(receiver for receiver in self.receivers if receiver is not leader)

    def wait_for_leader(self, receiver: Any, timeout_s: float = 30) -> float:
        """When this receiver was first seen to lead, by a clock that never goes back."""

        def leads() -> float | None:
            with suppress(StopIteration):
                return time.monotonic() if self.leader() is receiver else None
            return None

        return wait_until(leads, timeout_s, f"receiver {receiver.pid} to lead")


@contextmanager
def connected(broker: str, backend: str | None = None) -> Iterator[Celery]:
    """The sample application as a client, which reads no results unless it is told where; its
    broker connections give up in good time."""
    with celery_app.connected(broker, backend) as app:
        app.conf.broker_transport_options = {"socket_timeout": 30, "socket_connect_timeout": 5}
        yield app


def gap_of(site: Site) -> Row | None:
    """The newest gap, once it is closed."""
    gap = site.get("stream")["gap"]
    return gap if gap and gap["until_at"] else None


def wait_until_repaired(site: Site, timeout_s: float = 60) -> Row:
    """The newest gap, once the stream is live again and nothing is left to repair."""

    def repaired() -> Row | None:
        told = site.get("stream")
        is_over = told["state"] == "live" and told["gap"] and told["gap"]["until_at"]
        return told["gap"] if is_over else None

    return wait_until(repaired, timeout_s, "a gap that is over and a live stream")


def tell(capsys: pytest.CaptureFixture[str], goal: str, measured: str) -> None:
    """One line of the table in docs/reliability.md."""
    with capsys.disabled():
        sys.stdout.write(f"\n| {goal} | {measured} |\n")
