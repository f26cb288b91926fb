"""Numbers, times and arguments in the filter language."""

import pytest

from realtime.core import query
from tests.unit.realtime.core.queried import NOW, marked, matches, refusal, row

DAY_S = 86_400.0


# Numbers


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


# Times


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


# Arguments


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
