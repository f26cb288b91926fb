"""What a chart over time is made of."""

import json
from typing import Any

import pytest

from dashboard import charts, ranges
from tests.services.process import ROOT

VECTORS = json.loads((ROOT / "tests/vectors/chart.json").read_text())
LINKS = dict.fromkeys(("workers", "failures", "failure", "queues", "schedule"), "")


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: case["title"])
def test_table_and_sentence_read_as_the_script_writes_them(case: dict[str, Any]) -> None:
    data, links = case["data"], {**LINKS, "tasks": case["tasks"]}
    span = ranges.Span(data["range"], data["from"], data["until"], data["step"], data["is_zoomed"])
    points = [charts.Point(*point) for point in data["points"]]
    gaps = [charts.Gap(*gap) for gap in data["gaps"]]
    chart = charts.chart(span, points, gaps, links, case["now"])
    assert (chart["summary"], chart["clock"]) == (case["summary"], case["clock"])
    assert chart["table"][: len(case["table"])] == case["table"]


def test_minutes_that_the_row_does_not_tell_are_empty() -> None:
    span = ranges.Span("1h", 0, 180, 60, False)
    assert charts.of_minutes([[60, 5, 1, 4]], span) == [(0, 0, 0, 0), (60, 5, 1, 4), (120, 0, 0, 0)]


def test_figures_of_finer_spans_are_added_up_and_strange_ones_left_out() -> None:
    span = ranges.Span("6h", 600, 1200, 300, False)
    rows = [
        {"at": 600.0, "succeeded": 3, "failed": 1, "started": 5},
        {"at": 660.0, "cancelled": 1, "failed": None},
        {"at": 900.0, "succeeded": 2, "failed": 0, "started": 2},
        {"at": 1200.0, "succeeded": 9},
        {"at": 0.0, "succeeded": 9},
    ]
    assert charts.of_figures(rows, span) == [(600, 5, 1, 5), (900, 2, 0, 2)]


@pytest.mark.parametrize("step", [*{step for _, step in ranges.RANGES.values()}, 120, 7200])
def test_every_step_has_its_words(step: int) -> None:
    assert charts.title(step).startswith("Finished and failed per ")
