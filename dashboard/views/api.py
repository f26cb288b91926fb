"""The HTTP API, `/api/v1/`: the same rows as the socket, for programs and for scripts."""

import time
from datetime import datetime
from typing import Any

from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import register_converter, reverse
from django.utils.translation import gettext as _
from ninja import NinjaAPI, Query
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.openapi.docs import Swagger
from ninja.renderers import JSONRenderer
from ninja.responses import NinjaJSONEncoder
from ninja.utils import check_csrf

from dashboard import access, apikeys, presentation, queries, refused, routing
from dashboard.said import said
from dashboard.views import schemas
from realtime.core import query as language
from realtime.core import wire
from realtime.ports import Rights, Select, Snapshots, StoreUnavailable, TooCostly
from realtime.standing import stream_row

MAX_LIMIT = 500
CHILD_LIMIT = 500
WORKER_LIMIT = 5_000


class Refused(Exception):
    """A request that is answered with a problem document instead."""

    def __init__(self, status: int, code: str, title: str, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.problem = {"type": "about:blank", "title": title, "detail": detail, "status": status}
        self.problem |= {"code": code, **more}


def unknown_task() -> Refused:
    """The answer about a task that is not there or not to be seen: the two are not told apart."""
    detail = _(
        "Nothing was ever seen of a task with this id, or you may not see it, or it was deleted by"
        " retention."
    )
    return Refused(404, "unknown_task", _("Unknown task"), detail)


def snapshots() -> Snapshots:
    """What the API reads from."""
    return queries.Reader()


_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class _TaskId:
    """Whatever a host uses as an id, slashes included, but for what names an action."""

    regex = r"(?!bulk(?:/count)?\Z).+(?<!/revoke)(?<!/retry)(?<!/tree)"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(_TaskId, "headway_task_id")


def caller(request: HttpRequest) -> Rights | None:
    """The rights of an API key or a session; None, which is answered with 401, for a stranger.

    A browser sends its session's cookie with requests that other sites' pages make: one that
    changes something is a session's only with the token of our own pages (`X-CSRFToken`).
    """
    authorization = request.headers.get("Authorization")
    if authorization is None:
        user = getattr(request, "user", AnonymousUser())
    else:
        kind, key = authorization.partition(" ")[::2]
        user = (kind.lower() == "bearer" and apikeys.verify(key.strip())) or AnonymousUser()
    rights = access.rights(user)
    if rights.user is None:
        return None
    if authorization is None and request.method not in _SAFE and _is_foreign(request):
        detail = _("The token of this page is missing or too old: load the page again.")
        raise Refused(403, "csrf", _("Not from our page"), detail)
    return rights


def _is_foreign(request: HttpRequest) -> bool:
    """Whether the request has no token of our pages."""
    # Kept, because looking for the token in a form would use it up.
    _body = request.body
    return check_csrf(request) is not None


class _Encoder(NinjaJSONEncoder):
    """Writes instants to the microsecond, as rows are ordered by; Django's own cuts at the
    millisecond."""

    def default(self, o: Any) -> Any:
        if isinstance(o, datetime):
            return o.isoformat().replace("+00:00", "Z")
        return super().default(o)


class _Renderer(JSONRenderer):
    encoder_class = _Encoder


class _Docs(Swagger):
    """The browsable page, from our own host alone. Its styles and icons are inline."""

    _POLICY = (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';"
        " img-src 'self' data:; connect-src 'self'; form-action 'none'; base-uri 'none';"
        " frame-ancestors 'self'"
    )

    def get_openapi_url(self, api: NinjaAPI, path_params: dict[str, Any]) -> str:
        return reverse(f"headway:{api.urls_namespace}:openapi-json", kwargs=path_params)

    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        response = super().render_page(request, api, **kwargs)
        response.headers["Content-Security-Policy"] = self._POLICY
        return response


class _Api(NinjaAPI):
    """Answers every error as `application/problem+json`, and lets nothing be stored or framed."""

    def get_root_path(self, path_params: dict[str, Any]) -> str:
        # Ninja looks its own namespace up at the top, and ours lives inside `headway`.
        return reverse(f"headway:{self.urls_namespace}:api-root", kwargs=path_params)

    def create_response(self, request: HttpRequest, data: Any, **how: Any) -> HttpResponse:
        response = super().create_response(request, data, **how)
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


api = _Api(
    title="Headway",
    version="1",
    description="What Celery is doing, as the live pages show it.",
    urls_namespace="api",
    auth=caller,
    renderer=_Renderer(),
    # Without its own files in the project the browsable page would ask another host for them.
    docs_url="docs" if apps.is_installed("ninja") else None,
    docs=_Docs(),
)


@api.get("tasks", response=schemas.Tasks, exclude_unset=True, summary="Tasks, newest first")
def tasks(
    request: HttpRequest,
    query: str = Query("", description="The filter language; empty for everything."),
    limit: int = Query(100, ge=1, le=MAX_LIMIT),
    after: str | None = Query(None, description="The cursor of the page before."),
) -> dict[str, Any]:
    """A page of tasks that match the query and that the caller may see."""
    rights = allowed(request, "view_task")
    asked = language.parse(query, unreadable=rights.hidden)
    try:
        page = snapshots().page(
            Select("tasks", asked, limit), rights.rows, time.time(), after or None
        )
    except ValueError as error:
        raise Refused(400, "bad_cursor", _("Bad cursor"), said(str(error))) from None
    return {
        "items": [wire.list_row(row, rights.hidden) for row in page.rows],
        "after": page.after,
        "searched_back_to": page.searched_back_to,
        "epoch": page.epoch,
        "revision": page.revision,
    }


@api.get(
    "tasks/{headway_task_id:task_id}", response=schemas.Task, exclude_unset=True, summary="One task"
)
def task(request: HttpRequest, task_id: str) -> dict[str, Any]:
    """One task with its attempts, its errors and the tasks that it called."""
    rights = allowed(request, "view_task")
    reader, now = snapshots(), time.time()
    page = reader.page(Select("task", ids=(task_id,), limit=1), rights.rows, now)
    if not page.rows:
        raise unknown_task()
    called = Select("tasks", language.parse(presentation.term("parent", task_id)), CHILD_LIMIT)
    children = reader.page(called, rights.rows, now).rows
    return {**wire.project(page.rows[0], rights.hidden), "children": children}


@api.get("workers", response=schemas.Workers, summary="Workers")
def workers(request: HttpRequest) -> dict[str, Any]:
    """Every worker that was heard, by name."""
    allowed(request, "view_worker")
    select = Select("workers", limit=WORKER_LIMIT)
    page = snapshots().page(select, language.EVERYTHING, time.time())
    return {"items": page.rows, "epoch": page.epoch, "revision": page.revision}


@api.get("stream", response=schemas.Stream, summary="Where the stream stands")
def stream(request: HttpRequest) -> dict[str, Any]:
    """Revision, lag, the newest gap and the counters of what was refused or dropped; and what the
    web process that answers has refused to embed tokens, and counted, since it started."""
    allowed(request, "view_task")
    web = {
        "started_at": refused.started_at,
        "refused_tokens": refused.told(),
        "counters": dict(sorted(routing.hubs.counters().items())),
    }
    return {**stream_row(snapshots().stream(), time.time()), "web": web}


def allowed(request: HttpRequest, *abilities: str) -> Rights:
    """The caller's rights, which include these permissions; `Refused` names the first missing."""
    rights: Rights = request.auth  # type: ignore[attr-defined]
    for ability in abilities:
        if ability not in rights.can:
            detail = _("This needs the permission %(permission)s.")
            detail %= {"permission": f"headway.{ability}"}
            raise Refused(403, "not_allowed", _("Not allowed"), detail)
    return rights


def _answer(request: HttpRequest, problem: dict[str, Any]) -> HttpResponse:
    response = api.create_response(request, problem, status=problem["status"])
    response.headers["Content-Type"] = "application/problem+json"
    return response


@api.exception_handler(Refused)
def _refused(request: HttpRequest, error: Refused) -> HttpResponse:
    return _answer(request, error.problem)


@api.exception_handler(language.QueryError)
def _bad_query(request: HttpRequest, error: language.QueryError) -> HttpResponse:
    status = 403 if error.code == "not_allowed" else 400
    title = _("Not allowed") if error.code == "not_allowed" else _("Bad query")
    more = {"at": error.at, "until": error.until, "allowed": list(error.allowed)}
    return _answer(request, Refused(status, error.code, title, said(error.message), **more).problem)


@api.exception_handler(ValidationError)
def _bad_parameter(request: HttpRequest, error: ValidationError) -> HttpResponse:
    told = "; ".join(f"{wrong['loc'][-1]}: {wrong['msg']}" for wrong in error.errors)
    return _answer(request, Refused(400, "bad_parameter", _("Bad parameter"), told).problem)


@api.exception_handler(RequestDataTooBig)
def _too_large(request: HttpRequest, error: Exception) -> HttpResponse:
    detail = _("The body is larger than this server takes: ask for less at once.")
    return _answer(request, Refused(413, "too_large", _("Too large"), detail).problem)


@api.exception_handler(HttpError)
def _bad_request(request: HttpRequest, error: HttpError) -> HttpResponse:
    problem = Refused(error.status_code, "bad_request", _("Bad request"), str(error)).problem
    return _answer(request, problem)


@api.exception_handler(StoreUnavailable)
def _unavailable(request: HttpRequest, error: StoreUnavailable) -> HttpResponse:
    detail = _("The database does not answer. Try again in a few seconds.")
    response = _answer(request, Refused(503, "unavailable", _("Unavailable"), detail).problem)
    response.headers["Retry-After"] = "5"
    return response


@api.exception_handler(TooCostly)
def _too_costly(request: HttpRequest, error: TooCostly) -> HttpResponse:
    detail = _("The query takes too long. Add a term such as name:, queue: or since:.")
    return _answer(request, Refused(503, "too_costly", _("Too costly"), detail).problem)


@api.exception_handler(AuthenticationError)
def _unauthenticated(request: HttpRequest, error: Exception) -> HttpResponse:
    detail = _("Sign in, or send an API key: Authorization: Bearer hw_...")
    response = _answer(request, Refused(401, "unauthenticated", _("Who asks?"), detail).problem)
    response.headers["WWW-Authenticate"] = "Bearer"
    return response


@api.exception_handler(Http404)
def _not_found(request: HttpRequest, error: Exception) -> HttpResponse:
    return _answer(
        request, Refused(404, "not_found", _("Not found"), _("No such address.")).problem
    )
