"""Revoke and retry clicked in the browser of a running program, their effect seen at the worker."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, expect

from tests.acceptance.support import Site, one_process, sign_in, wait_for_badge
from tests.integration import celery_app
from tests.services.redis import RedisServer
from tests.services.worker import CeleryWorker


@contextmanager
def watched(redis: RedisServer, directory: Path) -> Iterator[tuple[Site, CeleryWorker]]:
    """A dashboard and one worker of one process, which the tasks of the sample go to."""
    broker, backend = redis.url(), redis.url(1)
    with (
        celery_app.connected(broker, backend),
        one_process(directory, broker, backend) as (_, site),
        CeleryWorker(directory, broker=broker, backend=backend, concurrency=1) as worker,
    ):
        site.wait_for_worker(worker.name)
        yield site, worker


def dialog(page: Page) -> Locator:
    return page.locator("dialog.hw-act")


def confirm(page: Page, name: str) -> None:
    dialog(page).get_by_role("button", name=name).click()


def test_what_is_clicked_happens_at_the_worker(
    chromium: Browser, redis_server: RedisServer, tmp_path: Path
) -> None:
    with (
        watched(redis_server, tmp_path) as (site, worker),
        chromium.new_context() as context,
    ):
        running = celery_app.hold.delay(str(tmp_path / "never"))
        site.wait_for_task(running.id, status="running")
        waiting = [celery_app.add.delay(n, 1).id for n in range(3)]
        for task_id in waiting:
            site.wait_for_task(task_id)
        page = context.new_page()
        sign_in(page, site.url)
        wait_for_badge(page, "live")

        # Two that wait are revoked by their boxes.
        for task_id in waiting[:2]:
            page.locator(f'tr[data-id="{task_id}"] [data-pick]').check()
        page.locator("[data-bulk]").get_by_role("button", name="Revoke").click()
        expect(dialog(page)).to_contain_text("Revoke 2 tasks?")
        confirm(page, "Revoke")
        expect(dialog(page)).to_contain_text("2 done")
        page.keyboard.press("Escape")

        # The one that runs is terminated from its page: the worker goes on with the others.
        page.goto(f"{site.url}/tasks/{running.id}/")
        wait_for_badge(page, "live")
        page.keyboard.press("v")
        expect(dialog(page)).to_contain_text("Terminate this task?")
        confirm(page, "Terminate")
        expect(dialog(page)).to_contain_text("Its worker was told to end it.")
        worker.wait_for_line(rf"Terminating {running.id}")
        page.keyboard.press("Escape")
        expect(page.locator('main [data-field="state"]').first).to_have_text("Cancelled")
        for task_id in waiting[:2]:
            site.wait_for_task(task_id, conclusion="cancelled")
        site.wait_for_task(waiting[2], conclusion="succeeded")

        # One of them is tried again, and the dialog leads to what was sent.
        page.goto(f"{site.url}/tasks/{waiting[0]}/")
        wait_for_badge(page, "live")
        page.locator("main").get_by_role("button", name="Retry").click()
        confirm(page, "Retry")
        link = dialog(page).get_by_role("link", name="New task")
        new_id = str(link.get_attribute("href")).rstrip("/").rpartition("/")[2]
        site.wait_for_task(new_id, conclusion="succeeded")
        link.click()
        page.wait_for_url(f"{site.url}/tasks/{new_id}/")

        # All that match a query, without naming them.
        page.goto(f"{site.url}/tasks/?query=conclusion%3Acancelled%20name%3A*add")
        wait_for_badge(page, "live")
        page.locator("[data-pick-all]").check()
        page.keyboard.press("r")
        expect(dialog(page)).to_contain_text("Retry 2 tasks?")
        confirm(page, "Retry")
        expect(dialog(page)).to_contain_text("2 done")
        assert len(site.tasks(f"conclusion:succeeded name:{celery_app.add.name}")) >= 2


def test_a_failure_group_is_looked_into_retried_and_resolved(
    chromium: Browser, redis_server: RedisServer, tmp_path: Path
) -> None:
    with (
        watched(redis_server, tmp_path) as (site, _),
        chromium.new_context() as context,
    ):
        first = [celery_app.fail.delay("card declined").id for _ in range(3)]
        for task_id in first:
            site.wait_for_task(task_id, conclusion="failed")
        page = context.new_page()
        sign_in(page, site.url)
        page.goto(f"{site.url}/failures/")
        wait_for_badge(page, "live")
        line = page.locator('[data-list="groups"] > li')
        expect(line).to_contain_text("Declined", timeout=20_000)
        expect(line.locator('[data-field="hour"]')).to_have_text("3", timeout=20_000)
        line.get_by_role("link", name="Declined").click()
        expect(line.locator("[data-detail]")).to_contain_text("'card declined'")

        page.keyboard.press("r")
        expect(dialog(page)).to_contain_text("Retry 3 tasks?")
        confirm(page, "Retry")
        expect(dialog(page)).to_contain_text("3 done")
        page.keyboard.press("Escape")
        expect(line.locator('[data-field="hour"]')).to_have_text("6", timeout=20_000)

        page.keyboard.press("e")
        expect(line.locator(".st")).to_contain_text("Resolved by admin")
        celery_app.fail.delay("card declined")
        expect(line.locator(".st")).to_contain_text("came back", timeout=20_000)


def test_without_a_script_a_task_is_retried_by_forms(
    chromium: Browser, redis_server: RedisServer, tmp_path: Path
) -> None:
    with (
        watched(redis_server, tmp_path) as (site, _),
        chromium.new_context(java_script_enabled=False) as context,
    ):
        done = celery_app.add.delay(1, 2)
        site.wait_for_task(done.id, conclusion="succeeded")
        page = context.new_page()
        sign_in(page, site.url)
        page.goto(f"{site.url}/tasks/{done.id}/")
        page.locator("main").get_by_role("button", name="Retry").click()
        expect(page.get_by_role("heading", name="Retry this task?")).to_be_visible()
        page.get_by_role("button", name="Retry").click()
        expect(page.get_by_role("status").first).to_contain_text("It was sent again.")
        href = str(page.get_by_role("link", name="New task").get_attribute("href"))
        site.wait_for_task(href.rstrip("/").rpartition("/")[2], conclusion="succeeded")
