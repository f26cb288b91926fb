"""A failure group counts the tasks that failed with its signature, and no other."""

from dataclasses import replace

from realtime import testing
from realtime.core import failures
from realtime.core.lifecycle import fold
from realtime.core.task import Task
from realtime.testing import AT, checked


def failed(task_id: str, exception: str = "ValueError('no 12')", at: float = AT) -> Task:
    raws = (
        testing.task_received(task_id, at=at),
        testing.task_failed(task_id, at=at, exception=exception),
    )
    return fold(None, [checked(raw) for raw in raws], at)


def succeeded(task: Task) -> Task:
    return fold(task, [checked(testing.task_succeeded(task.id, at=AT + 9))], AT + 9)


def test_failures_of_one_cause_are_one_group_shown_by_its_newest() -> None:
    new, old = failed("b", "ValueError('no 13')", AT + 5), failed("a")
    [group] = failures.groups([(None, new), (None, old)])
    assert group == (
        new.signature,
        2,
        AT,
        AT + 5,
        "b",
        "shop.pay",
        "ValueError",
        "no ‹n›",
        None,
    )


def test_a_failure_that_is_told_again_counts_once() -> None:
    assert failures.groups([(failed("a"), failed("a"))]) == []


def test_a_failure_that_was_none_is_taken_back() -> None:
    task = failed("a")
    [group] = failures.groups([(task, succeeded(task))])
    assert (group.signature, group.times) == (task.signature, -1)


def test_a_failure_that_turns_out_to_be_another_changes_its_group() -> None:
    before, after = failed("a"), failed("a", "OSError(2, 'gone')")
    counts = {group.type: group.times for group in failures.groups([(before, after)])}
    assert counts == {"ValueError": -1, "OSError": 1}


def test_one_that_failed_so_stands_for_a_group_before_one_that_did_not() -> None:
    gone = failed("a", at=AT + 5)
    [group] = failures.groups([(gone, succeeded(gone)), (None, failed("b"))])
    assert (group.times, group.task_id) == (0, "b")


def test_a_worker_whose_clock_is_ahead_does_not_make_a_group_newer_than_now() -> None:
    [group] = failures.groups([(None, replace(failed("a"), finished_at=AT + 900))])
    assert group.last_seen_at == AT
