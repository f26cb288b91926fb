"""Groups are written as absolutes: a commit of doubtful outcome, repeated, doubles nothing."""

from collections.abc import Collection
from dataclasses import replace

from realtime.core.groups import MAX_TOTAL, Group
from realtime.core.task import Task
from realtime.grouping import MAX_HELD, MAX_TOTALS, Grouping

AT = 1_795_000_000.0


def member(id_: str, status: str = "running", group_id: str | None = "g1") -> Task:
    conclusion = "succeeded" if status == "completed" else None
    return Task(
        id=id_,
        first_seen_at=AT,
        updated_at=AT,
        status=status,
        conclusion=conclusion,
        group_id=group_id,
    )


class Shelf:
    """A store of groups that counts how often it is asked."""

    def __init__(self, *groups: Group) -> None:
        self.groups = {group.id: group for group in groups}
        self.asked: list[set[str]] = []

    def load(self, ids: Collection[str]) -> dict[str, Group]:
        self.asked.append(set(ids))
        return {id_: self.groups[id_] for id_ in ids if id_ in self.groups}

    def keep(self, groups: list[Group]) -> None:
        self.groups |= {group.id: group for group in groups}


def test_a_task_without_group_asks_the_store_for_nothing() -> None:
    shelf = Shelf()
    assert Grouping().unwritten([(None, member("a", group_id=None))], shelf.load, AT) == []
    assert shelf.asked == []


def test_a_doubtful_commit_is_repeated_with_the_same_sums_even_if_it_was_made() -> None:
    shelf, grouping = Shelf(), Grouping()
    changes: list[tuple[Task | None, Task]] = [(None, member("a"))]
    first = grouping.unwritten(changes, shelf.load, AT)
    shelf.keep(first)  # it was made, but nobody told us
    more = [*changes, (None, member("b"))]
    [again] = grouping.unwritten(more, shelf.load, AT + 1)
    assert (again.parts, again.running) == (2, 2)
    assert len(shelf.asked) == 1


def test_what_was_written_is_where_the_next_commit_begins() -> None:
    shelf, grouping = Shelf(), Grouping()
    before = member("a")
    grouping.written(grouping.unwritten([(None, before)], shelf.load, AT))
    [group] = grouping.unwritten([(before, member("a", "completed"))], shelf.load, AT)
    assert (group.parts, group.running, group.succeeded) == (1, 0, 1)
    assert len(shelf.asked) == 1


def test_a_stored_group_is_read_once_and_goes_on_from_there() -> None:
    stored = Group(id="g1", first_seen_at=AT - 9, updated_at=AT - 9, total=5, parts=2, succeeded=2)
    shelf, grouping = Shelf(stored), Grouping()
    [group] = grouping.unwritten([(None, member("c"))], shelf.load, AT)
    assert (group.total, group.parts, group.succeeded, group.running) == (5, 3, 2, 1)
    assert group.first_seen_at == AT - 9


def test_a_size_alone_makes_a_group_and_a_smaller_one_changes_nothing() -> None:
    shelf, grouping = Shelf(), Grouping()
    grouping.tell("g1", 30)
    assert grouping.is_dirty
    [group] = grouping.unwritten([], shelf.load, AT)
    assert (group.total, group.parts, group.status, group.percent) == (30, 0, "queued", 0.0)
    grouping.written([group])
    assert not grouping.is_dirty
    grouping.tell("g1", 12)
    assert not grouping.is_dirty


def test_a_size_that_the_store_has_already_is_forgotten_without_a_commit() -> None:
    shelf, grouping = Shelf(Group(id="g1", first_seen_at=AT, updated_at=AT, total=30)), Grouping()
    grouping.tell("g1", 30)
    assert grouping.unwritten([], shelf.load, AT) == []
    grouping.written([])
    assert not grouping.is_dirty


def test_a_size_told_while_a_commit_is_on_its_way_is_for_the_next() -> None:
    shelf, grouping = Shelf(), Grouping()
    grouping.tell("g1", 30)
    begun = grouping.unwritten([], shelf.load, AT)
    grouping.tell("g1", 40)
    grouping.written(begun)
    [group] = grouping.unwritten([], shelf.load, AT)
    assert group.total == 40


def test_an_absurd_size_is_bounded_and_does_not_stay_unwritten() -> None:
    shelf, grouping = Shelf(), Grouping()
    grouping.tell("g1", 2**31 - 1)
    [group] = written = grouping.unwritten([], shelf.load, AT)
    assert group.total == MAX_TOTAL
    grouping.written(written)
    assert not grouping.is_dirty


def test_what_is_held_and_what_is_told_is_bounded() -> None:
    shelf, grouping = Shelf(), Grouping()
    for n in range(MAX_TOTALS + 5):
        grouping.tell(f"g{n}", 3)
    groups = grouping.unwritten([], shelf.load, AT)
    assert len(groups) == MAX_TOTALS
    grouping.written(groups)
    shelf.keep(groups)
    held = groups[-1].id
    shelf.asked.clear()
    grouping.unwritten([(None, member("a", group_id=held))], shelf.load, AT)
    assert shelf.asked == []
    gone = groups[MAX_TOTALS - MAX_HELD - 1].id
    [group] = [
        group
        for group in grouping.unwritten([(None, member("a", group_id=gone))], shelf.load, AT)
        if group.id == gone
    ]
    assert group.total == 3
    assert shelf.asked == [{gone}]


def test_a_task_that_changed_in_nothing_that_counts_writes_no_group() -> None:
    shelf, grouping = Shelf(), Grouping()
    task = member("a")
    grouping.written(grouping.unwritten([(None, task)], shelf.load, AT))
    assert grouping.unwritten([(task, replace(task, label="x"))], shelf.load, AT) == []
