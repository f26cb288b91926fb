"""What the acceptance tests share: Headway's processes as people start them, and ways to look."""

import json
import secrets
import socket
import socketserver
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from celery import Celery
from kombu import Producer
from playwright.sync_api import BrowserContext, Page, ViewportSize

from tests.services.headway import Headway, HeadwayWeb
from tests.services.process import Process, free_port, wait_until

PASSWORD = "open-the-acceptance-dashboard"
ROWS = "headway-task-list tbody tr[data-id]"
TALL: ViewportSize = {"width": 1280, "height": 4000}
"""High enough that every row of a test has its place in the page."""

Row = dict[str, Any]
Capture = pytest.CaptureFixture[str]


class Answer(NamedTuple):
    """What a server said: `body` is its JSON, or its text where it is none."""

    status: int
    type: str
    body: Any


def ask(url: str, key: str | None = None, **parameters: object) -> Answer:
    """GET `url`, with an API key where one is given."""
    query = f"?{urllib.parse.urlencode(parameters)}" if parameters else ""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return answer_to(urllib.request.Request(url + query, headers=headers))


def answer_to(request: urllib.request.Request) -> Answer:
    """What is said to it; errors are answers too."""
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return _answer(answer)
    except urllib.error.HTTPError as error:
        with error:
            return _answer(error)


def _answer(response: Any) -> Answer:
    kind = response.headers.get_content_type()
    text = response.read().decode()
    return Answer(response.status, kind, json.loads(text) if kind.endswith("json") else text)


class Site:
    """A running dashboard, asked through its HTTP API."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url
        self.key = key

    def get(self, path: str, **parameters: object) -> Any:
        """The JSON at `path` below the API, which must be answered with 200."""
        answer = ask(f"{self.url}/api/v1/{path}", self.key, **parameters)
        assert answer.status == 200, answer
        return answer.body

    def tasks(self, query: str = "") -> dict[str, Row]:
        """Every task that matches, by id, in the order of the list."""
        found: dict[str, Row] = {}
        after = None
        while True:
            cursor = {"after": after} if after else {}
            page = self.get("tasks", query=query, limit=500, **cursor)
            found |= {row["id"]: row for row in page["items"]}
            after = page["after"]
            if after is None:
                return found

    def has(self, query: str) -> bool:
        """Whether any task matches."""
        return bool(self.get("tasks", query=query, limit=1)["items"])

    def task(self, task_id: str) -> Row:
        return self.get(f"tasks/{urllib.parse.quote(task_id, safe='')}")  # type: ignore[no-any-return]

    def wait_for_task(self, task_id: str, timeout_s: float = 30, **fields: object) -> Row:
        """The task, once its fields have these values."""

        def found() -> Row | None:
            row = next(iter(self.tasks(f'id:"{task_id}"').values()), {})
            return row if row and all(row[name] == fields[name] for name in fields) else None

        try:
            return wait_until(found, timeout_s)
        except AssertionError as late:
            rows = self.tasks(f'id:"{task_id}"')
            raise AssertionError(f"{task_id} is not {fields} but {rows}") from late

    def wait_for_worker(self, name: str) -> None:
        """Return once this worker is online."""

        def is_online() -> bool:
            workers = self.get("workers")["items"]
            return any(row["name"] == name and row["state"] == "online" for row in workers)

        wait_until(is_online, 30, f"{name} to be online")


def api_key(directory: Path, *storage: str, name: str = "acceptance", **more: Any) -> str:
    """A new key from the command line."""
    with Headway(directory, "apikey", "create", name, *storage, **more) as command:
        assert command.wait_for_exit() == 0, command.output()
        return command.output().strip()


@contextmanager
def one_process(
    directory: Path, broker: str, backend: str, *arguments: str, **more: str
) -> Iterator[tuple[HeadwayWeb, Site]]:
    """`headway serve` on a new database, which hears its broker; `more` are variables of its
    environment."""
    storage = ("--data", str(directory / "data"))
    cluster = ("--broker", broker, "--result-backend", backend)
    env = {"HEADWAY_ADMIN_PASSWORD": PASSWORD, **more}
    with HeadwayWeb(directory, "serve", *cluster, *storage, *arguments, env=env) as server:
        site = Site(server.url, api_key(directory, *storage))
        wait_until(lambda: site.get("stream")["lag_ms"] is not None, 30, "the first probe")
        yield server, site


class Split:
    """Two receivers and two web processes, as docker-compose.yml runs them."""

    def __init__(
        self, directory: Path, *, database: str, broker: str, backend: str, layer: str
    ) -> None:
        """`layer` is the address by which the web processes find the channel layer."""
        self.env = {
            "HEADWAY_BROKER_URL": broker,
            "HEADWAY_RESULT_BACKEND": backend,
            "HEADWAY_CHANNEL_LAYER_URL": backend,
            "HEADWAY_DATABASE_URL": database,
            "HEADWAY_SECRET_KEY": secrets.token_urlsafe(40),
            "HEADWAY_ADMIN_PASSWORD": PASSWORD,
        }
        self.receivers = [
            Headway(directory, "receiver", "--node-id", f"receiver-{name}", env=self.env)
            for name in "ab"
        ]
        self.webs = [
            HeadwayWeb(directory, "web", "--channel-layer", layer, env=self.env) for _ in "ab"
        ]
        self._directory = directory
        self.site = Site("", "")

    @contextmanager
    def running(self) -> Iterator["Split"]:
        """All of it, on an empty database, with a receiver that leads."""
        with Headway(self._directory, "manage", "migrate", env=self.env) as command:
            assert command.wait_for_exit(60) == 0, command.output()
        with ExitStack() as stack:
            for process in (*self.receivers, *self.webs):
                stack.callback(process.stop)
            start_all([*self.receivers, *self.webs])
            key = api_key(self._directory, env=self.env)
            self.site = Site(self.webs[0].url, key)
            self.wait_until_live()
            yield self

    def wait_until_live(self) -> Row:
        """Return what the stream tells once it is live again."""

        def live() -> Row | None:
            told = self.site.get("stream")
            return told if told["state"] == "live" and told["lag_ms"] is not None else None

        return wait_until(live, 45, "a live stream")

    def leader(self) -> Headway:
        """The receiver that holds the lease."""
        holder = self.site.get("stream")["receiver"]
        return next(r for r in self.receivers if holder.endswith(f":{r.pid}"))


def start_all(processes: Sequence[Process]) -> None:
    """Start them side by side; return when all are ready."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda process: process.start(), processes))


def sign_in(page: Page, url: str, user: str = "admin", password: str = PASSWORD) -> None:
    """Come in by the sign-in page; return on the live task list."""
    page.goto(f"{url}/login/?next={urllib.parse.urlsplit(url).path}/tasks/")
    page.get_by_label("Username").fill(user)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/tasks/")


def open_list(context: BrowserContext, url: str) -> Page:
    """A signed-in tab on the live task list, with a mark that a reload would lose."""
    page = context.new_page()
    page.set_viewport_size(TALL)
    sign_in(page, url)
    wait_for_badge(page, "live")
    page.evaluate("() => { window.isSamePage = true; }")
    return page


def wait_for_badge(page: Page, *conditions: str, timeout_s: float = 45) -> None:
    """Return once the badge shows one of these conditions of stream and connection."""
    chosen = ", ".join(f"body[data-conn={condition}]" for condition in conditions)
    page.locator(chosen).wait_for(state="attached", timeout=1000 * timeout_s)


def shown_ids(page: Page) -> list[str]:
    """The ids of the rows of a task list, from top to bottom."""
    return page.locator(ROWS).evaluate_all("rows => rows.map(row => row.dataset.id)")  # type: ignore[no-any-return]


def shown_states(page: Page) -> dict[str, str]:
    """What the rows of a task list say of their tasks."""
    script = "rows => rows.map(row => [row.dataset.id, row.dataset.state])"
    return dict(page.locator(ROWS).evaluate_all(script))


def tell(capsys: Capture, text: str) -> None:
    """Print a figure that a test measured, whatever pytest captures."""
    with capsys.disabled():
        sys.stdout.write(f"\n{text}\n")


def publish(app: Celery, body: object, **options: Any) -> None:
    """Send a message to the event exchange, as any client could."""
    options.setdefault("serializer", "json")
    with app.connection_for_write() as connection:
        exchange = app.events.Dispatcher(connection, enabled=False).exchange
        producer = Producer(connection, exchange=exchange)
        producer.publish(body, routing_key="task.multi", delivery_mode=1, **options)


class Leak(socketserver.ThreadingTCPServer):
    """A way to the server on `target` that loses what comes back while `is_losing` is set, as a
    channel layer loses messages."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = free_port()
        self.is_losing = threading.Event()
        self.lost: list[tuple[float, bytes]] = []
        """With the instants of a clock that never goes back."""
        super().__init__(("127.0.0.1", self.port), _Leaking)

    @contextmanager
    def running(self) -> Iterator["Leak"]:
        thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield self
        finally:
            self.shutdown()
            self.server_close()
            thread.join()

    @contextmanager
    def losing(self) -> Iterator[None]:
        """Lose everything, at the longest for as long as the block lasts."""
        self.lost.clear()
        self.is_losing.set()
        try:
            yield
        finally:
            self.is_losing.clear()

    def lost_at(self, *words: str) -> float | None:
        """When something was lost that had all these words in it."""
        told = [at for at, data in self.lost if all(word.encode() in data for word in words)]
        return told[-1] if told else None


class _Leaking(socketserver.BaseRequestHandler):
    server: Leak

    def handle(self) -> None:
        try:
            there = socket.create_connection(("127.0.0.1", self.server.target))
        except OSError:
            return
        with there:
            back = threading.Thread(target=self._back, args=(there,), daemon=True)
            back.start()
            _pump(self.request, there.sendall)
            _shut(there)
            back.join()

    def _back(self, there: socket.socket) -> None:
        _pump(there, self._pass_on)
        _shut(self.request)

    def _pass_on(self, data: bytes) -> None:
        if self.server.is_losing.is_set():
            self.server.lost.append((time.monotonic(), data))
        else:
            self.request.sendall(data)


def _pump(source: socket.socket, pass_on: Any) -> None:
    try:
        while data := source.recv(1 << 20):
            pass_on(data)
    except OSError:
        return


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
