"""The answers to many small requests of one socket, such as its tokens: one each, the newest."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING

from realtime.core import frames, framing
from realtime.core.framing import Text
from realtime.hub.rows import frame_body

if TYPE_CHECKING:
    from realtime.hub.socket import Socket

MAX_ANSWERS = 1_200
"""A page with 500 elements asks for that many at once: an answer to each token and subject."""


class Answers:
    """Sends what waits as far as credit goes. A peer that asks on without reading is sent away."""

    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self._waiting: dict[Hashable, tuple[str, Text]] = {}

    @property
    def waiting_size(self) -> int:
        """Bytes that wait for credit."""
        return sum(body.size for _, body in self._waiting.values())

    def put(self, slot: Hashable, op: str, fields: Mapping[str, object]) -> None:
        """Answer; an older answer of this slot that still waits is not sent any more."""
        self._waiting.pop(slot, None)
        if len(self._waiting) >= MAX_ANSWERS:
            message = "Too many answers wait to be acknowledged."
            self._socket.dismiss(frames.TOO_SLOW, "unread", message, retry=True)
            return
        self._waiting[slot] = (op, frame_body(fields))
        self._socket.note_due(self)

    def flush(self) -> bool:
        """Send what credit allows; whether everything is sent."""
        for slot, (op, body) in list(self._waiting.items()):
            if not self._socket.allows(body.size + framing.HEAD_BYTES):
                return False
            del self._waiting[slot]
            self._socket.send(op, body)
        return True
