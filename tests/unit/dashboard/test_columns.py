"""Which columns the task list has."""

import pytest

from dashboard import columns

USUAL = {"prog", "queue", "worker", "wait", "run", "age"}
NOTHING = frozenset[str]()


def test_without_a_choice_the_usual_columns_are_shown_where_they_always_were() -> None:
    shown = columns.read(None, NOTHING)
    assert shown.chosen == USUAL
    assert not shown.has_more


def test_choice_is_read_back_and_what_is_no_column_is_left_out() -> None:
    cookie = columns.written(["retries", "no such", "queue"])
    assert columns.read(cookie, NOTHING).chosen == {"retries", "queue"}
    assert columns.read("<b>.queue..x", NOTHING).chosen == {"queue"}


def test_no_column_at_all_is_a_choice() -> None:
    assert columns.read("", NOTHING).chosen == set()


def test_exceptions_are_neither_offered_nor_shown_to_who_may_not_read_them() -> None:
    shown = columns.read("exception.queue", frozenset({"exception"}))
    assert "exception" not in shown
    assert "exception" not in {column.key for column in shown.offered}


def test_what_somebody_added_is_kept_longer_than_what_is_there_for_everybody() -> None:
    keys = [column.key for column in columns.COLUMNS if column.is_usual] + ["exception"]
    shown = columns.read(columns.written(keys), NOTHING)
    assert shown.folds["exception"] == columns.ALWAYS
    assert shown.folds["queue"] == "1280"
    assert shown.folds["wait"] == "1500"
    assert shown.classes["wait"] == "c-wait from-1500"
    assert shown.has_more


@pytest.mark.parametrize("width", ["1280", "1500", "1680"])
def test_columns_of_a_width_fit_into_it(width: str) -> None:
    every = columns.read(columns.written([c.key for c in columns.COLUMNS]), NOTHING)
    fits = [columns.ALWAYS, *(w for w in ("1280", "1500", "1680") if w <= width)]
    used = sum(c.px for c in columns.COLUMNS if every.folds[c.key] in fits)
    assert used + 404 <= {"1280": 1228, "1500": 1448, "1680": 1628}[width]
    assert columns.NEVER in every.folds.values()
