"""`GET /embed/v1/openapi.json`: what `/embed/v1/` takes and answers, for programs.

Written by hand, since these are views and no router; the tests hold it to the addresses and to what
they answer.
"""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse

from dashboard import shown
from dashboard.views import cors
from dashboard.views.embed import MAX_KEY, MAX_PARTS, MAX_TOKENS
from realtime.core import public
from realtime.core.query_terms import CONCLUSIONS, STATUSES

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
COUNT: Schema = {"type": "integer", "minimum": 0}


def _maybe(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _object(properties: Mapping[str, Schema], *, optional: tuple[str, ...] = ()) -> Schema:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def _list(of: Schema, most: int | None = None) -> Schema:
    return {"type": "array", "items": of} | ({} if most is None else {"maxItems": most})


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


_STATUS: Schema = {"enum": sorted(STATUSES)}
_CONCLUSION: Schema = {"enum": [*sorted(CONCLUSIONS), None]}
_SUBJECT = {"type": "string", "pattern": "^(task|group):.+$"}
_COMMON: dict[str, Schema] = {
    "subject": _SUBJECT,
    "id": TEXT,
    "label": _maybe(TEXT),
    "status": _STATUS,
    "conclusion": _CONCLUSION,
    "progress": _maybe(_ref("Progress")),
    "eta_seconds": _maybe(NUMBER),
    "elapsed_seconds": _maybe(NUMBER),
    "is_vouched": {"type": "boolean", "description": "Somebody trusted said it was handed over."},
    "note": {"enum": [public.HANDED_OVER, public.NEVER_SEEN, public.NO_NEWS, public.BLIND, None]},
    "can": _list({"enum": ["cancel", "retry"]}),
    "updated_at": _maybe(NUMBER),
    "revision": COUNT,
}
_COUNTED = ("succeeded", "failed", "cancelled", "running", "waiting")

SCHEMAS: dict[str, Schema] = {
    "Progress": _object(
        {
            "current": _maybe(NUMBER),
            "total": _maybe(NUMBER),
            "percent": _maybe(NUMBER),
            "unit": _maybe(TEXT),
            "message": _maybe(TEXT),
            "stage": _maybe(TEXT),
            "stages": _maybe(_list(TEXT)),
        }
    ),
    "Task": _object(
        _COMMON
        | {
            "queue_position": _maybe(COUNT),
            "usual_seconds": _maybe(_list(NUMBER, 2)),
            "attempt": COUNT,
            "retry_in": _maybe(NUMBER),
            "starts_in": _maybe(NUMBER),
            "error": _maybe(_object({"message": _maybe(TEXT), "reference": _maybe(TEXT)})),
            "result": {"description": "Where the token grants `result`, of a task that succeeded."},
        }
    ),
    "Group": _object(
        _COMMON
        | {
            "counts": _object(dict.fromkeys(_COUNTED, COUNT)),
            "at_least": _maybe(COUNT),
            "parts": _list(_ref("Part"), MAX_PARTS),
        },
        optional=("parts",),
    ),
    "Part": _object(
        {
            "label": _maybe(TEXT),
            "status": _STATUS,
            "conclusion": _CONCLUSION,
            "percent": _maybe(NUMBER),
        }
    ),
    "Asked": _object(
        {
            "tokens": {
                "type": "object",
                "additionalProperties": TEXT,
                "propertyNames": {"minLength": 1, "maxLength": MAX_KEY},
                "minProperties": 1,
                "maxProperties": MAX_TOKENS,
                "description": "Embed tokens by keys of your own.",
            },
            "subjects": _list(_SUBJECT, shown.MAX_SUBJECTS),
            "since": _maybe(_object({"epoch": TEXT, "revision": COUNT})),
        },
        optional=("since",),
    ),
    "Error": _object(
        {
            "key": TEXT,
            "subject": _SUBJECT,
            "code": TEXT,
            "message": TEXT,
            "retry": {"type": "boolean"},
        },
        optional=("key", "subject"),
    ),
    "States": _object(
        {
            "states": _list({"anyOf": [_ref("Task"), _ref("Group")]}),
            "errors": _list(_ref("Error")),
            "epoch": TEXT,
            "revision": COUNT,
        }
    ),
    "Cancelled": _object(
        {"id": TEXT, "label": _maybe(TEXT), "outcome": {"enum": ["done"]}, "cancelled": COUNT},
        optional=("cancelled",),
    ),
    "Retried": _object({"id": TEXT, "token": TEXT}),
    "Renew": _object({"id": TEXT, "ids": _list(TEXT)}, optional=("ids",)),
    "Renewed": _object({"token": TEXT}),
    "Problem": _object(
        {"type": TEXT, "title": TEXT, "detail": TEXT, "status": {"type": "integer"}, "code": TEXT}
    ),
}


def _answers(schema: str, *problems: int, kind: str = "application/json") -> Schema:
    content = {"schema": TEXT if kind == "text/event-stream" else _ref(schema)}
    problem = {"application/problem+json": {"schema": _ref("Problem")}}
    told = {str(code): {"description": "Refused", "content": problem} for code in problems}
    return {"200": {"description": "Done", "content": {kind: content}}, **told}


def _body(schema: str) -> Schema:
    return {"required": True, "content": {"application/json": {"schema": _ref(schema)}}}


def _id(name: str) -> Schema:
    return {"name": name, "in": "path", "required": True, "schema": TEXT}


_BEARER: Schema = {"security": [{"token": []}]}
_REFUSALS = (401, 403, 404, 405, 429, 503)
_PARTS = {
    "name": "parts",
    "in": "query",
    "schema": {"type": "integer", "minimum": 0, "maximum": MAX_PARTS},
}
_NOT_MODIFIED = {"304": {"description": "As the ETag in If-None-Match"}}


def _act(summary: str, parameter: str, schema: str) -> Schema:
    answers = _answers(schema, *_REFUSALS, 409)
    return {
        "post": {
            "summary": summary,
            "parameters": [_id(parameter)],
            **_BEARER,
            "responses": answers,
        }
    }


PATHS: dict[str, Schema] = {
    "/embed/v1/states": {
        "post": {
            "summary": "How many tasks and groups stand",
            "requestBody": _body("Asked"),
            "responses": _answers("States", 400, 403, 404, 405, 413, 429, 503),
        }
    },
    "/embed/v1/stream": {
        "post": {
            "summary": "The frames of the live socket as Server-Sent Events",
            "requestBody": _body("Asked"),
            "responses": _answers("", 400, 403, 404, 405, 413, 429, 501, kind="text/event-stream"),
        }
    },
    "/embed/v1/tasks/{task_id}": {
        "get": {
            "summary": "How a task stands",
            "parameters": [_id("task_id")],
            **_BEARER,
            "responses": _answers("Task", *_REFUSALS) | _NOT_MODIFIED,
        }
    },
    "/embed/v1/groups/{group_id}": {
        "get": {
            "summary": "How a group stands, and its newest parts",
            "parameters": [_id("group_id"), _PARTS],
            **_BEARER,
            "responses": _answers("Group", 400, *_REFUSALS) | _NOT_MODIFIED,
        }
    },
    "/embed/v1/tasks/{task_id}/cancel": _act("Cancel a task", "task_id", "Cancelled"),
    "/embed/v1/tasks/{task_id}/retry": _act("Send a failed task again", "task_id", "Retried"),
    "/embed/v1/groups/{group_id}/cancel": _act("Cancel a group", "group_id", "Cancelled"),
    "/embed/refresh/": {
        "post": {
            "summary": "A fresh token, for the session that was given one",
            "security": [{"session": [], "csrf": []}],
            "requestBody": _body("Renew"),
            "responses": _answers("Renewed", 400, 401, 403, 405, 410, 413, 503),
        }
    },
}


@cors.shared("GET")
def document(request: HttpRequest) -> HttpResponseBase:
    """What is described above, as of this server's address."""
    prefix = reverse("headway:index").rstrip("/")
    return cors.told(described(prefix))


def described(prefix: str) -> dict[str, Any]:
    """The OpenAPI document of a Headway at this address."""
    csrf = {"type": "apiKey", "in": "header", "name": "X-CSRFToken"}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Headway, for people who wait",
            "version": "1",
            "description": "What embed tokens open. docs/reference/embedding.md has the rest.",
        },
        "servers": [{"url": prefix or "/"}],
        "paths": PATHS,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "session": {"type": "apiKey", "in": "cookie", "name": "sessionid"},
                "csrf": csrf,
            },
        },
    }
