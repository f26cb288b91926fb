"""Two receivers, two web processes, two browsers: what is killed comes back, and nothing is lost.

Each test leaves everything running for the next one.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from celery import Celery
from playwright.sync_api import Browser, Page

from tests.acceptance.support import (
    Capture,
    Leak,
    Site,
    Split,
    open_list,
    shown_ids,
    shown_states,
    start_all,
    tell,
    wait_for_badge,
)
from tests.integration import celery_app
from tests.services.browser import browsing
from tests.services.postgresql import PostgresqlServer
from tests.services.process import wait_until
from tests.services.redis import RedisServer, running_redis
from tests.services.worker import CeleryWorker


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisServer]:
    with running_redis() as server:
        yield server


@pytest.fixture(scope="module")
def leak(redis_server: RedisServer) -> Iterator[Leak]:
    with Leak(redis_server.port).running() as leak:
        yield leak


@pytest.fixture(scope="module")
def split(
    redis_server: RedisServer,
    leak: Leak,
    shared_postgresql: PostgresqlServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Split]:
    """Everything on one Redis and one PostgreSQL, with a worker."""
    directory = tmp_path_factory.mktemp("split")
    broker, backend = redis_server.url(), redis_server.url(1)
    layer = f"redis://127.0.0.1:{leak.port}/1"
    database = shared_postgresql.add_database()
    split = Split(directory, database=database, broker=broker, backend=backend, layer=layer)
    worker = CeleryWorker(directory, broker=broker, backend=backend)
    with split.running(), worker:
        split.site.wait_for_worker(worker.name)
        yield split


@pytest.fixture(scope="module")
def app(redis_server: RedisServer) -> Iterator[Celery]:
    with celery_app.connected(redis_server.url(), redis_server.url(1)) as app:
        yield app


@pytest.fixture
def browsers(chromium: Browser, split: Split, app: Celery) -> Iterator[list[Page]]:
    """Two people on the task list, each on a web process of their own."""
    celery_app.add.delay(0, 0)
    with ExitStack() as stack:
        contexts = [stack.enter_context(browsing(chromium)) for _ in split.webs]
        yield [
            open_list(context, web.url) for context, web in zip(contexts, split.webs, strict=True)
        ]


def settle(pages: list[Page], site: Site, *finished: str) -> None:
    """Return when every page shows exactly what is stored, each task once, with these succeeded;
    no page was loaded again."""
    for task_id in finished:
        site.wait_for_task(task_id, state="SUCCESS")

    for page in pages:
        try:
            wait_until(lambda page=page: list(shown_states(page).items()) == listed(site), 30)
        except AssertionError as late:
            wrong = set(shown_states(page).items()) ^ set(listed(site))
            raise AssertionError(f"page and store differ in {wrong}") from late
        assert len(shown_ids(page)) == len(set(shown_ids(page)))
        assert page.evaluate("() => window.isSamePage") is True


def listed(site: Site) -> list[tuple[str, str]]:
    """What a task list has to show: ids with conclusion, or else status, in order."""
    return [(i, row["conclusion"] or row["status"]) for i, row in site.tasks().items()]


def test_a_new_task_is_in_both_browsers_once(browsers: list[Page], split: Split) -> None:
    before = shown_ids(browsers[0])
    sent = [celery_app.add.delay(n, n).id for n in range(5)]
    settle(browsers, split.site, *sent)
    assert shown_ids(browsers[1]) == [*reversed(sent), *before]


def test_both_are_up_to_date_after_the_web_processes_were_killed(
    browsers: list[Page], split: Split
) -> None:
    for web in split.webs:
        web.kill()
    for page in browsers:
        wait_for_badge(page, "reconnecting")
    sent = [celery_app.add.delay(n, n).id for n in range(5)]
    sent += [celery_app.flaky.delay(2).id]
    start_all(split.webs)
    sent.append(celery_app.add.delay(7, 7).id)
    settle(browsers, split.site, *sent)
    for page in browsers:
        wait_for_badge(page, "live")


def test_when_the_leading_receiver_is_killed_the_other_one_takes_over_without_a_gap(
    browsers: list[Page], split: Split
) -> None:
    gap = split.site.get("stream")["gap"]
    leader = split.leader()
    sent = [celery_app.add.delay(n, n).id for n in range(20)]
    leader.kill()
    sent += [celery_app.add.delay(n, n).id for n in range(20)]
    wait_until(lambda: split.leader() is not leader, 20, "the other one to lead")
    settle(browsers, split.site, *sent)
    assert split.site.get("stream")["gap"] == gap
    leader.start()


def test_a_gap_is_told_and_healed_after_both_receivers_were_killed(
    browsers: list[Page], split: Split, tmp_path: Path
) -> None:
    release = tmp_path / "release"
    running = celery_app.hold.delay(str(release)).id
    split.site.wait_for_task(running, status="running")
    for receiver in split.receivers:
        receiver.kill()
    release.touch()
    unheard = celery_app.add.delay(1, 1)
    assert unheard.get(timeout=20) == 2
    for page in browsers:
        wait_for_badge(page, "blind")
    start_all(split.receivers)
    split.wait_until_live()
    heard = celery_app.add.delay(2, 2).id
    settle(browsers, split.site, running, heard)
    gap = wait_until(lambda: _healed(split.site), 20, "a gap that is told and healed")
    assert "no receiver" in gap["reason"]
    for page in browsers:
        wait_for_badge(page, "live")
        assert "Blind from" in (page.locator("headway-badge [data-part=why]").text_content() or "")


def _healed(site: Site) -> dict[str, object] | None:
    gap = site.get("stream")["gap"]
    return gap if gap and gap["until_at"] and gap["repaired"] else None


def test_both_are_up_to_date_after_redis_was_away(
    browsers: list[Page], split: Split, redis_server: RedisServer, tmp_path: Path
) -> None:
    release = tmp_path / "release"
    running = celery_app.hold.delay(str(release)).id
    split.site.wait_for_task(running, status="running")
    redis_server.stop()
    for page in browsers:
        wait_for_badge(page, "blind")
    redis_server.start()
    # Not before: a task whose result cannot be stored is a failure in Celery's eyes.
    release.touch()
    split.wait_until_live()
    heard = celery_app.add.delay(2, 2).id
    settle(browsers, split.site, running, heard)
    gap = split.site.get("stream")["gap"]
    assert gap["until_at"] is not None
    for page in browsers:
        wait_for_badge(page, "live")


@pytest.mark.parametrize("is_all_lost", [False, True])
def test_a_last_batch_that_the_layer_lost_is_on_the_page_within_three_seconds(
    browsers: list[Page], split: Split, leak: Leak, is_all_lost: bool, capsys: Capture
) -> None:
    """Lost is the batch alone, or with it every sign of life that would follow."""
    page = browsers[0]
    result = celery_app.add.delay(1, 1)
    settle(browsers, split.site, result.id)
    with leak.losing():
        last = celery_app.add.delay(2, 2).id
        lost_at = wait_until(lambda: leak.lost_at(last, "SUCCESS"), 20, "a batch that is lost")
        if not is_all_lost:
            leak.is_losing.clear()
        wait_until(lambda: shown_states(page).get(last) == "succeeded", 20, "the row on the page")
        took_s = time.monotonic() - lost_at
    tell(capsys, f"lost {'with all that followed' if is_all_lost else 'alone'}: {took_s:.2f} s")
    # The hub looks for itself 2.5 s after it last heard something.
    assert took_s < (4.0 if is_all_lost else 3.0)
    settle(browsers, split.site, last)
