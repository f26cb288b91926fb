"""Takes the pictures of `<headway-progress>` in all its states; part of `make screenshots`."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Browser

from tests.services.browser import running_chromium

DOCS = Path(__file__).parent
IMAGES = DOCS / "images"
SHEET = "docs/reference/element-states/index.html"
WIDTH, HEIGHT = 1280, 860


class Quiet(SimpleHTTPRequestHandler):
    """Says nothing of what it serves."""

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def serving(top: Path) -> Iterator[str]:
    """Serve the files below `top`; the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(top)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def take(browser: Browser) -> None:
    """The sheet of all states in both themes, and its right-to-left part."""
    with serving(DOCS.parent) as url:
        for theme in ("light", "dark"):
            page = browser.new_page(
                color_scheme="dark" if theme == "dark" else "light",
                viewport={"width": WIDTH, "height": HEIGHT},
                reduced_motion="reduce",
                device_scale_factor=2,
            )
            page.goto(f"{url}/{SHEET}")
            page.get_by_text("Connection lost").wait_for()
            page.screenshot(path=IMAGES / f"element-{theme}.png", full_page=True)
            if theme == "light":
                page.locator("#rtl").screenshot(path=IMAGES / "element-rtl.png")
            page.close()


if __name__ == "__main__":
    with running_chromium() as browser:
        take(browser)
