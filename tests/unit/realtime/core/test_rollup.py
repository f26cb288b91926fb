"""Whatever way a task took, what was counted is what it counts for now."""

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from realtime import testing
from realtime.core import rollup, sketch
from realtime.core.lifecycle import fold
from realtime.core.rollup import Cell, CellKey, RollupMark
from realtime.core.task import Task
from realtime.testing import AT, checked
from tests.unit.realtime.core.histories import RECEIVED_AT, History, histories

MINUTE = int(AT) // 60 * 60
HOUR = int(AT) // 3600 * 3600


def told(*raws: testing.Raw) -> Task:
    return fold(None, [checked(raw) for raw in raws], AT)


def summed(changes: list[dict[RollupMark, int]]) -> dict[RollupMark, int]:
    total: Counter[RollupMark] = Counter()
    for change in changes:
        total.update(change)
    return {mark: count for mark, count in total.items() if count}


@given(histories(), st.data())
def test_the_differences_of_all_versions_add_up_to_the_marks_of_the_last(
    history: History, data: st.DataObject
) -> None:
    events = data.draw(st.permutations(history.events))
    task: Task | None = None
    changes = []
    while events:
        size = data.draw(st.integers(1, len(events)))
        before, task = task, fold(task, events[:size], RECEIVED_AT)
        changes.append(rollup.difference(before, task))
        events = events[size:]
    assert task is None or summed(changes) == dict(Counter(rollup.marks(task)))


@given(st.lists(histories(), max_size=4))
def test_cells_of_parts_add_up_to_the_cells_of_the_whole(lives: list[History]) -> None:
    changes = [rollup.difference(None, fold(None, h.events, 0)) for h in lives if h.events]
    whole = rollup.cells(summed(changes).items(), 0)
    parts: dict[CellKey, Cell] = {}
    for change in changes:
        for place, cell in rollup.cells(change.items(), 0).items():
            parts.setdefault(place, Cell()).add(cell)
    assert parts == whole


def test_a_task_counts_where_each_thing_happened() -> None:
    task = told(
        testing.task_sent("a", at=AT - 120, queue="mail"),
        testing.task_received("a", at=AT - 1),
        testing.task_started("a", at=AT),
        testing.task_succeeded("a", at=AT + 60, runtime=60.0),
    )
    task = replace(task, updated_at=AT + 60)
    waited, ran = sketch.bucket(120), sketch.bucket(60)
    assert rollup.marks(task) == (
        ("arrived", MINUTE - 120, "shop.pay", "mail", None, None, None),
        ("started", MINUTE, "shop.pay", "mail", testing.HOSTNAME, None, waited),
        ("succeeded", MINUTE + 60, "shop.pay", "mail", testing.HOSTNAME, None, ran),
    )


def test_each_attempt_that_is_tried_again_counts_at_its_own_worker() -> None:
    task = told(
        testing.task_received("a", at=AT, hostname="celery@one"),
        testing.task_started("a", at=AT + 1, hostname="celery@one"),
        testing.task_retried("a", at=AT + 2, hostname="celery@one"),
        testing.task_received("a", at=AT + 3, retries=1, hostname="celery@two"),
        testing.task_started("a", at=AT + 4, hostname="celery@two"),
        testing.task_failed("a", at=AT + 5, hostname="celery@two"),
    )
    workers = {(mark[0], mark[4]) for mark in rollup.marks(task)}
    assert workers == {
        ("retried", "celery@one"),
        ("arrived", None),
        ("started", "celery@one"),
        ("failed", "celery@two"),
    }


def test_a_failure_counts_for_its_signature_too() -> None:
    task = told(testing.task_received("a"), testing.task_failed("a"))
    found = rollup.cells(rollup.difference(None, task).items(), AT)
    [place] = [place for place in found if (place.tier, place.by) == (60, "signature")]
    assert (place.key, found[place].counts) == (task.signature, {"failed": 1})


def test_a_task_that_somebody_only_vouched_for_has_not_arrived() -> None:
    assert rollup.marks(Task(id="a", first_seen_at=AT, updated_at=AT, name="shop.pay")) == ()


def test_a_task_that_was_lost_counts_when_it_was_last_heard_of() -> None:
    task = replace(told(testing.task_started("a")), conclusion="lost", updated_at=AT + 61)
    assert rollup.marks(task)[-1][:2] == ("lost", MINUTE + 60)


def test_one_that_expired_counts_when_it_did() -> None:
    task = replace(told(testing.task_received("a")), conclusion="expired", expires=AT + 61)
    assert rollup.marks(task)[-1][:2] == ("expired", MINUTE + 60)


def test_a_clock_that_is_years_off_is_not_believed() -> None:
    ahead = replace(told(testing.task_started("a")), started_at=AT + 1e9)
    behind = replace(ahead, started_at=0.0)
    assert rollup.marks(ahead)[-1][1] == rollup.marks(behind)[-1][1] == MINUTE


def test_minutes_and_hours_count_the_same_by_everything_known() -> None:
    task = told(testing.task_received("a"), testing.task_started("a"))
    found = rollup.cells(rollup.difference(None, task).items(), AT)
    assert set(found) == {
        CellKey(tier, by, start, key)
        for tier, start in ((60, MINUTE), (3600, HOUR))
        for by, key in (("all", ""), ("name", "shop.pay"), ("worker", testing.HOSTNAME))
    }
    assert found[CellKey(60, "all", MINUTE, "")] == found[CellKey(3600, "all", HOUR, "")]


def test_cells_that_would_be_deleted_at_once_are_left_out() -> None:
    change = rollup.difference(None, told(testing.task_received("a")))
    days = 86400.0
    assert {place.tier for place in rollup.cells(change.items(), AT + 3 * days)} == {3600}
    assert rollup.cells(change.items(), AT + 91 * days) == {}
