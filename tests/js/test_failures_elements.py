"""The failures in a real browser: groups that change, unfold, and are decided about."""

import json
import re
import time
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.js.axe import violations
from tests.js.looks import THEMES, WIDTHS
from tests.js.serving import Server
from tests.services.process import ROOT, wait_until
from tests.unit.dashboard.samples import TRACEBACK

CAN = ("view_task", "view_failure", "revoke_task", "retry_task", "change_failure")
TEXTS = """() => {
  const list = document.querySelector("[data-list=groups]").cloneNode(true);
  for (const time of list.querySelectorAll("time")) time.replaceChildren();
  return list.innerHTML;
}"""
DECIDED = {
    "signature": "a1", "state": "open", "state_at": None, "state_by": "ines",
    "muted_until": None, "returned_at": None,
}  # fmt: skip


def groups(now: float) -> list[dict[str, Any]]:
    """The groups of the shared vectors, moved to the present."""
    case = json.loads((ROOT / "tests/vectors/failures.json").read_text(encoding="utf-8"))
    by = round(now - case["now"])  # so that milliseconds stay as they are
    case["rows"][-1]["first_seen_at"] += 600  # it would stop being new in a moment
    return [
        {
            key: value + by
            if isinstance(value, float) and key.endswith(("_at", "_until"))
            else value
            for key, value in row.items()
        }
        for row in case["rows"]
    ]


def tasks(now: float) -> list[dict[str, Any]]:
    """What failed as the group a1 did, in one worker more than in the other."""
    failed = {"status": "completed", "conclusion": "failed", "state": "FAILURE", "signature": "a1"}
    return [
        {
            **failed,
            "id": f"task-a{n + 1}" if n else "task-a1",
            "name": "shop.media.transcode_video",
            "worker": "media-1@fra" if n % 3 else "media-2@fra",
            "queue": "media",
            "kwargs": {"upload_id": f"u_{n}", "preset": "4k"},
            "finished_at": now - 60 * n,
            "first_seen_at": now - 60 * n - 10,
            "runtime": 9.5,
            "traceback": TRACEBACK,
        }
        for n in range(9)
    ]


@pytest.fixture
def shop(server: Server) -> Server:
    now = time.time()
    server.tell(can=CAN, upsert=tasks(now), told={"failures": groups(now)})
    return server


def opened(page: Page, server: Server, address: str = "/failures/") -> None:
    page.goto(server.url + address)
    expect(page.locator("body")).to_have_attribute("data-conn", "live")


def line(page: Page, signature: str) -> Locator:
    return page.locator(f'[data-list="groups"] > li[data-key="{signature}"]')


def signatures(page: Page) -> list[str]:
    script = "lines => lines.map(line => line.dataset.key)"
    return page.locator('[data-list="groups"] > li').evaluate_all(script)  # type: ignore[no-any-return]


def asked(server: Server) -> list[dict[str, Any]]:
    return server.heard("ask")


def test_the_script_paints_what_the_server_wrote(chromium: Browser, shop: Server) -> None:
    with chromium.new_context(timezone_id="UTC") as context:
        page = context.new_page()
        page.route("**/app.js", lambda route: route.abort())
        page.goto(f"{shop.url}/failures/")
        written = page.evaluate(TEXTS)
        page.unroute("**/app.js")
        opened(page, shop)
        assert page.evaluate(TEXTS) == written


def test_groups_change_come_and_go_as_they_are_told(page: Page, shop: Server) -> None:
    opened(page, shop)
    rows = groups(time.time())
    rows[0] |= {"last_hour": 99, "last_day": 1500}
    new = {**rows[2], "signature": "n1", "type": "NewError", "last_hour": 3, "returned_at": None}
    shop.tell(told={"failures": [*rows[:-1], new]})
    expect(line(page, "a2")).to_contain_text("1,500")
    expect(line(page, "n1")).to_contain_text("NewError")
    expect(line(page, "d/1 x")).to_have_count(0)
    assert signatures(page)[0] == "a2"
    expect(page.locator('[data-group-tab="open"] b')).to_have_text("4")


def test_the_navigation_counts_open_groups_as_they_come_and_go(page: Page, shop: Server) -> None:
    opened(page, shop, "/tasks/")
    count = page.locator("nav [data-open-failures]")
    shop.tell(told={"attention": [{"id": "attention", "open_failures": 12, "is_capped": False}]})
    expect(count).to_have_text("12")
    expect(count).to_have_attribute("title", "12 open failure groups")
    shop.tell(told={"attention": [{"id": "attention", "open_failures": 1000, "is_capped": True}]})
    expect(count).to_have_text("1k+")
    shop.tell(told={"attention": [{"id": "attention", "open_failures": 0, "is_capped": False}]})
    expect(count).to_be_hidden()


def test_a_returned_and_a_new_group_are_marked(page: Page, shop: Server) -> None:
    opened(page, shop)
    expect(line(page, "a3").locator(".st")).to_contain_text("came back 11m")
    expect(line(page, "a1").locator(".st")).to_contain_text("new since")
    expect(line(page, "b2").locator(".st")).to_contain_text("for good")
    expect(line(page, "c1").locator(".st")).to_contain_text("by ines.keller")


def test_groups_are_searched_without_leaving_the_page(page: Page, shop: Server) -> None:
    opened(page, shop, "/failures/?range=1h&state=open")
    page.keyboard.press("/")
    bar = page.get_by_role("combobox", name="Filter failures")
    expect(bar).to_be_focused()
    bar.press_sequentially("sta")
    expect(page.get_by_role("option", name="state:")).to_be_visible()
    bar.fill("name:shop.*")
    bar.press("Enter")
    page.wait_for_url(re.compile(r"/failures/\?range=1h&state=open&query=name%3Ashop"))
    expect(page.locator(".hw-chip")).to_have_text(re.compile("name:shop"))
    asked_for = [each["query"] for each in shop.heard("open") if each["of"] == "failures"]
    assert asked_for == ["since:1h", "since:1h name:shop.*"]
    bar.fill("queue:mail")
    bar.press("Enter")
    expect(page.locator("[data-fault]")).to_be_visible()
    page.get_by_role("link", name="Remove filter").click()
    page.wait_for_url(re.compile(r"/failures/\?range=1h&state=open$"))


def test_a_group_unfolds_with_what_its_tasks_share(page: Page, shop: Server) -> None:
    opened(page, shop)
    line(page, "a1").get_by_role("link", name="CalledProcessError").click()
    detail = line(page, "a1").locator("[data-detail]")
    expect(detail.locator("tbody tr")).to_have_count(6)
    expect(detail).to_contain_text("'4k'")
    expect(detail).to_contain_text("media-1@fra")
    expect(detail).to_contain_text("subprocess.run(cmd, check=True")
    assert "upload_id" not in detail.locator(".hw-share").inner_text()
    assert page.url == f"{shop.url}/failures/a1/?range=24h&state=all"
    page.reload()
    expect(line(page, "a1").locator("[data-detail]")).to_be_visible()
    link = line(page, "a1").get_by_role("link", name="CalledProcessError")
    expect(link).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Escape")
    expect(page.locator("[data-detail]")).to_have_count(0)
    assert page.url == f"{shop.url}/failures/?range=24h&state=all"


def test_an_unfolded_group_is_read_again_when_it_fails_again(page: Page, shop: Server) -> None:
    opened(page, shop, "/failures/a1/")
    expect(page.locator("[data-detail]")).to_contain_text("task-a1")
    page.mouse.move(0, 0)
    shop.tell(remove=["task-a1"])
    rows = groups(time.time())
    rows[1]["count"] += 1
    shop.tell(told={"failures": rows})
    first = page.locator("[data-detail] tbody tr").first
    expect(first).to_contain_text("task-a2", timeout=10_000)


def test_keys_move_unfold_and_fold(page: Page, shop: Server) -> None:
    opened(page, shop)
    for _ in range(2):
        page.keyboard.press("j")
    second = signatures(page)[1]
    expect(line(page, second)).to_have_class("cursor")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    expect(line(page, "a1").locator("[data-detail]")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("[data-detail]")).to_have_count(0)


def test_a_group_is_muted_for_a_while_by_keys(page: Page, shop: Server) -> None:
    muted = {**DECIDED, "state": "muted", "muted_until": "2099-01-02T03:04:05Z"}
    shop.tell(api={"failures/a1/mute": {"body": muted}})
    opened(page, shop)
    page.keyboard.press("j")
    page.keyboard.press("m")
    expect(page.get_by_role("button", name="for 1 hour")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(line(page, "a1").locator(".st")).to_contain_text(re.compile(r"Muted\s+until \d Jan"))
    expect(page.locator("[data-announce]")).to_have_text("Muted.")
    [sent] = asked(shop)
    assert sent["has_token"]
    assert abs(sent["body"]["until"] - time.time() - 86_400) < 60


def test_a_group_is_muted_for_good(page: Page, shop: Server) -> None:
    shop.tell(api={"failures/a2/mute": {"body": {**DECIDED, "state": "muted"}}})
    opened(page, shop, "/failures/a2/")
    page.locator("[data-mute] summary").click()
    page.get_by_role("button", name="for good").click()
    expect(line(page, "a2").locator(".st")).to_contain_text("Muted for good")
    assert asked(shop)[0]["body"] == {"until": None}


def test_a_group_is_resolved_and_opened_again_in_its_place(page: Page, shop: Server) -> None:
    resolved = {**DECIDED, "state": "resolved"}
    shop.tell(
        api={"failures/a1/resolve": {"body": resolved}, "failures/a1/reopen": {"body": DECIDED}}
    )
    opened(page, shop, "/failures/?state=open")
    before = signatures(page)
    assert set(before) == {"a1", "a2", "a3", "d/1 x"}
    page.keyboard.press("j")
    page.keyboard.press("e")
    expect(line(page, "a1").locator(".st")).to_contain_text("Resolved by ines")
    expect(page.locator("[data-announce]")).to_have_text("Resolved. A new failure brings it back.")
    assert signatures(page) == before
    page.keyboard.press("e")
    expect(line(page, "a1").locator(".st")).to_contain_text("Open")
    assert [each["path"] for each in asked(shop)] == ["failures/a1/resolve", "failures/a1/reopen"]


def test_a_refused_decision_is_said(page: Page, shop: Server) -> None:
    detail = "No failure of this signature is known."
    shop.tell(api={"failures/a1/resolve": {"status": 404, "body": {"detail": detail}}})
    opened(page, shop)
    page.keyboard.press("j")
    page.keyboard.press("e")
    expect(page.locator("[data-failed]")).to_contain_text(detail)


def test_a_whole_group_is_retried(page: Page, shop: Server) -> None:
    counted = {
        "count": 9, "limit": 50_000, "is_over_limit": False, "by": {"failed": 9},
        "names": [["shop.media.transcode_video", 9]],
    }  # fmt: skip
    over = {
        "id": "op1", "user": "ines", "action": "retry", "query": "", "state": "finished",
        "total": 9, "done": 9, "refused": 0, "failed": 0, "detail": None, "reasons": [],
    }  # fmt: skip
    shop.tell(
        api={
            "tasks/bulk/count": {"body": counted},
            "failures/a1/retry": {"status": 202, "body": over},
        }
    )
    opened(page, shop)
    page.keyboard.press("j")
    page.keyboard.press("r")
    dialog = page.locator("dialog.hw-act")
    expect(dialog).to_contain_text("Retry 9 tasks?")
    dialog.get_by_role("button", name="Retry").click()
    expect(dialog).to_contain_text("9 done")
    count, sent = asked(shop)
    assert count["body"] == {"query": "signature:a1 conclusion:failed", "action": "retry"}
    assert sent["body"] == {"expected": 9}


def test_nothing_changes_places_under_somebodys_hands(page: Page, shop: Server) -> None:
    opened(page, shop)
    before = signatures(page)
    page.keyboard.press("j")
    rows = groups(time.time())
    rows[2]["last_hour"] = 999
    shop.tell(told={"failures": rows})
    expect(line(page, "a3")).to_contain_text("999")
    assert signatures(page) == before


def test_a_viewer_is_offered_no_decision(page: Page, shop: Server) -> None:
    shop.tell(can=("view_task", "view_failure"))
    opened(page, shop, "/failures/a1/")
    expect(page.locator("[data-detail]")).to_contain_text("Newest tasks")
    assert page.locator("[data-list] button, [data-list] form").count() == 0
    for key in ("j", "m", "e", "r"):
        page.keyboard.press(key)
    assert asked(shop) == []


def test_a_group_older_than_the_range_stays_unfolded(page: Page, shop: Server) -> None:
    opened(page, shop, "/failures/nope/")
    expect(page.locator("main")).to_contain_text("No failure of this signature is known")


def test_empty_ranges_say_what_to_do_next(page: Page, server: Server) -> None:
    server.tell(can=CAN)
    opened(page, server)
    expect(page.locator("main")).to_contain_text("Nothing failed in this time")
    expect(page.get_by_role("link", name="Look back 7 days")).to_be_visible()
    server.tell(told={"failures": groups(time.time())[:1]})
    expect(line(page, "a2")).to_be_visible()
    expect(page.locator("[data-none]")).to_be_hidden()
    opened(page, server, "/failures/?state=muted")
    page.get_by_role("link", name="Show all groups").click()
    expect(line(page, "a2")).to_be_visible()


def test_a_page_that_is_cut_off_says_as_of_when(page: Page, shop: Server) -> None:
    opened(page, shop)
    shop.tell(refuse=2, drop=4000)
    expect(page.locator('[data-part="asof"]')).to_contain_text("as of")
    expect(page.locator('[data-part="asof"]')).to_be_hidden(timeout=15_000)


def test_without_a_script_groups_unfold_and_offer_forms(chromium: Browser, shop: Server) -> None:
    with chromium.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{shop.url}/failures/")
        line(page, "a1").get_by_role("link", name="CalledProcessError").click()
        expect(page.locator("[data-detail]")).to_contain_text("What they share")
        page.locator("[data-mute] summary").click()
        expect(page.get_by_role("button", name="for 1 week")).to_be_visible()
        expect(page.get_by_role("button", name="Retry all")).to_be_hidden()


@pytest.mark.parametrize("theme", THEMES)
def test_no_rule_of_accessibility_is_broken(chromium: Browser, shop: Server, theme: Any) -> None:
    with chromium.new_context(color_scheme=theme, reduced_motion="reduce") as context:
        page = context.new_page()
        opened(page, shop)
        assert violations(page) == []
        page.keyboard.press("j")
        page.keyboard.press("m")
        expect(page.get_by_role("button", name="for 1 hour")).to_be_focused()
        assert violations(page) == []


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_scrolls_sideways(chromium: Browser, shop: Server, width: int) -> None:
    long = "extremely-long-text-of-something-without-any-blank" * 3
    rows = [
        {**row, "type": long, "message": long, "name": long, "frame": long, "state_by": long}
        for row in groups(time.time())
    ]
    shop.tell(told={"failures": rows}, upsert=[{"id": "task-a1", "worker": long, "queue": long}])
    with chromium.new_context(viewport={"width": width, "height": 900}) as context:
        page = context.new_page()
        opened(page, shop, "/failures/a1/")
        wait_until(lambda: page.evaluate("document.documentElement.scrollWidth") == width)
