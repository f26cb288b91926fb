"""Every control of every page is reached by keyboard alone, in a sensible order, is seen while it
has the focus, and lets it go again."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.js import keyboard, told_rows
from tests.js.serving import Server
from tests.js.test_actions_elements import OPERATION
from tests.js.test_failures_elements import groups
from tests.js.test_failures_elements import tasks as failed_tasks
from tests.js.test_task_elements import chord, runs
from tests.js.told import shop

CAN = (*told_rows.CAN, "revoke_task", "change_failure")
COUNTED = {
    "count": 3, "is_over_limit": False, "limit": 1000,
    "by": {"failed": 3}, "names": [["shop.pay", 3]],
}  # fmt: skip
SMALL = 360

Opening = Callable[[Page], None]


def nothing(page: Page) -> None:
    """The page as it opens."""


def press(*keys: str) -> Opening:
    def press_(page: Page) -> None:
        for key in keys:
            page.keyboard.press(key)

    return press_


def unfold(selector: str) -> Opening:
    """Open these by the keyboard."""

    def open_(page: Page) -> None:
        for summary in page.locator(selector).all():
            summary.focus()
            page.keyboard.press("Enter")

    return open_


def muting(page: Page) -> None:
    """The key goes to the first answer; Shift and Tab to what opened them."""
    press("j", "m")(page)
    expect(page.get_by_role("button", name="for 1 hour")).to_be_focused()
    press("Shift+Tab")(page)


def updated(page: Page) -> None:
    """A newer version is told of in a bar at the bottom."""
    page.evaluate("() => { document.querySelector('[data-notice]').hidden = false; }")


def found(page: Page) -> None:
    press("/")(page)
    page.keyboard.type("colour:red")
    expect(page.locator("[data-fault]")).to_be_visible()
    press("Escape")(page)


TOLD = ("workers/", "queues/", "schedule/", "audit/")
PAGES: dict[str, tuple[str, Opening]] = {
    "overview": ("", nothing),
    "overview, all unfolded": ("", unfold("main summary:visible")),
    "tasks": ("tasks/?query=name%3A*place", nothing),
    "tasks that are selected": ("tasks/?query=name%3A*place", press("j", "x", "j", "x")),
    "tasks with a fault": ("tasks/?query=name%3A*place", found),
    "tasks that are older": ("tasks/?query=name%3A*place&after=4", nothing),
    "no task": ("tasks/?query=queue%3Anone", nothing),
    "task": ("tasks/part_9/", nothing),
    "task, all unfolded": ("tasks/task-a1/", unfold("main summary:visible")),
    "workflow as a list": ("tasks/part_9/", unfold("[data-part=toggle]")),
    "unknown task": ("tasks/nobody/", nothing),
    "failures": ("failures/", nothing),
    "group of failures": ("failures/a1/", nothing),
    **{name.strip("/"): (name, nothing) for name in TOLD},
    "audit with a filter": ("audit/?action=retry", nothing),
    "notice": ("failures/", updated),
}
POPOVERS = {
    "columns": ("tasks/", unfold("headway-columns summary"), "headway-columns details"),
    "saved queries": ("tasks/", unfold("headway-saved summary"), "headway-saved details"),
    "menu": ("workers/", unfold(".hw-menu summary"), "details.hw-menu"),
    "badge": ("workers/", unfold("headway-badge summary"), "headway-badge details"),
    "muting": ("failures/", muting, "[data-mute]"),
}
DIALOGS: dict[str, tuple[str, Opening]] = {
    "keys": ("tasks/?query=name%3A*place", press("?")),
    "revoking": ("tasks/?query=name%3A*place", press("j", "v")),
    "retrying many": ("tasks/?query=name%3A*place", press("j", "x", "j", "x", "r")),
}
QUICK = {("tasks that are selected", SMALL)}


@pytest.fixture
def everything(server: Server) -> Server:
    """A shop in which everything that a page can show is there, for one who may do all of it."""
    now = time.time()
    front = shop(now)
    kinds = told_rows.told(now)
    workers = kinds.pop("workers")
    listed = [
        {
            "id": f"t{n}",
            "name": "shop.orders.place",
            "first_seen_at": now - 1000 + n,
            "owner": "ines",
        }
        for n in range(12)
    ]
    failed = {"status": "completed", "conclusion": "failed", "state": "FAILURE"}
    listed[-1] |= {**failed, "exception": "CardError('declined')"}
    server.tell(
        can=CAN,
        told={**kinds, "overview": [front["row"]], "failures": groups(now)},
        workers=workers,
        held={"web-1@fra-01": {"active": 1, "reserved": 4, "scheduled": 2}},
        saved=[{"id": n, "name": f"Mails {n}", "query": "queue:mail"} for n in range(2)],
        api={"tasks/count": {"body": COUNTED}, "operations": {"body": OPERATION}},
    )
    part = {"args": [1], "kwargs": {"to": "x"}, **failed, "exception": "CardError('declined')"}
    server.tell(
        upsert=[
            *chord(), *runs(), *failed_tasks(now), *listed,
            {**chord()[1], "id": "part_9", "name": "shop.pay", **part},
        ]
    )  # fmt: skip
    return server


def each(names: Any) -> list[Any]:
    """Every page at both widths; a few of them are looked at in every run."""
    return [
        pytest.param(
            name,
            width,
            id=f"{name}-{width}",
            marks=[] if (name, width) in QUICK else pytest.mark.looks,
        )
        for name in names
        for width in (1280, SMALL)
    ]


def opened(chromium: Browser, width: int, address: str) -> Page:
    viewport: Any = {"width": width, "height": 800}
    page = chromium.new_context(viewport=viewport, reduced_motion="reduce").new_page()
    page.goto(address)
    expect(page.locator("body")).to_have_attribute("data-conn", "live")
    return page


@pytest.mark.parametrize(("name", "width"), each(PAGES))
def test_every_control_of_a_page_is_reached_seen_and_left(
    chromium: Browser, everything: Server, name: str, width: int
) -> None:
    address, prepare = PAGES[name]
    page = opened(chromium, width, f"{everything.url}/{address}")
    with page.context:
        prepare(page)
        done = keyboard.walk(page)
        assert "\n".join(done.faults) == ""
        assert len(done.stops) > 8
        assert keyboard.silent_listeners(page) == []


@pytest.mark.parametrize(("name", "width"), each(POPOVERS))
def test_what_opens_over_a_page_is_gone_through_and_lies_over_nothing_then(
    chromium: Browser, everything: Server, name: str, width: int
) -> None:
    address, prepare, popover = POPOVERS[name]
    page = opened(chromium, width, f"{everything.url}/{address}")
    with page.context:
        prepare(page)
        expect(page.locator(popover)).to_have_attribute("open", "")
        assert "\n".join(keyboard.walk(page, part=popover).faults) == ""
        expect(page.locator(popover)).not_to_have_attribute("open", "")
        page.locator(popover).locator("summary").focus()
        page.keyboard.press("Enter")
        if name != "badge":  # there is nothing in it to go to
            page.keyboard.press("Tab")
        page.keyboard.press("Escape")
        expect(page.locator(popover)).not_to_have_attribute("open", "")
        expect(page.locator(popover).locator("summary")).to_be_focused()


@pytest.mark.parametrize(("name", "width"), each(DIALOGS))
def test_a_dialog_keeps_the_keys_and_gives_the_focus_back(
    chromium: Browser, everything: Server, name: str, width: int
) -> None:
    address, prepare = DIALOGS[name]
    page = opened(chromium, width, f"{everything.url}/{address}")
    with page.context:
        prepare(page)
        expect(page.locator("dialog:modal")).to_be_visible()
        assert page.evaluate("() => document.activeElement.closest('dialog') !== null")
        done = keyboard.walk(page, is_dialog=True)
        assert "\n".join(done.faults) == ""
        page.keyboard.press("Escape")
        expect(page.locator("dialog:modal")).to_have_count(0)
        back = "body" if name == "keys" else "tbody a"
        page.wait_for_function("back => document.activeElement.matches(back)", arg=back)
