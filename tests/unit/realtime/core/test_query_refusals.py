"""What the filter language refuses, where it says so, and that no text harms it."""

import time

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from realtime.core import query
from tests.unit.realtime.core.queried import NOW, marked, matches, refusal, row

# Refusals


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


# Hostile text


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
