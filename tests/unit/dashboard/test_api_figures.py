"""Failures, queues, schedule, figures and workflows over HTTP, for those who may see them."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from dashboard import access, models
from dashboard.store import Store
from realtime.core import query
from realtime.core.query import Query
from realtime.core.task import Task
from realtime.ports import Changes

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = "/headway/api/v1"
ADDRESSES = ("failures", "failures/a1", "queues", "schedule", "stats", "tasks/child/tree")
SEES_ALL = (
    *("view_task", "view_task_exception", "view_failure", "view_queue", "view_scheduleentry"),
)


class OwnOnly(access.DefaultAccess):
    """Everyone sees only their own tasks."""

    def rows(self, user: Any) -> Query:
        return query.parse(f"owner:{user.get_username()}")


@pytest.fixture
def own_only(settings: Any) -> Iterator[None]:
    settings.HEADWAY_ACCESS = f"{__name__}.OwnOnly"
    yield
    access._instance.cache_clear()


@pytest.fixture(autouse=True)
def rows() -> None:
    """One of each kind."""
    now = time.time()
    seen = {"first_seen_at": now - 60, "revision": 1}
    models.Failure.objects.create(
        signature="a1",
        type="CardError",
        message="declined",
        name="shop.pay",
        task_id="child",
        count=7,
        last_seen_at=now,
        **seen,
    )
    models.Queue.objects.create(name="mail", depth=3, consumers=0, measured_at=now, **seen)
    models.ScheduleEntry.objects.create(
        name="nightly",
        task="shop.report",
        schedule="daily",
        source="celery",
        checked_at=now,
        **seen,
    )
    start = int(now) // 60 * 60 - 60
    for by, key in (("all", ""), ("name", "shop.pay")):
        for tier in (60, 3600):
            models.Rollup.objects.create(
                tier=tier,
                by=by,
                key=key,
                start=start // tier * tier,
                started=4,
                failed=3,
                runtimes='{"0": 4}',
            )
    store = Store()
    assert store.acquire("token", "tests", now, 60)
    told = {"first_seen_at": now, "updated_at": now, "root_id": "root", "status": "queued"}
    store.commit(
        "token",
        Changes(
            tasks=[
                Task(id="root", name="shop.order", **told),
                Task(id="child", name="shop.pay", parent_id="root", owner="ann", **told),
                Task(id="grandchild", parent_id="child", group_id="g1", **told),
                Task(id="stranger", **{**told, "root_id": "elsewhere"}),
            ]
        ),
    )
    store.close()


def person(*permissions: str, name: str = "ann", **fields: object) -> Client:
    user = User.objects.create_user(name, **fields)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def seen(client: Client) -> set[str]:
    """The addresses that answer with what they hold."""
    codes = {address: client.get(f"{ROOT}/{address}").status_code for address in ADDRESSES}
    assert set(codes.values()) <= {200, 401, 403, 404}
    return {address for address, code in codes.items() if code == 200}


def test_a_stranger_sees_nothing(client: Client) -> None:
    answers = [client.get(f"{ROOT}/{address}") for address in ADDRESSES]
    assert {answer.status_code for answer in answers} == {401}


def test_without_permission_nothing_is_told() -> None:
    nobody = person()
    answers = [nobody.get(f"{ROOT}/{address}") for address in ADDRESSES]
    assert {answer.status_code for answer in answers} == {403}
    assert not any("shop." in answer.content.decode() for answer in answers)


def test_a_viewer_of_tasks_sees_figures_and_workflows() -> None:
    assert seen(person("view_task")) == {"stats", "tasks/child/tree"}


@pytest.mark.parametrize("missing", ["view_task", "view_task_exception", "view_failure"])
def test_failures_need_their_permission_and_that_of_exceptions(missing: str) -> None:
    permissions = [name for name in SEES_ALL if name != missing]
    answer = person(*permissions).get(f"{ROOT}/failures")
    assert answer.status_code == 403
    assert missing in answer.json()["detail"]


def test_permissions_and_superusers_open_everything() -> None:
    assert seen(person(*SEES_ALL)) == set(ADDRESSES)
    assert seen(person(name="boss", is_superuser=True)) == set(ADDRESSES)


def test_who_sees_only_some_tasks_is_told_no_figures_about_all(own_only: None) -> None:
    ann = person(*SEES_ALL)
    assert seen(ann) == {"queues", "schedule", "tasks/child/tree"}
    assert "only some of them" in ann.get(f"{ROOT}/stats").json()["detail"]
    [queue] = ann.get(f"{ROOT}/queues").json()["items"]
    assert (queue["depth"], queue["waiting"], queue["in_per_minute"]) == (3, None, None)


def test_failures_are_listed_and_chosen() -> None:
    boss = person(is_superuser=True)
    [group] = boss.get(f"{ROOT}/failures", {"query": "state:open declined"}).json()["items"]
    assert (group["signature"], group["count"], len(group["spark"])) == ("a1", 7, 24)
    assert group["first_seen_at"].endswith("Z")
    assert boss.get(f"{ROOT}/failures", {"query": "state:muted"}).json()["items"] == []
    wrong = boss.get(f"{ROOT}/failures", {"query": "name:x queue:y"})
    assert (wrong.status_code, wrong.json()["at"]) == (400, 7)
    assert wrong.json()["allowed"] == ["name", "state", "since"]


def test_one_failure_is_told_or_unknown() -> None:
    boss = person(is_superuser=True)
    assert boss.get(f"{ROOT}/failures/a1").json()["type"] == "CardError"
    unknown = boss.get(f"{ROOT}/failures/b2")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_failure")


def test_queues_and_schedule_are_told_whole() -> None:
    boss = person(is_superuser=True)
    [queue] = boss.get(f"{ROOT}/queues").json()["items"]
    assert (queue["name"], queue["depth"], queue["warning"]) == ("mail", 3, "unattended")
    [entry] = boss.get(f"{ROOT}/schedule").json()["items"]
    assert (entry["name"], entry["missed"], entry["last_run_at"]) == ("nightly", 0, None)


def test_figures_are_told_by_key_and_over_time() -> None:
    boss = person(is_superuser=True)
    told = boss.get(f"{ROOT}/stats").json()
    [name] = told["items"]
    assert (name["key"], name["runs"], name["failed"]) == ("shop.pay", 4, 3)
    assert name["runtime_p95"] == pytest.approx(1.0, rel=0.06)
    assert sum(span["failed"] for span in told["series"]) == 3
    assert boss.get(f"{ROOT}/stats", {"by": "worker"}).json()["items"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"from": "yesterday"},
        {"from": "2026-11-21T10:00Z", "to": "2026-11-21T09:00Z"},
        {"from": "2020-11-21T10:00", "to": "2026-11-21T09:00Z"},
        {"to": "0001-01-01T00:00Z"},
        {"by": "owner"},
    ],
)
def test_a_span_that_is_none_is_refused(wrong: dict[str, str]) -> None:
    answer = person(is_superuser=True).get(f"{ROOT}/stats", wrong)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_parameter")


def test_a_workflow_is_told_from_any_of_its_tasks() -> None:
    boss = person(is_superuser=True)
    trees = [boss.get(f"{ROOT}/tasks/{id_}/tree").json() for id_ in ("root", "child", "grandchild")]
    assert trees[0] == trees[1] == trees[2]
    assert list(trees[0]["nodes"]) == ["child", "grandchild", "root"]
    assert trees[0]["nodes"]["grandchild"] == {
        "id": "grandchild",
        "name": None,
        "status": "queued",
        "conclusion": None,
        "parent_id": "child",
        "group_id": "g1",
        "runtime": None,
    }
    assert (trees[0]["root_id"], trees[0]["is_cut"]) == ("root", False)


def test_a_workflow_holds_only_what_its_viewer_may_see(own_only: None) -> None:
    ann = person("view_task")
    assert list(ann.get(f"{ROOT}/tasks/child/tree").json()["nodes"]) == ["child"]
    hidden = ann.get(f"{ROOT}/tasks/root/tree")
    assert (hidden.status_code, hidden.json()["code"]) == (404, "unknown_task")
