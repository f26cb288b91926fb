"""After a gap: ask the result backend how the tasks ended whose end was not heard."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from realtime.core.events import Event
from realtime.inbox import Inbox
from realtime.ports import Delivery

logger = logging.getLogger(__name__)

CHUNK = 100
"""Ids in one question: a few milliseconds of the backend's time."""
PAUSE_S = 0.05
"""Between questions: at most 2,000 results a second are asked for."""

Lookup = Callable[[Sequence[str]], Iterable[Event]]


class Repairer:
    """Asks on a thread of its own and puts the answers in the inbox like any other event."""

    def __init__(self, lookup: Lookup, inbox: Inbox, clock: Callable[[], float]) -> None:
        self._lookup = lookup
        self._inbox = inbox
        self._clock = clock
        self._ids: deque[str] = deque()
        self._changed = threading.Condition()
        self._is_stopping = False
        self.is_busy = False
        self.repaired = 0

    def ask(self, ids: Iterable[str]) -> None:
        """Look these tasks up soon; never blocks."""
        with self._changed:
            waiting = set(self._ids)
            self._ids.extend(task_id for task_id in ids if task_id not in waiting)
            self.is_busy = bool(self._ids)
            self._changed.notify_all()

    def stop(self) -> None:
        """Ask `run` to return."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()

    def run(self) -> None:
        """Answer questions until `stop`."""
        while True:
            with self._changed:
                self.is_busy = bool(self._ids)
                self._changed.wait_for(lambda: self._ids or self._is_stopping)
                if self._is_stopping:
                    return
                chunk = [self._ids.popleft() for _ in range(min(CHUNK, len(self._ids)))]
            self._look_up(chunk)
            with self._changed:
                self._changed.wait_for(lambda: self._is_stopping, PAUSE_S)

    def _look_up(self, ids: list[str]) -> None:
        try:
            events = list(self._lookup(ids))
        except Exception:
            # Backends raise whatever their client library does; the tasks stay as they were.
            logger.exception("The result backend did not answer", extra={"action": "repair_failed"})
            return
        if events:
            self._inbox.put(Delivery(events, self._clock(), None), timeout_s=10.0)
            self.repaired += len(events)
