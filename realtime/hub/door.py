"""Who is let in, and how many of them."""

from __future__ import annotations

import logging
from collections import Counter

from realtime.core import frames
from realtime.core.frames import Refused
from realtime.hub.settings import Limits
from realtime.hub.viewers import Scope, Viewer, Viewers
from realtime.ports import NOBODY

logger = logging.getLogger(__name__)

TOO_MANY = "Too many live connections: close other pages first."
NO_RIGHT = "You may not see tasks: ask for the permission headway.view_task."


class Door:
    """Touched only by the hub's loop."""

    def __init__(self, viewers: Viewers, limits: Limits, counters: Counter[str]) -> None:
        self._viewers = viewers
        self._limits = limits
        self._counters = counters
        self._addresses: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._addresses)

    def enter(self, address: str) -> None:
        """Count one more connection from here; Refused when there are too many."""
        if self._addresses[address] >= self._limits.sockets_per_address:
            raise self.refused(frames.TOO_MANY, "too_many_sockets", TOO_MANY, retry=True)
        self._addresses[address] += 1

    def leave(self, address: str) -> None:
        """One fewer."""
        self._addresses[address] -= 1
        if not self._addresses[address]:
            del self._addresses[address]

    async def viewer(self, scope: Scope, now: float, *, takes_tokens: bool) -> Viewer:
        """Whoever opened this connection; Refused says why they are not let in. With tokens to
        come everybody may, since a visitor of the host's pages has a session there too."""
        viewer = await self._viewers.meet(scope, now)
        rights = viewer.rights
        if rights.user is None:
            return viewer
        if "view_task" not in rights.can:
            if takes_tokens:
                return stranger(now)
            raise self.refused(frames.NO_RIGHT, "no_right", NO_RIGHT, retry=False)
        if self._viewers.sockets_of(rights.user) >= self._limits.sockets_per_user:
            raise self.refused(frames.TOO_MANY, "too_many_sockets", TOO_MANY, retry=True)
        return viewer

    def refused(self, close_code: int, code: str, message: str, *, retry: bool) -> Refused:
        """A refusal, counted."""
        self._counters[f"refused_{code}"] += 1
        return Refused(close_code, code, message, retry=retry)


def stranger(now: float) -> Viewer:
    """Somebody for whom only tokens can speak."""
    return Viewer((None, None), {}, NOBODY, now)
