"""What a viewer chose for the task list: columns, and queries they saved."""

import re
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from dashboard import saved
from dashboard.views import pages
from tests.unit.dashboard.samples import NOW, Shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    shop = Shop()
    monkeypatch.setattr(pages, "snapshots", lambda: shop)
    monkeypatch.setattr(pages.time, "time", lambda: NOW)
    return shop


@pytest.fixture
def viewer(shop: Shop) -> Client:
    """Signed in as someone who may see tasks, but no exceptions."""
    user = User.objects.create_user("ines")
    user.user_permissions.set(Permission.objects.filter(codename="view_task"))
    client = Client()
    client.force_login(user)
    return client


def heads(client: Client) -> list[str]:
    page = client.get("/headway/tasks/").content.decode()
    return re.findall(r'<th [^>]*class="(?:[^"]* )?c-(\w+)', page)


def test_first_paint_has_the_columns_that_the_cookie_names(viewer: Client) -> None:
    assert heads(viewer) == ["state", "name", "prog", "queue", "worker", "wait", "run", "age"]
    viewer.cookies["headway_columns"] = "owner.age"
    assert heads(viewer) == ["state", "name", "owner", "age"]
    page = viewer.get("/headway/tasks/").content.decode()
    assert 'data-field="owner"' in page
    assert 'data-field="queue"' not in page


def test_exceptions_are_no_column_for_who_may_not_read_them(viewer: Client) -> None:
    viewer.cookies["headway_columns"] = "exception.age"
    assert heads(viewer) == ["state", "name", "age"]
    assert 'value="exception"' not in viewer.get("/headway/tasks/").content.decode()


def test_form_without_a_script_has_the_choice_remembered(viewer: Client) -> None:
    chosen = {"columns": ["owner", "-", "age"], "query": "queue:media"}
    answer = viewer.get("/headway/tasks/", chosen)
    assert answer.status_code == 302
    assert answer["Location"] == "/headway/tasks/?query=queue%3Amedia"
    cookie = answer.cookies["headway_columns"]
    assert (cookie.value, cookie["path"], cookie["samesite"]) == ("owner.age", "/headway/", "Lax")
    assert heads(viewer) == ["state", "name", "owner", "age"]


def test_saved_queries_are_links_of_their_own_user_alone(viewer: Client) -> None:
    saved.save(User.objects.get(username="ines"), "<Mine>", "queue:media")
    saved.save(User.objects.create_user("bob"), "Theirs", "queue:mail")
    page = viewer.get("/headway/tasks/").content.decode()
    assert '<a href="/headway/tasks/?query=queue%3Amedia" title="queue:media">' in page
    assert "&lt;Mine&gt;" in page
    assert "Theirs" not in page
