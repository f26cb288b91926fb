"""Which tasks an action on many would hit."""

from dataclasses import replace

import pytest

from dashboard import targets
from realtime.core import query
from tests.unit.dashboard import stored
from tests.unit.dashboard.stored import NOW

pytestmark = pytest.mark.django_db(transaction=True)


def ids(found: list[targets.Target]) -> list[str]:
    return [target.id for target in found]


@pytest.fixture(autouse=True)
def tasks() -> None:
    made = [
        stored.queued("new", name="shop.mail"),
        stored.failed("old", name="shop.pay"),
        stored.failed("mid", name="shop.pay"),
    ]
    ages = {"new": 0, "mid": 10, "old": 20}
    stored.write([replace(task, first_seen_at=NOW - ages[task.id]) for task in made])


def test_they_come_in_the_order_in_which_they_were_first_seen() -> None:
    assert ids(targets.of_query(query.EVERYTHING, query.EVERYTHING, NOW)) == ["old", "mid", "new"]
    assert ids(targets.of_ids(["new", "old", "new"], query.EVERYTHING, NOW)) == ["old", "new"]


def test_only_what_matches_and_may_be_seen_counts() -> None:
    few = query.parse("name:shop.pay")
    assert ids(targets.of_query(query.parse("status:queued"), few, NOW)) == []
    assert ids(targets.of_query(query.EVERYTHING, few, NOW)) == ["old", "mid"]
    assert ids(targets.of_ids(["new", "mid", "never", "a\x00b"], few, NOW)) == ["mid"]


def test_one_more_than_allowed_says_that_there_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(targets, "MAX_TARGETS", 1)
    assert len(targets.of_query(query.EVERYTHING, query.EVERYTHING, NOW)) == 2


def test_many_ids_are_read_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "_IDS_PER_READ", 2)
    assert len(targets.of_ids(["new", "mid", "old"], query.EVERYTHING, NOW)) == 3


def test_they_are_told_by_state_and_by_name() -> None:
    found = targets.of_query(query.EVERYTHING, query.EVERYTHING, NOW)
    assert targets.by_state(found) == {"failed": 2, "queued": 1}
    assert targets.by_name(found) == [("shop.pay", 2), ("shop.mail", 1)]
