"""Tries of a password are counted by address and by name, and both are forgotten in time."""

import pytest

from dashboard import throttle
from dashboard.throttle import Budget, Rate, Throttle


def test_a_burst_is_allowed_and_then_one_try_at_a_time() -> None:
    tries = Throttle(name=Rate(3, 30.0))
    assert [tries.take("10.0.0.1", "ann", 100.0) for _ in range(4)] == [0, 0, 0, 30]
    assert tries.take("10.0.0.1", "ann", 129.5) == 1
    assert tries.take("10.0.0.1", "ann", 130.0) == 0
    assert tries.take("10.0.0.1", "ann", 130.0) == 30


def test_a_refused_try_does_not_lengthen_the_wait() -> None:
    tries = Throttle(name=Rate(1, 30.0))
    assert [tries.take("10.0.0.1", "ann", 100.0 + n) for n in range(3)] == [0, 29, 28]


def test_names_are_counted_from_all_addresses_and_however_they_are_spelt() -> None:
    tries = Throttle(name=Rate(1, 30.0))
    assert tries.take("10.0.0.1", "Ann", 100.0) == 0
    assert tries.take("10.0.0.2", " ann ", 100.0) == 30


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("203.0.113.1", "203.0.113.1"),
        ("203.0.113.1", "::ffff:203.0.113.1"),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"),
    ],
)
def test_addresses_of_one_subscriber_are_one(first: str, second: str) -> None:
    tries = Throttle(address=Rate(1, 10.0))
    assert tries.take(first, "ann", 100.0) == 0
    assert tries.take(second, "bob", 100.0) == 10
    assert tries.take("2001:db8:1:3::1", "eve", 100.0) == 0


def test_nobody_shares_an_address_that_is_not_known() -> None:
    tries = Throttle(address=Rate(1, 10.0))
    assert [tries.take("", name, 100.0) for name in ("ann", "bob")] == [0, 0]


def test_the_right_password_forgives_what_was_tried_before() -> None:
    tries = Throttle(address=Rate(2, 10.0), name=Rate(2, 30.0))
    for _ in range(5):
        assert tries.take("10.0.0.1", "ann", 100.0) == 0
        tries.forget("10.0.0.1", "ann")


def test_a_right_password_does_not_open_its_address_to_guesses_of_others() -> None:
    tries = Throttle(address=Rate(2, 10.0))
    assert tries.take("10.0.0.1", "bob", 100.0) == 0
    assert tries.take("10.0.0.1", "ann", 100.0) == 0
    tries.forget("10.0.0.1", "ann")
    assert tries.take("10.0.0.1", "bob", 100.0) == 0
    assert tries.take("10.0.0.1", "bob", 100.0) == 10


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "MAX_KEPT", 3)
    tries = Throttle(address=Rate(100, 1.0), name=Rate(1, 30.0))
    for number in range(5):
        assert tries.take("10.0.0.1", f"name{number}", 100.0) == 0
    assert tries.take("10.0.0.1", "name0", 100.0) == 0
    assert tries.take("10.0.0.1", "name4", 100.0) == 30


def test_a_budget_counts_by_address_and_refills_in_time() -> None:
    budget = Budget(Rate(2, 10.0))
    assert [budget.take("10.0.0.1", 100.0) for _ in range(3)] == [0, 0, 10]
    assert budget.take("10.0.0.2", 100.0) == 0
    assert budget.take("10.0.0.1", 110.0) == 0
    assert budget.take("10.0.0.1", 110.0) == 10


def test_a_budget_takes_one_subscribers_addresses_together() -> None:
    budget = Budget(Rate(1, 10.0))
    assert [budget.take(f"2001:db8:1:2::{n}", 100.0) for n in (1, 2)] == [0, 10]


def test_who_has_no_address_spends_nobodys_budget() -> None:
    budget = Budget(Rate(1, 10.0))
    assert [budget.take("", 100.0) for _ in range(3)] == [0, 0, 0]
