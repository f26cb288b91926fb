"""One process, an idle page: how long until a task's first event is seen."""

import statistics
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from celery import Celery
from playwright.sync_api import BrowserContext, Page

from tests.acceptance.support import ROWS, Capture, Site, one_process, open_list, tell
from tests.integration import celery_app
from tests.services.process import wait_until
from tests.services.redis import RedisServer
from tests.services.worker import CeleryWorker

SAMPLES = 8

NOTE_WHEN_SEEN = """selector => {
  window.seen = {};
  const note = () => {
    const now = (performance.timeOrigin + performance.now()) / 1000;
    for (const row of document.querySelectorAll(selector)) window.seen[row.dataset.id] ??= now;
  };
  note();
  new MutationObserver(note).observe(document.querySelector("headway-task-list"),
    {childList: true, subtree: true});
}"""

QUIET = """() => new Promise(resolve => {
  const quiet = () => { observer.disconnect(); resolve(); };
  const wait = () => setTimeout(quiet, 400);
  let timer = wait();
  const observer = new MutationObserver(() => { clearTimeout(timer); timer = wait(); });
  observer.observe(document.querySelector("headway-task-list tbody"),
    {childList: true, subtree: true, attributes: true, attributeFilter: ["data-state"]});
})"""
"""Nothing came or changed its state for 400 ms: longer than any tick."""


@pytest.fixture
def app(redis_server: RedisServer) -> Iterator[Celery]:
    with celery_app.connected(redis_server.url(), redis_server.url(3)) as app:
        yield app


def test_an_idle_page_shows_the_first_event_of_a_task_at_once(
    app: Celery, redis_server: RedisServer, context: BrowserContext, tmp_path: Path, capsys: Capture
) -> None:
    # Then a task's first event is the worker's own.
    app.conf.task_send_sent_event = False
    broker, backend = app.conf.broker_url, redis_server.url(3)
    worker = CeleryWorker(tmp_path, broker=broker, backend=backend)
    with worker, one_process(tmp_path, broker, backend) as (server, site):
        site.wait_for_worker(worker.name)
        celery_app.add.delay(0, 0).get(timeout=20)
        wait_until(lambda: site.has("status:completed"), 20, "a first task")
        page = open_list(context, server.url)
        page.evaluate(NOTE_WHEN_SEEN, ROWS)
        late_ms = sorted(1000 * lateness(page, site) for _ in range(SAMPLES))
    median = statistics.median(late_ms)
    tell(capsys, f"first event to page, ms: median {median:.0f}, all {[round(m) for m in late_ms]}")
    assert median < 300
    assert late_ms[-1] < 1000


def lateness(page: Page, site: Site) -> float:
    """Seconds from the event's own timestamp to the row on the page, after a quiet moment."""
    page.evaluate(QUIET)
    task_id = celery_app.add.delay(1, 2).id
    page.wait_for_function("id => window.seen[id]", arg=task_id, timeout=20_000)
    seen_at: float = page.evaluate("id => window.seen[id]", task_id)
    page.locator(f'{ROWS}[data-id="{task_id}"][data-state="succeeded"]').wait_for()
    attempt = site.task(task_id)["attempts"][0]
    return seen_at - datetime.fromisoformat(attempt["received_at"]).timestamp()
