"""Every page in German: nothing English is left, and the catalogue is whole."""

import ast
import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
from babel.messages.catalog import Catalog
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from django.utils import translation

from dashboard import formats, models, overview, reasons, said, viewing, words
from dashboard.views import actions_forms, pages
from docs import messages
from realtime.core import query as language
from realtime.core.query_terms import FAILURES, LEXICON
from realtime.ports import Page, Select
from tests.services.process import ROOT
from tests.unit.dashboard.samples import FAILED, NOW, RUNNING, TASKS
from tests.unit.dashboard.test_overview_page import CASE
from tests.unit.dashboard.test_told_pages import Told

LOCALE = "django.middleware.locale.LocaleMiddleware"
GERMAN = {"HTTP_ACCEPT_LANGUAGE": "de-AT,de;q=0.9,en;q=0.5"}
SHOWN = {
    *("alt", "aria-label", "aria-roledescription", "data-cancel", "data-done", "data-due"),
    *("data-pattern", "placeholder", "title"),
}


class Whole(Told):
    """What every page reads."""

    def page(self, select: Select, rows: Any, now: float, after: str | None = None) -> Page:
        if select.of == "overview":
            return Page([CASE["row"]], "e1", 7)
        if select.of == "failures":
            return Page(CASE["row"]["failures"], "e1", 7)
        return super().page(select, rows, now, after)


@pytest.fixture(autouse=True)
def shop(monkeypatch: pytest.MonkeyPatch, db: None, settings: Any) -> Iterator[Whole]:
    settings.MIDDLEWARE = [
        each
        for one in settings.MIDDLEWARE
        for each in ([one, LOCALE] if one.endswith("SessionMiddleware") else [one])
    ]
    shop = Whole()
    monkeypatch.setattr(pages, "snapshots", lambda: shop)
    monkeypatch.setattr(actions_forms, "snapshots", lambda: shop)
    monkeypatch.setattr(pages.time, "time", lambda: NOW)
    with translation.override("en"):
        yield shop


@pytest.fixture
def root() -> Client:
    browser = Client(**GERMAN)
    browser.force_login(User.objects.create_superuser("ines", password="correct horse"))
    return browser


class Read(HTMLParser):
    """The texts that people read or hear of a page; data that programs wrote is left out."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.language: str | None = None
        self._open: list[str] = []
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag == "html":
            self.language = told.get("lang")
        self.texts += [text for name, text in attrs if name in SHOWN and text]
        if tag not in ("input", "meta", "link", "br", "use", "rect", "line", "path", "img", "hr"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if data.strip() and not {"script", "style", "code", "pre"} & set(self._open):
            self.texts.append(" ".join(data.split()))


def english() -> list[re.Pattern[str]]:
    """Every English text whose German is another, as a pattern."""
    found = []
    for message in messages.read("de"):
        ids = [message.id] if isinstance(message.id, str) else list(message.id)
        texts = [message.string] if isinstance(message.string, str) else list(message.string)
        if ids[0] and ids[0] != texts[0]:
            parts = [re.escape(re.sub(r"\s+", " ", part)) for part in messages.split(ids[0])]
            found.append(re.compile(".+?".join(parts)))
    return found


PATTERNS = english()
# What programs wrote, and is worded like a text of ours: it stays as it is.
DATA = {
    "Its worker is gone.",
    "encode, pass 2 of 2",
    "Talking to the gateway",
    "waits for ShareLock on transaction",
    "429 Client Error: Too Many Requests for url:",
    "solar: sunrise at latitude 52.5, longitude: 13.4",
}


def left_over(markup: str) -> list[str]:
    """The English texts on a page."""
    texts = set(Read(markup).texts) - DATA
    return sorted(text for text in texts if any(each.fullmatch(text) for each in PATTERNS))


PATHS = [
    *("", "tasks/", "failures/", "workers/", "queues/", "schedule/", "audit/"),
    *(f"tasks/?query={quote(text)}" for text in ("status:bogus", "name:nothing-of-it", "has:x")),
    *(f"tasks/{quote(row['id'])}/" for row in TASKS[:20]),
    *("tasks/nobody-knows/", f"actions/revoke/{FAILED['id']}/", "failures/unknown-one/"),
    *(f"actions/retry/{FAILED['id']}/", f"actions/revoke/{RUNNING['id']}/"),
]
ADMIN = ("", "headway/", *(f"headway/{name}/" for name in ("task", "worker", "failure", "audit")))


def did(outcome: str, detail: str | None) -> None:
    models.Audit.objects.create(
        at=NOW - 60,
        user="ines",
        action="retry",
        kind="task",
        target="t1",
        outcome=outcome,
        detail=detail,
    )


@pytest.mark.parametrize("path", PATHS)
def test_a_page_in_german_has_no_english_left(root: Client, path: str) -> None:
    did("refused", "no_arguments")
    did("failed", "broker_away: OSError")
    markup = root.get(f"/headway/{path}").content.decode()
    assert Read(markup).language == "de"
    assert not left_over(markup), "\n".join(left_over(markup))


def test_a_task_row_of_the_admin_is_in_german_too(root: Client) -> None:
    did("done", None)
    for path in ADMIN:
        markup = root.get(f"/admin/{path}").content.decode()
        assert Read(markup).language == "de"
        # "Start" is Django's German for its own first page.
        found = set(left_over(markup)) - {"Start"}
        assert not found, path + "\n".join(found)


def test_strangers_and_people_without_a_permission_are_told_in_german() -> None:
    browser = Client(**GERMAN)
    sign_in = browser.get("/headway/login/").content.decode()
    assert (">Anmelden<" in sign_in, left_over(sign_in)) == (True, [])
    browser.force_login(User.objects.create_user("guest"))
    answer = browser.get("/headway/queues/")
    assert (answer.status_code, left_over(answer.content.decode())) == (403, [])
    assert "headway.view_queue" in answer.content.decode()


def test_the_words_of_the_script_are_german_where_german_has_others() -> None:
    with translation.override("en"):
        plain = words.for_script()
    with translation.override("de"):
        told = words.for_script()
    assert plain["said"] == {}
    assert told["states"]["failed"] == "Fehlgeschlagen"
    same = {
        text
        for group, texts in plain.items()
        for key, text in texts.items()
        if told[group][key] == text and re.search("[a-z]{3}", re.sub(r"%\(\w+\)s", "", text))
    }
    alike = {"Live", "Blind", "blind", "Online", "Offline", "%(count)s online"}
    assert same == {*alike, "WebSocket", "Workflow"}


def test_the_api_answers_in_the_language_that_is_asked_for(root: Client) -> None:
    german = root.get("/headway/api/v1/tasks?query=status:bogus").json()
    assert german["title"] == "Falsche Suche"
    assert german["detail"].startswith('"bogus" ist kein Wert von status: möglich sind queued,')
    english = root.get("/headway/api/v1/tasks?query=status:bogus", HTTP_ACCEPT_LANGUAGE="fr")
    assert english.json()["detail"].startswith('"bogus" is no value of status: it takes queued,')


# --- choosing


def test_the_menu_offers_both_languages_and_a_choice_is_kept(root: Client) -> None:
    assert 'value="de" lang="de" aria-current="true">Deutsch' in page(root)
    answer = root.post("/headway/language/", {"language": "en"}, HTTP_REFERER="/headway/tasks/")
    assert (answer.status_code, answer["Location"]) == (302, "/headway/tasks/")
    assert Read(page(root)).language == "en"


def page(browser: Client, **headers: str) -> str:
    return browser.get("/headway/tasks/", **headers).content.decode()


@pytest.mark.parametrize("wanted", ["xx", "", "de/../..", "<script>", "d" * 5000])
def test_a_language_that_there_is_not_changes_nothing(root: Client, wanted: str) -> None:
    answer = root.post("/headway/language/", {"language": wanted})
    assert (answer.status_code, answer["Location"]) == (302, "/headway/")
    assert Read(page(root)).language == "de"


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:x"])
def test_choosing_a_language_leads_nowhere_else(root: Client, elsewhere: str) -> None:
    answer = root.post(
        "/headway/language/", {"language": "en", "next": elsewhere}, HTTP_REFERER=elsewhere
    )
    assert answer["Location"] == "/headway/"


def test_a_language_is_chosen_by_a_form_of_ours_only() -> None:
    browser = Client(enforce_csrf_checks=True)
    assert browser.post("/headway/language/", {"language": "de"}).status_code == 403
    assert browser.get("/headway/language/").status_code == 405


def test_a_project_that_lets_nobody_choose_gets_no_choice(root: Client, settings: Any) -> None:
    settings.MIDDLEWARE = [one for one in settings.MIDDLEWARE if one != LOCALE]
    browser = Client()
    browser.cookies = root.cookies
    assert "/headway/language/" not in page(browser)
    assert viewing.languages() == []


# --- the zone


def zone_of(markup: str) -> str:
    return re.findall(r"<span data-zone>([^<]*)</span>", markup)[0]


def test_the_first_paint_is_in_the_zone_that_the_script_told(root: Client) -> None:
    path = f"/headway/tasks/{FAILED['id']}/"
    assert zone_of(root.get(path).content.decode()) == "UTC"
    root.cookies[viewing.ZONE_COOKIE] = "Asia/Kolkata"
    markup = root.get(path).content.decode()
    assert zone_of(markup) == "Asia/Kolkata"
    assert "UTC+5:30" in markup
    assert viewing.zone_name() == "UTC"  # and nobody else's


@pytest.mark.parametrize(
    "name",
    [
        *("Nowhere/Land", "../../../etc/passwd", "/etc/passwd", "Europe", "Europe/../UTC"),
        *("x" * 4000, "<script>", "Europe/Berlin\n", "UTC\x00", "", "Europe//Berlin"),
    ],
)
def test_a_zone_that_there_is_not_is_utc(name: str) -> None:
    request = RequestFactory().get("/")
    request.COOKIES[viewing.ZONE_COOKIE] = name
    assert viewing.zone_of(request) is None


# --- numbers and times

WRITTEN = json.loads((ROOT / "tests/vectors/languages.json").read_text(encoding="utf-8"))
FORMATS: dict[str, Callable[..., Any]] = {
    "duration": formats.duration,
    "offset": formats.offset,
    "number": formats.number,
    "capped": formats.capped,
    "percent": formats.percent,
    "name": lambda text: list(formats.name(text)),
    "rate": overview.rate,
}


@pytest.mark.parametrize(
    ("name", "given", "text"),
    [(name, *vector) for name, vectors in WRITTEN["texts"].items() for vector in vectors],
)
def test_a_german_number_is_written_as_the_script_writes_it(
    name: str, given: Any, text: Any
) -> None:
    with translation.override("de"):
        assert FORMATS[name](given) == text


@pytest.mark.parametrize("told", ["de", "en"])
def test_times_are_written_as_the_script_writes_them(told: str) -> None:
    for case in WRITTEN["times"]:
        with translation.override(told), viewing.seen_from(ZoneInfo(case["zone"])):
            texts = {name: getattr(formats, name)(case["at"]) for name in case[told]}
        assert texts == case[told]


def test_the_distance_from_utc_is_written_as_the_script_writes_it() -> None:
    for minutes, text in WRITTEN["offsets"]:
        zone = timezone(timedelta(minutes=minutes))
        assert viewing.offset(datetime.fromtimestamp(NOW, zone)) == text


# --- the core's own sentences

SAID = json.loads((ROOT / "tests/vectors/said.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("english", "german"), SAID["cases"])
def test_a_sentence_of_the_core_is_told_in_german(english: str, german: str) -> None:
    assert said.said(english) == english
    with translation.override("de"):
        assert said.said(english) == german


def test_the_vectors_of_the_script_are_of_this_catalogue() -> None:
    with translation.override("de"):
        told = said.for_script()
    assert {name: told[name] for name in SAID["patterns"]} == SAID["patterns"]


def sentences(*paths: str) -> set[str]:
    """The texts in these modules that are written like a sentence."""
    found = set()
    for path in paths:
        tree = ast.parse((ROOT / "realtime" / path).read_text(encoding="utf-8"))
        docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                parts = [getattr(part, "value", None) for part in node.values]
                text = "".join(part if isinstance(part, str) else "X" for part in parts)
                docs |= {id(part) for part in node.values}
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = node.value
            else:
                continue
            if id(node) not in docs and re.fullmatch(r"[A-Z].* .*[.:]", text, re.DOTALL):
                found.add(text)
    return found


def test_every_reason_of_an_action_that_names_something_is_known() -> None:
    whole = {str(text) for text in reasons.SENTENCES.values() if "%(" in str(text)}
    assert whole <= set(said.SENTENCES)


def test_every_reason_that_the_core_gives_has_its_translation() -> None:
    with translation.override("de"):
        unknown = [
            text
            for text in sentences("core/lifecycle.py", "core/query.py", "sight.py", "hub/watch.py")
            if said.said(text) == text
        ]
    assert unknown == []


def faulty(text: str, unreadable: frozenset[str]) -> str:
    with pytest.raises(language.QueryError) as caught:
        language.parse(text, unreadable=unreadable)
    return str(caught.value.message)


@pytest.mark.parametrize(
    "text",
    [
        *("status:", 'name:"', "-", "--x", "statsu:running", "state:bogus", "conclusion:done"),
        *("runtime:x", "runtime:5s..1s", "retries:x", "since:x", '""', "x" * 1001, "a\x00"),
        *(" ".join(f"a{n}" for n in range(51)), "id:" + ",".join(["a"] * 101), "has:x", "args:1"),
    ],
)
def test_what_is_wrong_with_a_query_is_told_in_german(text: str) -> None:
    english = faulty(text, frozenset({"args"}))
    with translation.override("de"):
        german = said.said(english)
    assert german != english
    assert not re.search(r"\b(the|is|are|it|you|there|at most|mean)\b", german), german


def test_every_word_of_the_language_is_described_in_german() -> None:
    with translation.override("de"):
        for word in (*LEXICON.values(), *FAILURES.words.values()):
            assert said.described(word.description) != word.description


@pytest.mark.parametrize("text", ["", " ", "x" * 10_000, "its %s is 100 % wrong", "%(worker)s"])
def test_a_text_that_nobody_knows_stays_as_it_is(text: str) -> None:
    with translation.override("de"):
        assert said.said(text) == text


# --- the catalogue


@pytest.mark.parametrize("language_", messages.languages())
def test_every_marked_text_is_translated_whole(language_: str) -> None:
    assert messages.faults(language_) == [], "make messages, then translate what it names"


def catalogue(*entries: tuple[Any, Any], **more: Any) -> Catalog:
    made = Catalog(locale="de", fuzzy=False)
    for text, told in entries:
        made.add(text, told, **more)
    return made


@pytest.mark.parametrize(
    ("made", "fault"),
    [
        (catalogue(("%(count)s done", "%(cuont)s erledigt")), "placeholders differ"),
        (catalogue(("%(count)s done", "erledigt")), "placeholders differ"),
        (catalogue(("Stop", "")), "not translated"),
        (catalogue((("%(n)s task", "%(n)s tasks"), ("%(n)s Task", ""))), "not translated"),
        (catalogue((("1 task", "%(n)s tasks"), ("1 Task", "Tasks"))), "placeholders differ"),
        (catalogue(("Stop", "Halt"), flags=["fuzzy"]), "in doubt"),
    ],
)
def test_a_faulty_translation_is_named(made: Catalog, fault: str) -> None:
    told = [line for message in made if message.id for line in messages.faults_of(message, 2)]
    assert [fault in line for line in told] == [True]


def test_a_text_that_is_missing_or_idle_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(messages, "template", lambda: catalogue(("New", "")))
    path = tmp_path / "de" / "LC_MESSAGES" / "django.po"
    path.parent.mkdir(parents=True)
    path.write_bytes(messages.written(catalogue(("Old", "Alt"))))
    monkeypatch.setattr(messages, "LOCALES", tmp_path)
    assert messages.faults("de") == [
        "not in the catalogue: 'New'",
        "in no source any more: 'Old'",
        "the compiled catalogue is another: make messages",
    ]
    assert messages.main([]) == 1
    assert messages.faults("de") == ["not translated: 'New'"]


def test_one_word_means_the_same_as_in_the_admin(root: Client) -> None:
    """Django's admin comes first where both translate a text."""
    with translation.override("de"):
        for message in messages.read("de"):
            if isinstance(message.id, str) and message.id and not message.context:
                assert translation.gettext(message.id) == message.string
