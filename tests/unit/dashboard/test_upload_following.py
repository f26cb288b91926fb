"""One bar for an upload and the work on it, whatever the page is loaded again in the middle of."""

import io
import re
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from dashboard import tokens
from dashboard.demo.upload import following, limits, receiving, store, tasks, visitors
from dashboard.demo.upload.receiving import Told
from dashboard.demo.upload.store import Upload
from realtime.ports import StoreUnavailable
from tests.unit.dashboard.uploads import picture, served

pytestmark = pytest.mark.django_db

ME = "a" * 32
TABLE = b"sku,name,price\n1,a,2.50\n2,b,3\n"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    served(tmp_path / "uploads", settings, monkeypatch)
    monkeypatch.setattr(visitors, "known", lambda request: ME)


@pytest.fixture
def handed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The uploads whose work was handed over, in place of doing it."""
    found: list[str] = []

    def hand_over(upload: Upload, kind: str) -> tuple[Any, Any]:
        found.append(kind)
        task = SimpleNamespace(id=f"task-{len(found)}")
        return task, SimpleNamespace(id="group-1") if kind == "pictures" else None

    monkeypatch.setattr(tasks, "hand_over", hand_over)
    monkeypatch.setattr(tokens, "mint", lambda *given, **told: "a-token")
    return found


def upload_of(*parts: bytes, come: float = 1.0) -> Upload:
    """An upload of which so much of each file has come."""
    files = [Told(f"{n}.csv", len(part), str(n)) for n, part in enumerate(parts)]
    upload = receiving.begin(ME, files)
    for number, part in enumerate(parts):
        receiving.append(upload, number, 0, io.BytesIO(part[: int(come * len(part))]))
    return upload


def bar(html: str) -> float:
    found = re.search(r'<progress max="100" value="([\d.]+)"', html)
    assert found, html
    return float(found[1])


@pytest.mark.parametrize(("files", "whole"), [([TABLE * 100], 25), ([picture(), picture()], 20)])
def test_what_has_come_is_as_far_on_the_bar_as_while_it_came(
    files: list[bytes], whole: int, client: Client
) -> None:
    upload_of(*files, come=0.5)
    html = client.get("/demo/upload/").content.decode()
    assert bar(html) == pytest.approx(whole / 2, abs=1)
    assert "has arrived. Choose the same file again" in html
    assert "49% has arrived" in html or "50% has arrived" in html


def test_what_was_handed_over_and_waits_is_behind_its_upload(
    handed: list[str],
) -> None:
    upload = upload_of(TABLE)
    following.start(upload)
    card = following.shown(upload)
    assert card["follow"] == {"task": "task-1"}
    assert card["least"] == 25


def test_several_pictures_are_behind_their_upload_and_then_published(
    handed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = upload_of(picture(), picture(), picture())
    following.start(upload)
    standing = SimpleNamespace(is_finished=False)
    monkeypatch.setattr(following.status, "get_group", lambda group: standing)
    card = following.shown(upload)
    assert (card["follow"], card["then"], card["least"]) == ({"group": "group-1"}, "task-1", 20)
    standing.is_finished = True
    card = following.shown(upload)
    assert (card["follow"], card["then"], card["least"]) == ({"task": "task-1"}, None, 75)
    assert card["can"] == []


def test_a_store_that_is_away_leaves_several_pictures_as_they_were(
    handed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(group: str) -> None:
        raise StoreUnavailable("away")

    upload = upload_of(picture(), picture())
    following.start(upload)
    monkeypatch.setattr(following.status, "get_group", away)
    assert following.shown(upload)["follow"] == {"group": "group-1"}


@pytest.mark.parametrize("way", ["finish", "page"])
def test_what_a_process_was_killed_at_handing_over_is_handed_over_by_the_next(
    way: str, handed: list[str]
) -> None:
    upload = upload_of(TABLE)
    # Killed here: it is marked as worked on, and no task was told of it.
    upload.change(state=store.WORKING, kind="table")
    if way == "finish":
        following.start(upload)
        following.start(upload)
    else:
        following.resume(upload, upload.meta())
        following.resume(upload, upload.meta())
    assert handed == ["table"]
    assert upload.meta().task == "task-1"


def test_the_page_hands_over_what_was_left_and_comes_even_if_that_fails(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hand_over(upload: Upload, kind: str) -> None:
        raise ConnectionError("away")

    monkeypatch.setattr(tasks, "hand_over", hand_over)
    upload = upload_of(TABLE)
    upload.change(state=store.WORKING, kind="table")
    assert client.get("/demo/upload/").status_code == 200
    assert upload.meta().state == store.OPEN


def test_tokens_live_as_long_as_the_project_says(settings: Any) -> None:
    upload = upload_of(TABLE)
    upload.change(state=store.WORKING, kind="table", task="task-1")
    for seconds in (limits.TOKEN_S, 30):
        grant = tokens.current().verify(following.token(upload, "task-1"), time.time())
        assert grant.expires_at - grant.issued_at == seconds
        settings.UPLOAD_TOKEN_S = 30


def test_the_page_writes_a_bar_that_is_behind_the_upload(client: Client) -> None:
    upload = upload_of(TABLE)
    upload.change(state=store.WORKING, kind="table", task="task-1")
    html = client.get("/demo/upload/").content.decode()
    assert "Waiting to start" in html
    assert bar(html) == 25
