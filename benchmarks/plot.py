"""Lines over time as an SVG picture, in a few elements that any viewer shows."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

WIDTH, HEIGHT = 840, 190
LEFT, RIGHT, TOP, BOTTOM = 58, 16, 34, 26
COLOURS = ("#0b6bcb", "#b4470b", "#227a3d")
MOST_POINTS = 600
"""Of one line; more are thinner than a pixel."""


class Panel(NamedTuple):
    """One diagram: its title, and the values of each line by its name."""

    title: str
    lines: Mapping[str, Sequence[float]]


def svg(panels: Sequence[Panel], xs: Sequence[float], unit: str) -> str:
    """The panels below each other, over the same `xs`."""
    drawn = "".join(
        f'<g transform="translate(0 {n * HEIGHT})">{_panel(panel, xs, unit)}</g>\n'
        for n, panel in enumerate(panels)
    )
    height = HEIGHT * len(panels)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"'
        f' font-family="system-ui, sans-serif" font-size="12" fill="#333">\n'
        f"<title>{escape('; '.join(panel.title for panel in panels))}</title>\n"
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>\n{drawn}</svg>\n'
    )


def _panel(panel: Panel, xs: Sequence[float], unit: str) -> str:
    most = max((v for line in panel.lines.values() for v in line if math.isfinite(v)), default=1.0)
    top, step = _scale(most)
    parts = [f'<text x="{LEFT}" y="18" font-weight="600">{escape(panel.title)}</text>']
    for n in range(round(top / step) + 1):
        y = _y(n * step, top)
        parts.append(f'<path d="M{LEFT} {y}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{n * step:g}</text>')
    for n, (name, values) in enumerate(panel.lines.items()):
        colour = COLOURS[n % len(COLOURS)]
        parts.append(f'<path d="{_path(xs, values, top)}" fill="none" stroke="{colour}"/>')
        x = WIDTH - RIGHT - 90 * (len(panel.lines) - n)
        parts.append(f'<text x="{x}" y="18" fill="{colour}">{escape(name)}</text>')
    ends = ((LEFT, "start", 0.0), (WIDTH - RIGHT, "end", xs[-1]))
    for x, anchor, value in ends:
        label = f"{value:.0f} {unit}" if value else "0"
        parts.append(f'<text x="{x}" y="{HEIGHT - 8}" text-anchor="{anchor}">{label}</text>')
    return "".join(parts)


def _path(xs: Sequence[float], values: Sequence[float], top: float) -> str:
    every = max(1, len(xs) // MOST_POINTS)
    points = [
        f"{LEFT + (WIDTH - LEFT - RIGHT) * x / xs[-1]:.1f} {_y(value, top):.1f}"
        for x, value in list(zip(xs, values, strict=True))[::every]
        if math.isfinite(value)
    ]
    return "M" + "L".join(points)


def _y(value: float, top: float) -> float:
    return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top, 1)


def _scale(most: float) -> tuple[float, float]:
    """The end of an axis that begins at 0, and its step: 1, 2 or 5 of a power of ten."""
    rough = max(most, 1e-9) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(n * power for n in (1, 2, 5, 10) if n * power >= rough)
    return math.ceil(max(most, 1e-9) / step) * step, step
