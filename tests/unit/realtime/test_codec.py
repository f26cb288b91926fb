"""JSON in and out; where a peer is lenient, so are we."""

import math

import pytest

from realtime import codec


def test_values_come_back_as_they_went() -> None:
    value = {"a": [1, 2.5, None, True, "ü"]}
    assert codec.decode(codec.encode(value)) == value
    assert codec.decode_leniently(codec.encode(value)) == value


def test_what_python_writes_beyond_json_is_read_only_leniently() -> None:
    with pytest.raises(ValueError, match=r"."):
        codec.decode("[NaN]")
    (number,) = codec.decode_leniently("[NaN]")
    assert math.isnan(number)
    assert codec.decode_leniently(b'"\\ud800"') == "\ud800"


@pytest.mark.parametrize("text", ["", "{", b"\xff", "[" * 100_000, "9" * 5_000])
def test_what_is_no_json_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        codec.decode_leniently(text)
