"""The filter language: what it reads, what it refuses, and which rows its predicate takes."""

import json
import re
import time
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from realtime.core import query

NOW = 1_795_000_000.0
DAY_S = 86_400.0
REFERENCE = Path(__file__).parents[4] / "docs/reference/query.md"


def row(**values: Any) -> dict[str, Any]:
    nothing = dict.fromkeys(
        (
            *("name", "conclusion", "queue", "worker", "priority", "eta", "wait", "runtime"),
            *(
                "progress",
                "args",
                "kwargs",
                "exception",
                "signature",
                "root_id",
                "group_id",
                "parent_id",
            ),
            *("owner", "label"),
        )
    )
    base: dict[str, Any] = {
        "id": "1",
        "state": "STARTED",
        "status": "running",
        "retries": 0,
        "first_seen_at": NOW,
    }
    return {**nothing, **base, **values}


def matches(text: str, **values: Any) -> bool:
    return query.predicate(query.parse(text), NOW)(row(**values))


def refusal(text: str, *unreadable: str) -> query.QueryError:
    with pytest.raises(query.QueryError) as caught:
        query.parse(text, unreadable=frozenset(unreadable))
    return caught.value


def marked(text: str) -> str:
    """The part of the text that its refusal points at."""
    error = refusal(text)
    return text[error.at : error.until]


# -- terms ---------------------------------------------------------------------------------------


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


# -- text ----------------------------------------------------------------------------------------


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


# -- states --------------------------------------------------------------------------------------


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


# -- numbers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("250ms", 0.25),
        ("5s", 5.0),
        ("1.5m", 90.0),
        ("2h", 7200.0),
        ("1d", DAY_S),
        ("1w", 7 * DAY_S),
        ("1h30m", 5400.0),
    ],
)
def test_durations_have_units(text: str, seconds: float) -> None:
    assert matches(f"runtime:{text}", runtime=seconds)
    assert not matches(f"runtime:>{text}", runtime=seconds)
    assert matches(f"wait:>={text}", wait=seconds)


@pytest.mark.parametrize(
    ("operator", "below", "same", "above"),
    [
        (">", False, False, True),
        (">=", False, True, True),
        ("<", True, False, False),
        ("<=", True, True, False),
        ("=", False, True, False),
        ("", False, True, False),
    ],
)
def test_numbers_compare(operator: str, below: bool, same: bool, above: bool) -> None:
    found = [matches(f"retries:{operator}3", retries=n) for n in (2, 3, 4)]
    assert found == [below, same, above]
    assert not matches(f"priority:{operator}3", priority=None)


def test_a_range_includes_both_ends() -> None:
    found = [matches("runtime:1s..1m", runtime=s) for s in (0.9, 1.0, 30.0, 60.0, 60.1)]
    assert found == [False, True, True, True, False]
    assert matches("priority:-3..0", priority=-3)


@pytest.mark.parametrize(
    "value", ["", ">", "5", "5x", ">5", "1s..", "..1s", ">1s..2s", "s", "1e5s", "٣s", "*"]
)
def test_a_bad_duration_is_refused_where_it_stands(value: str) -> None:
    assert refusal(f"name:x runtime:{value}").at >= len("name:x runtime:") - 1


@pytest.mark.parametrize("value", ["1.5", "5s", "1..", "--1", "9999999999", "١", "1_0", "*"])
def test_a_bad_count_is_refused_where_it_stands(value: str) -> None:
    assert marked(f"retries:{value}") == value


def test_an_empty_range_is_refused() -> None:
    assert "empty" in refusal("retries:5..1").message


# -- times ---------------------------------------------------------------------------------------


def test_since_and_until_take_a_time_before_now() -> None:
    assert matches("since:1h", first_seen_at=NOW - 3600)
    assert not matches("since:1h", first_seen_at=NOW - 3601)
    assert matches("until:1h", first_seen_at=NOW - 3601)
    assert not matches("until:1h", first_seen_at=NOW - 3600)
    assert not query.predicate(query.parse("since:1h"), NOW + 1)(row(first_seen_at=NOW - 3600))


@pytest.mark.parametrize(
    ("text", "unix_seconds"),
    [
        ("2026-11-21T10:00", 1_795_255_200.0),
        ("2026-11-21T10:00:30", 1_795_255_230.0),
        ("2026-11-21T10:00:30.5", 1_795_255_230.5),
        ("2026-11-21T10:00Z", 1_795_255_200.0),
        ("2026-11-21T12:00+02:00", 1_795_255_200.0),
        ('"2026-11-21 10:00"', 1_795_255_200.0),
    ],
)
def test_an_instant_is_utc_unless_it_names_an_offset(text: str, unix_seconds: float) -> None:
    assert matches(f"since:{text}", first_seen_at=unix_seconds)
    assert not matches(f"since:{text}", first_seen_at=unix_seconds - 0.01)
    assert matches(f"until:{text}", first_seen_at=unix_seconds - 0.01)
    assert not matches(f"until:{text}", first_seen_at=unix_seconds)


def test_until_a_date_includes_that_day() -> None:
    midnight = 1_795_219_200.0
    assert matches("since:2026-11-21 until:2026-11-21", first_seen_at=midnight)
    assert matches("until:2026-11-21", first_seen_at=midnight + DAY_S - 0.01)
    assert not matches("until:2026-11-21", first_seen_at=midnight + DAY_S)


@pytest.mark.parametrize(
    "value",
    ["yesterday", "2026-02-30", "2026-11-21T25:00", "2026-W47", "20261121", "0000-01-01", "-1h"],
)
def test_a_bad_instant_is_refused_where_it_stands(value: str) -> None:
    assert marked(f"since:{value}") == value


def test_a_query_says_whether_time_alone_changes_what_it_selects() -> None:
    assert query.parse("-since:1h").is_relative
    assert not query.parse("since:2026-11-21 runtime:>1h").is_relative


# -- arguments -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x", "x"),
        (4812, "4812"),
        (1.0, "1.0"),
        (True, "true"),
        (None, "null"),
        ([1, "é"], '"[1,\\"é\\"]"'),
        ({"a": 1}, '"{\\"a\\":1}"'),
    ],
)
def test_an_argument_compares_as_its_text_or_its_compact_json(value: object, text: str) -> None:
    assert matches(f"kwarg.a:{text}", kwargs={"a": value})
    assert matches(f"arg:{text}", args=[0, value])
    assert matches(f"arg:{text}", kwargs={"b": value})


def test_a_keyword_argument_is_found_by_its_exact_name() -> None:
    assert matches("kwarg.Order.id:48*", kwargs={"Order.id": 4812})
    assert not matches("kwarg.order.id:48*", kwargs={"Order.id": 4812})
    assert not matches("kwarg.a:*", kwargs={"b": 1})
    assert matches("-kwarg.a:*", kwargs={"b": 1})


def test_arguments_kept_as_a_repr_are_never_matched() -> None:
    for text in ("arg:*", "kwarg.a:*"):
        assert not matches(text, args="(1, …", kwargs="{'a': …")
        assert not matches(text)


# -- refusals ------------------------------------------------------------------------------------


def test_an_unknown_word_is_marked_and_the_likely_one_offered() -> None:
    error = refusal("name:x qeue:y")
    assert (error.code, error.at, error.until) == ("bad_query", 7, 11)
    assert 'Did you mean "queue"?' in error.message
    assert set(error.allowed) == set(query.WORDS)


@pytest.mark.parametrize(
    ("text", "offer"),
    [("task:x", "name"), ("exception:x", "error"), ("kwargs.a:1", "kwarg.NAME"), ("kwarg:1", "kw")],
)
def test_a_word_of_another_tool_is_answered_with_ours(text: str, offer: str) -> None:
    assert f'Did you mean "{offer}' in refusal(text).message


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("a http://x", "http"),
        ("a kwarg.:1", "kwarg."),
        ("a kwarg.a,b:1", "kwarg.a,b"),
        (":x", ":"),
        ("name:a,,b", ","),
        ("name:a,", ","),
        ("name:", ":"),
        ("a -", "-"),
        ("a --b", "--b"),
        ('a ""', '""'),
        ('a name:"b c', '"b c'),
        ("a\0b", "\0"),
        ("a\x1bb", "\x1b"),
        ("a\ud800b", "\ud800"),
        ("has:children", "children"),
        ("😀 nme:x", "nme"),
    ],
)
def test_a_refusal_points_at_what_is_wrong(text: str, part: str) -> None:
    assert marked(text) == part


def test_bounds_are_told_with_their_number() -> None:
    assert "1000" in refusal("x" * 1001).message
    assert "50" in refusal(" ".join(f"x{n}" for n in range(51))).message
    assert "100" in refusal("id:" + ",".join(str(n) for n in range(101))).message


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("error:x", "exception"),
        ("signature:x", "exception"),
        ("kwarg.a:x", "kwargs"),
        ("arg:x", "args"),
        ("arg:x", "kwargs"),
    ],
)
def test_a_term_on_a_field_that_may_not_be_read_is_not_allowed(text: str, field: str) -> None:
    error = refusal(f"name:x -{text}", field)
    word = text.partition(":")[0]
    assert (error.code, error.at, error.until) == ("not_allowed", 8, 8 + len(word))
    assert field in error.message


def test_a_bare_word_skips_a_field_that_may_not_be_read() -> None:
    secret = row(exception="needle")
    blind = query.parse("needle", unreadable=frozenset({"exception"}))
    assert not query.predicate(blind, NOW)(secret)
    assert blind != query.parse("needle")
    assert matches("needle", exception="needle")


# -- the tree ------------------------------------------------------------------------------------


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


# -- hostile text --------------------------------------------------------------------------------

pieces = st.sampled_from(
    [
        *('"', "\\", "*", ",", ":", "-", " ", "..", ">", "<=", "1", "s", "1h", "a", "é", "😀"),
        *(f"{word}:" for word in query.WORDS),
        *("kwarg.", "kwarg.a:", "failure", "2026-11-21", "T10:00", "+02:00", "\0", "\ud800"),
    ]
)
any_text = st.text(st.characters(), max_size=60) | st.lists(pieces, max_size=25).map("".join)


def answered(text: str) -> query.Query | query.QueryError:
    try:
        return query.parse(text)
    except query.QueryError as error:
        return error


@settings(max_examples=500, deadline=None)
@given(any_text)
@example("-" * 1000)
@example('"' * 1000)
@example("a," * 500)
@example("9" * 999 + "s")
@example("runtime:" + "9" * 900 + "s")
@example("runtime:" + "1s" * 400)
@example("since:" + "999999999w" * 99)
@example("since:9999-12-31T23:59:59.999999-23:59")
@example("until:9999-12-31")
@example("kwarg." * 100 + ":x")
def test_any_text_is_a_query_or_a_query_error_and_nothing_else(text: str) -> None:
    answer = answered(text)
    if isinstance(answer, query.QueryError):
        assert 0 <= answer.at < answer.until <= len(text)
        assert answer.message
    else:
        assert query.predicate(answer, NOW)(row()) in (True, False)
        assume(len(answer.text) <= query.MAX_LENGTH)
        assert query.parse(answer.text) == answer
        assert query.parse(answer.text).text == answer.text


def test_hostile_text_takes_no_longer_than_honest_text() -> None:
    patterns = ["*a" * 450, "a*" * 450, "*" * 900, "1s" * 450]
    started = time.perf_counter()
    for pattern in patterns:
        for word in ("name:", "", "error:"):
            matches(f"{word}{pattern}b", name="a" * 100_000, exception="a" * 100_000)
    assert time.perf_counter() - started < 2.0


def failures(text: str) -> query.Query:
    return query.parse(text, language=query.FAILURES)


def test_words_do_not_search_frames_for_who_may_not_read_tracebacks() -> None:
    hidden = frozenset({"traceback"})
    [term] = query.parse("pay.py", unreadable=hidden, language=query.FAILURES).terms
    assert term.fields == ("type", "message", "name", "signature")


def test_groups_of_failures_are_asked_for_in_their_own_words() -> None:
    asked = failures("state:OPEN,muted name:shop.* since:1h declined")
    assert asked.text == "state:open,muted name:shop.* since:1h declined"
    assert [term.fields for term in asked.terms] == [
        ("state",),
        ("name",),
        ("last_seen_at",),
        ("type", "message", "frame", "name", "signature"),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("queue:mail", 'There is no word "queue". The words are name, state, since.'),
        ("task:shop.pay", 'Did you mean "name"?'),
        ("exception:E", 'There is no word "exception". The words'),
        ("state:failed", "it takes open, muted, resolved."),
        ("state:opne", 'Did you mean "open"?'),
    ],
)
def test_other_words_are_no_words_of_failures(text: str, says: str) -> None:
    with pytest.raises(query.QueryError) as error:
        failures(text)
    assert error.value.code == "bad_query"
    assert says in error.value.message
    assert "conclusion" not in error.value.message
