"""The example project of docs/examples/upload as its README has a reader start it, with a network
between it and its visitors that can be cut; and a visitor of its upload page."""

import io
import random
import re
import shutil
import sys
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Locator, Request, expect

from tests.services import visitors
from tests.services.browser import browsing
from tests.services.process import ROOT, Process, free_port, wait_until
from tests.services.proxy import Proxy
from tests.services.visitors import PATIENCE_MS, Sample

EXAMPLE = ROOT / "docs" / "examples" / "upload"
MB = 1024 * 1024
CHILDREN = 4
START_S = 60.0

LOOK = """() => {
  const card = document.querySelector("[data-cards] > section")
    ?? document.querySelector("aside .earlier");
  if (!card) return null;
  const element = card.querySelector("headway-progress");
  const box = element?.shadowRoot?.querySelector("[part~=box]");
  const isLive = Boolean(box && !box.hidden);
  const place = isLive ? box : element ?? card.querySelector(".paused") ?? card;
  const bar = isLive ? box.querySelector("[part~=bar]:not(li *)") : place.querySelector("progress");
  const value = bar && !bar.hidden ? bar.getAttribute("value") : null;
  return {
    isLive, percent: value === null ? null : Math.floor(Number(value)),
    state: isLive ? box.getAttribute("part").split(" ")[1] : card.dataset.state,
    text: place.innerText.replace(/\\s+/g, " ").trim(),
    transport: element?.transport ?? null,
  };
}"""


class Studio:
    """The project in a directory of its own, with Headway installed from its wheel. Visitors reach
    it by `url`, through `proxy`. `changes` are what its settings have otherwise."""

    def __init__(self, directory: Path, wheel: Path, redis: str, changes: str = "") -> None:
        self.directory = directory / "upload"
        shutil.copytree(EXAMPLE, self.directory, ignore=shutil.ignore_patterns("__pycache__"))
        site = directory / "site"
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(site)
        (self.directory / "studio" / "own.py").write_text(
            f"from studio.settings import *\n{changes}\n"
        )
        self.port = free_port()
        self.proxy = Proxy(self.port)
        self.url = f"http://127.0.0.1:{self.proxy.port}"
        self._env = {
            "DJANGO_SETTINGS_MODULE": "studio.own",
            "REDIS_URL": redis.rpartition("/")[0],
            "PYTHONPATH": str(site),
        }
        celery = ("-m", "celery", "-A", "studio", "worker", "-E")
        self.worker = self._program("worker", *celery, "-c", str(CHILDREN))
        self.receiver = self._program("receiver", "manage.py", "headway_receiver")
        self.web = self._program("web", "manage.py", "runserver", f"127.0.0.1:{self.port}")

    @contextmanager
    def running(self) -> Iterator["Studio"]:
        with ExitStack() as stack:
            stack.enter_context(self.proxy.running())
            with self._program("migrate", "manage.py", "migrate") as command:
                assert command.wait_for_exit(60) == 0, command.output()
            for process in (self.worker, self.receiver, self.web):
                stack.enter_context(process)
            self.wait_for_web()
            ready = f"http://127.0.0.1:{self.port}/headway/readyz"
            self.receiver.wait_for(lambda: status_of(ready) == 200, START_S)
            self.worker.wait_for_line("key=celery", START_S)
            yield self

    def wait_for_web(self) -> None:
        """Return once it answers."""
        self.web.wait_for(lambda: status_of(f"http://127.0.0.1:{self.port}/") == 200, START_S)

    def restart_web(self) -> None:
        """Kill it, and start it again."""
        self.web.kill()
        self.web.start()
        self.wait_for_web()

    def left(self) -> set[str]:
        """What is in the directories of all uploads, beside what is known of them."""
        found = (self.directory / "received").glob("*/*/*")
        return {path.name for path in found} - {"meta.json", "lock"}

    def _program(self, name: str, *arguments: str) -> Process:
        log = self.directory.parent / f"{name}.log"
        command = [sys.executable, *arguments]
        return Process(command, log=log, env=self._env, cwd=self.directory)


class Visitor(visitors.Visitor):
    """Somebody on the upload page."""

    def __init__(
        self, context: BrowserContext, studio: Studio, transport: str = "websocket"
    ) -> None:
        super().__init__(context, LOOK, transport)
        self.studio = studio
        self.card = self.page.locator("[data-cards] > section").first
        self.offsets: list[int] = []
        """Of the chunks that were answered."""
        self.page.on("requestfinished", lambda request: self._note_chunk(request))

    def comes(self) -> "Visitor":
        self.page.goto(f"{self.studio.url}/")
        return self

    def slows(self, bytes_per_s: int) -> None:
        """From now on the way up carries no more than this."""
        session = self.context.new_cdp_session(self.page)
        session.send("Network.enable")
        limits = {"offline": False, "latency": 0, "downloadThroughput": -1}
        session.send(
            "Network.emulateNetworkConditions", {**limits, "uploadThroughput": bytes_per_s}
        )

    def chooses(self, *paths: Path) -> Locator:
        """Send these files; the card of the upload."""
        self.page.set_input_files("#files", [str(path) for path in paths])
        return self.card

    @property
    def followed(self) -> tuple[str, str]:
        """Kind and id of what the element follows."""
        for kind in ("task", "group"):
            if id_ := self.card.locator("headway-progress").get_attribute(kind):
                return kind, id_
        raise AssertionError("nothing is followed")

    @property
    def upload_url(self) -> str:
        return f"{self.studio.url}/{self.card.get_attribute('data-upload')}/"

    def sees(self, condition: Callable[[Sample], bool], what: str) -> Sample:
        """The first look, from now on, of which this is true."""
        script = f"() => (window.sampled ?? ({LOOK}))()"
        for _ in range(PATIENCE_MS // visitors.SAMPLE_MS):
            seen = self.page.evaluate(script)
            if seen and condition(seen):
                return dict(seen)
            self.page.wait_for_timeout(visitors.SAMPLE_MS)
        seen = "\n".join(map(str, self.samples()[-20:]))
        raise AssertionError(f"by {self.transport} never {what} but\n{seen}")

    def reads(self, text: str) -> None:
        """Wait until the bar's words have this."""
        self.sees(lambda seen: text in seen["text"], text)

    def reaches(self, percent: int) -> None:
        """Wait until the bar is so far."""
        self.sees(lambda seen: (seen["percent"] or 0) >= percent, f"{percent} %")

    def becomes(self, state: str) -> None:
        """Wait until the upload is so."""
        expect(self.card).to_have_attribute("data-state", state, timeout=2 * PATIENCE_MS)

    def gets(self, result: str) -> list[Sample]:
        """Wait until the upload is done and leads to this; all that was to be seen until then."""
        self.becomes("done")
        self.card.get_by_role("link", name=f"View {result}").wait_for()
        wait_until(lambda: self.samples()[-1]["state"] == "succeeded", 30, "a look at the end")
        return self.samples()

    def _note_chunk(self, request: Request) -> None:
        if request.method == "PUT":
            self.offsets.append(int(request.headers["upload-offset"]))


@contextmanager
def visiting(
    browser: Browser, studio: Studio, transport: str = "websocket", **options: Any
) -> Iterator[Visitor]:
    """A visitor; a script error or a violation of the page's policy fails the test."""
    with browsing(browser, **options) as context:
        yield Visitor(context, studio, transport)


def status_of(url: str) -> int:
    """Of the answer."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def photo(number: int, side: int = 200) -> bytes:
    """A picture that no other is like, and that hardly shrinks."""
    noise = random.Random(number).randbytes(side * side * 3)  # noqa: S311 - a picture
    out = io.BytesIO()
    Image.frombytes("RGB", (side, side), noise).save(out, "JPEG", quality=85)
    return out.getvalue()


def zip_of_photos(path: Path, number: int) -> Path:
    """A zip of so many pictures."""
    with zipfile.ZipFile(path, "w") as archive:
        for each in range(number):
            archive.writestr(f"photo-{each:03}.jpg", photo(each))
    return path


def price_list(path: Path, rows: int, size: int) -> Path:
    """A table of so many rows, as many bytes or a little less."""
    width = size // rows - 30
    name = ("Throw of wool " * (width // 14 + 1))[:width].replace(" ", "_")
    with path.open("w") as file:
        file.write("sku,name,price,stock\n")
        for row in range(rows):
            file.write(f"sku-{row:06},{name},{row % 900}.50,{row % 50}\n")
    return path


def peak_mb(pid: int) -> float:
    """The most memory that a process ever held, in MB."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def children(pid: int) -> list[int]:
    """The processes that this one started."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for path in tasks for child in path.read_text().split()]
