"""Keys, tokens and a store of public rows for the tests of embedding."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import jwt
import pytest
from django.http import HttpRequest
from django.test import Client

from dashboard import refused, shown, tokens
from dashboard.throttle import Budget, Rate
from dashboard.views import cors
from realtime.embedding import Expected, PublicPage, Usual
from realtime.ports import StreamInfo

BASE = "/headway/embed/v1/"
KEY = "k" * 31 + "1"
OTHER_KEY = "k" * 31 + "2"
NOW = 1_795_269_731.0
ORIGIN = "https://shop.example"

SECRETS = (
    "shop.secret_name",
    "queue-of-secrets",
    "worker@secret-host",
    "argument-secret",
    "redis://user:hunter2@broker/0",
    "/srv/secret/path.py",
    "result-secret",
    "signature-secret",
    "owner-secret",
    "root-secret",
    "parent-secret",
)
"""Planted in every field of a whole row; none may leave, the result only where it is granted."""


def row(id_: str = "t1", **fields: Any) -> dict[str, Any]:
    """A whole row of a task that failed, with something secret in each field that has one."""
    return {
        "id": id_,
        "name": "shop.secret_name",
        "state": "FAILURE",
        "status": "completed",
        "conclusion": "failed",
        "queue": "queue-of-secrets",
        "worker": "worker@secret-host",
        "priority": 3,
        "retries": 1,
        "eta": None,
        "expires": None,
        "first_seen_at": NOW - 20,
        "sent_at": NOW - 20,
        "received_at": NOW - 19,
        "started_at": NOW - 18,
        "finished_at": NOW - 8,
        "updated_at": NOW - 8,
        "wait": 2.0,
        "runtime": 10.0,
        "progress": None,
        "args": ["argument-secret"],
        "kwargs": {"key": "argument-secret"},
        "result": "'result-secret'",
        "exception": "ConnectionError('redis://user:hunter2@broker/0')",
        "traceback": 'File "/srv/secret/path.py", line 1',
        "attempts": [{"number": 1, "worker": "worker@secret-host", "exception": "argument-secret"}],
        "errors": [{"exception": "argument-secret", "traceback": "/srv/secret/path.py"}],
        "signature": "signature-secret",
        "root_id": "root-secret",
        "parent_id": "parent-secret",
        "group_id": None,
        "owner": "owner-secret",
        "label": "Your video",
        "retry_at": None,
        "reason": "worker@secret-host is gone",
        "revision": 7,
    } | fields


def running(id_: str = "t1", percent: float | None = 40.0, **fields: Any) -> dict[str, Any]:
    """A whole row of a task that runs."""
    progress = {
        "current": 4,
        "total": 10,
        "percent": percent,
        "unit": "pages",
        "message": "Reading",
        "stage": None,
        "stages": None,
        "updated_at": NOW - 1,
    }
    running = {"state": "STARTED", "status": "running", "conclusion": None, "finished_at": None}
    running |= {"exception": None, "traceback": None, "result": None, "runtime": None}
    return row(id_, **(running | {"progress": progress} | fields))


def group_row(id_: str = "g1", **fields: Any) -> dict[str, Any]:
    """A whole row of a group of four."""
    return {
        "id": id_,
        "status": "running",
        "conclusion": None,
        "total": 4,
        "parts": 4,
        "percent": 50.0,
        "succeeded": 1,
        "failed": 1,
        "cancelled": 0,
        "running": 1,
        "waiting": 1,
        "first_seen_at": NOW - 20,
        "updated_at": NOW - 1,
        "finished_at": None,
        "revision": 9,
    } | fields


class Shelf:
    """A `PublicReads` of what it is given."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        self.tasks = {str(row["id"]): row for row in rows if "parts" not in row}
        self.groups = {str(row["id"]): row for row in rows if "parts" in row}
        self.expected: dict[str, Expected] = {}
        self.lines: dict[str, list[tuple[float, str]]] = {}
        self.usually: dict[str, Usual] = {}
        self.asked: list[list[str]] = []

    def public(self, subjects: Collection[str]) -> PublicPage:
        self.asked.append(sorted(subjects))
        named = {tuple(subject.split(":", 1)) for subject in subjects}
        return PublicPage(
            {id_: row for id_, row in self.tasks.items() if ("task", id_) in named},
            {id_: row for id_, row in self.groups.items() if ("group", id_) in named},
            {key: value for key, value in self.expected.items() if key in subjects},
            "e1",
            9,
        )

    def places(self, queues: Collection[str]) -> Mapping[str, Sequence[tuple[float, str]]]:
        return {queue: self.lines.get(queue, []) for queue in queues}

    def usual(self, names: Collection[str]) -> Mapping[str, Usual]:
        return {name: self.usually[name] for name in names if name in self.usually}

    def vouch(self, subjects: Mapping[str, Expected]) -> None:
        for subject, expected in subjects.items():
            self.expected.setdefault(subject, expected)


def token(key: str = KEY, algorithm: str = "HS256", **claims: Any) -> str:
    """A token as any program may make it; a claim of None is left out."""
    payload = {"aud": "headway", "exp": NOW + 900, "iat": NOW, "tasks": ["t1"]} | claims
    kept = {name: value for name, value in payload.items() if value is not None}
    return jwt.encode(kept, key, algorithm)


def shelve(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Shelf:
    """Have `/embed/v1/` read three rows of a shelf: the running task t1, t2 and a group."""
    settings.HEADWAY_EMBED_KEY = [KEY]
    settings.HEADWAY_ALLOWED_ORIGINS = [ORIGIN]
    shelf = Shelf(running(), row("t2"), group_row())
    monkeypatch.setattr(tokens, "reader", lambda: shelf)
    monkeypatch.setattr(shown, "instant", lambda: NOW)
    info = StreamInfo(epoch="e1", revision=9, floor=0, alive_at=NOW)
    monkeypatch.setattr(shown.queries.Reader, "stream", lambda self: info)
    monkeypatch.setattr(cors, "budget", Budget(Rate(10_000, 0.001)))
    refused.counts.clear()
    return shelf


def visitor(*args: Any, **how: Any) -> Client:
    """A client whose session was given a token: what `mint` takes."""
    client = Client()
    request = HttpRequest()
    request.session = client.session
    tokens.mint(*args, request=request, **how)
    request.session.save()
    client.cookies["sessionid"] = request.session.session_key
    return client


def post(path: str, body: object, **headers: str) -> Any:
    data = body if isinstance(body, bytes | str) else json.dumps(body)
    return Client().post(BASE + path, data, content_type="application/json", headers=headers)


def get(path: str, by: str | None = None, **headers: str) -> Any:
    bearer = {"Authorization": f"Bearer {by}"} if by else {}
    return Client().get(BASE + path, headers=bearer | headers)


def states(subjects: list[str], **by: str) -> dict[str, Any]:
    answer = post("states", {"tokens": by or {"a": token()}, "subjects": subjects})
    assert answer.status_code == 200
    return dict(answer.json())


def problem(answer: Any) -> tuple[int, str]:
    assert answer.headers["Content-Type"] == "application/problem+json"
    told = answer.json()
    assert told["detail"].endswith((".", "..."))
    assert told["status"] == answer.status_code
    return answer.status_code, told["code"]
