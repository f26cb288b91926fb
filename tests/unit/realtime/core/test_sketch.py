"""Durations in buckets: they add up in any order, and a quantile is at most 5 % off."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.core import sketch
from realtime.core.sketch import Sketch

durations = st.floats(0.001, 1e7)
sketches = st.dictionaries(st.integers(-72, 200), st.integers(-9, 9).filter(bool))


def of(seconds: list[float]) -> Sketch:
    found: Sketch = {}
    for each in seconds:
        sketch.add(found, sketch.bucket(each))
    return found


def merged(*parts: Sketch) -> Sketch:
    total: Sketch = {}
    for part in parts:
        sketch.merge(total, part)
    return total


@given(st.lists(durations, min_size=1), st.floats(0, 1))
def test_a_quantile_is_within_five_percent(seconds: list[float], share: float) -> None:
    true = sorted(seconds)[max(math.ceil(share * len(seconds)), 1) - 1]
    found = sketch.quantile(of(seconds), share)
    assert found is not None
    assert abs(found - true) <= 0.05 * true


@given(st.lists(durations))
def test_several_quantiles_at_once_are_those_asked_for_one_by_one(seconds: list[float]) -> None:
    shares = (0.0, 0.5, 0.5, 0.99, 1.0)
    held = of(seconds)
    assert sketch.quantiles(held, shares) == [sketch.quantile(held, share) for share in shares]


@given(sketches, sketches, sketches)
def test_merging_does_not_care_about_order_or_grouping(a: Sketch, b: Sketch, c: Sketch) -> None:
    assert merged(merged(a, b), c) == merged(a, merged(b, c)) == merged(c, b, a)


@given(st.lists(durations), st.lists(durations))
def test_what_was_added_can_be_taken_back(kept: list[float], taken: list[float]) -> None:
    both = of(kept + taken)
    for each in taken:
        sketch.add(both, sketch.bucket(each), -1)
    assert both == of(kept)


@pytest.mark.parametrize("seconds", [-1.0, 0.0, 1e-9, 0.001])
def test_a_millisecond_and_less_share_the_lowest_bucket(seconds: float) -> None:
    assert sketch.bucket(seconds) == sketch.bucket(0.001) < sketch.bucket(0.0012)


def test_whatever_was_told_there_are_few_buckets() -> None:
    assert sketch.bucket(1e300) == sketch.bucket(1e9)
    assert sketch.bucket(1e300) - sketch.bucket(0) < 300


@pytest.mark.parametrize("nothing", [{}, {3: 1, 4: -1}])
def test_without_durations_there_is_no_quantile(nothing: Sketch) -> None:
    assert sketch.quantile(nothing, 0.5) is None
