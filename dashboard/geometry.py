"""Small drawings as numbers: what an SVG of a page is made of. static/headway/geometry.js draws the
same; tests/vectors/geometry.json holds both to it.

All functions are pure. Lengths are in percent of the width, and in units of a drawing 32 high.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TypedDict

HEIGHT = 32
_TOP = 1
"""Room above the highest point, so that half of its stroke is not cut off."""
_FILLED = 0.72
"""Of the room that a bar has."""
_SHORTEST_S, _LONGEST_S = 0.01, 1000.0
"""Ends of the logarithmic scale: 10 ms to 1000 s, five decades."""


class Line(TypedDict):
    """A line and the area below it, as SVG path data."""

    line: str
    area: str


class Bar(TypedDict):
    """One bar; `is_none` where there is nothing to show but its place."""

    x: str
    width: str
    y: str
    height: str
    is_none: bool


def line(values: Sequence[float]) -> Line:
    """A line over the whole width, from 0 to the highest of the values."""
    return timeline(values, len(values)) if len(values) > 1 else {"line": "", "area": ""}


def timeline(values: Sequence[float | None], places: int) -> Line:
    """A line from 0 to the highest of the values that ends at the right, where the whole width has
    so many places; with a gap where nothing is known."""
    most = max([1, *(value for value in values if value is not None)])
    lines, areas = [], []
    for run in _runs(values):
        across = [_tenths(100 * (places - len(values) + place) / (places - 1)) for place, _ in run]
        up = [_tenths(HEIGHT - 1 - (HEIGHT - 1 - _TOP) * max(0, value) / most) for _, value in run]
        path = "M" + " ".join(f"{x},{y}" for x, y in zip(across, up, strict=True))
        # What is known of one place alone is a dot.
        lines.append(path if len(run) > 1 else f"{path}h0")
        areas.append(f"{path} L{across[-1]},{HEIGHT} L{across[0]},{HEIGHT}Z")
    return {"line": " ".join(lines), "area": " ".join(areas)}


def _runs(values: Sequence[float | None]) -> Iterator[list[tuple[int, float]]]:
    """The values that follow each other without a gap, each with its place."""
    for is_known, run in groupby(enumerate(values), lambda each: each[1] is not None):
        if is_known:
            yield [(place, value) for place, value in run if value is not None]


def bars(values: Sequence[float]) -> list[Bar]:
    """One bar for each value, as high as its share of the highest."""
    most = max([*values, 1])
    width = 100 / len(values) if values else 0
    drawn = []
    for place, value in enumerate(values):
        height = max(1, HEIGHT * value / most)
        bar: Bar = {
            "x": f"{_tenths(width * place)}%",
            "width": f"{_tenths(width * _FILLED)}%",
            "y": _tenths(HEIGHT - height),
            "height": _tenths(height),
            "is_none": value <= 0,
        }
        drawn.append(bar)
    return drawn


def log_share(seconds: float | None) -> str:
    """Where a duration lies on the logarithmic scale, as `43.1%`; empty for None."""
    if seconds is None:
        return ""
    within = min(_LONGEST_S, max(_SHORTEST_S, seconds))
    span = math.log10(_LONGEST_S / _SHORTEST_S)
    return f"{_tenths(100 * math.log10(within / _SHORTEST_S) / span)}%"


def share(value: float, most: float) -> str:
    """`18.4%` of the most; never more than all."""
    return f"{_tenths(min(100, 100 * value / most) if most > 0 else 0)}%"


def _tenths(value: float) -> str:
    """One digit after the point, cut from the same whole number in both languages."""
    whole = math.floor(value * 10 + 0.5)
    return f"{whole // 10}.{whole % 10}"
