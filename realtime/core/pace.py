"""How fast something gets on, and so how long it still takes.

A rate is averaged so that what lies `HALF_LIFE_S` back counts half: a display follows a change of
pace within seconds, and does not jump with every report.
"""

import math

HALF_LIFE_S = 2.0
KNOWN_AFTER_S = 5.0
"""No word before so many seconds were seen: the first steps of a task are seldom typical."""
SLOWEST_S = 30 * 86_400.0
"""Whoever would need longer than this is not getting on."""


class Pace:
    """The pace of one task or group, for a reader that watches it."""

    __slots__ = ("_at", "_began_at", "_fraction", "_rate", "_weight")

    def __init__(self) -> None:
        self._began_at: float | None = None
        self._at = 0.0
        self._fraction = 0.0
        self._rate = 0.0
        self._weight = 0.0

    def note(self, fraction: float, at: float) -> None:
        """It was at `fraction` (0 to 1) at `at` (Unix seconds). One that fell back began anew."""
        if not (math.isfinite(fraction) and math.isfinite(at)):
            return
        fraction = min(max(fraction, 0.0), 1.0)
        if self._began_at is None or fraction < self._fraction:
            self._began_at, self._at, self._fraction = at, at, fraction
            self._rate = self._weight = 0.0
            return
        passed = at - self._at
        if passed <= 0:
            # Several steps within one instant: the time that they took is still to come.
            return
        kept = 0.5 ** (passed / HALF_LIFE_S)
        self._rate = kept * self._rate + (1 - kept) * (fraction - self._fraction) / passed
        self._weight = kept * self._weight + (1 - kept)
        self._at, self._fraction = at, fraction

    def seconds_left(self, now: float) -> float | None:
        """Seconds until it is done, counting down between reports; None while its pace is not
        known, or it has none."""
        if self._began_at is None or self._weight <= 0:
            return None
        if max(now, self._at) - self._began_at < KNOWN_AFTER_S:
            return None
        left = _left(1 - self._fraction, self._rate / self._weight)
        return None if left is None else max(left - max(now - self._at, 0.0), 0.0)


def average(fraction: float, started_at: float, now: float) -> float | None:
    """Seconds left, for a reader that knows no more than where it stands: at the pace it had on
    average since `started_at` (Unix seconds). None where that tells nothing yet."""
    passed = now - started_at
    if passed < KNOWN_AFTER_S or not 0 < fraction <= 1:
        return None
    return _left(1 - fraction, fraction / passed)


def _left(rest: float, rate: float) -> float | None:
    if rest <= 0:
        return 0.0
    if rate <= 0 or rest / rate > SLOWEST_S:
        return None
    return rest / rate
