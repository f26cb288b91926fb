"""The elements of static/headway in a real browser, with the real templates, on a server that does
what it is told."""

import itertools
import time
from typing import Any

from playwright.sync_api import Browser, Dialog, Page, expect

from tests.js.serving import Server
from tests.services.process import wait_until

FIRST_ROW = "tbody tr[data-id] >> nth=0"
COUNT_NODES = "() => document.querySelectorAll('*').length"
SELECTED = 'tr[aria-selected="true"]'


def task(number: int, **fields: Any) -> dict[str, Any]:
    seen = {"first_seen_at": 1_795_000_000 + number, "name": f"shop.orders.step_{number}"}
    return {"id": f"task-{number:04d}", **seen, **fields}


def live(page: Page, server: Server, path: str = "/tasks/") -> None:
    page.goto(server.url + path)
    expect(page.locator("headway-badge summary")).to_contain_text("38")
    expect(page.locator("body")).to_have_attribute("data-conn", "live")


def look_away(page: Page) -> None:
    page.mouse.move(640, 2)


def test_new_task_comes_in_at_the_top_and_changes_in_place(page: Page, server: Server) -> None:
    server.tell(upsert=[task(1)])
    live(page, server)
    server.tell(upsert=[task(2)])
    expect(page.locator(FIRST_ROW)).to_have_attribute("data-id", "task-0002")
    over = {"status": "completed", "conclusion": "failed", "exception": "CardError('declined')"}
    server.tell(upsert=[task(2, **over)])
    expect(page.locator(FIRST_ROW)).to_contain_text("CardError declined")
    expect(page.locator(FIRST_ROW)).to_have_attribute("data-state", "failed")
    expect(page.locator('a[data-tab="failed"] b')).to_have_text("1")


def test_first_task_replaces_the_empty_page(page: Page, server: Server) -> None:
    live(page, server)
    expect(page.locator("[data-empty]")).to_be_visible()
    server.tell(upsert=[task(1)])
    expect(page.locator(FIRST_ROW)).to_be_visible()
    expect(page.locator("[data-empty]")).to_be_hidden()


def test_nothing_moves_under_the_pointer_until_it_leaves(page: Page, server: Server) -> None:
    server.tell(upsert=[task(1), task(2)])
    live(page, server)
    page.locator(FIRST_ROW).hover()
    server.tell(upsert=[task(3), task(2, status="running")])
    expect(page.locator("[data-new]")).to_contain_text("1 new")
    expect(page.locator(FIRST_ROW)).to_have_attribute("data-id", "task-0002")
    expect(page.locator(FIRST_ROW)).to_have_attribute("data-state", "running")
    look_away(page)
    expect(page.locator(FIRST_ROW)).to_have_attribute("data-id", "task-0003")
    expect(page.locator("[data-new]")).to_be_hidden()


def test_selection_holds_the_list_and_dot_shows_what_is_new(page: Page, server: Server) -> None:
    server.tell(upsert=[task(number) for number in range(5)])
    live(page, server)
    look_away(page)
    for key in ("j", "x", "j", "j", "X"):
        page.keyboard.press(key)
    expect(page.locator(SELECTED)).to_have_count(3)
    expect(page.locator("[data-bulk]")).to_contain_text("3 selected")
    server.tell(upsert=[task(9)])
    expect(page.locator("[data-bulk]")).to_contain_text("1 waiting")
    expect(page.locator(FIRST_ROW)).to_have_attribute("data-id", "task-0004")
    page.keyboard.press(".")
    expect(page.locator(FIRST_ROW)).to_have_attribute("data-id", "task-0009")
    page.keyboard.press("Escape")
    expect(page.locator(SELECTED)).to_have_count(0)


def test_row_that_left_the_filter_stays_and_stays_true(page: Page, server: Server) -> None:
    server.tell(upsert=[task(1, status="running"), task(2, status="running")])
    live(page, server, "/tasks/?query=status%3Arunning")
    server.tell(upsert=[task(1, status="completed", conclusion="succeeded")])
    row = page.locator('tr[data-id="task-0001"]')
    expect(row).to_have_attribute("data-state", "succeeded")
    page.keyboard.press(".")
    expect(row).to_have_count(0)


def test_rows_that_come_and_go_by_the_hundred_take_each_others_place(
    page: Page, server: Server
) -> None:
    server.tell(upsert=[task(number) for number in range(100)])
    live(page, server)
    look_away(page)
    page.keyboard.press("j")
    focused = page.locator("a:focus")
    expect(focused).to_have_text("shop.orders.step_99")
    nodes = page.evaluate(COUNT_NODES)
    for first in range(100, 500, 100):
        server.tell(
            upsert=[task(number, queue=f"q{number}") for number in range(first, first + 100)]
        )
        expect(page.locator("[data-new]")).to_be_visible()
        expect(page.locator("[data-new]")).to_contain_text("100 new")
        page.keyboard.press(".")
        newest = page.locator(FIRST_ROW)
        expect(newest).to_have_attribute("data-id", f"task-{first + 99:04d}")
        expect(newest.locator("[data-field=queue]")).to_have_text(f"q{first + 99}")
        expect(newest).to_have_attribute("aria-selected", "false")
        expect(page.locator("tr.cursor")).to_have_count(0)
        expect(focused).to_have_text(f"shop.orders.step_{first + 99}")
    ids = page.locator("tbody tr[data-id]").evaluate_all("rows => rows.map(row => row.dataset.id)")
    assert ids == [f"task-{number:04d}" for number in range(499, 499 - len(ids), -1)]
    assert abs(page.evaluate(COUNT_NODES) - nodes) < nodes / 20


def test_nothing_spins_or_fades_while_everything_changes(page: Page, server: Server) -> None:
    server.tell(upsert=[task(number) for number in range(30)])
    live(page, server)
    busy = page.locator("headway-task-list[data-busy]")
    server.tell(upsert=[task(number, status="running") for number in range(30)])
    expect(busy).to_have_count(1)
    expect(page.locator("tr.fresh")).to_have_count(0)
    expect(busy).to_have_count(0)
    server.tell(upsert=[task(29, status="completed", conclusion="succeeded")])
    expect(page.locator("tr.fresh")).to_have_count(1)
    expect(page.locator("tr.fresh")).to_have_attribute("data-id", "task-0029")


def test_held_rows_stay_true_though_new_ones_never_stop_coming(page: Page, server: Server) -> None:
    server.tell(upsert=[task(number) for number in range(100)])
    live(page, server)
    row = page.locator(FIRST_ROW)
    row.hover()
    expect(row).to_have_attribute("data-id", "task-0099")
    numbers = itertools.count(100)

    def is_followed() -> bool:
        server.tell(upsert=[task(next(numbers))])
        return any("task-0099" in opened.get("ids", ()) for opened in server.heard("open"))

    wait_until(is_followed)
    server.tell(upsert=[task(99, status="running"), task(300)])
    expect(row).to_have_attribute("data-state", "running")
    expect(row).to_have_attribute("data-id", "task-0099")


def test_older_tasks_are_read_as_they_are_scrolled_to(page: Page, server: Server) -> None:
    server.tell(upsert=[task(number) for number in range(450)])
    live(page, server)
    last = page.locator('tr[data-id="task-0000"]')

    def scroll_on() -> bool:
        page.mouse.wheel(0, 4000)
        page.evaluate("() => new Promise(requestAnimationFrame)")
        return last.count() == 1

    page.locator(FIRST_ROW).hover()
    wait_until(scroll_on, what="the oldest row is reached")
    assert page.locator("tbody tr[data-id]").count() < 150
    expect(page.locator("[data-more]")).to_have_text("That is all")
    wait_until(
        lambda: any("task-0000" in message.get("ids", ()) for message in server.heard("open"))
    )
    server.tell(upsert=[task(0, status="completed", conclusion="cancelled")])
    expect(last).to_have_attribute("data-state", "cancelled")


def test_lost_connection_is_told_and_healed_without_a_lost_row(page: Page, server: Server) -> None:
    server.tell(upsert=[task(1)])
    live(page, server)
    look_away(page)
    server.tell(refuse=2, drop=4000)
    badge = page.locator("headway-badge details")
    expect(badge).to_have_attribute("data-conn", "reconnecting")
    expect(page.locator("[data-announce]")).to_contain_text("Reconnecting")
    server.tell(upsert=[task(2), task(1, status="running")])
    expect(badge).to_have_attribute("data-conn", "live", timeout=15_000)
    expect(page.locator(FIRST_ROW)).to_have_attribute("data-id", "task-0002")
    expect(page.locator('tr[data-id="task-0001"]')).to_have_attribute("data-state", "running")
    expect(page.locator("tbody tr[data-id]")).to_have_count(2)
    assert server.heard("open")[-1]["since"]["epoch"] == "e1"


def test_closed_door_is_told_with_its_reason(page: Page, server: Server) -> None:
    live(page, server)
    server.tell(drop=4504)
    page.locator("headway-badge summary").click()
    expect(page.locator("headway-badge")).to_contain_text("Sign in again")


def test_ages_stand_still_while_the_stream_is_blind(page: Page, server: Server) -> None:
    server.tell(upsert=[task(1, first_seen_at=time.time() - 5)])
    live(page, server)
    age = page.locator(f'{FIRST_ROW} >> [data-field="age"]')
    server.tell(stream={"state": "blind", "lag_ms": None, "gap": None, "alive_at": 1_795_000_000})
    expect(page.locator("headway-badge")).to_contain_text("Blind")
    before = age.inner_text()
    # Time has to pass for a text to stand still in it: two beats of the page's clock.
    page.wait_for_timeout(2100)
    assert age.inner_text() == before


def test_query_is_completed_asked_and_taken_back_without_a_page_load(
    page: Page, server: Server
) -> None:
    server.tell(upsert=[task(1, queue="media"), task(2, queue="orders")])
    live(page, server)
    page.evaluate("() => { window.isSamePage = true }")
    page.keyboard.press("/")
    page.keyboard.type("que")
    expect(page.get_by_role("option")).to_have_count(1)
    page.keyboard.press("Tab")
    page.keyboard.type("med")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{server.url}/tasks/?query=queue%3Amedia")
    expect(page.locator("tbody tr[data-id]")).to_have_count(1)
    expect(page.locator(".hw-chip")).to_have_text("queue:media")
    server.tell(upsert=[task(3, queue="media"), task(4, queue="orders")])
    expect(page.locator("tbody tr[data-id]")).to_have_count(2)
    page.go_back()
    expect(page.locator("tbody tr[data-id]")).to_have_count(4)
    assert page.evaluate("() => window.isSamePage")


def test_bad_query_is_marked_and_keeps_the_rows(page: Page, server: Server) -> None:
    server.tell(upsert=[task(1)])
    live(page, server)
    page.keyboard.press("/")
    page.keyboard.type("colour:red")
    page.keyboard.press("Enter")
    expect(page.locator("[data-fault] mark")).to_have_text("colour")
    expect(page.locator("tbody tr[data-id]")).to_have_count(1)
    expect(page.get_by_role("combobox")).to_have_value("colour:red")


def test_hostile_texts_stay_texts(page: Page, server: Server) -> None:
    evil = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    dialogs: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", dismiss)
    live(page, server)
    over = {"status": "completed", "conclusion": "failed", "exception": evil, "reason": evil}
    fields = {"name": evil, "queue": evil, "worker": evil, "kwargs": {evil: evil}, **over}
    server.tell(upsert=[{**task(1, **fields), "id": "../../x?y=<b>"}])
    expect(page.locator(FIRST_ROW)).to_contain_text("onerror=alert(1)")
    assert page.locator("tbody img, tbody script, tbody b b").count() == 0
    assert (
        page.locator(f"{FIRST_ROW} >> a").get_attribute("href") == "/tasks/../../x%3Fy%3D%3Cb%3E/"
    )
    assert dialogs == []


def test_task_page_follows_its_task_to_the_end(page: Page, server: Server) -> None:
    running = {"status": "running", "started_at": 1_795_000_010}
    amount = {"current": 1, "total": 4, "percent": 25.0, "unit": None}
    words = {"message": None, "stage": None, "stages": None}
    progress = {**amount, **words, "updated_at": 1_795_000_011}
    server.tell(upsert=[task(1, **running, progress=progress)])
    live(page, server, "/tasks/task-0001/")
    expect(page.locator("progress")).to_have_attribute("value", "25")
    server.tell(upsert=[task(1, progress={**progress, "current": 3, "percent": 75.0})])
    expect(page.locator("progress")).to_have_attribute("value", "75")
    over = {"status": "completed", "conclusion": "failed", "exception": "CardError('declined')"}
    server.tell(upsert=[task(1, **over, finished_at=1_795_000_020)])
    expect(page.locator('[data-field="state"]').first).to_have_attribute("data-state", "failed")
    expect(page.locator("headway-task")).to_contain_text("CardError: declined")


def test_workers_come_go_silent_and_show_what_they_run(page: Page, server: Server) -> None:
    seen = {"pid": 1, "first_seen_at": 1, "last_heartbeat_at": 2, "freq": 2.0}
    software = {"sw_ident": "py-celery", "sw_ver": "5.6.2", "sw_sys": "Linux"}
    load = {"active": 1, "processed": 1200, "loadavg": [0.5, 0.4, 0.3], "clock_offset": 0.002}
    pool = {"pool": "prefork", "concurrency": 4, "queues": ["media"]}
    worker = {"name": "media-1@fra", "state": "online", **seen, **software, **load, **pool}
    live(page, server, "/workers/")
    running = {"status": "running", "worker": "media-1@fra", "started_at": 1_795_000_000}
    server.tell(workers=[worker], upsert=[task(1, **running)])
    row = page.locator("headway-worker-list tbody tr")
    expect(row).to_contain_text("1/4")
    expect(row).to_contain_text("step_1")
    server.tell(workers=[{**worker, "state": "silent", "processed": 1201}])
    expect(row).to_have_attribute("data-health", "silent")
    expect(row).to_contain_text("1,201")


def test_updated_server_is_told_and_does_not_reload_under_the_viewer(
    page: Page, server: Server
) -> None:
    live(page, server)
    page.evaluate("() => { window.isSamePage = true; document.body.dataset.assets = 'old' }")
    server.tell(assets="new", drop=4000)
    expect(page.locator("[data-notice]")).to_be_visible(timeout=15_000)
    assert page.evaluate("() => window.isSamePage")


def test_theme_is_remembered_by_the_server(page: Page, server: Server) -> None:
    live(page, server)
    page.locator("[data-theme-toggle]").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert "headway_theme=dark" in page.evaluate("() => document.cookie").split("; ")


def test_page_of_an_unknown_id_becomes_the_page_of_its_task(page: Page, server: Server) -> None:
    live(page, server, "/tasks/task-0001/")
    expect(page.locator("h1")).to_have_text("Nothing was ever seen of this id")
    server.tell(upsert=[task(1, status="running", started_at=1_795_000_010)])
    expect(page.locator("h1")).to_have_text("shop.orders.step_1")
    expect(page.locator("#timeline")).to_contain_text("Running")


def test_keys_lead_to_a_task_to_other_pages_and_to_help(page: Page, server: Server) -> None:
    server.tell(upsert=[task(1), task(2)])
    live(page, server)
    page.keyboard.press("?")
    expect(page.locator("dialog#keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{server.url}/tasks/task-0001/")
    expect(page.locator("body")).to_have_attribute("data-conn", "live")
    page.keyboard.press("g")
    page.keyboard.press("w")
    expect(page).to_have_url(f"{server.url}/workers/")


def test_opened_badge_closes_when_somebody_goes_on(page: Page, server: Server) -> None:
    live(page, server)
    badge = page.locator("headway-badge details")
    badge.locator("summary").click()
    expect(badge).to_have_attribute("open", "")
    expect(badge).to_contain_text("WebSocket")
    page.keyboard.press("Escape")
    expect(badge).not_to_have_attribute("open", "")
    badge.locator("summary").click()
    page.mouse.click(640, 600)
    expect(badge).not_to_have_attribute("open", "")


def test_older_page_is_followed_but_takes_no_new_tasks(page: Page, server: Server) -> None:
    server.tell(upsert=[task(number) for number in range(120)])
    live(page, server, "/tasks/?after=100")
    expect(page.locator(FIRST_ROW)).to_have_attribute("data-id", "task-0019")
    wait_until(
        lambda: any("task-0019" in message.get("ids", ()) for message in server.heard("open"))
    )
    server.tell(upsert=[task(500), task(19, status="running")])
    expect(page.locator(FIRST_ROW)).to_have_attribute("data-state", "running")
    page.keyboard.press(".")
    expect(page.locator(FIRST_ROW)).to_have_attribute("data-id", "task-0019")


def test_phone_shows_cards_without_scrolling_sideways(chromium: Browser, server: Server) -> None:
    server.tell(upsert=[task(number, queue="orders" * 9, name="x" * 200) for number in range(60)])
    context = chromium.new_context(viewport={"width": 360, "height": 740}, color_scheme="dark")
    with context:
        page = context.new_page()
        live(page, server)
        assert page.evaluate("() => document.documentElement.scrollWidth") == 360
        page.keyboard.press("j")
        assert page.locator("tbody tr[data-id]").count() < 60
