"""How long things took, in a form that adds up: durations counted in buckets that widen by a tenth.

A sketch is a plain dict, bucket to how many. Two of them are added by adding their counts, in any
order and grouping, so minutes make hours and what was counted can be taken back. A quantile read
off it is at most 5 % off (as DDSketch does it: https://www.vldb.org/pvldb/vol12/p2195-masson.pdf).
"""

import math
from collections.abc import Mapping, Sequence

Sketch = dict[int, int]

_STEP = math.log(1.1)
_SHORTEST_S = 0.001
_LONGEST_S = 1e9
"""Thirty years: whoever says more has a broken clock, and must not have a bucket of their own."""
_LOWEST = math.ceil(math.log(_SHORTEST_S) / _STEP)
_MIDDLE = 2 / (1 + 1.1)
"""From a bucket's upper end to the value that is off by the same share of both its ends."""


def bucket(seconds: float) -> int:
    """The bucket of a duration; all of a millisecond or less share the lowest."""
    if seconds <= _SHORTEST_S:
        return _LOWEST
    return math.ceil(math.log(min(seconds, _LONGEST_S)) / _STEP)


def add(sketch: Sketch, bucket: int, count: int = 1) -> None:
    """Count some durations of one bucket; a negative `count` takes them back."""
    total = sketch.get(bucket, 0) + count
    if total:
        sketch[bucket] = total
    else:
        sketch.pop(bucket, None)


def merge(sketch: Sketch, other: Mapping[int, int]) -> None:
    """Add the other's counts, which may be negative."""
    for each, count in other.items():
        total = sketch.get(each, 0) + count
        if total:
            sketch[each] = total
        else:
            sketch.pop(each, None)


def quantile(sketch: Mapping[int, int], share: float) -> float | None:
    """Seconds that this share (0 to 1) of the durations did not exceed; None without any."""
    return quantiles(sketch, (share,))[0]


def quantiles(sketch: Mapping[int, int], shares: Sequence[float]) -> list[float | None]:
    """The quantile of each of these shares, which ascend, at once."""
    total = sum(sketch.values())
    if total <= 0:
        return [None] * len(shares)
    found: list[float | None] = []
    counted = 0
    for each in sorted(sketch):
        counted += sketch[each]
        while len(found) < len(shares) and counted >= max(shares[len(found)] * total, 1):
            found.append(_seconds(each))
    return found + [_seconds(max(sketch))] * (len(shares) - len(found))


def _seconds(bucket: int) -> float:
    return math.exp(bucket * _STEP) * _MIDDLE
