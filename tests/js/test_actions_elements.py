"""Revoke and retry in a real browser: what is asked before, what is sent, what is said of it."""

import re
import time
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.js.axe import violations
from tests.js.looks import THEMES, WIDTHS
from tests.js.serving import Server
from tests.services.process import wait_until

CAN = ("view_task", "view_worker", "revoke_task", "retry_task")
COUNTED = {
    "count": 3,
    "limit": 50_000,
    "is_over_limit": False,
    "by": {"failed": 2, "running": 1},
    "names": [["shop.pay", 2], ["shop.encode", 1]],
}
OPERATION: dict[str, Any] = {
    "id": "op1", "user": "ines", "action": "retry", "options": {}, "query": None,
    "state": "running", "total": 3, "done": 1, "refused": 0, "failed": 0,
    "started_at": "", "finished_at": None, "detail": None, "reasons": [],
}  # fmt: skip
REASON = "It is not over yet: only what is over can be tried again."
OVER = {
    **OPERATION,
    "state": "finished",
    "done": 2,
    "refused": 1,
    "reasons": [{"outcome": "refused", "reason": "unfinished", "detail": REASON, "count": 1}],
}
OUTCOMES = {
    "items": [
        {"kind": "query", "target": "x", "name": None, "outcome": "done", "detail": None},
        {"kind": "task", "target": "r1", "name": "shop.encode", "outcome": "refused",
         "detail": REASON, "new_id": None},
        {"kind": "task", "target": "f1", "name": "shop.pay", "outcome": "done",
         "detail": None, "new_id": "new-1"},
    ],
    "after": None,
}  # fmt: skip


@pytest.fixture
def shop(server: Server) -> Server:
    """Two tasks that failed and one that runs, for a viewer who may act."""
    now = time.time()
    failed = {"status": "completed", "conclusion": "failed", "state": "FAILURE", "name": "shop.pay"}
    rows = [{"id": f"f{n}", **failed, "first_seen_at": now - 10 - n} for n in range(2)]
    running = {"id": "r1", "status": "running", "name": "shop.encode", "started_at": now - 5}
    server.tell(can=CAN)
    server.tell(upsert=[*rows, running])
    return server


def opened(page: Page, server: Server, address: str = "/tasks/") -> None:
    page.goto(server.url + address)
    expect(page.locator("body")).to_have_attribute("data-conn", "live")


def dialog(page: Page) -> Locator:
    return page.locator("dialog.hw-act")


def bulk(page: Page) -> Locator:
    return page.locator("[data-bulk]")


def said(page: Page) -> Locator:
    return page.locator("[data-announce]")


def asked(server: Server, path: str) -> list[dict[str, Any]]:
    return [each for each in server.heard("ask") if each["path"] == path]


def test_a_task_is_retried_from_its_page(page: Page, shop: Server) -> None:
    answer = {"id": "f0", "action": "retry", "outcome": "done", "new_id": "new-1"}
    shop.tell(api={"tasks/f0/retry": {"body": answer}})
    opened(page, shop, "/tasks/f0/")
    page.locator("main").get_by_role("button", name="Retry").click()
    expect(dialog(page)).to_contain_text("Retry this task?")
    expect(dialog(page)).to_contain_text("shop.pay")
    assert asked(shop, "tasks/f0/retry") == []
    dialog(page).get_by_role("button", name="Retry").click()
    link = dialog(page).get_by_role("link", name="New task new-1")
    expect(link).to_have_attribute("href", "/tasks/new-1/")
    expect(said(page)).to_have_text("It was sent again.")
    [sent] = asked(shop, "tasks/f0/retry")
    assert (sent["body"], sent["has_token"]) == ({}, True)
    page.keyboard.press("Escape")
    expect(dialog(page)).to_be_hidden()
    expect(page.locator("main").get_by_role("button", name="Retry")).to_be_focused()


def test_a_running_task_is_terminated_with_a_signal(page: Page, shop: Server) -> None:
    shop.tell(api={"tasks/r1/revoke": {"body": {"action": "terminate", "new_id": None}}})
    opened(page, shop, "/tasks/r1/")
    page.keyboard.press("c")
    expect(dialog(page)).to_contain_text("Terminate this task?")
    expect(dialog(page)).to_contain_text("cannot be taken back")
    expect(dialog(page).get_by_role("button", name="Cancel")).to_be_focused()
    dialog(page).get_by_label("Signal").select_option("SIGKILL")
    dialog(page).get_by_role("button", name="Terminate").click()
    expect(dialog(page)).to_contain_text("Its worker was told to end it.")
    [sent] = asked(shop, "tasks/r1/revoke")
    assert sent["body"] == {"terminate": True, "signal": "SIGKILL"}


def test_what_makes_no_sense_says_why(page: Page, shop: Server) -> None:
    opened(page, shop, "/tasks/r1/")
    retry = page.locator("main").get_by_role("button", name="Retry")
    expect(retry).to_have_attribute("aria-disabled", "true")
    expect(retry).to_have_attribute("title", REASON)
    page.keyboard.press("r")
    expect(dialog(page).get_by_role("alert")).to_have_text(REASON)
    expect(dialog(page).get_by_role("button")).to_have_text(["Close"])


def test_a_refusal_is_said_as_the_server_says_it(page: Page, shop: Server) -> None:
    detail = "The worker that ran it is gone: nobody is left to end it."
    shop.tell(api={"tasks/r1/revoke": {"status": 409, "body": {"code": "x", "detail": detail}}})
    opened(page, shop, "/tasks/r1/")
    page.keyboard.press("v")
    dialog(page).get_by_role("button", name="Terminate").click()
    expect(dialog(page).get_by_role("alert")).to_have_text(detail)
    expect(dialog(page).get_by_role("button", name="Close")).to_be_focused()


def test_a_double_click_asks_once_and_a_slow_server_is_told_of(page: Page, shop: Server) -> None:
    answer = {"after": 4, "body": {"action": "retry", "new_id": None}}
    shop.tell(api={"tasks/f0/retry": answer})
    opened(page, shop, "/tasks/f0/")
    page.keyboard.press("r")
    dialog(page).get_by_role("button", name="Retry").dblclick()
    expect(dialog(page)).to_contain_text("Sending…")
    expect(dialog(page)).to_contain_text("The server has not answered yet.")
    expect(dialog(page)).to_contain_text("It was sent again.")
    assert len(asked(shop, "tasks/f0/retry")) == 1


def test_no_answer_is_no_promise_that_nothing_was_done(page: Page, shop: Server) -> None:
    opened(page, shop, "/tasks/f0/")
    page.route("**/api/v1/tasks/f0/retry", lambda route: route.abort())
    page.keyboard.press("r")
    dialog(page).get_by_role("button", name="Retry").click()
    expect(dialog(page).get_by_role("alert")).to_contain_text("It may have been done all the same")


def test_a_closed_dialog_still_says_what_came_of_it(page: Page, shop: Server) -> None:
    shop.tell(api={"tasks/f0/retry": {"after": 1, "body": {"action": "retry", "new_id": None}}})
    opened(page, shop, "/tasks/f0/")
    page.keyboard.press("r")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(dialog(page)).to_be_hidden()
    expect(said(page)).to_have_text("It was sent again.")


def test_a_selection_runs_as_an_operation_that_tells_its_progress(page: Page, shop: Server) -> None:
    shop.tell(
        api={
            "tasks/bulk/count": {"body": COUNTED},
            "tasks/bulk": {"status": 202, "body": OPERATION},
            "operations/op1": [{"body": {**OPERATION, "done": 2}}, {"body": OVER}],
            "operations/op1/outcomes": {"body": OUTCOMES},
        }
    )
    opened(page, shop)
    for box in page.locator("[data-pick]").all():
        box.check()
    expect(bulk(page)).to_contain_text("3 selected")
    bulk(page).get_by_role("button", name="Retry").click()
    expect(dialog(page)).to_contain_text("Retry 3 tasks?")
    expect(dialog(page)).to_contain_text("2 Failed")
    expect(dialog(page)).to_contain_text("Not over yet, so it will be refused: 1 task.")
    dialog(page).get_by_role("button", name="Retry").click()
    expect(dialog(page)).to_contain_text("1 of 3 tasks · 1 done")
    expect(dialog(page)).to_contain_text("2 done · 1 refused")
    expect(dialog(page)).to_contain_text(f"1 × {REASON}")
    expect(said(page)).to_have_text("Done: 2 done · 1 refused")
    [sent] = asked(shop, "tasks/bulk")
    assert sent["body"] == {"ids": ["r1", "f0", "f1"], "action": "retry", "expected": 3}
    dialog(page).get_by_text("What came of each").click()
    lines = dialog(page).locator('[data-part="targets"] li')
    expect(lines).to_have_text([f"encode r1 refused {REASON}", "pay f1 done New task new-1"])


def test_an_operation_is_stopped_and_goes_on_behind_a_closed_dialog(
    page: Page, shop: Server
) -> None:
    stopped = {**OPERATION, "state": "stopped", "detail": "It was stopped."}
    shop.tell(
        api={
            "tasks/bulk/count": {"body": COUNTED},
            "tasks/bulk": {"status": 202, "body": OPERATION},
            "operations/op1": {"body": OPERATION},
            "operations/op1/stop": {"body": {**OPERATION, "state": "stopping"}},
        }
    )
    opened(page, shop)
    page.locator("[data-pick-all]").check()
    page.keyboard.press("r")
    dialog(page).get_by_role("button", name="Retry").click()
    expect(dialog(page).get_by_role("button", name="Stop")).to_be_visible()
    page.keyboard.press("Escape")
    chip = page.get_by_role("button", name=re.compile("Retrying"))
    expect(chip).to_have_text("Retrying · 33%")
    chip.click()
    dialog(page).get_by_role("button", name="Stop").click()
    expect(dialog(page)).to_contain_text("Stopping")
    # An answer that was on its way says that it runs; the next one is asked for once it was read.
    for _ in range(2):
        with page.expect_response(re.compile("operations/op1$")):
            pass
    expect(dialog(page)).to_contain_text("Stopping")
    page.keyboard.press("Escape")
    shop.tell(api={"operations/op1": {"body": stopped}})
    expect(page.locator('[data-part="chip"]')).to_have_text("Stopped · 1 done")
    expect(said(page)).to_have_text("Stopped: 1 done")
    page.locator('[data-part="chip"]').click()
    expect(dialog(page)).to_contain_text("It was stopped.")
    page.keyboard.press("Escape")
    expect(page.locator('[data-part="chip"]')).to_be_hidden()


def test_all_that_match_are_meant_once_all_that_are_shown_are_selected(
    page: Page, shop: Server
) -> None:
    now = time.time()
    many = [{"id": f"q{n:03}", "status": "queued", "first_seen_at": now - 60} for n in range(150)]
    shop.tell(upsert=many)
    shop.tell(
        api={
            "tasks/bulk/count": {"body": {**COUNTED, "count": 150, "by": {"queued": 150}}},
            "tasks/bulk": {"status": 202, "body": {**OVER, "action": "revoke", "total": 150}},
        }
    )
    opened(page, shop, "/tasks/?query=status%3Aqueued")
    expect(bulk(page).locator("[data-all]")).to_be_hidden()
    page.locator("[data-pick-all]").check()
    expect(bulk(page)).to_contain_text("100 selected")
    bulk(page).get_by_role("button", name="Select all 150 that match").click()
    expect(bulk(page)).to_contain_text("All 150 that match")
    page.keyboard.press("v")
    expect(dialog(page)).to_contain_text("Revoke 150 tasks?")
    dialog(page).get_by_role("button", name="Revoke").click()
    expect(dialog(page)).to_contain_text("2 done")
    [sent] = asked(shop, "tasks/bulk")
    how = {"terminate": False, "signal": "SIGTERM"}
    assert sent["body"] == {
        "query": "status:queued", "action": "revoke", "expected": 150, "options": how,
    }  # fmt: skip
    page.keyboard.press("Escape")
    page.locator("[data-pick]").first.uncheck()
    expect(bulk(page)).to_contain_text("99 selected")
    expect(page.locator("[data-pick-all]")).to_have_js_property("indeterminate", True)


def test_on_a_phone_one_box_selects_all_that_is_shown(chromium: Browser, shop: Server) -> None:
    with chromium.new_context(viewport={"width": 360, "height": 740}) as context:
        page = context.new_page()
        opened(page, shop)
        page.get_by_text("Select all", exact=True).click()
        expect(bulk(page).locator("[data-part=count]")).to_have_text("3 selected")
        expect(page.get_by_role("columnheader")).to_have_count(1)


def test_more_than_was_told_is_asked_about_again(page: Page, shop: Server) -> None:
    detail = "There are 480 tasks by now, you were told 3: look again."
    refused = {"code": "more_than_expected", "detail": detail, "count": 480, "expected": 3}
    shop.tell(
        api={
            "tasks/bulk/count": [{"body": COUNTED}, {"body": {**COUNTED, "count": 480}}],
            "tasks/bulk": [{"status": 409, "body": refused}, {"status": 202, "body": OVER}],
        }
    )
    opened(page, shop)
    page.locator("[data-pick-all]").check()
    page.keyboard.press("r")
    dialog(page).get_by_role("button", name="Retry").click()
    expect(dialog(page)).to_contain_text("Retry 480 tasks?")
    expect(dialog(page).get_by_role("alert")).to_have_text(detail)
    dialog(page).get_by_role("button", name="Retry").click()
    expect(dialog(page)).to_contain_text("2 done")
    assert [each["body"]["expected"] for each in asked(shop, "tasks/bulk")] == [3, 480]


def test_too_many_and_none_are_not_asked_about(page: Page, shop: Server) -> None:
    over = {**COUNTED, "count": 50_001, "is_over_limit": True}
    none = {**COUNTED, "count": 0, "by": {}, "names": []}
    shop.tell(api={"tasks/bulk/count": [{"body": over}, {"body": none}]})
    opened(page, shop)
    page.locator("[data-pick-all]").check()
    for sentence in ("More than 50,000 tasks match", "There is no such task"):
        page.keyboard.press("r")
        expect(dialog(page).get_by_role("alert")).to_contain_text(sentence)
        expect(dialog(page).get_by_role("button")).to_have_text(["Close"])
        page.keyboard.press("Escape")


def test_a_selection_that_an_action_fits_nowhere_says_so(page: Page, shop: Server) -> None:
    opened(page, shop)
    page.locator('tr[data-id="f0"] [data-pick]').check()
    revoke = bulk(page).get_by_role("button", name="Revoke")
    expect(revoke).to_have_attribute("aria-disabled", "true")
    page.keyboard.press("v")
    expect(bulk(page)).to_contain_text("All of the selected tasks are over.")
    expect(dialog(page)).to_be_hidden()
    page.locator('tr[data-id="r1"] [data-pick]').check()
    expect(revoke).not_to_have_attribute("aria-disabled", "true")


def test_boxes_select_ranges_and_keys_work_on_from_them(page: Page, shop: Server) -> None:
    opened(page, shop)
    boxes = page.locator("[data-pick]")
    boxes.nth(0).click()
    boxes.nth(2).click(modifiers=["Shift"])
    expect(bulk(page)).to_contain_text("3 selected")
    expect(boxes.nth(1)).to_be_checked()
    page.keyboard.press("Escape")
    expect(bulk(page)).to_be_hidden()
    expect(boxes.nth(1)).not_to_be_checked()
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator("[data-pick]:checked")).to_have_count(1)


def test_without_a_selection_a_key_means_the_row_at_the_cursor(page: Page, shop: Server) -> None:
    opened(page, shop)
    page.keyboard.press("r")
    expect(dialog(page)).to_be_hidden()
    page.keyboard.press("j")
    page.keyboard.press("v")
    expect(dialog(page)).to_contain_text("Terminate this task?")
    expect(dialog(page)).to_contain_text("r1")


def test_those_who_may_not_act_are_offered_nothing(page: Page, server: Server) -> None:
    server.tell(upsert=[{"id": "f0", "status": "completed", "conclusion": "failed"}])
    opened(page, server)
    assert page.locator("headway-actions, [data-pick], [data-bulk-act]").count() == 0
    page.keyboard.press("j")
    page.keyboard.press("r")
    opened(page, server, "/tasks/f0/")
    assert page.locator("headway-actions, [data-act]").count() == 0
    server.tell(can=("view_task", "retry_task"))
    opened(page, server, "/tasks/f0/")
    expect(page.locator("[data-act]")).to_have_count(1)


def test_buttons_follow_the_state_of_the_task(page: Page, shop: Server) -> None:
    opened(page, shop, "/tasks/r1/")
    shop.tell(upsert=[{"id": "r1", "status": "completed", "conclusion": "succeeded"}])
    retry = page.locator("main").get_by_role("button", name="Retry")
    expect(retry).not_to_have_attribute("aria-disabled", "true")
    expect(page.locator('[data-act="revoke"]')).to_have_attribute("aria-disabled", "true")


@pytest.mark.parametrize("theme", THEMES)
def test_no_rule_of_accessibility_is_broken(chromium: Browser, shop: Server, theme: Any) -> None:
    shop.tell(
        api={
            "tasks/bulk/count": {"body": COUNTED},
            "tasks/bulk": {"status": 202, "body": OVER},
            "operations/op1/outcomes": {"body": OUTCOMES},
        }
    )
    with chromium.new_context(color_scheme=theme, reduced_motion="reduce") as context:
        page = context.new_page()
        opened(page, shop)
        page.locator("[data-pick-all]").check()
        assert violations(page) == []
        page.keyboard.press("v")
        dialog(page).get_by_label("Also terminate").check()
        assert violations(page) == []
        dialog(page).get_by_role("button", name="Revoke").click()
        dialog(page).get_by_text("What came of each").click()
        expect(dialog(page).get_by_text("New task new-1")).to_be_visible()
        assert violations(page) == []


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_scrolls_sideways(chromium: Browser, shop: Server, width: int) -> None:
    long = "extremely-long-name-of-something-without-any-blank" * 4
    shop.tell(api={"tasks/bulk/count": {"body": {**COUNTED, "names": [[long, 3]]}}})
    shop.tell(upsert=[{"id": long, "name": long, "status": "running"}])
    sideways = "element => element.scrollWidth > element.clientWidth"
    with chromium.new_context(viewport={"width": width, "height": 800}) as context:
        page = context.new_page()
        opened(page, shop)
        for box in page.locator("[data-pick]").all():
            box.check()
        page.keyboard.press("v")
        dialog(page).get_by_label("Also terminate").check()
        assert not dialog(page).evaluate(sideways)
        opened(page, shop, f"/tasks/{long}/")
        page.keyboard.press("v")
        assert not dialog(page).evaluate(sideways)
        wait_until(lambda: page.evaluate("document.documentElement.scrollWidth") == width)
