"""The live socket as an ASGI application, with a store in a file that the tests write.

The environment names the file (LIVE_STORE) and the Redis server (LIVE_REDIS).
"""

import json
import os
import time
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from channels_redis.pubsub import RedisPubSubChannelLayer

from realtime import sight
from realtime.consumers import LiveApplication
from realtime.embedding import Grant, PublicPage
from realtime.hub import About, Hub, Hubs
from realtime.testing_public import MemoryPublic, MemoryTokens
from tests.unit.realtime.live import ALL, Clock, Guests, MemoryStore

_EVERYTHING = frozenset(sight.NEEDED.values())


class FileStore(MemoryStore):
    """Rows in memory, the newest of which come from a file that another process writes."""

    def __init__(self, path: Path) -> None:
        super().__init__(Clock())
        self._path = path

    def save(self) -> None:
        """Let the other process see what is here."""
        shared = ("revision", "floor", "alive_at", "rows", "figures")
        told = {name: getattr(self, name) for name in shared}
        whole = self._path.with_suffix(".new")
        whole.write_text(json.dumps(told))
        whole.rename(self._path)

    def _read(self, what: str) -> None:
        super()._read(what)
        for name, value in json.loads(self._path.read_text()).items():
            setattr(self, name, value)


class FilePublic(MemoryPublic):
    """What people who wait are answered from the rows of the same file."""

    def __init__(self, store: FileStore) -> None:
        super().__init__(store.epoch)
        self._store = store

    def public(self, subjects: Collection[str]) -> PublicPage:
        """What is known of these subjects."""
        self._store.stream()
        self.tasks, self.revision = self._store.rows["tasks"], self._store.revision
        return super().public(subjects)


def _tokens() -> MemoryTokens:
    tokens = MemoryTokens()
    now = time.time()
    tokens.give("t", "task:t1", grant=Grant(issued_at=now, expires_at=now + 900))
    return tokens


def _make_hub() -> Hub:
    store = FileStore(Path(os.environ["LIVE_STORE"]))
    return Hub(
        reader=store,
        tokens=_tokens(),
        public=FilePublic(store),
        access=Guests(ann=replace(ALL, can=_EVERYTHING)),
        about=About(version="1.0", assets="a1"),
        layer=RedisPubSubChannelLayer(hosts=[os.environ["LIVE_REDIS"]], prefix="test"),
    )


_live = LiveApplication(
    Hubs(_make_hub).current,
    is_own_page=lambda origin, host: origin in (None, f"http://{host}"),
    is_embed_page=lambda origin, host: origin in (None, f"http://{host}", "https://shop.example"),
    trusted_proxies=tuple,
)


async def application(scope, receive, send):  # type: ignore[no-untyped-def]
    """Websockets are ours; a server may have a lifespan, which nobody uses."""
    if scope["type"] == "websocket":
        await _live(scope, receive, send)
    elif scope["type"] == "lifespan":
        for step in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{step}.complete"})
    else:
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b""})
