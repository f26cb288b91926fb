"""To be told of changes, in a program that is no page: the hub of the running loop says when.

Where a receiver shares the channel layer, or the process, the hub hears of each change at once.
Where neither is so, it reads the revision once a second; that is logged once.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Protocol

from dashboard import routing

logger = logging.getLogger(__name__)

_KINDS = {"task": "tasks", "group": "groups"}
_said: set[str] = set()


class News(Protocol):
    """What a hub did not know."""

    @property
    def changes(self) -> Mapping[str, Sequence[Any]]:
        """By kind; each has the `key` of its row."""
        ...

    @property
    def removed(self) -> Mapping[str, Sequence[str]]:
        """The keys of what is gone, by kind."""
        ...


class Changes:
    """Whether a subject has changed since it was last asked."""

    def __init__(self, kind: str, id_: str) -> None:
        self._kind = _KINDS[kind]
        self._id = id_
        self._event = asyncio.Event()

    async def changed(self) -> None:
        """Return as soon as it may be other than when this was last asked."""
        await self._event.wait()
        self._event.clear()

    def hear(self, news: News | None) -> None:
        """The hub knows something new; None: it missed something."""
        told = news.changes.get(self._kind, ()) if news is not None else ()
        is_gone = news is not None and self._id in news.removed.get(self._kind, ())
        if news is None or is_gone or any(change.key == self._id for change in told):
            self._event.set()


@contextlib.asynccontextmanager
async def follow(kind: str, id_: str) -> AsyncIterator[Changes]:
    """Be told of this task or group from now on."""
    if routing.shared_layer() is None and "polling" not in _said:
        _said.add("polling")
        logger.info(
            "CHANNEL_LAYERS names no layer that processes share: where no receiver runs in this"
            " process, changes are read once a second",
            extra={"action": "polling"},
        )
    hub = routing.hubs.current()
    changes = Changes(kind, id_)
    forget = hub.listen(changes.hear)
    try:
        await hub.started()
        yield changes
    finally:
        forget()


async def exhausted(states: AsyncIterator[Any], timeout: float | None) -> None:  # noqa: ASYNC109
    """Go through these states to the end; TimeoutError after `timeout` seconds."""
    async with asyncio.timeout(timeout), contextlib.aclosing(states) as each:  # type: ignore[type-var]
        async for _ in each:
            pass
