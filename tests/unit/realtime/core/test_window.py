"""The rows that a view holds, and what of it is still to be told."""

from hypothesis import given
from hypothesis import strategies as st

from realtime.core.window import Pending, Window


def test_the_newest_rows_stay_and_others_are_pushed_out() -> None:
    window = Window(2)
    window.admit((1.0, "a"))
    window.admit((3.0, "c"))
    place = window.admit((2.0, "b"))

    assert (place.is_in, place.pushed_out) == (True, "a")
    assert window.newest_first() == ["c", "b"]
    assert not window.is_complete


def test_a_row_below_a_full_window_is_not_admitted_and_makes_it_incomplete() -> None:
    window = Window(1)
    window.admit((2.0, "b"))

    assert not window.admit((1.0, "a")).is_in
    assert not window.is_complete


def test_an_incomplete_window_admits_nothing_below_its_bottom() -> None:
    window = Window(3, is_complete=False)
    window.admit((5.0, "e"))

    assert not window.admit((4.0, "d")).is_in
    assert window.admit((6.0, "f")).is_in


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans())))
def test_a_complete_window_holds_the_newest_of_all(steps: list[tuple[int, bool]]) -> None:
    window, held = Window(3), set[int]()
    for number, is_added in steps:
        if is_added:
            window.admit((float(number), str(number)))
            held.add(number)
        else:
            window.discard(str(number))
            held.discard(number)
        if not window.is_complete:
            return
        assert window.newest_first() == [str(n) for n in sorted(held, reverse=True)]


def test_a_row_that_came_and_went_unseen_is_not_told() -> None:
    pending = Pending()
    pending.put("a", is_new=True)
    pending.drop("a")

    assert not pending


def test_a_row_that_went_and_came_back_is_told_as_changed() -> None:
    pending = Pending()
    pending.drop("a")
    pending.put("a", is_new=True)

    assert (list(pending.upsert), list(pending.remove)) == (["a"], [])
    pending.drop("a")
    assert list(pending.remove) == ["a"]


_CHANGES = st.lists(st.tuples(st.sampled_from("abcd"), st.booleans()), max_size=12)


@given(st.sets(st.sampled_from("abcd")), st.lists(_CHANGES, max_size=6), st.data())
def test_a_reader_told_of_merged_changes_holds_what_the_view_holds(
    begin: set[str], rounds: list[list[tuple[str, bool]]], data: st.DataObject
) -> None:
    view, reader = set(begin), set(begin)
    owed = Pending()
    for changes in rounds:
        delta = Pending()
        for key, is_in in changes:
            if is_in:
                delta.put(key, is_new=key not in view)
                view.add(key)
            elif key in view:
                delta.drop(key)
                view.discard(key)
        owed.merge(delta)
        assert set(owed.upsert) <= view
        assert not set(owed.remove) & view
        if data.draw(st.booleans()):
            some = list(owed.upsert)[: data.draw(st.integers(0, 3))]
            reader |= set(some)
            owed.told(some, [])
    reader = (reader | set(owed.upsert)) - set(owed.remove)
    assert reader == view
