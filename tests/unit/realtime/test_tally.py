"""Each change of a task is counted exactly once, whatever becomes of its commit."""

from dataclasses import replace

from realtime import testing
from realtime.core.lifecycle import fold
from realtime.core.task import Task
from realtime.tally import IDLE_S, Tally
from realtime.testing import AT, checked


def task(task_id: str, *raws: testing.Raw) -> Task:
    return fold(None, [checked(raw) for raw in (testing.task_received(task_id), *raws)], AT)


A, B = task("a"), task("b")
A_STARTED = task("a", testing.task_started("a"))


def test_a_task_that_counts_for_the_same_as_before_needs_no_count() -> None:
    assert Tally().count([(A, replace(A, label="late"))]) is None


def test_two_commits_count_under_two_ids() -> None:
    tally = Tally()
    first = tally.count([(None, A)])
    tally.written(first)
    second = tally.count([(None, B)])
    assert first
    assert second
    assert first.id != second.id


def test_a_commit_that_failed_is_counted_again_under_its_id() -> None:
    tally = Tally()
    first = tally.count([(None, A)])
    again = tally.count([(None, A_STARTED), (None, B)])
    assert first
    assert again
    assert again.id == first.id
    assert {mark[0]: count for mark, count in again.marks.items()} == {"arrived": 2, "started": 1}


def test_the_repetition_of_a_count_takes_its_place_even_with_nothing() -> None:
    tally = Tally()
    first = tally.count([(None, A)])
    again = tally.count([(A, A)])
    assert first
    assert again
    assert (again.id, again.marks) == (first.id, {})


def test_nothing_is_added_up_while_a_commit_is_in_doubt() -> None:
    tally = Tally()
    counted = tally.count([(None, A)])
    assert not tally.is_due(AT)
    tally.written(counted)
    assert tally.is_due(AT)


def test_when_nothing_is_counted_the_store_adds_up_once_in_a_while() -> None:
    tally = Tally()
    tally.added_up(AT)
    assert not tally.is_due(AT + 1)
    assert tally.is_due(AT + IDLE_S)
