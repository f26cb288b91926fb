"""The overview as a browser gets it: who sees what of it, and what it says where nothing is."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from dashboard import models
from dashboard.access import DefaultAccess
from dashboard.views import overview, pages
from realtime.core import query as language
from realtime.ports import Page, Rights, Select, StoreUnavailable, TooCostly
from tests.services.process import ROOT
from tests.unit.dashboard.samples import Shop
from tests.unit.dashboard.test_pages import Markup, page_data, text

CASE = json.loads((ROOT / "tests/vectors/overview.json").read_text())[0]
NOW = CASE["now"]
OPERATOR = (
    "view_task",
    "view_worker",
    "view_queue",
    "view_failure",
    "view_scheduleentry",
    *(f"view_task_{name}" for name in ("args", "kwargs", "result", "exception", "traceback")),
)
PARTS = {"failures", "queues"}


class Front(Shop):
    """The shop with its overview, of which it gives what the select may draw upon."""

    def __init__(self) -> None:
        super().__init__(workers=CASE["workers"])
        self.row: dict[str, Any] = CASE["row"]
        self.asked: list[Select] = []

    def page(
        self, select: Select, rows: language.Query, now: float, after: str | None = None
    ) -> Page:
        if select.of != "overview":
            return super().page(select, rows, now, after)
        self.asked.append(select)
        row = {key: value for key, value in self.row.items() if key not in PARTS - select.parts}
        if rows.terms:
            row = {key: value for key, value in row.items() if key not in ("series", "names")}
        return Page([row], "e41", 7)


@pytest.fixture
def front(monkeypatch: pytest.MonkeyPatch) -> Iterator[Front]:
    front = Front()
    monkeypatch.setattr(pages, "snapshots", lambda: front)
    monkeypatch.setattr(overview.time, "time", lambda: NOW)
    return front


def client(*permissions: str) -> Client:
    user = User.objects.create_user("ines.keller", password="correct horse")
    granted = Permission.objects.filter(content_type__app_label="headway", codename__in=permissions)
    user.user_permissions.set(granted)
    browser = Client()
    browser.force_login(user)
    return browser


@pytest.fixture
def operator(db: None, front: Front) -> Client:
    return client(*OPERATOR)


def headings(markup: str) -> list[str]:
    return re.findall(r'<h2 id="h-[a-z]+"[^>]*>([^<]*)</h2>', markup)


def plain(markup: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", markup).replace("\u00a0", " "))


def test_the_root_is_the_overview_with_every_panel(operator: Client) -> None:
    response = operator.get("/headway/")
    assert response.status_code == 200
    titles = ["Finished and failed per minute", "Newest failures", "Queues", "Latency by task"]
    assert headings(text(response)) == [*titles, "Workers", "Keyboard"]


def test_problems_are_told_in_words(operator: Client) -> None:
    words = plain(text(operator.get("/headway/")))
    assert "media-hd has no workers. 214 tasks wait, the oldest for 51m 07s." in words
    assert "4 more to look at" in words


def test_every_figure_leads_to_the_list_behind_it(operator: Client) -> None:
    links = Markup(text(operator.get("/headway/"))).links
    for query in (
        "status%3Arunning",
        "status%3Aqueued",
        "status%3Ascheduled",
        "queue%3Amail",
        "name%3Ashop.orders.sync_erp",
        "worker%3Amail-1@fra-02",
    ):
        assert any(link.replace("%40", "@").endswith(f"?query={query}") for link in links), query


def test_no_overview_needs_what_the_strict_policy_forbids(operator: Client) -> None:
    response = operator.get("/headway/")
    assert "default-src 'none'" in response["Content-Security-Policy"]
    assert Markup(text(response)).forbidden == []


def test_hostile_names_reach_the_page_as_text(operator: Client, front: Front) -> None:
    evil = "</script><script>alert(1)</script>"
    front.row = json.loads(json.dumps(CASE["row"]))
    for group in ("names", "queues"):
        front.row[group][0]["name"] = evil
    front.row["problems"][0] |= {"subject": evil, "title": evil}
    front.row["failures"][0] |= {"type": evil, "message": evil, "name": evil, "frame": evil}
    assert "<script>alert" not in text(operator.get("/headway/"))


def test_the_script_goes_on_from_the_row_and_its_revision(operator: Client) -> None:
    response = operator.get("/headway/")
    rows = page_data(response, "headway-rows")
    assert (rows["epoch"], rows["revision"]) == ("e41", 7)
    assert rows["rows"][0]["queued"] == 1482
    assert len(page_data(response, "headway-workers")["rows"]) == 12
    assert len(page_data(response, "headway-chart")["points"]) == 60


@pytest.mark.parametrize(
    ("missing", "heading", "part"),
    [
        ("view_queue", "Queues", "queues"),
        ("view_worker", "Workers", "workers"),
        ("view_failure", "Newest failures", "failures"),
        ("view_task_exception", "Newest failures", "failures"),
    ],
)
def test_a_panel_that_the_viewer_may_not_see_is_absent(
    db: None, front: Front, missing: str, heading: str, part: str
) -> None:
    browser = client(*(name for name in OPERATOR if name != missing))
    markup = text(browser.get("/headway/"))
    assert heading not in headings(markup)
    assert part not in front.asked[0].parts


def test_whoever_may_not_see_tasks_is_told_so(db: None, front: Front) -> None:
    response = client("view_worker").get("/headway/")
    assert response.status_code == 403
    assert "headway.view_task" in text(response)
    assert front.asked == []


def test_strangers_are_sent_to_sign_in(db: None, front: Front) -> None:
    assert Client().get("/headway/")["Location"].endswith("?next=/headway/")


def test_a_restricted_viewer_is_told_why_there_are_no_charts(
    operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = DefaultAccess.rights_of

    def own(self: DefaultAccess, user: Any) -> Rights:
        rights = everything(self, user)
        return Rights(user=rights.user, can=rights.can, rows=language.parse("owner:ines"))

    monkeypatch.setattr(DefaultAccess, "rights_of", own)
    markup = text(operator.get("/headway/"))
    assert "Your account sees only some of them" in markup
    assert headings(markup) == ["Queues", "Workers", "Keyboard"]
    assert "headway-chart" not in markup


def test_the_first_run_shows_what_must_be_true(operator: Client, front: Front) -> None:
    front.tasks, front.workers = [], []
    front.row = dict.fromkeys(CASE["row"], 0) | {"id": "overview", "problems": [], "series": []}
    markup = text(operator.get("/headway/"))
    assert "Waiting for the first event" in markup
    assert "No worker was heard of" in markup
    assert "hw-tiles" not in markup


@pytest.mark.parametrize("range_", ["6h", "24h", "7d"])
def test_longer_ranges_are_read_from_the_figures(operator: Client, range_: str) -> None:
    models.Gap.objects.create(from_at=NOW - 900, until_at=NOW - 800, reason="")
    models.Gap.objects.create(from_at=NOW - 9e6, until_at=NOW - 8e6, reason="")
    models.Gap.objects.create(from_at=NOW - 60, until_at=None, reason="")
    response = operator.get(f"/headway/?range={range_}")
    data = page_data(response, "headway-chart")
    assert data["range"] == range_
    assert data["gaps"] == [[NOW - 900, NOW - 800], [NOW - 60, None]]
    assert re.search(rf'data-range="{range_}" aria-current="true"', text(response))


def test_a_zoom_is_in_the_address(operator: Client) -> None:
    until = int(NOW) // 60 * 60
    response = operator.get(f"/headway/?range=6h&from={until - 1200}&until={until}")
    data = page_data(response, "headway-chart")
    assert (data["from"], data["until"], data["step"]) == (until - 1200, until, 60)
    assert re.search(r'href="\?range=6h" data-reset>', text(response))


@pytest.mark.parametrize(
    "address", ["?range=x", "?from=a&until=b", "?from=5", "?range=7d&from=&until="]
)
def test_an_address_that_cannot_be_read_shows_the_last_hour(operator: Client, address: str) -> None:
    response = operator.get(f"/headway/{address}")
    assert response.status_code == 200
    assert not page_data(response, "headway-chart")["is_zoomed"]


@pytest.mark.parametrize("error", [StoreUnavailable("gone"), TooCostly("slow")])
def test_a_store_that_does_not_answer_is_told(
    operator: Client, front: Front, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: Any) -> Page:
        raise error

    monkeypatch.setattr(front, "page", fail)
    assert operator.get("/headway/").status_code == 503


def test_the_navigation_names_the_pages_that_there_are_and_that_the_viewer_may_see(
    db: None, front: Front
) -> None:
    browser = client("view_task")
    markup = text(browser.get("/headway/"))
    assert re.findall(r'data-go="(\w)"', markup) == ["o", "t"]
    assert re.search(r'data-go="o" aria-current="page">Overview', markup)


def test_open_groups_of_failures_are_counted_in_the_navigation(
    operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dashboard import failing
    from dashboard.views import shell

    assert shell.open_failures() == ""
    for number, state in enumerate(("open", "open", "muted", "resolved")):
        models.Failure.objects.create(
            signature=str(number), revision=1, type="E", message="", task_id="t", count=1,
            first_seen_at=NOW, last_seen_at=NOW, state=state,
        )  # fmt: skip
    assert shell.open_failures() == "2"
    monkeypatch.setattr(failing, "MAX_OPEN", 1)
    assert shell.open_failures() == "1+"
