"""JSON for the stream's adapters: one encoder and one decoder, the fastest that is well kept."""

from typing import Any

import orjson


def encode(value: object) -> bytes:
    """Compact JSON of plain values (dict, list, tuple, text, numbers, None)."""
    return orjson.dumps(value)


def decode(data: bytes | str) -> Any:
    """The value of JSON text; ValueError when it is not JSON."""
    return orjson.loads(data)
