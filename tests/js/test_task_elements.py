"""The workflow and the last runs of a task's page in a real browser, with the real templates."""

import json
import re
import time
from typing import Any

import pytest
from playwright.sync_api import Browser, FloatRect, Locator, Page, expect

from tests.js.axe import violations
from tests.js.looks import THEMES, WIDTHS
from tests.js.serving import Server
from tests.services.process import wait_until


def task(key: str, parent: str | None = None, **fields: Any) -> dict[str, Any]:
    """A task of the workflow `root` that is over."""
    now = time.time()
    times = {"first_seen_at": now - 60, "started_at": now - 59, "finished_at": now - 50}
    over = {"status": "completed", "conclusion": "succeeded", "runtime": 9.0}
    kin = {"root_id": "root", "parent_id": parent}
    return {"id": key, "name": f"shop.{key}", **kin, **times, **over, **fields}


def waiting(key: str, parent: str, **fields: Any) -> dict[str, Any]:
    open_ = {"status": "queued", "conclusion": None, "runtime": None}
    times = {"started_at": None, "finished_at": None}
    return task(key, parent, **open_, **times, **fields)


def chord() -> list[dict[str, Any]]:
    members = [task(f"part_{n}", "root", group_id="g") for n in range(3)]
    members[1] |= {"conclusion": "failed", "exception": "CardError('declined')"}
    body = waiting("publish", "part_2", group_id="g", first_seen_at=time.time() - 49)
    return [task("root"), *members, body]


def many() -> list[dict[str, Any]]:
    """500 tasks of 20 names, each called by an earlier one."""
    rows = [task("root")]
    for n in range(499):
        parent = "root" if n < 60 else f"task-{n * 7919 % (n - 30)}"
        rows.append(task(f"task-{n}", parent, name=f"shop.name_{n % 20}"))
    return rows


def live(page: Page, server: Server, key: str) -> None:
    page.goto(f"{server.url}/tasks/{key}/")
    expect(page.locator("body")).to_have_attribute("data-conn", "live")


def box(page: Page, key: str) -> Locator:
    return page.locator(f'.hw-graph a[data-key="{key}"]')


def box_of(found: Locator) -> FloatRect:
    box = found.bounding_box()
    assert box
    return box


def place(page: Page, key: str) -> tuple[float, float]:
    found = re.search(r"translate\((\S+) (\S+)\)", box(page, key).get_attribute("transform") or "")
    assert found
    return float(found[1]), float(found[2])


def test_a_chain_grows_while_it_is_watched(page: Page, server: Server) -> None:
    server.tell(upsert=[task("root")])
    live(page, server, "root")
    expect(page.locator("headway-graph")).to_be_hidden()
    server.tell(upsert=[waiting("pack", "root")])
    expect(page.locator("headway-graph")).to_be_visible()
    expect(box(page, "pack")).to_contain_text("Queued")
    server.tell(upsert=[task("pack", "root"), waiting("mail", "pack")])
    expect(box(page, "pack")).to_contain_text("Succeeded")
    expect(page.locator('headway-graph [data-part="count"]')).to_have_text("2 of 3 done")
    assert place(page, "root")[0] < place(page, "pack")[0] < place(page, "mail")[0]
    assert place(page, "root")[1] == place(page, "mail")[1]


def test_a_workflow_that_grows_deep_takes_the_width_of_the_page(page: Page, server: Server) -> None:
    server.tell(upsert=[task("root"), task("pack", "root")])
    live(page, server, "root")
    graph, story = page.locator("headway-graph"), page.locator('[data-panel="story"]')
    beside, told = box_of(graph), box_of(story)
    assert beside["x"] > told["x"] + told["width"]
    server.tell(upsert=[waiting("mail", "pack")])
    expect(box(page, "mail")).to_be_visible()
    above = box_of(graph)
    assert above["width"] > 2 * beside["width"]
    assert above["y"] + above["height"] <= box_of(story)["y"]


def test_a_group_stands_in_one_column_and_the_page_s_task_is_marked(
    page: Page, server: Server
) -> None:
    server.tell(upsert=[task("root"), *(task(f"part_{n}", "root", group_id="g") for n in range(4))])
    live(page, server, "part_2")
    assert len({place(page, f"part_{n}")[0] for n in range(4)}) == 1
    expect(page.locator('.hw-graph a[aria-current="true"]')).to_have_attribute("data-key", "part_2")
    expect(box(page, "part_2")).to_contain_text("this task")


def test_the_body_of_a_chord_follows_all_of_it(page: Page, server: Server) -> None:
    server.tell(upsert=chord())
    live(page, server, "part_1")
    assert place(page, "publish")[0] > place(page, "part_2")[0]
    expect(page.locator(".hw-graph .edge.bad")).to_have_count(1)
    expect(page.locator(".hw-graph .edge.wait")).to_have_count(2)
    expect(box(page, "part_1")).to_have_attribute("data-state", "failed")
    expect(box(page, "part_1")).to_have_accessible_name("shop.part_1, Failed, this task")


def test_nested_groups_stand_inside_each_other(page: Page, server: Server) -> None:
    inner = [task(f"in_{n}", "part_0", group_id="h") for n in range(2)]
    server.tell(upsert=[*chord(), *inner])
    live(page, server, "in_1")
    columns = [place(page, key)[0] for key in ("root", "part_0", "in_0", "publish")]
    assert columns == sorted(columns)
    assert len(set(columns)) == 4


def test_five_hundred_tasks_are_drawn_at_once_and_stay_few_boxes(
    page: Page, server: Server
) -> None:
    rows = many()
    server.tell(upsert=rows)
    live(page, server, "task-100")
    expect(page.locator('headway-graph [data-part="count"]')).to_have_text("500 of 500 done")
    assert page.locator(".hw-graph a").count() < 100
    nodes = json.loads(page.locator("#headway-workflow").text_content() or "")["nodes"]
    assert len(nodes) == 500
    expect(page.locator('.hw-graph a[aria-current="true"]')).to_be_in_viewport()


def test_many_of_one_name_are_one_box_that_opens_their_list(page: Page, server: Server) -> None:
    parts = [task(f"part_{n}", "root", name="shop.resize", group_id="g") for n in range(40)]
    parts[7]["conclusion"] = "failed"
    server.tell(upsert=[task("root"), *parts])
    live(page, server, "root")
    expect(page.locator(".hw-graph a")).to_have_count(2)
    pile = page.locator(".hw-graph a").nth(1)
    expect(pile).to_contain_text("40 × resize")
    expect(pile).to_have_accessible_name("40 × shop.resize, 1 Failed, 39 Succeeded")
    pile.click()
    page.wait_for_url(re.compile(r"/tasks/\?query=group%3Ag%20name%3Ashop.resize$"))


def test_arrows_lead_through_the_workflow_and_enter_opens(page: Page, server: Server) -> None:
    server.tell(upsert=chord())
    live(page, server, "part_1")
    box(page, "part_1").focus()
    for arrow, key in (
        ("ArrowDown", "part_2"),
        ("ArrowRight", "publish"),
        ("Home", "root"),
        ("ArrowRight", "part_1"),
        ("ArrowUp", "part_0"),
    ):
        page.keyboard.press(arrow)
        expect(box(page, key)).to_be_focused()
    assert page.locator('.hw-graph a[tabindex="0"]').count() == 1
    page.keyboard.press("Enter")
    page.wait_for_url(f"{server.url}/tasks/part_0/")


def test_nothing_changes_places_under_the_pointer(page: Page, server: Server) -> None:
    server.tell(upsert=[task("root"), waiting("pack", "root")])
    live(page, server, "root")
    box(page, "pack").hover()
    server.tell(upsert=[waiting("bill", "root"), task("pack", "root")])
    expect(box(page, "pack")).to_contain_text("Succeeded")
    expect(box(page, "bill")).to_have_count(0)
    page.mouse.move(2, 2)
    expect(box(page, "bill")).to_be_visible()


def test_the_list_says_the_same_and_is_kept_up_to_date(page: Page, server: Server) -> None:
    server.tell(upsert=chord())
    live(page, server, "part_1")
    lines = page.locator("#workflow-list li")
    expect(lines.first).to_be_hidden()
    page.get_by_role("button", name="As a list").click()
    expect(lines).to_have_count(5)
    expect(page.locator(".hw-graph")).to_be_hidden()
    server.tell(upsert=[task("publish", "part_2"), waiting("mail", "publish")])
    expect(lines.filter(has_text="publish").first).to_contain_text("Succeeded")
    expect(lines.last).to_contain_text("mail")


def test_without_a_script_the_workflow_is_a_list(chromium: Browser, server: Server) -> None:
    server.tell(upsert=chord())
    with chromium.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{server.url}/tasks/part_1/")
        expect(page.locator("#workflow-list li:visible")).to_have_count(5)
        expect(page.get_by_role("button", name="As a list")).to_be_hidden()
        page.locator("#workflow-list").get_by_role("link", name="publish").click()
        expect(page.locator("h1")).to_have_text("shop.publish")


def runs() -> list[dict[str, Any]]:
    rows = [
        task(f"run-{n}", name="shop.pay", root_id=None, runtime=1.0 + n % 7, first_seen_at=1000 + n)
        for n in range(70)
    ]
    rows[65]["conclusion"] = "failed"
    return rows


def test_the_last_runs_are_read_out_and_lead_to_their_tasks(page: Page, server: Server) -> None:
    server.tell(upsert=runs())
    live(page, server, "run-68")
    bars = page.locator(".hw-hist a")
    expect(bars).to_have_count(60)
    tip = page.locator('#runs [data-part="tip"]')
    expect(page.locator('.hw-hist a[aria-current="true"]')).to_have_attribute(
        "href", "/tasks/run-68/"
    )
    bars.nth(55).hover()
    expect(tip).to_contain_text("Failed · 3.00 s".replace("0 s", "0\u00a0s"))
    page.mouse.move(2, 2)
    expect(tip).to_be_hidden()
    bars.last.focus()
    for _ in range(4):
        page.keyboard.press("ArrowLeft")
    expect(tip).to_contain_text("Failed")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{server.url}/tasks/run-65/")


def test_a_task_is_copied_as_json_and_as_a_call(chromium: Browser, server: Server) -> None:
    server.tell(upsert=[task("root", args=[1, None], kwargs={"to": "a 'b'"})])
    with chromium.new_context(permissions=["clipboard-read", "clipboard-write"]) as context:
        page = context.new_page()
        page.route("**/api/v1/tasks/root", lambda route: route.fulfill(json={"id": "root"}))
        live(page, server, "root")
        page.get_by_role("button", name="Copy as a call").click()
        expect(page.locator("[data-announce]")).to_have_text("Copied")
        clipboard = "() => navigator.clipboard.readText()"
        call = "app.send_task('shop.root', args=[1, None], kwargs={'to': \"a 'b'\"})"
        assert page.evaluate(clipboard) == call
        page.get_by_role("button", name="Copy as JSON").click()
        wait_until(lambda: page.evaluate(clipboard) == '{\n  "id": "root"\n}', what="it is copied")


@pytest.mark.parametrize("theme", THEMES)
def test_no_rule_of_accessibility_is_broken(chromium: Browser, server: Server, theme: Any) -> None:
    server.tell(upsert=[*chord(), *runs(), task("part_9", "root", name="shop.pay")])
    with chromium.new_context(color_scheme=theme, reduced_motion="reduce") as context:
        page = context.new_page()
        live(page, server, "part_9")
        expect(page.locator(".hw-graph")).to_be_visible()
        assert violations(page) == []
        page.get_by_role("button", name="As a list").click()
        assert violations(page) == []


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_scrolls_sideways(chromium: Browser, server: Server, width: int) -> None:
    long = "a-name-without-any-blank-" * 8
    rows = [*many(), *(task(f"l{n}", "root", name=f"shop.{long}{n}") for n in range(3)), *runs()]
    server.tell(upsert=rows)
    with chromium.new_context(viewport={"width": width, "height": 900}) as context:
        page = context.new_page()
        live(page, server, "task-100")
        expect(page.locator(".hw-graph")).to_be_visible()
        assert page.evaluate("() => document.documentElement.scrollWidth") == width
        page.get_by_role("button", name="As a list").click()
        assert page.evaluate("() => document.documentElement.scrollWidth") == width
