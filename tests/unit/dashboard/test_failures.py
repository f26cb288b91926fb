"""Groups of failures in words, as the shared vectors have them."""

import json
from typing import Any

import pytest

from dashboard import failures
from tests.services.process import ROOT

CASE = json.loads((ROOT / "tests/vectors/failures.json").read_text(encoding="utf-8"))
ROWS, LINKS, NOW = CASE["rows"], CASE["links"], CASE["now"]


@pytest.mark.parametrize("place", range(len(ROWS)))
def test_a_line_reads_as_the_script_writes_it(place: int) -> None:
    assert failures.line(ROWS[place], LINKS, NOW) == CASE["lines"][place]


def test_what_nobody_looked_at_comes_first_then_what_fails_most() -> None:
    assert [row["signature"] for row in failures.ordered(ROWS)] == CASE["order"]


def test_groups_are_counted_by_what_was_decided() -> None:
    assert failures.counts(ROWS) == CASE["counts"]


def test_the_template_has_a_place_for_all_that_a_line_says() -> None:
    blank: dict[str, Any] = failures.blank()
    shape = CASE["lines"][0]
    assert {key for key, value in shape.items() if isinstance(value, dict)} <= blank.keys()


def test_the_tasks_of_a_group_are_those_that_failed_so() -> None:
    assert failures.tasks_url("9c01", LINKS) == (
        "/tasks/?query=signature%3A9c01%20conclusion%3Afailed"
    )
