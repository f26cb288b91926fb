"""The background thread that tells the broker what tasks report, so that no task ever waits.

One a process, started by the first report after the fork. A report says once that it has news, and
is asked for them when they are due; whatever may go then goes into the same message. A message
takes 200 us of CPU, and the task's thread has to make way for it: so few are made.
"""

import logging
import os
import threading
import time
from collections import deque
from typing import Any, Protocol

from realtime.worker.outlet import Fields, Outlet

MESSAGE_EVERY_S = 0.05
"""At most 20 messages a second from a process, however many short tasks it runs."""
LOOK_EVERY_S = 0.1
"""Busy, it looks for news by the clock: to be woken by every report costs a task more."""
MAX_EVENTS = 50
"""In one message: of at most some 2 KB each, they stay below what a receiver takes (256 KB)."""
MAX_WAITING = 1000
"""What a process holds while its broker is away; what comes beyond is dropped."""
IDLE_S = 10.0
"""A connection that was not used for so long is closed: a worker has many processes, and nobody
would answer the broker's heartbeats on it."""
FLUSH_S = 1.0
"""What the end of a process may wait for its last values."""

logger = logging.getLogger(__name__)


class News(Protocol):
    """Something that has news to tell."""

    app: Any

    def due_at(self) -> float:
        """When it is to be told, by the monotonic clock in seconds."""

    def ready_at(self) -> float:
        """When it may go with a message that others are due for, by the same clock."""

    def take(self) -> Fields:
        """The event that tells it, whole but for what every event has."""

    def put_back(self) -> bool:
        """It could not be told; whether it is to be tried again."""

    def drop(self) -> None:
        """Too much waits: it will not be told."""


class Sender:
    """Takes news from any thread and sends them from one of its own."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew, as in a process just forked: threads and connections are the parent's."""
        self._inbox: deque[News] = deque()
        self._flushes: deque[threading.Event] = deque()
        self._wake = threading.Event()
        self._is_idle = self._is_busy = False
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._waiting: list[News] = []
        self._outlets: dict[int, Outlet] = {}
        self._next_at = 0.0
        self._is_down = False

    def put(self, news: News) -> None:
        """Have it told when it is due. Takes about a microsecond and never raises."""
        if len(self._inbox) >= MAX_WAITING:
            news.drop()
            return
        self._inbox.append(news)
        if self._thread is None:
            self._start()
        elif self._is_idle:
            self._wake.set()

    def flush(self, timeout_s: float = FLUSH_S) -> bool:
        """Send everything now; whether that was done within `timeout_s`."""
        if self._thread is None:
            return True
        is_done = threading.Event()
        self._flushes.append(is_done)
        self._wake.set()
        return is_done.wait(timeout_s)

    def _start(self) -> None:
        with self._starting:
            if self._thread is not None:
                return
            thread = threading.Thread(target=self._run, name="headway-sender", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                # No thread to be had: the process ends, or is at its limit.
                return
            self._thread = thread

    def _run(self) -> None:
        while True:
            self._sleep()
            flushes = [self._flushes.popleft() for _ in range(len(self._flushes))]
            self._is_busy = bool(self._inbox or self._waiting)
            for _ in range(len(self._inbox)):
                self._wait(self._inbox.popleft())
            now = time.monotonic()
            if flushes:
                self._send(now, float("inf"))
            elif now >= self._next_at and any(self._due_at(news) <= now for news in self._waiting):
                self._send(now, now)
            for flushed in flushes:
                flushed.set()

    def _sleep(self) -> None:
        """Until there may be something to do. Only after a look that found no news it is idle, and
        woken by the next: a task that goes on has some every time."""
        if self._is_busy:
            self._wake.wait(self._until_look_s())
        else:
            self._is_idle = True
            # What came before the flag was up has woken nobody.
            if not (self._inbox or self._flushes) and not self._wake.wait(self._patience_s()):
                self._close()
            self._is_idle = False
        self._wake.clear()

    def _until_look_s(self) -> float:
        """Until the first news known is due; there may be others by then."""
        now = time.monotonic()
        due_at = min(map(self._due_at, self._waiting), default=now + LOOK_EVERY_S)
        wait = min(max(due_at - now, MESSAGE_EVERY_S), LOOK_EVERY_S)
        return max(self._next_at - now, wait)

    def _due_at(self, news: News) -> float:
        return max(news.due_at(), self._outlet(news.app).retry_at)

    def _outlet(self, app: Any) -> Outlet:
        outlet = self._outlets.get(id(app))
        if outlet is None:
            outlet = self._outlets[id(app)] = Outlet(app)
        return outlet

    def _patience_s(self) -> float | None:
        is_open = any(outlet.is_open for outlet in self._outlets.values())
        return IDLE_S if is_open else None

    def _wait(self, news: News) -> None:
        if len(self._waiting) < MAX_WAITING:
            self._waiting.append(news)
        else:
            news.drop()

    def _send(self, now: float, until: float) -> None:
        """Tell what is ready by `until`."""
        waiting, self._waiting = self._waiting, []
        by_app: dict[int, list[News]] = {}
        for news in waiting:
            is_ready = max(news.ready_at(), self._outlet(news.app).retry_at) <= until
            (by_app.setdefault(id(news.app), []) if is_ready else self._waiting).append(news)
        for told in by_app.values():
            self._next_at = now + MESSAGE_EVERY_S
            for start in range(0, len(told), MAX_EVENTS):
                self._send_message(told[start : start + MAX_EVENTS])

    def _send_message(self, told: list[News]) -> None:
        outlet = self._outlet(told[0].app)
        events = [news.take() for news in told]
        was_open = outlet.is_open
        try:
            try:
                outlet.send(events)
            except Exception:
                if not was_open:
                    raise
                # A connection that slept may have died unnoticed; a new one tells whether.
                outlet.close()
                outlet.send(events)
        except Exception as error:  # noqa: BLE001 - a transport raises what it likes
            outlet.failed()
            self._failed(told, error)
        else:
            outlet.worked()
            self._is_down = False

    def _failed(self, told: list[News], error: Exception) -> None:
        for news in told:
            if news.put_back():
                self._wait(news)
        if not self._is_down:
            self._is_down = True
            logger.warning("Progress is not sent, the broker is away: %s", error)

    def _close(self) -> None:
        for outlet in self._outlets.values():
            outlet.close()


sender = Sender()
os.register_at_fork(after_in_child=sender.forget)
