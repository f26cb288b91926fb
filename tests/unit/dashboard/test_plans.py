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
    ("text", "word"),
    [
        ("name:a*", "name"),
        ("x queue:q*", "queue"),
        ("name:*a", None),
        ("-name:a*", None),
        ("name:a*b", None),
        ("name:a*,b*", None),
        ("label:a*", None),
    ],
)
def test_a_beginning_is_told_from_other_patterns(text: str, word: str | None) -> None:
    found = plans.prefix(query.parse(text))

    assert (found.terms[0].word if found else None) == word
