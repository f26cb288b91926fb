"""What the query bar asks: whether a query can be read, values, and saved queries."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from dashboard import apikeys, saved
from dashboard.models import SavedQuery
from tests.unit.dashboard import stored

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = "/headway/api/v1"


def person(*permissions: str, **how: Any) -> Client:
    user = User.objects.create_user(f"user{User.objects.count()}")
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client(**how)
    client.force_login(user)
    return client


@pytest.fixture
def viewer() -> Client:
    return person("view_task")


def post(client: Client, name: str, query: str = "queue:mail", **how: Any) -> Any:
    body = {"name": name, "query": query}
    return client.post(f"{ROOT}/queries", body, content_type="application/json", **how)


def patch(client: Client, id_: int, name: str) -> Any:
    return client.patch(f"{ROOT}/queries/{id_}", {"name": name}, content_type="application/json")


@pytest.mark.parametrize("address", ["values?of=name", "query?query=", "queries"])
def test_without_permission_nothing_is_told(address: str) -> None:
    stored.write([stored.queued("t1", name="s3cret")])
    assert Client().get(f"{ROOT}/{address}").status_code == 401
    answer = person().get(f"{ROOT}/{address}")
    assert answer.status_code == 403
    assert "s3cret" not in answer.content.decode()


def test_values_are_told(viewer: Client) -> None:
    stored.write([stored.queued("t1", name="shop.pay")])
    assert viewer.get(f"{ROOT}/values?of=name&starts=sh").json() == {"items": ["shop.pay"]}
    assert viewer.get(f"{ROOT}/values?of=name&starts=%00").json() == {"items": []}


@pytest.mark.parametrize("of", ["args", "exception", "id; DROP TABLE headway_task", ""])
def test_values_of_nothing_else_are_told(viewer: Client, of: str) -> None:
    answer = viewer.get(f"{ROOT}/values", {"of": of})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_parameter")


def test_readable_query_is_answered_as_it_is_understood(viewer: Client) -> None:
    answer = viewer.get(f"{ROOT}/query", {"query": ' queue:"mail"  STATUS:running'})
    assert answer.json() == {"query": "queue:mail status:running"}


def test_fault_of_a_query_is_told_with_where_it_begins_and_ends(viewer: Client) -> None:
    answer = viewer.get(f"{ROOT}/query", {"query": "queue:mail colour:red"})
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (400, "bad_query")
    assert (problem["at"], problem["until"]) == (11, 17)
    assert "queue" in problem["allowed"]
    forbidden = viewer.get(f"{ROOT}/query", {"query": "error:x"})
    assert (forbidden.status_code, forbidden.json()["code"]) == (403, "not_allowed")


def test_query_is_saved_listed_renamed_and_deleted(viewer: Client) -> None:
    kept = post(viewer, " mine ", " queue:mail ")
    assert kept.status_code == 201
    assert (kept.json()["name"], kept.json()["query"]) == ("mine", "queue:mail")
    id_ = kept.json()["id"]
    assert patch(viewer, id_, "theirs").json()["name"] == "theirs"
    assert [each["name"] for each in viewer.get(f"{ROOT}/queries").json()["items"]] == ["theirs"]
    assert viewer.delete(f"{ROOT}/queries/{id_}").status_code == 204
    assert viewer.get(f"{ROOT}/queries").json() == {"items": []}
    assert viewer.delete(f"{ROOT}/queries/{id_}").status_code == 404


def test_one_of_the_same_name_is_replaced(viewer: Client) -> None:
    first, second = post(viewer, "mine", "queue:a").json(), post(viewer, "mine", "queue:b").json()
    assert first["id"] == second["id"]
    assert [each.query for each in SavedQuery.objects.all()] == ["queue:b"]


def test_name_that_another_one_has_is_refused(viewer: Client) -> None:
    post(viewer, "a")
    answer = patch(viewer, post(viewer, "b").json()["id"], "a")
    assert (answer.status_code, answer.json()["code"]) == (409, "name_taken")


@pytest.mark.parametrize("name", ["", "  ", "x" * 61])
def test_name_must_be_one(viewer: Client, name: str) -> None:
    assert post(viewer, name).status_code == 400


def test_query_that_cannot_be_read_is_not_kept(viewer: Client) -> None:
    assert post(viewer, "bad", "colour:red").status_code == 400
    assert post(viewer, "forbidden", "error:x").status_code == 403
    assert not SavedQuery.objects.exists()


def test_nobody_sees_or_changes_those_of_others(viewer: Client) -> None:
    id_ = post(person("view_task"), "theirs").json()["id"]
    assert viewer.get(f"{ROOT}/queries").json() == {"items": []}
    assert patch(viewer, id_, "mine").status_code == 404
    assert viewer.delete(f"{ROOT}/queries/{id_}").status_code == 404
    assert SavedQuery.objects.get().name == "theirs"


def test_there_is_room_for_so_many(viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved, "MAX_SAVED", 2)
    post(viewer, "a")
    post(viewer, "b")
    answer = post(viewer, "c")
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many")
    assert post(viewer, "b", "queue:other").status_code == 201


def test_session_needs_the_token_of_our_page() -> None:
    foreign = person("view_task", enforce_csrf_checks=True)
    assert post(foreign, "a").status_code == 403
    assert foreign.delete(f"{ROOT}/queries/1").json()["code"] == "csrf"


def test_key_stands_for_its_user() -> None:
    user = User.objects.create_user("program")
    user.user_permissions.set(Permission.objects.filter(codename="view_task"))
    created = apikeys.create(user, "ci")
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {created.clear}"}
    assert post(Client(), "nightly", **bearer).status_code == 201
    assert SavedQuery.objects.get().user == user
