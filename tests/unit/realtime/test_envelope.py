"""Size before decoding, JSON and nothing else, and no exception but the counted one."""

import base64
import json
import pickle
import zlib
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime import envelope
from realtime.core.events import MAX_EVENT_BYTES
from realtime.envelope import Refused, read, unpack, unwrap

JSON = "application/json"


def wrapped(body: bytes, /, **changes: Any) -> dict[str, Any]:
    return {
        "body": base64.b64encode(body).decode(),
        "content-type": JSON,
        "headers": {},
        "properties": {"body_encoding": "base64"},
        **changes,
    }


def refusal(envelope: object) -> str:
    with pytest.raises(Refused) as refused:
        unwrap(envelope)
    return str(refused.value)


def test_the_body_of_an_envelope_comes_out() -> None:
    assert unpack(json.dumps(wrapped(b'[{"type": "task-sent"}]'))) == [{"type": "task-sent"}]


def test_a_body_without_base64_comes_out_too() -> None:
    assert unwrap(wrapped(b"", body='{"a": 1}', properties={})) == {"a": 1}


def test_a_large_wire_is_refused_without_being_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(envelope.codec, "decode_leniently", pytest.fail)
    with pytest.raises(Refused, match="too_large"):
        unpack(b" " * (envelope.MAX_WIRE_BYTES + 1))
    with pytest.raises(Refused, match="too_large"):
        read(b" " * (MAX_EVENT_BYTES + 1), JSON, {})


def test_the_largest_body_fits_in_its_envelope() -> None:
    text = json.dumps("x" * (MAX_EVENT_BYTES - 2)).encode()
    assert unpack(json.dumps(wrapped(text))) == "x" * (MAX_EVENT_BYTES - 2)
    assert refusal(wrapped(text + b" ")) == "too_large"


@pytest.mark.parametrize(
    "told",
    [
        [],
        None,
        "text",
        {},
        wrapped(b"", body=7),
        wrapped(b"", body="%%%"),
        wrapped(b"", body="ü"),
        wrapped(b"{", properties={"body_encoding": "base64"}),
        wrapped(b"\xff"),
        wrapped(b"[" * 100_000),
        wrapped(pickle.dumps({"type": "task-sent"})),
        wrapped(b"{}", **{"content-type": "application/x-python-serialize"}),
        wrapped(b"{}", **{"content-type": "application/x-yaml"}),
        wrapped(b"{}", **{"content-type": None}),
        wrapped(zlib.compress(b" " * 50_000_000 + b"{}"), headers={"compression": "zlib"}),
        wrapped(b"9" * 5_000),
    ],
)
def test_whatever_is_not_plain_json_is_refused(told: object) -> None:
    assert refusal(told) == "not_json"


def test_what_python_writes_beyond_json_is_read() -> None:
    value = unwrap(wrapped(b'[NaN, Infinity, "\\ud800"]'))
    assert isinstance(value, list)
    assert value[1:] == [float("inf"), "\ud800"]


@given(st.binary(max_size=200))
def test_no_wire_raises_anything_else(wire: bytes) -> None:
    try:
        unpack(wire)
    except Refused as refused:
        assert str(refused) in {"not_json", "too_large"}  # noqa: PT017 - that it need not raise


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(list(wrapped(b""))), inner),
        max_leaves=8,
    )
)
def test_no_envelope_raises_anything_else(told: object) -> None:
    try:
        unwrap(told)
    except Refused as refused:
        assert str(refused) in {"not_json", "too_large"}  # noqa: PT017 - that it need not raise


def test_messages_are_taken_before_kombu_and_not_printed_by_redis() -> None:
    handlers: list[object] = []
    answers: list[object] = [[b"psubscribe", b"*", 1], [b"pmessage", b"*", b"events", b"wire"]]
    parser = SimpleNamespace(set_pubsub_push_handler=handlers.append)
    subscriber = SimpleNamespace(
        connection=SimpleNamespace(_parser=parser), parse_response=lambda: answers.pop(0)
    )
    taken: list[bytes] = []
    envelope.tap(SimpleNamespace(subclient=subscriber), taken.append)
    assert subscriber.parse_response() == [b"psubscribe", b"*", 1]
    assert subscriber.parse_response() is None
    assert taken == [b"wire"]
    [handle] = handlers
    assert handle(answers) is answers  # type: ignore[operator]
