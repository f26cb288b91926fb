"""Results of tasks that nobody heard of are found in a real Redis, and no others are read."""

import json
import time
from typing import Any

import pytest
from celery import Celery

from realtime import results
from realtime.core.events import Event
from tests.integration.celery_app import make_app
from tests.services.redis import RedisServer

DONE = "2026-11-21T10:00:0{}.5+00:00"
FROM_AT = 1_795_255_200.0
"""2026-11-21 10:00 UTC, as `DONE`."""


@pytest.fixture
def app(redis_server: RedisServer) -> Celery:
    return make_app(redis_server.url(2), redis_server.url(2))


def store(app: Celery, task_id: str, status: str = "SUCCESS", **told: object) -> None:
    meta = {"status": status, "result": 3, "traceback": None, "date_done": DONE.format(1), **told}
    app.backend.client.set(app.backend.get_key_for_task(task_id), json.dumps(meta))


def found(app: Celery, from_at: float = FROM_AT, until_at: float = FROM_AT + 5) -> dict[str, Any]:
    pages = results.search(app, from_at, until_at, lambda: FROM_AT + 60)
    by_task: dict[str, list[Event]] = {}
    for event in (event for page in pages for event in page):
        by_task.setdefault(event.id, []).append(event)
    return by_task


def test_what_ended_in_the_gap_is_found_with_all_that_was_stored(app: Celery) -> None:
    extended = {"name": "shop.pay", "args": [1], "kwargs": {"a": 2}, "worker": "celery@a"}
    store(app, "won", **extended, queue="fast", retries=2)
    context, outcome = found(app)["won"]
    assert context.fields == {
        "name": "shop.pay",
        "args": [1],
        "kwargs": {"a": 2},
        "queue": "fast",
        "group_id": None,
        "parent_id": None,
        "retries": 2,
    }
    assert (outcome.kind, outcome.at) == ("task-succeeded", FROM_AT + 1.5)
    assert outcome.fields == {"result": "3", "runtime": None, "retries": 2, "worker": "celery@a"}


def test_what_ended_before_or_after_the_gap_is_left_alone(app: Celery) -> None:
    store(app, "before", date_done="2026-11-21T09:58:00+00:00")
    store(app, "after", date_done="2026-11-21T10:02:00+00:00")
    store(app, "inside")
    store(app, "cooking", status="COOKING")
    store(app, "begun", status="STARTED")
    app.backend.client.set("another-key", "1")
    assert list(found(app)) == ["inside"]


def test_values_that_were_not_used_since_the_gap_began_are_not_read(app: Celery) -> None:
    store(app, "old")
    later = time.time() + 86_400
    commands = app.backend.client
    before = commands.info("commandstats").get("cmdstat_mget", {}).get("calls", 0)
    assert [event for page in results.search(app, later, later) for event in page] == []
    assert commands.info("commandstats").get("cmdstat_mget", {}).get("calls", 0) == before


def test_a_value_that_is_too_large_is_not_read(app: Celery) -> None:
    store(app, "large", result="x" * results.MAX_VALUE_BYTES)
    store(app, "small")
    assert list(found(app)) == ["small"]


def test_a_task_that_was_to_be_tried_again_is_found_by_when_its_result_was_stored(
    app: Celery,
) -> None:
    error = {"exc_type": "Declined", "exc_message": ["no"], "exc_module": "shop"}
    store(app, "again", status="RETRY", result=error, date_done=None, retries=1)
    _, retried = found(app, FROM_AT + 50, FROM_AT + 65)["again"]
    assert (retried.kind, retried.fields["retries"]) == ("task-retried", 1)
    assert retried.fields["exception"] == "Declined('no')"
    assert found(app, FROM_AT, FROM_AT + 5) == {}


def test_thousands_of_results_are_gone_through_in_pages(app: Celery) -> None:
    for number in range(1_500):
        store(app, f"task-{number}", date_done=DONE.format(number % 10))
    pages = list(results.search(app, FROM_AT, FROM_AT + 10, lambda: FROM_AT + 60))
    assert len({event.id for page in pages for event in page}) == 1_500
    assert len(pages) > 1
    assert max(len(page) for page in pages) <= 4 * results.SCAN_COUNT


def test_only_redis_can_be_searched_and_the_others_say_why(app: Celery) -> None:
    assert results.unsearchable(app) is None
    files = Celery(backend="file:///tmp", set_as_current=False)
    assert results.unsearchable(files) == "FilesystemBackend cannot be searched by time"
    nothing = Celery(backend=None, set_as_current=False)
    assert results.unsearchable(nothing) == "no result backend is configured"
