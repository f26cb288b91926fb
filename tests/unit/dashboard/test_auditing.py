"""The audit is written once and read by page."""

import pytest
from django.db import connection

from dashboard import auditing, snapshots
from dashboard.actions import Outcome
from dashboard.cursors import Key, text
from dashboard.models import Audit
from realtime.ports import TooCostly

pytestmark = pytest.mark.django_db(transaction=True)


def write(*targets: str, at: float = 1.0, user: str = "ann") -> None:
    outcomes = [Outcome(target, None, "done") for target in targets]
    auditing.write(auditing.entries(outcomes, user=user, action="retry", at=at))


def targets(page: auditing.AuditPage) -> list[object]:
    return [row["target"] for row in page.rows]


def test_pages_neither_skip_nor_repeat_entries_of_one_instant() -> None:
    write("a", "b", "c")
    write("d", "e", at=2.0)
    first = auditing.page({}, 2)
    second = auditing.page({}, 2, first.after)
    last = auditing.page({}, 2, second.after)
    assert [*targets(first), *targets(second), *targets(last)] == ["e", "d", "c", "b", "a"]
    assert last.after is None


def test_each_value_narrows() -> None:
    write("a", user="ann")
    write("b", user="bob")
    assert targets(auditing.page({"user": "bob"}, 9)) == ["b"]
    assert targets(auditing.page({"user": "bob", "target": "a"}, 9)) == []


@pytest.mark.parametrize(
    "cursor", ["hostile", text(Key(1.0, "x")), text(Key(1.0, "-1")), text(Key(1.0, "9" * 30))]
)
def test_a_cursor_of_somewhere_else_is_refused(cursor: str) -> None:
    with pytest.raises(ValueError, match="cursor"):
        auditing.page({}, 9, cursor)


def test_a_search_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("how long PostgreSQL takes for so few rows is up to the machine")
    write(*map(str, range(500)))
    monkeypatch.setattr(snapshots, "MAX_READ_S", 0.0)
    monkeypatch.setattr(snapshots, "_STEPS", 100)
    with pytest.raises(TooCostly):
        auditing.page({"user": "bob"}, 10)


def test_an_entry_keeps_the_reason_as_a_word() -> None:
    refused = Outcome("a", "shop.pay", "refused", "no_queue", "old")
    auditing.write(auditing.entries([refused], user="ann", action="retry", at=1.0))
    assert Audit.objects.get().detail == "no_queue: old"
    [row] = auditing.page({}, 9).rows
    assert (row["reason"], row["detail"]) == ("no_queue", "The broker has no queue named old.")
