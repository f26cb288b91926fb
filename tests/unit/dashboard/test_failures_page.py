"""The page of failures as a browser gets it: who sees what of it, and what is decided by a form."""

import html
import re
import time
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from dashboard.access import DefaultAccess
from dashboard.models import Audit, Failure
from dashboard.views import failures
from dashboard.views import pages as pages_module
from realtime.core import query
from realtime.core.query import Query
from realtime.ports import StoreUnavailable, TooCostly
from tests.unit.dashboard import stored
from tests.unit.dashboard.samples import TRACEBACK

pytestmark = pytest.mark.django_db(transaction=True)

SEES = (
    "view_task",
    "view_failure",
    *(f"view_task_{name}" for name in ("args", "kwargs", "result", "exception", "traceback")),
)
DECIDES = (*SEES, "change_failure", "retry_task")


class OwnRows(DefaultAccess):
    """Everybody sees only some of the tasks."""

    def rows(self, user: Any) -> Query:
        return query.parse("owner:me")


def user(*permissions: str) -> User:
    made = User.objects.create_user(f"user{User.objects.count()}")
    made.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return made


def client(*permissions: str, **options: Any) -> Client:
    made = Client(**options)
    made.force_login(user(*permissions))
    return made


def group(signature: str, **fields: Any) -> Failure:
    now = time.time()
    known = {
        "signature": signature,
        "revision": 1,
        "type": "CardError",
        "message": "order ‹n› was declined",
        "name": "shop.pay",
        "frame": "shop/pay.py:7 in charge",
        "task_id": f"{signature}/0",
        "count": 4,
        "first_seen_at": now - 90_000,
        "last_seen_at": now - 60,
    }
    return Failure.objects.create(**{**known, **fields})


def text(answer: Any) -> str:
    plain = re.sub(
        r"<template.*?</template>|<script.*?</script>", "", answer.content.decode(), flags=re.DOTALL
    )
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", plain)).split())


def get(by: Client, path: str = "", **asked: str) -> Any:
    return by.get(f"/headway/failures/{path}", asked)


def test_groups_are_listed_by_what_was_decided_with_their_numbers() -> None:
    group("a1")
    group("b1", state="muted", type="KeyError")
    group("c1", state="resolved", state_by="ines", type="OSError")
    group("d1", type="OldError", last_seen_at=time.time() - 200_000)
    answer = get(client(*SEES))
    said = text(answer)
    assert "All 3 Open 1 Muted 1 Resolved 1" in said
    assert "CardError order ‹n› was declined shop.pay shop/pay.py:7 in charge" in said
    assert "Muted for good" in said
    assert "Resolved by ines" in said
    assert "OldError" not in said
    assert "OldError" in text(get(client(*SEES), range="7d"))
    only = text(get(client(*SEES), state="muted"))
    assert "KeyError" in only
    assert "CardError" not in only


@pytest.mark.parametrize("asked", [{"range": "9y", "state": "x"}, {"range": "", "state": "'"}])
def test_what_is_no_range_or_state_is_passed_over(asked: dict[str, str]) -> None:
    group("a1")
    answer = get(client(*SEES), **asked)
    assert answer.status_code == 200
    assert 'data-query="since:24h"' in answer.content.decode()


def test_groups_are_searched_by_words_of_type_message_frame_and_name() -> None:
    group("a1")
    group(
        "b1", type="KeyError", message="‹quoted›", name="shop.mail", frame="shop/mail.py:3 in send"
    )
    by = client(*SEES)
    for asked in ("declined", "carderr", "pay.py", "name:shop.p*", "a1"):
        said = text(get(by, query=asked))
        assert "CardError" in said, asked
        assert "KeyError" not in said, asked
    answer = get(by, query="declined", state="open", range="1h")
    markup = answer.content.decode()
    assert 'data-query="since:1h declined"' in markup
    assert 'name="range" value="1h"' in markup
    assert "range=6h&amp;state=open&amp;query=declined" in markup
    assert "No group matches" in text(get(by, query="nothing-like-it"))


def test_who_may_not_read_tracebacks_neither_sees_nor_searches_frames() -> None:
    group("a1")
    by = client(*(name for name in SEES if name != "view_task_traceback"))
    for path in ("", "a1/"):
        answer = get(by, path)
        assert "CardError" in text(answer)
        assert "pay.py" not in answer.content.decode()
    assert "No group matches" in text(get(by, query="pay.py"))
    for path in ("failures", "failures?signature=a1", "failures?query=CardError"):
        told = by.get(f"/headway/api/v1/{path}")
        assert (told.status_code, "CardError" in told.content.decode()) == (200, True), path
        assert "pay.py" not in told.content.decode(), path


def test_a_search_that_cannot_be_read_is_told_with_its_place() -> None:
    group("a1")
    answer = get(client(*SEES), query="queue:mail declined")
    assert answer.status_code == 400
    assert "There is no word" in text(answer)
    assert "CardError" in text(answer)


def failing(n: int, **fields: Any) -> Any:
    kwargs = f"{{'order': {n}, 'region': 'eu'}}"
    return stored.failed(f"a1/{n}", name="shop.pay", args="[]", kwargs=kwargs, **fields)


def write_tasks() -> str:
    """Three tasks that failed alike, and their signature."""
    tasks = [failing(n) for n in range(3)]
    stored.write(tasks)
    return str(tasks[0].signature)


def test_an_unfolded_group_tells_what_its_tasks_share() -> None:
    signature = write_tasks()
    group(signature, task_id="a1/0")
    said = text(get(client(*SEES), f"{signature}/"))
    assert "What they share region 'eu' 3" in said
    assert "order=0" in said
    assert "shop/pay.py:7 in charge" in said
    assert "Retry all" not in said
    assert "Mute" not in said.replace("Muted", "")
    offered = text(get(client(*DECIDES), f"{signature}/"))
    assert "Retry all 3" in offered
    assert "Open the 3 tasks of 4 in all" in offered
    assert "for 1 hour for 1 day for 1 week for good" in offered


def test_a_group_of_one_task_speaks_of_one() -> None:
    task = failing(0)
    stored.write([task])
    group(str(task.signature), task_id="a1/0")
    offered = text(get(client(*DECIDES), f"{task.signature}/"))
    assert "Retry the task" in offered
    assert "Open the task of" in offered


def test_what_a_viewer_may_not_see_is_not_told() -> None:
    signature = write_tasks()
    group(signature, task_id="a1/0")
    said = text(get(client("view_task", "view_failure", "view_task_exception"), f"{signature}/"))
    assert "region" not in said
    assert "order=0" not in said
    assert "may not see all arguments" in said


def test_the_last_own_frame_is_shown_with_its_source(monkeypatch: pytest.MonkeyPatch) -> None:
    signature = write_tasks()
    group(signature, task_id="a1/0")
    real = pages_module.snapshots

    class Reader:
        def __getattr__(self, name: str) -> Any:
            return getattr(real(), name)

        def page(self, select: Any, *more: Any) -> Any:
            found = real().page(select, *more)
            if select.of == "task":
                found.rows[0]["traceback"] = TRACEBACK
            return found

    monkeypatch.setattr(pages_module, "snapshots", Reader)
    source = "subprocess.run(cmd, check=True"
    assert source in text(get(client(*SEES), f"{signature}/"))
    assert source not in text(get(client(*SEES[:-1]), f"{signature}/"))


def test_a_group_from_before_the_range_unfolds_all_the_same() -> None:
    group("a1", last_seen_at=time.time() - 200_000, type="OldError")
    answer = get(client(*SEES), "a1/")
    assert answer.status_code == 200
    assert "OldError" in text(answer)


def test_an_unknown_signature_is_404_with_a_sentence() -> None:
    answer = get(client(*SEES), "nope/")
    assert answer.status_code == 404
    assert "No failure of this signature is known" in text(answer)


@pytest.mark.parametrize(
    ("permissions", "missing"),
    [
        ((), "headway.view_failure"),
        (("view_failure", "view_task_exception"), "headway.view_task"),
        (("view_failure", "view_task"), "headway.view_task_exception"),
    ],
)
@pytest.mark.parametrize("path", ["", "a1/"])
def test_whoever_lacks_a_permission_is_told_which(
    permissions: tuple[str, ...], missing: str, path: str
) -> None:
    group("a1")
    answer = get(client(*permissions), path)
    assert answer.status_code == 403
    assert missing in text(answer)
    assert "CardError" not in text(answer)


def test_whoever_sees_some_tasks_only_gets_a_sentence(settings: Any) -> None:
    group("a1")
    settings.HEADWAY_ACCESS = f"{__name__}.OwnRows"
    for path in ("", "a1/"):
        answer = get(client(*SEES), path)
        assert answer.status_code == 403
        assert "you may see only some of them" in text(answer)


def test_strangers_are_sent_to_sign_in() -> None:
    assert get(Client()).status_code == 302


@pytest.mark.parametrize("error", [StoreUnavailable, TooCostly])
def test_a_database_that_is_away_is_told(monkeypatch: Any, error: type[Exception]) -> None:
    by = client(*SEES)

    def away() -> Any:
        class Reader:
            def page(self, *_: Any) -> Any:
                raise error

        return Reader()

    monkeypatch.setattr(pages_module, "snapshots", away)
    assert get(by).status_code == 503


def decide(by: Client, **form: str) -> Any:
    return by.post("/headway/failures/a1/?range=1h&state=open", form)


@pytest.mark.parametrize(("decision", "state"), [("mute", "muted"), ("resolve", "resolved")])
def test_a_decision_by_form_is_kept_and_audited(decision: str, state: str) -> None:
    group("a1")
    answer = decide(client(*DECIDES), decision=decision)
    assert answer.status_code == 302
    assert answer["Location"] == "/headway/failures/a1/?range=1h&state=open"
    assert Failure.objects.get().state == state
    assert Audit.objects.get().action == decision


def test_a_muting_ends_when_the_form_says() -> None:
    group("a1")
    decide(client(*DECIDES), decision="mute", **{"for": "day"})
    until = Failure.objects.get().muted_until
    assert until is not None
    assert abs(until - time.time() - 86_400) < 30


def test_nobody_decides_without_permission_or_from_elsewhere() -> None:
    group("a1")
    assert decide(client(*SEES), decision="resolve").status_code == 403
    forged = client(*DECIDES, enforce_csrf_checks=True)
    assert decide(forged, decision="resolve").status_code == 403
    blind = client("view_task", "view_failure", "change_failure")
    assert decide(blind, decision="resolve").status_code == 403
    decide(client(*DECIDES), decision="delete")
    assert Failure.objects.get().state == "open"
    assert not Audit.objects.exists()


def test_a_decision_that_cannot_be_written_is_told(monkeypatch: Any) -> None:
    def away(*_: Any) -> Any:
        raise StoreUnavailable

    monkeypatch.setattr(failures.triage, "decide", away)
    assert decide(client(*DECIDES), decision="resolve").status_code == 503
