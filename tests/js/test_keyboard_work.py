"""All that a page is for is done by keyboard alone, and the focus stays where somebody works:
through live changes, answers, and parts of the page that come and go."""

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.js.keyboard import at, press, tab_to
from tests.js.serving import Server
from tests.js.test_actions_elements import OPERATION
from tests.js.test_elements import FIRST_ROW, SELECTED, live, look_away, task
from tests.js.test_failures_elements import CAN as MAY_CHANGE
from tests.js.test_failures_elements import groups
from tests.js.test_failures_elements import tasks as failed_tasks
from tests.js.test_overview_elements import PLOT, overview, tell_shop
from tests.js.test_task_elements import box, chord
from tests.js.test_told_elements import changed, show, tell
from tests.services.process import ROOT

FAILED = {"status": "completed", "conclusion": "failed", "state": "FAILURE"}
KEYS_TOLD = """() => [...document.querySelectorAll("#keys tr")].map((row) => {
  const [does, keys] = [...row.cells].map((cell) => cell.innerText.trim().replace(/\\s+/g, " "));
  return [does, keys];
})"""


def row(number: int) -> str:
    return f'tr[data-id="task-{number:04d}"]'


@pytest.fixture
def clipboard(chromium: Browser) -> Iterator[Page]:
    with chromium.new_context(permissions=["clipboard-read", "clipboard-write"]) as context:
        yield context.new_page()


@pytest.mark.looks
def test_a_query_is_completed_corrected_and_taken_apart(page: Page, server: Server) -> None:
    server.tell(upsert=[task(1, queue="media"), task(2)])
    live(page, server)
    press(page, "/")
    page.keyboard.type("que")
    press(page, "ArrowUp", "ArrowDown", "ArrowDown", "Escape")
    combobox = page.get_by_role("combobox")
    expect(combobox).to_have_attribute("aria-expanded", "false")
    expect(combobox).to_be_focused()
    page.keyboard.type("ue:")
    press(page, "ArrowDown", "Enter", "Enter")
    expect(page.locator(".hw-chip")).to_have_count(1)
    page.keyboard.type("colour:red")
    expect(page.locator("[data-announce]")).to_contain_text("colour")
    press(page, "Control+a", "Delete", "Escape", "Escape")
    expect(combobox).not_to_be_focused()
    tab_to(page, ".hw-chip a", "Shift+Tab")
    press(page, "Enter")
    expect(page.locator(".hw-chip")).to_have_count(0)
    at(page, "main a, main input, main button")


@pytest.mark.looks
def test_columns_are_chosen_and_the_menu_gives_the_focus_back(page: Page, server: Server) -> None:
    server.tell(upsert=[task(1, owner="ines")])
    live(page, server)
    tab_to(page, "headway-columns summary")
    press(page, "Enter")
    tab_to(page, 'input[value="owner"]')
    press(page, "Space")
    expect(page.get_by_role("columnheader", name="Owner")).to_be_visible()
    at(page, 'input[value="owner"]')
    press(page, "Escape")
    at(page, "headway-columns summary")
    press(page, "Enter")
    tab_to(page, "headway-saved summary")
    expect(page.locator("headway-columns details")).not_to_have_attribute("open", "")


@pytest.mark.looks
def test_a_query_is_saved_renamed_deleted_brought_back_and_opened(
    page: Page, server: Server
) -> None:
    server.tell(upsert=[task(1, queue="media")])
    live(page, server, "/tasks/?query=queue%3Amedia")
    tab_to(page, "headway-saved summary")
    press(page, "Enter")
    tab_to(page, "headway-saved input")
    page.keyboard.type("Media")
    press(page, "Enter")
    name = page.locator("headway-saved li strong")
    expect(name).to_have_text("Media")
    at(page, "headway-saved input")
    tab_to(page, "[data-rename]", "Shift+Tab")
    press(page, "Enter")
    at(page, "headway-saved input")
    page.keyboard.type("Pictures")
    press(page, "Enter")
    expect(name).to_have_text("Pictures")
    tab_to(page, "[data-delete]", "Shift+Tab")
    press(page, "Enter")
    expect(name).to_have_count(0)
    tab_to(page, "[data-undo]")
    press(page, "Enter")
    at(page, "headway-saved li a")
    press(page, "Enter")
    expect(page.locator("headway-saved details")).not_to_have_attribute("open", "")
    expect(page).to_have_url(f"{server.url}/tasks/?query=queue%3Amedia")


def test_a_tab_that_was_pressed_keeps_the_focus(page: Page, server: Server) -> None:
    server.tell(upsert=[task(1), task(2, **FAILED)])
    live(page, server)
    tab_to(page, '[data-tab="failed"]')
    press(page, "Enter")
    expect(page.locator("tbody tr[data-id]")).to_have_count(1)
    at(page, '[data-tab="failed"]')


def test_nothing_moves_under_the_row_that_has_the_focus(page: Page, server: Server) -> None:
    server.tell(upsert=[task(number) for number in range(100)])
    live(page, server)
    look_away(page)
    press(page, "j", "j")
    at(page, f"{row(98)} a")
    server.tell(upsert=[task(98, status="running", queue="q9")])
    expect(page.locator(f"{row(98)} [data-field=queue]")).to_have_text("q9")
    at(page, f"{row(98)} a")
    server.tell(upsert=[task(number) for number in range(100, 300)])
    expect(page.locator("[data-new]")).to_contain_text("new")
    expect(page.locator(FIRST_ROW)).to_have_attribute("data-id", "task-0099")
    at(page, f"{row(98)} a")
    press(page, ".")
    expect(page.locator(FIRST_ROW)).to_have_attribute("data-id", "task-0299")
    at(page, "tbody tr[data-id] a")
    tab_to(page, "[data-pick-all], [data-tab]", "Shift+Tab")
    server.tell(upsert=[task(300)])
    expect(page.locator(FIRST_ROW)).to_have_attribute("data-id", "task-0300")


@pytest.mark.looks
def test_the_pill_that_lets_new_tasks_in_leaves_the_focus_at_the_list(
    page: Page, server: Server
) -> None:
    server.tell(upsert=[task(number) for number in range(4)])
    live(page, server)
    look_away(page)
    press(page, "j", "x")
    server.tell(upsert=[task(9)])
    expect(page.locator("[data-new]")).to_be_visible()
    tab_to(page, "[data-new]", "Shift+Tab")
    press(page, "Enter")
    expect(page.locator(FIRST_ROW)).to_have_attribute("data-id", "task-0009")
    at(page, "headway-task-list table *")


def test_a_selection_is_acted_on_and_cleared_from_its_bar(clipboard: Page, server: Server) -> None:
    page = clipboard
    server.tell(can=("view_task", "retry_task", "revoke_task"))
    server.tell(upsert=[task(number, **FAILED) for number in range(400)])
    live(page, server)
    look_away(page)
    press(page, "j", "x", "j", "j", "X")
    expect(page.locator(SELECTED)).to_have_count(3)
    press(page, "a")
    at(page, "[data-bulk] button")
    tab_to(page, "[data-copy-ids]")
    press(page, "Enter")
    expect(page.locator("[data-announce]")).to_have_text("Copied")
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert copied.splitlines() == ["task-0399", "task-0398", "task-0397"]
    tab_to(page, "[data-clear]")
    press(page, "Enter")
    expect(page.locator("[data-bulk]")).to_be_hidden()
    at(page, f"{row(397)} a")
    tab_to(page, "[data-pick-all]", "Shift+Tab")
    press(page, "Space")
    expect(page.locator("[data-all]")).to_be_visible()
    press(page, "a")
    at(page, "[data-all]")
    press(page, "Enter")
    expect(page.locator("[data-bulk] [data-part=count]")).to_contain_text("400")
    at(page, "[data-bulk-act]")


def test_tab_goes_on_through_a_list_that_has_no_end(page: Page, server: Server) -> None:
    server.tell(upsert=[task(number) for number in range(160)])
    live(page, server)
    tab_to(page, "tbody a")
    passed = []
    for _ in range(150):
        passed.append(page.evaluate("() => document.activeElement.closest('tr').dataset.id"))
        # Nobody is as quick as this: older tasks are read while there are thirty left.
        page.wait_for_function(
            "() => document.activeElement.closest('tr').nextElementSibling?.dataset.id"
        )
        press(page, "Tab")
    assert passed == [f"task-{number:04d}" for number in range(159, 9, -1)]
    press(page, "Shift+Tab")
    at(page, f"{row(10)} a")
    for _ in range(3):
        press(page, "k")
    at(page, f"{row(159)} a, {row(13)} a")


def test_the_dialog_gives_the_focus_back_though_its_button_was_written_anew(
    page: Page, server: Server
) -> None:
    server.tell(can=("view_task", "retry_task", "revoke_task"))
    server.tell(upsert=[task(1, status="running", started_at=time.time())])
    live(page, server, "/tasks/task-0001/")
    tab_to(page, '[data-act="revoke"]')
    press(page, "Enter")
    expect(page.locator("dialog.hw-act")).to_be_visible()
    server.tell(upsert=[task(1, **FAILED, finished_at=time.time())])
    expect(page.locator('[data-act="revoke"]')).to_have_attribute("aria-disabled", "true")
    press(page, "Escape")
    expect(page.locator("dialog.hw-act")).to_be_hidden()
    at(page, '[data-act="revoke"]')


def test_a_panel_that_is_written_anew_gives_the_focus_back(clipboard: Page, server: Server) -> None:
    page = clipboard
    server.tell(upsert=[task(1, status="running", started_at=time.time())])
    page.route("**/api/v1/tasks/task-0001", lambda route: route.fulfill(json={"id": 1}))
    live(page, server, "/tasks/task-0001/")
    tab_to(page, "[data-copy-json]")
    server.tell(upsert=[task(1, **FAILED, worker="w1", finished_at=time.time())])
    expect(page.locator("#facts")).to_contain_text("w1")
    at(page, "[data-copy-json]")
    press(page, "Enter")
    expect(page.locator("[data-announce]")).to_have_text("Copied")
    assert page.evaluate("() => navigator.clipboard.readText()") == '{\n  "id": 1\n}'


@pytest.mark.looks
def test_a_box_of_the_workflow_that_joins_others_leaves_the_focus_in_it(
    page: Page, server: Server
) -> None:
    rows = chord()
    server.tell(upsert=rows)
    live(page, server, "/tasks/root/")
    tab_to(page, ".hw-graph a")
    press(page, "ArrowRight")
    at(page, '.hw-graph a[data-key^="part_"]')
    more = [{**rows[1], "id": f"part_x{n}", "name": "shop.part_0"} for n in range(40)]
    server.tell(upsert=more)
    expect(box(page, "publish")).to_be_visible()
    page.wait_for_function("() => document.querySelector('.hw-graph').textContent.includes('×')")
    at(page, ".hw-graph a")


@pytest.mark.looks
def test_a_chart_is_read_zoomed_and_left(page: Page, server: Server) -> None:
    tell_shop(server)
    overview(page, server)
    tab_to(page, '[data-range="6h"]')
    press(page, "Enter")
    expect(page).to_have_url(f"{server.url}/?range=6h")
    expect(page.locator("#h-chart")).to_contain_text("5 minutes")
    at(page, '[data-range="6h"]')
    tab_to(page, PLOT)
    press(page, "ArrowLeft", "Shift+ArrowLeft", "Shift+ArrowLeft", "Enter")
    page.wait_for_url(re.compile("from="))
    expect(page.locator("[data-reset]")).to_be_visible()
    at(page, PLOT)
    tab_to(page, "[data-reset]", "Shift+Tab")
    press(page, "Enter")
    expect(page.locator("[data-reset]")).to_be_hidden()
    at(page, PLOT)
    tab_to(page, "headway-chart summary")
    press(page, "Enter")
    tab_to(page, "headway-chart tbody a")
    press(page, "Enter")
    page.wait_for_url(re.compile("/tasks/"))


def test_a_problem_that_is_solved_hands_the_focus_on(page: Page, server: Server) -> None:
    problem = {"kind": "queue_unattended", "title": "mail", "value": 3, "since_at": time.time()}
    problems = [{**problem, "subject": name, "title": name} for name in ("a", "b", "c")]
    tell_shop(server, problems=problems)
    overview(page, server)
    links = page.locator(".hw-problems li a")
    tab_to(page, ".hw-problems li a")
    tell_shop(server, problems=problems[::-1])
    expect(links.first).to_be_focused()
    expect(page.locator(".hw-problems li").first).to_contain_text("a")
    tell_shop(server, problems=problems[1:])
    expect(page.locator(".hw-problems li")).to_have_count(2)
    at(page, ".hw-problems li a")


def test_one_press_of_escape_closes_one_thing(page: Page, server: Server) -> None:
    now = time.time()
    server.tell(can=MAY_CHANGE, upsert=failed_tasks(now), told={"failures": groups(now)})
    live(page, server, "/failures/")
    press(page, "j", "j", "m")
    at(page, "[data-mute] button")
    press(page, "Escape")
    expect(page.locator("[data-mute]")).not_to_have_attribute("open", "")
    expect(page.locator("[data-detail]")).to_be_visible()
    at(page, "[data-mute] summary")
    press(page, "Escape")
    expect(page.locator("[data-detail]")).to_have_count(0)
    at(page, ".what a[data-unfold]")


def test_rows_wait_for_the_focus_as_for_the_pointer(page: Page, server: Server) -> None:
    rows = tell(server)
    show(page, server, "queues")
    look_away(page)
    tab_to(page, "tbody tr:first-child a")
    key = page.evaluate("() => document.activeElement.closest('tr').dataset.key")
    others = [row for row in rows["queues"] if row["name"] != key]
    server.tell(told={"queues": [*others, {**others[0], "name": "brand-new"}]})
    expect(page.locator('tbody [data-key="brand-new"]')).to_be_visible()
    expect(page.locator("tbody tr").first).to_have_attribute("data-gone", "")
    at(page, "tbody tr:first-child a")
    server.tell(told={"queues": [{**row, "depth": 777} for row in others]})
    expect(page.locator("main tbody")).to_contain_text("777")
    at(page, "tbody tr:first-child a")
    tab_to(page, "nav a", "Shift+Tab")
    expect(page.locator("[data-gone]")).to_have_count(0)


def test_new_entries_wait_until_the_focus_has_left_the_others(page: Page, server: Server) -> None:
    rows = tell(server)
    show(page, server, "audit")
    look_away(page)
    tab_to(page, ".hw-audit tbody a[href]")
    newest = {**rows["audit"][0], "id": 999_999, "at": time.time()}
    server.tell(told={"audit": [newest, *rows["audit"]]})
    waiting = page.locator('[data-part="waiting"]')
    expect(waiting).to_be_visible()
    expect(page.locator('tbody [data-key="999999"]')).to_have_count(0)
    tab_to(page, "form button", "Shift+Tab")
    expect(page.locator('tbody [data-key="999999"]')).to_be_visible()
    expect(waiting).to_be_hidden()
    at(page, "form button")


@pytest.mark.looks
def test_an_operation_is_stopped_and_the_focus_stays(page: Page, server: Server) -> None:
    rows = tell(server)
    mine = next(row for row in rows["operations"] if row["state"] == "running")
    server.tell(api={f"operations/{mine['id']}/stop": {"body": OPERATION}})
    show(page, server, "audit")
    tab_to(page, "[data-post]:not([hidden])")
    press(page, "Enter")
    expect(page.locator("[data-announce]")).not_to_be_empty()
    at(page, "[data-post]")
    over = changed(rows["operations"], str(mine["id"]), state="stopped")
    server.tell(told={"operations": over})
    press(page, "Tab")
    at(page, "main a, main input, main button, main select")


def test_a_link_to_what_a_worker_runs_keeps_the_focus(page: Page, server: Server) -> None:
    tell(server)
    show(page, server, "workers")
    tab_to(page, ".c-act .hw-cut a")
    now = time.time()
    running = {"status": "running", "worker": "web-1@fra-01", "started_at": now}
    server.tell(upsert=[{"id": "t0", "name": "shop.media.join", "first_seen_at": now, **running}])
    expect(page.locator('tr:has([href="/tasks/t1/"])')).to_contain_text("join")
    at(page, '.c-act .hw-cut a[href="/tasks/t1/"]')


@pytest.mark.looks
def test_theme_and_help_are_a_key_away(page: Page, server: Server) -> None:
    live(page, server, "/workers/")
    tab_to(page, "[data-theme-toggle]")
    press(page, "Enter")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    at(page, "[data-theme-toggle]")
    press(page, "?")
    at(page, "#keys *")
    press(page, "Enter")
    expect(page.locator("#keys")).to_be_hidden()
    at(page, "[data-theme-toggle]")


def test_the_help_and_the_documentation_tell_the_same_keys(page: Page, server: Server) -> None:
    can = ("view_worker", "view_queue", "view_scheduleentry", "view_audit")
    server.tell(can=(*MAY_CHANGE, *can))
    live(page, server, "/workers/")
    press(page, "?")
    text = (ROOT / "docs" / "reference" / "keyboard.md").read_text(encoding="utf-8")
    found = re.findall(r"^\| (.+?) \| (.+?) \| .+ \|$", text, re.MULTILINE)
    written = [[does, keys.replace("`", "")] for does, keys in found if "`" in keys]
    told: Any = page.evaluate(KEYS_TOLD)
    assert told == written
