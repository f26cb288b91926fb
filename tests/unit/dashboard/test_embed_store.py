"""Tokens against the database itself: what a failing task had on it reaches nobody."""

import asyncio
import json
import time
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from celery import Celery
from celery.result import AsyncResult, GroupResult
from django.contrib.sessions.backends.base import SessionBase
from django.core.asgi import get_asgi_application
from django.db import connection
from django.db.backends.signals import connection_created
from django.http import HttpRequest, HttpResponse
from django.template import Context, Template
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import include, path, resolve

from dashboard import tokens
from dashboard.models import Expectation
from dashboard.throttle import Budget, Rate
from dashboard.views import cors
from realtime import testing
from tests.unit.dashboard import stored
from tests.unit.dashboard.embedded import KEY

pytestmark = pytest.mark.django_db(transaction=True)

BASE = "/headway/embed/v1/"
PLANTED = ("hunter2", "db.internal", "card-4111", "/srv/app/secret.py", "shop.charge", "secret-q")


@pytest.fixture(autouse=True)
def failing(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """A task of a group that failed with everything that is nobody's business."""
    settings.HEADWAY_EMBED_KEY = KEY
    monkeypatch.setattr(cors, "budget", Budget(Rate(10_000, 0.001)))
    history = (
        testing.task_received(
            "t1", name="shop.charge", args="('card-4111',)", kwargs="{'key': 'card-4111'}"
        ),
        testing.task_context("t1", queue="secret-q", group="g1", label="Your order"),
        testing.task_failed(
            "t1",
            exception="OperationalError('postgresql://user:hunter2@db.internal/shop')",
            traceback='File "/srv/app/secret.py", line 7, in charge',
        ),
    )
    stored.write([stored.told(*history)])


def told(path: str, token: str) -> Any:
    return Client().get(BASE + path, headers={"Authorization": f"Bearer {token}"})


def test_nothing_planted_is_in_any_answer() -> None:
    task, group = tokens.mint("t1", can="cancel retry result"), tokens.mint(group="g1")
    body = {"tokens": {"a": task, "b": group}, "subjects": ["task:t1", "group:g1"]}
    states = Client().post(BASE + "states", json.dumps(body), "application/json")
    answers = [
        states,
        told("tasks/t1", task),
        told("groups/g1?parts=100", group),
        told("tasks/t1", group),
        told("groups/g1", task),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 403, 403]
    for answer in answers:
        text = f"{answer.content.decode()}{dict(answer.headers)}"
        assert [word for word in PLANTED if word in text] == []
    assert states.json()["states"][0]["conclusion"] == "failed"
    assert answers[2].json()["parts"] == [
        {"label": "Your order", "status": "completed", "conclusion": "failed", "percent": None}
    ]


def test_what_was_minted_for_is_known_to_be_handed_over() -> None:
    before = time.time()
    token = tokens.mint("new")
    row = told("tasks/new", token).json()
    assert (row["status"], row["note"], row["is_vouched"]) == ("queued", "handed_over", True)
    assert before - 1 <= row["updated_at"] <= time.time()


def test_a_group_that_was_only_handed_over_has_its_total() -> None:
    tokens.vouch({"group:g2": tokens.Expected(time.time(), 12)})
    row = told("groups/g2", tokens.mint(group="g2")).json()
    assert row["progress"]["total"] == 12
    assert row["counts"]["waiting"] == 12


TAGS = Template("{% load headway_embed %}{% for id in ids %}{% headway_progress id %}{% endfor %}")


class Page:
    """A page of the project's with many elements, as a server answers it."""

    def __init__(self, ids: list[Any]) -> None:
        self.ids = ids
        self.request = RequestFactory().get("/many/")
        self.request.session = SessionBase()
        self.request.resolver_match = resolve("/headway/")

    def render(self) -> str:
        return TAGS.render(Context({"ids": self.ids, "request": self.request}))


def test_two_hundred_elements_on_a_page_cost_one_read_each_and_one_write_together() -> None:
    ids = [f"new-{n}" for n in range(200)]
    stored.write([stored.told(testing.task_received(id_)) for id_ in ids[:100]])
    first = Page(ids)
    with CaptureQueriesContext(connection) as asked:
        html = first.render()
    assert html.count("<headway-progress ") == 200
    statements = [query["sql"] for query in asked.captured_queries]
    # Begin, what was handed over, the task, end.
    assert len(statements) <= 4 * len(ids) + 20
    assert not [sql for sql in statements if sql.startswith(("INSERT", "UPDATE"))]
    assert len(first.request.session["headway_grants"]) == 200
    with CaptureQueriesContext(connection) as asked:
        first.request.close()
    written = [q["sql"] for q in asked.captured_queries if q["sql"].startswith("INSERT")]
    assert len(written) == 1
    assert Expectation.objects.count() == 100
    with CaptureQueriesContext(connection) as asked:
        second = Page(ids)
        second.render()
        second.request.close()
    assert not [q for q in asked.captured_queries if q["sql"].startswith("INSERT")]


def test_the_elements_of_a_page_share_one_connection_to_the_database() -> None:
    made: list[Any] = []

    def note(**told: Any) -> None:
        made.append(told["connection"])

    connection_created.connect(note)
    connection.close()
    page = Page([f"new-{n}" for n in range(20)])
    page.render()
    page.request.close()

    assert made == [connection]


def _two(request: HttpRequest) -> HttpResponse:
    return HttpResponse(TAGS.render(Context({"ids": ["new-1", "new-2"], "request": request})))


urlpatterns = [path("two/", _two), path("headway/", include("dashboard.urls"))]


@pytest.mark.urls(__name__)
def test_a_page_that_a_server_answered_has_handed_over() -> None:
    assert Client().get("/two/").status_code == 200
    assert Expectation.objects.count() == 2


@pytest.mark.urls(__name__)
def test_so_has_one_that_was_answered_by_asgi() -> None:
    async def ask() -> list[Any]:
        sent: list[Any] = []
        asked = [{"type": "http.request", "body": b""}]

        async def receive() -> Any:
            return asked.pop() if asked else await asyncio.Event().wait()

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "GET", "path": "/two/", "query_string": b""}
        await get_asgi_application()({**scope, "headers": [(b"host", b"localhost")]}, receive, send)
        return sent

    assert async_to_sync(ask)()[0]["status"] == 200
    assert Expectation.objects.count() == 2


def test_what_no_server_answers_is_handed_over_at_once() -> None:
    page = Page(["new"])
    page.request.resolver_match = None
    page.render()
    assert Expectation.objects.get().subject == "task:new"


def test_a_page_of_more_than_a_write_holds_is_written_in_several() -> None:
    page = Page([f"new-{n}" for n in range(501)])
    page.render()
    assert Expectation.objects.count() == 500
    page.request.close()
    assert Expectation.objects.count() == 501


def test_the_total_of_a_group_is_stored_by_the_tag_when_the_request_is_over() -> None:
    app = Celery("tests", broker="memory://", backend="cache+memory://")
    members = [AsyncResult(f"m{n}", app=app) for n in range(12)]
    page = Page([GroupResult("g12", members, app=app)])
    page.render()
    page.request.close()
    assert Expectation.objects.get().total == 12
