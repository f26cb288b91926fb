"""The task list in a real browser: completing, checking and saving queries, choosing columns,
coming back to where one was."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.js import axe
from tests.js.looks import THEMES, WIDTHS
from tests.js.serving import Server
from tests.js.test_elements import FIRST_ROW, SELECTED, live, look_away, task
from tests.services.process import wait_until

FIRST_IN_VIEW = """() => {
  const head = document.querySelector("thead").getBoundingClientRect().bottom;
  const rows = [...document.querySelectorAll("tbody tr[data-id]")];
  return rows.find((row) => row.getBoundingClientRect().bottom > head + 1)?.dataset.id;
}"""


def type_query(page: Page, text: str) -> None:
    page.keyboard.press("/")
    page.keyboard.type(text)


def options(page: Page) -> list[str]:
    return page.get_by_role("option").all_inner_texts()


def scroll_to(page: Page, id_: str) -> None:
    def is_there() -> bool:
        # Less than the rows beyond the viewport that have DOM: none is passed unseen.
        page.mouse.wheel(0, 500)
        page.evaluate("() => new Promise(requestAnimationFrame)")
        return page.locator(f'tr[data-id="{id_}"]').count() == 1

    wait_until(is_there, what=f"{id_} is reached")


def test_value_of_a_task_that_is_not_on_the_page_completes_a_term(
    page: Page, server: Server
) -> None:
    server.tell(values={"name": ["shop.media.transcode", "shop.pay"]})
    live(page, server)
    type_query(page, "name:trans")
    expect(page.get_by_role("option")).to_have_text(["name:shop.media.transcode"])
    page.keyboard.press("ArrowDown")
    box = page.get_by_role("combobox", name="Filter tasks")
    expect(box).to_have_attribute("aria-expanded", "true")
    active = box.get_attribute("aria-activedescendant")
    expect(page.locator(f"#{active}")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(box).to_have_value("name:shop.media.transcode")
    expect(box).to_have_attribute("aria-expanded", "false")


def test_how_many_suggestions_there_are_is_said_after_a_pause(page: Page, server: Server) -> None:
    live(page, server)
    type_query(page, "sta")
    expect(page.locator("[data-announce]")).to_have_text("2 suggestions")


def test_fault_is_marked_where_it_is_while_the_query_is_typed(page: Page, server: Server) -> None:
    server.tell(upsert=[task(1)])
    live(page, server, "/tasks/?query=queue%3Aorders")
    before = page.locator(FIRST_ROW).bounding_box()
    type_query(page, "colour:red")
    expect(page.locator("[data-fault] mark")).to_have_text("colour")
    expect(page.locator("[data-fault]")).to_contain_text("queue:orders")
    assert page.locator(FIRST_ROW).bounding_box() == before
    box = page.get_by_role("combobox", name="Filter tasks")
    expect(box).to_have_attribute("aria-invalid", "true")
    expect(box).to_have_attribute("aria-describedby", "query-fault")
    expect(page.locator("tbody tr[data-id]")).to_have_count(1)
    box.fill("status:running")
    expect(page.locator("[data-fault]")).to_be_hidden()
    assert box.get_attribute("aria-invalid") is None


def test_term_that_is_still_being_typed_is_not_called_wrong(page: Page, server: Server) -> None:
    live(page, server)
    for text in ("status:run", 'name:"two wo', "colour:"):
        page.get_by_role("combobox", name="Filter tasks").fill(text)
        # Longer than the pause after which a query is checked.
        page.wait_for_timeout(800)
        expect(page.locator("[data-fault]")).to_be_hidden()


def test_query_is_saved_opened_renamed_deleted_and_brought_back(page: Page, server: Server) -> None:
    server.tell(upsert=[task(1), task(2, queue="media")])
    live(page, server, "/tasks/?query=queue%3Amedia")
    menu = page.locator("headway-saved")
    menu.locator("summary").click()
    menu.get_by_role("textbox").fill("Media")
    page.keyboard.press("Enter")
    expect(menu.locator("li")).to_contain_text(["Media"])
    expect(menu.locator("summary")).to_have_text("Saved 1")
    page.locator("[data-tab=all]").click()
    page.goto(f"{server.url}/tasks/")
    menu.locator("summary").click()
    menu.get_by_role("link", name="Media").click()
    expect(page).to_have_url(f"{server.url}/tasks/?query=queue%3Amedia")
    menu.locator("summary").click()
    menu.get_by_role("button", name="Rename Media").click()
    menu.get_by_role("textbox").fill("Pictures")
    menu.get_by_role("button", name="Save", exact=True).click()
    expect(menu.locator("li strong")).to_have_text(["Pictures"])
    menu.get_by_role("button", name="Delete Pictures").click()
    expect(menu.locator("li")).to_have_count(0)
    menu.get_by_role("button", name="Undo").click()
    expect(menu.locator("li strong")).to_have_text(["Pictures"])
    expect(menu.get_by_role("link", name="Pictures")).to_be_focused()


def test_refusal_to_save_is_told(page: Page, server: Server) -> None:
    told = {"status": 409, "body": {"detail": "You have 50 saved queries already."}}
    server.tell(api={"queries": told})
    live(page, server)
    menu = page.locator("headway-saved")
    menu.locator("summary").click()
    menu.get_by_role("textbox").fill("One more")
    page.keyboard.press("Enter")
    expect(menu.get_by_role("alert")).to_have_text("You have 50 saved queries already.")
    assert server.heard("ask")[-1]["has_token"]


def test_columns_change_at_once_and_rows_selection_and_place_stay(
    page: Page, server: Server
) -> None:
    server.tell(upsert=[task(number, owner=f"user{number}", retries=2) for number in range(60)])
    live(page, server)
    look_away(page)
    for key in ("j", "x"):
        page.keyboard.press(key)
    page.evaluate("() => { window.isSamePage = true }")
    menu = page.locator("headway-columns")
    menu.locator("summary").click()
    menu.get_by_label("Owner").check()
    menu.get_by_label("Queue").uncheck()
    expect(page.get_by_role("columnheader", name="Owner")).to_be_visible()
    expect(page.get_by_role("columnheader", name="Queue")).to_have_count(0)
    expect(page.locator(f"{FIRST_ROW} >> [data-field=owner]")).to_have_text("user59")
    expect(page.locator(f"{FIRST_ROW} >> [data-field=queue]")).to_have_count(0)
    expect(page.locator(SELECTED)).to_have_count(1)
    assert page.evaluate("() => window.isSamePage")
    page.keyboard.press("Escape")
    page.reload()
    expect(page.locator(f"{FIRST_ROW} >> [data-field=owner]")).to_have_text("user59")
    menu.locator("summary").click()
    menu.get_by_role("button", name="The usual ones").click()
    expect(page.get_by_role("columnheader", name="Queue")).to_be_visible()
    expect(page.get_by_role("columnheader", name="Owner")).to_have_count(0)


ALL = "exception label owner id priority retries sent finished prog queue worker wait run age"


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", THEMES)
def test_all_columns_and_both_menus_fit_and_break_no_rule(
    chromium: Browser, server: Server, width: int, scheme: Any
) -> None:
    over = {"status": "completed", "conclusion": "failed", "exception": "CardError('declined')"}
    server.tell(
        upsert=[task(n, owner="ines", label="x" * 90, **over) for n in range(20)],
        saved=[{"id": 1, "name": "Failed mails " * 4, "query": "queue:mail " * 20}],
    )
    context = chromium.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce"
    )
    with context:
        page = context.new_page()
        cookie = {"name": "headway_columns", "value": ALL.replace(" ", "."), "url": server.url}
        context.add_cookies([cookie])
        live(page, server)
        for menu in ("headway-columns", "headway-saved"):
            page.locator(f"{menu} summary").click()
            assert page.evaluate("() => document.documentElement.scrollWidth") <= width
            assert axe.violations(page) == []
            page.keyboard.press("Escape")
        name = page.locator(f"{FIRST_ROW} >> .c-name").bounding_box()
        assert name
        assert name["width"] >= 160


def test_address_keeps_the_place_and_going_back_returns_to_it(page: Page, server: Server) -> None:
    server.tell(upsert=[task(number) for number in range(450)])
    live(page, server)
    page.locator(FIRST_ROW).hover()
    scroll_to(page, "task-0200")
    expect(page).to_have_url(re.compile("#at="))
    # The address is written at most twice in a second: what it tells last is where one stays.
    page.wait_for_timeout(900)
    before = page.evaluate(FIRST_IN_VIEW)
    assert before < "task-0300"
    server.tell(upsert=[task(number) for number in range(450, 470)])
    page.evaluate("() => location.assign('/workers/')")
    expect(page).to_have_url(f"{server.url}/workers/")
    page.go_back()
    expect(page.locator(f'tr[data-id="{before}"]')).to_be_visible()
    wait_until(lambda: page.evaluate(FIRST_IN_VIEW) == before, what=f"{before} is on top")


def test_place_that_lies_too_deep_is_shown_as_a_page_of_older_tasks(
    page: Page, server: Server
) -> None:
    server.tell(upsert=[task(number) for number in range(30)])
    page.goto(f"{server.url}/tasks/#at=WzEwLjAsInRhc2stMDAwMCJd")
    expect(page).to_have_url(f"{server.url}/tasks/?after=WzEwLjAsInRhc2stMDAwMCJd")


def test_address_of_the_top_names_no_place(page: Page, server: Server) -> None:
    server.tell(upsert=[task(number) for number in range(100)])
    live(page, server)
    page.locator(FIRST_ROW).hover()
    page.evaluate("() => scrollTo(0, 1500)")
    expect(page).to_have_url(re.compile("#at="))
    page.evaluate("() => scrollTo(0, 0)")
    expect(page).not_to_have_url(re.compile("#at="))


def test_nothing_moves_under_a_selection_while_tasks_stream_in(page: Page, server: Server) -> None:
    server.tell(upsert=[task(number) for number in range(100)])
    live(page, server)
    look_away(page)
    for key in ("j", "j", "x"):
        page.keyboard.press(key)
    where = "() => document.querySelector('tr[aria-selected=true]').getBoundingClientRect().top"
    top = page.evaluate(where)
    for number in range(100, 160):
        server.tell(upsert=[task(number), task(98, status="running", retries=number)])
    expect(page.locator("[data-new]")).to_contain_text("60 new")
    expect(page.locator(SELECTED)).to_have_attribute("data-id", "task-0098")
    expect(page.locator(SELECTED)).to_have_attribute("data-state", "running")
    assert page.evaluate(where) == top
