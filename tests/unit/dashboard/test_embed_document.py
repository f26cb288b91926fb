"""The OpenAPI document of what tokens open: held to the addresses, and to real answers."""

import json
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from dashboard import dispatch, tokens
from dashboard.throttle import Budget, Rate
from dashboard.urls import urlpatterns
from dashboard.views import cors, embed_document
from realtime import testing
from realtime.core import public
from realtime.core.public import Expected, Shown
from tests.unit.dashboard import stored
from tests.unit.dashboard.embedded import KEY
from tests.unit.dashboard.test_actions import FakeBroker

pytestmark = pytest.mark.django_db(transaction=True)

HOME = "/headway"


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """A store with a task in each state that matters, and a broker that takes everything."""
    settings.HEADWAY_EMBED_KEY = KEY
    settings.HEADWAY_BROKER_URL = "memory://"
    broker = FakeBroker()
    monkeypatch.setattr(dispatch, "opened", lambda app: broker)
    monkeypatch.setattr(cors, "budget", Budget(Rate(10_000, 0.001)))
    member = testing.task_context("m1", group="g1")
    progress = testing.task_progress("r1", current=3, total=10, message="row 3", stages=["a", "b"])
    stored.write(
        [
            stored.queued("q1", name="shop.mail", queue="mail"),
            stored.told(testing.task_received("r1"), testing.task_started("r1"), progress),
            stored.failed("f1", name="shop.mail", args="()", kwargs="{}"),
            stored.succeeded("s1", name="shop.mail"),
            stored.told(testing.task_received("m1"), member),
        ],
        [stored.worker()],
    )
    tokens.vouch({"group:g1": Expected(testing.AT, 4)})


@pytest.fixture
def described() -> dict[str, Any]:
    answer = Client().get(f"{HOME}/embed/v1/openapi.json")
    assert answer.status_code == 200
    return dict(answer.json())


def valid(described: dict[str, Any], path: str, answer: Any) -> Any:
    """The answer's body, which is as the document has it."""
    [method] = described["paths"][path]
    responses = described["paths"][path][method]["responses"]
    told = responses[str(answer.status_code)]["content"]
    [(kind, content)] = told.items()
    assert answer.headers["Content-Type"].partition(";")[0] == kind
    schema = {**content["schema"], "components": described["components"]}
    Draft202012Validator(schema).validate(answer.json())
    return answer.json()


def ask(method: str, path: str, by: str = "", body: object = None) -> Any:
    headers = {"Authorization": f"Bearer {by}"} if by else {}
    data = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
    return getattr(Client(), method)(HOME + path, headers=headers, **data)


def test_every_address_that_takes_tokens_is_described_and_no_other(
    described: dict[str, Any],
) -> None:
    routes = {str(each.pattern) for each in urlpatterns if str(each.pattern).startswith("embed/")}
    known = {"/" + re.sub(r"<path:(\w+)>", r"{\1}", route) for route in routes}
    assert set(described["paths"]) == known - {"/embed/v1/openapi.json"}
    assert described["servers"] == [{"url": HOME}]
    assert get_resolver().resolve(f"{HOME}/embed/v1/openapi.json").url_name == "embed-openapi"


def test_it_is_a_document_of_openapi(described: dict[str, Any]) -> None:
    assert described["openapi"] == "3.1.0"
    for schema in described["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    named = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(described)))
    assert named == set(described["components"]["schemas"])
    for path, methods in described["paths"].items():
        [(method, operation)] = methods.items()
        parameters = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "path"}
        assert parameters == set(re.findall(r"{(\w+)}", path))
        assert ("requestBody" in operation) == (method == "post" and "{" not in path)


def test_each_method_is_the_one_that_its_address_takes(described: dict[str, Any]) -> None:
    for path, methods in described["paths"].items():
        [method] = methods
        wrong = "get" if method == "post" else "post"
        answer = ask(wrong, re.sub(r"{\w+}", "t1", path))
        assert (answer.status_code, answer.headers["Allow"]) == (405, method.upper())


@pytest.mark.parametrize("id_", ["q1", "r1", "f1", "s1", "new"])
def test_a_task_is_answered_as_described(described: dict[str, Any], id_: str) -> None:
    by = tokens.mint(id_, can="cancel retry result", label="Your film")
    valid(described, "/embed/v1/tasks/{task_id}", ask("get", f"/embed/v1/tasks/{id_}", by))


@pytest.mark.parametrize("query", ["", "?parts=10"])
def test_a_group_is_answered_as_described(described: dict[str, Any], query: str) -> None:
    by = tokens.mint(group="g1", can="cancel")
    answer = ask("get", f"/embed/v1/groups/g1{query}", by)
    assert valid(described, "/embed/v1/groups/{group_id}", answer)["id"] == "g1"


def test_states_and_their_errors_are_answered_as_described(described: dict[str, Any]) -> None:
    by = {"a": tokens.mint(["q1", "r1"]), "b": tokens.mint(group="g1"), "c": "x.y.z"}
    body = {"tokens": by, "subjects": ["task:q1", "task:r1", "group:g1", "task:f1"], "since": None}
    asked = described["components"]["schemas"]["Asked"]
    Draft202012Validator({**asked, "components": described["components"]}).validate(body)
    told = valid(described, "/embed/v1/states", ask("post", "/embed/v1/states", body=body))
    assert (len(told["states"]), len(told["errors"])) == (3, 2)


def test_what_is_done_is_answered_as_described(described: dict[str, Any]) -> None:
    every = tokens.mint(["q1", "f1"], can="cancel retry")
    group = tokens.mint(group="g1", can="cancel")
    for path, at, by in (
        ("/embed/v1/tasks/{task_id}/cancel", "/embed/v1/tasks/q1/cancel", every),
        ("/embed/v1/tasks/{task_id}/retry", "/embed/v1/tasks/f1/retry", every),
        ("/embed/v1/groups/{group_id}/cancel", "/embed/v1/groups/g1/cancel", group),
    ):
        answer = ask("post", at, by)
        assert answer.status_code == 200
        valid(described, path, answer)


def test_refusals_are_answered_as_described(described: dict[str, Any]) -> None:
    for path, methods in described["paths"].items():
        [method] = methods
        at = re.sub(r"{\w+}", "t1", path)
        for by, body in (("", None), ("x.y.z", {"tokens": {}}), (tokens.mint("t9"), [])):
            answer = ask(method, at, by, body if method == "post" else None)
            assert answer.status_code >= 400
            valid(described, path, answer)


def test_a_renewal_is_answered_as_described(described: dict[str, Any]) -> None:
    client = Client()
    session = client.session
    session["headway_grants"] = [{"claims": {"tasks": ["q1"], "ttl": 60}, "at": testing.AT}]
    session.save()
    client.cookies["sessionid"] = session.session_key
    old = client.post(f"{HOME}/embed/refresh/", {"id": "q1", "ids": ["q1"]}, "application/json")
    assert old.status_code in (200, 410)
    valid(described, "/embed/refresh/", old)


def test_the_rows_of_the_document_have_the_fields_of_public_rows_and_no_others() -> None:
    task = public.task_row(None, None, Shown(), 0.0, id="t")
    group = public.group_row(None, None, Shown(), 0.0, id="g")
    assert set(embed_document.SCHEMAS["Task"]["properties"]) == set(task)
    assert set(embed_document.SCHEMAS["Group"]["properties"]) == set(group) | {"parts"}


def test_the_check_itself_sees_what_is_not_described(described: dict[str, Any]) -> None:
    row = ask("get", "/embed/v1/tasks/q1", tokens.mint("q1")).json() | {"worker": "w1"}
    schema = {"$ref": "#/components/schemas/Task", "components": described["components"]}
    with pytest.raises(ValidationError):
        Draft202012Validator(schema).validate(row)
