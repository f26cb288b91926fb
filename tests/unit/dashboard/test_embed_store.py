"""Tokens against the database itself: what a failing task had on it reaches nobody."""

import json
import time
from typing import Any

import pytest
from django.test import Client

from dashboard import tokens
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
