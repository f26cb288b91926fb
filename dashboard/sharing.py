"""What some tasks have in common: the values that most of them share.

Pure: rows in, values out. Rows lack what the viewer may not read, so nothing of it comes out.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from dashboard import formats

MAX_FACETS = 6
MAX_VALUES = 4
"""Of one facet: the commonest."""
_MAX_TEXT = 80
_COLUMNS = ("worker", "queue", "name")

Row = Mapping[str, Any]


class Share(NamedTuple):
    """A value and how many of the tasks have it."""

    value: str
    number: int


class Facet(NamedTuple):
    """A field, or an argument (`is_argument`), and its commonest values."""

    name: str
    is_argument: bool
    values: tuple[Share, ...]
    others: int
    """Tasks with other values of it."""


def facets(rows: Sequence[Row]) -> list[Facet]:
    """Arguments that tasks have in common, those that most of them share first; then worker,
    queue, and the task's name where there are several."""
    found = sorted(_arguments(rows), key=lambda facet: (-facet.values[0].number, facet.name))
    columns = [facet for name in _COLUMNS if (facet := _column(name, rows))]
    return found[: MAX_FACETS - len(columns)] + columns


def _column(name: str, rows: Sequence[Row]) -> Facet | None:
    counter = Counter(str(row[name]) for row in rows if row.get(name))
    if not counter or (name == "name" and len(counter) == 1):
        return None
    return _facet(name, counter, is_argument=False)


def _arguments(rows: Sequence[Row]) -> Iterable[Facet]:
    counters: dict[str, Counter[str]] = {}
    for row in rows:
        for name, value in _named(row):
            text = formats.literal(value)
            if formats.REDACTED not in text and len(text) <= _MAX_TEXT:
                counters.setdefault(name, Counter())[text] += 1
    for name, counter in counters.items():
        # A value that each task has for itself is what makes them differ.
        if max(counter.values()) > 1 or len(rows) == 1:
            yield _facet(name, counter, is_argument=True)


def _named(row: Row) -> Iterable[tuple[str, Any]]:
    args, kwargs = row.get("args"), row.get("kwargs")
    if isinstance(args, list):
        yield from ((f"[{place}]", value) for place, value in enumerate(args))
    if isinstance(kwargs, dict):
        yield from kwargs.items()


def _facet(name: str, counter: Counter[str], *, is_argument: bool) -> Facet:
    # Of equals the one that sorts first: else they changed places from read to read.
    most = sorted(counter.items(), key=lambda item: (-item[1], item[0]))[:MAX_VALUES]
    shown = tuple(Share(*item) for item in most)
    return Facet(name, is_argument, shown, counter.total() - sum(each.number for each in shown))
