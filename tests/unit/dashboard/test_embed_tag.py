"""`{% headway_progress %}`: the element with a token, and how it stands, without a script."""

import re
from typing import Any

import pytest
from celery import Celery
from celery.result import AsyncResult, GroupResult
from django.contrib.sessions.backends.cache import SessionStore
from django.template import Context, Template
from django.test import RequestFactory
from django.utils import translation

from dashboard import phrasing, shown, tokens
from realtime.core import public
from realtime.core.public import Expected, Shown
from realtime.embedding import BadToken
from realtime.ports import StoreUnavailable, StreamInfo
from tests.unit.dashboard.embedded import KEY, NOW, SECRETS, Shelf, group_row, row, running

APP = Celery("tests", broker="memory://", backend="cache+memory://")


@pytest.fixture(autouse=True)
def shelf(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Shelf:
    settings.HEADWAY_EMBED_KEY = KEY
    shelf = Shelf(running(), row("t2"), group_row())
    monkeypatch.setattr(tokens, "reader", lambda: shelf)
    monkeypatch.setattr(tokens.time, "time", lambda: NOW)
    monkeypatch.setattr(shown, "instant", lambda: NOW)
    info = StreamInfo(epoch="e1", revision=9, floor=0, alive_at=NOW)
    monkeypatch.setattr(shown.queries.Reader, "stream", lambda self: info)
    return shelf


def rendered(arguments: str, **context: Any) -> str:
    text = "{% load headway_embed %}{% headway_progress " + arguments + " %}"
    return str(Template(text).render(Context(context)))


def attribute(html: str, name: str) -> str | None:
    found = re.search(rf'<headway-progress [^>]*\b{name}="([^"]*)"', html)
    return found[1] if found else None


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def test_a_task_is_shown_as_it_stands() -> None:
    html = rendered("task label='Your film' can='cancel retry'", task="t1")
    assert attribute(html, "task") == "t1"
    assert attribute(html, "label") == "Your film"
    assert attribute(html, "server") == "/headway/"
    assert '<progress max="100" value="40">40%</progress>' in html
    assert words(html).startswith("Your film: Reading 40%")
    grant = tokens.current().verify(attribute(html, "token"), NOW)
    assert (grant.tasks, grant.can) == ({"t1"}, {"cancel", "retry"})


def test_without_a_request_there_is_no_renewal() -> None:
    html = rendered("task", task="t1")
    assert attribute(html, "refresh") is None
    assert "csrf" not in html


def test_with_a_request_its_session_may_renew() -> None:
    request = RequestFactory().get("/")
    request.session = SessionStore()
    html = rendered("task", task="t1", request=request)
    assert attribute(html, "refresh") == "/headway/embed/refresh/"
    assert 'name="csrfmiddlewaretoken"' in html
    assert request.META["CSRF_COOKIE_NEEDS_UPDATE"] is True
    assert len(request.session["headway_grants"]) == 1


def test_a_renewal_of_the_projects_own_leaves_the_session_alone() -> None:
    request = RequestFactory().get("/")
    request.session = SessionStore()
    html = rendered("task refresh='/mine/' server='https://h.example/'", task="t1", request=request)
    assert attribute(html, "refresh") == "/mine/"
    assert attribute(html, "server") == "https://h.example/"
    assert list(request.session.keys()) == []


def test_a_group_is_shown_by_its_result_or_its_id(shelf: Shelf) -> None:
    result = GroupResult("g1", [AsyncResult(f"t{n}", app=APP) for n in range(4)], app=APP)
    for html in (rendered("task", task=result), rendered("group=id", id="g1")):
        assert attribute(html, "group") == "g1"
        assert attribute(html, "task") is None
        assert "2 of 4" in words(html)
    assert shelf.expected == {"group:g1": Expected(NOW, 4)}


def test_a_chain_is_shown_by_the_step_that_it_is_at(shelf: Shelf) -> None:
    shelf.tasks["a"] = row("a", conclusion="succeeded", exception=None)
    last = AsyncResult("c", parent=AsyncResult("t1", parent=AsyncResult("a"), app=APP), app=APP)
    html = rendered("task", task=last)
    assert attribute(html, "task") == "a t1 c"
    assert "Reading" in words(html)


def test_what_was_only_handed_over_waits() -> None:
    html = rendered("task", task="new")
    assert words(html) == "Waiting to start It was handed over and waits."
    assert '<progress max="100" value="0">' in html


def test_a_store_that_is_away_leaves_the_element(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StoreUnavailable("db.secret")

    monkeypatch.setattr(shelf, "public", fail)
    html = rendered("task", task="t1")
    assert attribute(html, "task") == "t1"
    assert "not known right now" in words(html)


def test_texts_are_texts() -> None:
    html = rendered("task label=label", task='"><script>', label="<b>&")
    assert "<script>" not in html
    assert "<b>" not in html


def test_nothing_secret_is_in_the_page(shelf: Shelf) -> None:
    assert [secret for secret in SECRETS if secret in rendered("task", task="t2")] == []


def test_without_a_key_the_page_says_what_is_missing(settings: Any) -> None:
    settings.HEADWAY_EMBED_KEY = None
    with pytest.raises(BadToken, match="HEADWAY_EMBED_KEY"):
        rendered("task", task="t1")


def test_the_script_is_a_module_from_the_static_files() -> None:
    html = Template("{% load headway_embed %}{% headway_progress_script %}").render(Context())
    assert html.strip() == '<script type="module" src="/static/headway/embed.js"></script>'


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"status": "queued", "started_at": None}, "Waiting to start"),
        ({"status": "reserved"}, "Waiting to start"),
        ({"status": "scheduled"}, "Starts later"),
        ({"status": "retrying"}, "Will be tried again"),
        ({"status": "stalled"}, "Takes longer than usual"),
        ({"status": "unknown", "sent_at": None}, "Nothing is known of it (any more)"),
        ({"status": "running"}, "Reading"),
        ({"status": "running", "progress": None}, "In progress"),
        ({"status": "completed", "conclusion": "succeeded"}, "Done"),
        ({"status": "completed", "conclusion": "cancelled"}, "Cancelled"),
        ({"status": "completed", "conclusion": "failed"}, "It did not work"),
        ({"status": "completed", "conclusion": "lost"}, "It did not work"),
    ],
)
def test_every_state_has_its_words(fields: dict[str, Any], expected: str) -> None:
    shown_row = public.task_row(running(**fields), None, Shown(), NOW, id="9d3f0c6e-1")
    assert phrasing.face(shown_row).words == expected


def test_a_failure_gives_the_reference() -> None:
    whole = row("9d3f0c6e-1", exception="PublicError('The file is empty.')")
    face = phrasing.face(public.task_row(whole, None, Shown(), NOW, id="9d3f0c6e-1"))
    assert (face.words, face.note) == ("The file is empty.", "Reference HW-9D3F-0C6E")


def test_a_group_says_how_many_failed() -> None:
    over = group_row(status="completed", conclusion="failed", succeeded=3, running=0, waiting=0)
    face = phrasing.face(public.group_row(over, None, Shown(), NOW, id="g1"))
    assert face.words == "1 of 4 failed"


def test_a_place_in_line_is_told() -> None:
    whole = running(status="queued", started_at=None, progress=None)
    shown_row = public.task_row(whole, None, Shown(), NOW, id="t1", place=3)
    assert phrasing.face(shown_row).note == "About number 3 in line"
    with translation.override("en"):
        assert phrasing.face(None).has_bar is False


@pytest.mark.parametrize(
    ("arguments", "percent"),
    [("'t1' least=25", "40"), ("'t1' least=60.5", "60.5"), ("'nobody' least=25", "25")],
)
def test_the_bar_begins_where_the_pages_own_work_ended(arguments: str, percent: str) -> None:
    assert f'<progress max="100" value="{percent}">' in rendered(arguments)


def test_what_is_over_or_cannot_be_read_has_no_bar_to_begin(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "<progress" not in rendered("'t2' least=25")

    def away(subjects: object) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(shelf, "public", away)
    assert "<progress" not in rendered("'t1' least=25")
