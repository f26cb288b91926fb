"""A token's holder cancels and tries again where that is granted; each is audited, and each refusal
is a sentence that tells nothing of the cluster."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from dashboard import actions, claims, dispatch, shown, tokens
from dashboard.claims import LONGEST_S
from dashboard.dispatch import NotSent
from dashboard.models import Audit, Claim
from dashboard.throttle import Budget, Rate
from dashboard.views import cors, embed_actions
from realtime import testing
from realtime.core.public import Expected
from realtime.core.wire import task_row
from realtime.ports import StoreUnavailable
from realtime.testing import Raw
from tests.unit.dashboard import stored
from tests.unit.dashboard.embedded import BASE, KEY, NOW, Shelf, group_row, problem, token
from tests.unit.dashboard.test_actions import FakeBroker

pytestmark = pytest.mark.django_db(transaction=True)


def _member(task_id: str) -> Raw:
    return testing.task_context(task_id, group="g1")


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch, settings: Any) -> FakeBroker:
    settings.HEADWAY_BROKER_URL = "memory://"
    broker = FakeBroker()
    monkeypatch.setattr(dispatch, "opened", lambda app: broker)
    return broker


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch, settings: Any, broker: FakeBroker) -> Shelf:
    """What is stored, as tokens see it; the actions read the store itself."""
    settings.HEADWAY_EMBED_KEY = KEY
    tasks = [
        stored.queued("q1", name="shop.mail"),
        stored.running("r1", name="shop.mail"),
        stored.failed("f1", name="shop.mail", args="('s3cret',)", kwargs="{}"),
        stored.failed("blank", name="shop.mail", args="(<Film 7>,)"),
        stored.succeeded("s1", name="shop.mail"),
        stored.told(testing.task_received("g/1"), _member("g/1")),
        stored.told(testing.task_received("g/2"), _member("g/2"), testing.task_succeeded("g/2")),
        stored.told(testing.task_received("g/3"), _member("g/3"), testing.task_started("g/3")),
    ]
    stored.write(tasks, [stored.worker()])
    shelf = Shelf(*(task_row(task, 1) for task in tasks), group_row())
    monkeypatch.setattr(tokens, "reader", lambda: shelf)
    monkeypatch.setattr(shown, "instant", lambda: NOW)
    monkeypatch.setattr(cors, "budget", Budget(Rate(10_000, 0.001)))
    return shelf


def act(path: str, by: str) -> Any:
    return Client().post(BASE + path, headers={"Authorization": f"Bearer {by}"})


def told(task_id: str, what: str, *can: str) -> Any:
    return act(f"tasks/{task_id}/{what}", token(tasks=[task_id], can=list(can)))


def audited() -> list[tuple[str, str, str, str, str | None]]:
    fields = ("user", "action", "target", "outcome", "new_id")
    return list(Audit.objects.order_by("id").values_list(*fields))


def test_a_task_that_waits_is_cancelled(shelf: Shelf, broker: FakeBroker) -> None:
    answer = told("q1", "cancel", "cancel")
    assert answer.json() == {"id": "q1", "label": None, "outcome": "done"}
    assert broker.revoked == [(["q1"], "SIGTERM")]
    assert audited() == [("embed", "revoke", "q1", "done", None)]


def test_a_task_that_runs_is_ended(shelf: Shelf, broker: FakeBroker) -> None:
    assert told("r1", "cancel", "cancel").status_code == 200
    assert broker.revoked == [(["r1"], "SIGTERM")]


def test_where_a_pool_ends_no_task_the_task_is_told(shelf: Shelf, broker: FakeBroker) -> None:
    stored.write(workers=[stored.worker(pool="threads")])
    assert told("r1", "cancel", "cancel").status_code == 200
    assert broker.revoked == [(["r1"], None)]


@pytest.mark.parametrize(
    ("task_id", "what", "can", "expected"),
    [
        ("q1", "cancel", (), (403, "not_granted")),
        ("q1", "cancel", ("retry", "result"), (403, "not_granted")),
        ("f1", "retry", ("cancel",), (403, "not_granted")),
        ("s1", "cancel", ("cancel",), (409, "finished")),
        ("q1", "retry", ("retry",), (409, "unfinished")),
        ("s1", "retry", ("retry",), (409, "not_failed")),
        ("blank", "retry", ("retry",), (409, "not_repeatable")),
    ],
)
def test_what_cannot_be_done_is_refused(
    shelf: Shelf,
    broker: FakeBroker,
    task_id: str,
    what: str,
    can: tuple[str, ...],
    expected: tuple[int, str],
) -> None:
    assert problem(told(task_id, what, *can)) == expected
    assert (broker.revoked, broker.sent) == ([], [])


def test_a_running_task_whose_worker_is_gone_cannot_be_stopped(
    shelf: Shelf, broker: FakeBroker
) -> None:
    stored.write(workers=[stored.worker(state="gone"), stored.worker("other@host")])
    answer = told("r1", "cancel", "cancel")
    assert problem(answer) == (409, "not_stoppable")
    assert "worker" not in answer.content.decode()
    assert audited() == [("embed", "revoke", "r1", "refused", None)]


def test_a_task_that_only_the_token_knows_of_is_asked_for_later(shelf: Shelf) -> None:
    assert problem(told("new", "cancel", "cancel")) == (409, "not_seen")
    assert audited() == []


def test_another_task_is_refused(shelf: Shelf, broker: FakeBroker) -> None:
    for path in ("tasks/q1/cancel", "tasks/f1/retry", "groups/g1/cancel"):
        answer = act(path, token(tasks=["t9"], can=["cancel", "retry"]))
        assert problem(answer) == (403, "not_allowed")
    assert (broker.revoked, broker.sent, audited()) == ([], [], [])


def test_a_failed_task_is_sent_again_and_the_new_one_may_be_followed(
    shelf: Shelf, broker: FakeBroker
) -> None:
    by = token(tasks=["f1"], can=["retry", "cancel"], label="Film")
    answer = act("tasks/f1/retry", by).json()
    assert set(answer) == {"id", "token"}
    grant = tokens.current().verify(answer["token"], NOW)
    assert grant.tasks == {answer["id"]}
    assert (grant.label, grant.can) == ("Film", {"retry", "cancel"})
    assert grant.expires_at == NOW + 900
    assert [sent["args"] for sent in broker.sent] == [["s3cret"]]
    assert shelf.expected == {f"task:{answer['id']}": Expected(NOW)}
    assert audited() == [("embed", "retry", "f1", "done", answer["id"])]


def test_a_second_click_is_no_second_task(shelf: Shelf, broker: FakeBroker) -> None:
    first, second = (told("f1", "retry", "retry").json()["id"] for _ in range(2))
    assert first == second
    assert len(broker.sent) == 1


@pytest.mark.parametrize(
    ("task_id", "what", "code"),
    [("f1", "retry", "being_retried"), ("q1", "cancel", "being_cancelled")],
)
def test_of_two_processes_at_once_one_does_it_and_the_other_is_told(
    shelf: Shelf,
    broker: FakeBroker,
    monkeypatch: pytest.MonkeyPatch,
    task_id: str,
    what: str,
    code: str,
) -> None:
    is_checked, may_send = threading.Event(), threading.Event()
    perform = actions.perform

    def slow(*args: Any) -> Any:
        is_checked.set()
        assert may_send.wait(20)
        return perform(*args)

    monkeypatch.setattr(actions, "perform", slow)
    with ThreadPoolExecutor(1) as other:
        first = other.submit(_told_and_closed, task_id, what)
        assert is_checked.wait(20)
        # Where nothing keeps the second from beginning, it would wait as the first does.
        monkeypatch.setattr(actions, "perform", perform)
        second = problem(told(task_id, what, what))
        may_send.set()
        assert first.result(20).status_code == 200
    assert second == (409, code)
    assert len(broker.sent) + len(broker.revoked) == 1
    assert len(audited()) == 1
    assert not Claim.objects.exists()


def _told_and_closed(task_id: str, what: str) -> Any:
    try:
        return told(task_id, what, what)
    finally:
        connection.close()


def test_of_many_clicks_at_once_one_task_is_made(
    shelf: Shelf, broker: FakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = threading.Barrier(4)
    first_look = embed_actions._retried_as
    seen = threading.local()

    def all_look(task_id: str) -> str | None:
        found = first_look(task_id)
        if not getattr(seen, "has_looked", False):
            seen.has_looked = True
            looked.wait(20)
        return found

    monkeypatch.setattr(embed_actions, "_retried_as", all_look)
    with ThreadPoolExecutor(4) as others:
        asked = [others.submit(_told_and_closed, "f1", "retry") for _ in range(4)]
        answers = [each.result(30) for each in asked]
    assert len(broker.sent) == 1
    made = {answer.json()["id"] for answer in answers if answer.status_code == 200}
    assert made == {"new-1"}
    assert {problem(each) for each in answers if each.status_code != 200} <= {
        (409, "being_retried")
    }


def test_what_a_process_died_of_is_done_again_after_two_minutes(
    shelf: Shelf, broker: FakeBroker
) -> None:
    at = time.time()
    claim = Claim.objects.create(act="retry task:f1", holder="dead", at=at)
    assert problem(told("f1", "retry", "retry")) == (409, "being_retried")
    claim.at = at - LONGEST_S - 1
    claim.save()
    assert told("f1", "retry", "retry").json()["id"] == "new-1"


def test_without_a_claim_nothing_is_done(
    shelf: Shelf, broker: FakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> int:
        raise StoreUnavailable("The database at db.internal did not take it.")

    monkeypatch.setattr(claims, "_execute", broken)
    for answer in (told("f1", "retry", "retry"), told("q1", "cancel", "cancel")):
        assert problem(answer) == (503, "unavailable")
        assert "db.internal" not in answer.content.decode()
    assert (broker.sent, broker.revoked) == ([], [])


def test_what_an_operator_retried_may_be_retried(shelf: Shelf, broker: FakeBroker) -> None:
    Audit.objects.create(
        at=1, user="ann", action="retry", kind="task", target="f1", outcome="done", new_id="x"
    )
    assert told("f1", "retry", "retry").json()["id"] == "new-1"


@pytest.mark.parametrize("reason", ["no_queue", "not_sent"])
def test_a_task_that_cannot_be_sent_is_told_without_the_reason(
    shelf: Shelf, broker: FakeBroker, reason: str
) -> None:
    broker.broken["shop.mail"] = NotSent(reason, "secret-queue")
    answer = told("f1", "retry", "retry")
    assert answer.status_code in (409, 503)
    assert "secret-queue" not in answer.content.decode()
    assert [entry[3] for entry in audited()] == ["refused" if reason == "no_queue" else "failed"]


def test_a_broker_that_is_away_is_told_without_its_address(
    shelf: Shelf, broker: FakeBroker
) -> None:
    broker.is_away = True
    answer = told("q1", "cancel", "cancel")
    assert problem(answer) == (503, "unavailable")
    assert "Connection" not in answer.content.decode()


def test_without_an_app_nothing_can_be_done(shelf: Shelf, settings: Any) -> None:
    settings.HEADWAY_BROKER_URL = None
    answer = told("q1", "cancel", "cancel")
    assert problem(answer) == (503, "unavailable")
    assert "HEADWAY" not in answer.content.decode()


def test_a_group_is_cancelled_part_by_part(
    shelf: Shelf, broker: FakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "MAX_BATCH", 1)
    by = token(tasks=None, groups=["g1"], can=["cancel"])
    answer = act("groups/g1/cancel", by)
    assert answer.json() == {"id": "g1", "label": None, "outcome": "done", "cancelled": 2}
    assert sorted(id_ for ids, _ in broker.revoked for id_ in ids) == ["g/1", "g/3"]
    assert {entry[2] for entry in audited()} == {"g/1", "g/3"}


def test_a_group_of_whose_parts_nothing_was_heard_is_not_said_to_be_over(
    shelf: Shelf, broker: FakeBroker
) -> None:
    shelf.groups["empty"] = group_row("empty")
    by = token(tasks=None, groups=["empty"], can=["cancel"])
    assert problem(act("groups/empty/cancel", by)) == (409, "not_seen")


def test_a_chain_is_followed_on_after_one_of_its_steps_was_tried_again(
    shelf: Shelf, broker: FakeBroker
) -> None:
    answer = act("tasks/f1/retry", token(tasks=["q1", "f1", "s1"], can=["retry"])).json()
    grant = tokens.current().verify(answer["token"], NOW)
    assert grant.tasks == {"q1", answer["id"], "s1"}


def test_a_group_stops_at_a_broker_that_is_away(shelf: Shelf, broker: FakeBroker) -> None:
    broker.is_away = True
    by = token(tasks=None, groups=["g1"], can=["cancel"])
    assert problem(act("groups/g1/cancel", by)) == (503, "unavailable")


def test_an_expired_token_does_nothing(shelf: Shelf, broker: FakeBroker) -> None:
    by = token(tasks=["q1"], can=["cancel"], exp=NOW - 1)
    assert problem(act("tasks/q1/cancel", by)) == (401, "token_expired")
    assert broker.revoked == []


def test_a_session_renews_what_its_task_was_retried_as(shelf: Shelf, broker: FakeBroker) -> None:
    client = Client()
    session = client.session
    session["headway_grants"] = [
        {"claims": {"tasks": ["a", "f1"], "can": ["retry"], "ttl": 60}, "at": NOW},
        {"claims": {"tasks": ["s1"], "ttl": 60}, "at": NOW},
    ]
    session.save()
    client.cookies["sessionid"] = session.session_key
    new_id = told("f1", "retry", "retry").json()["id"]
    other = told("blank", "retry", "retry")

    def renew(id_: str) -> Any:
        return client.post("/headway/embed/refresh/", {"id": id_}, "application/json")

    fresh = renew(new_id)
    assert tokens.current().verify(fresh.json()["token"], NOW).tasks == {"a", "f1", new_id}
    assert other.status_code == 409
    assert problem(renew("blank")) == (403, "no_grant")
    assert renew(new_id).status_code == 200


def test_a_chain_is_renewed_by_its_first_id_with_what_its_steps_were_retried_as(
    shelf: Shelf, broker: FakeBroker
) -> None:
    client = visitor({"tasks": ["q1", "f1", "s1"], "can": ["retry"], "ttl": 60})
    fresh = act("tasks/f1/retry", token(tasks=["q1", "f1", "s1"], can=["retry"])).json()
    for _ in range(2):
        renewed = client.post("/headway/embed/refresh/", {"id": "q1"}, "application/json")
        found = tokens.current().verify(renewed.json()["token"], NOW)
        assert found.tasks == {"q1", "f1", "s1", fresh["id"]}
    assert len(client.session["headway_grants"]) == 1


def test_a_task_that_is_tried_again_and_again_is_renewed_by_the_newest_and_by_the_first(
    shelf: Shelf,
) -> None:
    client = visitor({"tasks": ["t0"], "can": ["retry"], "ttl": 60})
    for n in range(12):
        Audit.objects.create(
            at=n,
            user="embed",
            action="retry",
            kind="task",
            target=f"t{n}",
            outcome="done",
            new_id=f"t{n + 1}",
        )
        for id_ in (f"t{n + 1}", "t0"):
            renewed = client.post("/headway/embed/refresh/", {"id": id_}, "application/json")
            assert f"t{n + 1}" in tokens.current().verify(renewed.json()["token"], NOW).tasks


def test_a_token_that_was_full_has_the_new_task_in_place_of_the_old(shelf: Shelf) -> None:
    tasks = [f"task-{n:030}" for n in range(250)]
    client = visitor({"tasks": tasks, "can": ["retry"], "ttl": 60})
    Audit.objects.create(
        at=1,
        user="embed",
        action="retry",
        kind="task",
        target=tasks[7],
        outcome="done",
        new_id="the-new-one",
    )
    renewed = client.post("/headway/embed/refresh/", {"id": tasks[0]}, "application/json")
    found = tokens.current().verify(renewed.json()["token"], NOW)
    assert found.tasks == {*tasks, "the-new-one"} - {tasks[7]}


def test_what_an_operator_retried_is_nobody_elses(shelf: Shelf) -> None:
    client = visitor({"tasks": ["f1"], "can": ["retry"], "ttl": 60})
    Audit.objects.create(
        at=1, user="ann", action="retry", kind="task", target="f1", outcome="done", new_id="x"
    )
    answer = client.post("/headway/embed/refresh/", {"id": "x"}, "application/json")
    assert problem(answer) == (403, "no_grant")


def visitor(*claims: dict[str, Any]) -> Client:
    """A browser whose session was given these."""
    client = Client()
    session = client.session
    session["headway_grants"] = [{"claims": each, "at": NOW} for each in claims]
    session.save()
    client.cookies["sessionid"] = session.session_key
    return client
