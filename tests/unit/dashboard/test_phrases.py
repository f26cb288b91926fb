"""Schedules in plain words, as the shared vectors have them."""

import json

import pytest

from dashboard import phrases
from tests.services.process import ROOT

VECTORS = json.loads((ROOT / "tests/vectors/phrases.json").read_text())
WORDS = {key: str(text) for key, text in phrases.WORDS.items()}


@pytest.mark.parametrize(("schedule", "expected"), VECTORS, ids=[each[0] for each in VECTORS])
def test_schedule_reads_as_the_script_writes_it(schedule: str, expected: str) -> None:
    assert phrases.plain(schedule, WORDS) == expected
