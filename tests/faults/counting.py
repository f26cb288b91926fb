"""The `headway` command, whose web process tells the counters of its hub at /counters."""

import json
import sys
from typing import Any

from dashboard.server import cli, listening


class Counting:
    """The application, and one more page."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != "/counters":
            await self._application(scope, receive, send)
            return
        from dashboard import routing

        told = json.dumps(routing.hubs.current().counters).encode()
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": told})


class CountingListener(listening.Listener):
    """Serves it."""

    def __init__(self, application: Any, **told: Any) -> None:
        super().__init__(Counting(application), **told)


if __name__ == "__main__":
    listening.Listener = CountingListener  # type: ignore[misc]
    sys.exit(cli.main())
