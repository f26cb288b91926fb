"""The filter language: its terms, what they compare, and which rows its predicate takes."""

import json
import re
from pathlib import Path
from typing import cast

import pytest

from realtime.core import query
from tests.unit.realtime.core.queried import NOW, marked, matches, refusal

REFERENCE = Path(__file__).parents[4] / "docs/reference/query.md"


# Terms


def test_terms_joined_by_blanks_must_all_match() -> None:
    assert matches("name:a queue:b", name="a", queue="b")
    assert not matches("name:a queue:b", name="a", queue="c")


def test_values_joined_by_commas_are_alternatives() -> None:
    assert matches("queue:mail,default", queue="default")
    assert matches("queue:mail,d*", queue="default")
    assert not matches("queue:mail,default", queue="bulk")


def test_a_leading_minus_negates_and_a_missing_value_matches_the_negation() -> None:
    assert not matches("-queue:mail", queue="mail")
    assert matches("-queue:mail", queue="bulk")
    assert matches("-queue:mail", queue=None)
    assert matches("-runtime:>5s", runtime=None)
    assert not matches("-mail", name="mail.send")


def test_a_negated_term_of_several_values_excludes_each_of_them() -> None:
    assert not matches("-queue:mail,bulk", queue="bulk")
    assert matches("-queue:mail,bulk", queue="default")


def test_the_empty_query_matches_everything() -> None:
    assert query.parse("") == query.parse(" \n\t ") == query.EVERYTHING
    assert matches("")


def test_quotes_keep_blanks_commas_colons_and_minus() -> None:
    assert matches('label:"Monthly report, all: of it"', label="Monthly report, all: of it")
    assert matches('"-x:y"', label="pre-x:y")
    assert matches('label:Monthly" report"', label="Monthly report")


def test_a_backslash_in_quotes_keeps_a_quote_a_star_or_a_backslash() -> None:
    assert matches(r'label:"a\"b"', label='a"b')
    assert matches(r'label:"a\*b"', label="a*b")
    assert not matches(r'label:"a\*b"', label="axb")
    assert matches(r'label:"a\\b"', label="a\\b")
    assert matches(r'label:"a\b"', label="a\\b")
    assert matches(r"label:a\b", label="a\\b")


def test_a_quoted_empty_value_matches_only_empty_text() -> None:
    assert matches('label:""', label="")
    assert not matches('label:""', label=None)
    assert not matches('label:""', label="x")


def test_a_word_may_be_written_in_capitals() -> None:
    assert query.parse("Name:x") == query.parse("name:x")


def test_a_repeated_term_or_value_counts_once() -> None:
    assert query.parse("name:a,a name:a") == query.parse("name:a")


# Text


@pytest.mark.parametrize(
    ("word", "field"),
    [
        ("name", "name"),
        ("queue", "queue"),
        ("worker", "worker"),
        ("id", "id"),
        ("root", "root_id"),
        ("group", "group_id"),
        ("parent", "parent_id"),
        ("owner", "owner"),
        ("label", "label"),
        ("signature", "signature"),
    ],
)
def test_a_text_word_compares_its_field_exactly(word: str, field: str) -> None:
    assert matches(f"{word}:Abc", **{field: "Abc"})
    assert not matches(f"{word}:Abc", **{field: "abc"})
    assert not matches(f"{word}:Abc", **{field: "xAbcx"})


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("shop.*", "shop.pay", True),
        ("shop.*", "shop.", True),
        ("shop.*", "shopping", False),
        ("*.pay", "shop.pay", True),
        ("*.pay", "shop.pays", False),
        ("*op*", "shop", True),
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("ab*bc", "abc", False),
        ("a*b*c", "a-b-c", True),
        ("a*b*c", "a-c-b", False),
        ("a*b*b", "ab", False),
        ("a**c", "abc", True),
        ("*", "", True),
        ("a?c", "abc", False),
        ("a.c", "abc", False),
        ("[ab]*", "abc", False),
    ],
)
def test_a_star_stands_for_any_text_and_nothing_else_is_special(
    pattern: str, text: str, expected: bool
) -> None:
    assert matches(f"name:{pattern}", name=text) is expected


def test_a_lone_star_matches_any_value_but_not_none() -> None:
    assert matches("queue:*", queue="x")
    assert not matches("queue:*", queue=None)


def test_a_bare_word_searches_id_name_label_and_exception_whatever_the_case() -> None:
    for field in ("id", "name", "label", "exception"):
        assert matches("NEEDle", **{field: "a needLE here"})
    assert not matches("needle", queue="needle", kwargs={"needle": "needle"})
    assert matches("card*declined", exception="CardError('Declined')")
    assert not matches("declined*card", exception="CardError('Declined')")


@pytest.mark.parametrize("text", ["HW-9D3F-0C6E", "hw-9d3f-0c6e", "Hw-9D3f-0c6E"])
def test_the_reference_that_a_visitor_was_shown_finds_the_task_by_its_id(text: str) -> None:
    asked = query.parse(text)
    assert asked == query.parse("id:9d3f0c6e*")
    assert asked == query.parse(asked.text)
    assert matches(text, id="9d3f0c6e-1111-4111-8111-111111111111")
    assert not matches(text, id="19d3f0c6e")


def test_references_are_alternatives_are_negated_and_need_no_permission() -> None:
    assert query.parse("-HW-9D3F-0C6E,HW-0000-0001") == query.parse("-id:9d3f0c6e*,00000001*")
    hidden = frozenset({"exception", "args", "kwargs", "result", "traceback"})
    assert query.parse("HW-9D3F-0C6E", unreadable=hidden) == query.parse("id:9d3f0c6e*")


@pytest.mark.parametrize("text", ['"HW-9D3F-0C6E"', "HW-9D3F-0C6", "HW-9D3G-0C6E", "HW-*-0C6E"])
def test_what_is_no_reference_is_searched_as_text(text: str) -> None:
    [term] = query.parse(text).terms
    assert term.fields == ("id", "name", "label", "exception")


def test_groups_of_failures_have_no_references() -> None:
    [term] = query.parse("HW-9D3F-0C6E", language=query.FAILURES).terms
    assert "type" in term.fields


def test_only_ascii_letters_are_folded_as_in_both_databases() -> None:
    assert matches("CAFé", name="café")
    assert not matches("CAFÉ", name="café")
    assert not matches("k", name="\N{KELVIN SIGN}")


def test_error_matches_the_type_of_the_exception() -> None:
    for text in ("CardError", "CardError('declined')", "CardError: declined"):
        assert matches("error:CardError", exception=text)
    for other in (None, "CardErrors()", "BadCardError()", "carderror()"):
        assert not matches("error:CardError", exception=other)


def test_error_with_a_star_matches_the_whole_text() -> None:
    assert matches("error:*declined*", exception="CardError('declined')")
    assert not matches("error:Card*declined", exception="CardError('declined')")


# States


def test_celery_states_are_read_in_any_case() -> None:
    assert matches("state:failure", state="FAILURE")
    assert query.parse("state:Failure").text == "state:FAILURE"


def test_a_state_of_the_hosts_own_is_written_in_capitals_or_quotes() -> None:
    assert matches("state:RENDERING", state="RENDERING")
    assert matches('state:"rendering"', state="rendering")
    assert marked("state:rendering") == "rendering"


def test_status_and_conclusion_take_our_words() -> None:
    assert matches("status:running", status="running")
    assert matches("conclusion:failed,lost", conclusion="lost")
    assert not matches("conclusion:failed", conclusion=None)


@pytest.mark.parametrize(
    ("text", "offer"),
    [
        ("status:failed", "conclusion:failed"),
        ("state:running", "status:running"),
        ("conclusion:failure", "state:FAILURE"),
        ("status:runing", "running"),
        ("state:failre", "FAILURE"),
    ],
)
def test_a_state_under_the_wrong_word_is_offered_under_the_right_one(text: str, offer: str) -> None:
    error = refusal(text)
    assert f'Did you mean "{offer}"?' in error.message
    assert error.allowed


@pytest.mark.parametrize(
    ("text", "field", "present", "absent"),
    [
        ("has:progress", "progress", {"current": 1}, None),
        ("has:retries", "retries", 1, 0),
        ("has:eta", "eta", NOW, None),
    ],
)
def test_has_tells_whether_it_is_there(
    text: str, field: str, present: object, absent: object
) -> None:
    assert matches(text, **{field: present})
    assert not matches(text, **{field: absent})
    assert matches(f"-{text}", **{field: absent})


def test_has_of_several_wants_any_of_them() -> None:
    assert matches("has:eta,retries", retries=1)
    assert not matches("has:eta,retries")


# The tree


def test_equal_queries_are_equal_values() -> None:
    assert query.parse('name:"a" b') == query.parse("name:a B")
    assert len({query.parse("name:a"), query.parse(" name:a ")}) == 1


def test_a_conjunction_selects_what_both_select() -> None:
    both = query.conjunction(query.parse("name:a"), query.parse("owner:me name:a"))
    assert both == query.parse("name:a owner:me")
    assert query.conjunction(both, None) == query.conjunction(both, query.EVERYTHING) == both


def test_terms_are_left_out_by_their_word() -> None:
    wanted = query.parse("status:running -conclusion:failed state:RETRY name:a running")
    assert query.without(wanted, {"status", "conclusion", "state"}).text == "name:a running"


def test_the_words_are_plain_data_and_every_example_is_a_query() -> None:
    assert json.loads(json.dumps(query.WORDS)) == query.WORDS
    for word, data in query.WORDS.items():
        assert query.parse(str(data["example"])).terms[0].word == word
        assert data["description"]


def test_the_reference_tells_every_word_and_each_of_its_values() -> None:
    table = dict(
        re.findall(r"^\| `([a-zA-Z.]+):` \| (.*) \|$", REFERENCE.read_text(), re.MULTILINE)
    )
    assert set(table) == set(query.WORDS)
    for word, told in table.items():
        example = re.search(r"`(.*)`$", told)
        assert example
        assert query.parse(example[1]).terms[0].word == word
        assert all(value in told for value in cast(list[str], query.WORDS[word]["values"]))
