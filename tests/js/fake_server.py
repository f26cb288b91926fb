"""A server for the browser tests of static/headway: the real templates over rows in memory, and a
live socket that does what the test tells it to.

`python -m daphne -p PORT tests.js.fake_server:app`. `GET /control` gives what clients sent.
`POST /control` takes JSON: `upsert` (partial rows), `remove` (ids), `workers` (rows), `told` (all
rows of kinds that only the store tells, by kind), `held` (tasks of workers, by worker and kind),
`gaps` of the stream, `reset` (forgets everything), `can` and `rows` (what the viewer may do, and
see), `stream` (fields of a stream frame), `saved` (queries) and `values` (by kind), `assets`, `api`
(see fake_api.py), `drop` (a close code for every socket), `refuse` (seconds in which sockets are
turned away), `bye` (milliseconds).
"""

import asyncio
import inspect
import json
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test.client import RequestFactory
from django.urls import ResolverMatch, path, resolve
from django.utils import translation

ROOT = Path(__file__).resolve().parents[2]
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
LIST_EMPTY: dict[str, Any] = {
    "name": "shop.orders.place",
    "state": "PENDING",
    "status": "queued",
    "conclusion": None,
    "queue": "orders",
    "worker": None,
    "priority": None,
    "retries": 0,
    "eta": None,
    "expires": None,
    "sent_at": None,
    "received_at": None,
    "started_at": None,
    "finished_at": None,
    "wait": None,
    "runtime": None,
    "progress": None,
    "args": [],
    "kwargs": {},
    "exception": None,
    "signature": None,
    "root_id": None,
    "parent_id": None,
    "group_id": None,
    "owner": None,
    "label": None,
    "retry_at": None,
    "reason": None,
    "result": None,
    "traceback": None,
    "attempts": [],
    "errors": [],
}

settings.configure(
    DEBUG=True,
    ROOT_URLCONF="fake_urls",
    SECRET_KEY="only-for-tests",
    STATIC_URL="/static/",
    USE_TZ=True,
    LANGUAGE_CODE="en",
    LANGUAGES=[("en", "English"), ("de", "Deutsch")],
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.staticfiles",
        "dashboard",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "DIRS": [ROOT / "templates"],
            "APP_DIRS": True,
        }
    ],
)
django.setup()

from dashboard import access, charts, trees, values  # noqa: E402
from dashboard.auditing import AuditPage  # noqa: E402
from dashboard.trees import Tree  # noqa: E402
from dashboard.views import (  # noqa: E402
    audit,
    failures,
    overview,
    pages,
    queues,
    schedule,
    shell,
    tasklist,
    workers,
)
from dashboard.views import task as task_page  # noqa: E402
from realtime.core import query as language  # noqa: E402
from realtime.core import wire  # noqa: E402
from realtime.core.frames import TOLD  # noqa: E402
from realtime.hub.rows import KEYS  # noqa: E402
from realtime.ports import Page, Rights, Select, StreamInfo  # noqa: E402
from tests.js.fake_api import Api  # noqa: E402

CAN = ("view_task", "view_worker", "view_queue", "view_failure", "view_scheduleentry")
INES = types.SimpleNamespace(
    is_authenticated=True, is_active=True, is_staff=False, get_username=lambda: "ines"
)


def rights(user: Any = INES) -> Rights:
    """What the viewer may see."""
    return Rights(user="ines", can=frozenset(WORLD.can), rows=language.parse(WORLD.visible))


access.rights = rights
shell.open_failures = lambda: "10"
overview.read_chart = lambda span, is_told: (
    WORLD.told.get("series", []),
    [charts.Gap(*gap) for gap in WORLD.gaps],
)


def tree(task_id: str, rows: Any, now: float) -> Tree | None:
    """Everything of the root of this task, and of its group."""
    asked = WORLD.rows.get(task_id)
    if asked is None:
        return None
    root, group = asked["root_id"] or task_id, asked["group_id"]
    below = [
        row
        for row in WORLD.rows.values()
        if root in (row["root_id"], row["id"]) or (group and row["group_id"] == group)
    ]
    found = {row["id"]: {name: row[name] for name in trees._COLUMNS} for row in below[:500]}
    return Tree(root, found, len(below) > 500, (root,))


task_page.read_tree = tree


class World:
    """What the cluster did, and who watches."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.workers: dict[str, dict[str, Any]] = {}
        self.told: dict[str, list[dict[str, Any]]] = {}
        self.can: tuple[str, ...] = CAN
        self.visible = ""
        self.gaps: list[Any] = []
        self.api = Api()
        self.held: dict[str, dict[str, int]] = {}
        self.saved: list[dict[str, Any]] = []
        self.values: dict[str, list[str]] = {}
        self.revision = 0
        self.assets = ""
        self.refused_until = 0.0
        self.sockets: set[Socket] = set()
        self.log: list[dict[str, Any]] = []
        self.state: dict[str, Any] = {
            "state": "live",
            "lag_ms": 38,
            "gap": None,
            "epoch": "e1",
            "receiver": "recv-1",
            "counters": {},
        }

    def upsert(self, partial: dict[str, Any]) -> dict[str, Any]:
        self.revision += 1
        base = self.rows.get(partial["id"]) or {**LIST_EMPTY, "first_seen_at": time.time()}
        row = {**base, "updated_at": time.time(), **partial, "revision": self.revision}
        self.rows[row["id"]] = row
        return row

    def found(self, text: str) -> list[dict[str, Any]]:
        matches = language.predicate(language.parse(text), time.time())
        rows = [row for row in self.rows.values() if matches(row)]
        return sorted(rows, key=lambda row: (row["first_seen_at"], row["id"]), reverse=True)

    def counts(self, text: str) -> dict[str, Any]:
        stateless = language.without(language.parse(text), {"status", "conclusion", "state"})
        counts: dict[str, int] = {"all": 0}
        for row in self.found(stateless.text):
            for key in ("all", row["status"], row["conclusion"]):
                if key:
                    counts[key] = counts.get(key, 0) + 1
        return {key: [min(number, 10_000), number > 10_000] for key, number in counts.items()}


WORLD = World()


class Reader:
    """The rows in memory as the pages read them."""

    def stream(self) -> StreamInfo:
        return StreamInfo(
            epoch="e1",
            revision=WORLD.revision,
            floor=0,
            alive_at=time.time(),
            holder="recv-1",
            stats={"lag_ms": 38, "state": "live"},
        )

    def page(self, select: Select, rows: Any, now: float, after: str | None = None) -> Page:
        if select.of in TOLD:
            return Page(WORLD.told.get(select.of, []), "e1", WORLD.revision)
        if select.of == "workers":
            return Page(list(WORLD.workers.values()), "e1", WORLD.revision)
        if select.of == "task":
            return Page(
                [WORLD.rows[task_id] for task_id in select.ids if task_id in WORLD.rows],
                "e1",
                WORLD.revision,
            )
        found = WORLD.found(select.query.text)
        start = int(after or 0)
        end = start + select.limit
        return Page(found[start:end], "e1", WORLD.revision, str(end) if end < len(found) else None)

    def changes(self, of: str, since: int, limit: int) -> list[dict[str, Any]] | None:
        return None

    def counts(self, query: Any, rows: Any, now: float) -> Any:
        return {key: tuple(count) for key, count in WORLD.counts(query.text).items()}


class Socket:
    """One open page."""

    def __init__(self, send: Any) -> None:
        self.send, self.frame, self.views = send, 0, {}  # type: ignore[var-annotated]
        self.unacked = 0

    async def say(self, **frame: Any) -> None:
        self.frame += 1
        await self.send(
            {"type": "websocket.send", "text": json.dumps({**frame, "frame": self.frame})}
        )

    async def hear(self, message: dict[str, Any]) -> None:
        WORLD.log.append(message)
        if message["op"] == "open":
            await self.open(message)
        if message["op"] == "close":
            self.views.pop(message["view"], None)

    async def open(self, message: dict[str, Any]) -> None:
        view = message["view"]
        self.views[view] = {**message, "held": set()}
        key = KEYS.get(message["of"], "id")
        since = message.get("since")
        if since and since["epoch"] == "e1":
            await self.patch(
                view,
                {row["id"] for row in WORLD.rows.values() if row["revision"] > since["revision"]},
                always=True,
            )
            return
        try:
            rows = self.rows(view)
        except language.QueryError as error:
            del self.views[view]
            await self.say(
                op="error",
                view=view,
                code=error.code,
                message=error.message,
                at=error.at,
                retry=False,
            )
            return
        halves = [rows[: len(rows) // 2], rows[len(rows) // 2 :]]
        for part, half in enumerate(halves, 1):
            await self.say(
                op="snapshot",
                view=view,
                revision=WORLD.revision,
                rows=half,
                counts=self.count(view),
                part=part,
                of=2,
            )
        self.views[view]["held"] = {row[key] for row in rows}

    def count(self, view: int) -> Any:
        spec = self.views[view]
        return (
            WORLD.counts(spec.get("query", ""))
            if spec["of"] == "tasks" and "ids" not in spec
            else None
        )

    def rows(self, view: int) -> list[dict[str, Any]]:
        spec = self.views[view]
        if spec["of"] in TOLD:
            return WORLD.told.get(spec["of"], [])
        if spec["of"] == "workers":
            return [{**row, "id": name} for name, row in WORLD.workers.items()]
        if spec["of"] == "task":
            return [WORLD.rows[spec["id"]]] if spec["id"] in WORLD.rows else []
        if "ids" in spec:
            found = [WORLD.rows[task_id] for task_id in spec["ids"] if task_id in WORLD.rows]
        else:
            found = WORLD.found(spec.get("query", ""))[: spec.get("limit", 100)]
        return [wire.list_row(row) for row in found]

    async def patch(self, view: int, changed: set[str], always: bool = False) -> None:
        spec = self.views[view]
        key = KEYS.get(spec["of"], "id")
        rows = {row[key]: row for row in self.rows(view)}
        held = spec["held"] or set()
        upsert = [row for task_id, row in rows.items() if task_id in changed or task_id not in held]
        remove = [task_id for task_id in (held or changed) if task_id not in rows]
        spec["held"] = set(rows)
        if upsert or remove or always:
            await self.say(
                op="patch",
                view=view,
                revision=WORLD.revision,
                upsert=upsert,
                remove=remove,
                counts=self.count(view),
            )


def change(message: dict[str, Any]) -> set[str]:
    """Change the world; the keys of what has changed."""
    if "reset" in message:
        WORLD.forget()
    WORLD.assets = message.get("assets", WORLD.assets)
    WORLD.state |= message.get("stream", {})
    if "refuse" in message:
        WORLD.refused_until = time.time() + message["refuse"]
    for worker in message.get("workers", ()):
        WORLD.revision += 1
        WORLD.workers[worker["name"]] = {**worker, "revision": WORLD.revision}
    for task_id in message.get("remove", ()):
        WORLD.revision += 1
        WORLD.rows.pop(task_id, None)
    tasks_changed = {WORLD.upsert(partial)["id"] for partial in message.get("upsert", ())}
    for kind, rows in message.get("told", {}).items():
        WORLD.revision += 1
        WORLD.told[kind] = rows
    told_changed = {
        row[KEYS[kind]]
        for kind, rows in message.get("told", {}).items()
        if kind in KEYS
        for row in rows
    }
    WORLD.can = tuple(message.get("can", WORLD.can))
    WORLD.visible = message.get("rows", WORLD.visible)
    WORLD.gaps = message.get("gaps", WORLD.gaps)
    WORLD.held = message.get("held", WORLD.held)
    WORLD.api.tell(message.get("api", {}))
    WORLD.saved = message.get("saved", WORLD.saved)
    WORLD.values = message.get("values", WORLD.values)
    workers_changed = {worker["name"] for worker in message.get("workers", ())}
    return tasks_changed | workers_changed | told_changed | set(message.get("remove", ()))


async def control(message: dict[str, Any]) -> None:
    changed = change(message)
    for socket in list(WORLD.sockets):
        for view in list(socket.views) if changed else ():
            await socket.patch(view, changed)
        if "stream" in message:
            await socket.say(op="stream", **WORLD.state)
        if "bye" in message:
            await socket.say(op="bye", reconnect_in_ms=message["bye"])
        if "drop" in message:
            WORLD.sockets.discard(socket)
            await socket.send({"type": "websocket.close", "code": message["drop"]})


async def websocket(receive: Any, send: Any) -> None:
    await receive()
    if time.time() < WORLD.refused_until:
        await send({"type": "websocket.close", "code": 4000})
        return
    await send({"type": "websocket.accept"})
    socket = Socket(send)
    WORLD.sockets.add(socket)
    await socket.say(
        op="hello",
        epoch="e1",
        user="ines",
        can=["view_task"],
        server_time=time.time(),
        version="0",
        assets=WORLD.assets,
    )
    await socket.say(op="stream", **WORLD.state)
    while (message := await receive())["type"] == "websocket.receive":
        await socket.hear(json.loads(message["text"]))
    WORLD.sockets.discard(socket)


def tasks(request: HttpRequest) -> HttpResponse:
    pages.snapshots = Reader
    view: Callable[..., HttpResponse] = inspect.unwrap(pages.tasks)
    return view(request, rights())


def task(request: HttpRequest, task_id: str) -> HttpResponse:
    pages.snapshots = Reader
    view: Callable[..., HttpResponse] = inspect.unwrap(task_page.show)
    return view(request, rights(), task_id)


def told_page(show: Callable[..., HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """A page of told rows, without its guard."""

    def answer(request: HttpRequest) -> HttpResponse:
        pages.snapshots = Reader
        return inspect.unwrap(show)(request, rights())

    return answer


def entries(wanted: dict[str, str], limit: int, after: str | None = None) -> AuditPage:
    """The audit in memory; a cursor is a place in it."""
    told = WORLD.told.get("audit", [])
    found = [row for row in told if all(row[name] == value for name, value in wanted.items())]
    begin = int(after or 0)
    end = begin + limit
    return AuditPage(found[begin:end], str(end) if end < len(found) else None)


audit.auditing.page = entries
workers.read_held = lambda: WORLD.held


def front(request: HttpRequest) -> HttpResponse:
    pages.snapshots = Reader
    view: Callable[..., HttpResponse] = inspect.unwrap(overview.show)
    return view(request, rights())


def all_failures(request: HttpRequest) -> HttpResponse:
    pages.snapshots = Reader
    view: Callable[..., HttpResponse] = inspect.unwrap(failures.show)
    return view(request, rights())


def one_failure(request: HttpRequest, signature: str) -> HttpResponse:
    pages.snapshots = Reader
    view: Callable[..., HttpResponse] = inspect.unwrap(failures.group)
    return view(request, rights(), signature)


def api_tasks(request: HttpRequest) -> HttpResponse:
    select = Select(
        "tasks", language.parse(request.GET.get("query", "")), int(request.GET.get("limit", "100"))
    )
    page = Reader().page(select, None, time.time(), request.GET.get("after"))
    rows = [
        {key: _api(key, value) for key, value in wire.list_row(row).items()} for row in page.rows
    ]
    return JsonResponse(
        {"items": rows, "after": page.after, "epoch": page.epoch, "revision": page.revision}
    )


def api_query(request: HttpRequest) -> HttpResponse:
    try:
        return JsonResponse({"query": language.parse(request.GET["query"]).text})
    except language.QueryError as error:
        problem = {"detail": error.message, "at": error.at, "until": error.until}
        return JsonResponse(problem, status=400)


def api_values(request: HttpRequest) -> HttpResponse:
    """Of every row there is, and of those that a test says exist besides."""
    of, starts = request.GET["of"], request.GET["starts"]
    known = [*(row[of] for row in WORLD.rows.values()), *WORLD.values.get(of, ())]
    return JsonResponse({"items": values._ranked(known, starts)})


def api_queries(request: HttpRequest) -> HttpResponse:
    asked = json.loads(request.body)
    WORLD.saved += [asked := {**asked, "id": 1 + max([0, *(each["id"] for each in WORLD.saved)])}]
    return JsonResponse(asked, status=201)


def api_saved(request: HttpRequest, query_id: int) -> HttpResponse:
    [each] = [each for each in WORLD.saved if each["id"] == query_id]
    if request.method == "DELETE":
        WORLD.saved.remove(each)
        return HttpResponse(status=204)
    each |= json.loads(request.body)
    return JsonResponse(each)


def saved_queries(user: Any) -> list[Any]:
    return [
        types.SimpleNamespace(pk=each["id"], name=each["name"], query=each["query"])
        for each in WORLD.saved
    ]


tasklist.saved.saved = saved_queries


def _api(key: str, value: Any) -> Any:
    if value is None or not (key.endswith("_at") or key in ("eta", "expires")):
        return value
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(value))
    return f"{whole}.{int(value % 1 * 1e6):06d}Z"


def empty(request: HttpRequest, **_: Any) -> HttpResponse:
    return HttpResponse("")


def static(request: HttpRequest, name: str) -> HttpResponse:
    file = (ROOT / "static" / name).resolve()
    return HttpResponse(file.read_bytes(), content_type=TYPES[file.suffix])


headway = types.ModuleType("fake_headway")
headway.app_name = "headway"  # type: ignore[attr-defined]
headway.urlpatterns = [  # type: ignore[attr-defined]
    path("", front, name="overview"),
    path("", front, name="index"),
    path("failures/", all_failures, name="failures"),
    path("failures/<signature>/", one_failure, name="failure"),
    path("queues/", told_page(queues.show), name="queues"),
    path("schedule/", told_page(schedule.show), name="schedule"),
    path("audit/", told_page(audit.show), name="audit"),
    path("tasks/", tasks, name="tasks"),
    path("tasks/<path:task_id>/", task, name="task"),
    path("actions/<action>/<path:task_id>/", empty, name="act"),
    path("workers/", told_page(workers.show), name="workers"),
    path("login/", empty, name="login"),
    path("logout/", empty, name="logout"),
    path("api/v1/tasks", api_tasks, name="api_tasks"),
    path("api/v1/query", api_query),
    path("api/v1/values", api_values),
    path("api/v1/queries", api_queries),
    path("api/v1/queries/<int:query_id>", api_saved),
]
urls = types.ModuleType("fake_urls")
urls.urlpatterns = [path("", django.urls.include(headway)), path("static/<path:name>", static)]  # type: ignore[attr-defined]
sys.modules["fake_urls"], sys.modules["fake_headway"] = urls, headway


def answered(request: HttpRequest, found: ResolverMatch) -> HttpResponse:
    """The answer of a page, in the language that the browser asks for."""
    with translation.override(translation.get_language_from_request(request)):
        response: HttpResponse = found.func(request, *found.args, **found.kwargs)
        return response


async def http(scope: Any, receive: Any, send: Any) -> None:
    body, is_more = b"", True
    while is_more:
        event = await receive()
        body, is_more = body + event.get("body", b""), event.get("more_body", False)
    if scope["path"] == "/control":
        if scope["method"] == "POST":
            await control(json.loads(body))
        response: HttpResponse = JsonResponse(
            {"log": WORLD.log, "sockets": len(WORLD.sockets), "revision": WORLD.revision}
        )
    elif WORLD.api.takes(scope["path"]):
        token = _headers(scope).get("x-csrftoken", "")
        asked, answer = await WORLD.api.answer(scope["path"], body, token)
        WORLD.log.append(asked)
        response = JsonResponse(answer["body"], status=answer.get("status", 200))
    else:
        address = scope["path"] + "?" + scope["query_string"].decode()
        request = RequestFactory().generic(scope["method"], address, body, headers=_headers(scope))
        found = resolve(scope["path"])
        request.resolver_match = found
        request.user = INES
        response = await asyncio.to_thread(answered, request, found)
    headers = [
        (b"content-type", response.get("content-type", "text/plain").encode()),
        (b"content-security-policy", CSP.encode()),
    ]
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": response.content})


def _headers(scope: Any) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in scope["headers"]}


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "websocket":
        await websocket(receive, send)
    elif scope["type"] == "http":
        await http(scope, receive, send)
