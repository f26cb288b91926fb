"""Small drawings, as the shared vectors have them."""

import json

import pytest

from dashboard import geometry, overview
from tests.services.process import ROOT

VECTORS = json.loads((ROOT / "tests/vectors/geometry.json").read_text())


@pytest.mark.parametrize(("values", "drawing"), VECTORS["line"])
def test_a_line_reaches_from_side_to_side(values: list[float], drawing: geometry.Line) -> None:
    assert geometry.line(values) == drawing


@pytest.mark.parametrize(("given", "drawing"), VECTORS["timeline"])
def test_a_timeline_ends_at_the_right_and_has_gaps(
    given: tuple[list[float | None], int], drawing: geometry.Line
) -> None:
    assert geometry.timeline(*given) == drawing


@pytest.mark.parametrize(("values", "drawing"), VECTORS["bars"])
def test_bars_stand_beside_each_other(values: list[float], drawing: list[geometry.Bar]) -> None:
    assert geometry.bars(values) == drawing


@pytest.mark.parametrize(("seconds", "place"), VECTORS["log_share"])
def test_a_duration_has_its_place_on_the_logarithmic_scale(
    seconds: float | None, place: str
) -> None:
    assert geometry.log_share(seconds) == place


@pytest.mark.parametrize(("pair", "text"), VECTORS["share"])
def test_a_share_is_never_more_than_all(pair: tuple[float, float], text: str) -> None:
    assert geometry.share(*pair) == text


@pytest.mark.parametrize(("value", "text"), VECTORS["rate"])
def test_rates_are_written_with_a_digit_where_they_are_small(
    value: float | None, text: str
) -> None:
    assert overview.rate(value) == text
