"""Spans of time that charts show, and how they are cut into points."""

import math
from collections.abc import Mapping
from typing import NamedTuple

HOUR_S = 3600
RANGES: Mapping[str, tuple[int, int]] = {
    "1h": (HOUR_S, 60),
    "6h": (6 * HOUR_S, 300),
    "24h": (24 * HOUR_S, 900),
    "7d": (7 * 24 * HOUR_S, 3600),
}
"""Length and step in seconds."""
DEFAULT = "1h"
_STEPS = (60, 120, 300, 900, 3600, 7200)
_MOST_POINTS = 120
_LEAST_POINTS = 3
_MINUTES_KEPT_S = 47 * HOUR_S
"""Older than this, figures are kept by the hour; an hour less than they are deleted after."""


class Span(NamedTuple):
    """What is shown: Unix seconds, each a whole number of steps; `until_at` is not included."""

    range: str
    from_at: int
    until_at: int
    step: int
    is_zoomed: bool

    @property
    def points(self) -> int:
        """How many steps it holds."""
        return (self.until_at - self.from_at) // self.step


def span(name: str | None, from_text: str | None, until_text: str | None, now: float) -> Span:
    """The span that an address asks for. What cannot be read or makes no sense is passed over."""
    range_ = name if name is not None and name in RANGES else DEFAULT
    length, step = RANGES[range_]
    end = math.floor(now / step) * step + step
    whole = Span(range_, end - length, end, step, False)
    from_at, until_at = _instant(from_text), _instant(until_text)
    if from_at is None or until_at is None:
        return whole
    return _zoomed(whole, from_at, until_at, now)


def _zoomed(whole: Span, from_at: int, until_at: int, now: float) -> Span:
    until_at = min(until_at, math.ceil(now / 60) * 60)
    from_at = max(from_at, until_at - RANGES["7d"][0])
    if until_at - from_at < 60:
        return whole
    is_recent = now - from_at < _MINUTES_KEPT_S
    steps = [step for step in _STEPS if is_recent or step >= HOUR_S]
    step = next((s for s in steps if (until_at - from_at) / s <= _MOST_POINTS), steps[-1])
    from_at = math.floor(from_at / step) * step
    until_at = max(math.ceil(until_at / step) * step, from_at + _LEAST_POINTS * step)
    return Span(whole.range, from_at, until_at, step, True)


def _instant(text: str | None) -> int | None:
    is_number = text is not None and text.isascii() and text.isdigit() and len(text) <= 11
    return int(text) if is_number and text is not None else None
