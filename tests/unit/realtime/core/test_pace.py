"""How fast it gets on: known after a while, forgotten after a while, never nonsense."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.core.pace import KNOWN_AFTER_S, Pace, average

AT = 1_795_000_000.0


def paced(*steps: tuple[float, float]) -> Pace:
    pace = Pace()
    for fraction, after_s in steps:
        pace.note(fraction, AT + after_s)
    return pace


def steady(rate: float, seconds: int) -> Pace:
    return paced(*((n * rate, float(n)) for n in range(seconds + 1)))


def test_a_steady_pace_is_known_after_five_seconds_and_counts_down() -> None:
    pace = steady(0.01, 10)
    assert pace.seconds_left(AT + 10) == pytest.approx(90)
    assert pace.seconds_left(AT + 12.5) == pytest.approx(87.5)
    assert pace.seconds_left(AT + 500) == 0


def test_nothing_is_said_before_five_seconds_were_seen_or_before_two_reports() -> None:
    assert steady(0.01, 4).seconds_left(AT + 4) is None
    assert Pace().seconds_left(AT) is None
    assert paced((0.5, 0.0)).seconds_left(AT + 60) is None


def test_what_does_not_move_has_no_end() -> None:
    assert paced((0.5, 0.0), (0.5, 20.0), (0.5, 40.0)).seconds_left(AT + 40) is None


def test_a_change_of_pace_counts_for_half_after_two_seconds() -> None:
    pace = steady(0.01, 10)
    pace.note(0.16, AT + 12)
    rate = 0.84 / (pace.seconds_left(AT + 12) or math.inf)
    assert rate == pytest.approx((0.01 + 0.03) / 2, rel=0.02)


def test_one_that_falls_back_began_anew() -> None:
    pace = steady(0.05, 10)
    pace.note(0.0, AT + 11)
    assert pace.seconds_left(AT + 12) is None


def test_reports_of_one_instant_and_of_the_past_are_harmless() -> None:
    pace = paced((0.0, 0.0), (0.1, 0.0), (0.2, -5.0), (0.6, 6.0))
    assert pace.seconds_left(AT + 6) == pytest.approx(4.0)


@given(
    st.lists(st.tuples(st.floats(), st.floats(-1e9, 1e9) | st.just(math.inf)), max_size=20),
    st.floats(-1e9, 1e9),
)
def test_whatever_is_noted_what_is_left_is_a_sensible_number_or_none(
    steps: list[tuple[float, float]], now: float
) -> None:
    left = paced(*steps).seconds_left(AT + now)
    assert left is None or 0 <= left < math.inf


def test_the_average_needs_no_history() -> None:
    assert average(0.25, AT, AT + 10) == pytest.approx(30)
    assert average(1.0, AT, AT + 10) == 0
    assert average(0.25, AT, AT + KNOWN_AFTER_S - 1) is None
    assert average(0.0, AT, AT + 60) is None
    assert average(1e-9, AT, AT + 60) is None
