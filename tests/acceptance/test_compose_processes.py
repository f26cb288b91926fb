"""The processes of docker-compose.yml, with the commands and variables written there, run without
Docker: two receivers, two web processes behind nginx, two workers and the customers of the shop."""

import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.sync_api import BrowserContext, Page

from tests.acceptance.support import PASSWORD, ROWS, sign_in, start_all, wait_for_badge
from tests.services.headway import _COMMAND
from tests.services.needs import require_program
from tests.services.postgresql import PostgresqlServer
from tests.services.process import ROOT, Process, free_port, wait_until
from tests.services.redis import RedisServer, running_redis

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
VALUES = {
    "HEADWAY_REDIS_PASSWORD": "redis-secret",
    "HEADWAY_POSTGRES_PASSWORD": "postgres-secret",
    "HEADWAY_SECRET_KEY": "only-for-this-test-but-long-enough-to-sign-with",
    "HEADWAY_ADMIN_PASSWORD": PASSWORD,
}
PROGRAMS = {
    "headway": [sys.executable, "-c", _COMMAND],
    "celery": [sys.executable, "-m", "celery"],
    "python": [sys.executable],
}
WEBS = ("web-a", "web-b")
OTHERS = ("receiver-a", "receiver-b", "worker-a", "worker-b", "customers")
NGINX = """
daemon off; master_process off; pid nginx.pid; error_log stderr;
events {{}}
http {{
  access_log off;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  {content}
}}
"""


class Compose:
    """The services as processes of this machine, each on a free port in place of its own."""

    def __init__(self, directory: Path, redis: RedisServer, database: str) -> None:
        self.ports = {name: free_port() for name in (*WEBS, "proxy")}
        self.url = f"http://127.0.0.1:{self.ports['proxy']}"
        self._directory = directory
        self._redis = redis
        self._database = database
        self.processes = {name: self.service(name) for name in (*OTHERS, *WEBS)}
        self.processes["proxy"] = self._proxy()

    def service(self, name: str) -> Process:
        """One of them, by its command and its environment."""
        service = COMPOSE["services"][name]
        program, *arguments = service["command"]
        command = [*PROGRAMS[program], *arguments]
        if name in WEBS:
            command += ["--port", str(self.ports[name])]
        env = {key: self._interpolated(value) for key, value in service["environment"].items()}
        env["HEADWAY_DATABASE_URL"] = self._database
        env["PYTHONUNBUFFERED"] = "1"
        if name in WEBS:
            env["HEADWAY_TRUSTED_PROXIES"] = "127.0.0.1"
        return Process(command, log=self._directory / f"{name}.log", env=env)

    @contextmanager
    def running(self) -> Iterator["Compose"]:
        """All of them, in the order that they wait for each other."""
        with self.service("migrate") as migrate:
            assert migrate.wait_for_exit(60) == 0, migrate.output()
        with ExitStack() as stack:
            for process in self.processes.values():
                # A worker that is asked to end would first finish its tasks.
                stack.callback(process.kill)
            start_all([self.processes[name] for name in (*OTHERS, *WEBS)])
            for name in WEBS:
                self.processes[name].wait_for_line(r"url: http://0\.0\.0\.0:")
            self.processes["proxy"].start()
            yield self

    def _proxy(self) -> Process:
        content = COMPOSE["configs"]["proxy"]["content"].replace("$$", "$")
        for name in WEBS:
            content = content.replace(f"{name}:8000", f"127.0.0.1:{self.ports[name]}")
        content = content.replace("listen 8080", f"listen 127.0.0.1:{self.ports['proxy']}")
        path = self._directory / "nginx.conf"
        path.write_text(NGINX.format(content=content))
        nginx = require_program("nginx", directories=[Path("/usr/sbin")])
        command = [nginx, "-p", self._directory, "-e", "stderr", "-c", path]
        return Process(command, log=self._directory / "proxy.log")

    def _interpolated(self, text: str) -> str:
        """As compose fills in variables: `${NAME:?message}`, `${NAME:-default}`."""
        filled = re.sub(
            r"\$\{(\w+):([?-])([^}]*)\}",
            lambda found: VALUES.get(found[1], found[3] if found[2] == "-" else ""),
            text,
        )
        return filled.replace("@redis:6379/", f"@127.0.0.1:{self._redis.port}/")


@pytest.fixture(scope="module")
def compose(
    shared_postgresql: PostgresqlServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Compose]:
    require_program("nginx", directories=[Path("/usr/sbin")])
    directory = tmp_path_factory.mktemp("compose")
    with running_redis() as redis:
        with redis.client() as client:
            client.config_set("requirepass", VALUES["HEADWAY_REDIS_PASSWORD"])
        compose = Compose(directory, redis, shared_postgresql.add_database())
        with compose.running():
            yield compose


@pytest.fixture
def shop(page: Page, compose: Compose) -> Page:
    """The live task list, seen through nginx."""
    page.set_default_timeout(20_000)
    sign_in(page, compose.url)
    wait_for_badge(page, "live")
    return page


def test_tasks_of_the_shop_are_seen_moving_through_the_proxy(shop: Page, compose: Compose) -> None:
    before = set(shop.locator(ROWS).evaluate_all("rows => rows.map(row => row.dataset.id)"))
    shop.wait_for_function(
        "([rows, before]) => [...document.querySelectorAll(rows)].some("
        "row => row.dataset.state === 'succeeded' && !before.includes(row.dataset.id))",
        arg=[ROWS, sorted(before)],
        timeout=60_000,
    )
    shop.locator(f"{ROWS} a[data-field=name]").first.click()
    shop.locator("headway-task [data-panel=timeline]").wait_for()
    wait_for_badge(shop, "live")
    shop.goto(f"{compose.url}/workers/")
    for name in ("shop-a", "media-b"):
        shop.locator("headway-worker-list tr[data-health=online]", has_text=name).wait_for()


def test_the_page_stays_live_when_one_of_the_web_processes_ends(
    shop: Page, compose: Compose, context: BrowserContext
) -> None:
    sockets: list[str] = []
    shop.on("websocket", lambda socket: sockets.append(socket.url))
    for name in WEBS:
        compose.processes[name].stop()
        wait_for_badge(shop, "live")
        assert context.new_page().goto(f"{compose.url}/healthz").status == 200  # type: ignore[union-attr]
        compose.processes[name].start()
        compose.processes[name].wait_for_line(r"url: http://0\.0\.0\.0:")
    wait_until(lambda: shop.evaluate("() => document.body.dataset.conn") == "live", 40, "live")
    assert set(sockets) == {compose.url.replace("http", "ws") + "/ws/v1/live"}


def test_the_health_checks_of_the_file_pass(compose: Compose) -> None:
    """Those that are programs of ours; the others are redis-cli, pg_isready and wget."""
    check = compose.service("receiver-a")
    check.command = [*PROGRAMS["headway"], *health("receiver-a")[1:]]
    check.log = check.log.with_suffix(".health")
    with check:
        assert check.wait_for_exit(30) == 0, check.output()


def health(name: str) -> list[str]:
    """The command of a service's health check."""
    kind, *command = COMPOSE["services"][name]["healthcheck"]["test"]
    return command if kind == "CMD" else shlex.split(command[0])
