"""The HTTP API answers who may ask, and says clearly what is wrong."""

from collections import Counter

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from dashboard import apikeys, refused
from dashboard.store import Store
from realtime import testing
from realtime.core.lifecycle import fold
from realtime.ports import Changes

pytestmark = pytest.mark.django_db(transaction=True)

NOW = 1_000_000.0


def person(*permissions: str, **fields: object) -> Client:
    user = User.objects.create_user(f"user{User.objects.count()}", **fields)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def boss() -> Client:
    return person(is_superuser=True)


@pytest.fixture
def failed() -> str:
    """A stored task with a secret in everything that can be guarded."""
    events = [
        testing.task_received(
            "t1", name="shop.pay", args="('s3cret-arg',)", kwargs="{'order': 's3cret-kw'}", at=NOW
        ),
        testing.task_failed(
            "t1", exception="E('s3cret-exc')", traceback="Traceback s3cret-tb", at=NOW + 1
        ),
    ]
    write([fold(None, map(testing.checked, events), NOW)])
    return "t1"


def write(tasks: list) -> None:
    store = Store()
    assert store.acquire("token", "tests", NOW, 1e9)
    store.commit("token", Changes(tasks=tasks))
    store.close()


def test_a_stranger_is_asked_who_they_are(client: Client) -> None:
    answer = client.get("/headway/api/v1/tasks")
    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("address", ["tasks", "tasks/t1", "workers", "stream"])
def test_without_permission_nothing_is_told(failed: str, address: str) -> None:
    answer = person().get(f"/headway/api/v1/{address}")
    assert answer.status_code == 403
    assert "s3cret" not in answer.content.decode()


def test_a_task_is_told_whole_to_who_may_see_it_whole(boss: Client, failed: str) -> None:
    task = boss.get(f"/headway/api/v1/tasks/{failed}").json()
    assert task["exception"] == "E('s3cret-exc')"
    assert task["errors"][0]["traceback"] == "Traceback s3cret-tb"
    assert task["received_at"] == "1970-01-12T13:46:40Z"
    assert task["children"] == []


def test_each_guarded_field_needs_its_own_permission(failed: str) -> None:
    viewer = person("view_task", "view_task_exception")
    text = viewer.get(f"/headway/api/v1/tasks/{failed}").content.decode()
    assert "s3cret-exc" in text
    for secret in ("s3cret-arg", "s3cret-kw", "s3cret-tb"):
        assert secret not in text
    assert '"args"' not in text


def test_an_api_key_acts_as_its_user(boss: Client, failed: str) -> None:
    clear = apikeys.create(User.objects.get(is_superuser=True), "scripts").clear
    headers = {"Authorization": f"Bearer {clear}"}
    assert Client().get("/headway/api/v1/tasks", headers=headers).json()["items"][0]["id"] == failed


@pytest.mark.parametrize(
    "key", ["", "Bearer", "Bearer x", "Basic eA==", "Bearer hw_00000000_" + "a" * 43]
)
def test_a_wrong_key_is_a_stranger_even_with_a_session(boss: Client, key: str) -> None:
    answer = boss.get("/headway/api/v1/tasks", headers={"Authorization": key})
    assert answer.status_code == 401


def test_a_bad_query_is_answered_with_its_position_and_the_allowed_words(boss: Client) -> None:
    answer = boss.get("/headway/api/v1/tasks", {"query": "name:a stat:failure"})
    assert answer.status_code == 400
    assert answer.json()["at"] == 7
    assert "status" in answer.json()["allowed"]


def test_a_term_on_a_forbidden_field_is_not_answered(failed: str) -> None:
    viewer = person("view_task")
    answer = viewer.get("/headway/api/v1/tasks", {"query": "kwarg.order:s3cret-kw"})
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")


@pytest.mark.parametrize(
    "parameters",
    [{"limit": 0}, {"limit": 501}, {"limit": "x"}, {"after": "hostile"}, {"after": "é" * 500}],
)
def test_a_bad_parameter_is_a_problem(boss: Client, parameters: dict) -> None:
    answer = boss.get("/headway/api/v1/tasks", parameters)
    assert answer.status_code == 400
    assert answer.json()["detail"]


def test_pages_neither_skip_nor_repeat(boss: Client) -> None:
    ids = [f"t{n:03}" for n in range(25)]
    events = [testing.checked(testing.task_received(task_id, at=NOW)) for task_id in ids]
    write([fold(None, [event], NOW) for event in events])
    seen, after = [], ""
    while after is not None:
        page = boss.get("/headway/api/v1/tasks", {"limit": 10, "after": after}).json()
        seen += [task["id"] for task in page["items"]]
        after = page["after"]
    assert sorted(seen) == ids


def test_instants_are_told_to_the_microsecond_that_rows_are_ordered_by(boss: Client) -> None:
    write([fold(None, [testing.checked(testing.task_received("a", at=NOW + 0.123457))], NOW)])
    [task] = boss.get("/headway/api/v1/tasks").json()["items"]
    assert task["first_seen_at"] == "1970-01-12T13:46:40.123457Z"


def test_an_unknown_task_says_what_may_be(boss: Client) -> None:
    answer = boss.get("/headway/api/v1/tasks/never-was")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_task")


def test_the_stream_says_that_nobody_writes(boss: Client) -> None:
    stream = boss.get("/headway/api/v1/stream").json()
    assert (stream["state"], stream["alive_at"]) == ("blind", None)


def test_the_stream_tells_what_this_web_process_refused_to_tokens(
    boss: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refused, "counts", Counter({"token_expired": 3, "bad_signature": 1}))
    web = boss.get("/headway/api/v1/stream").json()["web"]
    assert web["refused_tokens"] == {"token_expired": 3, "bad_signature": 1}
    assert set(web) == {"started_at", "refused_tokens", "counters"}


def test_who_may_not_see_tasks_is_not_told_what_was_refused(client: Client) -> None:
    assert client.get("/headway/api/v1/stream").status_code == 401


def test_workers_are_listed(boss: Client) -> None:
    assert boss.get("/headway/api/v1/workers").json()["items"] == []


def test_the_openapi_document_names_every_address(boss: Client) -> None:
    paths = boss.get("/headway/api/v1/openapi.json").json()["paths"]
    names = {path.rpartition("/v1/")[2] for path in paths}
    assert {"tasks", "tasks/{task_id}", "workers", "stream"} <= names


def test_the_document_is_browsable_without_asking_another_host(client: Client) -> None:
    answer = client.get("/headway/api/v1/docs")
    page = answer.content.decode()
    assert "/headway/api/v1/openapi.json" in page
    assert "//" not in page.replace("</", "").replace("http://testserver", "")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_health_needs_no_sign_in_and_readiness_names_what_is_wrong(client: Client) -> None:
    assert client.get("/headway/healthz").json() == {"ok": True}
    answer = client.get("/headway/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"] == {
        "store": True,
        "receiver": False,
        "broker": True,
        "lag": True,
    }
