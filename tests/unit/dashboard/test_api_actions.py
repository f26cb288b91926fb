"""The HTTP API acts for who may act, says why not, and writes down what came of it."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import OperationalError, connection
from django.test import Client

from dashboard import apikeys, changes, dispatch, operations, reasons, snapshots, targets
from dashboard.access import DefaultAccess
from dashboard.models import Audit, Failure, Operation
from dashboard.views import api_actions
from dashboard.views.api import Refused
from realtime.core import query
from realtime.core.query import Query
from realtime.ports import TooCostly
from tests.services.process import wait_until
from tests.unit.dashboard import stored
from tests.unit.dashboard.test_actions import FakeBroker

pytestmark = pytest.mark.django_db(transaction=True)

API = "/headway/api/v1/"
SIGNATURE = "0123456789ab"


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch, settings: Any) -> FakeBroker:
    settings.HEADWAY_BROKER_URL = "memory://"
    broker = FakeBroker()
    monkeypatch.setattr(dispatch, "opened", lambda app: broker)
    return broker


@pytest.fixture
def tasks(broker: FakeBroker) -> None:
    """One that waits, one that runs, three that failed, and a group of failures."""
    failures = [
        stored.failed(f"f/{n}", name="shop.pay", args="('s3cret',)", kwargs="{}") for n in range(3)
    ]
    stored.write(
        [stored.queued("q1", name="shop.mail"), stored.running("r1"), *failures],
        [stored.worker()],
    )
    Failure.objects.create(
        signature=SIGNATURE, revision=1, type="E", message="no", task_id="f/0", name="shop.pay",
        count=3, first_seen_at=stored.NOW, last_seen_at=stored.NOW,
    )  # fmt: skip


def user(*permissions: str, **fields: object) -> User:
    made = User.objects.create_user(f"user{User.objects.count()}", **fields)
    made.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return made


def client_of(account: User | None, **options: Any) -> Client:
    made = Client(**options)
    if account is not None:
        made.force_login(account)
    return made


def post(by: Client, path: str, body: object = None, **headers: str) -> Any:
    return by.post(API + path, body, content_type="application/json", headers=headers)


def told(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


VIEWER = (
    "view_task",
    "view_task_exception",
    "view_worker",
    "view_failure",
    "view_queue",
    "view_scheduleentry",
)
OPERATOR = (*VIEWER, "revoke_task", "retry_task", "change_failure", "view_audit")
PEOPLE: dict[str, Callable[[], User | None]] = {
    "stranger": lambda: None,
    "nobody": lambda: user(),
    "viewer": lambda: user(*VIEWER),
    "operator": lambda: user(*OPERATOR),
    "superuser": lambda: user(is_superuser=True),
}
ENDPOINTS: dict[str, tuple[str, str, object, tuple[int, ...]]] = {
    # stranger, nobody, viewer, operator, superuser
    "revoke": ("post", "tasks/q1/revoke", {}, (401, 403, 403, 200, 200)),
    "terminate": ("post", "tasks/r1/revoke", {"terminate": True}, (401, 403, 403, 200, 200)),
    "retry": ("post", "tasks/f/0/retry", {}, (401, 403, 403, 200, 200)),
    "count": ("post", "tasks/bulk/count", {"query": ""}, (401, 403, 403, 200, 200)),
    "bulk revoke": (
        "post", "tasks/bulk", {"action": "revoke", "ids": ["q1"], "expected": 1},
        (401, 403, 403, 202, 202),
    ),
    "bulk retry": (
        "post", "tasks/bulk", {"action": "retry", "query": "conclusion:failed", "expected": 3},
        (401, 403, 403, 202, 202),
    ),
    "operation": ("get", "operations/of-another", None, (401, 404, 404, 200, 200)),
    "outcomes": ("get", "operations/of-another/outcomes", None, (401, 404, 404, 200, 200)),
    "stop": ("post", "operations/of-another/stop", {}, (401, 404, 404, 200, 200)),
    "mute": ("post", f"failures/{SIGNATURE}/mute", {}, (401, 403, 403, 200, 200)),
    "resolve": ("post", f"failures/{SIGNATURE}/resolve", {}, (401, 403, 403, 200, 200)),
    "reopen": ("post", f"failures/{SIGNATURE}/reopen", {}, (401, 403, 403, 200, 200)),
    "retry group": (
        "post", f"failures/{SIGNATURE}/retry", {"expected": 3}, (401, 403, 403, 409, 409)
    ),
    "audit": ("get", "audit", None, (401, 403, 403, 200, 200)),
}  # fmt: skip


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_who_may_do_what(tasks: None, endpoint: str, person: str) -> None:
    method, path, body, statuses = ENDPOINTS[endpoint]
    Operation.objects.create(
        id="of-another", revision=1, user="carl", action="retry", state="finished",
        started_at=1.0, beat_at=1.0, query="",
    )  # fmt: skip
    by = client_of(PEOPLE[person]())
    answer = post(by, path, body) if method == "post" else by.get(API + path)
    assert answer.status_code == statuses[list(PEOPLE).index(person)], answer.content
    if answer.status_code >= 400:
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["detail"].endswith((".", "..."))
        assert not Audit.objects.exists()
    assert "s3cret" not in answer.content.decode()
    settled()


def settled() -> None:
    def is_over() -> bool:
        return not Operation.objects.filter(state__in=operations.ACTIVE).exists()

    wait_until(is_over, 20, "the end of operations")


@pytest.fixture
def boss(tasks: None) -> Client:
    return client_of(user(is_superuser=True))


@pytest.mark.parametrize("missing", ["view_task", "revoke_task"])
def test_each_permission_is_needed_and_named(tasks: None, missing: str) -> None:
    by = client_of(user(*({"view_task", "revoke_task"} - {missing})))
    answer = post(by, "tasks/q1/revoke")
    assert told(answer) == (403, "not_allowed")
    assert f"headway.{missing}" in answer.json()["detail"]


def test_a_session_needs_the_token_of_our_page(tasks: None, broker: FakeBroker) -> None:
    by = client_of(user(is_superuser=True), enforce_csrf_checks=True)
    assert told(post(by, "tasks/q1/revoke")) == (403, "csrf")
    assert by.get(API + "tasks").status_code == 200
    assert broker.revoked == []
    by.get("/headway/login/?next=/headway/tasks/")
    by.get("/admin/login/")
    token = "a" * 32
    by.cookies["csrftoken"] = token
    assert post(by, "tasks/q1/revoke", {}, **{"X-CSRFToken": token}).status_code == 200
    assert told(post(by, "tasks/q1/revoke", {}, **{"X-CSRFToken": "b" * 32})) == (403, "csrf")
    foreign = {"X-CSRFToken": token, "Origin": "https://evil.example"}
    assert told(post(by, "tasks/q1/revoke", {}, **foreign)) == (403, "csrf")
    assert told(by.post(API + "tasks/q1/revoke", {"a": "b"})) == (403, "csrf")
    form = {"csrfmiddlewaretoken": token, "terminate": "true"}
    assert by.post(API + "tasks/q1/revoke", form).status_code == 400


def test_an_api_key_needs_no_token_and_acts_as_its_user(tasks: None) -> None:
    by = Client(enforce_csrf_checks=True)
    for account, status in ((user("view_task", "revoke_task"), 200), (user("view_task"), 403)):
        key = f"Bearer {apikeys.create(account, 'scripts').clear}"
        answer = post(by, "tasks/q1/revoke", {}, Authorization=key)
        assert answer.status_code == status
    assert Audit.objects.get().user == "user0"


def test_a_revocation_is_done_and_written_down(boss: Client, broker: FakeBroker) -> None:
    answer = post(boss, "tasks/q1/revoke")
    assert answer.json() == {"id": "q1", "action": "revoke", "outcome": "done", "new_id": None}
    assert broker.revoked == [(["q1"], None)]
    entry = Audit.objects.get()
    assert (entry.user, entry.action, entry.kind, entry.target, entry.name, entry.outcome) == (
        "user0", "revoke", "task", "q1", "shop.mail", "done",
    )  # fmt: skip


def test_a_termination_names_its_signal(boss: Client, broker: FakeBroker) -> None:
    order = {"terminate": True, "signal": "SIGKILL"}
    assert post(boss, "tasks/r1/revoke", order).json()["action"] == "terminate"
    assert broker.revoked == [(["r1"], "SIGKILL")]


def test_a_retry_tells_the_new_task_and_never_the_arguments(
    boss: Client, broker: FakeBroker
) -> None:
    answer = post(boss, "tasks/f/0/retry")
    assert answer.json()["new_id"] == "new-1"
    assert broker.sent[0]["args"] == ["s3cret"]
    [entry] = boss.get(API + "audit").json()["items"]
    assert (entry["target"], entry["new_id"]) == ("f/0", "new-1")
    assert "s3cret" not in str(entry)


def test_a_refusal_is_told_in_a_sentence_and_written_down(boss: Client) -> None:
    answer = post(boss, "tasks/r1/retry")
    assert told(answer) == (409, "unfinished")
    assert answer.json()["detail"] == "It is not over yet: only what is over can be tried again."
    entry = Audit.objects.get()
    assert (entry.outcome, entry.detail) == ("refused", "unfinished")


def test_a_broker_that_is_away_is_told_and_written_down(boss: Client, broker: FakeBroker) -> None:
    broker.is_away = True
    answer = post(boss, "tasks/q1/revoke")
    assert told(answer) == (503, "broker_away")
    assert "ConnectionRefusedError" in answer.json()["detail"]
    assert Audit.objects.get().outcome == "failed"


def test_what_cannot_be_written_down_stands_in_the_log_and_is_not_done_twice(
    boss: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> int:
        raise OperationalError("disk full")

    monkeypatch.setattr(changes, "_take", fail)
    assert post(boss, "tasks/f/0/retry").json()["new_id"] == "new-1"
    assert "Not written to the audit: user0 retry task f/0: done new-1" in caplog.text


def test_without_a_celery_app_the_setting_is_named(boss: Client, settings: Any) -> None:
    settings.HEADWAY_BROKER_URL = None
    for path, body in (
        ("tasks/q1/revoke", {}),
        ("tasks/bulk", {"action": "revoke", "ids": ["q1"], "expected": 1}),
    ):
        answer = post(boss, path, body)
        assert told(answer) == (503, "no_app")
        assert "HEADWAY_CELERY_APP" in answer.json()["detail"]


def test_a_hidden_task_is_answered_as_one_that_never_was(tasks: None, settings: Any) -> None:
    settings.HEADWAY_ACCESS = f"{__name__}.OnlyMail"
    by = client_of(user(is_superuser=True))
    hidden, never = post(by, "tasks/f/0/retry"), post(by, "tasks/never/retry")
    assert told(hidden) == told(never) == (404, "unknown_task")
    assert hidden.json() == never.json()
    assert not Audit.objects.exists()
    assert post(by, "tasks/q1/revoke").status_code == 200
    counted = post(by, "tasks/bulk/count", {"query": ""}).json()
    assert (counted["count"], counted["by"]) == (1, {"queued": 1})
    assert post(by, "tasks/bulk/count", {"ids": ["q1", "f/0"]}).json()["count"] == 1
    order = {"action": "retry", "ids": ["f/0"], "expected": 1}
    assert told(post(by, "tasks/bulk", order)) == (409, "nothing")


class OnlyMail(DefaultAccess):
    def rows(self, user: Any) -> Query:
        return query.parse("name:shop.mail")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("tasks/q1/revoke", {"signal": "SIGSTOP"}),
        ("tasks/q1/revoke", {"terminat": True}),
        ("tasks/q1/retry", {"args": [1]}),
        ("tasks/bulk", {"action": "forget", "query": "", "expected": 1}),
        ("tasks/bulk", {"action": "retry", "query": ""}),
        ("tasks/bulk", {"action": "retry", "expected": 1}),
        ("tasks/bulk", {"action": "retry", "query": "", "ids": ["a"], "expected": 1}),
        ("tasks/bulk", {"action": "retry", "ids": [], "expected": 1}),
        ("tasks/bulk", {"action": "retry", "ids": ["a" * 256], "expected": 1}),
        ("tasks/bulk", {"action": "retry", "ids": ["a"] * 5001, "expected": 1}),
        ("tasks/bulk", {"action": "retry", "query": "", "expected": 5, "options": {}}),
        ("tasks/bulk/count", {}),
        (f"failures/{SIGNATURE}/mute", {"until": "yesterday"}),
        (f"failures/{SIGNATURE}/mute", {"until": 1000}),
        (f"failures/{SIGNATURE}/retry", {}),
        ("tasks/q1/revoke", "{"),
        ("tasks/q1/revoke", "[]"),
    ],
)
def test_an_order_that_says_something_else_is_not_carried_out(
    boss: Client, broker: FakeBroker, path: str, body: object
) -> None:
    answer = post(boss, path, body)
    assert answer.status_code == 400, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"]
    assert broker.revoked == broker.sent == []


def test_a_body_beyond_what_the_server_takes_is_a_problem(boss: Client, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    order = {"action": "retry", "ids": ["a" * 100], "expected": 1}
    assert told(post(boss, "tasks/bulk", order)) == (413, "too_large")


def test_a_bad_query_is_answered_with_its_position(boss: Client) -> None:
    answer = post(boss, "tasks/bulk/count", {"query": "stat:x"})
    assert told(answer) == (400, "bad_query")
    assert answer.json()["at"] == 0


def test_a_query_on_a_forbidden_field_is_not_counted(tasks: None) -> None:
    by = client_of(user("view_task", "retry_task"))
    answer = post(by, "tasks/bulk/count", {"query": "arg:s3cret"})
    assert told(answer) == (403, "not_allowed")


def test_a_count_asks_for_the_permission_of_its_action(tasks: None) -> None:
    by = client_of(user("view_task", "retry_task"))
    for action, status in (("retry", 200), (None, 200), ("revoke", 403)):
        answer = post(by, "tasks/bulk/count", {"query": "", "action": action})
        assert answer.status_code == status
    assert "headway.revoke_task" in answer.json()["detail"]


def test_a_count_that_takes_too_long_is_given_up(
    boss: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float | None] = []

    def read(_alias: str, _work: object, most_s: float | None = None) -> None:
        asked.append(most_s)
        raise TooCostly

    monkeypatch.setattr(snapshots, "read", read)
    answer = post(boss, "tasks/bulk/count", {"query": "error:*a*"})
    assert told(answer) == (503, "too_costly")
    assert asked == [api_actions.MAX_COUNT_S]


def test_a_confirmation_can_name_what_it_hits(boss: Client) -> None:
    counted = post(boss, "tasks/bulk/count", {"query": ""}).json()
    assert counted == {
        "count": 5,
        "limit": 50_000,
        "is_over_limit": False,
        "by": {"failed": 3, "queued": 1, "running": 1},
        "names": [["shop.pay", 4], ["shop.mail", 1]],
    }
    some = post(boss, "tasks/bulk/count", {"ids": ["q1", "q1", "never", "f/1"]}).json()
    assert (some["count"], some["by"]) == (2, {"queued": 1, "failed": 1})


def test_all_that_match_are_retried_and_it_is_watched(boss: Client, broker: FakeBroker) -> None:
    order = {"action": "retry", "query": "conclusion:failed", "expected": 3}
    answer = post(boss, "tasks/bulk", order)
    assert answer.status_code == 202
    begun = answer.json()
    assert (begun["query"], begun["total"], begun["user"]) == ("conclusion:failed", 3, "user0")
    settled()
    ended = boss.get(f"{API}operations/{begun['id']}").json()
    assert (ended["state"], ended["done"], ended["refused"], ended["reasons"]) == (
        "finished", 3, 0, [],
    )  # fmt: skip
    found = boss.get(f"{API}operations/{begun['id']}/outcomes").json()["items"]
    assert {e["target"] for e in found if e["kind"] == "task"} == {"f/0", "f/1", "f/2"}
    assert len(broker.sent) == 3


def test_a_project_that_keeps_each_request_in_a_transaction_acts_as_well(
    boss: Client, broker: FakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    assert post(boss, "tasks/q1/revoke").status_code == 200
    order = {"action": "retry", "query": "conclusion:failed", "expected": 3}
    assert post(boss, "tasks/bulk", order).status_code == 202
    settled()
    assert len(broker.sent) == 3
    assert Operation.objects.get().state == "finished"


def test_each_target_of_a_selection_has_its_outcome(boss: Client, broker: FakeBroker) -> None:
    order = {"action": "revoke", "ids": ["q1", "r1", "f/0"], "expected": 3}
    begun = post(boss, "tasks/bulk", order).json()
    settled()
    ended = boss.get(f"{API}operations/{begun['id']}").json()
    assert (ended["done"], ended["refused"], ended["query"]) == (1, 2, None)
    assert {(r["reason"], r["count"]) for r in ended["reasons"]} == {
        ("running", 1), ("finished", 1),
    }  # fmt: skip
    assert broker.revoked == [(["q1"], None)]


def test_a_termination_of_many_is_an_operation_of_its_own_name(boss: Client) -> None:
    options = {"terminate": True, "signal": "SIGUSR1"}
    order = {"action": "revoke", "options": options, "query": "status:running", "expected": 1}
    begun = post(boss, "tasks/bulk", order).json()
    assert (begun["action"], begun["options"]) == ("terminate", options)
    settled()


@pytest.mark.parametrize(("expected", "is_taken"), [(2, False), (3, True), (300, True)])
def test_more_than_the_confirmation_named_is_refused(
    boss: Client, expected: int, is_taken: bool
) -> None:
    order = {"action": "retry", "query": "conclusion:failed", "expected": expected}
    answer = post(boss, "tasks/bulk", order)
    settled()
    if is_taken:
        assert answer.status_code == 202
    else:
        assert told(answer) == (409, "more_than_expected")
        assert (answer.json()["count"], answer.json()["expected"]) == (3, 2)


def test_ten_per_cent_may_have_come_meanwhile() -> None:
    api_actions._check_number(110, 100)
    with pytest.raises(Refused):
        api_actions._check_number(111, 100)


def test_too_many_are_refused(boss: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "MAX_TARGETS", 2)
    counted = post(boss, "tasks/bulk/count", {"query": "conclusion:failed"}).json()
    assert (counted["count"], counted["is_over_limit"]) == (3, True)
    order = {"action": "retry", "query": "conclusion:failed", "expected": 3}
    answer = post(boss, "tasks/bulk", order)
    assert told(answer) == (409, "too_many")
    assert answer.json()["limit"] == 2


def test_too_many_operations_wait(boss: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "MAX_RUNNING", 0)
    order = {"action": "retry", "ids": ["f/0"], "expected": 1}
    assert told(post(boss, "tasks/bulk", order)) == (429, "busy")


def test_another_users_operation_is_stopped_by_who_may_do_the_same(boss: Client) -> None:
    Operation.objects.create(
        id="op", revision=1, user="carl", action="retry", state="running",
        started_at=1.0, beat_at=time.time(), query="",
    )  # fmt: skip
    auditor = client_of(user("view_audit", "view_task"))
    assert told(post(auditor, "operations/op/stop")) == (403, "not_allowed")
    operator = client_of(user("view_audit", "view_task", "retry_task"))
    assert post(operator, "operations/op/stop").json()["state"] == "stopping"
    assert Audit.objects.get().action == "stop"
    Operation.objects.all().delete()


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("tasks/a%00b/revoke", {}, 404),
        ("operations/a%00b/stop", {}, 404),
        ("failures/a%00b/mute", {}, 404),
        ("failures/a%00b/retry", {"expected": 1}, 404),
        ("tasks/bulk", {"action": "retry", "ids": ["a\x00b"], "expected": 1}, 409),
        ("tasks/bulk", {"action": "retry", "ids": ["\ud800"], "expected": 1}, 400),
        ("tasks/bulk", {"action": "retry", "query": "a\x00b", "expected": 1}, 400),
        ("tasks/bulk", {"action": "retry", "ids": ["x"], "expected": 10**400}, 409),
        (f"failures/{SIGNATURE}/mute", {"until": 1e300}, 400),
        (f"failures/{SIGNATURE}/mute", {"until": "9999-01-01T00:00:00Z"}, 400),
        (f"failures/{SIGNATURE}/mute", {"until": "0001-01-01T00:00:00+23:59"}, 400),
    ],
)
def test_what_no_database_holds_is_not_found(
    boss: Client, path: str, body: object, status: int
) -> None:
    assert post(boss, path, body).status_code == status
    assert boss.get(API + "audit", {"target": "a\x00b"}).json()["items"] == []


def test_a_group_is_muted_resolved_and_reopened(boss: Client) -> None:
    until = time.time() + 3600
    muted = post(boss, f"failures/{SIGNATURE}/mute", {"until": until}).json()
    assert (muted["state"], muted["state_by"]) == ("muted", "user0")
    assert Failure.objects.get().muted_until == pytest.approx(until)
    again = post(boss, f"failures/{SIGNATURE}/mute", {"until": muted["muted_until"]}).json()
    assert again["muted_until"] == muted["muted_until"]
    assert post(boss, f"failures/{SIGNATURE}/mute").json()["muted_until"] is None
    resolved = post(boss, f"failures/{SIGNATURE}/resolve").json()
    assert (resolved["state"], resolved["returned_at"]) == ("resolved", None)
    assert post(boss, f"failures/{SIGNATURE}/reopen").json()["state"] == "open"
    done = Audit.objects.order_by("id").values_list("action", "kind", "target")
    assert list(done) == [
        (action, "failure", SIGNATURE) for action in ("mute", "mute", "mute", "resolve", "reopen")
    ]


def test_an_unknown_group_is_unknown(boss: Client) -> None:
    for action, body in (("mute", {}), ("resolve", {}), ("retry", {"expected": 1})):
        assert told(post(boss, f"failures/nope/{action}", body)) == (404, "unknown_failure")


def test_groups_are_for_who_may_see_all_tasks_and_their_exceptions(
    tasks: None, settings: Any
) -> None:
    blind = client_of(user("view_task", "view_failure", "change_failure"))
    answer = post(blind, f"failures/{SIGNATURE}/mute")
    assert (answer.status_code, "view_task_exception" in answer.json()["detail"]) == (403, True)
    settings.HEADWAY_ACCESS = f"{__name__}.OnlyMail"
    few = client_of(user(is_superuser=True))
    assert told(post(few, f"failures/{SIGNATURE}/mute")) == (403, "not_allowed")


def test_a_whole_group_is_retried(boss: Client, broker: FakeBroker) -> None:
    own = stored.failed("f/0").signature
    Failure.objects.update(signature=own)
    answer = post(boss, f"failures/{own}/retry", {"expected": 3})
    assert answer.status_code == 202, answer.content
    assert answer.json()["query"] == f'signature:"{own}" conclusion:failed'
    settled()
    assert len(broker.sent) == 3


def test_the_audit_is_read_by_page_and_by_value(boss: Client) -> None:
    for path in ("tasks/q1/revoke", "tasks/f/0/retry", "tasks/f/0/revoke", "tasks/f/1/retry"):
        post(boss, path)
    seen, after = [], ""
    while after is not None:
        page = boss.get(API + "audit", {"limit": 3, "after": after}).json()
        seen += [(entry["target"], entry["action"], entry["reason"]) for entry in page["items"]]
        after = page["after"]
    assert seen == [
        ("f/1", "retry", None),
        ("f/0", "revoke", "finished"),
        ("f/0", "retry", None),
        ("q1", "revoke", None),
    ]

    def found(**wanted: str) -> list[str]:
        return [e["target"] for e in boss.get(API + "audit", wanted).json()["items"]]

    assert found(target="f/0", action="retry") == ["f/0"]
    assert found(outcome="refused") == ["f/0"]
    assert found(user="nobody") == []
    assert found(operation="none") == []
    assert told(boss.get(API + "audit", {"after": "hostile"})) == (400, "bad_cursor")


def test_whoever_sees_some_tasks_audits_their_own_doings(tasks: None, settings: Any) -> None:
    post(client_of(user(is_superuser=True)), "tasks/f/0/retry")
    settings.HEADWAY_ACCESS = f"{__name__}.OnlyMail"
    few = client_of(user(is_superuser=True))
    post(few, "tasks/q1/revoke")
    assert [e["target"] for e in few.get(API + "audit").json()["items"]] == ["q1"]
    assert few.get(API + "audit", {"user": "user0"}).json()["items"] == []


def test_sentences_are_in_the_language_of_the_reader(
    boss: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(boss, "tasks/r1/retry")
    monkeypatch.setattr(reasons, "SENTENCES", {"unfinished": "Noch nicht vorbei."})
    [entry] = boss.get(API + "audit").json()["items"]
    assert (entry["reason"], entry["detail"]) == ("unfinished", "Noch nicht vorbei.")


def test_the_document_names_every_address(boss: Client) -> None:
    paths = boss.get(API + "openapi.json").json()["paths"]
    described = {
        path.rpartition("/v1/")[2]: (method, what["description"])
        for path, methods in paths.items()
        for method, what in methods.items()
    }
    for name, (method, path, _body, _statuses) in ENDPOINTS.items():
        general = (
            path.replace("q1", "{task_id}").replace("r1", "{task_id}").replace("f/0", "{task_id}")
            .replace("of-another", "{operation_id}").replace(SIGNATURE, "{signature}")
        )  # fmt: skip
        assert described[general][0] == method, name
        assert described[general][1]
