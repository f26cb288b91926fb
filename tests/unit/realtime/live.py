"""A store in memory, a hub with a clock that stands still, and a browser that keeps what it is
sent: what the tests of the live socket are made of."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from realtime.codec import encode
from realtime.core import frames, query
from realtime.core.query import Query
from realtime.core.wire import Row
from realtime.hub import About, Hub, Limits
from realtime.hub.pool import Offload
from realtime.hub.socket import Socket
from realtime.ports import Batch, Counts, Page, Rights, Select, StreamInfo, TooCostly
from realtime.testing_public import MemoryPublic, MemoryTokens

EPOCH = "e1"
ALL = Rights(user="ann", can=frozenset({"view_task", "view_worker"}))
BEGIN = 1_000_000.0


def task(id_: str, seen: float = 0.0, **fields: object) -> Row:
    """A row of a task without its revision; `seen` orders it."""
    row: Row = {
        "id": id_,
        "name": "shop.mail",
        "state": "STARTED",
        "status": "running",
        "conclusion": None,
        "queue": "celery",
        "worker": "w1",
        "retries": 0,
        "first_seen_at": BEGIN + seen,
        "updated_at": BEGIN + seen,
        "args": [1],
        "kwargs": {},
        "result": None,
        "exception": None,
        "traceback": None,
        "attempts": [],
        "errors": [],
        "owner": None,
        "label": None,
    }
    return row | fields


def worker(name: str, **fields: object) -> Row:
    """A row of a worker without its revision."""
    return {"name": name, "state": "online", "first_seen_at": BEGIN, "active": 0} | fields


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = BEGIN

    def __call__(self) -> float:
        return self.now


class MemoryStore:
    """The `Snapshots` of rows in memory, and the batches that a receiver would publish."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.epoch = EPOCH
        self.revision = 0
        self.floor = 0
        self.alive_at: float | None = clock()
        self.rows: dict[str, dict[str, Row]] = {"tasks": {}, "workers": {}, "groups": {}}
        self.figures: dict[str, list[Row]] = {}
        """What only the store can tell, by kind."""
        self.selects: list[Select] = []
        self.reads: list[str] = []
        self.is_down = False
        self.is_too_slow = False

    def commit(self, *rows: Row, of: str = "tasks") -> Batch:
        """Store rows and return what is published of it."""
        previous, stored = self.revision, []
        for row in rows:
            self.revision += 1
            whole = row | {"revision": self.revision}
            self.rows[of][str(row["name" if of == "workers" else "id"])] = whole
            stored.append(whole)
        data = {of: encode(stored)} if stored else {}
        return Batch(self.epoch, previous, self.revision, data, {}, self.told())

    def remove(self, *ids: str) -> Batch:
        """Delete tasks and return what is published of it."""
        previous = self.revision
        self.revision += 1
        self.floor = self.revision
        for id_ in ids:
            del self.rows["tasks"][id_]
        return Batch(self.epoch, previous, self.revision, {}, {"tasks": ids}, self.told())

    def beat(self) -> Batch:
        """What is published each second."""
        self.alive_at = self._clock()
        return self.commit()

    def told(self) -> dict[str, object]:
        return {
            "epoch": self.epoch,
            "revision": self.revision,
            "floor": self.floor,
            "alive_at": self.alive_at,
            "state": "live",
            "lag_ms": 5,
            "events_per_second": 0.0,
            "counters": {},
            "gap": None,
            "receiver": "r1",
        }

    def stream(self) -> StreamInfo:
        self._read("stream")
        return StreamInfo(
            epoch=self.epoch,
            revision=self.revision,
            floor=self.floor,
            alive_at=self.alive_at,
            holder="r1",
            stats={"state": "live", "lag_ms": 5},
        )

    def page(self, select: Select, rows: Query, now: float, after: str | None = None) -> Page:
        self._read(f"page {select.of}")
        self.selects.append(select)
        if select.of == "overview":
            row: Row = {"id": "overview", "running": len(self.rows["tasks"])}
            return Page([row], self.epoch, self.revision)
        if select.of in frames.TOLD:
            return Page(self.figures.get(select.of, []), self.epoch, self.revision)
        of = "tasks" if select.of in ("tasks", "task") else "workers"
        matches = query.predicate(query.conjunction(select.query, rows), now)
        found = [
            row
            for key, row in self.rows[of].items()
            if (not select.ids or key in select.ids) and (of == "workers" or matches(row))
        ]
        found.sort(key=lambda row: (row["first_seen_at"], row.get("id")), reverse=True)
        shown = found[: select.limit]
        return Page(shown, self.epoch, self.revision, "more" if shown != found else None)

    def changes(self, of: str, since: int, limit: int) -> list[Row] | None:
        self._read(f"changes {of}")
        found = [row for row in self.rows[of].values() if int(str(row["revision"])) > since]
        found.sort(key=lambda row: int(str(row["revision"])))
        return None if len(found) > limit else found

    def counts(self, asked: Query, rows: Query, now: float) -> Counts:
        self._read("counts")
        matches = query.predicate(query.conjunction(asked, rows), now)
        found = [row for row in self.rows["tasks"].values() if matches(row)]
        told = {"all": (len(found), False)}
        for row in found:
            told[str(row["status"])] = (told.get(str(row["status"]), (0, False))[0] + 1, False)
        return told

    def _read(self, what: str) -> None:
        if self.is_too_slow:
            raise TooCostly("The read took more than 15 s.")
        if self.is_down:
            raise ConnectionError("the store is down")
        self.reads.append(what)


class Guests:
    """An access class that looks people up by the cookie of their connection."""

    def __init__(self, **rights: Rights) -> None:
        self.rights_of = rights
        self.asked = 0

    def rights(self, scope: Mapping[str, object]) -> Rights:
        self.asked += 1
        headers: Any = scope["headers"]
        name = dict(headers).get(b"cookie", b"").decode()
        return self.rights_of.get(name, Rights(user=None, can=frozenset()))


class Inline(Offload):
    """Runs what a thread would, on the loop; `gate` holds calls back while it is clear."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.waiting = 0

    async def run(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        self.waiting += 1
        await self.gate.wait()
        self.waiting -= 1
        return call(*args, **kwargs)

    def close(self) -> None:
        """Nothing is open."""


class Browser:
    """A page as its server sees it: acknowledges, and keeps its views by the frames it gets."""

    def __init__(self, socket: Socket, *, is_acking: bool = True) -> None:
        self.socket = socket
        self.is_acking = is_acking
        self.frames: list[dict[str, Any]] = []
        self.rows: dict[int, dict[str, Row]] = {}
        self.counts: dict[int, Any] = {}
        self.cursors: dict[int, int] = {}
        self._last = 0

    def say(self, **frame: object) -> None:
        self.socket.receive(json.dumps(frame))

    async def settle(self) -> None:
        """Read all there is until nothing comes any more."""
        quiet = 0
        while quiet < 5:
            quiet = 0 if await self._read() else quiet + 1
            await asyncio.sleep(0)

    def of(self, op: str) -> list[dict[str, Any]]:
        return [frame for frame in self.frames if frame["op"] == op]

    def ids(self, view: int = 1) -> list[str]:
        """What the page shows, newest first."""
        rows: Any = self.rows.get(view, {}).values()
        return [r["id"] for r in sorted(rows, key=lambda r: (r["first_seen_at"], r["id"]))][::-1]

    def ack(self) -> None:
        self.say(op="ack", frame=self._last)

    async def _read(self) -> bool:
        if not self.socket._outbox:
            return False
        for text in await self.socket.taken():
            frame = json.loads(text)
            assert frame["frame"] == self._last + 1
            self._last = frame["frame"]
            self.frames.append(frame)
            self._apply(frame)
        if self.is_acking and not self.socket.is_over:
            self.ack()
        return True

    def _apply(self, frame: dict[str, Any]) -> None:
        view = frame.get("view")
        if frame["op"] == "snapshot" and frame["part"] == 1:
            self.rows[view] = {}
        for row in frame.get("rows") or frame.get("upsert") or ():
            key = row.get("subject") or row.get("id") or row.get("signature") or row.get("name")
            self.rows.setdefault(view, {})[key] = row
        for key in frame.get("remove", ()):
            self.rows.setdefault(view, {}).pop(key, None)
        if frame.get("counts"):
            self.counts[view] = frame["counts"]
        if frame["op"] in ("snapshot", "patch"):
            self.cursors[view] = frame["revision"]


class House:
    """A hub with everything around it."""

    def __init__(
        self,
        *,
        limits: Limits | None = None,
        layer: Any = None,
        tokens: MemoryTokens | None = None,
        **rights: Rights,
    ) -> None:
        self.clock = Clock()
        self.store = MemoryStore(self.clock)
        self.guests = Guests(**(rights or {"ann": ALL}))
        self.tokens = tokens
        self.public = MemoryPublic(EPOCH)
        self.pool = Inline()
        self.limits = limits
        self.layer = layer
        self.hub = self.new_hub()
        self.browsers: list[Browser] = []

    def new_hub(self) -> Hub:
        return Hub(
            reader=self.store,
            access=self.guests,
            about=About(version="1.0", assets="a1"),
            tokens=self.tokens,
            public=self.public,
            limits=self.limits,
            layer=self.layer,
            pool=self.pool,
            clock=self.clock,
            monotonic=self.clock,
        )

    async def visit(
        self,
        user: str = "ann",
        address: str = "1.1.1.1",
        *,
        takes_tokens: bool = True,
        **options: Any,
    ) -> Browser:
        scope = {"headers": [(b"cookie", user.encode())]}
        socket = await self.hub.admit(scope, address, takes_tokens=takes_tokens)
        browser = Browser(socket, **options)
        self.browsers.append(browser)
        await browser.settle()
        return browser

    async def watch(self, of: str = "tasks", user: str = "ann", **fields: object) -> Browser:
        """A page with one view, 1."""
        browser = await self.visit(user)
        browser.say(op="open", view=1, of=of, **fields)
        await self.settle()
        return browser

    async def publish(self, batch: Batch) -> None:
        self.hub.submit(batch)
        await self.settle()

    async def settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)
        for browser in self.browsers:
            await browser.settle()

    async def pass_time(self, seconds: float, *, is_beating: bool = True) -> None:
        """Let time pass in steps of half a second."""
        until = self.clock.now + seconds
        while self.clock.now < until:
            self.clock.now = min(until, self.clock.now + 0.5)
            if is_beating:
                self.hub.submit(self.store.beat())
                await asyncio.sleep(0)
            self.hub.tick()
            await self.settle()


@asynccontextmanager
async def open_house(**options: Any) -> AsyncIterator[House]:
    house = House(**options)
    try:
        yield house
    finally:
        house.pool.gate.set()
        await house.hub.stop()


async def until(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
    """Return once the condition holds."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 -- a condition of the code under test
            await asyncio.sleep(0.005)
