"""Pages of people who wait, as the tests of progress use them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from realtime.core.wire import Row
from realtime.embedding import Grant
from realtime.hub import Limits
from realtime.testing_public import MemoryTokens
from tests.unit.realtime.live import BEGIN, Browser, House, open_house, task


def grant(**fields: Any) -> Grant:
    return Grant(**{"issued_at": BEGIN, "expires_at": BEGIN + 900, **fields})


class Lobby:
    """A house whose visitors come with tokens."""

    def __init__(self, house: House, tokens: MemoryTokens) -> None:
        self.house = house
        self.tokens = tokens
        self.public = house.public
        self.counters = house.hub.counters

    def put(self, id_: str, **fields: Any) -> Row:
        """Store a task without publishing it."""
        batch = self.house.store.commit(task(id_, **fields))
        row = self.house.store.rows["tasks"][id_]
        self.public.tasks[id_] = row
        self.public.revision = batch.revision
        return row

    async def publish(self, *rows: Row, of: str = "tasks") -> None:
        """Store rows and publish them."""
        batch = self.house.store.commit(*rows, of=of)
        held = self.public.tasks if of == "tasks" else self.public.groups
        for row in rows:
            held[str(row["id"])] = self.house.store.rows[of][str(row["id"])]
        self.public.revision = batch.revision
        await self.house.publish(batch)

    async def visit(self, *subjects: str, user: str = "nobody", **fields: Any) -> Browser:
        """A page with one token for these subjects, which it watches in view 1."""
        name = f"token-{len(self.tokens.grants)}"
        self.tokens.give(name, *subjects, grant=grant(**fields))
        browser = await self.house.visit(user, address=name)
        browser.say(op="token", key="k", token=name)
        browser.say(op="open", view=1, of="progress")
        browser.say(op="subjects", view=1, add=list(subjects))
        await self.house.settle()
        return browser


@asynccontextmanager
async def open_lobby(limits: Limits | None = None, **rights: Any) -> AsyncIterator[Lobby]:
    tokens = MemoryTokens()
    async with open_house(limits=limits, tokens=tokens, **rights) as house:
        yield Lobby(house, tokens)


def errors(browser: Browser) -> list[tuple[Any, Any]]:
    """What each error frame is about, and its code."""
    return [(f.get("subject") or f.get("key"), f["code"]) for f in browser.of("error")]
