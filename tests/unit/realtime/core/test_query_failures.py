"""The filter language of groups of failures."""

import pytest

from realtime.core import query


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
