"""What a web process knows of the stream, and when its browsers are to be told."""

from collections.abc import Mapping

ABSENT_S = 5.0
"""The leader gives a sign of life each second; five missed are not chance."""
EVERY_S = 1.0
"""At most so often: people read no faster."""
AT_LEAST_EVERY_S = 10.0
"""A socket that is silent for longer is given up by its page."""

Told = dict[str, object]

_RESTLESS = ("epoch", "revision", "floor", "alive_at")
"""What changes with every sign of life and tells people nothing by itself."""


class Pulse:
    """The stream's own words, and whether they are still fresh.

    `now` is Unix seconds. A sign of life that is new to us counts whatever its time says, so that
    a web process whose clock is wrong is not blind.
    """

    def __init__(self) -> None:
        self._said: Told = {}
        self._alive_at: float | None = None
        self._fresh_at: float | None = None
        """When the newest sign of life came, by our clock."""
        self._sent: object = None
        self._sent_at: float | None = None

    def hear(self, said: Mapping[str, object], now: float) -> None:
        """Take up what the stream says of itself; nothing is no word."""
        if not said:
            return
        self._said = dict(said)
        alive_at = said.get("alive_at")
        if not isinstance(alive_at, (int, float)):
            return
        if self._alive_at is None:
            self._fresh_at = min(now, alive_at)
        elif alive_at > self._alive_at:
            self._fresh_at = now
        self._alive_at = max(alive_at, self._alive_at or alive_at)

    def is_blind(self, now: float) -> bool:
        """Whether no sign of life came for too long."""
        return self._fresh_at is None or now - self._fresh_at > ABSENT_S

    def told(self, now: float) -> Told:
        """The stream as browsers are told it at `now`."""
        if not self.is_blind(now):
            return self._said
        return {**self._said, "state": "blind", "lag_ms": None, "alive_at": self._alive_at}

    def due(self, now: float) -> Told | None:
        """What is to be sent at `now`, if it is time and there is news; counted as sent."""
        since = None if self._sent_at is None else now - self._sent_at
        if since is not None and since < EVERY_S:
            return None
        told = self.told(now)
        news = _news(told)
        if news == self._sent and since is not None and since < AT_LEAST_EVERY_S:
            return None
        self._sent, self._sent_at = news, now
        return told


def _news(told: Told) -> object:
    """What of it is news: a lag that trembles by a few milliseconds and a running total are not."""
    seen = {name: value for name, value in told.items() if name not in _RESTLESS}
    lag_ms = seen.get("lag_ms")
    if isinstance(lag_ms, (int, float)):
        seen["lag_ms"] = round(lag_ms, -1)
    counters = seen.get("counters")
    if isinstance(counters, Mapping):
        seen["counters"] = {name: value for name, value in counters.items() if name != "events"}
    return seen
