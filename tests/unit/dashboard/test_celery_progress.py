"""celery-progress's own JavaScript goes on: its JSON, but only for whoever may see the task."""

import time
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client, override_settings
from django.urls import include, path, reverse

from dashboard import shown, tokens
from dashboard.compat import celery_progress
from dashboard.compat.celery_progress import Seen, answer, group_answer
from realtime.core import public
from realtime.core.public import Shown
from realtime.ports import Page, StoreUnavailable, StreamInfo
from tests.unit.dashboard.embedded import KEY, NOW, SECRETS, Shelf, group_row, row, running, visitor

urlpatterns = [path("celery-progress/", include("dashboard.compat.celery_progress"))]

pytestmark = pytest.mark.django_db


def told(whole: dict[str, Any] | None, why: str | None = None) -> dict[str, Any]:
    shown_row = public.task_row(whole, None, Shown(has_result=True), NOW, id="t1")
    made = answer(Seen(shown_row, why))
    assert_script_can_read(made)
    return made


def assert_script_can_read(data: dict[str, Any]) -> None:
    """What `CeleryProgressBar.onData` of celery-progress 0.5 takes for granted."""
    progress = data["progress"]
    assert isinstance(progress["percent"], int | float)
    assert 0 <= progress["percent"] <= 100
    assert isinstance(progress["current"], int | float)
    assert isinstance(progress["total"], int | float)
    assert data["complete"] in (True, False)  # undefined is a "Data Error"
    if not data["complete"]:
        assert data["success"] is None
        assert isinstance(progress["pending"], bool)
    elif data["success"] is False and data["state"] == "RETRY":
        assert set(data["result"]) == {"next_retry_seconds", "message"}
    elif data["success"] is False:
        assert isinstance(data["result"], str)  # shown after "something went wrong"
    else:
        assert data["success"] is True
        assert "result" in data


def open_row(status: str, **fields: Any) -> dict[str, Any]:
    return running(status=status, started_at=None, progress=None, **fields)


def test_a_task_that_waits_is_pending() -> None:
    nothing = {"pending": True, "current": 0, "total": 100, "percent": 0}
    for whole in (None, open_row("queued"), open_row("reserved"), open_row("scheduled")):
        expected = {"state": "PENDING", "complete": False, "success": None, "progress": nothing}
        assert told(whole) == expected


def test_a_task_that_began_is_started() -> None:
    made = told(running(progress=None))
    assert (made["state"], made["progress"]["pending"]) == ("STARTED", False)


def test_progress_is_told_as_it_was_reported() -> None:
    assert told(running()) == {
        "state": "PROGRESS",
        "complete": False,
        "success": None,
        "progress": {
            "pending": False,
            "current": 4,
            "total": 10,
            "percent": 40.0,
            "description": "Reading",
        },
    }


def test_progress_of_an_unknown_total_is_none_of_a_hundred() -> None:
    whole = running(percent=None)
    whole["progress"] |= {"total": None}
    assert told(whole)["progress"] | {"description": ""} == {
        "pending": False,
        "current": 0,
        "total": 100,
        "percent": 0.0,
        "description": "",
    }


@pytest.mark.parametrize(
    ("stored", "value"),
    [
        ("'done'", "done"),
        ("{'rows': 3}", {"rows": 3}),
        ("None", None),
        ("<Film 7>", "<Film 7>"),
        ("[" * 5_000, "[" * 5_000),
        ("{(1, 2): 3}", "{(1, 2): 3}"),
        ("[b'bytes', {1}]", "[b'bytes', {1}]"),
        ("[1e999]", "[1e999]"),
        (None, None),
    ],
    ids=repr,
)
def test_a_task_that_succeeded_gives_its_result(stored: str | None, value: object) -> None:
    made = told(row(conclusion="succeeded", result=stored, exception=None))
    assert made == {
        "state": "SUCCESS",
        "complete": True,
        "success": True,
        "progress": {"pending": False, "current": 100, "total": 100, "percent": 100},
        "result": value,
    }


@pytest.mark.parametrize("conclusion", ["failed", "rejected", "expired", "lost"])
def test_a_task_that_failed_says_so(conclusion: str) -> None:
    made = told(row(conclusion=conclusion))
    assert (made["state"], made["success"]) == ("FAILURE", False)
    assert made["result"]
    assert told(row(conclusion=conclusion), "E('no')")["result"] == "E('no')"


def test_a_task_that_was_cancelled_says_so() -> None:
    made = told(row(conclusion="cancelled"))
    assert (made["state"], made["result"]) == ("REVOKED", "Task cancelled")


def test_a_task_that_is_tried_again_says_when() -> None:
    made = told(open_row("retrying", retry_at=NOW + 9.2), "E('x')" * 20)
    assert made["state"] == "RETRY"
    assert made["result"]["next_retry_seconds"] == 10
    assert len(made["result"]["message"]) == 53
    assert told(open_row("retrying"))["result"]["next_retry_seconds"] == "Unknown"


def test_a_group_is_told_in_hundreds() -> None:
    made = group_answer(public.group_row(group_row(), None, Shown(), NOW, id="g1"))
    progress = {"total": 400, "current": 200, "percent": 50.0}
    assert made == {"complete": False, "success": False, "progress": progress}
    over = group_row(status="completed", conclusion="succeeded", percent=100.0)
    made = group_answer(public.group_row(over, None, Shown(), NOW, id="g1"))
    assert (made["complete"], made["success"], made["progress"]["percent"]) == (True, True, 100.0)


def test_a_group_of_an_unknown_number_has_no_percent() -> None:
    made = group_answer(public.group_row(group_row(total=None), None, Shown(), NOW, id="g1"))
    assert made["progress"] == {"total": 400, "current": 0, "percent": 0.0}


# Who may see it


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Shelf:
    settings.HEADWAY_EMBED_KEY = KEY
    settings.ROOT_URLCONF = __name__
    shelf = Shelf(row(), running("t2"), group_row())
    monkeypatch.setattr(tokens, "reader", lambda: shelf)
    info = StreamInfo(epoch="e1", revision=9, floor=0, alive_at=time.time())
    monkeypatch.setattr(shown.queries.Reader, "stream", lambda self: info)

    def page(self: object, select: Any, *_: object) -> Page:
        return Page([shelf.tasks[id_] for id_ in select.ids if id_ in shelf.tasks], "e1", 9)

    monkeypatch.setattr(shown.queries.Reader, "page", page)
    return shelf


def operator(*permissions: str) -> Client:
    user = User.objects.create_user("ann")
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def test_its_addresses_are_those_of_the_original(shelf: Shelf) -> None:
    assert reverse("celery_progress:task_status", args=["t1"]) == "/celery-progress/t1/"
    assert reverse("celery_progress:group_status", args=["g1"]) == "/celery-progress/g/g1/"


def test_whoever_was_given_the_task_sees_its_public_view(shelf: Shelf) -> None:
    answer = visitor("t1").get("/celery-progress/t1/")
    assert answer.json()["state"] == "FAILURE"
    assert [secret for secret in SECRETS if secret in answer.content.decode()] == []
    assert "no-store" in answer.headers["Cache-Control"]


def test_a_result_is_seen_only_where_it_was_granted(shelf: Shelf) -> None:
    shelf.tasks["t1"] = row(conclusion="succeeded", exception=None)
    assert visitor("t1").get("/celery-progress/t1/").json()["result"] is None
    seen = visitor("t1", can=["result"]).get("/celery-progress/t1/").json()
    assert seen["result"] == "result-secret"


def test_whoever_has_only_the_id_sees_nothing(shelf: Shelf) -> None:
    for client in (Client(), visitor("t2"), operator()):
        for address in ("/celery-progress/t1/", "/celery-progress/g/g1/"):
            answer = client.get(address)
            assert answer.status_code == 403
            assert set(answer.json()) == {"detail"}
    assert Client().get("/celery-progress/nothing/").status_code == 403


def test_an_operator_sees_what_the_permissions_say(shelf: Shelf) -> None:
    client = operator("view_task")
    seen = client.get("/celery-progress/t1/")
    assert [secret for secret in SECRETS if secret in seen.content.decode()] == []
    assert client.get("/celery-progress/unheard-of/").json()["state"] == "PENDING"
    assert client.get("/celery-progress/g/g1/").json()["progress"]["percent"] == 50.0
    User.objects.all().delete()
    told = operator("view_task", "view_task_exception").get("/celery-progress/t1/").json()
    assert told["result"] == "ConnectionError('redis://user:hunter2@broker/0')"


def test_a_group_is_seen_by_whoever_was_given_it(shelf: Shelf) -> None:
    answer = visitor(group="g1").get("/celery-progress/g/g1/")
    assert answer.json()["progress"]["current"] == 200


def test_a_store_that_is_away_is_an_error_to_the_script(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = visitor("t1")

    def fail(*_: object) -> None:
        raise StoreUnavailable("db.secret")

    monkeypatch.setattr(shelf, "public", fail)
    answer = client.get("/celery-progress/t1/")
    assert answer.status_code == 503
    assert "secret" not in answer.content.decode()


@override_settings(ROOT_URLCONF=__name__)
def test_it_is_read_only() -> None:
    assert Client().post("/celery-progress/t1/").status_code == 405
    assert celery_progress.app_name == "celery_progress"
