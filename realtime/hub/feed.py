"""One view on one socket: what its reader holds, and what it has still to be told."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from realtime.core import framing
from realtime.core.frames import Open
from realtime.core.framing import Text
from realtime.core.window import Pending
from realtime.hub.views import Delta, Patch, View

if TYPE_CHECKING:
    from realtime.hub.socket import Socket


class Feed:
    """Sends what changes while the socket has credit, and else remembers which rows to send: their
    latest versions are in the view. A reader that is slow misses versions, never the last one."""

    def __init__(self, socket: Socket, op: Open, view: View) -> None:
        self.socket = socket
        self.op = op
        self.view = view
        self.is_waiting = True
        """The view has no rows yet, or where the reader stands is still being found out."""
        self._told = 0
        self._pending = Pending()
        self._has_counts_due = False
        self._pieces: deque[list[Text]] = deque()
        self._part = 0
        self._of = 0

    @property
    def is_clear(self) -> bool:
        """Whether the reader has been sent everything."""
        return not (self._pieces or self._pending or self._has_counts_due or self.is_waiting)

    @property
    def waiting_size(self) -> int:
        """Bytes of the rows that wait for credit."""
        held = self.view.held
        rows = sum(held[key].text.size for key in self._pending.upsert if key in held)
        return rows + sum(text.size for piece in self._pieces for text in piece)

    def take(self, delta: Delta) -> None:
        """The view changed."""
        told = self._tell(delta.patches) if self.is_clear else []
        if len(told) == len(delta.patches):
            self._told = self.view.revision
            return
        self._pending.merge(delta.pending)
        for patch in told:
            self._pending.told(patch.upsert, patch.remove)
        self._has_counts_due |= delta.has_counts
        self.socket.note_due(self)

    def begin(self, pieces: list[list[Text]]) -> None:
        """Replace what the reader holds by a snapshot, which readers of one view share."""
        self.is_waiting = False
        self._pending.clear()
        self._has_counts_due = False
        self._pieces = deque(pieces)
        self._part, self._of = 0, len(pieces)
        self._told = self.view.revision
        self.socket.note_due(self)

    def resume(self, changed: Pending, told: int) -> None:
        """Tell the reader, who was told everything up to `told`, what changed since then."""
        self.is_waiting = False
        changed.merge(self._pending)
        self._pending = changed
        self._has_counts_due = self.view.board is not None and self.view.board.text is not None
        self._told = told
        self.socket.note_due(self)

    def flush(self) -> bool:
        """Send what credit allows; whether everything is sent."""
        while self._pieces:
            if not self._send_piece():
                return False
        while self._pending or self._has_counts_due:
            if self.is_waiting or not self._send_patch():
                return False
        return True

    def _tell(self, patches: list[Patch]) -> list[Patch]:
        """Send of patches that are made for all as many as credit allows; which these were."""
        for number, patch in enumerate(patches):
            if not self.socket.allows(patch.body.size + framing.HEAD_BYTES):
                return patches[:number]
            self.socket.send("patch", patch.body, self.op.view)
        return patches

    def _send_piece(self) -> bool:
        board = self.view.board
        counts = board.text if board and self._part == 0 else None
        rows = self._pieces[0]
        text = framing.snapshot_body(self._told, rows, self._part + 1, self._of, counts)
        body = framing.sized(text)
        if not self.socket.allows(body.size + framing.HEAD_BYTES):
            return False
        self._pieces.popleft()
        self._part += 1
        self.socket.send("snapshot", body, self.op.view)
        return True

    def _send_patch(self) -> bool:
        has_counts = self._has_counts_due
        patch = self.view.patch(self._pending, self._told, has_counts=has_counts)
        if not self.socket.allows(patch.body.size + framing.HEAD_BYTES):
            return False
        self._pending.told(patch.upsert, patch.remove)
        if patch.is_last:
            self._has_counts_due = False
            self._told = self.view.revision
        self.socket.send("patch", patch.body, self.op.view)
        return True
