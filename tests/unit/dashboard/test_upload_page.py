"""Uploads from the first byte to the result: whose they are, and what is left of them."""

import io
import json
import re
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from celery.exceptions import Ignore
from celery.worker import state
from django.contrib.sessions.models import Session
from django.core.files.uploadedfile import SimpleUploadedFile
from django.template.loader import render_to_string
from django.test import Client

from dashboard.demo.upload import convert, kinds, limits, receiving, stopping, store, tasks, views
from dashboard.demo.upload.receiving import Told, WrongOffset
from dashboard.demo.upload.refusals import Gone, Refused
from dashboard.demo.upload.store import Upload
from dashboard.throttle import Budget, Rate
from tests.unit.dashboard.uploads import picture, served, zipped

ME, OTHER = "a" * 32, "b" * 32
TABLE = b"sku,name,price\n1,=cmd(),2.50\n2,b,no\n"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    served(tmp_path / "uploads", settings, monkeypatch)
    return tmp_path / "uploads"


@pytest.fixture
def handed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The uploads whose work was handed over, in place of doing it."""
    found: list[str] = []

    def hand_over(upload: Upload, kind: str) -> tuple[Any, None]:
        found.append(upload.place)
        return SimpleNamespace(id=f"task-{len(found)}"), None

    monkeypatch.setattr(tasks, "hand_over", hand_over)
    return found


def arrived(data: bytes | list[bytes] = TABLE, name: str = "t.csv", **more: Any) -> Upload:
    """An upload whose bytes are all here, ready to be worked on."""
    parts = data if isinstance(data, list) else [data]
    files = [Told(name, len(part), str(n)) for n, part in enumerate(parts)]
    upload = receiving.begin(ME, files, **more)
    for number, part in enumerate(parts):
        receiving.append(upload, number, 0, io.BytesIO(part))
    upload.change(state=store.WORKING, kind=receiving.look(upload))
    return upload


def left(upload: Upload) -> set[str]:
    return {path.name for path in upload.path.iterdir()} if upload.path.exists() else set()


def run(task: Any, *args: Any) -> Any:
    """Run a task here; its result, or the exception it ended with."""
    return task.apply(args=args).result


def test_chunks_are_put_together_from_wherever_the_file_stands() -> None:
    upload = receiving.begin(ME, [Told("t.csv", 6)])
    assert receiving.append(upload, 0, 0, io.BytesIO(b"abc")) == 3
    with pytest.raises(WrongOffset) as wrong:
        receiving.append(upload, 0, 0, io.BytesIO(b"abc"))
    assert wrong.value.offset == 3
    assert receiving.append(upload, 0, 3, io.BytesIO(b"def")) == 6
    assert upload.source(0).read_bytes() == b"abcdef"


def test_more_than_was_announced_is_refused_and_not_kept() -> None:
    upload = receiving.begin(ME, [Told("t.csv", 6)])
    with pytest.raises(Refused, match="More came"):
        receiving.append(upload, 0, 0, io.BytesIO(b"1234567"))
    assert receiving.offsets(upload) == [0]


def test_a_second_click_and_a_visitor_who_comes_back_go_on_with_the_same_upload() -> None:
    files = [Told("t.csv", 6, "then")]
    first = receiving.begin(ME, files)
    assert receiving.begin(ME, files).id == first.id
    assert receiving.begin(ME, [Told("t.csv", 6, "later")]).id != first.id
    assert receiving.begin(OTHER, files).id != first.id


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ([], "Choose"),
        ([Told("a", 0)], "empty"),
        ([Told("a", -5)], "empty"),
        ([Told("a", limits.MAX_UPLOAD + 1)], "too large"),
        ([Told("a", 1)] * (limits.MAX_FILES + 1), "At most 50"),
    ],
)
def test_what_cannot_be_taken_is_refused_before_any_byte(files: list[Told], reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        receiving.begin(ME, files)
    assert list(store.everything()) == []


def test_a_visitor_has_so_much_room_and_all_of_them_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_VISITOR", 10)
    monkeypatch.setattr(limits, "MAX_ALL", 15)
    upload = receiving.begin(ME, [Told("a", 8)])
    with pytest.raises(Refused, match="space here is used up"):
        receiving.begin(ME, [Told("b", 8)])
    receiving.append(upload, 0, 0, io.BytesIO(b"1"))
    with pytest.raises(Refused, match="no room"):
        receiving.begin(OTHER, [Told("a", 8)])


def test_what_is_only_announced_takes_nobodys_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_ALL", 15)
    first, second = (receiving.begin(who, [Told("a", 8)]) for who in (ME, OTHER))
    receiving.append(first, 0, 0, io.BytesIO(b"1"))
    with pytest.raises(Refused, match="no room"):
        receiving.append(second, 0, 0, io.BytesIO(b"1"))
    assert store.sweep(1e6, 1e6, time.time() + limits.KEEP_EMPTY_S + 1) == 1
    assert (first.path.exists(), second.path.exists()) == (True, False)


def test_so_many_uploads_are_kept_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_ALL_UPLOADS", 1)
    receiving.begin(ME, [Told("a", 8)])
    with pytest.raises(Refused, match="no room"):
        receiving.begin(OTHER, [Told("a", 8)])


def test_one_address_begins_so_many_uploads_whatever_its_sessions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(views, "_begun", Budget(Rate(2, 60.0)))
    body = json.dumps({"files": [{"name": "a", "size": 1}]})
    answers = [
        Client().post("/demo/upload/begin/", body, content_type="application/json")
        for _ in range(3)
    ]
    assert [answer.status_code for answer in answers] == [201, 201, 429]


def test_old_uploads_are_swept_and_those_whose_bytes_stopped_sooner() -> None:
    stopped, done = receiving.begin(ME, [Told("a", 8)]), arrived()
    now = time.time()
    assert store.sweep(100, 10, now + 50) == 1
    assert (stopped.path.exists(), done.path.exists()) == (False, True)
    assert store.sweep(100, 10, now + 150) == 1
    assert [path.name for path in store.root().iterdir() if path.name != ".lock"] == []


@pytest.mark.parametrize("id_", ["", "..", "A" * 32, "a" * 31, "../" + "a" * 29])
def test_an_id_that_is_none_is_nobodys(id_: str) -> None:
    with pytest.raises(Gone):
        Upload(ME, id_)


@pytest.mark.parametrize(
    ("name", "shown"),
    [("../../etc/x.csv", "x.csv"), ("C:\\a\\b.jpg", "b.jpg"), ("\x00\x07", "file"), ("", "file")],
)
def test_a_name_is_shown_without_what_it_may_lead_to(name: str, shown: str) -> None:
    assert receiving.clean_name(name) == shown


def test_a_file_that_is_refused_leaves_nothing(place: Path) -> None:
    with pytest.raises(Refused, match="a PDF"):
        arrived(b"%PDF-1.7")
    assert list(store.everything()) == []


def test_a_table_becomes_rows_and_a_report() -> None:
    upload = arrived()
    assert run(tasks.process, upload.place) == {"taken": 1, "wrong": 1}
    assert upload.meta().state == store.DONE
    assert left(upload) == {"meta.json", "lock", "result"}
    assert "'=cmd()" in (upload.result / convert.ROWS).read_text()
    assert "3,price,'no' is no price" in (upload.result / convert.REPORT).read_text()


def test_a_zip_becomes_thumbnails_and_what_is_no_picture_is_told(tmp_path: Path) -> None:
    files = {"a.jpg": picture(), "b.txt": b"no", "c.png": picture(kind="PNG"), "d.jpg": b"\xff\xd8"}
    upload = arrived(zipped(tmp_path / "z", files).read_bytes())
    assert run(tasks.process, upload.place) == {"pictures": 2}
    summary = upload.meta().summary
    assert [each["file"] for each in summary["pictures"]] == ["001.jpg", "003.jpg"]
    assert [each["name"] for each in summary["left_out"]] == ["b.txt", "d.jpg"]
    assert sorted(path.name for path in upload.result.iterdir()) == [
        "001.jpg",
        "003.jpg",
        "thumbnails.zip",
    ]


@pytest.mark.parametrize("data", [picture(300, 300)[:300], b"sku,name,price\n"])
def test_a_file_that_is_broken_leaves_nothing_but_why(data: bytes) -> None:
    upload = arrived(data)
    error = run(tasks.process, upload.place)
    assert type(error).__name__ == "PublicError"
    assert (upload.meta().state, upload.meta().message) == (store.REFUSED, str(error))
    assert left(upload) == {"meta.json", "lock"}


def test_our_own_failure_keeps_the_file_and_trying_again_works() -> None:
    upload = arrived(picture(), stumbles=True)
    assert isinstance(run(tasks.process, upload.place), ConnectionError)
    assert (upload.meta().state, left(upload)) == (store.FAILED, {"meta.json", "lock", "source"})
    assert run(tasks.process, upload.place) == {"pictures": 1}


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tasks that said that they were called off."""
    found: list[str] = []

    def acknowledge(task: Any) -> None:
        found.append(task.request.id)
        raise Ignore

    monkeypatch.setattr(stopping, "acknowledge", acknowledge)
    return found


def test_a_task_that_is_called_off_stops_and_leaves_nothing(
    told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = arrived()
    monkeypatch.setattr(state, "revoked", {"the-task"})
    tasks.process.apply(args=(upload.place,), task_id="the-task")
    assert told == ["the-task"]
    assert upload.meta().state == store.CANCELLED
    assert left(upload) == {"meta.json", "lock"}


def test_a_task_whose_upload_was_removed_ends(told: list[str]) -> None:
    upload = arrived()
    upload.remove()
    tasks.process.apply(args=(upload.place,))
    assert len(told) == 1
    assert list(store.everything()) == []


def test_a_task_called_off_before_it_began_leaves_nothing() -> None:
    upload = arrived()
    tasks._called_off(sender=tasks.process, request=SimpleNamespace(args=[upload.place]))
    assert left(upload) == {"meta.json", "lock"}


def test_several_pictures_are_published_together_without_the_broken_one() -> None:
    upload = arrived([picture(), picture(200, 200)[:150], picture()], "p.jpg")
    assert upload.meta().kind == kinds.PICTURES
    upload.begin_work()
    results = [run(tasks.convert_one, upload.place, number) for number in range(3)]
    assert [type(result).__name__ for result in results] == ["str", "PublicError", "str"]
    assert run(tasks.publish, upload.place) == {"pictures": 2}
    assert len(upload.meta().summary["left_out"]) == 1
    assert run(tasks.publish, upload.place) == {}


pytestmark = pytest.mark.django_db


def begin(client: Client, files: list[dict[str, Any]]) -> Any:
    body = json.dumps({"files": files})
    return client.post("/demo/upload/begin/", body, content_type="application/json")


def put(client: Client, url: str, offset: object, body: bytes) -> Any:
    headers = {"Upload-Offset": str(offset)}
    kind = "application/octet-stream"
    return client.put(f"{url}0/", body, content_type=kind, headers=headers)


def sent(client: Client, data: bytes = TABLE) -> dict[str, Any]:
    """An upload by the page's script, handed over."""
    begun = begin(client, [{"name": "t.csv", "size": len(data)}]).json()
    assert put(client, begun["url"], 0, data).json() == {"offset": len(data)}
    return client.post(f"{begun['url']}finish/").json()  # type: ignore[no-any-return]


def test_a_visitor_sends_in_chunks_and_hands_over_once(client: Client, handed: list[str]) -> None:
    told = sent(client)
    assert told["follow"] == {"task": "task-1"}
    assert client.post(f"{told['url']}finish/").json()["follow"] == {"task": "task-1"}
    assert len(handed) == 1


@pytest.mark.parametrize("offset", ["", "-1", "x", "1" * 20, "٣"])
def test_a_chunk_without_an_offset_is_refused(offset: str, client: Client) -> None:
    begun = begin(client, [{"name": "t.csv", "size": 5}]).json()
    assert put(client, begun["url"], offset, b"x").status_code == 400


def test_a_chunk_for_elsewhere_is_told_where(client: Client) -> None:
    begun = begin(client, [{"name": "t.csv", "size": 5}]).json()
    answer = put(client, begun["url"], 3, b"x")
    assert (answer.status_code, answer.json()) == (409, {"offset": 0})


def test_a_chunk_larger_than_what_django_holds_in_memory_is_taken(
    client: Client, settings: Any
) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    begun = begin(client, [{"name": "t.csv", "size": 300_000}]).json()
    assert put(client, begun["url"], 0, bytes(300_000)).json() == {"offset": 300_000}


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"files": [1]}', b'{"files": [{"size": 1}]}']
)
def test_a_list_of_files_that_makes_no_sense_is_refused(body: bytes, client: Client) -> None:
    answer = client.post("/demo/upload/begin/", body, content_type="application/json")
    assert answer.status_code == 400


def test_another_visitor_sees_nothing(client: Client, handed: list[str]) -> None:
    told = sent(client)
    run(tasks.process, handed[0])
    url = told["url"]
    assert client.get(f"{url}results/").status_code == 200
    assert b"".join(client.get(f"{url}results/report.csv").streaming_content)
    stranger = Client()
    stranger.get("/demo/upload/")
    body = {"data": {"id": "task-1"}, "content_type": "application/json"}
    answers = [
        stranger.get(url),
        stranger.get(f"{url}results/"),
        stranger.get(f"{url}results/report.csv"),
        put(stranger, url, 0, b"x"),
        stranger.post(f"{url}finish/"),
        stranger.post(f"{url}token/", **body),
        stranger.post(f"{url}remove/"),
        Client().get(url),
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert b"t.csv" not in stranger.get("/demo/upload/").content
    assert b"t.csv" in client.get("/demo/upload/").content


def test_a_token_is_renewed_for_the_uploads_own_task_alone(
    client: Client, handed: list[str]
) -> None:
    url = sent(client)["url"]
    kind = "application/json"
    assert client.post(f"{url}token/", {"id": "task-1"}, content_type=kind).json()["token"]
    assert client.post(f"{url}token/", {"id": "task-2"}, content_type=kind).status_code == 410
    assert client.post(f"{url}token/", b"[", content_type=kind).status_code == 400


@pytest.mark.parametrize("name", ["meta.json", "lock", "002.jpg", "rows.zip"])
def test_only_results_can_be_had(name: str, client: Client, handed: list[str]) -> None:
    url = sent(client, picture())["url"]
    run(tasks.process, handed[0])
    answer = client.get(f"{url}results/001.jpg")
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/jpeg")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert b"".join(answer.streaming_content).startswith(b"\xff\xd8")
    assert client.get(f"{url}results/{name}").status_code == 404


def test_a_plain_form_is_taken_whole(client: Client, handed: list[str]) -> None:
    file = SimpleUploadedFile("t.csv", TABLE)
    assert client.post("/demo/upload/", {"files": [file]}).status_code == 302
    assert len(handed) == 1
    page = client.get("/demo/upload/").content.decode()
    assert '<noscript><meta http-equiv="refresh"' in page
    assert "<progress" in page


@pytest.mark.parametrize(("data", "reason"), [(b"%PDF", b"a PDF"), (b"", b"is empty")])
def test_a_plain_form_that_is_refused_says_why_and_keeps_nothing(
    data: bytes, reason: bytes, client: Client
) -> None:
    answer = client.post("/demo/upload/", {"files": [SimpleUploadedFile("t.csv", data)]})
    assert answer.status_code == 422
    assert reason in answer.content
    assert list(store.everything()) == []


def test_what_comes_from_another_site_is_refused(handed: list[str]) -> None:
    client = Client(enforce_csrf_checks=True)
    client.get("/demo/upload/")
    assert begin(client, [{"name": "t.csv", "size": 5}]).status_code == 403


def test_a_broker_that_is_away_keeps_what_has_arrived(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hand_over(upload: Upload, kind: str) -> None:
        raise ConnectionError("amqp://user:secret@broker")

    monkeypatch.setattr(tasks, "hand_over", hand_over)
    begun = begin(client, [{"name": "t.csv", "size": len(TABLE)}]).json()
    put(client, begun["url"], 0, TABLE)
    answer = client.post(f"{begun['url']}finish/")
    assert answer.status_code == 503
    assert b"secret" not in answer.content
    assert client.get(begun["url"]).json()["state"] == store.OPEN


def test_removing_leaves_nothing(client: Client, handed: list[str], monkeypatch: Any) -> None:
    from celery import current_app

    revoked: list[str] = []
    monkeypatch.setattr(type(current_app.control), "revoke", lambda _, id_: revoked.append(id_))
    url = sent(client)["url"]
    assert client.post(f"{url}remove/").status_code == 302
    assert revoked == ["task-1"]
    assert list(store.everything()) == []


@pytest.mark.parametrize(
    "body", ['{"files": [{"name": "a", "size": 1e999}]}', "[" * 60_000], ids=["endless", "nested"]
)
def test_a_list_of_files_that_no_reader_likes_is_refused(body: str, client: Client) -> None:
    answer = client.post("/demo/upload/begin/", body, content_type="application/json")
    assert (answer.status_code, answer.json()["detail"]) == (
        400,
        "The list of files could not be read.",
    )


def test_looking_at_the_page_makes_no_session(db: None) -> None:
    client = Client(enforce_csrf_checks=True)
    answer = client.get("/demo/upload/")
    assert answer.status_code == 200
    assert "sessionid" not in answer.cookies
    assert not Session.objects.exists()


def test_the_first_upload_makes_the_session_and_is_found_again_on_return(
    db: None, handed: list[str]
) -> None:
    client = Client(enforce_csrf_checks=True)
    page = client.get("/demo/upload/").content.decode()
    [field] = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[:1]
    sent = {"files": SimpleUploadedFile("mine.csv", TABLE), "csrfmiddlewaretoken": field}
    assert client.post("/demo/upload/", sent).status_code == 302
    assert Session.objects.count() == 1
    assert "mine.csv" in client.get("/demo/upload/").content.decode()
    assert "mine.csv" not in Client().get("/demo/upload/").content.decode()


def test_a_script_begins_an_upload_without_a_session_of_before(db: None) -> None:
    client = Client(enforce_csrf_checks=True)
    page = client.get("/demo/upload/").content.decode()
    [field] = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[:1]
    body = json.dumps({"files": [{"name": "mine.csv", "size": len(TABLE)}]})
    begun = client.post(
        "/demo/upload/begin/", body, "application/json", headers={"X-CSRFToken": field}
    )
    assert begun.status_code == 201
    assert "mine.csv" in client.get("/demo/upload/").content.decode()


@pytest.mark.parametrize(
    ("name", "kind", "poster"),
    [
        ("prices.CSV", "", True),
        ("prices.csv", "table", True),
        ("prices.txt", "table", True),
        ("prices.csv", "picture", False),
        ("film.jpg", "", False),
        ("films.zip", "zip", False),
    ],
)
def test_a_table_has_its_own_poster_before_its_content_is_known_too(
    name: str, kind: str, poster: bool
) -> None:
    upload = receiving.begin(ME, [Told(name, len(TABLE), "0")])
    meta = upload.change(kind=kind)
    card = views._card(upload, meta)
    assert card["poster"] == ("table" if poster else "")
    page = render_to_string("headway/_demo_upload_card.html", {"card": card})
    assert ('data-kind="table"' in page) is poster
