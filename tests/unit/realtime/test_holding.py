"""What is held in memory stays in proportion to the tasks that are alive."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from realtime import holding, testing
from realtime.core.events import Event, parse
from realtime.holding import Holding

NOW = testing.AT
LATER = "2099-01-01T00:00:00+00:00"


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Holding:
    monkeypatch.setattr(holding, "MAX_OUTDATED", 10)
    held = Holding(Counter())
    held.begin((), (), NOW)
    return held


def event(raw: testing.Raw) -> Event:
    found = parse(raw, NOW)
    assert isinstance(found, Event)
    return found


def test_tasks_that_ended_long_before_they_would_expire_leave_nothing_behind(
    held: Holding,
) -> None:
    for n in range(100):
        told = [testing.task_received(f"t{n}", expires=LATER), testing.task_succeeded(f"t{n}")]
        for each in told:
            held.apply([event(each)], {}, NOW)
        held.written(*held.unwritten())
    assert held.tasks == {}
    assert len(held._due) <= 10


def test_what_became_due_since_the_last_sweep_is_not_forgotten(held: Holding) -> None:
    due = NOW + 5
    eta = datetime.fromtimestamp(due, UTC).isoformat()
    held.apply([event(testing.task_received("early", eta=eta))], {}, NOW)
    assert held.tasks["early"].status == "scheduled"
    for n in range(50):
        held.apply([event(testing.task_received(f"t{n % 3}", expires=LATER))], {}, due + 1)
    held.sweep(due + 1, NOW)
    assert held.tasks["early"].status == "reserved"
