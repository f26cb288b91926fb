"""Workers, queues, schedule and audit as a browser gets them: what stands in them, and for whom."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.http import HttpResponse
from django.test import Client

from dashboard import access, auditing
from dashboard.models import Audit, Operation
from dashboard.views import pages, workers
from realtime.core import query as language
from realtime.ports import Page, Rights, Select, StoreUnavailable
from tests.services.process import ROOT
from tests.unit.dashboard.samples import NOW, Shop

VECTORS = {
    case["title"]: case["rows"]
    for case in json.loads((ROOT / "tests/vectors/cells.json").read_text())
}
ROWS = {name: VECTORS[name] for name in ("queues", "schedule", "operations")}
ABILITIES = {
    "workers/": "view_worker",
    "queues/": "view_queue",
    "schedule/": "view_scheduleentry",
    "audit/": "view_audit",
}
SIGNATURE = "b0a7c3d2e1f4a5b6"


class Told(Shop):
    """The shop, and what only its store can tell."""

    def __init__(self) -> None:
        super().__init__()
        self.told: dict[str, list[dict[str, Any]]] = dict(ROWS)
        self.asked: list[Select] = []

    def page(self, select: Select, rows: Any, now: float, after: str | None = None) -> Page:
        self.asked.append(select)
        if select.of in ROWS:
            return Page(list(self.told[select.of]), "e1", 7)
        return super().page(select, rows, now, after)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch, db: None) -> Iterator[Told]:
    shop = Told()
    monkeypatch.setattr(pages, "snapshots", lambda: shop)
    monkeypatch.setattr(pages.time, "time", lambda: NOW)
    return shop


def client(*permissions: str) -> Client:
    """A browser signed in as someone with these permissions of ours."""
    user = User.objects.create_user("ines", password="correct horse")
    found = Permission.objects.filter(content_type__app_label="headway", codename__in=permissions)
    user.user_permissions.set(found)
    browser = Client()
    browser.force_login(user)
    return browser


@pytest.fixture
def operator(shop: Told) -> Client:
    return client("view_task", "retry_task", *ABILITIES.values())


def text(response: HttpResponse) -> str:
    return response.content.decode()


def get(browser: Client, path: str) -> str:
    response = browser.get(f"/headway/{path}")
    assert response.status_code == 200, text(response)
    return text(response)


def plain(markup: str) -> str:
    """What is read on the page."""
    shown = re.sub(r"<template.*?</template>|<script.*?</script>", "", markup, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", shown).replace("&#x27;", "'"))


def see_only(monkeypatch: pytest.MonkeyPatch, *abilities: str) -> None:
    """The viewer sees the tasks of one queue."""
    own = Rights(user="ines", can=frozenset(abilities), rows=language.parse("queue:mail"))
    monkeypatch.setattr(access, "rights", lambda _: own)


def did(number: int, **fields: Any) -> Audit:
    """An entry of the audit."""
    given = {"user": "ines", "action": "retry", "kind": "task", "target": f"task-{number}"}
    return Audit(**{"at": NOW - 1000 + number, "outcome": "done", **given, **fields})


def begin(operation: str) -> None:
    """An operation that entries belong to."""
    given = {"revision": 1, "user": "ines", "action": "retry", "options": "{}", "query": ""}
    Operation.objects.create(
        id=operation, **given, state="running", total=3, started_at=NOW, beat_at=NOW
    )


@pytest.mark.parametrize(("path", "ability"), ABILITIES.items())
def test_a_page_asks_for_its_permission_and_names_it(shop: Told, path: str, ability: str) -> None:
    others = set(ABILITIES.values()) - {ability}
    response = client("view_task", *others).get(f"/headway/{path}")
    assert (response.status_code, f"headway.{ability}" in text(response)) == (403, True)
    assert f'href="/headway/{path}"' not in text(response)


@pytest.mark.parametrize("path", ABILITIES)
def test_a_page_is_led_to_asks_strangers_to_sign_in_and_only_reads(
    operator: Client, path: str
) -> None:
    assert f'<a href="/headway/{path}" data-go=' in get(operator, path)
    assert operator.post(f"/headway/{path}").status_code == 405
    assert Client().get(f"/headway/{path}")["Location"].startswith("/headway/login/")


@pytest.mark.parametrize("path", ABILITIES)
def test_a_store_that_does_not_answer_is_said(
    operator: Client, shop: Told, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise StoreUnavailable("gone")

    monkeypatch.setattr(shop, "page", fail)
    monkeypatch.setattr(auditing, "page", fail)
    response = operator.get(f"/headway/{path}")
    assert (response.status_code, "does not answer" in text(response)) == (503, True)


@pytest.mark.parametrize(
    ("path", "sentence", "step"),
    [
        ("workers/", "No worker was heard of yet", "celery -A proj worker -E"),
        ("queues/", "No queue is known yet", "headway receiver --app"),
        ("schedule/", "No entry is known yet", "headway receiver --app"),
        ("audit/", "Nobody has done anything yet", "To the tasks"),
    ],
)
def test_a_page_without_rows_says_what_to_do(
    operator: Client, shop: Told, path: str, sentence: str, step: str
) -> None:
    shop.told, shop.workers = {name: [] for name in ROWS}, []
    markup = get(operator, path)
    assert sentence in markup
    assert step in markup
    assert re.search(r"<table[^>]* data-some hidden>", markup)


def test_queues_in_trouble_come_first_and_are_told_in_words(operator: Client) -> None:
    markup = get(operator, "queues/")
    found = re.findall(r'<tr role="row" data-key="([^"]+)"', markup)
    assert found[1:4] == ["media-hd", "mail", "bulk"]
    read = plain(markup)
    assert "media-hd has no workers. 214 tasks wait" in read
    assert "celery -A proj worker -E -Q media-hd" in read
    assert "by priority 0: 1,000 · 3: 160 · 9: 4" in read
    assert "this broker does not tell" in read
    assert "/headway/tasks/?query=queue%3Amedia-hd%20status%3Aqueued" in markup


def test_queues_say_to_whoever_sees_some_tasks_what_is_left_out(
    operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    see_only(monkeypatch, "view_queue", "view_task")
    assert "Your account sees only some of them" in get(operator, "queues/")


def test_schedule_tells_in_words_what_did_not_run(operator: Client) -> None:
    markup = get(operator, "schedule/")
    read = plain(markup)
    assert "sync-erp did not run: 3 runs were missed, the first due" in read
    assert "every 5 mincrontab: */5 * * * * (m/h/dM/MY/d)" in read
    assert "1 disabled" in read
    assert "not seen yet" in read
    assert re.search(r'data-until="[\d.]+" data-pattern="in %\(time\)s"', markup)


def test_pages_lead_to_tasks_only_who_may_see_them(shop: Told) -> None:
    browser = client(*ABILITIES.values())
    for path in ABILITIES:
        main = get(browser, path).partition("<main")[2].partition("<dialog")[0]
        assert not re.search(r'href="/headway/tasks/[^"]', main), path


def test_audit_tells_who_did_what_and_why_it_was_refused(operator: Client) -> None:
    begin("3f0c9a1b2d4e5f60")
    Audit.objects.bulk_create(
        [
            did(1, name="shop.pay", new_id="new-task-of-it"),
            did(2, outcome="refused", detail="no_queue: mail"),
            did(3, action="mute", kind="failure", target=SIGNATURE),
            did(4, kind="query", target="queue:mail", operation_id="3f0c9a1b2d4e5f60"),
        ]
    )
    markup = get(operator, "audit/")
    read = plain(markup)
    assert "The broker has no queue named mail." in read
    assert "shop.pay" in read
    for address in ("tasks/task-1/", "tasks/new-task-of-it/", "tasks/?query=queue%3Amail"):
        assert f'href="/headway/{address}"' in markup
    assert 'href="/headway/audit/?operation=3f0c9a1b2d4e5f60"' in markup
    keys = re.findall(r'<tr role="row" data-key="(\d+)"', markup)
    assert keys == sorted(keys, key=int, reverse=True)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("user=tom", ["task-2"]),
        ("action=mute", [SIGNATURE]),
        ("outcome=refused", ["task-2"]),
        ("target=task-1", ["task-1"]),
        ("operation=op", ["task-1"]),
        ("user=tom&action=mute", []),
        ("user=%00", []),
    ],
)
def test_audit_shows_what_was_asked_for(operator: Client, asked: str, expected: list[str]) -> None:
    begin("op")
    Audit.objects.bulk_create(
        [
            did(1, operation_id="op"),
            did(2, user="tom", outcome="refused", detail="unfinished"),
            did(3, action="mute", kind="failure", target=SIGNATURE),
        ]
    )
    markup = get(operator, f"audit/?{asked}")
    body = markup.partition('data-told="headway-audit"')[2].partition("<template")[0]
    assert re.findall(r'data-title="title"[^>]* title="([^"]+)"', body) == expected
    if not expected:
        assert "No entry matches" in markup


def test_audit_goes_on_below_its_end_and_keeps_what_was_asked(operator: Client) -> None:
    Audit.objects.bulk_create([did(number) for number in range(205)])
    seen, path = [], "audit/?user=ines"
    while path:
        markup = get(operator, path)
        seen += re.findall(r'<tr role="row" data-key="(\d+)"', markup)
        older = re.search(r'href="/headway/(audit/\?user=ines&amp;after=[^"]+)"', markup)
        path = older[1].replace("&amp;", "&") if older else ""
    assert len(seen) == len(set(seen)) == 205
    assert 'headway-told-table data-told="headway-audit"' not in markup


def test_audit_does_not_trust_a_cursor(operator: Client) -> None:
    response = operator.get("/headway/audit/?user=ines&after=rubbish")
    assert (response.status_code, response["Location"]) == (302, "/headway/audit/?user=ines")


def test_audit_shows_to_whoever_sees_some_tasks_their_own_doings(
    operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    see_only(monkeypatch, "view_audit", "view_task")
    Audit.objects.bulk_create([did(1), did(2, user="tom")])
    assert "task-2" not in get(operator, "audit/")
    assert "task-1" not in get(operator, "audit/?user=tom")


def test_operations_that_go_on_are_stopped_by_their_user_and_who_may_do_the_same(
    operator: Client, shop: Told
) -> None:
    rows = shop.told["operations"]
    mine, others, over = (dict(row) for row in rows[:3])
    shop.told["operations"] = [{**mine, "user": "ines"}, {**others, "state": "running"}, over]
    markup = get(operator, "audit/")
    going_on = markup.partition('data-told="headway-operations"')[2].partition("<template")[0]
    assert re.findall(r'<li data-key="(\w+)"', going_on) == [mine["id"], others["id"]]
    assert re.findall(r' data-post="([^"]+)"', going_on) == [
        f"/headway/api/v1/operations/{mine['id']}/stop"
    ]


def test_hostile_names_are_text(operator: Client, shop: Told) -> None:
    evil = '"><script>alert(1)</script>'
    shop.told["queues"] = [{**ROWS["queues"][1], "name": evil, "workers": [evil], "error": evil}]
    shop.told["schedule"] = [{**ROWS["schedule"][0], "name": evil, "schedule": evil}]
    Audit.objects.bulk_create([did(1, target=evil, name=evil, user=evil, detail=evil)])
    for path in ("queues/", "schedule/", "audit/"):
        assert "<script>alert" not in get(operator, path)


def test_workers_show_their_health_as_a_word_and_what_they_run(operator: Client) -> None:
    markup = get(operator, "workers/")
    healths = re.findall(r'<tr role="row"[^>]* data-health="(\w+)"', markup)
    assert healths == ["online", "online", "silent", "gone", "online", "online"]
    assert "capture_payment" in markup
    assert "Silent" in markup
    assert "is silent: no heartbeat for" in markup
    assert "forgotten in" in markup


def test_workers_page_names_no_task_to_who_may_not_see_them(
    shop: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "read_held", lambda: pytest.fail("counted for nobody"))
    assert "capture_payment" not in get(client("view_worker"), "workers/")


def test_workers_show_what_they_hold_to_who_sees_all_tasks(
    operator: Client, shop: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = str(shop.workers[0]["name"])
    held = {name: {"active": 1, "reserved": 1204, "scheduled": 0}}
    monkeypatch.setattr(workers, "read_held", lambda: held)
    markup = get(operator, "workers/")
    assert ">1,204 reserved</a>" in markup
    assert "scheduled</a>" not in markup
    see_only(monkeypatch, "view_worker", "view_task")
    markup = get(operator, "workers/")
    assert "reserved</a>" not in markup
    assert "Your account sees only some tasks" in markup


def test_worker_that_is_gone_claims_no_load_no_clock_and_no_answer() -> None:
    row = {"name": "w@h", "state": "gone", "last_heartbeat_at": 10.0, "loadavg": [1.0]}
    (gone,) = workers.shown([{**row, "active": 3, "clock_offset": 9.0, "inspected_at": 9.0}], 60)
    assert [gone[name] for name in ("loadavg", "clock_offset", "inspected_at")] == [None] * 3
    assert (gone["active"], gone["forgotten_at"], gone.get("trouble")) == (0, 70.0, None)


def test_worker_with_another_version_than_most_is_marked() -> None:
    row = {"state": "online", "last_heartbeat_at": 10.0, "clock_offset": None}
    versions = ["5.6.2", "5.6.2", "5.5.3", None]
    rows = [{**row, "name": str(place), "sw_ver": each} for place, each in enumerate(versions)]
    assert [each["usual"] for each in workers.shown(rows, 60)] == [None, None, "5.6.2", None]


def test_slots_are_those_of_workers_that_live() -> None:
    row = {"state": "online", "concurrency": 8, "active": 3}
    rows = [row, {**row, "state": "gone"}, {**row, "concurrency": None}]
    assert workers.slots(rows) == "3 of 8 slots busy"
    assert workers.slots(rows[2:]) == ""
