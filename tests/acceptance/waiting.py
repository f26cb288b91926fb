"""A site whose visitors wait, as people run one: web, receiver, worker, Redis and PostgreSQL, with
a network between it and its visitors that can be cut; and what a visitor sees and is sent."""

import json
import secrets
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import (
    Browser,
    BrowserContext,
    expect,
)
from playwright.sync_api import TimeoutError as TooLate

from tests.services import visitors
from tests.services.browser import browsing
from tests.services.process import ROOT, Process, free_port, wait_until
from tests.services.proxy import Proxy
from tests.services.visitors import PATIENCE_MS

PROJECT = Path(__file__).parent / "waiting_project"
PASSWORD = "sesame-and-poppy"
LOOK = """() => {
  const element = document.querySelector("headway-progress");
  if (!element) return null;
  const box = element.shadowRoot?.querySelector("[part~=box]");
  const isLive = Boolean(box && !box.hidden);
  const bar = isLive
    ? box.querySelector("[part~=bar]:not(li *)") : element.querySelector("progress");
  const value = bar && !bar.hidden ? bar.getAttribute("value") : null;
  return {
    isLive, percent: value === null ? null : Math.floor(Number(value)),
    state: isLive ? box.getAttribute("part").split(" ")[1] : null,
    text: (isLive ? box : element).innerText.replace(/\\s+/g, " "),
    transport: element.transport ?? null,
  };
}"""


class Lobby:
    """The site as it runs. Visitors reach it by `url`, through `proxy`."""

    def __init__(self, directory: Path, redis: str, database: str) -> None:
        self.directory = directory
        self.port = free_port()
        self.proxy = Proxy(self.port)
        self.url = f"http://127.0.0.1:{self.proxy.port}"
        self._env = {
            "DJANGO_SETTINGS_MODULE": "lobby.settings",
            "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
            "LOBBY_DATABASE_URL": database,
            "LOBBY_EMBED_KEY": secrets.token_urlsafe(48),
            "LOBBY_REDIS_URL": redis.rpartition("/")[0],
            "PYTHONPATH": f"{ROOT}:{PROJECT}",
        }
        address = ("-b", "127.0.0.1", "-p", str(self.port))
        self.web = self._program("web", "daphne", *address, "lobby.asgi:application")
        self.receiver = self._program("receiver", "django", "headway_receiver")
        self.worker = self._program(
            "worker",
            "celery",
            "-A",
            "lobby",
            "worker",
            "-c",
            "4",
            "-n",
            "lobby@localhost",
            "-l",
            "INFO",
        )

    @contextmanager
    def running(self) -> Iterator["Lobby"]:
        with ExitStack() as stack:
            stack.enter_context(self.proxy.running())
            self._manage("migrate", "--verbosity", "0")
            self._manage("createsuperuser", "--no-input", "--username", "olga", "--email", "")
            for process in (self.web, self.receiver, self.worker):
                stack.enter_context(process)
            self.wait_for_web()
            self.receiver.wait_for(lambda: self._status("/ops/headway/readyz") == 200)
            self.worker.wait_for_line(r"lobby@localhost ready\.")
            yield self

    def wait_for_web(self) -> None:
        """Return once it answers."""
        self.web.wait_for(lambda: self._status("/ops/headway/healthz") == 200)

    def _program(self, name: str, *arguments: str) -> Process:
        log = self.directory / f"{name}.log"
        return Process([sys.executable, "-m", *arguments], log=log, env=self._env)

    def _manage(self, *arguments: str) -> None:
        with self._program("manage", "django", *arguments) as command:
            assert command.wait_for_exit(60) == 0, command.output()

    def _status(self, path: str) -> int:
        try:
            url = f"http://127.0.0.1:{self.port}{path}"
            with urllib.request.urlopen(url, timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code


class Visitor(visitors.Visitor):
    """Somebody without an account, in a browser of their own that lets through one transport."""

    def __init__(self, context: BrowserContext, lobby: Lobby, transport: str = "websocket") -> None:
        super().__init__(context, LOOK, transport)
        self.lobby = lobby
        self.bars: list[float] = []

    def hands_over(self, task: str, queue: str | None = None, **shown: object) -> "Visitor":
        """Come by what was asked for to the page that shows it; the task's arguments are in
        `given`."""
        given = shown.pop("given", {})
        asked = {"task": task, "with": given, "queue": queue, "shown": shown}
        query = urllib.parse.urlencode({"asked": json.dumps(asked)})
        self.page.goto(f"{self.lobby.url}/hand-over/?{query}")
        return self

    @property
    def task_id(self) -> str:
        return self.page.url.rstrip("/").rpartition("/")[2]

    def sees(self, state: str) -> None:
        """Wait until the element shows this state."""
        try:
            self.page.locator(f"[part~=box][part~={state}]").wait_for(timeout=PATIENCE_MS)
        except TooLate as late:
            seen = "\n".join(str(sample) for sample in self.samples()[-20:])
            raise AssertionError(f"by {self.transport} never {state} but\n{seen}") from late

    def reads(self, text: str) -> None:
        """Wait until the element says so."""
        expect(self.box).to_contain_text(text, timeout=PATIENCE_MS)

    def reaches(self, percent: float) -> None:
        """Wait until it is so far."""
        script = "least => document.querySelector('headway-progress').progress?.percent >= least"
        self.page.wait_for_function(script, arg=percent, timeout=PATIENCE_MS)

    def looks_again(self) -> None:
        """Load the page again and note the bar that the server wrote, as without JavaScript."""
        self.page.reload()
        self.bars.append(float(self.element.locator("progress").get_attribute("value") or 0))


@contextmanager
def visiting(
    browser: Browser, lobby: Lobby, transport: str = "websocket", **options: Any
) -> Iterator[Visitor]:
    """A visitor; a script error or a violation of the pages' policy fails the test."""
    with browsing(browser, **options) as context:
        yield Visitor(context, lobby, transport)


def wait_until_ended(pid: int) -> None:
    """Return once there is no such process."""
    wait_until(lambda: not Path(f"/proc/{pid}").exists(), 20, f"process {pid} to end")
