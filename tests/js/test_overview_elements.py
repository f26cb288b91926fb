"""The overview and its chart in a real browser, with the real templates."""

import re
import time
from typing import Any

import pytest
from playwright.sync_api import Browser, FloatRect, Page, expect

from tests.js.axe import violations
from tests.js.looks import THEMES, WIDTHS
from tests.js.serving import Server
from tests.js.told import shop
from tests.services.browser import browsing
from tests.services.process import wait_until

PLOT = '[data-part="plot"]'
TIP = '[data-part="tip"]'
TEXTS = """() => {
  const main = document.querySelector("main").cloneNode(true);
  for (const element of main.querySelectorAll("headway-chart, template")) element.remove();
  for (const time of main.querySelectorAll("time[data-age]")) time.textContent = "";
  return main.innerHTML;
}"""


def tell_shop(server: Server, **fields: Any) -> dict[str, Any]:
    """The shop in trouble, with some fields of its overview changed."""
    told = shop(time.time())
    row: dict[str, Any] = {**told["row"], **fields}
    server.tell(told={"overview": [row]}, workers=told["workers"])
    return row


def overview(page: Page, server: Server, address: str = "/") -> None:
    page.goto(server.url + address)
    expect(page.locator("body")).to_have_attribute("data-conn", "live")
    expect(page.locator(".uplot")).to_be_visible()


def tile(page: Page, name: str) -> Any:
    return page.locator(f'[data-tile="{name}"] .v a')


def plot_box(page: Page) -> FloatRect:
    box = page.locator(".u-over").bounding_box()
    assert box
    return box


def point_at(page: Page, share: float, height: float = 0.2) -> None:
    box = plot_box(page)
    page.mouse.move(box["x"] + 2, box["y"] + 2)
    page.mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] * height)


def test_what_is_wrong_is_told_in_words_and_comes_and_goes(page: Page, server: Server) -> None:
    row = tell_shop(server, problems=[])
    overview(page, server)
    expect(page.locator(".hw-problems")).to_be_hidden()
    problem = {"kind": "queue_unattended", "subject": "mail", "title": "mail", "value": 3}
    tell_shop(server, problems=[{**problem, "since_at": row["oldest_queued_at"]}])
    banner = page.locator(".hw-problems li")
    expect(banner).to_contain_text("mail has no workers. 3 tasks wait, the oldest for 51m")
    expect(banner.get_by_role("link")).to_have_attribute(
        "href", "/tasks/?query=queue%3Amail%20status%3Aqueued"
    )
    expect(page.locator("[data-announce]")).to_have_text("mail has no workers.")
    tell_shop(server, problems=[])
    expect(page.locator(".hw-problems")).to_be_hidden()


def test_more_problems_than_three_wait_behind_a_line(page: Page, server: Server) -> None:
    row = tell_shop(server)
    overview(page, server)
    expect(page.locator(".hw-problems li:visible")).to_have_count(3)
    page.get_by_text("4 more to look at").click()
    expect(page.locator(".hw-problems li:visible")).to_have_count(len(row["problems"]))


def test_a_new_problem_pushes_nothing_down_while_the_pointer_moves(
    page: Page, server: Server
) -> None:
    tell_shop(server, problems=[])
    overview(page, server)
    tile(page, "running").hover()
    row = tell_shop(server, running=42)
    expect(tile(page, "running")).to_have_text("42")
    expect(page.locator(".hw-problems")).to_be_hidden()
    expect(page.locator(".hw-problems")).to_be_visible(timeout=5000)
    assert len(row["problems"]) == page.locator(".hw-problems li").count()


def test_figures_change_in_place(page: Page, server: Server) -> None:
    row = tell_shop(server)
    overview(page, server)
    expect(tile(page, "queued")).to_have_text("1,482")
    queues = [{**queue, "depth": 9} for queue in row["queues"] if queue["name"] != "mail"]
    tell_shop(server, queued=7, retrying=0, queues=queues, failures=row["failures"][1:])
    expect(tile(page, "queued")).to_have_text("7")
    expect(page.locator(".hw-beside")).to_have_text(["23 Scheduled"])
    expect(page.locator(".hw-qmini tbody tr").first).to_contain_text("a queue, odd")
    expect(page.locator(".hw-fail").first).to_contain_text("CardError")
    expect(page.locator(".hw-fail")).to_have_count(5)


def test_the_script_paints_what_the_server_wrote(chromium: Browser, server: Server) -> None:
    row = tell_shop(server)
    with browsing(chromium, java_script_enabled=False) as still:
        page = still.new_page()
        page.goto(server.url)
        written = page.evaluate(TEXTS)
    with browsing(chromium, timezone_id="UTC") as live:
        page = live.new_page()
        overview(page, server)
        server.tell(told={"overview": [{**row, "queued": 1483}]})
        expect(tile(page, "queued")).to_have_text("1,483")
        assert page.evaluate(TEXTS) == written.replace("1,482", "1,483")


def test_every_time_of_a_page_is_in_the_zone_of_the_viewer(
    chromium: Browser, server: Server
) -> None:
    tell_shop(server)
    with browsing(chromium, timezone_id="Asia/Kolkata") as context:
        page = context.new_page()
        page.route_web_socket(re.compile("."), lambda socket: None)
        page.goto(server.url)
        titles = page.locator("time[data-age]").evaluate_all("all => all.map(time => time.title)")
        assert len(titles) > 5
        assert [title for title in titles if "UTC+5:30" not in title] == []


def test_workers_that_fall_silent_come_first(page: Page, server: Server) -> None:
    tell_shop(server)
    overview(page, server)
    cells = page.locator(".hw-wstrip li")
    expect(cells.first).to_contain_text("media-3@fra-03")
    workers = shop(time.time())["workers"]
    server.tell(workers=[{**workers[0], "state": "silent"}])
    expect(page.locator('[data-part="fleet"]')).to_contain_text("9 online")
    expect(page.locator('[data-part="fleet"]')).to_contain_text("2 silent")
    expect(cells.nth(1)).to_contain_text("web-1")


def test_values_are_read_under_the_crosshair_and_a_click_opens_their_tasks(
    page: Page, server: Server
) -> None:
    row = tell_shop(server)
    overview(page, server)
    point_at(page, 30.5 / 60)
    finished = row["series"][30][1]
    expect(page.locator(TIP)).to_contain_text(f"{finished} finished")
    page.mouse.down()
    page.mouse.up()
    page.wait_for_url(re.compile(r"/tasks/\?query=since%3A[\dT%A-]+%20until%3A[\dT%A-]+$"))


def test_the_lane_of_failures_opens_what_failed(page: Page, server: Server) -> None:
    tell_shop(server)
    overview(page, server)
    point_at(page, 0.6, 0.95)
    page.mouse.down()
    page.mouse.up()
    page.wait_for_url(re.compile(r"/tasks/\?query=conclusion%3Afailed%20since%3A"))


def test_the_crosshair_stays_while_the_figures_change(page: Page, server: Server) -> None:
    row = tell_shop(server)
    overview(page, server)
    point_at(page, 0.5)
    expect(page.locator(TIP)).to_be_visible()
    series = [[at, 777, failed, started] for at, _, failed, started in row["series"]]
    tell_shop(server, series=series)
    expect(page.locator(TIP)).to_contain_text("777 finished")


def test_a_drag_zooms_in_the_address_and_escape_goes_back(page: Page, server: Server) -> None:
    tell_shop(server)
    overview(page, server)
    box = plot_box(page)
    point_at(page, 0.25)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 40, steps=4)
    page.mouse.up()
    page.wait_for_url(re.compile(r"\?from=\d+&until=\d+$"))
    expect(page.get_by_role("link", name="Reset zoom")).to_be_visible()
    page.reload()
    expect(page.get_by_role("link", name="Reset zoom")).to_be_visible()
    page.locator(PLOT).focus()
    page.keyboard.press("Escape")
    expect(page).to_have_url(f"{server.url}/")
    expect(page.get_by_role("link", name="Reset zoom")).to_be_hidden()
    page.go_back()
    expect(page.get_by_role("link", name="Reset zoom")).to_be_visible()


def test_a_double_click_shows_the_whole_range(page: Page, server: Server) -> None:
    tell_shop(server)
    until = int(time.time()) // 60 * 60
    overview(page, server, f"/?from={until - 1800}&until={until}")
    box = plot_box(page)
    page.mouse.dblclick(box["x"] + 200, box["y"] + 40)
    expect(page).to_have_url(f"{server.url}/")


def test_the_chart_is_worked_by_keys_alone(page: Page, server: Server) -> None:
    tell_shop(server)
    overview(page, server)
    page.locator(PLOT).focus()
    for key in ("End", "ArrowLeft", "Shift+PageUp"):
        page.keyboard.press(key)
    expect(page.locator("[data-announce]")).to_contain_text("finished")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"\?from=\d+&until=\d+$"))
    expect(page.get_by_role("link", name="Reset zoom")).to_be_visible()
    page.keyboard.press("Home")
    page.keyboard.press("Shift+Enter")
    page.wait_for_url(re.compile(r"\?query=conclusion%3Afailed"))


def test_another_range_comes_without_leaving_the_page(page: Page, server: Server) -> None:
    tell_shop(server)
    overview(page, server)
    page.evaluate("() => { window.isSamePage = true }")
    page.get_by_role("link", name="6h").click()
    expect(page.locator("#h-chart")).to_have_text("Finished and failed per 5 minutes")
    expect(page.get_by_role("link", name="6h")).to_have_attribute("aria-current", "true")
    assert page.url == f"{server.url}/?range=6h"
    page.go_back()
    expect(page.locator("#h-chart")).to_have_text("Finished and failed per minute")
    assert page.evaluate("() => window.isSamePage")


def test_the_table_tells_the_figures_of_the_chart(page: Page, server: Server) -> None:
    row = tell_shop(server)
    overview(page, server)
    page.get_by_text("Show as a table").click()
    rows = page.locator('[data-part="table"] tr')
    expect(rows).to_have_count(60)
    expect(rows.nth(1)).to_contain_text(str(row["series"][-2][1]))
    tell_shop(server, series=[[at, 0, 5, 0] for at, *_ in row["series"]])
    expect(rows.nth(1).locator('[data-field="failed"]')).to_have_text("5")


def test_an_interruption_of_the_stream_is_marked(page: Page, server: Server) -> None:
    tell_shop(server)
    overview(page, server)
    expect(page.locator('[data-legend="gap"]')).to_be_hidden()
    now = time.time()
    gap = {"from_at": now - 600, "until_at": now - 300, "reason": "", "repaired": 2}
    server.tell(stream={"gap": gap})
    expect(page.locator('[data-legend="gap"]')).to_be_visible()
    page.get_by_text("Show as a table").click()
    expect(page.locator('[data-part="table"]').get_by_text("blind").first).to_be_visible()


def test_a_page_that_is_cut_off_says_as_of_when(page: Page, server: Server) -> None:
    tell_shop(server)
    overview(page, server)
    server.tell(refuse=2, drop=4000)
    stamp = page.locator('[data-part="asof"]')
    expect(stamp).to_have_text(re.compile(r"^as of \d\d:\d\d:\d\d$"))
    expect(stamp).to_be_visible()
    tell_shop(server, queued=9)
    expect(tile(page, "queued")).to_have_text("9", timeout=15_000)
    expect(stamp).to_be_hidden()


def test_colours_follow_the_theme(page: Page, server: Server) -> None:
    tell_shop(server)
    overview(page, server)
    pixels = "() => document.querySelector('.uplot canvas').toDataURL()"
    light = page.evaluate(pixels)
    page.locator("[data-theme-toggle]").click()
    wait_until(lambda: page.evaluate(pixels) != light, what="the chart is drawn in dark")


def test_the_first_task_replaces_the_first_run(page: Page, server: Server) -> None:
    nothing = dict.fromkeys(
        ("queued", "scheduled", "reserved", "running", "retrying", "stalled"), 0
    )
    fields = {"finished_last_hour": 0, "problems": [], **nothing}
    tell_shop(server, **fields)
    page.goto(server.url)
    expect(page.locator("h2")).to_have_text(["Waiting for the first event", "Keyboard"])
    expect(page.locator("body")).to_have_attribute("data-conn", "live")
    server.tell(upsert=[{"id": "task-1", "status": "running"}])
    tell_shop(server, **{**fields, "running": 1})
    expect(tile(page, "running")).to_have_text("1")


def test_a_restricted_viewer_gets_a_sentence_in_place_of_others_figures(
    page: Page, server: Server
) -> None:
    row = tell_shop(server)
    own = {"id", "queued", "running", "failed_last_hour", "finished_last_minute", "problems"}
    server.tell(told={"overview": [{key: row[key] for key in own}]}, can=["view_task"])
    page.goto(server.url)
    expect(page.locator("main")).to_contain_text("Your account sees only some of them")
    expect(tile(page, "failed")).to_have_text("137")
    assert page.locator("main .hw-panel").count() == 0
    assert violations(page) == []


def test_without_a_script_there_are_figures_and_a_table(chromium: Browser, server: Server) -> None:
    tell_shop(server)
    with chromium.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{server.url}/?range=1h")
        expect(page.locator(".hw-chart .first").first).to_be_visible()
        page.get_by_text("Show as a table").click()
        expect(page.locator('[data-part="table"] tr')).to_have_count(60)
        expect(page.locator(".hw-banner:visible")).to_have_count(3)


@pytest.mark.parametrize("theme", THEMES)
def test_no_rule_of_accessibility_is_broken(chromium: Browser, server: Server, theme: Any) -> None:
    tell_shop(server)
    with chromium.new_context(color_scheme=theme, reduced_motion="reduce") as context:
        page = context.new_page()
        overview(page, server)
        page.get_by_text("4 more to look at").click()
        page.get_by_text("Show as a table").click()
        assert violations(page) == []


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_scrolls_sideways(chromium: Browser, server: Server, width: int) -> None:
    row = tell_shop(server)
    long = "extremely-long-name-of-something-without-any-blank" * 3
    problems = [{**problem, "title": long} for problem in row["problems"]]
    queues = [{**queue, "name": f"{long}{n}"} for n, queue in enumerate(row["queues"])]
    names = [{**each, "name": f"{long}.{n}"} for n, each in enumerate(row["names"])]
    failures = [{**each, "type": long, "frame": long} for each in row["failures"]]
    with chromium.new_context(viewport={"width": width, "height": 900}) as context:
        page = context.new_page()
        tell_shop(server, problems=problems, queues=queues, names=names, failures=failures)
        overview(page, server)
        assert page.evaluate("() => document.documentElement.scrollWidth") == width


def test_keys_lead_to_the_pages_there_are(page: Page, server: Server) -> None:
    tell_shop(server)
    overview(page, server)
    page.keyboard.press("g")
    page.keyboard.press("t")
    page.wait_for_url(f"{server.url}/tasks/")
    expect(page.locator("body")).to_have_attribute("data-conn", "live")
    page.keyboard.press("g")
    page.keyboard.press("o")
    page.wait_for_url(f"{server.url}/")
    expect(page.locator('nav a[aria-current="page"]')).to_have_text("Overview")
