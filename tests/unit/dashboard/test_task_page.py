"""What the page of a task tells beside the task itself, and to whom."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from dashboard import models
from dashboard.views import pages
from dashboard.views import task as task_page
from realtime.ports import StoreUnavailable
from tests.unit.dashboard.samples import FAILED, NOW, Shop, task

ARGUMENTS = ("view_task_args", "view_task_kwargs")
EXCEPTION = ("view_task_exception",)
WHOLE = task(50, name="shop.pay", args=[1, None], kwargs={"to": "a 'b'"})

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    shop = Shop()
    shop.tasks = [task(51, name="shop.pay", ago=9), FAILED, task(52), WHOLE]
    monkeypatch.setattr(pages, "snapshots", lambda: shop)
    monkeypatch.setattr(pages.time, "time", lambda: NOW)
    return shop


def page(row: dict[str, Any], *permissions: str, status: int = 200) -> str:
    user = User.objects.create_user(f"user {User.objects.count()}")
    user.user_permissions.set(
        Permission.objects.filter(
            content_type__app_label="headway", codename__in=("view_task", *permissions)
        )
    )
    browser = Client()
    browser.force_login(user)
    response = browser.get(f"/headway/tasks/{row['id']}/")
    assert response.status_code == status
    return response.content.decode()


def store(*rows: dict[str, Any]) -> None:
    columns = {field.name for field in models.Task._meta.fields} - {"args", "kwargs", "progress"}
    for row in rows:
        known = {name: value for name, value in row.items() if name in columns}
        models.Task.objects.create(journal="{}", **known)


def test_a_call_is_offered_where_the_arguments_are_known_whole() -> None:
    text = page(WHOLE, *ARGUMENTS)
    call = "app.send_task(&#x27;shop.pay&#x27;, args=[1, None], kwargs={&#x27;to&#x27;: &quot;a"
    assert f'data-copy="{call}' in text
    assert "Copy as a call" not in page(FAILED, *ARGUMENTS)  # one value is redacted


def test_no_call_is_offered_to_who_may_not_see_the_arguments() -> None:
    assert "Copy as a call" not in page(WHOLE, "view_task_args")
    assert "Copy as a call" not in page(WHOLE)


def test_json_is_what_the_api_tells_the_viewer() -> None:
    assert f'data-copy-json="/headway/api/v1/tasks/{WHOLE["id"]}"' in page(WHOLE)


def test_the_failure_group_is_linked_for_who_may_open_it() -> None:
    link = f'href="/headway/failures/{FAILED["signature"]}/"'
    assert link in page(FAILED, *EXCEPTION, "view_failure")
    assert link not in page(FAILED, *EXCEPTION)
    assert FAILED["signature"] not in page(FAILED, "view_failure")


def test_the_last_runs_of_the_name_are_drawn() -> None:
    drawn = page(WHOLE)
    assert "Last 2 runs" in drawn
    bars = re.findall(r'<a href="(/headway/tasks/[^"]+)" data-state="succeeded"', drawn)
    assert bars == [f"/headway/tasks/{row}/" for row in (WHOLE["id"], task(51)["id"])]


def test_a_task_without_a_name_has_no_runs(shop: Shop) -> None:
    shop.tasks = [task(60, name=None)]
    assert 'id="runs"' not in page(shop.tasks[0])


def test_a_workflow_is_shown_to_its_members_only(shop: Shop) -> None:
    root, child = task(70, name="shop.root"), task(71, name="shop.child")
    child |= {"root_id": root["id"], "parent_id": root["id"]}
    store({**root, "root_id": root["id"]}, child, WHOLE)
    shop.tasks = [root, child, WHOLE]
    shown = page(root)
    assert re.search(r"<headway-graph [^>]*[^n]>", shown)
    assert f'href="/headway/tasks/{child["id"]}/" title="shop.child"' in shown
    assert 'id="children"' not in shown
    assert re.search(r"<headway-graph [^>]* hidden>", page(WHOLE))


def test_a_store_that_fails_late_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise StoreUnavailable("gone")

    monkeypatch.setattr(task_page, "read_tree", fail)
    assert "The database does not answer" in page(WHOLE, status=503)
