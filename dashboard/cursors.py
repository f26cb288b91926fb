"""The text that says where a page ended. Opaque to those who hold it, and never trusted back."""

import base64
import binascii
import math
from typing import NamedTuple

from realtime.codec import decode, encode

_MAX_LENGTH = 2000
"""An id of 255 characters of four bytes each, in base64, fits."""


class Key(NamedTuple):
    """Where a row stands in a list: newest first, and by id where the time is equal."""

    first_seen_at: float
    id: str


def text(key: Key) -> str:
    """The cursor that goes on below `key`."""
    return base64.urlsafe_b64encode(encode([*key])).rstrip(b"=").decode("ascii")


def key(cursor: str) -> Key:
    """What `text` made the cursor from; ValueError when it was not made by it."""
    try:
        if len(cursor) > _MAX_LENGTH:
            raise ValueError("too long")
        data = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        at, id_ = decode(base64.b64decode(data, altchars=b"-_", validate=True))
        if not isinstance(at, float) or not math.isfinite(at):
            raise ValueError("no instant")
        if not isinstance(id_, str) or "\x00" in id_:
            raise ValueError("no id")
    except (ValueError, TypeError, binascii.Error) as error:
        raise ValueError(
            f"after: {cursor[:40]!r} is no cursor of a list: take `after` from the answer before."
        ) from error
    return Key(at, id_)
