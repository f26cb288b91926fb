"""The pages as a browser gets them: who may see what, what stands in them, and what they answer
with."""

import dataclasses
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import Permission, User
from django.http import HttpResponse
from django.template.loader import get_template
from django.test import Client
from django.urls import path

from dashboard import throttle
from dashboard.views import overview, pages
from realtime.ports import StoreUnavailable, TooCostly
from tests import urls
from tests.unit.dashboard.samples import FAILED, HOSTILE, NOW, RUNNING, STREAM, TASKS, Shop, task

ALL = (
    "view_task",
    "view_worker",
    *(f"view_task_{name}" for name in ("args", "kwargs", "result", "exception", "traceback")),
)

urlpatterns = [*urls.urlpatterns, path("accounts/login/", overview.show)]
"""Of a host whose sign-in page is where Django expects it."""


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    shop = Shop()
    monkeypatch.setattr(pages, "snapshots", lambda: shop)
    monkeypatch.setattr(pages.time, "time", lambda: NOW)
    return shop


def client(*permissions: str) -> Client:
    """A browser signed in as someone with these permissions of ours."""
    user = User.objects.create_user("ines.keller", password="correct horse")
    user.user_permissions.set(
        Permission.objects.filter(content_type__app_label="headway", codename__in=permissions)
    )
    browser = Client()
    browser.force_login(user)
    return browser


@pytest.fixture
def operator(db: None, shop: Shop) -> Client:
    return client(*ALL)


def url(path: str = "tasks/", query: str | None = None) -> str:
    return f"/headway/{path}" + (f"?query={quote(query)}" if query is not None else "")


def text(response: HttpResponse) -> str:
    return response.content.decode()


def page_data(response: HttpResponse, name: str) -> Any:
    found = re.search(
        rf'<script id="{name}" type="application/json">(.*?)</script>', text(response), re.DOTALL
    )
    assert found, name
    return json.loads(found[1])


class Markup(HTMLParser):
    """Collects what the strict policy forbids, and what it must not."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.forbidden: list[str] = []
        self.links: list[str] = []
        self.rows: list[dict[str, str | None]] = []
        self.feed(markup)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if tag == "style" or "style" in given or any(name.startswith("on") for name in given):
            self.forbidden.append(self.get_starttag_text() or tag)
        if tag == "script" and "src" not in given and given.get("type") != "application/json":
            self.forbidden.append(self.get_starttag_text() or tag)
        if any((value or "").startswith(("data:", "javascript:")) for value in given.values()):
            self.forbidden.append(self.get_starttag_text() or tag)
        if tag == "a" and given.get("href"):
            self.links.append(given["href"] or "")
        if tag == "tr" and given.get("data-id"):
            self.rows.append(given)


PAGES = [
    "tasks/",
    "tasks/?query=queue:media",
    "tasks/?query=statos:x",
    "tasks/?query=id:none",
    "workers/",
    f"tasks/{FAILED['id']}/",
    f"tasks/{RUNNING['id']}/",
    "tasks/never-seen/",
    f"tasks/{HOSTILE['id']}/",
]


@pytest.mark.parametrize("path", PAGES)
def test_no_page_needs_what_the_strict_policy_forbids(operator: Client, path: str) -> None:
    response = operator.get(url(path))
    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert response["Cache-Control"].count("no-store")
    assert Markup(text(response)).forbidden == []


@pytest.mark.parametrize("path", PAGES)
def test_hostile_texts_reach_the_page_as_text(operator: Client, shop: Shop, path: str) -> None:
    evil = "</script><script>alert(1)</script>"
    hostile = task(
        90,
        name=evil,
        queue=evil,
        worker=evil,
        kwargs={evil: evil},
        result=evil,
        exception=f"E('{evil}')",
        traceback=evil,
        conclusion="failed",
        label=evil,
        owner=evil,
        reason=evil,
        id=FAILED["id"],
        errors=[{"exception": evil, "traceback": evil, "at": NOW, "worker": evil}] * 2,
    )
    shop.tasks = [hostile]
    assert "<script>alert" not in text(operator.get(url(path)))


def test_policy_names_the_origin_of_static_files_kept_elsewhere(
    operator: Client, settings: Any
) -> None:
    settings.STATIC_URL = "https://cdn.example/s/"
    policy = operator.get(url())["Content-Security-Policy"]
    assert "script-src 'self' https://cdn.example;" in policy


def test_headers_are_set_on_our_own_pages_only(operator: Client) -> None:
    assert "Content-Security-Policy" not in operator.get("/admin/login/").headers


def test_list_shows_every_row_with_the_cursor_that_the_script_goes_on_from(
    operator: Client,
) -> None:
    response = operator.get(url())
    assert [row["data-id"] for row in Markup(text(response)).rows] == [row["id"] for row in TASKS]
    data = page_data(response, "headway-rows")
    assert (data["epoch"], data["revision"], data["after"]) == ("e41", 9_204_117, None)
    assert data["counts"]["failed"] == [2, False]
    assert not {"traceback", "result", "attempts", "errors"} & set().union(*data["rows"])


def test_row_template_has_the_same_structure_as_the_rows(operator: Client) -> None:
    markup = text(operator.get(url()))
    row, blank = markup.split("<template data-row>")
    fields = re.compile(r'data-(?:field|part)="(\w+)"')
    assert fields.findall(blank.split("</template>")[0]) == fields.findall(
        row.rpartition('<tr role="row"')[2]
    )


def test_list_goes_on_below_its_last_row_without_any_script(operator: Client, shop: Shop) -> None:
    shop.tasks = [task(number) for number in range(1, 151)]
    first = Markup(text(operator.get(url())))
    older = next(link for link in first.links if "after=" in link)
    second = Markup(text(operator.get(older)))
    assert [row["data-id"] for row in first.rows + second.rows] == [row["id"] for row in shop.tasks]
    assert "/headway/tasks/" in second.links


def test_cursor_that_is_none_starts_at_the_newest(operator: Client, shop: Shop) -> None:
    response = operator.get(url() + "?after=nonsense")
    assert (response.status_code, response["Location"]) == (302, "/headway/tasks/")


def test_terms_that_a_form_adds_are_joined_in_the_address(operator: Client) -> None:
    response = operator.get(url() + "?query=queue:media&query=since:7d")
    assert response["Location"] == "/headway/tasks/?query=queue%3Amedia+since%3A7d"


def test_chip_takes_its_own_term_away(operator: Client) -> None:
    links = Markup(text(operator.get(url(query="queue:media since:7d")))).links
    assert "/headway/tasks/?query=since%3A7d" in links
    assert "/headway/tasks/?query=queue%3Amedia" in links


def test_tab_keeps_the_other_terms_and_counts_without_its_own(operator: Client) -> None:
    markup = text(operator.get(url(query="queue:media status:running")))
    failed = re.search(r'<a href="([^"]*)" data-tab="failed".*?<b>(.*?)</b>', markup)
    assert failed
    assert failed.groups() == ("/headway/tasks/?query=queue%3Amedia+conclusion%3Afailed", "1")
    assert re.search(r'data-tab="running" data-state="running" aria-current="true"', markup)


def test_rare_tabs_are_hidden_while_they_hold_nothing(operator: Client, shop: Shop) -> None:
    shop.tasks = [task(1)]
    markup = text(operator.get(url()))
    assert re.search(r'data-tab="rejected"[^>]* hidden>', markup)
    assert not re.search(r'data-tab="failed"[^>]* hidden>', markup)


def test_bad_query_is_told_with_its_place_and_the_list_leaves_it_out(operator: Client) -> None:
    response = operator.get(url(query="queue:payments statos:running"))
    markup = text(response)
    assert response.status_code == 400
    assert 'value="statos:running"' in markup
    assert "<mark>statos</mark>" in markup
    assert "Did you mean" in markup
    assert {row["data-id"] for row in Markup(markup).rows} == {
        row["id"] for row in TASKS if row["queue"] == "payments"
    }


def test_query_too_long_to_read_is_told_too(operator: Client) -> None:
    response = operator.get(url(query="x" * 1001))
    assert response.status_code == 400
    assert "at most 1000" in text(response)


def test_term_on_a_hidden_field_is_refused_and_its_value_never_sent(db: None, shop: Shop) -> None:
    response = client("view_task").get(url(query="error:CardError"))
    assert response.status_code == 400
    assert "may not read exception" in text(response)
    assert "declined" not in text(response)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("args", "u_9KfDq"),
        ("kwargs", "watermark"),
        ("exception", "CalledProcessError"),
        ("traceback", "run_ffmpeg"),
        ("result", "captured"),
    ],
)
def test_field_without_its_permission_is_nowhere_on_the_pages(
    db: None, shop: Shop, field: str, value: str
) -> None:
    # The exception's type also stands in the last line of its traceback.
    withheld = {f"view_task_{field}"} | ({"view_task_traceback"} if field == "exception" else set())
    browser = client(*(set(ALL) - withheld))
    shop.tasks = [FAILED | {"result": "captured", "name": "shop.work"}]
    assert value not in text(browser.get(url()))
    detail = text(browser.get(url(f"tasks/{FAILED['id']}/")))
    assert value not in detail
    assert f"headway.view_task_{field}" in detail or field == "exception"


def test_stranger_is_sent_to_sign_in_and_back(db: None, shop: Shop) -> None:
    response = Client().get(url(query="queue:media"))
    assert response["Location"] == "/headway/login/?next=/headway/tasks/%3Fquery%3Dqueue%253Amedia"


def test_hosts_own_sign_in_page_is_used_where_it_names_one(
    db: None, shop: Shop, settings: Any
) -> None:
    settings.LOGIN_URL = "/accounts/sso/"
    assert Client().get(url())["Location"].startswith("/accounts/sso/?next=")


def test_account_without_the_permission_is_told_which_one(db: None, shop: Shop) -> None:
    response = client("view_worker").get(url())
    assert response.status_code == 403
    assert "headway.view_task" in text(response)
    assert "ines.keller" in text(response)
    assert "default-src 'none'" in response["Content-Security-Policy"]


def test_first_run_says_what_is_missing(operator: Client, shop: Shop) -> None:
    shop.tasks, shop.workers, shop.info = [], [], dataclasses.replace(STREAM, alive_at=None)
    markup = text(operator.get(url()))
    assert "Waiting for the first event" in markup
    assert "No receiver is running" in markup
    assert "No worker was heard of" in markup


def test_first_run_does_not_tell_workers_to_who_may_not_see_them(db: None, shop: Shop) -> None:
    shop.tasks = []
    assert "web-1" not in text(client("view_task").get(url()))


def test_search_without_a_match_offers_the_wider_ones_that_have_some(operator: Client) -> None:
    links = Markup(text(operator.get(url(query="queue:payments id:none")))).links
    assert "/headway/tasks/?query=queue%3Apayments" in links


def test_search_that_stopped_early_says_how_far_it_came(operator: Client, shop: Shop) -> None:
    shop.searched_back_to = NOW - 7200
    assert "21 Nov 2026 12:02:11.200 UTC" in text(operator.get(url(query="media")))


def test_task_never_seen_says_that_waiting_is_only_one_reason(operator: Client) -> None:
    response = operator.get(url("tasks/no/such id/"))
    assert response.status_code == 404
    assert "Nothing was ever seen of this id" in text(response)
    assert "no/such id" in text(response)


def test_failed_task_shows_its_attempts_its_last_own_frame_and_its_redactions(
    operator: Client,
) -> None:
    markup = text(operator.get(url(f"tasks/{FAILED['id']}/")))
    assert "after 3 attempts" in markup
    assert markup.count("last own frame") == 1
    assert "2 frames in celery" in markup
    assert '<span class="hw-redact">redacted</span>' in markup
    assert (
        page_data(operator.get(url(f"tasks/{FAILED['id']}/")), "headway-row")["row"]["id"]
        == FAILED["id"]
    )


def test_children_are_linked_from_their_parent(operator: Client, shop: Shop) -> None:
    child = task(77, parent_id=RUNNING["id"], name="shop.media.publish_clip")
    shop.tasks = [RUNNING, child]
    markup = text(operator.get(url(f"tasks/{RUNNING['id']}/")))
    assert f"/headway/tasks/{child['id']}/" in Markup(markup).links
    assert "1 task that this one sent" in markup


def test_store_that_does_not_answer_is_said_with_503(
    operator: Client, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise StoreUnavailable("gone")

    monkeypatch.setattr(
        pages, "snapshots", lambda: type("Down", (), {"page": staticmethod(lambda *_: fail())})()
    )
    for page in ("tasks/", "workers/", "tasks/x/"):
        response = operator.get(url(page))
        assert (response.status_code, "does not answer" in text(response)) == (503, True)


def test_pages_only_read(operator: Client) -> None:
    assert {
        operator.post(url(path)).status_code for path in ("tasks/", "workers/", "tasks/x/")
    } == {405}


def test_theme_of_the_cookie_is_painted_by_the_server_and_no_other_value(operator: Client) -> None:
    operator.cookies["headway_theme"] = "dark"
    assert 'data-theme="dark"' in text(operator.get(url()))
    operator.cookies["headway_theme"] = '"><script>'
    assert "data-theme" not in text(operator.get(url())).split("<head>")[0]


def test_sign_in_goes_on_to_where_it_was_asked_for(db: None, shop: Shop) -> None:
    User.objects.create_user("ines", password="correct horse")
    given = {"username": "ines", "password": "correct horse", "next": "/headway/workers/"}
    assert Client().post(url("login/"), given)["Location"] == "/headway/workers/"


@pytest.mark.parametrize(
    "next_url", ["https://evil.example/", "//evil.example", "javascript:alert(1)"]
)
def test_sign_in_never_leaves_the_host(db: None, shop: Shop, next_url: str) -> None:
    User.objects.create_user("ines", password="correct horse")
    given = {"username": "ines", "password": "correct horse", "next": next_url}
    assert Client().post(url("login/"), given)["Location"] == "/headway/"


def test_sign_in_leads_to_the_overview_where_no_page_was_asked_for(db: None, shop: Shop) -> None:
    User.objects.create_user("ines", password="correct horse")
    given = {"username": "ines", "password": "correct horse"}
    assert Client().post(url("login/"), given)["Location"] == "/headway/"


def test_wrong_password_is_said_without_saying_which_part_was_wrong(db: None) -> None:
    response = Client().post(url("login/"), {"username": "ines", "password": "no"})
    assert response.status_code == 403
    assert 'role="alert"' in text(response)
    assert Markup(text(response)).forbidden == []


def test_sign_in_needs_its_csrf_token(db: None) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(url("login/"), {"username": "ines", "password": "x"}).status_code == 403


def test_a_guesser_is_told_to_wait_and_others_are_not(
    db: None, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "sign_in", throttle.Throttle(name=throttle.Rate(2, 30.0)))
    for name in ("ines", "anna"):
        User.objects.create_user(name, password="correct horse")
    for password in ("guess", "other guess"):
        given = {"username": "ines", "password": password}
        assert Client().post(url("login/"), given).status_code == 403
    right = {"username": "Ines ", "password": "correct horse"}
    refused = Client().post(url("login/"), right)
    assert refused.status_code == 429
    assert 0 < int(refused["Retry-After"]) <= 30
    assert "Too many attempts to sign in. Try again in" in text(refused)
    assert Markup(text(refused)).forbidden == []
    assert "_auth_user_id" not in refused.client.session
    other = {"username": "anna", "password": "correct horse"}
    assert Client().post(url("login/"), other).status_code == 302


def test_guessers_are_told_apart_by_what_a_trusted_proxy_says(
    db: None, shop: Shop, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.HEADWAY_TRUSTED_PROXIES = ["127.0.0.1"]
    monkeypatch.setattr(throttle, "sign_in", throttle.Throttle(address=throttle.Rate(1, 30.0)))

    def status(forwarded: str, name: str) -> int:
        given = {"username": name, "password": "guess"}
        headers = {"X-Forwarded-For": forwarded}
        return Client(headers=headers).post(url("login/"), given).status_code

    assert status("203.0.113.1", "a") == 403
    assert status("198.51.100.9, 203.0.113.1", "b") == 429
    assert status("203.0.113.2", "c") == 403


def test_our_sign_in_page_hands_over_to_the_hosts_own(db: None, settings: Any) -> None:
    settings.LOGIN_URL = "admin:login"
    response = Client().post(url("login/"), {"username": "ines", "password": "x"})
    assert response["Location"] == "/admin/login/?next=/headway/"


def test_the_hosts_sign_in_page_at_djangos_default_address_counts(
    db: None, shop: Shop, settings: Any
) -> None:
    settings.ROOT_URLCONF = __name__
    location = Client().get(url())["Location"]
    assert location == "/accounts/login/?next=/headway/tasks/"


def test_sign_out_leads_to_the_hosts_own_sign_in_page(operator: Client, settings: Any) -> None:
    settings.LOGIN_URL = "admin:login"
    assert operator.post(url("logout/"))["Location"] == "/admin/login/"


def test_sign_out_ends_the_session_and_only_by_post(operator: Client) -> None:
    assert operator.get(url("logout/")).status_code == 405
    assert operator.post(url("logout/"))["Location"] == "/headway/login/"
    assert operator.get(url())["Location"].startswith("/headway/login/")


def test_every_template_compiles() -> None:
    for name in ("tasks", "task", "unknown", "login", "notice"):
        get_template(f"headway/{name}.html")


def test_a_search_that_was_given_up_says_what_to_do(
    operator: Client, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def page(*_: object, **__: object) -> None:
        raise TooCostly

    monkeypatch.setattr(shop, "page", page)
    answer = operator.get(url(query="-a"))
    assert answer.status_code == 503
    assert "Add a term such as name:" in text(answer)
