"""The hub's one membership on the channel layer."""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from realtime.backoff import Backoff
from realtime.core.channels import GROUP

logger = logging.getLogger(__name__)

RENEW_S = 3600.0
"""Layers let a membership expire, after a day by default."""
ANSWER_S = 10.0
"""For the layer to take a membership."""
PART_S = 1.0
"""For it to end one. A server that stops does not wait for a layer that is down."""


class Layer(Protocol):
    """What the stream uses of a channel layer (channels.readthedocs.io, "Channel Layer
    Specification")."""

    async def new_channel(self, prefix: str = ...) -> str:
        """A channel of this process."""
        ...

    async def receive(self, channel: str) -> Mapping[str, Any]:
        """The next message on it."""
        ...

    async def group_add(self, group: str, channel: str) -> None:
        """Send it what the group is sent."""
        ...

    async def group_discard(self, group: str, channel: str) -> None:
        """Send it no more."""
        ...


class Inlet:
    """Receives what the publisher sends, and joins again for as long as it takes: a layer that is
    down costs the hub its quickness, nothing else."""

    def __init__(
        self,
        layer: Layer,
        receive: Callable[[Mapping[str, Any]], None],
        counters: Counter[str],
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._layer = layer
        self._receive = receive
        self._counters = counters
        self._sleep = sleep
        self._backoff = Backoff()
        self._listening: asyncio.Task[None] | None = None

    @property
    def is_joined(self) -> bool:
        """Whether the layer took the membership."""
        return self._listening is not None

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._join_and_listen()
            except Exception as error:  # noqa: BLE001 -- a layer may raise whatever it is made of
                self._counters["layer_failures"] += 1
                logger.warning(
                    "The channel layer failed: %s",
                    type(error).__name__,
                    extra={"action": "join_layer"},
                )
            await self._sleep(self._backoff.next_s())

    def rejoin(self) -> None:
        """Nothing is heard though there is something to hear: join anew."""
        if self._listening is not None:
            self._counters["rejoins"] += 1
            self._listening.cancel()

    async def _join_and_listen(self) -> None:
        async with asyncio.timeout(ANSWER_S):
            channel = await self._layer.new_channel("headway")
            await self._layer.group_add(GROUP, channel)
        self._counters["joins"] += 1
        self._backoff.reset()
        self._listening = asyncio.ensure_future(self._listen(channel))
        renewing = asyncio.ensure_future(self._renew(channel))
        try:
            tasks = (self._listening, renewing)
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                if not task.cancelled():
                    task.result()
        finally:
            renewing.cancel()
            self._listening.cancel()
            self._listening = None
            await self._part(channel)

    async def _listen(self, channel: str) -> None:
        while True:
            self._receive(await self._layer.receive(channel))

    async def _renew(self, channel: str) -> None:
        while True:
            await self._sleep(RENEW_S)
            await self._layer.group_add(GROUP, channel)

    async def _part(self, channel: str) -> None:
        with contextlib.suppress(Exception):
            async with asyncio.timeout(PART_S):
                await self._layer.group_discard(GROUP, channel)
