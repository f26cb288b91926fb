"""What is taken off a broker is checked, cut and never trusted."""

import json
import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from realtime.core import events
from realtime.core.events import Event, Reject, arguments, clean, instant, parse, progress_fields
from realtime.testing import AT, BUILDERS, checked, task_progress, task_received, task_succeeded

HOSTILE = (
    "\x00",
    "\ud800",
    "<script>alert(1)</script>",
    "x" * 100_000,
    "(" * 10_000,
    "{" * 300,
    "-" * 5_000 + "1",
    "9" * 5_000,
    "__import__('os').system('true')",
    "'" * 999,
    "[" + "1," * 2_000 + "]",
    "1e999",
    "{1: 2}",
    "b'\\x00'",
    "('\\x00', '\\ud800')",
)
NUMBERS = (
    st.integers(-(10**400), 10**400)
    | st.floats()
    | st.sampled_from([2**31, 2**62, 2**63, 10**4_000, -1, 1e308, True, False])
)
TEXTS = st.text(st.characters(), max_size=20) | st.sampled_from(HOSTILE)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
NAMES = [
    "type",
    "uuid",
    "hostname",
    "timestamp",
    "clock",
    "pid",
    "name",
    "args",
    "kwargs",
    "retries",
    "eta",
    "expires",
    "root_id",
    "parent_id",
    "queue",
    "routing_key",
    "result",
    "runtime",
    "exception",
    "traceback",
    "expired",
    "terminated",
    "requeue",
    "current",
    "total",
    "done",
    "pending",
    "percent",
    "description",
    "message",
    "unit",
    "stage",
    "stages",
    "group",
    "owner",
    "label",
    "priority",
    "time_limit",
    "freq",
    "active",
    "processed",
    "loadavg",
    "sw_ident",
    "sw_ver",
    "sw_sys",
]


@st.composite
def nearly_right(draw: st.DrawFn) -> dict[str, Any]:
    """An event of a known kind, any of whose fields may be anything."""
    kind = draw(st.sampled_from(sorted(BUILDERS)))
    strange = draw(st.dictionaries(st.sampled_from(NAMES[1:]), VALUES, max_size=6))
    return {**BUILDERS[kind]("a1"), **strange}


def longest(value: object) -> int:
    """The length of the longest text anywhere in it."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return max((longest(item) for pair in value.items() for item in pair), default=0)
    if isinstance(value, list | tuple):
        return max(map(longest, value), default=0)
    return 0


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@given(st.dictionaries(TEXTS | st.sampled_from(NAMES), VALUES) | VALUES)
@example({"type": ["task-sent"]})
@example({"type": {"a": 1}, "uuid": "a1"})
def test_whatever_is_decoded_is_answered_with_a_value(raw: object) -> None:
    assert parse(raw, AT) is None or isinstance(parse(raw, AT), Event | Reject)


def assert_storable(raw: dict[str, Any]) -> None:
    """It is refused, or what is kept of it fits every store and every bound."""
    event = parse(raw, AT)
    if not isinstance(event, Event):
        assert isinstance(event, Reject)
        return
    text = json.dumps(event.fields, allow_nan=False, ensure_ascii=False)
    assert "\\u0000" not in text
    text.encode("utf-8")
    assert len(text) < 64 * 1024
    assert longest(event.fields) <= events.MAX_TRACEBACK
    assert 0 < len(event.id) <= events.MAX_ID
    assert 0 <= event.at < events.MAX_AT
    assert 0 <= event.clock < 2**63
    assert 0 <= event.pid < 2**63
    for name in ("eta", "expires"):
        moment = event.fields.get(name)
        assert moment is None or 0 <= moment < events.MAX_AT  # type: ignore[operator]


@given(nearly_right())
def test_what_is_taken_can_be_stored_and_is_bounded(raw: dict[str, Any]) -> None:
    assert_storable(raw)


@pytest.mark.parametrize(
    "raw",
    [
        task_received("a1", args=nested(30)),
        task_received("a1", args=nested(900)),
        task_received("a1", args=nested(100_000)),
        task_received("a1", args=str(nested(90))),
        task_received("a1", args=[10**5_000]),
        task_received("a1", args=["x" * 200_000]),
        task_received("a1", kwargs={"a": "\x00\ud800", "b": math.nan}),
        task_received("a1", kwargs={"a" * 1_000: "\x00" * 9}),
        task_received("a1", eta="0001-01-01T00:00:00+23:59"),
        task_received("a1", eta="9999-12-31T23:59:59-23:59"),
        task_succeeded("a1", result=nested(100_000)),
        task_succeeded("a1", result=10**5_000),
        task_progress("a1", 10**400, math.inf, message=nested(5)),
        task_progress("a1", 1, stages=["\ud800"] * 50),
    ],
    ids=range(14),
)
def test_an_event_made_to_hurt_is_cut_or_refused(raw: dict[str, Any]) -> None:
    assert_storable(raw)


@given(VALUES)
def test_the_progress_in_any_meta_is_told_or_not_but_never_raises(meta: object) -> None:
    fields = progress_fields(meta)
    assert fields is None or json.dumps(fields, allow_nan=False)


@given(TEXTS, st.integers(1, 300))
def test_cleaned_text_fits_and_has_a_utf8_form(text: str, limit: int) -> None:
    cleaned = clean(text, limit)
    assert cleaned is not None
    assert len(cleaned) <= limit
    assert "\x00" not in cleaned
    cleaned.encode("utf-8")


@given(st.text(max_size=70))
@example("2026-11-21T10:00:00Z")
@example("9999-12-31T23:59:59+00:00")
def test_an_instant_is_seconds_or_nothing(text: str) -> None:
    at = instant(text)
    assert at is None or math.isfinite(at)


@pytest.mark.parametrize("kind", BUILDERS)
def test_every_kind_that_celery_or_headway_sends_is_taken(kind: str) -> None:
    event = checked(BUILDERS[kind]("a1"))
    assert (event.kind, event.id, event.at) == (kind, "a1", AT)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ([], "not_an_object"),
        ("task-sent", "not_an_object"),
        ({}, "no_type"),
        ({"type": 7}, "no_type"),
        (task_received("a1", without="uuid"), "no_uuid"),
        (task_received(""), "no_uuid"),
        (task_received("a1", uuid=7), "no_uuid"),
        (task_received("a" * 256), "bad_uuid"),
        (task_received("a\x00"), "bad_uuid"),
        (task_received("a\ud800"), "bad_uuid"),
        (task_received("a\nb"), "bad_uuid"),
        (task_received("a\x85b"), "bad_uuid"),
        (task_received("a1", hostname="celery@\x1b[2J"), "bad_uuid"),
        (task_received("a1", hostname=None), "bad_hostname"),
        (task_received("a1", hostname="h" * 256), "bad_hostname"),
        (task_received("a1", timestamp="now"), "bad_timestamp"),
        (task_received("a1", timestamp=math.nan), "bad_timestamp"),
        (task_received("a1", timestamp=-1), "bad_timestamp"),
        (task_received("a1", timestamp=True), "bad_timestamp"),
        (task_received("a1", timestamp=10**400), "bad_timestamp"),
        (task_progress("a1", None), "empty_progress"),
    ],
)
def test_a_malformed_event_is_counted_under_its_reason(raw: object, reason: str) -> None:
    assert parse(raw, AT) == Reject(reason)


def test_an_event_of_the_hosts_own_is_no_fault() -> None:
    assert parse({"type": "shop-opened", "hostname": "shop"}, AT) is None


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("()", []),
        ("(1, 'two', None, True, [3.5])", [1, "two", None, True, [3.5]]),
        ("[1, 2]", [1, 2]),
        ("{'a': 1}", "{'a': 1}"),
        ("(1, 2, ...)", "(1, 2, ...)"),
        ("(<Order 7>,)", "(<Order 7>,)"),
        ("({1: 2},)", "({1: 2},)"),
        ("(1e999,)", "(1e999,)"),
        ("(b'x',)", "(b'x',)"),
        ("(exit(),)", "(exit(),)"),
        (None, None),
        (7, None),
    ],
)
def test_arguments_are_data_where_their_repr_can_be_read(text: object, data: object) -> None:
    assert arguments(text, "()") == data


def test_arguments_that_came_as_data_stay_data_when_they_are_small() -> None:
    assert arguments([1, {"a": "b"}], "()") == [1, {"a": "b"}]
    assert arguments({"card": "4711"}, "{}") == {"card": "4711"}


def test_arguments_that_came_as_large_data_become_a_cut_text() -> None:
    text = arguments(["x" * 10_000], "()")
    assert isinstance(text, str)
    assert len(text) == events.MAX_REPR
    assert text.endswith(events.CUT)


def test_the_end_of_a_long_traceback_is_kept() -> None:
    cut = events.tail("first\n" + "x" * events.MAX_TRACEBACK + "\nlast", events.MAX_TRACEBACK)
    assert cut is not None
    assert cut.endswith("last")
    assert len(cut) <= events.MAX_TRACEBACK


def test_the_clock_of_a_client_says_nothing() -> None:
    assert checked(BUILDERS["task-sent"]("a1", clock=99)).clock == 0
    assert checked(task_received("a1", clock=99)).clock == 99


def test_a_task_that_retries_is_not_its_own_parent() -> None:
    assert checked(task_received("a", parent_id="a", root_id="a")).fields["parent_id"] is None
    assert checked(task_received("a", parent_id="b")).fields["parent_id"] == "b"


@pytest.mark.parametrize("wrong", ["a\nb", "a\x00", "a" * 256, 7, ""])
def test_a_relative_that_no_task_can_be_is_not_kept(wrong: object) -> None:
    told = checked(task_received("a1", root_id=wrong, parent_id=wrong)).fields

    assert (told["root_id"], told["parent_id"]) == (None, None)


def test_ids_of_any_script_are_taken() -> None:
    assert checked(task_received("Rechnung\u00a07 \U0001faea ünï")).id


def test_arguments_of_the_other_kind_are_kept_as_text() -> None:
    told = checked(task_received("a1", args={"a": 1}, kwargs=[1, 2])).fields

    assert (told["args"], told["kwargs"]) == ("{'a': 1}", "[1, 2]")
