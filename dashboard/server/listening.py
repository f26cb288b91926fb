"""The web server of the standalone process: daphne on the main thread, with an orderly end."""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable
from typing import Any

from daphne.endpoints import build_endpoint_description_strings
from daphne.server import Server
from twisted.internet import reactor

from dashboard.server.failures import NotPrepared

logger = logging.getLogger(__name__)

DRAIN_S = 3.0
"""How long open sockets get to hear that the server is stopping."""

CLOSING_S = 0.1
"""For close frames to leave: without them a browser sees a broken connection, not its code."""

Farewell = Callable[[], Awaitable[None]]
Ready = Callable[[str], None]


class AddressInUse(NotPrepared):
    """The address cannot be listened on."""


class Listener:
    """Serves `application` until SIGTERM or SIGINT. A second signal ends it at once.

    `on_ready` gets the address as a URL once it listens; `farewell` runs before sockets are cut.
    """

    def __init__(
        self, application: Any, *, host: str, port: int, on_ready: Ready, farewell: Farewell
    ) -> None:
        self._host = host
        self._port = port
        self._on_ready = on_ready
        self._farewell = farewell
        self._ending: asyncio.Task[None] | None = None
        self._server = Server(
            application=application,
            endpoints=build_endpoint_description_strings(host=host, port=port),
            signal_handlers=False,
            ready_callable=self._ready,
            server_name="headway",
            verbosity=0,
        )

    def run(self) -> None:
        """Serve; blocks. AddressInUse when the port cannot be had."""
        self._server.run()
        if self._server.abort_start:
            raise AddressInUse(
                f"--port {self._port}: {self._host} has another listener there, or it may not be "
                "used; give another one (0 for any that is free)"
            )

    def stop(self) -> None:
        """End in order: say good-bye to the sockets, then close. Called again, close at once."""
        if self._ending is None:
            self._ending = asyncio.get_event_loop().create_task(self._end())
        else:
            self._server.stop()

    def _ready(self) -> None:
        loop = asyncio.get_event_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        _, port = self._server.listening_addresses[0]
        host = f"[{self._host}]" if ":" in self._host else self._host
        reactor.callWhenRunning(self._on_ready, f"http://{host}:{port}")

    async def _end(self) -> None:
        logger.info("Stopping")
        try:
            async with asyncio.timeout(DRAIN_S):
                await self._farewell()
                await asyncio.gather(*self._answering(), return_exceptions=True)
                await asyncio.sleep(CLOSING_S)
        except TimeoutError:
            logger.warning("Some connections did not end in %s s; they are cut", DRAIN_S)
        finally:
            self._server.stop()

    def _answering(self) -> list["asyncio.Future[None]"]:
        """What daphne runs for its connections."""
        running = (
            details.get("application_instance") for details in self._server.connections.values()
        )
        return [application for application in running if application is not None]
