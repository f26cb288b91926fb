"""The pages beside the dashboard's own by keyboard alone: signing in, what asks before it acts, the
shop, the upload page and our parts of Django admin. Those of a running `headway demo`."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.js import keyboard
from tests.js.test_admin_elements import PARTS, told
from tests.services.headway import HeadwayWeb

pytestmark = pytest.mark.looks
WIDTHS = (1280, 360)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HeadwayWeb]:
    with HeadwayWeb(tmp_path_factory.mktemp("demo"), "demo") as server:
        server.wait_for_line(r"^api key: \S+")
        yield server


@pytest.fixture(params=WIDTHS)
def context(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    viewport: Any = {"width": request.param, "height": 800}
    with chromium.new_context(viewport=viewport, reduced_motion="reduce") as context:
        yield context


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


def signed_in(page: Page, demo: HeadwayWeb, path: str) -> None:
    """By keyboard, as everything."""
    page.goto(demo.url + path)
    page.keyboard.press("Tab")
    while not page.evaluate("() => document.activeElement.matches('[name=username]')"):
        page.keyboard.press("Tab")
    page.keyboard.type(told(demo, "user"))
    page.keyboard.press("Tab")
    page.keyboard.type(told(demo, "password"))
    page.keyboard.press("Enter")
    page.wait_for_url(demo.url + path)


def faults(page: Page) -> str:
    return "\n".join(keyboard.walk(page).faults)


def test_signing_in(page: Page, demo: HeadwayWeb) -> None:
    page.goto(f"{demo.url}/login/")
    assert faults(page) == ""
    signed_in(page, demo, "/tasks/")


def test_language_zone_and_signing_out(page: Page, demo: HeadwayWeb) -> None:
    signed_in(page, demo, "/queues/")
    page.locator(".hw-menu summary").focus()
    page.keyboard.press("Enter")
    assert "\n".join(keyboard.walk(page, part="details.hw-menu").faults) == ""
    page.locator(".hw-menu summary").focus()
    page.keyboard.press("Enter")
    while not page.evaluate("() => document.activeElement.value === 'de'"):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    assert page.url == f"{demo.url}/queues/"


@pytest.mark.parametrize("path", ["/demo/", "/nowhere/", "/demo/upload/", "/admin/"])
def test_every_control_is_reached_seen_and_left(page: Page, demo: HeadwayWeb, path: str) -> None:
    signed_in(page, demo, "/workers/")
    page.goto(demo.url + path)
    found = faults(page)
    ours = [line for line in found.splitlines() if path != "/admin/" or is_ours(page, line)]
    assert ours == []


def test_the_badge_in_admin_opens_and_closes(page: Page, demo: HeadwayWeb) -> None:
    signed_in(page, demo, "/admin/")
    badge = page.locator("#headway-admin headway-badge details")
    for leave in ("Tab", "Escape"):
        badge.locator("summary").focus()
        page.keyboard.press("Enter")
        expect(badge).to_have_attribute("open", "")
        page.keyboard.press(leave)
        expect(badge).not_to_have_attribute("open", "")
    expect(badge.locator("summary")).to_be_focused()


def is_ours(page: Page, fault: str) -> bool:
    """Whether a fault on a page of Django admin is one of our parts of it."""
    names = page.locator(", ".join(f"{part} :is(a, button, summary)" for part in PARTS))
    return any(name and name.strip()[:20] in fault for name in names.all_inner_texts())


def test_a_file_is_sent_taken_back_and_sent_again(page: Page, demo: HeadwayWeb) -> None:
    page.goto(f"{demo.url}/demo/upload/")
    while not page.evaluate("() => document.activeElement.matches('[data-sample=table]')"):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    card = page.locator("[data-cards] > section").first
    expect(card).to_have_attribute("data-state", "done", timeout=60_000)
    assert faults(page) == ""
    card.locator("[data-part=button]").focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-cards] > section")).to_have_count(0)
    assert page.evaluate("() => document.activeElement !== document.body")


def test_the_page_that_asks_before_it_revokes(page: Page, demo: HeadwayWeb) -> None:
    signed_in(page, demo, "/tasks/")
    address = page.locator("tbody tr[data-id] a").first.get_attribute("href") or ""
    page.goto(f"{demo.url}/actions/revoke/{address.strip('/').rpartition('/')[2]}/")
    expect(page.get_by_role("link", name="Cancel")).to_be_visible()
    assert faults(page) == ""
