"""Waits grow to a bound, are random over their whole range, and begin anew after success."""

from realtime.backoff import Backoff


def longest(_: float, bound: float) -> float:
    return bound


def test_the_bound_doubles_up_to_the_longest() -> None:
    backoff = Backoff(0.5, 15.0, longest)
    assert [backoff.next_s() for _ in range(7)] == [0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0]


def test_success_begins_anew() -> None:
    backoff = Backoff(0.5, 15.0, longest)
    backoff.next_s()
    backoff.next_s()
    backoff.reset()
    assert backoff.next_s() == 0.5


def test_the_whole_range_is_used() -> None:
    ranges: list[tuple[float, float]] = []
    backoff = Backoff(0.5, 15.0, lambda low, high: ranges.append((low, high)) or 0.0)  # type: ignore[func-returns-value]
    backoff.next_s()
    backoff.next_s()
    assert ranges == [(0.0, 0.5), (0.0, 1.0)]
