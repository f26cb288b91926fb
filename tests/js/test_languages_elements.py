"""German in a real browser: what the page's script writes, and whether it has room."""

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.js.serving import Server
from tests.js.told import shop
from tests.js.told_rows import CAN, told

ZONE = "America/New_York"
PAGES = ("", "tasks/", "failures/", "workers/", "queues/", "schedule/", "audit/")


@pytest.fixture
def german(chromium: Browser, server: Server) -> Iterator[Page]:
    """A narrow window of somebody who reads German, far from UTC."""
    window = {"width": 360, "height": 780}
    with chromium.new_context(locale="de-AT", timezone_id=ZONE, viewport=window) as context:
        yield context.new_page()


def show(page: Page, server: Server, path: str) -> None:
    page.goto(f"{server.url}/{path}")
    expect(page.locator("body")).to_have_attribute("data-conn", "live")


def test_no_german_page_scrolls_sideways_on_a_phone(german: Page, server: Server) -> None:
    rows = told(time.time())
    workers, overview = rows.pop("workers"), shop(time.time())["row"]
    rows |= {"overview": [overview], "failures": overview["failures"]}
    server.tell(told=rows, workers=workers, can=CAN)
    for path in PAGES:
        german.goto(f"{server.url}/{path}")
        expect(german.locator("html")).to_have_attribute("lang", "de")
        assert german.evaluate("() => document.documentElement.scrollWidth") == 360, path


def test_what_the_script_writes_is_german(german: Page, server: Server) -> None:
    show(german, server, "tasks/")
    server.tell(
        upsert=[
            {"id": "t1", "status": "completed", "conclusion": "lost", "state": "STARTED"}
            | {"reason": "Its worker celery@web1 is gone.", "runtime": 2.31}
        ],
        gaps=1,
    )
    row = german.locator('tbody [data-id="t1"]')
    expect(row).to_contain_text("Verloren")
    expect(row).to_contain_text("Sein Worker celery@web1 ist weg.")
    expect(row).to_contain_text("2,31")


def test_the_zone_is_told_to_the_server(german: Page, server: Server) -> None:
    show(german, server, "tasks/")
    cookies = {each["name"]: each for each in german.context.cookies()}
    assert cookies["headway_tz"]["value"] == ZONE
    assert cookies["headway_tz"]["sameSite"] == "Lax"
