"""The hub's own few threads: every question to the store and to the access class waits there."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any, ParamSpec, Protocol, TypeVar

THREADS = 4
"""Each holds a database connection. The store answers a page in milliseconds."""
LEAVE_S = 20.0
"""Longer than any read takes: so long threads wait for the last one, and end without it then."""

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
    """A bounded number of threads. `around` is entered in the thread for each call: the place to
    give up a database connection that went stale, or to give back one that others share; `after`
    runs once in each before it ends: the place to close it."""

    def __init__(
        self,
        around: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext,
        threads: int = THREADS,
        after: Callable[[], None] | None = None,
    ) -> None:
        self._around = around
        self._after = after
        self._threads = threads
        self._asked: set[Future[Any]] = set()
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="headway-hub")

    async def run(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The call's answer, or what it raised."""

        def job() -> R:
            with self._around():
                return call(*args, **kwargs)

        future = self._executor.submit(job)
        self._asked.add(future)
        future.add_done_callback(self._asked.discard)
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Let the threads end; what runs is not waited for."""
        for future in list(self._asked):
            future.cancel()
        if self._after is not None:
            together = threading.Barrier(self._threads)
            # At the end of the interpreter no thread can be started any more.
            with contextlib.suppress(RuntimeError):
                for _ in range(self._threads):
                    self._executor.submit(self._leave, self._after, together)
        self._executor.shutdown(wait=False)

    @staticmethod
    def _leave(after: Callable[[], None], together: threading.Barrier) -> None:
        """The last thing that a thread does: none does it twice, as each waits for all others."""
        with contextlib.suppress(threading.BrokenBarrierError):
            together.wait(LEAVE_S)
        after()
