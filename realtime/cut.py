"""Requests that are cut off while they are answered, for an ASGI server that cancels them.

Django answers a request in one task and waits in another for the reader to go away. Daphne, as it
stops, cancels the one that started both; the second then ends with an error that nobody looks at,
and asyncio writes "Task exception was never retrieved" for every stream that was open.
"""

import asyncio
from typing import Any


class CutQuietly:
    """An ASGI application in which a request that was cancelled hears of nothing any more."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one connection."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        is_cut = False

        async def heard() -> Any:
            message = await receive()
            if is_cut:
                raise asyncio.CancelledError
            return message

        try:
            await self._application(scope, heard, send)
        except asyncio.CancelledError:
            is_cut = True
            raise
