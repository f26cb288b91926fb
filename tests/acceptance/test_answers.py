"""What cannot be answered is refused with a reason that arrives, and nothing else does."""

import http.server
import json
import threading
from collections.abc import Iterator
from http.cookies import SimpleCookie
from typing import Any

import pytest
from celery import Celery
from playwright.sync_api import BrowserContext, Page
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from realtime.testing import task_failed, task_received
from tests.acceptance.support import (
    PASSWORD,
    Site,
    api_key,
    ask,
    one_process,
    publish,
    shown_ids,
    sign_in,
    wait_for_badge,
)
from tests.integration import celery_app
from tests.services.headway import Headway, HeadwayWeb
from tests.services.process import free_port
from tests.services.redis import RedisServer, running_redis

SECRET = "the-customers-name"
TASK_ID = "a-failed-task"
CLERK = """
from django.contrib.auth.models import Permission, User
clerk = User.objects.create_user("clerk", password={password!r})
clerk.user_permissions.add(Permission.objects.get(codename="view_task"))
User.objects.create_user("nobody", password={password!r})
"""
"""`clerk` may see tasks and none of their guarded fields, `nobody` nothing."""

STRANGER = """url => new Promise(resolve => {
  const socket = new WebSocket(url);
  const frames = [];
  socket.onopen = () => socket.send(JSON.stringify({op: "open", view: 1, of: "tasks"}));
  socket.onmessage = message => frames.push(JSON.parse(message.data));
  socket.onclose = close => resolve({code: close.code, frames});
})"""
"""Open a socket, ask for tasks, and wait for how it ends."""


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisServer]:
    with running_redis() as server:
        yield server


@pytest.fixture(scope="module")
def app(redis_server: RedisServer) -> Iterator[Celery]:
    with celery_app.connected(redis_server.url(), redis_server.url(1)) as app:
        yield app


@pytest.fixture(scope="module")
def served(
    redis_server: RedisServer, app: Celery, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[HeadwayWeb, Site, Site]]:
    """A dashboard with one task, as its admin and as the clerk ask it."""
    directory = tmp_path_factory.mktemp("answers")
    storage = ("--data", str(directory / "data"))
    with one_process(directory, redis_server.url(), redis_server.url(1)) as (server, site):
        code = CLERK.format(password=PASSWORD)
        with Headway(directory, "manage", *storage, "shell", "-c", code) as command:
            assert command.wait_for_exit() == 0, command.output()
        key = api_key(directory, *storage, "--user", "clerk", name="clerks")
        told = {"args": repr((SECRET,)), "kwargs": repr({"customer": SECRET})}
        raised = {"exception": f"Declined('{SECRET}')", "traceback": f"File {SECRET}"}
        publish(app, [task_received(TASK_ID, **told), task_failed(TASK_ID, **raised)])
        site.wait_for_task(TASK_ID, state="FAILURE")
        yield server, site, Site(server.url, key)


@pytest.fixture
def clerk(context: BrowserContext, served: tuple[HeadwayWeb, Site, Site]) -> Page:
    """A signed-in tab of one who may not see what is guarded."""
    page = context.new_page()
    page.set_default_timeout(10_000)
    sign_in(page, served[0].url, "clerk")
    wait_for_badge(page, "live")
    return page


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """Address of another site on this machine, to which cookies of this host go too."""

    class Silent(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<title>elsewhere</title>")

        def log_message(self, *_: object) -> None:
            return

    port = free_port()
    with http.server.ThreadingHTTPServer(("127.0.0.1", port), Silent) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{port}"
        server.shutdown()
        thread.join()


def live_url(server: HeadwayWeb) -> str:
    return f"ws://127.0.0.1:{server.port}/ws/v1/live"


def signed_in(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def next_frame(socket: ClientConnection, op: str) -> dict[str, Any]:
    """The next frame of this kind; others are passed over."""
    while True:
        frame: dict[str, Any] = json.loads(socket.recv(timeout=10))
        if frame["op"] == op:
            return frame


def test_a_bad_query_is_answered_with_its_place_on_page_api_and_socket(
    clerk: Page, served: tuple[HeadwayWeb, Site, Site]
) -> None:
    server, site, _ = served
    bad = "name:a status:sleeping"
    clerk.goto(f"{server.url}/tasks/?query={bad}")
    fault = clerk.locator("[data-fault]")
    assert fault.locator("mark").inner_text() == "sleeping"
    assert "running" in fault.inner_text()

    answer = ask(f"{server.url}/api/v1/tasks", site.key, query=bad)
    assert (answer.status, answer.type) == (400, "application/problem+json")
    assert (answer.body["code"], answer.body["at"]) == ("bad_query", bad.index("sleeping"))
    assert "running" in answer.body["allowed"]

    with connect(live_url(server), additional_headers=signed_in(site.key)) as socket:
        socket.send(json.dumps({"op": "open", "view": 1, "of": "tasks", "query": bad}))
        error = next_frame(socket, "error")
        assert (error["view"], error["code"], error["at"]) == (1, "bad_query", bad.index("sleep"))
        socket.send(json.dumps({"op": "open", "view": 2, "of": "tasks"}))
        assert next_frame(socket, "snapshot")["view"] == 2


def test_a_bad_query_that_is_typed_into_the_live_page_is_answered_there(clerk: Page) -> None:
    bar = clerk.get_by_role("combobox", name="Filter tasks")
    bar.fill("status:sleeping")
    bar.press("Enter")
    clerk.locator("[data-fault] mark", has_text="sleeping").wait_for()
    assert shown_ids(clerk) == [TASK_ID]


@pytest.mark.parametrize("term", [f"arg:{SECRET}", f"kwarg.customer:{SECRET}", f"error:*{SECRET}*"])
def test_a_query_on_what_the_asker_may_not_read_is_refused_everywhere(
    clerk: Page, served: tuple[HeadwayWeb, Site, Site], term: str
) -> None:
    server, _, site = served
    answer = ask(f"{server.url}/api/v1/tasks", site.key, query=term)
    assert (answer.status, answer.body["code"], answer.body["at"]) == (403, "not_allowed", 0)

    with connect(live_url(server), additional_headers=signed_in(site.key)) as socket:
        socket.send(json.dumps({"op": "open", "view": 1, "of": "tasks", "query": term}))
        error = next_frame(socket, "error")
        assert (error["code"], error["at"], error["retry"]) == ("not_allowed", 0, False)

    clerk.goto(f"{server.url}/tasks/?query={term}")
    clerk.locator("[data-fault] mark").wait_for()


def test_what_the_asker_may_not_read_is_nowhere(
    clerk: Page, served: tuple[HeadwayWeb, Site, Site]
) -> None:
    server, everything, site = served
    assert SECRET in json.dumps(everything.task(TASK_ID))
    assert SECRET not in json.dumps(site.task(TASK_ID))
    assert SECRET not in json.dumps(site.tasks())
    assert not site.has(SECRET)
    for path in ("/tasks/", f"/tasks/{TASK_ID}/", f"/tasks/?query={TASK_ID}"):
        clerk.goto(server.url + path)
        wait_for_badge(clerk, "live")
        assert SECRET not in clerk.content()
    with connect(live_url(server), additional_headers=signed_in(site.key)) as socket:
        for view, of in enumerate(({"of": "tasks"}, {"of": "task", "id": TASK_ID}), start=1):
            socket.send(json.dumps({"op": "open", "view": view, **of}))
            snapshot = next_frame(socket, "snapshot")
            assert [row["id"] for row in snapshot["rows"]] == [TASK_ID]
            assert SECRET not in json.dumps(snapshot)


def test_the_workers_page_is_refused_to_one_who_may_not_see_workers(
    clerk: Page, served: tuple[HeadwayWeb, Site, Site]
) -> None:
    server, _, site = served
    answer = clerk.goto(f"{server.url}/workers/")
    assert answer is not None
    assert answer.status == 403
    assert "clerk" in clerk.locator("main").inner_text()
    assert ask(f"{server.url}/api/v1/workers", site.key).body["code"] == "not_allowed"
    with connect(live_url(server), additional_headers=signed_in(site.key)) as socket:
        socket.send(json.dumps({"op": "open", "view": 1, "of": "workers"}))
        assert next_frame(socket, "error")["code"] == "not_allowed"


def test_a_task_that_never_was_is_said_to_be_unknown_and_not_to_wait(
    clerk: Page, served: tuple[HeadwayWeb, Site, Site], app: Celery
) -> None:
    server, site, _ = served
    never = "never-heard-of-it"
    answer = ask(f"{server.url}/api/v1/tasks/{never}", site.key)
    assert (answer.status, answer.body["code"]) == (404, "unknown_task")
    with connect(live_url(server), additional_headers=signed_in(site.key)) as socket:
        socket.send(json.dumps({"op": "open", "view": 1, "of": "task", "id": never}))
        assert next_frame(socket, "snapshot")["rows"] == []
    page = clerk.goto(f"{server.url}/tasks/{never}/")
    assert page is not None
    assert page.status == 404
    clerk.get_by_role("heading", name="Nothing was ever seen of this id").wait_for()
    wait_for_badge(clerk, "live")
    publish(app, [task_received(never, name="late.task")])
    clerk.get_by_role("heading", name="late.task").wait_for()


def test_a_socket_without_sign_in_is_told_so_and_sees_nothing(
    page: Page, served: tuple[HeadwayWeb, Site, Site]
) -> None:
    server = served[0]
    page.goto(f"{server.url}/login/")
    is_refused_as_a_stranger(page.evaluate(STRANGER, live_url(server)))


def test_a_socket_from_a_foreign_page_is_a_strangers_whatever_cookie_it_brings(
    clerk: Page, elsewhere: str, served: tuple[HeadwayWeb, Site, Site]
) -> None:
    server = served[0]
    clerk.goto(elsewhere)
    sent: list[str] = []
    clerk.on("websocket", lambda socket: sent.append(socket.url))
    is_refused_as_a_stranger(clerk.evaluate(STRANGER, live_url(server)))
    assert sent == [live_url(server)]


def is_refused_as_a_stranger(ended: dict[str, Any]) -> None:
    hello, error = ended["frames"]
    assert (hello["op"], hello["user"], hello["can"]) == ("hello", None, [])
    assert (error["op"], error["code"], error["retry"]) == ("error", "not_signed_in", False)
    assert ended["code"] == 4503


def test_the_cookie_of_a_foreign_page_counts_for_nothing(
    clerk: Page, elsewhere: str, served: tuple[HeadwayWeb, Site, Site]
) -> None:
    server = served[0]
    cookie = SimpleCookie({c["name"]: c["value"] for c in clerk.context.cookies()})
    headers = {"Cookie": cookie.output(attrs=[], header="", sep=";").strip()}
    own: Any = {"origin": server.url, "additional_headers": headers}
    with connect(live_url(server), **own) as socket:
        assert next_frame(socket, "hello")["user"] == "clerk"
    with connect(live_url(server), **{**own, "origin": elsewhere}) as socket:
        assert next_frame(socket, "hello")["user"] is None


def test_one_who_may_see_nothing_is_told_so_and_does_not_come_back(
    context: BrowserContext, served: tuple[HeadwayWeb, Site, Site]
) -> None:
    server = served[0]
    page = context.new_page()
    page.goto(f"{server.url}/login/")
    page.get_by_label("Username").fill("nobody")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text("You are signed in as nobody").wait_for()
    assert TASK_ID not in page.content()
    ended = page.evaluate(STRANGER, live_url(server))
    assert ended["code"] == 4504
    assert [(frame["op"], frame["code"]) for frame in ended["frames"]] == [("error", "no_right")]


def test_nonsense_is_answered_and_then_ended(served: tuple[HeadwayWeb, Site, Site]) -> None:
    server, site, _ = served
    with connect(live_url(server), additional_headers=signed_in(site.key)) as socket:
        socket.send("[1, 2")
        assert next_frame(socket, "error")["code"] == "bad_frame"
        socket.send(json.dumps({"op": "open", "view": 1, "of": "tasks", "query": "x" * 20_000}))
        assert next_frame(socket, "error")["code"] == "frame_too_large"
        with pytest.raises(ConnectionClosed) as closed:
            talk_nonsense(socket)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4400


def talk_nonsense(socket: ClientConnection) -> None:
    """Until the server has had enough."""
    for _ in range(30):
        socket.send("nonsense")
    while True:
        next_frame(socket, "error")


def test_a_page_asks_who_is_there_and_an_api_says_so(
    page: Page, served: tuple[HeadwayWeb, Site, Site]
) -> None:
    server = served[0]
    page.goto(f"{server.url}/tasks/{TASK_ID}/")
    assert "/login/" in page.url
    assert SECRET not in page.content()
    for key in (None, "hw_wrong_key"):
        answer = ask(f"{server.url}/api/v1/tasks", key)
        assert (answer.status, answer.body["code"]) == (401, "unauthenticated")
