"""What people decide about a group of failures is kept, numbered and audited."""

import pytest

from dashboard import triage
from dashboard.models import Audit, Failure, Stream

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def group() -> None:
    Failure.objects.create(
        signature="abc", revision=1, type="E", message="no", task_id="t", name="shop.pay",
        first_seen_at=1.0, last_seen_at=2.0, count=7, returned_at=2.0,
    )  # fmt: skip


def test_a_group_is_muted_until_an_instant_or_for_good() -> None:
    muted = triage.decide("abc", "mute", "ann", until=9e9)
    assert muted is not None
    assert (muted["state"], muted["muted_until"], muted["state_by"]) == ("muted", 9e9, "ann")
    assert muted["returned_at"] == 2.0
    for_good = triage.decide("abc", "mute", "ann")
    assert for_good is not None
    assert for_good["muted_until"] is None


def test_a_resolved_group_has_not_returned_yet() -> None:
    triage.decide("abc", "mute", "ann", until=9e9)
    resolved = triage.decide("abc", "resolve", "bob")
    assert resolved is not None
    assert (resolved["state"], resolved["returned_at"], resolved["muted_until"]) == (
        "resolved",
        None,
        None,
    )


def test_a_decision_takes_a_number_and_has_its_entry() -> None:
    triage.decide("abc", "reopen", "ann")
    assert Failure.objects.get().revision == Stream.objects.get().revision
    entry = Audit.objects.get()
    assert (entry.user, entry.action, entry.kind, entry.target, entry.name, entry.outcome) == (
        "ann", "reopen", "failure", "abc", "shop.pay", "done",
    )  # fmt: skip


def test_counts_of_the_group_are_left_alone() -> None:
    reopened = triage.decide("abc", "reopen", "ann")
    assert reopened is not None
    assert (reopened["count"], reopened["last_seen_at"]) == (7, 2.0)


def test_an_unknown_group_changes_nothing() -> None:
    assert triage.decide("nope", "mute", "ann") is None
    assert triage.find("nope") is None
    assert not Audit.objects.exists()
