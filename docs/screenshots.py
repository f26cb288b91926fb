"""Takes the pictures of the documentation from the running demo: `make screenshots`.

Every page, light and dark, on a desk and on a phone. Each is also looked at in two widths between,
and the program fails where one scrolls sideways.
"""

import re
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, StorageState

from docs import screenshots_element
from tests.services.browser import running_chromium
from tests.services.headway import HeadwayWeb

IMAGES = Path(__file__).parent / "images"
HEIGHTS = {1280: 860, 360: 780}
"""Of the pictures, by their width."""
WIDTHS = (360, 820, 1280, 1600)
THEMES = ("light", "dark")
SETTLED_S = 480.0
"""Until the demo has failures of several kinds, a chart with a line, and runs of its schedule."""
PATIENCE_MS = 120_000
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
FAILED_ROW = "tr[data-conclusion=failed]"
MOVING_ROW = "tr[data-status=running] progress[value]"


def main() -> None:
    """Start the demo, wait until it has something to show, take every picture."""
    with tempfile.TemporaryDirectory() as directory, running_chromium() as browser:
        screenshots_element.take(browser)
        demo = HeadwayWeb(Path(directory), "demo")
        demo.start()
        began = time.monotonic()
        try:
            password = re.search(r"^password: (\S+)$", demo.output(), re.MULTILINE)
            if password is None:
                sys.exit("the demo printed no password")
            with signed_in(browser, demo.url, password[1]) as context:
                prepare(context.new_page(), demo.url, began)
                state = context.storage_state()
            wide = [fault for theme in THEMES for fault in take(browser, demo.url, state, theme)]
        finally:
            demo.stop()
    if wide:
        sys.exit("These scroll sideways:\n" + "\n".join(wide))


def signed_in(browser: Browser, url: str, password: str) -> BrowserContext:
    """A profile of the demo's one user."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{url}/login/")
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", password)
    page.click("button[type=submit]")
    page.wait_for_selector("headway-overview")
    page.close()
    return context


def prepare(page: Page, url: str, began: float) -> None:
    """Do what leaves its traces in audit and failures, once the shop has been at work a while."""
    live(page, f"{url}/tasks/")
    for row in (FAILED_ROW, MOVING_ROW):
        page.wait_for_selector(row, timeout=PATIENCE_MS)
    page.wait_for_timeout(max(0.0, began + SETTLED_S - time.monotonic()) * 1000)
    live(page, f"{url}/tasks/?query=conclusion:failed")
    page.locator("[data-pick]").first.check()
    page.locator("[data-pick]").nth(1).check()
    page.keyboard.press("r")
    page.locator("dialog.hw-act").get_by_role("button", name="Retry").click()
    page.locator("dialog.hw-act", has_text="2 done").wait_for()
    live(page, f"{url}/failures/")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("m")
    page.get_by_role("button", name="for 1 day").click()
    page.locator('.hw-gstate[data-state="queued"]').first.wait_for()


def live(page: Page, url: str) -> None:
    page.goto(url, timeout=PATIENCE_MS)
    page.wait_for_selector("body[data-conn=live]", timeout=PATIENCE_MS)
    page.mouse.move(0, 0)


def overview(page: Page, url: str) -> None:
    live(page, f"{url}/")
    page.wait_for_selector(".uplot")


def tasks(page: Page, url: str) -> None:
    live(page, f"{url}/tasks/")
    page.wait_for_selector(MOVING_ROW, state="attached", timeout=PATIENCE_MS)


def task(page: Page, url: str) -> None:
    """One that failed, in a workflow."""
    live(page, f"{url}/tasks/?query=conclusion:failed")
    live(page, page.locator(f"{FAILED_ROW} a.hw-task").first.evaluate("link => link.href"))


def failures(page: Page, url: str) -> None:
    """With the first group unfolded."""
    live(page, f"{url}/failures/")
    page.locator('[data-list="groups"] > li [data-unfold]').nth(1).click()
    page.wait_for_selector("[data-detail]")
    page.mouse.move(0, 0)


def dialog(page: Page, url: str) -> None:
    """The question before all that match are tried again."""
    live(page, f"{url}/tasks/?query=conclusion:failed")
    page.locator("[data-pick-all]").check()
    page.keyboard.press("r")
    go = page.locator("dialog.hw-act[open] [data-part=go]:not(:disabled):not([aria-disabled=true])")
    go.wait_for()
    page.mouse.move(0, 0)


def plain(name: str) -> Callable[[Page, str], None]:
    return lambda page, url: live(page, f"{url}/{name}/")


def admin(page: Page, url: str) -> None:
    page.goto(f"{url}/admin/headway/task/")
    page.wait_for_selector("#result_list")


PAGES: dict[str, Callable[[Page, str], None]] = {
    "overview": overview,
    "tasks": tasks,
    "task": task,
    "failures": failures,
    **{name: plain(name) for name in ("workers", "queues", "schedule", "audit")},
    "admin": admin,
    "dialog": dialog,
}


def take(browser: Browser, url: str, state: StorageState, theme: str) -> list[str]:
    """Every page in one theme; which of them scroll sideways, and by how much."""
    wide = []
    scheme = "dark" if theme == "dark" else "light"
    with browser.new_context(color_scheme=scheme, storage_state=state) as context:
        page = context.new_page()
        for name, show in PAGES.items():
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": HEIGHTS.get(width, 900)})
                show(page, url)
                if width in HEIGHTS:
                    page.screenshot(
                        path=IMAGES / f"{name}-{theme}-{width}.png", animations="disabled"
                    )
                if by := page.evaluate(WIDER):
                    wide.append(f"{name}, {theme}, {width} px wide: by {by} px")
    return wide


if __name__ == "__main__":
    main()
