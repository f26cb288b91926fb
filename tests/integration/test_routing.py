"""The websocket as a project includes it: real users, the real store, batches from a thread."""

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.contrib.auth import get_user_model
from django.db import connection as database
from django.db.backends.signals import connection_created
from django.test import Client

from dashboard import routing
from dashboard.store import Store
from realtime import codec
from realtime.core.task import Task
from realtime.core.wire import task_row
from realtime.hub.pool import THREADS
from realtime.ports import Batch, Changes

HOST = (b"host", b"testserver")


@pytest.fixture
def store(transactional_db: None) -> Iterator[Store]:
    store = Store()
    assert store.acquire("token", "test", time.time(), 60)
    try:
        yield store
    finally:
        store.close()


@pytest.fixture
def cookie(transactional_db: None) -> bytes:
    """The session cookie of someone who may see everything."""
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("ann", password="x"))
    return "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items()).encode()


def _connection(*headers: tuple[bytes, bytes]) -> WebsocketCommunicator:
    app = URLRouter(routing.websocket_urlpatterns)
    return WebsocketCommunicator(app, "/ws/v1/live", headers=[HOST, *headers])


def _publish(store: Store, id_: str) -> None:
    """What a pipeline does, in a thread of its own."""
    now = time.time()
    task = Task(id=id_, first_seen_at=now, updated_at=now, name="shop.mail", status="running")
    commit = store.commit("token", Changes(tasks=[task]))
    rows = {"tasks": codec.encode([task_row(task, commit.revision)])}
    routing.local_publisher().publish(Batch(*commit, rows, {}, {}))


async def _frame(connection: WebsocketCommunicator, op: str) -> Any:
    async with asyncio.timeout(10):
        while True:
            frame = await connection.receive_json_from(timeout=10)
            if frame["op"] == op:
                return frame


async def test_a_task_reaches_the_page_of_someone_signed_in(store: Store, cookie: bytes) -> None:
    connection = _connection((b"cookie", cookie), (b"origin", b"http://testserver"))
    await connection.connect()
    assert (await _frame(connection, "hello"))["user"] == "ann"
    await connection.send_json_to({"op": "open", "view": 1, "of": "tasks"})
    assert (await _frame(connection, "snapshot"))["rows"] == []

    began = time.perf_counter()
    thread = threading.Thread(target=_publish, args=(store, "t1"))
    thread.start()
    patch = await _frame(connection, "patch")
    assert [row["id"] for row in patch["upsert"]] == ["t1"]
    assert time.perf_counter() - began < 0.5
    thread.join()
    await connection.disconnect()
    await routing.hubs.current().stop()


async def test_the_same_cookie_on_a_foreign_page_is_a_stranger(store: Store, cookie: bytes) -> None:
    connection = _connection((b"cookie", cookie), (b"origin", b"https://evil.example"))
    await connection.connect()

    assert (await _frame(connection, "hello"))["user"] is None
    await connection.disconnect()
    await routing.hubs.current().stop()


async def test_a_thread_of_the_hub_keeps_its_connection_to_the_database(
    store: Store, cookie: bytes
) -> None:
    made: list[str] = []

    def note(**_: Any) -> None:
        made.append(threading.current_thread().name)

    connection_created.connect(note)
    connection = _connection((b"cookie", cookie))
    await connection.connect()
    for view in range(1, 13):
        asked = {"op": "open", "view": view, "of": "tasks", "query": f"name:shop.mail{view}"}
        await connection.send_json_to(asked)
        await _frame(connection, "snapshot")
    await connection.disconnect()
    await routing.hubs.current().stop()

    assert made
    assert len(made) == len(set(made)) <= THREADS


@pytest.mark.parametrize("is_pooled", [True, False])
def test_a_connection_is_kept_unless_it_belongs_to_a_pool(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch, is_pooled: bool
) -> None:
    database.ensure_connection()
    database.close_at = None
    with monkeypatch.context() as patched:
        given_back: list[bool] = []
        patched.setitem(database.settings_dict["OPTIONS"], "pool", is_pooled)
        patched.setattr(database, "close", lambda: given_back.append(True))
        with routing._connection_kept():
            database.close_at = 0.0

    assert bool(given_back) is is_pooled


async def test_someone_whose_rights_are_taken_away_is_closed_when_it_is_announced(
    store: Store, cookie: bytes
) -> None:
    connection = _connection((b"cookie", cookie))
    await connection.connect()
    await _frame(connection, "hello")
    await get_user_model().objects.filter(username="ann").aupdate(is_active=False)
    routing.announce_rights("ann")

    assert (await _frame(connection, "error"))["code"] == "no_right"
    assert (await connection.receive_output(5))["code"] == 4504
    await routing.hubs.current().stop()


def test_one_process_shares_no_layer_with_others() -> None:
    assert routing.shared_layer() is None
    with pytest.raises(RuntimeError, match="CHANNEL_LAYERS"):
        routing.layer_publisher()
