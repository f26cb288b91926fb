"""The hub's threads tidy up after themselves."""

import asyncio
import threading

from realtime.hub.pool import Pool


async def test_each_thread_closes_what_it_opened_before_it_ends() -> None:
    opened, closed, used = set[int](), list[int](), threading.Barrier(2)

    def read() -> None:
        opened.add(threading.get_ident())
        used.wait(5)

    pool = Pool(threads=2, after=lambda: closed.append(threading.get_ident()))
    await asyncio.gather(pool.run(read), pool.run(read))
    pool.close()
    pool._executor.shutdown()
    assert len(closed) == 2
    assert set(closed) == opened


async def test_what_still_waits_is_not_begun_after_the_end() -> None:
    begun, go = threading.Event(), threading.Event()

    def read() -> None:
        begun.set()
        go.wait(5)

    pool = Pool(threads=1, after=lambda: None)
    first, second = asyncio.ensure_future(pool.run(read)), asyncio.ensure_future(pool.run(read))
    await asyncio.to_thread(begun.wait, 5)
    pool.close()
    go.set()
    await first
    outcome = await asyncio.gather(second, return_exceptions=True)
    assert isinstance(outcome[0], asyncio.CancelledError)
