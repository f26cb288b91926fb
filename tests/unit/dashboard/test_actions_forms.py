"""Revoke and retry by plain forms: what is offered, asked, done and said."""

import html
import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from dashboard import auditing, dispatch
from dashboard.models import Audit
from dashboard.views import actions_forms
from realtime.ports import StoreUnavailable
from tests.unit.dashboard import stored
from tests.unit.dashboard.test_actions import FakeBroker

pytestmark = pytest.mark.django_db(transaction=True)

MAY = ("view_task", "revoke_task", "retry_task")


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch, settings: Any) -> FakeBroker:
    settings.HEADWAY_BROKER_URL = "memory://"
    broker = FakeBroker()
    monkeypatch.setattr(dispatch, "opened", lambda app: broker)
    tasks = [
        stored.queued("q/1", name="shop.mail"),
        stored.running("r1", name="shop.encode"),
        stored.failed("f1", name="shop.pay", args="[1]", kwargs="{}"),
    ]
    stored.write(tasks, [stored.worker()])
    return broker


def client(*permissions: str, **options: Any) -> Client:
    user = User.objects.create_user(f"user{User.objects.count()}")
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    made = Client(**options)
    made.force_login(user)
    return made


def said(answer: Any) -> str:
    main = answer.content.decode().partition("<main")[2].partition("</main>")[0]
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", main)).split())


def act(by: Client, action: str, task_id: str, **form: str) -> Any:
    answer = by.post(f"/headway/actions/{action}/{task_id}/", {"confirmed": "1", **form})
    return by.get(answer["Location"]) if answer.status_code == 302 else answer


def buttons(by: Client, task_id: str) -> list[tuple[str, bool]]:
    """The actions that a task's page offers, and whether each makes sense."""
    page = by.get(f"/headway/tasks/{task_id}/").content.decode()
    found = re.findall(r'<button[^>]* data-act="(\w+)"[^>]*>', page)
    sensible = [
        "aria-disabled" not in tag for tag in re.findall(r"<button[^>]* data-act=[^>]*>", page)
    ]
    return list(zip(found, sensible, strict=True))


def test_a_page_offers_what_its_viewer_may_and_says_what_makes_sense(broker: FakeBroker) -> None:
    assert buttons(client(*MAY), "f1") == [("retry", True), ("revoke", False)]
    assert buttons(client(*MAY), "r1") == [("retry", False), ("revoke", True)]
    assert buttons(client(*MAY), "q/1") == [("retry", False), ("revoke", True)]
    assert buttons(client("view_task", "retry_task"), "f1") == [("retry", True)]
    assert buttons(client("view_task"), "f1") == []


def test_nothing_is_done_before_it_was_asked(broker: FakeBroker) -> None:
    by = client(*MAY)
    asked = said(by.get("/headway/actions/retry/f1/"))
    assert "Retry this task? Failed shop.pay f1" in asked
    assert "Terminate this task?" in said(by.get("/headway/actions/revoke/r1/"))
    assert "Also terminate it" in said(by.get("/headway/actions/revoke/q/1/"))
    assert "Retry this task?" in said(by.post("/headway/actions/retry/f1/"))
    assert (broker.sent, broker.revoked) == ([], [])


def test_a_retry_says_what_it_sent(broker: FakeBroker) -> None:
    answer = act(client(*MAY), "retry", "f1")
    assert "It was sent again. New task" in said(answer)
    assert len(broker.sent) == 1
    entry = Audit.objects.get()
    assert (entry.action, entry.target, entry.outcome) == ("retry", "f1", "done")
    assert f"/headway/tasks/{entry.new_id}/" in answer.content.decode()


def test_a_running_task_is_terminated_by_the_signal_that_was_chosen(broker: FakeBroker) -> None:
    answer = act(client(*MAY), "revoke", "r1", terminate="1", signal="SIGKILL")
    assert "Its worker was told to end it." in said(answer)
    assert broker.revoked == [(["r1"], "SIGKILL")]
    act(client(*MAY), "revoke", "r1", terminate="1", signal="SIGHUP; rm")
    assert broker.revoked[-1] == (["r1"], "SIGTERM")


def test_a_waiting_task_is_revoked(broker: FakeBroker) -> None:
    answer = act(client(*MAY), "revoke", "q/1")
    assert "It is revoked: workers will pass it over." in said(answer)
    assert broker.revoked == [(["q/1"], None)]


def test_a_refusal_is_said_on_the_page_of_the_task(broker: FakeBroker) -> None:
    by = client(*MAY)
    assert "only what is over can be tried again" in said(act(by, "retry", "r1"))
    assert "there is nothing left to revoke" in said(act(by, "revoke", "f1"))
    assert Audit.objects.filter(outcome="refused").count() == 2


def test_what_is_not_known_is_neither_done_nor_audited(broker: FakeBroker) -> None:
    by = client(*MAY)
    assert by.get("/headway/actions/retry/never/")["Location"] == "/headway/tasks/never/"
    assert act(by, "retry", "never").status_code == 404
    assert by.get("/headway/actions/forget/f1/").status_code == 404
    assert not Audit.objects.exists()


def test_nobody_acts_without_permission_or_from_elsewhere(broker: FakeBroker) -> None:
    for by in (
        client(),
        client("view_task"),
        client("view_task", "revoke_task"),
        client("retry_task"),
        client(*MAY, enforce_csrf_checks=True),
    ):
        assert act(by, "retry", "f1").status_code == 403
    assert Client().post("/headway/actions/retry/f1/").status_code == 302
    assert broker.sent == []
    assert not Audit.objects.exists()


def test_a_page_without_a_celery_app_says_so(broker: FakeBroker, settings: Any) -> None:
    settings.HEADWAY_BROKER_URL = None
    settings.HEADWAY_CELERY_APP = None
    assert "knows no Celery app" in said(act(client(*MAY), "retry", "f1"))


def test_a_database_that_is_away_is_told(broker: FakeBroker, monkeypatch: Any) -> None:
    by = client(*MAY)

    def away(*_: Any, **__: Any) -> Any:
        raise StoreUnavailable

    monkeypatch.setattr(auditing, "write", away)
    assert "It was sent again." in said(act(by, "retry", "f1"))
    monkeypatch.setattr(actions_forms, "snapshots", away)
    assert by.get("/headway/actions/retry/f1/").status_code == 503


def test_what_others_wrote_into_the_address_is_not_said(broker: FakeBroker) -> None:
    page = client(*MAY).get("/headway/tasks/f1/", {"told": "It was sent again."})
    assert "It was sent again." not in said(page)
