"""A group is the sum of its stored members, whatever way they took."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.core import groups
from realtime.core.groups import Group, changed, differences, share, sized
from realtime.core.progress import reported
from realtime.core.task import CONCLUSIONS, STATUSES, Task
from realtime.core.wire import group_row

AT = 1_795_000_000.0
EMPTY = Group(id="g1", first_seen_at=AT, updated_at=AT)


def member(id_: str, status: str = "queued", conclusion: str | None = None, **more: object) -> Task:
    told = {"group_id": "g1", "first_seen_at": AT, "updated_at": AT} | more
    return Task(id=id_, status=status, conclusion=conclusion, **told)  # type: ignore[arg-type]


def at_percent(id_: str, percent: float, status: str = "running") -> Task:
    fields = {"current": percent, "total": 100.0}
    return member(id_, status, progress=reported(fields, retries=0, at=AT, clock=1))


def after(group: Group, *pairs: tuple[Task | None, Task]) -> Group:
    return changed(group, differences(pairs)["g1"])


def of(*tasks: Task, total: int | None = None) -> Group:
    group = EMPTY if total is None else sized(EMPTY, total)
    return after(group, *((None, task) for task in tasks))


@st.composite
def states(draw: st.DrawFn, id_: str) -> Task:
    status = draw(st.sampled_from(STATUSES))
    conclusion = draw(st.sampled_from(CONCLUSIONS)) if status == "completed" else None
    fields = {"current": draw(st.floats(0, 120)), "total": 100.0}
    told = reported(fields, retries=0, at=AT, clock=1)
    at = AT + draw(st.integers(0, 1000))
    return member(
        id_,
        status,
        conclusion,
        progress=draw(st.sampled_from([None, told])),
        group_id=draw(st.sampled_from(["g1", "g1", "g1", "g2", None])),
        finished_at=at if conclusion else None,
        updated_at=at,
    )


@st.composite
def lives(draw: st.DrawFn) -> list[tuple[Task | None, Task]]:
    """Changes of some tasks, each beginning where its last one ended, in the order of commits."""
    held: dict[str, Task] = {}
    changes: list[tuple[Task | None, Task]] = []
    for id_ in draw(st.lists(st.sampled_from("abcdef"), max_size=20)):
        task = draw(states(id_))
        changes.append((held.get(id_), task))
        held[id_] = task
    return changes


@settings(max_examples=200, deadline=None)
@given(lives(), st.randoms(use_true_random=False))
def test_any_split_into_commits_gives_the_same_sums_and_those_of_the_members(
    changes: list[tuple[Task | None, Task]], rng: random.Random
) -> None:
    at_once = EMPTY
    if "g1" in (found := differences(changes)):
        at_once = changed(EMPTY, found["g1"])
    split, rest = EMPTY, list(changes)
    while rest:
        size = rng.randint(1, len(rest))
        # What a commit writes of a task is its last state, where the store has its first.
        some: dict[str, tuple[Task | None, Task]] = {}
        for before, task in rest[:size]:
            some[task.id] = (some[task.id][0] if task.id in some else before, task)
        if "g1" in (found := differences(some.values())):
            split = changed(split, found["g1"])
        del rest[:size]
    counts = groups.Share._fields
    assert [getattr(split, name) for name in counts] == [getattr(at_once, name) for name in counts]
    last = {task.id: task for _, task in changes}
    expected = groups.Share()
    for task in last.values():
        if task.group_id == "g1":
            expected = expected.plus(share(task))
    assert groups.Share(*(getattr(split, name) for name in counts)) == expected


@settings(deadline=None)
@given(lives(), st.lists(st.integers(0, 30), max_size=20))
def test_percent_never_falls_whatever_happens_to_members_and_total(
    changes: list[tuple[Task | None, Task]], totals: list[int]
) -> None:
    group, before = EMPTY, 0.0
    for n, change in enumerate(changes):
        if "g1" in (found := differences([change])):
            group = changed(group, found["g1"])
        if n < len(totals):
            group = sized(group, totals[n])
        assert before <= (group.percent or 0.0) <= 100
        before = group.percent or 0.0


def test_a_repeated_commit_from_the_same_beginning_gives_the_same_group() -> None:
    pairs: list[tuple[Task | None, Task]] = [(None, member("a", "completed", "succeeded"))]
    assert after(EMPTY, *pairs) == after(EMPTY, *pairs)


def test_members_count_each_by_how_far_it_is() -> None:
    done = member("a", "completed", "succeeded")
    group = of(done, at_percent("b", 50.0), member("c"), total=4)
    assert (group.parts, group.succeeded, group.running, group.waiting) == (3, 1, 1, 1)
    assert group.percent == pytest.approx(37.5)
    assert (group.status, group.conclusion) == ("running", None)


@pytest.mark.parametrize(
    ("conclusions", "expected"),
    [
        (("succeeded", "succeeded"), "succeeded"),
        (("succeeded", "cancelled"), "cancelled"),
        (("cancelled", "failed"), "failed"),
        (("succeeded", "lost"), "failed"),
        (("succeeded", "expired"), "failed"),
        (("rejected", "succeeded"), "failed"),
    ],
)
def test_a_group_succeeds_only_if_every_member_does(
    conclusions: tuple[str, ...], expected: str
) -> None:
    tasks = [member(str(n), "completed", each) for n, each in enumerate(conclusions)]
    group = of(*tasks, total=2)
    assert (group.status, group.conclusion, group.percent) == ("completed", expected, 100.0)


def test_without_a_total_it_is_never_over_and_has_no_percent() -> None:
    group = of(member("a", "completed", "succeeded"))
    assert (group.status, group.conclusion, group.percent) == ("running", None, None)
    row = group_row(group, 7)
    assert (row["total"], row["percent"], row["finished_at"], row["revision"]) == (
        None,
        None,
        None,
        7,
    )


def test_more_members_than_were_told_are_its_size() -> None:
    group = of(member("a", "completed", "succeeded"), member("b"), total=1)
    assert (group.size, group.status) == (2, "running")


def test_the_largest_total_counts_and_a_false_one_is_bounded() -> None:
    group = sized(sized(EMPTY, 5), 3)
    assert group.total == 5
    assert sized(group, 0) is group
    assert sized(group, -7) is group
    assert sized(group, 10**12).total == groups.MAX_TOTAL


def test_those_that_nobody_saw_yet_wait() -> None:
    row = group_row(of(member("a", "running"), total=10), 1)
    assert (row["waiting"], row["running"], row["parts"]) == (9, 1, 1)


def test_a_lost_member_that_is_heard_of_again_is_no_longer_over_and_percent_stays() -> None:
    lost, found = member("a", "completed", "lost"), member("a", "running")
    group = of(lost, total=2)
    again = after(group, (lost, found))
    assert (again.failed, again.running, again.percent) == (0, 1, 50.0)


def test_a_member_that_turns_out_to_belong_elsewhere_leaves() -> None:
    one = member("a", "running")
    group = of(one, total=2)
    other = replace(one, group_id="g2")
    assert after(group, (one, other)).parts == 0
    assert differences([(one, other)])["g2"].share.parts == 1


def test_a_task_without_group_costs_no_group_anything() -> None:
    alone = member("a", group_id=None)
    assert differences([(None, alone), (alone, replace(alone, status="running"))]) == {}


def test_it_ended_when_its_last_member_did() -> None:
    first = member("a", "completed", "succeeded", finished_at=AT + 9)
    last = member("b", "completed", "succeeded", finished_at=AT + 5)
    group = of(first, last, total=2)
    assert group_row(group, 1)["finished_at"] == AT + 9
