"""Workers, queues, schedule and audit in a real browser, with the real templates."""

import re
import time
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.js.axe import violations
from tests.js.looks import THEMES, WIDTHS
from tests.js.serving import Server
from tests.js.told_rows import CAN, Rows, told
from tests.services.process import wait_until

PAGES = ("workers", "queues", "schedule", "audit")
KEYS = (
    """() => [...document.querySelectorAll("tbody > [data-key]")].map((row) => row.dataset.key)"""
)
MARKUP = """() => {
  const main = document.querySelector("main").cloneNode(true);
  const places = "template, [data-zone], .c-act";
  for (const gone of main.querySelectorAll(places)) gone.remove();
  for (const time of main.querySelectorAll("time")) {
    time.replaceWith(time.dataset.age ?? time.getAttribute("datetime") ?? "");
  }
  for (const none of main.querySelectorAll('[class=""]')) none.removeAttribute("class");
  return [...main.querySelectorAll("*")].map((element) => {
    const attributes = [...element.attributes].map(({ name, value }) => `${name}=${value}`).sort();
    const text = element.children.length ? "" : element.textContent.trim();
    return `${element.localName} ${attributes.join(" ")} ${text}`;
  });
}"""


def tell(server: Server, **changed: Any) -> dict[str, Rows]:
    """The shop in trouble, with the rows of some kinds in place of its own."""
    rows = {**told(time.time()), **changed}
    workers = rows.pop("workers")
    kinds = {kind: rows[kind] for kind in ("queues", "schedule", "audit", "operations")}
    running = {"id": "t1", "name": "shop.media.cut", "status": "running", "worker": "web-1@fra-01"}
    server.tell(told=kinds, workers=workers, upsert=[{**running, "started_at": time.time()}])
    server.tell(can=CAN, held={"web-1@fra-01": {"active": 1, "reserved": 4, "scheduled": 2}})
    return kinds


def show(page: Page, server: Server, name: str) -> None:
    page.goto(f"{server.url}/{name}/")
    expect(page.locator("body")).to_have_attribute("data-conn", "live")


def row(page: Page, key: str) -> Locator:
    return page.locator(f'tbody [data-key="{key}"]')


def keys(page: Page) -> list[str]:
    """The rows of the table, from the top."""
    found: list[str] = page.evaluate(KEYS)
    return found


def changed(rows: Rows, key: str, **fields: Any) -> Rows:
    """The rows with some fields of one of them changed."""
    return [
        {**each, **fields} if key in (each.get("name"), each.get("id")) else each for each in rows
    ]


@pytest.mark.parametrize("name", PAGES)
def test_the_script_paints_what_the_server_wrote(
    page: Page, chromium: Browser, server: Server, name: str
) -> None:
    tell(server)
    show(page, server, name)
    painted = page.evaluate(MARKUP)
    with chromium.new_context(java_script_enabled=False) as context:
        still = context.new_page()
        still.goto(f"{server.url}/{name}/")
        assert painted == still.evaluate(MARKUP)


def test_a_queue_that_loses_its_workers_is_told_in_words_and_in_place(
    page: Page, server: Server
) -> None:
    rows = tell(server)["queues"]
    show(page, server, "queues")
    before = keys(page)
    lost = {"warning": "unattended", "worker_count": 0, "workers": [], "depth": 99_000}
    server.tell(told={"queues": changed(rows, "bulk", **lost)})
    expect(row(page, "bulk")).to_contain_text("no workers")
    expect(row(page, "bulk")).to_contain_text("99,000")
    expect(page.locator('.hw-notes [data-key="bulk"]')).to_contain_text("bulk has no workers.")
    expect(page.locator('[data-tally="unattended"]')).to_have_text("3 without workers")
    assert keys(page) == before
    server.tell(told={"queues": rows})
    expect(page.locator('.hw-notes [data-key="bulk"]')).to_have_count(0)
    expect(row(page, "bulk").locator(".hw-tag")).to_be_hidden()


def test_bars_are_shares_of_the_deepest_queue(page: Page, server: Server) -> None:
    rows = tell(server)["queues"]
    show(page, server, "queues")
    bar = row(page, "media-hd").locator("rect")
    expect(bar).to_have_attribute("width", "18.4%")
    server.tell(told={"queues": changed(rows, "bulk", depth=2140)})
    expect(bar).to_have_attribute("width", "10.0%")


def test_a_queue_that_comes_stands_at_the_end_and_one_that_goes_waits_for_the_pointer(
    page: Page, server: Server
) -> None:
    rows = tell(server)["queues"]
    show(page, server, "queues")
    row(page, "mail").hover()
    rest = [each for each in rows if each["name"] != "bulk"]
    server.tell(told={"queues": [{**rows[0], "name": "aaa"}, *rest]})
    expect(row(page, "bulk")).to_have_attribute("data-gone", "")
    wait_until(lambda: keys(page)[-1] == "aaa", what="the new queue is the last one")
    page.mouse.move(5, 5)
    expect(row(page, "bulk")).to_have_count(0)


def test_the_first_queue_takes_the_place_of_the_first_run(page: Page, server: Server) -> None:
    rows = tell(server, queues=[])["queues"]
    show(page, server, "queues")
    expect(page.get_by_role("heading", name="No queue is known yet")).to_be_visible()
    rows = told(time.time())["queues"]
    server.tell(told={"queues": rows})
    expect(row(page, "mail")).to_be_visible()
    expect(page.get_by_role("heading", name="No queue is known yet")).to_be_hidden()


def test_schedule_counts_down_and_tells_what_became_of_a_run(page: Page, server: Server) -> None:
    rows = tell(server)["schedule"]
    show(page, server, "schedule")
    due = row(page, "sync-erp").locator("[data-counting]")
    expect(due).to_have_text(re.compile(r"^in 1m"))
    first = due.inner_text()
    expect(due).not_to_have_text(first, timeout=5000)
    again = {"missed": 0, "missed_at": None, "last_outcome": "succeeded", "last_task_id": "t1"}
    server.tell(told={"schedule": changed(rows, "sync-erp", **again)})
    expect(row(page, "sync-erp").locator(".hw-state")).to_have_text("Succeeded")
    expect(row(page, "sync-erp").locator(".c-last a")).to_have_attribute("href", "/tasks/t1/")
    expect(page.locator(".hw-notes li")).to_have_count(0)
    expect(page.locator('[data-tally="late"]')).to_have_text("")


def test_an_entry_that_is_disabled_says_so(page: Page, server: Server) -> None:
    rows = tell(server)["schedule"]
    show(page, server, "schedule")
    off = {"is_enabled": False, "next_run_at": None}
    server.tell(told={"schedule": changed(rows, "sweep-carts", **off)})
    expect(row(page, "sweep-carts").locator(".hw-tag")).to_be_visible()
    expect(row(page, "sweep-carts").locator("[data-counting]")).to_have_text("–")
    expect(page.locator('[data-tally="off"]')).to_have_text("2 disabled")


def entry(rows: Rows, number: int, **fields: Any) -> dict[str, Any]:
    return {**rows[0], "id": str(number), "at": time.time() + number, **fields}


def test_new_entries_come_on_top_and_wait_while_the_pointer_reads(
    page: Page, server: Server
) -> None:
    rows = tell(server)["audit"]
    show(page, server, "audit")
    server.tell(told={"audit": [entry(rows, 2001), *rows]})
    expect(page.locator("main tbody > tr").first).to_have_attribute("data-key", "2001")
    row(page, "2001").hover()
    more = [entry(rows, 2003), entry(rows, 2002), entry(rows, 2001), *rows]
    server.tell(told={"audit": more})
    waiting = page.get_by_role("button", name="2 new")
    expect(waiting).to_be_visible()
    expect(page.locator("main tbody > tr").first).to_have_attribute("data-key", "2001")
    waiting.click()
    wait_until(lambda: keys(page)[:3] == ["2003", "2002", "2001"], what="newest first")
    expect(waiting).to_be_hidden()


def test_entries_that_the_view_no_longer_holds_stay(page: Page, server: Server) -> None:
    rows = tell(server)["audit"]
    show(page, server, "audit")
    before = keys(page)
    server.tell(told={"audit": [entry(rows, 2001), *rows[:2]]})
    wait_until(lambda: keys(page) == ["2001", *before], what="older entries stay")


def test_more_at_once_than_can_be_told_leaves_no_hole(page: Page, server: Server) -> None:
    rows = tell(server)["audit"]
    show(page, server, "audit")
    server.tell(told={"audit": [entry(rows, number) for number in (2003, 2002, 2001)]})
    wait_until(lambda: keys(page) == ["2003", "2002", "2001"], what="what is shown begins anew")
    expect(page.get_by_text("More came than could be shown")).to_be_visible()


def test_what_waits_for_the_pointer_is_never_left_out(page: Page, server: Server) -> None:
    rows = tell(server)["audit"]
    show(page, server, "audit")
    row(page, str(rows[0]["id"])).hover()
    server.tell(told={"audit": [entry(rows, 2001), *rows]})
    expect(page.get_by_role("button", name="1 new")).to_be_visible()
    server.tell(told={"audit": [entry(rows, number) for number in (2003, 2002)]})
    expect(page.get_by_role("button", name="2 new")).to_be_visible()
    page.mouse.move(5, 5)
    wait_until(lambda: keys(page) == ["2003", "2002"], what="what is shown begins anew")
    expect(page.get_by_text("More came than could be shown")).to_be_visible()


def test_a_filtered_audit_takes_up_only_what_matches(page: Page, server: Server) -> None:
    rows = tell(server)["audit"]
    show(page, server, "audit")
    page.get_by_label("Action").select_option("mute")
    page.get_by_role("button", name="Filter").click()
    page.wait_for_url(re.compile(r"action=mute"))
    expect(page.locator("body")).to_have_attribute("data-conn", "live")
    expect(page.locator("main tbody > tr")).to_have_count(1)
    new = [entry(rows, 2002, action="mute"), entry(rows, 2001, action="stop"), *rows]
    server.tell(told={"audit": new})
    expect(page.locator("main tbody > tr")).to_have_count(2)
    expect(page.locator("main tbody > tr").first).to_have_attribute("data-key", "2002")


def test_an_operation_is_watched_and_stopped(page: Page, server: Server) -> None:
    rows = tell(server)["operations"]
    mine = rows[0]
    path = f"operations/{mine['id']}/stop"
    server.tell(api={path: {"status": 200, "body": {"state": "stopping"}}})
    show(page, server, "audit")
    line = page.locator(f'.hw-ops [data-key="{mine["id"]}"]')
    expect(line).to_contain_text("312 / 1,204")
    server.tell(told={"operations": changed(rows, mine["id"], done=600)})
    expect(line).to_contain_text("612 / 1,204")
    line.get_by_role("button", name="Stop").click()
    expect(page.locator("[data-announce]")).to_have_text("It will stop before its next batch.")
    assert [(each["path"], each["has_token"]) for each in server.heard("ask")] == [(path, True)]
    server.tell(told={"operations": changed(rows, mine["id"], state="stopped")})
    expect(line).to_contain_text("stopped")
    expect(line.get_by_role("button", name="Stop")).to_be_hidden()


def test_an_operation_shows_while_there_is_one(page: Page, server: Server) -> None:
    rows = tell(server, operations=[])
    rows["operations"] = told(time.time())["operations"]
    show(page, server, "audit")
    heading = page.get_by_role("heading", name="Going on now")
    expect(heading).to_be_hidden()
    over = [{**each, "state": "finished"} for each in rows["operations"]]
    server.tell(told={"operations": over})
    server.tell(told={"audit": [entry(rows["audit"], 2001), *rows["audit"]]})
    expect(row(page, "2001")).to_be_visible()
    expect(heading).to_be_hidden()
    server.tell(told={"operations": changed(over, over[0]["id"], state="running")})
    expect(heading).to_be_visible()


def test_an_operation_that_cannot_be_stopped_says_why(page: Page, server: Server) -> None:
    rows = tell(server)["operations"]
    detail = "You may not stop it."
    path = f"operations/{rows[0]['id']}/stop"
    server.tell(api={path: {"status": 403, "body": {"detail": detail}}})
    show(page, server, "audit")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".hw-banner:visible")).to_have_text(detail)


def test_workers_come_go_silent_and_show_what_they_run_and_hold(page: Page, server: Server) -> None:
    tell(server)
    show(page, server, "workers")
    line = row(page, "web-1@fra-01")
    expect(line).to_contain_text("cut")
    expect(line.locator("[data-panel] a")).to_have_text(["4 reserved", "2 scheduled"])
    (worker,) = [each for each in told(time.time())["workers"] if each["name"] == "web-1@fra-01"]
    server.tell(workers=[{**worker, "state": "silent", "processed": 1201}])
    expect(line).to_have_attribute("data-health", "silent")
    expect(line).to_contain_text("1,201")
    expect(page.locator('.hw-notes [data-key="web-1@fra-01"]')).to_contain_text("is silent")
    expect(page.locator('[data-tally="silent"]')).to_have_text("2 silent")
    server.tell(held={"web-1@fra-01": {"reserved": 9}}, workers=[{**worker, "processed": 1202}])
    expect(line).to_contain_text("9 reserved", timeout=8000)
    server.tell(workers=[{**worker, "name": "aaa@h"}])
    expect(row(page, "aaa@h")).to_contain_text("3/8")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_that_is_cut_off_says_as_of_when(page: Page, server: Server, name: str) -> None:
    tell(server)
    show(page, server, name)
    server.tell(refuse=2, drop=4000)
    stamp = page.locator('[data-part="asof"]').last
    expect(stamp).to_have_text(re.compile(r"^as of \d\d:\d\d:\d\d$"))
    expect(stamp).to_be_visible()
    expect(stamp).to_be_hidden(timeout=15_000)


@pytest.mark.parametrize("name", PAGES)
def test_without_a_script_there_are_rows(chromium: Browser, server: Server, name: str) -> None:
    tell(server)
    with chromium.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{server.url}/{name}/")
        assert page.locator("tbody > tr:visible").count() > 3
        expect(page.locator(".hw-ops button:visible")).to_have_count(0)


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("theme", THEMES)
def test_no_rule_of_accessibility_is_broken(
    chromium: Browser, server: Server, name: str, theme: Any
) -> None:
    tell(server)
    for width in (360, 1280):
        viewport: Any = {"width": width, "height": 900}
        with chromium.new_context(color_scheme=theme, viewport=viewport) as context:
            page = context.new_page()
            show(page, server, name)
            assert violations(page) == []


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_scrolls_sideways(chromium: Browser, server: Server, name: str, width: int) -> None:
    rows = told(time.time())
    long = "extremely-long-name-of-something-without-any-blank" * 3
    fields = ("name", "user", "target", "task", "schedule", "error", "query", "pool", "sw_ver")
    stretched = {
        kind: [
            {**each, **{name: f"{long}{n}" for name in fields if each.get(name)}}
            for n, each in enumerate(rows[kind])
        ]
        for kind in (*PAGES, "operations")
    }
    tell(server, **stretched)
    with chromium.new_context(viewport={"width": width, "height": 900}) as context:
        page = context.new_page()
        show(page, server, name)
        assert page.evaluate("() => document.documentElement.scrollWidth") == width


def test_keys_lead_to_the_pages_there_are(page: Page, server: Server) -> None:
    tell(server)
    show(page, server, "workers")
    for key, name in (("q", "queues"), ("s", "schedule"), ("a", "audit"), ("w", "workers")):
        page.keyboard.press("g")
        page.keyboard.press(key)
        page.wait_for_url(f"{server.url}/{name}/")
        expect(page.locator("body")).to_have_attribute("data-conn", "live")
