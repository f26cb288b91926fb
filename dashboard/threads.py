"""What waits for the database, for coroutines."""

from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

from channels.db import database_sync_to_async

P = ParamSpec("P")
R = TypeVar("R")


def awaited(call: Callable[P, R]) -> Callable[P, Awaitable[R]]:
    """The call on a thread, where it leaves no connection open: no request ends there."""
    wrapped: Callable[P, Awaitable[R]] = database_sync_to_async(call)
    return wrapped
