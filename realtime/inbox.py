"""The bounded hand-over between the receiver's thread and the pipeline's."""

import threading
from collections import deque

from realtime.ports import Delivery

MAX_EVENTS = 50_000
"""About 100 MB of decoded events, or ten seconds of a 5,000 events a second flood."""


FILLING = 0.8
"""From this share of the bound on, what can be spared makes room for what cannot."""


class Inbox:
    """Deliveries in the order they came. `put` never waits for long; `take` waits for the first."""

    def __init__(self, max_events: int = MAX_EVENTS) -> None:
        self._deliveries: deque[Delivery] = deque()
        self._changed = threading.Condition()
        self._events = 0
        self._max_events = max_events

    def put(self, delivery: Delivery, timeout_s: float = 0.0) -> bool:
        """Add a delivery; False when there was no room within `timeout_s`."""
        size = len(delivery.events)
        with self._changed:
            has_room = self._changed.wait_for(
                lambda: self._events == 0 or self._events + size <= self._max_events, timeout_s
            )
            if has_room:
                self._deliveries.append(delivery)
                self._events += size
                self._changed.notify_all()
            return has_room

    def wait(self, timeout_s: float) -> bool:
        """Wait until something is there; False when nothing came."""
        with self._changed:
            return self._changed.wait_for(lambda: bool(self._deliveries), timeout_s)

    def take(self, max_events: int) -> list[Delivery]:
        """The oldest deliveries, of at most `max_events` together (one delivery at the least)."""
        taken: list[Delivery] = []
        size = 0
        with self._changed:
            while self._deliveries:
                if taken and size + len(self._deliveries[0].events) > max_events:
                    break
                delivery = self._deliveries.popleft()
                size += len(delivery.events)
                taken.append(delivery)
            self._events -= size
            self._changed.notify_all()
        return taken

    def oldest(self) -> Delivery | None:
        """The delivery that waits longest, or None."""
        with self._changed:
            return self._deliveries[0] if self._deliveries else None

    @property
    def depth(self) -> int:
        """Events waiting."""
        return self._events

    @property
    def is_filling(self) -> bool:
        """Whether little room is left."""
        return self._events >= FILLING * self._max_events

    @property
    def is_full(self) -> bool:
        """Whether the bound is reached."""
        return self._events >= self._max_events
