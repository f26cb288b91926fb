"""JSON for the stream's adapters: one encoder and one decoder, the fastest that is well kept."""

import json
from typing import Any

import orjson


def encode(value: object) -> bytes:
    """Compact JSON of plain values (dict, list, tuple, text, numbers, None)."""
    return orjson.dumps(value)


def decode(data: bytes | str) -> Any:
    """The value of JSON text; ValueError when it is not JSON."""
    return orjson.loads(data)


def decode_leniently(data: bytes | str) -> Any:
    """Like `decode`, and what Python's own encoder writes beyond JSON: NaN, lone surrogates."""
    try:
        return orjson.loads(data)
    except ValueError:
        pass
    try:
        return json.loads(data)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
