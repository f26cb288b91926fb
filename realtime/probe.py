"""The receiver's own voice: probes through the broker, and asking workers for their events.

It has a thread and a connection of its own, so that neither a stuck consumer can hide behind it
nor a slow publish hold up reading.
"""

import logging
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from celery import Celery

from realtime import broker
from realtime.backoff import Backoff

logger = logging.getLogger(__name__)

KIND = "headway-probe"
INTERVAL_S = 1.0
ENABLE_INTERVAL_S = 60.0
"""A worker started without `-E` that we have not heard is asked within a minute."""
MAX_UNDERWAY = 60
"""Probes on their way that are remembered: a minute of them."""
MAX_ASKED = 1_000
"""Workers waiting to be asked; beyond that the next broadcast reaches them."""


class Probe:
    """Sends a probe a second and measures its way. Other threads call everything but `run`."""

    def __init__(
        self,
        app: Celery,
        *,
        node_id: str,
        clock: Callable[[], float],
        enable_events: bool = True,
    ) -> None:
        self._app = app
        self._node_id = node_id
        self._clock = clock
        self._enable_events = enable_events
        # An AMQP queue may still hold the probes of our predecessor under the same node_id.
        self._run_id = secrets.token_hex(8)
        self._wake = threading.Event()
        self._is_stopping = False
        self._lock = threading.Lock()
        self._underway: OrderedDict[int, float] = OrderedDict()
        self._asked: set[str] = set()
        self._is_all_asked = False
        self._number = 0
        self._lag_s: float | None = None
        self._returned_from: float | None = None
        self._enabled_at = 0.0
        self._failure: str | None = None

    @property
    def failure(self) -> str | None:
        """Why the last probe could not be sent, or None."""
        return self._failure

    @property
    def returned_from(self) -> float | None:
        """When the newest probe that came back was sent, Unix seconds; None before the first."""
        return self._returned_from

    def waiting_since(self) -> float | None:
        """When the oldest probe still underway was sent, Unix seconds; None when all are back."""
        with self._lock:
            return next(iter(self._underway.values()), None)

    def lag_ms(self, now: float) -> int | None:
        """The way of the newest probe back, or the age of one that is late; None before the
        first came back."""
        if self._lag_s is None:
            return None
        since = self.waiting_since()
        late_s = now - since if since is not None else 0.0
        return round(1000 * max(self._lag_s, late_s if late_s > INTERVAL_S else 0.0))

    def returned(self, event: Mapping[str, object], now: float) -> bool:
        """Take a probe event off the stream; whether it is one of ours that was awaited."""
        number = event.get("number")
        if event.get("run_id") != self._run_id or not isinstance(number, int):
            return False
        with self._lock:
            sent_at = self._underway.pop(number, None)
            if sent_at is None:
                return False
            # They keep their order, so what was sent before is lost.
            while self._underway and next(iter(self._underway)) < number:
                self._underway.popitem(last=False)
        self._lag_s = max(now - sent_at, 0.0)
        self._returned_from = sent_at
        return True

    def forget(self) -> None:
        """The connection that probes came back on is gone, and they with it."""
        with self._lock:
            self._underway.clear()

    def ask_all(self) -> None:
        """Have all workers send their events and a heartbeat, soon."""
        self._is_all_asked = True
        self._wake.set()

    def ask(self, hostname: str) -> None:
        """Have one worker send its events, soon."""
        with self._lock:
            if len(self._asked) < MAX_ASKED:
                self._asked.add(hostname)

    def stop(self) -> None:
        """Ask `run` to return."""
        self._is_stopping = True
        self._wake.set()

    def run(self) -> None:
        """Send until `stop`; the broker may come and go."""
        backoff = Backoff()
        while not self._is_stopping:
            try:
                with broker.connection(self._app, is_writer=True) as link:
                    broker.connect(link)
                    self._send(link, backoff)
            except Exception as error:  # noqa: BLE001 - a transport raises what it likes
                self._fail(error)
                self._pause(backoff.next_s())

    def _send(self, link: Any, backoff: Backoff) -> None:
        dispatcher = self._app.events.Dispatcher(
            link,
            hostname=f"headway@{self._node_id}",
            serializer="json",
            buffer_while_offline=False,
        )
        while not self._is_stopping:
            self._control(link)
            self._number += 1
            sent_at = self._clock()
            with self._lock:
                self._underway[self._number] = sent_at
                if len(self._underway) > MAX_UNDERWAY:
                    self._underway.popitem(last=False)
            try:
                dispatcher.send(
                    KIND,
                    node_id=self._node_id,
                    run_id=self._run_id,
                    number=self._number,
                    sent_at=sent_at,
                )
            except Exception:
                with self._lock:
                    self._underway.pop(self._number, None)
                raise
            self._failure = None
            backoff.reset()
            self._pause(INTERVAL_S)
            if broker.is_amqp(link):
                self._keep_alive(link)

    def _keep_alive(self, link: Any) -> None:
        """Read what the broker says to a connection that only writes: heartbeats, a close."""
        try:
            link.drain_events(timeout=0.001)
        except TimeoutError:
            link.heartbeat_check()

    def _control(self, link: Any) -> None:
        if not self._enable_events:
            return
        now = self._clock()
        with self._lock:
            asked, self._asked = sorted(self._asked), set()
        is_due = not 0 <= now - self._enabled_at < ENABLE_INTERVAL_S
        if not (self._is_all_asked or is_due or asked):
            return
        mailbox = broker.mailbox(self._app, link)
        if self._is_all_asked or is_due:
            is_new, self._is_all_asked = self._is_all_asked, False
            mailbox.abcast("enable_events")
            if is_new:
                mailbox.abcast("heartbeat")
            self._enabled_at = now
        else:
            mailbox.cast(asked, "enable_events")

    def _fail(self, error: Exception) -> None:
        if self._failure is None:
            logger.warning(
                "Probes cannot be sent: %s",
                broker.reason(error),
                extra={"action": "probe_failed"},
            )
        self._failure = broker.reason(error)

    def _pause(self, seconds: float) -> None:
        self._wake.wait(seconds)
        if not self._is_stopping:
            self._wake.clear()
