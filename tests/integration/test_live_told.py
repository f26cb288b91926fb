"""Figures over the websocket as a project includes it: real users, and rows of the real store."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import Permission, User
from django.db.models import F
from django.test import Client

from dashboard import access, models, routing
from dashboard.store import Store
from realtime.core import query
from realtime.core.frames import TOLD
from realtime.core.query import Query
from realtime.core.task import Task
from realtime.ports import Changes

VIEW = ("view_task", "view_worker")
OPERATE = (
    *VIEW,
    *("view_task_exception", "view_failure", "view_queue", "view_scheduleentry", "view_audit"),
)


class OwnOnly(access.DefaultAccess):
    """Everyone sees only their own tasks."""

    def rows(self, user: Any) -> Query:
        return query.parse(f"owner:{user.get_username()}")


@pytest.fixture
def own_only(settings: Any) -> Iterator[None]:
    settings.HEADWAY_ACCESS = f"{__name__}.OwnOnly"
    yield
    access._instance.cache_clear()


@pytest.fixture
def store(transactional_db: None) -> Iterator[Store]:
    """The store with one of each kind."""
    now = time.time()
    seen = {"revision": 1, "first_seen_at": now}
    models.Failure.objects.create(
        signature="a1",
        type="CardError",
        message="declined",
        count=1,
        task_id="t1",
        last_seen_at=now,
        **seen,
    )
    models.Queue.objects.create(name="mail", depth=3, consumers=0, measured_at=now, **seen)
    store = Store()
    assert store.acquire("token", "test", now, 60)
    store.beat("token", now, 60, {})
    tasks = [
        Task(id="t1", first_seen_at=now, updated_at=now, status="running", owner="ann"),
        Task(id="t2", first_seen_at=now, updated_at=now, status="running", owner="bob"),
    ]
    store.commit("token", Changes(tasks=tasks))
    try:
        yield store
    finally:
        store.close()


def cookie(*permissions: str, **fields: object) -> bytes:
    """The session cookie of ann with these permissions."""
    user = User.objects.create_user("ann", **fields)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items()).encode()


@asynccontextmanager
async def connection(session: bytes) -> AsyncIterator[WebsocketCommunicator]:
    app = URLRouter(routing.websocket_urlpatterns)
    headers = [(b"host", b"testserver"), (b"cookie", session)]
    opened = WebsocketCommunicator(app, "/ws/v1/live", headers=headers)
    await opened.connect()
    try:
        yield opened
    finally:
        await opened.disconnect()
        await routing.hubs.current().stop()


async def frame(opened: WebsocketCommunicator, *ops: str) -> Any:
    async with asyncio.timeout(10):
        while True:
            found = await opened.receive_json_from(timeout=10)
            if found["op"] in ops:
                return found


async def answers(opened: WebsocketCommunicator) -> dict[str, Any]:
    """What each kind of figures is answered with: rows, or the code of an error."""
    await frame(opened, "hello")
    found = {}
    for view, of in enumerate(TOLD):
        await opened.send_json_to({"op": "open", "view": view, "of": of})
        answer = await frame(opened, "snapshot", "error")
        found[of] = answer.get("rows", answer.get("code"))
        await opened.send_json_to({"op": "ack", "frame": answer["frame"]})
    return found


async def test_a_superuser_is_told_everything(store: Store) -> None:
    session = await sync_to_async(cookie)(is_superuser=True)
    async with connection(session) as opened:
        told = await answers(opened)
    [overview], [group], [queue] = told["overview"], told["failures"], told["queues"]
    assert (overview["running"], group["signature"], queue["warning"]) == (2, "a1", "unattended")
    assert [problem["kind"] for problem in overview["problems"]] == [
        "queue_unattended",
        "failure_new",
    ]
    assert (told["schedule"], told["audit"], told["operations"]) == ([], [], [])


async def test_an_operator_is_told_what_each_permission_opens(store: Store) -> None:
    session = await sync_to_async(cookie)(*OPERATE)
    async with connection(session) as opened:
        told = await answers(opened)
    assert [of for of, answer in told.items() if answer == "not_allowed"] == []
    assert set(told["overview"][0]) >= {"failures", "queues", "workers", "series", "names"}


async def test_a_viewer_is_told_of_tasks_alone(store: Store) -> None:
    session = await sync_to_async(cookie)(*VIEW)
    async with connection(session) as opened:
        told = await answers(opened)
    refused = {of for of, answer in told.items() if answer == "not_allowed"}
    assert refused == {"failures", "attention", "queues", "schedule", "audit"}
    assert not {"failures", "queues"} & told["overview"][0].keys()
    assert told["overview"][0]["problems"] == []


async def test_who_sees_only_some_tasks_is_told_of_no_others(store: Store, own_only: None) -> None:
    session = await sync_to_async(cookie)(*OPERATE)
    async with connection(session) as opened:
        told = await answers(opened)
    [overview], [queue] = told["overview"], told["queues"]
    assert told["failures"] == "not_allowed"
    assert overview["running"] == 1
    assert not {"failures", "series", "names"} & overview.keys()
    assert (queue["depth"], queue["waiting"], queue["out_per_minute"]) == (3, None, None)


async def test_someone_without_permission_has_no_socket(store: Store) -> None:
    session = await sync_to_async(cookie)()
    async with connection(session) as opened:
        assert (await frame(opened, "error"))["code"] == "no_right"
        assert (await opened.receive_output(5))["code"] == 4504


async def test_what_a_web_process_writes_is_seen_without_a_batch(store: Store) -> None:
    session = await sync_to_async(cookie)(is_superuser=True)
    async with connection(session) as opened:
        await frame(opened, "hello")
        await opened.send_json_to({"op": "open", "view": 1, "of": "failures"})
        await frame(opened, "snapshot")
        await models.Failure.objects.aupdate(state="resolved")
        await models.Stream.objects.aupdate(revision=F("revision") + 1)

        patch = await frame(opened, "patch")
        assert [row["state"] for row in patch["upsert"]] == ["resolved"]
