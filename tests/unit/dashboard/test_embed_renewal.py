"""A fresh token for the session that was given one, and for nobody else."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.sessions.backends import signed_cookies
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.test import Client

from dashboard import granting, shown, tokens
from tests.unit.dashboard import embedded
from tests.unit.dashboard.embedded import NOW, Shelf, problem


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Shelf:
    return embedded.shelve(monkeypatch, settings)


@pytest.fixture
def visit(shelf: Shelf, db: None) -> Callable[..., Client]:
    """Makes a client whose session was given a token."""
    return embedded.visitor


def renew(client: Client, id_: object, **headers: str) -> Any:
    return client.post(
        "/headway/embed/refresh/", json.dumps({"id": id_}), "application/json", headers=headers
    )


def test_a_session_renews_what_it_was_given(visit: Callable[..., Client], shelf: Shelf) -> None:
    client = visit(["t1", "t2"], label="Film", can=["retry"], ttl=60)
    answer = renew(client, "t1")
    grant = tokens.current().verify(answer.json()["token"], NOW)
    assert (grant.tasks, grant.label, grant.can) == ({"t1", "t2"}, "Film", {"retry"})
    assert grant.expires_at == NOW + 60
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_session_renews_a_group(visit: Callable[..., Client]) -> None:
    answer = renew(visit(group="g1"), "g1")
    assert tokens.current().verify(answer.json()["token"], NOW).groups == {"g1"}


def test_another_session_is_refused(visit: Callable[..., Client]) -> None:
    visit("t1")
    assert problem(renew(visit("t2"), "t1")) == (403, "no_grant")
    assert problem(renew(Client(), "t1")) == (401, "no_grant")


def test_a_page_that_was_open_for_too_long_is_to_be_loaded_again(
    visit: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = visit("t1")
    monkeypatch.setattr(shown, "instant", lambda: tokens.time.time() + 8 * 86_400)
    assert problem(renew(client, "t1")) == (410, "no_grant")


def test_renewal_ends_where_embedding_does(visit: Callable[..., Client], settings: Any) -> None:
    client = visit("t1")
    settings.HEADWAY_EMBED_KEY = None
    assert problem(renew(client, "t1")) == (410, "not_configured")


def test_renewal_needs_the_token_of_our_page(visit: Callable[..., Client]) -> None:
    known = visit("t1")
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = known.cookies
    assert problem(renew(strict, "t1")) == (403, "csrf")
    strict.cookies["csrftoken"] = "x" * 32
    assert renew(strict, "t1", **{"X-CSRFToken": "x" * 32}).status_code == 200


@pytest.mark.parametrize("id_", [None, 7, "", ["t1"], "x" * 256])
def test_renewal_of_what_is_no_id_is_refused(visit: Callable[..., Client], id_: object) -> None:
    assert problem(renew(visit("t1"), id_)) == (400, "bad_request")


def test_renewal_is_by_post_alone(shelf: Shelf) -> None:
    assert problem(Client().get("/headway/embed/refresh/")) == (405, "bad_method")


def test_a_session_keeps_its_newest_grants(visit: Callable[..., Client], shelf: Shelf) -> None:
    request = HttpRequest()
    request.session = Client().session
    for number in range(505):
        tokens.mint(f"t{number}", request=request)
    tokens.mint("t504", request=request)
    kept = request.session["headway_grants"]
    assert [grant["claims"]["tasks"] for grant in kept] == [[f"t{n}"] for n in range(5, 505)]


def test_a_session_never_grows_beyond_its_bound_and_keeps_the_newest(shelf: Shelf) -> None:
    request = HttpRequest()
    request.session = SessionBase()
    for number in range(100):
        tokens.mint([f"{number:03}-{n:03}" + "x" * 13 for n in range(500)], request=request)
    kept = request.session["headway_grants"]
    assert len(json.dumps(kept)) < 1.2 * granting.MAX_BYTES
    assert kept[-1]["claims"]["tasks"][0].startswith("099-")
    assert 1 < len(kept) < 10


def test_where_the_session_is_a_cookie_its_grants_fit_into_one(shelf: Shelf) -> None:
    request = HttpRequest()
    request.session = signed_cookies.SessionStore()
    request.session["host"] = "x" * 400
    ids = [str(uuid.uuid4()) for _ in range(200)]
    for id_ in ids:
        tokens.mint(id_, label="Your video", can="cancel retry", request=request)
    request.session.save()
    assert len(request.session.session_key) < 4000
    back = signed_cookies.SessionStore(request.session.session_key)
    kept = [grant["claims"]["tasks"][0] for grant in back["headway_grants"]]
    assert kept == ids[-len(kept) :]
    assert len(kept) >= 10


def test_what_fits_into_no_cookie_is_said_when_it_is_minted(shelf: Shelf) -> None:
    request = HttpRequest()
    request.session = signed_cookies.SessionStore()
    with pytest.raises(ValueError, match="SESSION_ENGINE"):
        tokens.mint([str(uuid.uuid4()) for _ in range(100)], request=request)
    assert shelf.expected == {}
    assert "headway_grants" not in request.session


def test_what_others_wrote_into_a_session_grants_nothing(
    visit: Callable[..., Client], shelf: Shelf
) -> None:
    client = visit("t1")
    session = client.session
    for wrong in ("x", [1, {}], {"t1": True}):
        session["headway_grants"] = wrong
        session.save()
        assert renew(client, "t1").status_code == 401
