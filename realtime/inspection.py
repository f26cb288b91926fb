"""What workers answer when asked: their pool, its size and their queues.

Runs on a thread and a connection of its own: an answer takes as long as a worker likes.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from celery import Celery

from realtime import broker
from realtime.backoff import Backoff
from realtime.core.events import MAX_ID, MAX_WORD, Event, Fields, clean
from realtime.inbox import Inbox
from realtime.ports import Delivery

logger = logging.getLogger(__name__)

KIND = "worker-inspected"
ANSWER_S = 2.0
"""A worker answers between two of its loop's turns; one that takes longer is asked again."""
GATHER_S = 0.5
"""Workers that come up together are asked together."""
TRIES = 3
MAX_ASKED = 500
"""Workers in one question."""
MAX_QUEUES = 100


class Inspection:
    """Asks each noticed worker once, and again up to `TRIES` times while it does not answer."""

    def __init__(
        self, app: Celery, inbox: Inbox, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._app = app
        self._inbox = inbox
        self._clock = clock
        self._changed = threading.Condition()
        self._tries: dict[str, int] = {}
        self._is_stopping = False

    def notice(self, hostname: str) -> None:
        """Have this worker asked soon; never blocks, callable from any thread."""
        with self._changed:
            if len(self._tries) < MAX_ASKED:
                self._tries[hostname] = TRIES
                self._changed.notify_all()

    def stop(self) -> None:
        """Ask `run` to return."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()

    def run(self) -> None:
        """Answer notices until `stop`; the broker may come and go."""
        backoff = Backoff()
        while self._await_notice():
            try:
                with broker.connection(self._app, is_writer=True) as link:
                    broker.connect(link)
                    self._ask(broker.mailbox(self._app, link))
                backoff.reset()
            except Exception as error:  # noqa: BLE001 - a transport raises what it likes
                logger.info(
                    "Workers cannot be inspected: %s",
                    broker.reason(error),
                    extra={"action": "inspection_failed"},
                )
                self._pause(backoff.next_s())

    def _await_notice(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._tries or self._is_stopping)
        self._pause(GATHER_S)
        return not self._is_stopping

    def _pause(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._is_stopping, seconds)

    def _ask(self, mailbox: Any) -> None:
        with self._changed:
            asked = sorted(self._tries)
            for hostname in asked:
                self._tries[hostname] -= 1
        stats = _answers(mailbox.call(asked, "stats", timeout=ANSWER_S))
        queues = _answers(mailbox.call(asked, "active_queues", timeout=ANSWER_S))
        now = self._clock()
        found = [
            Event(KIND, name, name, 0, now, 0, now, _fields(stats[name], queues.get(name)))
            for name in asked
            if name in stats
        ]
        if found and not self._inbox.put(Delivery(found, now, None), timeout_s=ANSWER_S):
            return
        with self._changed:
            for hostname in asked:
                if hostname in stats or self._tries.get(hostname, 0) <= 0:
                    self._tries.pop(hostname, None)


def _answers(replies: object) -> dict[str, object]:
    """Hostname to what it answered, of the list of one-item dicts that pidbox gathers."""
    found: dict[str, object] = {}
    for reply in replies if isinstance(replies, list) else ():
        if isinstance(reply, Mapping):
            found.update((name, value) for name, value in reply.items() if isinstance(name, str))
    return {name: value for name, value in found.items() if len(name) <= MAX_ID}


def _fields(stats: object, queues: object) -> Fields:
    pool = stats.get("pool") if isinstance(stats, Mapping) else None
    pool = pool if isinstance(pool, Mapping) else {}
    size = pool.get("max-concurrency")
    is_size = isinstance(size, int) and not isinstance(size, bool) and 0 <= size < 2**31
    return {
        "pool": _pool_name(pool.get("implementation")),
        "concurrency": size if is_size else None,
        "queues": _queue_names(queues),
    }


def _pool_name(implementation: object) -> str | None:
    """`prefork` of `celery.concurrency.prefork:TaskPool`."""
    text = clean(implementation, MAX_WORD)
    return None if text is None else text.partition(":")[0].rpartition(".")[2] or text


def _queue_names(queues: object) -> tuple[str, ...] | None:
    if not isinstance(queues, list):
        return None
    names = (clean(queue.get("name"), MAX_WORD) for queue in queues if isinstance(queue, Mapping))
    return tuple(name for name in names if name)[:MAX_QUEUES]
