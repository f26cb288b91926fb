"""Headway's parts in Django admin, in a real browser: the pages of a running `headway demo`."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.js.axe import violations_in
from tests.js.looks import THEMES
from tests.services.browser import browsing
from tests.services.headway import HeadwayWeb
from tests.services.process import wait_until

PARTS = ("#headway-admin", ".headway-admin")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HeadwayWeb]:
    with HeadwayWeb(tmp_path_factory.mktemp("demo"), "demo") as server:
        server.wait_for_line(r"^api key: \S+")
        yield server


def told(demo: HeadwayWeb, what: str) -> str:
    return demo.wait_for_line(rf"^{what}: (\S+)$")[1]


def sign_in(page: Page, demo: HeadwayWeb, path: str = "/admin/") -> None:
    """Open a page of admin by way of Headway's own sign-in."""
    page.goto(demo.url + path)
    expect(page).to_have_url(re.compile(r"/login/\?next="))
    page.get_by_label("Username").fill(told(demo, "user"))
    page.get_by_label("Password").fill(told(demo, "password"))
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(demo.url + path)


def follow(page: Page, demo: HeadwayWeb, query: str) -> None:
    """The list in admin of what this query finds, once it finds something."""
    shown = page.locator("#result_list tbody tr")
    address = f"{demo.url}/admin/headway/task/?q={query}"

    def is_found() -> bool:
        page.goto(address)
        return shown.count() > 0

    wait_until(is_found, 60, f"something is found for {query}")


def begun(page: Page, demo: HeadwayWeb) -> str:
    """The id of a task in the list in admin that is not half done; empty where there is none."""
    page.goto(f"{demo.url}/admin/headway/task/?q=status:running+has:progress")
    found: str = page.evaluate(
        """() => {
          const bars = [...document.querySelectorAll("#result_list progress[value]")];
          const row = bars.find((bar) => bar.value < 50)?.closest("tr");
          return row?.querySelector("[data-headway-task]").dataset.headwayTask ?? "";
        }"""
    )
    return found


def test_the_box_on_the_index_is_live(page: Page, demo: HeadwayWeb) -> None:
    sign_in(page, demo)
    expect(page.locator("#headway-admin .hw-live")).to_have_attribute("data-conn", "live")
    running = page.locator('[data-figure="running"]')
    expect(running.locator("b")).not_to_have_text("0", timeout=30_000)
    running.get_by_role("link").click()
    expect(page).to_have_url(f"{demo.url}/tasks/?query=status%3Arunning")


def test_a_task_ends_and_its_bar_moves_in_the_open_list(page: Page, demo: HeadwayWeb) -> None:
    sign_in(page, demo)
    task = wait_until(lambda: begun(page, demo), 60, "a task is far from its end")
    row = page.locator(f'#result_list tbody tr:has([data-headway-task="{task}"])')
    page.evaluate("window.isSamePage = true")
    before = row.locator("progress").get_attribute("value") or ""
    bar = row.locator("progress")
    expect(bar).not_to_have_attribute("value", before, timeout=20_000)
    expect(row).to_have_attribute("data-status", "completed", timeout=40_000)
    expect(row.locator("[data-part=word]").first).not_to_have_text("Running")
    assert page.evaluate("window.isSamePage")


def test_one_task_is_followed_on_its_own_page_and_leads_to_headway_and_back(
    page: Page, demo: HeadwayWeb
) -> None:
    sign_in(page, demo)
    follow(page, demo, "status:running")
    page.locator("#result_list .field-name a").first.click()
    expect(page.locator("#headway-admin .hw-live")).to_have_attribute("data-conn", "live")
    expect(page.locator("#task_form")).to_have_attribute("data-status", "completed", timeout=40_000)
    address = page.url.partition("?")[0]
    page.get_by_role("link", name="Open in Headway").click()
    expect(page.locator("headway-task")).to_be_visible()
    page.get_by_role("link", name="Open in admin").click()
    expect(page).to_have_url(address)


def test_a_bad_query_says_what_is_wrong_with_it(page: Page, demo: HeadwayWeb) -> None:
    sign_in(page, demo)
    page.goto(f"{demo.url}/admin/headway/task/")
    page.get_by_role("textbox", name="Search").or_(page.locator("#searchbar")).first.fill(
        "runtime:>fast"
    )
    page.keyboard.press("Enter")
    expect(page.locator(".messagelist")).to_contain_text("is no value of runtime")
    expect(page.locator("#searchbar")).to_have_value("runtime:>fast")


@pytest.mark.parametrize("path", ["/admin/", "/admin/headway/", "/admin/headway/task/"])
@pytest.mark.parametrize("theme", THEMES)
def test_our_parts_break_no_rule_of_accessibility(
    chromium: Browser, demo: HeadwayWeb, theme: str, path: str
) -> None:
    with browsing(chromium, color_scheme=theme, reduced_motion="reduce") as context:
        page = context.new_page()
        sign_in(page, demo, path)
        expect(page.locator("#headway-admin .hw-live")).to_have_attribute("data-conn", "live")
        page.locator(".hw-live summary").click()
        assert violations_in(page, *PARTS) == []


@pytest.mark.parametrize("path", ["/admin/", "/admin/headway/task/"])
def test_nothing_of_ours_scrolls_a_phone_sideways(
    chromium: Browser, demo: HeadwayWeb, path: str
) -> None:
    with chromium.new_context(viewport={"width": 360, "height": 740}) as context:
        page = context.new_page()
        sign_in(page, demo, path)
        wide = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(wide) <= 0


def test_adding_a_user_works_under_the_strict_policy(page: Page, demo: HeadwayWeb) -> None:
    sign_in(page, demo, "/admin/auth/user/add/")
    page.get_by_label("Username").fill("nina")
    for field in ("#id_password1", "#id_password2"):
        page.locator(field).fill("a-long-pass-phrase-9")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".messagelist")).to_contain_text("nina")


def test_who_is_signed_in_and_no_staff_is_told_so(
    chromium: Browser, page: Page, demo: HeadwayWeb
) -> None:
    sign_in(page, demo, "/admin/auth/user/add/")
    page.get_by_label("Username").fill("paul")
    for field in ("#id_password1", "#id_password2"):
        page.locator(field).fill("a-long-pass-phrase-9")
    page.get_by_role("button", name="Save", exact=True).click()
    with chromium.new_context() as context:
        other = context.new_page()
        other.goto(f"{demo.url}/login/?next=/admin/")
        other.get_by_label("Username").fill("paul")
        other.get_by_label("Password").fill("a-long-pass-phrase-9")
        other.get_by_role("button", name="Sign in").click()
        expect(other.get_by_role("main")).to_contain_text("may not see the administration")
