"""The overview's row in words, as the shared vectors have them."""

import json
from typing import Any

import pytest

from dashboard import overview, words
from dashboard.problems import SEVERITY
from tests.services.process import ROOT

VECTORS = json.loads((ROOT / "tests/vectors/overview.json").read_text())


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: case["title"])
def test_lines_read_as_the_script_writes_them(case: dict[str, Any]) -> None:
    row, links, now = case["row"], case["links"], case["now"]
    lines = {
        "tiles": overview.tiles(row, links, now),
        "problems": overview.problems(row, links, now),
        "failures": overview.failures(row, links, now),
        "queues": overview.queues(row, links, now),
        "latencies": overview.latencies(row, links),
        "workers": overview.workers(case["workers"], links, now),
        "fleet": overview.fleet(case["workers"]),
    }
    assert lines == case["lines"]


@pytest.mark.parametrize("kind", SEVERITY)
@pytest.mark.parametrize("value", [0, 1, 2, None])
def test_every_kind_of_problem_has_its_sentence(kind: str, value: int | None) -> None:
    problem = {"kind": kind, "subject": "x", "title": "X", "value": value, "since_at": 10.0}
    links = dict.fromkeys(("workers", "failures", "failure", "queues", "schedule"), "")
    (line,) = overview.problems({"problems": [problem]}, {**links, "tasks": "/tasks/"}, 70.0)
    assert kind in words.PROBLEMS
    assert line["says"]["time"] == "1m\u00a000s"
    assert "%" not in line["title"] + line["says"]["before"] + line["says"]["after"]


def test_a_time_that_is_not_known_leaves_the_sentence_out() -> None:
    says = overview.sentence("none for now", None, 70.0)
    assert says == {"before": "none for now", "at": None, "time": "", "after": ""}
