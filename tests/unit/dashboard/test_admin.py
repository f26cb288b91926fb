"""Headway in Django admin: who sees what, and that nobody writes."""

import html
import time
from collections.abc import Iterable
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from dashboard import access, apikeys, auditing
from dashboard.models import Audit, Failure, Queue, ScheduleEntry
from realtime.core import query as language
from tests.unit.dashboard import stored

pytestmark = pytest.mark.django_db(transaction=True)

MODELS = ("task", "worker", "failure", "queue", "scheduleentry", "audit", "apikey")
SECRET = "the-secret-value"
GUARDED = ("args", "kwargs", "result", "exception", "traceback")
SIGNATURE = "5f2a9c11"


class OwnQueue(access.DefaultAccess):
    """Everyone but superusers sees the tasks of their own queue."""

    def rows(self, user: Any) -> language.Query:
        return (
            language.EVERYTHING if user.is_superuser else language.parse(f"queue:{user.username}")
        )


RESTRICTED = override_settings(HEADWAY_ACCESS=f"{__name__}.OwnQueue")


@pytest.fixture(autouse=True)
def shop() -> None:
    """Tasks of two queues, and one of every other thing."""
    stored.write(
        tasks=[
            stored.queued("ines-1", name="shop.place", queue="ines", args=f"('{SECRET}',)"),
            stored.failed("ines-2", name="shop.pay", queue="ines"),
            stored.succeeded("other-1", name="other.hidden", queue="other"),
            stored.running("odd/id_&", name="shop.odd", queue="other"),
        ],
        workers=[stored.worker()],
    )
    now = time.time()
    Failure.objects.create(
        signature=SIGNATURE,
        revision=1,
        type="CardError",
        message="declined <b>",
        name="shop.pay",
        task_id="ines-2",
        count=3,
        first_seen_at=now,
        last_seen_at=now,
    )
    Queue.objects.create(name="mail", revision=1, first_seen_at=now, depth=4)
    ScheduleEntry.objects.create(
        name="nightly",
        revision=1,
        task="shop.report",
        schedule="crontab",
        source="celery",
        first_seen_at=now,
        checked_at=now,
    )
    for user in ("ines", "otto"):
        auditing.write(
            [auditing.entry(user=user, action="mute", at=now, kind="failure", target=user)]
        )


def staff(name: str = "ines", *permissions: str, is_staff: bool = True) -> Client:
    """The browser of somebody with these permissions."""
    user = User.objects.create_user(name, password="x", is_staff=is_staff)
    user.user_permissions.set(
        Permission.objects.get(codename=codename, content_type__app_label="headway")
        for codename in permissions
    )
    return signed_in(user)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def root() -> Client:
    return signed_in(User.objects.create_superuser("root", password="x"))


def list_url(model: str, **parameters: str) -> str:
    return reverse(f"admin:headway_{model}_changelist", query=parameters)


def page_url(model: str, key: Any) -> str:
    return reverse(f"admin:headway_{model}_change", args=[admin.utils.quote(str(key))])


def text(client: Client, url: str, status: int = 200) -> str:
    answer = client.get(url)
    assert answer.status_code == status, (url, answer.status_code)
    return answer.content.decode()


def keys() -> dict[str, Any]:
    key, _ = apikeys.create(User.objects.create_user("program"), "grafana")
    return {
        "task": "ines-2",
        "worker": stored.WORKER,
        "failure": SIGNATURE,
        "queue": "mail",
        "scheduleentry": "nightly",
        "audit": Audit.objects.get(user="ines").pk,
        "apikey": key.pk,
    }


@pytest.mark.parametrize("model", MODELS)
def test_a_stranger_is_sent_to_sign_in(model: str) -> None:
    for url in (list_url(model), page_url(model, keys()[model])):
        answer = Client().get(url)
        assert answer.status_code == 302
        assert "login" in answer.headers["Location"]


@pytest.mark.parametrize("model", MODELS)
def test_who_is_no_staff_is_sent_to_sign_in_whatever_they_may(model: str) -> None:
    client = staff("ines", "view_task", "view_worker", "view_audit", is_staff=False)
    assert client.get(list_url(model)).status_code == 302


@pytest.mark.parametrize("model", MODELS)
def test_staff_without_permission_sees_nothing(model: str) -> None:
    client = staff()
    text(client, list_url(model), 403)
    text(client, page_url(model, keys()[model]), 403)
    index = text(client, reverse("admin:index"))
    assert "headway" not in index.lower()


@pytest.mark.parametrize(
    ("model", "permissions"),
    [
        ("task", ("view_task",)),
        ("worker", ("view_worker",)),
        ("failure", ("view_task", "view_failure", "view_task_exception")),
        ("queue", ("view_queue",)),
        ("scheduleentry", ("view_scheduleentry",)),
        ("audit", ("view_audit",)),
        ("apikey", ("view_apikey",)),
    ],
)
def test_its_own_permission_opens_one_model_and_no_other(
    model: str, permissions: tuple[str, ...]
) -> None:
    client, key = staff("ines", *permissions), keys()[model]
    assert page_url(model, key) in text(client, list_url(model))
    text(client, page_url(model, key))
    for other in MODELS:
        if other not in (model, "task"):
            text(client, list_url(other), 403)


def test_failures_ask_for_sight_of_exceptions_too() -> None:
    text(staff("ines", "view_task", "view_failure"), list_url("failure"), 403)


@pytest.mark.parametrize("model", MODELS)
def test_nobody_adds_changes_or_deletes(model: str) -> None:
    client, key = root(), keys()[model]
    text(client, reverse(f"admin:headway_{model}_add"), 403)
    delete = reverse(f"admin:headway_{model}_delete", args=[admin.utils.quote(str(key))])
    assert client.get(delete).status_code == 403
    assert client.post(delete, {"post": "yes"}).status_code == 403
    assert client.post(page_url(model, key), {"name": "other"}).status_code == 403
    marked = {"action": "delete_selected", "_selected_action": [str(key)], "post": "yes"}
    client.post(list_url(model), marked)
    text(client, page_url(model, key))


def test_a_page_shows_the_whole_task_to_a_superuser() -> None:
    page = text(root(), page_url("task", "ines-2"))
    for part in ("shop.pay", "E(&#x27;no&#x27;)", "Traceback", "Failed"):
        assert part in page
    assert SECRET in text(root_again(), page_url("task", "ines-1"))


def root_again() -> Client:
    return signed_in(User.objects.get(username="root"))


@pytest.mark.parametrize("missing", GUARDED)
def test_a_guarded_field_needs_its_own_permission(missing: str) -> None:
    fields = {name: f"field-{name}" for name in GUARDED}
    granted = [f"view_task_{name}" for name in GUARDED if name != missing]
    page = text(staff("ines", "view_task", *granted), page_url("task", "ines-2"))
    for name, mark in fields.items():
        assert (mark in page) is (name != missing)
    assert ("E(&#x27;no&#x27;)" in page) is (missing != "exception")


def test_a_list_tells_no_exception_to_who_may_not_read_it() -> None:
    url = list_url("task", q="conclusion:failed")
    assert '<b data-part="strong">E</b>' in text(root(), url)
    assert '<b data-part="strong">E</b>' not in text(staff("ines", "view_task"), url)


def test_a_search_on_a_field_that_may_not_be_read_is_refused_with_its_message() -> None:
    page = text(staff("ines", "view_task"), list_url("task", q="error:E"), 400)
    assert "ines-2" not in page
    assert "messagelist" in page


def test_a_bad_query_is_answered_with_its_message() -> None:
    page = text(root(), list_url("task", q="runtime:>fast"), 400)
    with pytest.raises(language.QueryError) as caught:
        language.parse("runtime:>fast")
    assert html.escape(caught.value.message) in page
    assert "Nothing is shown" in page


@pytest.mark.parametrize(
    ("parameters", "shown"),
    [
        ({"q": "name:shop.*"}, {"ines-1", "ines-2", "odd/id_&"}),
        ({"q": "shop.pay"}, {"ines-2"}),
        ({"status": "queued"}, {"ines-1"}),
        ({"conclusion": "failed"}, {"ines-2"}),
        ({"queue": "other"}, {"other-1", "odd/id_&"}),
        ({"name": "shop.place", "queue": "ines"}, {"ines-1"}),
        ({"q": "queue:ines", "conclusion": "succeeded"}, set()),
        ({"worker": "nobody"}, set()),
    ],
)
def test_search_and_filters_find_what_the_filter_language_finds(
    parameters: dict[str, str], shown: set[str]
) -> None:
    assert listed(root().get(list_url("task", **parameters))) == shown


def listed(answer: Any) -> set[str]:
    return {task.pk for task in answer.context["cl"].result_list}


def test_every_id_has_a_page_and_unknown_ones_lead_back() -> None:
    client = root()
    assert "shop.odd" in text(client, page_url("task", "odd/id_&"))
    for key in ("unknown", "a\x00b"):
        assert client.get(page_url("task", key)).status_code == 302


@RESTRICTED
def test_a_restricted_viewer_sees_only_own_rows_everywhere() -> None:
    client = staff("ines", "view_task", "view_audit", "view_failure", "view_task_exception")
    assert listed(client.get(list_url("task"))) == {"ines-1", "ines-2"}
    for parameters in ({"q": "other-1"}, {"q": "id:other-1"}, {"queue": "other"}):
        page = client.get(list_url("task", **parameters))
        assert listed(page) == set()
    body = text(client, list_url("task"))
    assert "other.hidden" not in body
    assert "2 in all" in body
    assert client.get(page_url("task", "other-1")).status_code == 302
    text(client, page_url("task", "ines-1"))
    text(client, list_url("failure"), 403)
    audit = text(client, list_url("audit"))
    assert page_url("audit", Audit.objects.get(user="ines").pk) in audit
    other = page_url("audit", Audit.objects.get(user="otto").pk)
    assert other not in audit
    assert client.get(other).status_code == 302


def test_filters_offer_what_there_is() -> None:
    page = text(root(), list_url("task"))
    for choice in ("?name=shop.pay", "?queue=other", "?conclusion=failed", "?status=completed"):
        assert f'href="{choice}"' in page


@pytest.mark.parametrize("parameter", ["state__exact", "journal__contains", "name__startswith"])
def test_other_lookups_are_not_allowed(parameter: str) -> None:
    assert root().get(list_url("task", **{parameter: "x"})).status_code == 400


def test_pages_follow_each_other_by_their_last_row() -> None:
    stored.write(stored.queued(f"many-{n:03}", queue="many") for n in range(250))
    client, seen = root(), list[str]()
    url = list_url("task", queue="many")
    while url:
        cl = client.get(url).context["cl"]
        seen += [task.pk for task in cl.result_list]
        url = cl.older_url and f"{list_url('task')}{cl.older_url}"
    assert sorted(seen) == [f"many-{n:03}" for n in range(250)]
    assert client.get(list_url("task", after="no cursor")).status_code == 302


def test_a_list_counts_no_table_whole() -> None:
    client = root()
    with CaptureQueriesContext(
        connection,
    ) as captured:
        client.get(list_url("task"))
    statements = [query["sql"] for query in captured.captured_queries]
    assert not [sql for sql in statements if sql.startswith("SELECT COUNT(*)")]


@pytest.mark.parametrize(
    ("model", "parameters", "count"),
    [
        ("worker", {"q": "nobody"}, 0),
        ("worker", {"state": "online"}, 1),
        ("worker", {"state": "gone"}, 0),
        ("failure", {"q": "declined"}, 1),
        ("failure", {"q": "name:shop.*"}, 1),
        ("failure", {"state": "muted"}, 0),
        ("queue", {"q": "ma"}, 1),
        ("scheduleentry", {"q": "report"}, 1),
        ("scheduleentry", {"is_enabled": "False"}, 0),
        ("audit", {"q": "otto"}, 1),
        ("audit", {"action": "retry"}, 0),
    ],
)
def test_other_lists_are_searched_and_filtered(
    model: str, parameters: dict[str, str], count: int
) -> None:
    assert len(root().get(list_url(model, **parameters)).context["cl"].result_list) == count


def test_data_is_never_markup() -> None:
    page = text(root(), page_url("failure", SIGNATURE))
    assert "declined &lt;b&gt;" in page


def test_the_secret_of_a_key_is_nowhere() -> None:
    key, clear = apikeys.create(User.objects.create_user("program"), "grafana")
    pages = text(root(), list_url("apikey")) + text(root_again(), page_url("apikey", key.pk))
    assert key.prefix in pages
    assert key.secret_hash not in pages
    assert clear not in pages


def test_the_index_has_a_box_for_who_may_see_tasks() -> None:
    page = text(root(), reverse("admin:index"))
    assert 'data-figure="running"' in page
    assert 'data-live="/headway/ws/v1/live"' in page
    app_index = text(root_again(), reverse("admin:app_list", args=["headway"]))
    assert 'data-figure="running"' in app_index


def test_who_may_see_no_tasks_gets_neither_badge_nor_box() -> None:
    client = staff("ines", "view_worker")
    assert "data-figure" not in text(client, reverse("admin:index"))
    workers = text(client, list_url("worker"))
    assert "headway/admin.css" in workers
    assert "headway-badge" not in workers
    assert "data-live" not in workers


@RESTRICTED
def test_the_box_counts_only_own_tasks() -> None:
    page = text(staff("ines", "view_task"), reverse("admin:index"))
    assert figure(page, "running") == "0"
    assert figure(page, "queued") == "1"


def figure(page: str, name: str) -> str:
    return (
        page.partition(f'data-figure="{name}"')[2]
        .partition('data-part="count">')[2]
        .partition("<")[0]
    )


def test_links_lead_both_ways() -> None:
    client = root()
    task_page, admin_page = reverse("headway:task", args=["ines-2"]), page_url("task", "ines-2")
    assert f'href="{task_page}"' in text(client, admin_page)
    assert f'href="{admin_page}"' in text(client, task_page)
    colleague = staff("ines", "view_task", is_staff=False)
    assert "/admin/" not in text(colleague, task_page)


def test_our_parts_bring_no_inline_script_or_style() -> None:
    for url in (reverse("admin:index"), list_url("task"), page_url("task", "ines-2")):
        page = text(
            signed_in(
                User.objects.get_or_create(username="r", is_staff=True, is_superuser=True)[0]
            ),
            url,
        )
        assert "<style" not in page
        assert ' style="' not in page
        assert inline_scripts(page) == []


def inline_scripts(page: str) -> Iterable[str]:
    tags = [part.partition(">")[0] for part in page.split("<script")[1:]]
    return [tag for tag in tags if "src=" not in tag and "application/json" not in tag]
