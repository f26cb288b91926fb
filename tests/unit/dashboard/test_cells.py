"""The cells of told rows, as the shared vectors have them."""

import json
from typing import Any

import pytest

from dashboard import cells
from dashboard.views import audit, queues, schedule, workers
from tests.services.process import ROOT

VECTORS = json.loads((ROOT / "tests/vectors/cells.json").read_text())
TABLES = {
    "queues": queues.TABLE,
    "schedule": schedule.TABLE,
    "audit": audit.TABLE,
    "operations": audit.OPERATIONS,
    "workers": workers.TABLE,
}


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: case["title"])
def test_lines_read_as_the_script_writes_them(case: dict[str, Any]) -> None:
    setting = cells.Setting(**case["setting"], most=cells.most(case["rows"], case["cells"]))
    assert setting.most == case["most"]
    assert [cells.line(row, case["cells"], setting) for row in case["rows"]] == case["lines"]


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: case["title"])
def test_vectors_are_of_the_cells_that_the_pages_declare(case: dict[str, Any]) -> None:
    table = TABLES[case["title"].split()[0]]
    assert case["cells"] == {name: list(cell) for name, cell in table.cells.items()}
    assert case["setting"]["words"] == {key: str(text) for key, text in table.words.items()}


def test_every_form_is_declared_by_a_page() -> None:
    used = {cell[0] for table in TABLES.values() for cell in table.cells.values()}
    assert used == set(cells.FORMS)
