"""The hub's own few threads: every question to the store and to the access class waits there."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, Protocol, TypeVar

THREADS = 4
"""Each holds a database connection. The store answers a page in milliseconds."""

P = ParamSpec("P")
R = TypeVar("R")


class Offload(Protocol):
    """Runs a blocking call elsewhere."""

    async def run(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The call's answer, or what it raised."""
        ...

    def close(self) -> None:
        """Let the threads end; what runs is not waited for."""
        ...


class Pool:
    """A bounded number of threads. `before` runs in the thread ahead of each call: the place to
    give up a database connection that went stale."""

    def __init__(self, before: Callable[[], None] | None = None, threads: int = THREADS) -> None:
        self._before = before
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="headway-hub")

    async def run(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The call's answer, or what it raised."""

        def job() -> R:
            if self._before is not None:
                self._before()
            return call(*args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(self._executor, job)

    def close(self) -> None:
        """Let the threads end; what runs is not waited for."""
        self._executor.shutdown(wait=False, cancel_futures=True)
