import pytest

from dashboard import plans
from realtime.core import query


def branches(text: str) -> list[str]:
    """Each branch by the term that gives its rows."""
    return [spelt(each) for each in plans.plan(query.parse(text)).branches]


def spelt(branch: query.Query) -> str:
    return " ".join(f"{term.word}:{term.conditions[0].text}" for term in branch.terms)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [""]),
        ("needle", [""]),
        ("-name:a", [""]),
        ("name:a*", [""]),
        ("name:a", ["name:a"]),
        ("name:a,b", ["name:a", "name:b"]),
        ("queue:q name:a", ["name:a"]),
        ("name:a id:x", ["id:x"]),
        ("status:completed name:a", ["name:a"]),
        ("status:running name:a", ["status:running"]),
        ("conclusion:succeeded owner:ann", ["owner:ann"]),
    ],
)
def test_the_term_that_few_rows_have_gives_the_rows(text: str, expected: list[str]) -> None:
    assert branches(text) == expected


@pytest.mark.parametrize("text", ["", "name:a", "since:1h name:a,b", "until:2026-11-21"])
def test_time_and_one_indexed_term_leave_nothing_to_search(text: str) -> None:
    assert plans.plan(query.parse(text)).is_indexed


@pytest.mark.parametrize("text", ["needle", "name:a queue:b", "runtime:>5s", "since:1h,2h"])
def test_everything_else_is_searched_for(text: str) -> None:
    assert not plans.plan(query.parse(text)).is_indexed


def test_more_values_than_there_may_be_branches_are_searched_for() -> None:
    values = [f"job{n}" for n in range(plans.MAX_BRANCHES + 1)]

    assert branches(f"name:{','.join(values)}") == [""]
    assert len(branches(f"name:{','.join(values[1:])}")) == plans.MAX_BRANCHES


def test_only_the_columns_that_are_tested_are_read() -> None:
    plan = plans.plan(query.parse("name:a needle has:progress"))

    assert set(plan.columns) == {"id", "name", "label", "exception", "progress", "retries", "eta"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name:a", True),
        ("name:a*", True),
        ("queue:q*", True),
        ("name:*a", False),
        ("-name:a*", False),
        ("name:a*b", False),
        ("name:a*,b*", False),
        ("label:a*", False),
        ("a", False),
        ("retries:1", False),
    ],
)
def test_an_index_answers_equality_and_beginnings(text: str, expected: bool) -> None:
    [term] = query.parse(text).terms

    assert plans.is_answered_by_index(term) is expected


def test_fewer_rows_are_searched_where_each_costs_more() -> None:
    cheap, words, json, scattered = (
        plans.plan(query.parse(text)).searchable(50_000)
        for text in ("retries:1", "a,b c", "arg:1", "queue:a retries:1")
    )

    assert cheap == 50_000
    assert 0 < json < words < cheap
    assert scattered == cheap / 2


def test_many_equalities_are_one_test_and_many_branches_share_what_may_be_searched() -> None:
    many = ",".join(f"job{n}" for n in range(plans.MAX_BRANCHES + 1))

    assert plans.plan(query.parse(f"name:{many}")).searchable(50_000) == 50_000
    assert plans.plan(query.parse("status:queued,running x")).searchable(50_000) == 9_375
