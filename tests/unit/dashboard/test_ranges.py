"""Which span of time an address asks for."""

import pytest

from dashboard import ranges

NOW = 1_795_271_531.4
MINUTE = 1_795_271_520


@pytest.mark.parametrize(
    ("name", "points", "step"),
    [("1h", 60, 60), ("6h", 72, 300), ("24h", 96, 900), ("7d", 168, 3600)],
)
def test_a_range_ends_with_the_step_that_runs(name: str, points: int, step: int) -> None:
    span = ranges.span(name, None, None, NOW)
    assert (span.points, span.step, span.is_zoomed) == (points, step, False)
    assert span.until_at - step <= NOW < span.until_at
    assert span.from_at % step == 0


@pytest.mark.parametrize("name", [None, "", "2h", "<b>"])
def test_what_is_no_range_is_the_last_hour(name: str | None) -> None:
    assert ranges.span(name, None, None, NOW).range == "1h"


@pytest.mark.parametrize(
    "bounds",
    [
        ("x", "1"),
        ("", ""),
        ("1.5", "2"),
        ("9" * 400, "9" * 400),
        ("-5", "5"),
        ("٣", "٤"),
        ("5", None),
    ],
)
def test_bounds_that_cannot_be_read_are_passed_over(bounds: tuple[str, str | None]) -> None:
    assert not ranges.span("6h", *bounds, NOW).is_zoomed


def test_bounds_the_wrong_way_round_are_passed_over() -> None:
    assert not ranges.span("1h", str(MINUTE), str(MINUTE - 600), NOW).is_zoomed


def test_a_zoom_is_cut_into_whole_steps_and_few_points() -> None:
    span = ranges.span("6h", str(MINUTE - 4 * 3600 + 7), str(MINUTE - 600), NOW)
    assert span.is_zoomed
    assert span.points <= 121
    assert span.from_at % span.step == span.until_at % span.step == 0


def test_a_zoom_into_the_past_has_hours_where_no_minutes_are_kept() -> None:
    begin = MINUTE - 5 * 86_400
    assert ranges.span("7d", str(begin), str(begin + 1800), NOW).step == 3600


def test_a_zoom_never_reaches_into_the_future_or_further_than_a_week() -> None:
    span = ranges.span("7d", "0", "99999999999", NOW)
    assert span.until_at <= NOW + span.step
    assert span.until_at - span.from_at <= 7 * 86_400 + 2 * span.step
