"""Who gets what: one table of every page, API address, action and view of the socket.

`login` is the way to the sign-in page; the numbers are statuses of HTTP. `restricted` has the
permissions of an operator, and an access class that lets them see one task alone (`rows()`).
Everyone's answers are read for what is not theirs.
"""

import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from django.contrib.auth.models import AnonymousUser, Permission, User
from django.test import Client
from django.urls import URLPattern

from dashboard import access, auditing, dispatch, urls
from dashboard.access import DefaultAccess
from dashboard.models import Audit, Failure, Operation, Queue, SavedQuery, ScheduleEntry
from dashboard.views.api import api
from realtime.core import frames, query
from realtime.core.frames import Refused
from realtime.core.query import Query
from realtime.ports import Rights
from tests.unit.dashboard import stored
from tests.unit.dashboard.test_actions import FakeBroker
from tests.unit.dashboard.test_api_actions import settled
from tests.unit.realtime.live import open_house

ROLES = ("stranger", "nobody", "viewer", "operator", "superuser", "restricted")
GROUP = "0123456789ab"

PAGES = """
                                  stranger nobody viewer operator superuser restricted
GET  /                               login    403    200      200       200        200
GET  /tasks/                         login    403    200      200       200        200
GET  /tasks/?query=conclusion:failed login    403    200      200       200        200
GET  /tasks/mine/                    login    403    200      200       200        200
GET  /tasks/theirs/                  login    403    200      200       200        404
GET  /tasks/never/                   login    403    404      404       404        404
GET  /failures/                      login    403    200      200       200        403
GET  /failures/GROUP/                login    403    200      200       200        403
GET  /workers/                       login    403    200      200       200        200
GET  /queues/                        login    403    200      200       200        200
GET  /schedule/                      login    403    200      200       200        200
GET  /audit/                         login    403    403      200       200        200
GET  /actions/retry/theirs/          login    403    403      200       200        302
GET  /actions/revoke/theirs/         login    403    403      200       200        302
GET  /actions/retry/never/           login    403    403      302       302        302
GET  /actions/retry/mine/            login    403    403      200       200        200
POST /actions/retry/theirs/          login    403    403      302       302        302
POST /actions/retry/mine/            login    403    403      302       302        302
POST /failures/GROUP/                login    403    403      302       302        403
GET  /login/                           200    302    302      302       302        302
GET  /healthz                          200    200    200      200       200        200
"""

API = """
                                  stranger nobody viewer operator superuser restricted
GET  tasks                             401    403    200      200       200        200
GET  tasks?query=name:shop.hidden      401    403    200      200       200        200
GET  tasks/mine                        401    403    200      200       200        200
GET  tasks/theirs                      401    403    200      200       200        404
GET  tasks/theirs/tree                 401    403    200      200       200        404
GET  tasks/never                       401    403    404      404       404        404
GET  workers                           401    403    200      200       200        200
GET  stream                            401    403    200      200       200        200
GET  stats                             401    403    200      200       200        403
GET  failures                          401    403    200      200       200        403
GET  failures/GROUP                    401    403    200      200       200        403
GET  queues                            401    403    200      200       200        200
GET  schedule                          401    403    200      200       200        200
GET  audit                             401    403    403      200       200        200
GET  values?of=name                    401    403    200      200       200        200
GET  values?of=queue                   401    403    200      200       200        200
GET  query?query=name:x                401    403    200      200       200        200
GET  query?query=arg:s3cret            401    403    403      403       200        403
GET  queries                           401    403    200      200       200        200
GET  operations/theirs                 401    404    404      200       200        404
GET  operations/theirs/outcomes        401    404    404      200       200        404
POST queries                           401    403    201      201       201        201
PATCH  queries/1                       401    403    404      404       404        404
DELETE queries/1                       401    403    404      404       404        404
POST tasks/theirs/revoke               401    403    403      409       409        404
POST tasks/theirs/retry                401    403    403      200       200        404
POST tasks/mine/retry                  401    403    403      200       200        200
POST tasks/bulk/count                  401    403    403      200       200        200
POST tasks/bulk                        401    403    403      202       202        409
POST operations/theirs/stop            401    404    404      200       200        404
POST failures/GROUP/mute               401    403    403      200       200        403
POST failures/GROUP/resolve            401    403    403      200       200        403
POST failures/GROUP/reopen             401    403    403      200       200        403
POST failures/GROUP/retry              401    403    403      409       409        403
"""

ADMIN = """
                                  stranger nobody viewer operator superuser restricted
GET  /admin/headway/task/              login  login  login    login       200      login
GET  /admin/headway/worker/            login  login  login    login       200      login
GET  /admin/headway/failure/           login  login  login    login       200      login
GET  /admin/headway/audit/             login  login  login    login       200      login
"""

SOCKET = """
                                  stranger nobody viewer operator superuser restricted
tasks                                 none   none   rows     rows      rows       rows
task                                  none   none   rows     rows      rows       rows
workers                               none   none   rows     rows      rows       rows
worker                                none   none   rows     rows      rows       rows
overview                              none   none   rows     rows      rows       rows
attention                             none   none   rows     rows      rows         no
failures                              none   none   rows     rows      rows         no
queues                                none   none   rows     rows      rows       rows
schedule                              none   none   rows     rows      rows       rows
audit                                 none   none     no     rows      rows       rows
operations                            none   none   rows     rows      rows       rows
"""

VIEWS = ("view_task", "view_task_exception", "view_worker", "view_failure", "view_queue")
VIEWER = (*VIEWS, "view_scheduleentry")
OPERATOR = (*VIEWER, "revoke_task", "retry_task", "change_failure", "view_audit")
PERMISSIONS: dict[str, tuple[str, ...]] = {
    "nobody": (),
    "viewer": VIEWER,
    "operator": OPERATOR,
    "superuser": (),
    "restricted": OPERATOR,
}
SECRETS = ("s3cret-arg", "s3cret-kwarg", "s3cret-result", "s3cret_frame")
"""What only the permissions of guarded fields open: arguments, result, traceback."""
OTHERS = ("theirs", "shop.hidden", "hidden-label", "HiddenError", GROUP)
"""What only tells of tasks that `restricted` may not see."""
EVERYTHING = ("shop.", "theirs", "HiddenError", stored.WORKER, "mail-queue", "nightly", GROUP)
BODIES: dict[str, object] = {
    "queries": {"name": "mine", "query": "name:x"},
    "queries/1": {"name": "other"},
    "tasks/bulk/count": {"query": ""},
    "tasks/bulk": {"action": "retry", "ids": ["theirs"], "expected": 1},
    f"failures/{GROUP}/retry": {"expected": 9},
}
FORMS = {
    f"/failures/{GROUP}/": {"decision": "resolve"},
    "/actions/retry/theirs/": {"confirmed": "1"},
    "/actions/retry/mine/": {"confirmed": "1"},
}


class Line(NamedTuple):
    """One line of a table: what is asked for, and what each role gets."""

    method: str
    path: str
    answers: dict[str, str]


def lines(table: str) -> list[Line]:
    found = []
    for text in table.strip().splitlines()[1:]:
        *asked, answers = (text.replace("GROUP", GROUP).split()[: -len(ROLES)], text.split()[-6:])
        words = asked[0]
        found.append(Line(words[0], words[-1], dict(zip(ROLES, answers, strict=True))))
    return found


def cases(table: str) -> list[Any]:
    return [
        pytest.param(line, role, id=f"{line.method} {line.path} {role}")
        for line in lines(table)
        for role in ROLES
    ]


class OneTask(DefaultAccess):
    """Whoever is called restricted sees one task."""

    def rows(self, user: Any) -> Query:
        return query.parse("id:mine") if user.get_username() == "restricted" else query.EVERYTHING


@pytest.fixture
def cluster(db: None, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """One task of theirs that may be seen by all, others with secrets, and one of all else."""
    settings.HEADWAY_BROKER_URL = "memory://"
    settings.HEADWAY_ACCESS = f"{__name__}.OneTask"
    monkeypatch.setattr(dispatch, "opened", lambda app: FakeBroker())
    secret = {"args": "('s3cret-arg',)", "kwargs": "{'key': 's3cret-kwarg'}"}
    stored.write(
        [
            stored.failed("mine", name="shop.mine", args="()", kwargs="{}"),
            stored.failed("theirs", name="shop.hidden", **secret),
            stored.succeeded("theirs-2", name="shop.hidden", **secret),
            stored.running("theirs-3", name="shop.hidden", **secret),
            stored.queued("theirs-4", name="shop.hidden", **secret),
        ],
        [stored.worker()],
    )
    now = stored.NOW
    Failure.objects.create(
        signature=GROUP, revision=1, type="HiddenError", message="no", name="shop.hidden",
        task_id="theirs", count=1, first_seen_at=now, last_seen_at=now,
        frame="shop/hidden.py:7 in s3cret_frame",
    )  # fmt: skip
    Queue.objects.create(name="mail-queue", revision=1, first_seen_at=now, depth=4)
    ScheduleEntry.objects.create(
        name="nightly", revision=1, task="shop.mine", schedule="crontab", source="celery",
        first_seen_at=now, checked_at=now,
    )  # fmt: skip
    Operation.objects.create(
        id="theirs", revision=1, user="carl", action="retry", state="finished",
        started_at=1.0, beat_at=1.0, query="name:shop.hidden",
    )  # fmt: skip
    auditing.write(
        [auditing.entry(user="carl", action="retry", at=now, kind="task", target="theirs")]
    )


@pytest.fixture
def person(cluster: None) -> Callable[[str], User | None]:
    def made(role: str) -> User | None:
        if role == "stranger":
            return None
        user = User.objects.create_user(role, is_superuser=role == "superuser")
        user.is_staff = role == "superuser"
        user.save()
        user.user_permissions.set(Permission.objects.filter(codename__in=PERMISSIONS[role]))
        return user

    return made


@pytest.fixture
def browser(person: Callable[[str], User | None]) -> Callable[[str], Client]:
    def made(role: str) -> Client:
        client, user = Client(), person(role)
        if user is not None:
            client.force_login(user)
        return client

    return made


def forbidden(role: str) -> tuple[str, ...]:
    """Words that stand in no answer to this role."""
    if role in ("stranger", "nobody"):
        return (*EVERYTHING, *SECRETS)
    if role == "superuser":
        return ()
    return (*SECRETS, *OTHERS) if role == "restricted" else SECRETS


def assert_tells_nothing(answer: Any, role: str, asked: str) -> None:
    """Nothing of what is not this role's; what was asked for by its name is no news."""
    told = answer.content.decode()
    for word in forbidden(role):
        if word not in asked:
            assert word not in told, f"{word} in the answer to {role}: {around(told, word)}"


def around(text: str, word: str) -> str:
    at = text.index(word)
    return text[max(0, at - 120) : at + 120]


pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(("line", "role"), [*cases(PAGES), *cases(ADMIN)])
def test_pages(browser: Callable[[str], Client], line: Line, role: str) -> None:
    by = browser(role)
    url = line.path if line.path.startswith("/admin") else f"/headway{line.path}"
    answer = by.get(url) if line.method == "GET" else by.post(url, FORMS[line.path])
    is_login = answer.status_code == 302 and "login/?next=" in answer["Location"]
    assert ("login" if is_login else str(answer.status_code)) == line.answers[role]
    assert_tells_nothing(answer, role, line.path)
    is_refused = line.answers[role] in ("login", "403", "404")
    if is_refused or (role, line.path) == ("restricted", "/actions/retry/theirs/"):
        assert Audit.objects.count() == 1, "nothing was tried, so nothing is written down"


@pytest.mark.parametrize(("line", "role"), cases(API))
def test_api(browser: Callable[[str], Client], line: Line, role: str) -> None:
    by, url = browser(role), f"/headway/api/v1/{line.path}"
    body = json.dumps(BODIES.get(line.path, {}))
    more = {} if line.method == "GET" else {"data": body, "content_type": "application/json"}
    answer = getattr(by, line.method.lower())(url, **more)
    assert str(answer.status_code) == line.answers[role], answer.content
    asked = line.path if answer.status_code >= 400 else line.path.partition("?")[0]
    assert_tells_nothing(answer, role, asked if role == "restricted" else f"{asked}{body}")
    if answer.status_code >= 400:
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["detail"]
    if answer.status_code in (401, 403, 404):
        assert Audit.objects.count() == 1
        assert not SavedQuery.objects.exists()
    settled()


@pytest.fixture
def rights(person: Callable[[str], User | None]) -> dict[str, Rights]:
    """What the access class gives each role."""
    return {role: access.rights(person(role) or AnonymousUser()) for role in ROLES}


@pytest.mark.parametrize("role", ROLES)
async def test_socket(rights: dict[str, Rights], role: str) -> None:
    table = {line.path: line.answers[role] for line in lines(SOCKET)}
    async with open_house(**{role: rights[role]}) as house:
        try:
            visitor = await house.visit(role)
        except Refused:
            assert set(table.values()) == {"none"}
            return
        for view, of in enumerate(table):
            single = {"id": "t1"} if of in frames.SINGLE else {}
            visitor.say(op="open", view=view, of=of, **single)
        await house.settle()
        told = dict.fromkeys(table, "none")
        for frame in visitor.frames:
            if frame["op"] in ("snapshot", "error") and "view" in frame:
                told[list(table)[frame["view"]]] = "rows" if frame["op"] == "snapshot" else "no"
        assert told == table


def test_hidden_tasks_are_in_no_count(browser: Callable[[str], Client]) -> None:
    by = browser("restricted")
    tabs = re.findall(
        r'data-tab="(\w+)".*?<b>([^<]*)</b>', by.get("/headway/tasks/").content.decode(), re.DOTALL
    )
    assert {name: count for name, count in tabs if count != "0"} == {"all": "1", "failed": "1"}
    page = by.get("/headway/").content.decode()
    row = json.loads(re.findall(r'id="headway-rows"[^>]*>(.*?)</script>', page)[0])["rows"][0]
    assert [row[name] for name in ("queued", "running", "retrying")] == [0, 0, 0]
    assert "series" not in row
    assert "failures" not in row
    counted = by.post(
        "/headway/api/v1/tasks/bulk/count", {"query": ""}, content_type="application/json"
    ).json()
    assert (counted["count"], counted["by"]) == (1, {"failed": 1})
    assert by.get("/headway/api/v1/values", {"of": "name"}).json()["items"] == ["shop.mine"]
    assert "data-open-failures" not in page


def test_the_table_names_every_page_and_address_that_there_is() -> None:
    """What is added later is added here: else nobody thought of who may see it."""
    asked = {re.sub(r"\?.*", "", line.path) for line in lines(PAGES)}
    unnamed = [
        pattern.name
        for pattern in urls.urlpatterns
        if isinstance(pattern, URLPattern) and not _is_asked(pattern, asked)
    ]
    assert {name for name in unnamed if not name.startswith("embed-")} <= FREE
    known = {re.sub(r"\?.*", "", line.path) for line in lines(API)}
    shapes = [_shape(path) for path in known]
    missing = [
        path
        for path in api.get_openapi_schema()["paths"]
        if _shape(path.removeprefix("/headway/api/v1/")) not in shapes
    ]
    assert missing == []


FREE = {"logout", "readyz", "language"}
"""Open to everybody, and tell nothing: a language, whether the process is ready. What a token
decides (`embed-`) is tested where tokens are."""


def _is_asked(pattern: URLPattern, asked: set[str]) -> bool:
    return any(pattern.resolve(path.lstrip("/")) for path in asked)


def _shape(path: str) -> str:
    """An address of the API without its names: `tasks/*/retry`."""
    parts = path.strip("/").split("/")
    named = ("tasks", "failures", "operations", "queries")
    return "/".join(
        "*" if n == 1 and parts[0] in named and part != "bulk" else part
        for n, part in enumerate(parts)
    )
