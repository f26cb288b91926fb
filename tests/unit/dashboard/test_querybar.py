"""A query cut into chips, and put together again."""

from hypothesis import given
from hypothesis import strategies as st

from dashboard import querybar
from realtime.core import query as language


def texts(query: str) -> list[str]:
    return [term.text for term in querybar.terms(query)]


def test_terms_are_parted_by_blanks_outside_quotes() -> None:
    assert texts('queue:media  label:"Monthly report" -name:shop.*') == [
        "queue:media",
        'label:"Monthly report"',
        "-name:shop.*",
    ]


def test_escaped_quotes_do_not_end_a_term() -> None:
    assert texts(r'label:"a \" b" x') == [r'label:"a \" b"', "x"]


def test_quotes_that_do_not_end_reach_to_the_end() -> None:
    assert texts('queue:media label:"Monthly report') == ["queue:media", 'label:"Monthly report']


def test_head_is_what_a_chip_shows_quietly() -> None:
    heads = [(term.head, term.tail) for term in querybar.terms('-queue:media 4812 "a:b"')]
    assert heads == [("-queue:", "media"), ("", "4812"), ("", '"a:b"')]


def test_state_tab_takes_the_place_of_every_state_term() -> None:
    terms = querybar.terms("queue:media status:running -state:FAILURE")
    assert querybar.with_state(terms, "conclusion:failed") == "queue:media conclusion:failed"
    assert querybar.with_state(terms, "") == "queue:media"


def test_only_the_term_itself_is_taken_away_not_its_twin() -> None:
    first, second = querybar.terms("a a")
    assert querybar.without([first, second], [second]) == "a"


def test_offset_of_an_error_finds_its_term() -> None:
    terms = querybar.terms("queue:media statos:running")
    found = querybar.at(terms, 14)
    assert found is not None
    assert found.text == "statos:running"
    assert querybar.at([], 3) is None


@given(
    st.lists(
        st.sampled_from(
            ["queue:media", 'label:"a b"', '-name:"x\\"y"', "since:1h", "word", r'id:"a\\"']
        ),
        unique=True,
    )
)
def test_canonical_queries_are_cut_into_as_many_terms_as_the_language_reads(
    parts: list[str],
) -> None:
    query = language.parse(" ".join(parts))
    assert texts(query.text) == [term.text for term in query.terms]
