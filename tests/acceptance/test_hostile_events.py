"""Malformed and hostile events among good ones: counted, told, harmless."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import quote

import pytest
from celery import Celery
from playwright.sync_api import BrowserContext, Dialog, Page

from realtime.testing import (
    Raw,
    task_failed,
    task_progress,
    task_received,
    task_started,
    task_succeeded,
    worker_heartbeat,
)
from tests.acceptance.support import (
    TALL,
    Site,
    one_process,
    publish,
    shown_ids,
    sign_in,
    wait_for_badge,
)
from tests.integration import celery_app
from tests.services.headway import HeadwayWeb
from tests.services.process import wait_until
from tests.services.redis import RedisServer, running_redis

ATTACKS = (
    "<script>window.isHarmed=1</script>",
    "\"'><img src=x onerror=window.isHarmed=1>",
    "</script><svg/onload=window.isHarmed=1>",
    "javascript:window.isHarmed=1//{{7*7}}",
    "</textarea><iframe srcdoc='<script>parent.isHarmed=1</script>'>",
)
GOOD = [f"good-{number}" for number in range(40)]
HOSTILE = [f"hostile-{number}" for number in range(len(ATTACKS))]
MALFORMED = 24
"""Messages of `malformed`, each of which is counted once."""
INJECTED = "img, iframe, svg[onload], script:not([src]):not([type='application/json'])"


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisServer]:
    with running_redis() as server:
        yield server


@pytest.fixture(scope="module")
def app(redis_server: RedisServer) -> Iterator[Celery]:
    with celery_app.connected(redis_server.url(), redis_server.url(1)) as app:
        yield app


@pytest.fixture(scope="module")
def served(
    redis_server: RedisServer, app: Celery, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[HeadwayWeb, Site]]:
    """A dashboard that has heard all of it."""
    directory = tmp_path_factory.mktemp("hostile")
    with one_process(directory, redis_server.url(), redis_server.url(1)) as (server, site):
        now = site.get("stream")["alive_at"]
        at = datetime.fromisoformat(now).timestamp()
        for number, task_id in enumerate(GOOD):
            publish(app, good(task_id, at))
            if number < MALFORMED:
                malformed(app, redis_server, number)
        for task_id, attack in zip(HOSTILE, ATTACKS, strict=True):
            publish(app, hostile(task_id, attack, at))
        wait_until(lambda: len(site.tasks("status:completed")) >= len(GOOD + HOSTILE), 30)
        yield server, site


def good(task_id: str, at: float) -> list[Raw]:
    return [
        task_received(task_id, at=at, name="shop.good", args="(1,)"),
        task_started(task_id, at=at + 0.1),
        task_succeeded(task_id, at=at + 0.2),
    ]


def hostile(task_id: str, attack: str, at: float) -> list[Raw]:
    """A task and a worker that say the same in every field there is."""
    host = f"celery@{attack}"
    names = {"name": attack, "queue": attack, "root_id": attack, "parent_id": attack}
    arguments = {"args": repr((attack,)), "kwargs": repr({attack: attack})}
    trace = f'Traceback (most recent call last):\n  File "{attack}", line 1, in {attack}\n{attack}'
    return [
        worker_heartbeat(host, at=at, sw_ident=attack, sw_ver=attack, sw_sys=attack),
        task_received(task_id, at=at, hostname=host, **names, **arguments),
        task_started(task_id, at=at + 0.1, hostname=host),
        task_progress(
            task_id, 1, 2, at=at + 0.2, hostname=host, message=attack, stage=attack, unit=attack
        ),
        task_failed(task_id, at=at + 0.3, hostname=host, exception=attack, traceback=trace),
    ]


def malformed(app: Celery, server: RedisServer, number: int) -> None:
    """Send what no worker would: not JSON, an envelope that is none, wrong types, too much."""
    wrong: list[Any] = [
        {"type": "task-received", "hostname": "h", "timestamp": 1.0},
        {"type": "task-received", "uuid": 7, "hostname": "h", "timestamp": 1.0},
        {"type": "task-received", "uuid": "wrong", "hostname": [], "timestamp": 1.0},
        {"type": "task-received", "uuid": "wrong", "hostname": "h", "timestamp": {}},
        {"type": ["task-received"], "uuid": "wrong", "hostname": "h", "timestamp": 1.0},
        "text",
    ]
    kind = number % 8
    if kind < len(wrong):
        publish(app, wrong[kind])
    elif kind == len(wrong):
        publish(app, "{not json", content_type="application/json", content_encoding="utf-8")
    else:
        size = 10_000_000 if number < 8 else 1_000_000
        with server.client() as client:
            client.publish("/0.celeryev/task.sent", json.dumps({"body": "x" * size}))


@pytest.fixture
def page(context: BrowserContext, served: tuple[HeadwayWeb, Site]) -> Iterator[Page]:
    """A signed-in tab in which nothing may ask, run or come in."""
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.set_viewport_size(TALL)
    dialogs: list[str] = []

    def note(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", note)
    sign_in(page, served[0].url)
    yield page
    assert dialogs == []
    assert page.evaluate("() => window.isHarmed") is None
    assert page.locator(INJECTED).count() == 0


def test_good_events_are_unharmed_and_the_others_are_counted(
    served: tuple[HeadwayWeb, Site],
) -> None:
    _, site = served
    stored = site.tasks()
    assert stored.keys() == {*GOOD, *HOSTILE}
    assert {stored[task_id]["conclusion"] for task_id in GOOD} == {"succeeded"}
    expected = {
        "no_uuid": 6,
        "bad_hostname": 3,
        "bad_timestamp": 3,
        "no_type": 3,
        "not_an_object": 3,
        "not_json": 3,
        "too_large": 3,
    }
    assert sum(expected.values()) == MALFORMED

    def told() -> dict[str, int]:
        return site.get("stream")["counters"]["rejected"]  # type: ignore[no-any-return]

    wait_until(lambda: sum(told().values()) >= MALFORMED, 10, "all counters")
    assert told() == expected


def test_the_badge_tells_how_many_were_refused(page: Page) -> None:
    wait_for_badge(page, "live")
    page.locator("headway-badge summary").click()
    told = page.locator("headway-badge [data-part=events]")
    told.filter(has_text=f"{MALFORMED} rejected").wait_for()


def test_the_list_shows_hostile_texts_as_they_are_written(
    page: Page, served: tuple[HeadwayWeb, Site]
) -> None:
    assert set(shown_ids(page)) == {*GOOD, *HOSTILE}
    shown = page.locator("headway-task-list").inner_text()
    assert all(attack in shown for attack in ATTACKS)


def test_the_live_list_shows_hostile_texts_as_they_are_written(page: Page, app: Celery) -> None:
    wait_for_badge(page, "live")
    for number, attack in enumerate(ATTACKS):
        publish(app, hostile(f'live-{number}-{attack}"', attack, 1_795_000_000.0))
    for number in range(len(ATTACKS)):
        row = page.locator(f"headway-task-list tr[data-id^='live-{number}-'][data-state=failed]")
        row.wait_for()
        row.locator("a").first.click()
        page.locator("headway-task [data-panel=title]").wait_for()
        assert ATTACKS[number] in page.locator("headway-task [data-field=id]").inner_text()
        page.go_back()
        wait_for_badge(page, "live")


@pytest.mark.parametrize("task_id", HOSTILE)
def test_the_task_page_shows_hostile_texts_as_they_are_written(
    page: Page, served: tuple[HeadwayWeb, Site], task_id: str
) -> None:
    attack = ATTACKS[HOSTILE.index(task_id)]
    page.goto(f"{served[0].url}/tasks/{quote(task_id, safe='')}/")
    wait_for_badge(page, "live")
    for part in ("[data-field=name]", "[data-field=exception]", "#arguments", "#traceback"):
        assert attack in (page.locator(f"headway-task {part}").text_content() or ""), part


def test_the_workers_page_shows_hostile_names_as_they_are_written(
    page: Page, served: tuple[HeadwayWeb, Site]
) -> None:
    page.goto(f"{served[0].url}/workers/")
    wait_for_badge(page, "live")
    shown = page.locator("headway-worker-list").inner_text()
    assert all(attack in shown for attack in ATTACKS)
