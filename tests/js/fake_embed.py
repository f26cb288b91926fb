"""A server for the browser tests of `<headway-progress>`: a host's page under a strict policy, and
Headway's embedding endpoints over public rows in memory.

`python -m daphne -p PORT tests.js.fake_embed:app`. Tokens are texts of the form `ID` or `ID,ID`,
with `!expired` or `!bad` behind them for those that are refused. `GET /control` gives what was
asked. `POST /control` takes JSON: `reset`, `rows` (partial public rows by subject), `remove`
(subjects that a token no longer opens), `page` (HTML of the host's page), `head` (of its head),
`csp`, `block` (of `ws stream states`), `drop` (a close code for every socket), `bye`
(milliseconds), `expire` (keys, told to every socket), `expires_in` (seconds, of tokens accepted
from now on), `stream` (a state), `answers` (by path `{"status", "body", "after"}`), `down` (whether
every connection is refused), `release` (lets answers go that wait for it).
"""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; require-trusted-types-for 'script'"
)
TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}
PLACES = {f"/{name}/": ROOT / name for name in ("static", "docs", "node_modules")}
HEAD = """<meta charset="utf-8"><title>Host</title>
<meta name="viewport" content="width=device-width">
<script type="module" src="/static/headway/embed.js"></script>"""
EMPTY: dict[str, Any] = {
    "label": None,
    "status": "queued",
    "conclusion": None,
    "progress": None,
    "queue_position": None,
    "eta_seconds": None,
    "usual_seconds": None,
    "attempt": None,
    "retry_in": None,
    "starts_in": None,
    "elapsed_seconds": None,
    "is_vouched": True,
    "note": None,
    "error": None,
    "can": [],
}
PROGRESS = {
    "current": None,
    "total": None,
    "percent": None,
    "unit": None,
    "message": None,
    "stage": None,
    "stages": None,
}


class World:
    """What there is to follow, and who follows."""

    def __init__(self) -> None:
        self.sockets: set[Listener] = set()
        self.forget()

    def forget(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.revision = 0
        self.epoch = "e1"
        self.page, self.head, self.csp = "", HEAD, CSP
        self.blocked: set[str] = set()
        self.is_down = False
        self.expires_in = 900.0
        self.state = "live"
        self.answers: dict[str, dict[str, Any]] = {}
        self.log: list[dict[str, Any]] = []
        self.files: dict[str, str] = {}

    def put(self, subject: str, partial: dict[str, Any]) -> None:
        self.revision += 1
        task_id = subject.partition(":")[2]
        base = self.rows.get(subject) or {**EMPTY, "subject": subject, "id": task_id}
        if partial.get("progress"):
            partial = {**partial, "progress": {**PROGRESS, **partial["progress"]}}
        row = {**base, "updated_at": time.time(), **partial, "revision": self.revision}
        self.rows[subject] = row


WORLD = World()


def opened(token: str) -> set[str]:
    """The subjects that a token opens; ValueError with a code when it opens none."""
    ids, _, fault = token.partition("!")
    if fault:
        raise ValueError({"expired": "token_expired", "bad": "bad_token"}[fault])
    return {f"{kind}:{each}" for each in ids.split(",") for kind in ("task", "group")}


class Listener:
    """One socket or stream."""

    def __init__(self, send: Any) -> None:
        self.send, self.frame = send, 0
        self.grants: dict[str, set[str]] = {}
        self.subjects: set[str] = set()
        self.is_open = False

    async def say(self, **frame: Any) -> None:
        self.frame += 1
        await self.send(json.dumps({**frame, "frame": self.frame}))

    async def greet(self) -> None:
        now = time.time()
        await self.say(op="hello", epoch=WORLD.epoch, user=None, can=[], server_time=now)
        await self.say(op="stream", state=WORLD.state)

    async def hear(self, message: dict[str, Any]) -> None:
        if message["op"] == "token":
            await self.grant(message["key"], message["token"])
        # As the hub has it: a stranger without a token is not answered, and subjects need a view.
        if message["op"] == "open" and self.grants:
            self.is_open = True
        if message["op"] == "subjects" and self.is_open:
            self.subjects -= set(message.get("remove", ()))
            await self.follow(message.get("add", []))

    async def grant(self, key: str, token: str) -> None:
        try:
            self.grants[key] = opened(token)
        except ValueError as error:
            self.grants.pop(key, None)
            await self.say(op="error", key=key, code=str(error), message="No.", retry=False)
            return
        end = time.time() + WORLD.expires_in
        await self.say(op="token", key=key, expires_at=end, subjects=len(self.grants[key]))

    async def follow(self, subjects: list[str]) -> None:
        for subject in subjects:
            if any(subject in grant for grant in self.grants.values()):
                self.subjects.add(subject)
            else:
                refusal = {"code": "not_allowed", "message": "No."}
                await self.say(op="error", view=1, subject=subject, **refusal)
        await self.show(set(subjects))

    async def show(self, changed: set[str]) -> None:
        rows = [WORLD.rows[each] for each in self.subjects & changed if each in WORLD.rows]
        if rows:
            await self.say(
                op="patch", view=1, revision=WORLD.revision, upsert=rows, remove=[], counts=None
            )

    async def expire(self, keys: list[str]) -> None:
        for key in keys:
            gone = self.grants.pop(key, set())
            self.subjects -= gone
            code = {"code": "token_expired", "message": "The token has expired."}
            await self.say(op="error", key=key, retry=True, **code)


async def control(message: dict[str, Any]) -> None:
    if "reset" in message:
        for listener in list(WORLD.sockets):
            await listener.send(None)
        WORLD.forget()
    WORLD.page = message.get("page", WORLD.page)
    WORLD.head = message.get("head", WORLD.head)
    WORLD.csp = message.get("csp", WORLD.csp)
    WORLD.blocked = set(message.get("block", WORLD.blocked))
    WORLD.is_down = message.get("down", WORLD.is_down)
    WORLD.expires_in = message.get("expires_in", WORLD.expires_in)
    WORLD.state = message.get("stream", WORLD.state)
    WORLD.epoch = message.get("epoch", WORLD.epoch)
    WORLD.answers |= message.get("answers", {})
    WORLD.files |= message.get("files", {})
    for subject, partial in message.get("rows", {}).items():
        WORLD.put(subject, partial)
    for listener in list(WORLD.sockets):
        await listener.show(set(message.get("rows", {})))
        if "stream" in message:
            await listener.say(op="stream", state=WORLD.state)
        if "bye" in message:
            await listener.say(op="bye", reconnect_in_ms=message["bye"])
        if "drop" in message:
            await listener.send(message["drop"])
        await listener.expire(message.get("expire", []))


async def websocket(path: str, receive: Any, send: Any) -> None:
    await receive()
    if WORLD.is_down or "ws" in WORLD.blocked or path != "/ws/v1/live":
        WORLD.log.append({"op": "refused"})
        await send({"type": "websocket.close"})
        return
    await send({"type": "websocket.accept"})

    async def tell(text: Any) -> None:
        if isinstance(text, str):
            await send({"type": "websocket.send", "text": text})
        else:
            WORLD.sockets.discard(listener)
            await send({"type": "websocket.close", "code": text or 1000})

    listener = Listener(tell)
    WORLD.sockets.add(listener)
    WORLD.log.append({"op": "socket"})
    await listener.greet()
    while (event := await receive())["type"] == "websocket.receive":
        message = json.loads(event["text"])
        WORLD.log.append(message)
        await listener.hear(message)
    WORLD.sockets.discard(listener)


async def stream(body: dict[str, Any], receive: Any, send: Any) -> None:
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    over = asyncio.Event()

    async def tell(text: Any) -> None:
        if not isinstance(text, str):
            over.set()
            return
        data = f"data: {text}\n\n".encode()
        await send({"type": "http.response.body", "body": data, "more_body": True})

    listener = Listener(tell)
    WORLD.sockets.add(listener)
    await listener.greet()
    for key, token in body["tokens"].items():
        await listener.grant(key, token)
    await listener.follow(body["subjects"])
    gone = asyncio.create_task(receive())
    await asyncio.wait([gone, asyncio.create_task(over.wait())], return_when="FIRST_COMPLETED")
    WORLD.sockets.discard(listener)
    if not gone.done():
        await send({"type": "http.response.body", "body": b""})


def states(body: dict[str, Any]) -> dict[str, Any]:
    errors, granted = [], set()
    for key, token in body["tokens"].items():
        try:
            granted |= opened(token)
        except ValueError as error:
            errors.append({"key": key, "code": str(error), "message": "No."})
    rows = [WORLD.rows[each] for each in body["subjects"] if each in granted & set(WORLD.rows)]
    return {"states": rows, "errors": errors, "epoch": WORLD.epoch, "revision": WORLD.revision}


async def http(scope: Any, receive: Any, send: Any) -> None:
    body, is_more = b"", True
    while is_more:
        event = await receive()
        body, is_more = body + event.get("body", b""), event.get("more_body", False)
    path: str = scope["path"]
    asked: Any = json.loads(body or b"null") if scope["method"] == "POST" else None
    status, headers = 200, [(b"content-security-policy", WORLD.csp.encode())]
    told: dict[str, Any] = {}
    if path == "/control":
        if asked:
            await control(asked)
        answer, kind = json.dumps({"log": WORLD.log, "sockets": len(WORLD.sockets)}), ".json"
    elif path == "/":
        answer, kind = (
            f"<!doctype html><html lang=en><head>{WORLD.head}</head>{WORLD.page}",
            ".html",
        )
    elif path in WORLD.files:
        answer, kind = WORLD.files[path], Path(path).suffix
    elif place := next((place for place in PLACES if path.startswith(place)), None):
        file = (PLACES[place] / path.removeprefix(place)).resolve()
        answer, kind = file.read_text(encoding="utf-8"), file.suffix
    else:
        given = dict(scope["headers"])
        csrf, bearer = given.get(b"x-csrftoken", b""), given.get(b"authorization", b"")
        who = {"csrf": csrf.decode(), "bearer": bearer.decode().removeprefix("Bearer ")}
        WORLD.log.append(
            {"op": "ask", "method": scope["method"], "path": path, "body": asked} | who
        )
        name = path.rpartition("/")[2]
        if WORLD.is_down or name in WORLD.blocked:
            status, told = 502, {"body": {"detail": "Bad gateway."}}
        elif path == "/embed/v1/stream":
            await stream(asked, receive, send)
            return
        elif path == "/embed/v1/states":
            told = {"body": states(asked)}
        else:
            told = WORLD.answers.get(path, {"status": 404, "body": {"detail": "Nothing there."}})
        status = told.get("status", status)
        answer, kind = json.dumps(told.get("body", {})), ".json"
        headers.append((b"retry-after", b"1"))
    headers.append((b"content-type", TYPES.get(kind, "application/json").encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.encode()})


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "websocket":
        await websocket(scope["path"], receive, send)
    elif scope["type"] == "http":
        await http(scope, receive, send)
