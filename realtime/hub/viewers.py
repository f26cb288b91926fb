"""Whose connections a hub holds, and what those people may see: a value, renewed now and then."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from realtime.core import peer
from realtime.hub.pool import Offload
from realtime.hub.settings import About
from realtime.ports import NOBODY, Access, Rights

if TYPE_CHECKING:
    from realtime.hub.socket import Socket

logger = logging.getLogger(__name__)

RENEW_S = 30.0
STALE_S = 300.0
"""Rights that could not be read for so long are no rights any more."""

Scope = Mapping[str, object]
Credentials = tuple[str | None, str | None]


class Viewer:
    """Everyone who connected with the same credentials."""

    def __init__(self, credentials: Credentials, scope: Scope, rights: Rights, now: float) -> None:
        self.credentials = credentials
        self.scope = scope
        self.rights = rights
        self.read_at = now
        self.asked_at = now
        self.sockets: dict[Socket, None] = {}

    @property
    def is_stranger(self) -> bool:
        """Whether nobody vouches for them."""
        return self.rights.user is None

    @property
    def can(self) -> list[str]:
        """What they may do, as pages are told: abilities, and the guarded fields they may read."""
        hidden = self.rights.hidden
        fields = ("args", "kwargs", "result", "exception", "traceback")
        readable = [f"view_task_{name}" for name in fields if name not in hidden]
        return sorted(self.rights.can) + (readable if "view_task" in self.rights.can else [])

    def greeting(self, epoch: str, at: float, about: About) -> dict[str, object]:
        """What they are told first, at Unix seconds `at`. A stranger's page is not made by this
        program: its version is no concern of theirs."""
        program = {} if self.is_stranger else {"version": about.version, "assets": about.assets}
        who = {"user": self.rights.user, "can": self.can}
        return {"epoch": epoch, **who, "server_time": at, **program}


class Viewers:
    """Reads rights off the loop, at connect and again every 30 seconds."""

    def __init__(
        self,
        access: Access,
        pool: Offload,
        counters: Counter[str],
        changed: Callable[[Viewer], None],
    ) -> None:
        """`changed` is called when the rights of a viewer are other than before."""
        self._access = access
        self._pool = pool
        self._counters = counters
        self._changed = changed
        self._viewers: dict[Credentials, Viewer] = {}

    async def meet(self, scope: Scope, now: float) -> Viewer:
        """Whoever opened this connection, by their rights as they are now; raises what the access
        class raises."""
        credentials = credentials_of(scope)
        rights = await self._pool.run(self._access.rights, scope)
        viewer = self._viewers.get(credentials)
        if viewer is None:
            return Viewer(credentials, scope, rights, now)
        self._take(viewer, rights, now)
        return viewer

    def join(self, socket: Socket) -> None:
        """The socket of a viewer is open. Strangers are not kept: they share nothing."""
        viewer = socket.viewer
        viewer.sockets[socket] = None
        if not viewer.is_stranger:
            self._viewers.setdefault(viewer.credentials, viewer)

    def leave(self, socket: Socket) -> None:
        """The socket is closed."""
        viewer = socket.viewer
        viewer.sockets.pop(socket, None)
        if not viewer.sockets and self._viewers.get(viewer.credentials) is viewer:
            del self._viewers[viewer.credentials]

    def sockets_of(self, user: str) -> int:
        """How many sockets this user has."""
        return sum(len(v.sockets) for v in self._viewers.values() if v.rights.user == user)

    def due(self, now: float) -> list[Viewer]:
        """Whose rights are to be read again; counted as asked for."""
        found = [viewer for viewer in self._viewers.values() if now - viewer.asked_at >= RENEW_S]
        for viewer in found:
            viewer.asked_at = now
        return found

    def of_user(self, user: str | None) -> list[Viewer]:
        """The viewers who are this user; all of them for None."""
        return [v for v in self._viewers.values() if user is None or v.rights.user == user]

    async def renew(self, viewers: Iterable[Viewer], now: float) -> None:
        """Read the rights of these again. Where that fails they keep theirs for five minutes."""
        for viewer in viewers:
            try:
                rights = await self._pool.run(self._access.rights, viewer.scope)
            except Exception:
                self._counters["rights_failed"] += 1
                logger.exception("Rights could not be read", extra={"action": "read_rights"})
                if now - viewer.read_at < STALE_S:
                    continue
                rights = NOBODY
            self._take(viewer, rights, now)

    def _take(self, viewer: Viewer, rights: Rights, now: float) -> None:
        viewer.read_at = viewer.asked_at = now
        if rights != viewer.rights:
            viewer.rights = rights
            self._changed(viewer)


def credentials_of(scope: Scope) -> Credentials:
    """What tells one asker from another; never logged."""
    headers: list[tuple[bytes, bytes]] = list(scope.get("headers", ()))  # type: ignore[call-overload]
    return (peer.header(headers, b"cookie"), peer.header(headers, b"authorization"))
