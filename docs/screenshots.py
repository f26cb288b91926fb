"""Takes the pictures of the documentation from the running demo: `make screenshots`."""

import re
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.services.browser import running_chromium
from tests.services.headway import HeadwayWeb

IMAGES = Path(__file__).parent / "images"
WIDE, NARROW = (1280, 860), (360, 780)
# Down to the attempts: the traceback below tells where this machine keeps its files.
TASK_HEIGHT = 536
FAILED_ROW = "tr[data-conclusion=failed]"
MOVING_ROW = "tr[data-status=running] progress[value]"


def main() -> None:
    """Start the demo, wait until it has something to show, take every picture."""
    with tempfile.TemporaryDirectory() as directory, running_chromium() as browser:
        demo = HeadwayWeb(Path(directory), "demo")
        demo.start()
        try:
            password = re.search(r"^password: (\S+)$", demo.output(), re.MULTILINE)
            if password is None:
                sys.exit("the demo printed no password")
            for theme in ("light", "dark"):
                for size in (WIDE, NARROW):
                    take(browser, demo.url, password[1], theme, size)
        finally:
            demo.stop()


def take(browser: Browser, url: str, password: str, theme: str, size: tuple[int, int]) -> None:
    """The pages in one theme and one size."""
    width, height = size
    scheme = "dark" if theme == "dark" else "light"
    context = browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": height}, device_scale_factor=2
    )
    page = context.new_page()
    page.goto(url)
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", password)
    page.click("button[type=submit]")
    page.goto(f"{url}/tasks/")
    page.wait_for_selector("headway-badge [data-conn=live]")
    for row in (FAILED_ROW, MOVING_ROW):
        page.wait_for_selector(row, timeout=120_000)
    page.mouse.move(0, 0)
    shoot(page, "tasks", theme, width)
    page.goto(page.locator(f"{FAILED_ROW} a.hw-task").first.evaluate("link => link.href"))
    page.wait_for_selector("headway-badge [data-conn=live]")
    page.set_viewport_size({"width": width, "height": TASK_HEIGHT})
    shoot(page, "task", theme, width)
    page.set_viewport_size({"width": width, "height": height})
    page.goto(f"{url}/")
    page.wait_for_selector(".uplot")
    shoot(page, "overview", theme, width)
    page.goto(f"{url}/workers/")
    page.wait_for_selector("headway-badge [data-conn=live]")
    shoot(page, "workers", theme, width)
    context.close()


def shoot(page: Page, name: str, theme: str, width: int) -> None:
    """One picture."""
    page.screenshot(path=IMAGES / f"{name}-{theme}-{width}.png")


if __name__ == "__main__":
    main()
