"""The whole way of somebody who was called at night, by keyboard alone: no pointer is ever used."""

from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.acceptance.support import PASSWORD, one_process, wait_for_badge
from tests.integration import celery_app
from tests.services.redis import RedisServer
from tests.services.worker import CeleryWorker


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def tab_to(page: Page, selector: str, limit: int = 60) -> None:
    """Press Tab until what has the focus is this; every stop on the way can be seen."""
    for _ in range(limit):
        page.keyboard.press("Tab")
        focused = page.locator("*:focus")
        if focused.count() and focused.evaluate(f"element => element.matches({selector!r})"):
            return
        assert not focused.count() or focused.is_visible()
    raise AssertionError(f"Tab never came to {selector}")


def heading(page: Page, name: str) -> None:
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
    wait_for_badge(page, "live")


def test_from_sign_in_to_a_muted_failure_without_a_pointer(
    chromium: Browser, redis_server: RedisServer, tmp_path: Path
) -> None:
    broker, backend = redis_server.url(), redis_server.url(1)
    with (
        celery_app.connected(broker, backend),
        one_process(tmp_path, broker, backend) as (_, site),
        CeleryWorker(tmp_path, broker=broker, backend=backend, concurrency=1) as worker,
        chromium.new_context() as context,
    ):
        site.wait_for_worker(worker.name)
        failed = celery_app.fail.delay("card declined")
        site.wait_for_task(failed.id, conclusion="failed")
        celery_app.hold.delay(str(tmp_path / "never"))
        waiting = [celery_app.add.delay(n, n).id for n in range(2)]
        for task_id in waiting:
            site.wait_for_task(task_id)

        # Sign in: the first field has the focus.
        page = context.new_page()
        page.goto(site.url)
        tab_to(page, "input[name=username]")
        page.keyboard.type("admin")
        press(page, "Tab")
        page.keyboard.type(PASSWORD)
        press(page, "Enter")
        heading(page, "Overview")

        # To the tasks, and to those that wait.
        press(page, "g", "t")
        heading(page, "Tasks")
        press(page, "/")
        page.keyboard.type("status:queued,reserved name:*add")
        press(page, "Enter")
        expect(page.locator(".hw-chip")).to_have_count(2)
        expect(page.locator("tbody tr[data-id]")).to_have_count(2)
        press(page, "Escape")

        # Two are selected and revoked; the dialog keeps the focus and gives it back.
        press(page, "j", "x", "j", "x")
        expect(page.locator("[data-bulk] [data-part=count]")).to_contain_text("2 selected")
        press(page, "v")
        dialog = page.locator("dialog.hw-act")
        expect(dialog).to_contain_text("Revoke 2 tasks?")
        tab_to(page, "dialog.hw-act [data-part=go]")
        press(page, "Enter")
        expect(dialog).to_contain_text("2 done")
        press(page, "Escape")
        expect(dialog).to_be_hidden()

        # The task that failed, from the list.
        press(page, "g", "t")
        heading(page, "Tasks")
        press(page, "/")
        page.keyboard.type("conclusion:failed")
        press(page, "Enter")
        expect(page.locator(f'tr[data-id="{failed.id}"]')).to_be_visible()
        expect(page.locator("tbody tr[data-id]")).to_have_count(1)
        press(page, "Escape", "j", "Enter")
        page.wait_for_url(f"{site.url}/tasks/{failed.id}/")
        heading(page, "fail")

        # Its failure is muted for an hour.
        press(page, "g", "f")
        heading(page, "Failures")
        line = page.locator('[data-list="groups"] > li')
        expect(line).to_contain_text("Declined", timeout=20_000)
        press(page, "j", "m")
        expect(page.get_by_role("button", name="for 1 hour")).to_be_focused()
        press(page, "Enter")
        expect(line.locator(".st")).to_contain_text("Muted")
        expect(page.locator("nav [data-open-failures]")).to_be_hidden(timeout=20_000)
        assert {entry["action"] for entry in site.get("audit")["items"]} == {"revoke", "mute"}
