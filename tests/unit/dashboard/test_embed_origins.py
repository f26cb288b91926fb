"""`/embed/v1/` for the pages of other sites: which of them may read it, and how often."""

from typing import Any

import pytest
from django.test import Client

from dashboard.throttle import Budget, Rate
from dashboard.views import cors
from tests.unit.dashboard import embedded
from tests.unit.dashboard.embedded import BASE, NOW, ORIGIN, Shelf, get, problem, token


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Shelf:
    return embedded.shelve(monkeypatch, settings)


def test_pages_of_an_allowed_origin_may_read_the_answer(shelf: Shelf) -> None:
    answer = get("tasks/t1", token(), Origin=ORIGIN)
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "Origin" in answer.headers["Vary"]
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "ETag" in answer.headers["Access-Control-Expose-Headers"]


def test_refusals_can_be_read_by_those_pages_too(shelf: Shelf) -> None:
    answer = get("tasks/t1", token(exp=NOW - 1), Origin=ORIGIN)
    assert problem(answer) == (401, "token_expired")
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "https://shop.example.evil.example", "x", "http://["]
)
def test_pages_of_other_origins_are_refused(shelf: Shelf, origin: str) -> None:
    answer = get("tasks/t1", token(), Origin=origin)
    assert problem(answer) == (403, "origin_not_allowed")
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert shelf.asked == []


def test_our_own_pages_need_no_leave(shelf: Shelf) -> None:
    answer = get("tasks/t1", token(), Origin="http://testserver", Host="testserver")
    assert answer.status_code == 200
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("states", "POST"),
        ("stream", "POST"),
        ("tasks/t1", "GET"),
        ("groups/g1", "GET"),
        ("tasks/t1/cancel", "POST"),
        ("tasks/t1/retry", "POST"),
        ("groups/g1/cancel", "POST"),
    ],
)
def test_browsers_may_ask_before_they_ask(shelf: Shelf, path: str, methods: str) -> None:
    answer = Client().options(BASE + path, headers={"Origin": ORIGIN})
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert answer.headers["Access-Control-Allow-Methods"] == methods
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
    refused = Client().options(BASE + path, headers={"Origin": "https://evil.example"})
    assert refused.status_code == 403


def test_other_methods_are_refused(shelf: Shelf) -> None:
    answer = Client().get(BASE + "states")
    assert problem(answer) == (405, "bad_method")
    assert answer.headers["Allow"] == "POST"


def test_an_address_that_asks_too_often_waits(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cors, "budget", Budget(Rate(2, 30.0)))
    monkeypatch.setattr(cors.time, "monotonic", lambda: 100.0)
    assert [get("tasks/t1", token()).status_code for _ in range(2)] == [200, 200]
    answer = get("tasks/t1", token())
    assert problem(answer) == (429, "too_fast")
    assert answer.headers["Retry-After"] == "30"
