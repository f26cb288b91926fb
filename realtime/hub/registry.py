"""The hubs of this process: one for each event loop that serves sockets."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable

from realtime.hub.hub import Hub
from realtime.ports import Batch


class Hubs:
    """Makes a hub for a loop when the first socket of that loop asks for it, never earlier.

    Servers such as daphne have no start-up hook; `submit` and `announce_rights` may be called
    from any thread.
    """

    def __init__(self, make: Callable[[], Hub]) -> None:
        self._make = make
        self._hubs: dict[asyncio.AbstractEventLoop, Hub] = {}
        self._lock = threading.Lock()

    def current(self) -> Hub:
        """The hub of the running loop."""
        loop = asyncio.get_running_loop()
        with self._lock:
            self._forget_closed()
            hub = self._hubs.get(loop)
            if hub is None or hub.is_stopped:
                hub = self._hubs[loop] = self._make()
            return hub

    async def stop(self) -> None:
        """Stop the hub of the running loop, if it has one."""
        with self._lock:
            hub = self._hubs.pop(asyncio.get_running_loop(), None)
        if hub is not None:
            await hub.stop()

    def counters(self) -> Counter[str]:
        """What the hubs of this process have counted, together. From any thread."""
        counted: Counter[str] = Counter()
        for hub in self._all():
            counted.update(hub.counters.copy())
        return counted

    def submit(self, batch: Batch) -> None:
        """Hand a batch to every hub."""
        for hub in self._all():
            hub.submit(batch)

    def announce_rights(self, user: str | None) -> None:
        """The rights of this user, of everyone for None, may have changed: read them at once."""
        for hub in self._all():
            hub.announce_rights(user)

    def _forget_closed(self) -> None:
        for loop in [loop for loop in self._hubs if loop.is_closed()]:
            del self._hubs[loop]

    def _all(self) -> list[Hub]:
        with self._lock:
            return list(self._hubs.values())
