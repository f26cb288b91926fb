"""`/embed/v1/`: what pages and programs are told through embed tokens, and nothing but the public
view of it. And the renewal of a token, for the session that it was given to."""

import hashlib
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from ninja.utils import check_csrf

from dashboard import granting, parts, shown, tokens
from dashboard.granting import NoGrant
from dashboard.tokens import Claims
from dashboard.views import cors
from dashboard.views.cors import Refused
from realtime import codec
from realtime.core import public
from realtime.core.public import GROUP, TASK
from realtime.core.wire import Row
from realtime.embedding import BadToken, Grant
from realtime.ports import StoreUnavailable

POLL_S = 2
MAX_KEY = 64
MAX_TOKENS = 500
MAX_PARTS = 100
_FLEETING = ("elapsed_seconds", "eta_seconds", "retry_in", "starts_in")
"""What changes by the clock alone: a copy that differs in nothing else is still good."""
_TAGS = re.compile(r'(?:W/)?"[^"]*"')


class Asked(NamedTuple):
    """What a page asks for: its tokens by its own keys, what it follows, and where it stood."""

    tokens: Mapping[str, object]
    subjects: tuple[str, ...]
    since: Mapping[str, object] | None


@cors.shared("POST")
def states(request: HttpRequest) -> HttpResponseBase:
    """The public rows of many tasks and groups at once."""
    asked = asked_by(request)
    now = shown.instant()
    allowed, errors = shown.grants(asked.tokens, now)
    found = _read(shown.states, allowed, asked.subjects, now)
    return cors.told(
        {
            "states": found.rows,
            "errors": [*errors, *found.errors],
            "epoch": found.epoch,
            "revision": found.revision,
        },
        headers={"Retry-After": str(POLL_S)},
    )


@cors.shared("GET")
def task(request: HttpRequest, task_id: str) -> HttpResponseBase:
    """The public row of one task."""
    return _tagged(request, found(request, TASK, task_id))


@cors.shared("GET")
def group(request: HttpRequest, group_id: str) -> HttpResponseBase:
    """The public row of one group; with `parts=n` its first parts too."""
    row = found(request, GROUP, group_id)
    wanted = request.GET.get("parts")
    if wanted is None:
        return _tagged(request, row)
    if not wanted.isdecimal() or len(wanted) > 4 or not 0 <= int(wanted) <= MAX_PARTS:
        detail = _("parts is a whole number from 0 to %(most)s.") % {"most": MAX_PARTS}
        raise Refused(400, "bad_parameter", _("Bad parameter"), detail)
    listed = _read(parts.of_group, group_id, int(wanted), shown.instant())
    return _tagged(request, {**row, "parts": listed})


@csrf_exempt  # asked below, so that the answer is one that the element reads
def refresh(request: HttpRequest) -> HttpResponseBase:
    """A fresh token for a session that was given one for this task or group."""
    try:
        response = cors.told({"token": _renewed(request)})
    except Refused as refused:
        response = cors.problem(refused)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def bearer(request: HttpRequest) -> Grant:
    """What the request's token allows; `Refused` says why nothing."""
    kind, _blank, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        detail = _("Send an embed token: Authorization: Bearer ...")
        raise Refused(401, "no_token", _("Who asks?"), detail, WWW_Authenticate="Bearer")
    try:
        return shown.verified(token.strip(), shown.instant())
    except BadToken as error:
        challenge = 'Bearer error="invalid_token"'
        raise Refused(
            401, error.code, _("Bad token"), error.message, WWW_Authenticate=challenge
        ) from None


def found(request: HttpRequest, kind: str, id_: str) -> Row:
    """The task or group as the request's token shows it. What it does not cover is answered the
    same whether it is there or not."""
    grant = bearer(request)
    row: Row | None = _read(shown.one, grant, f"{kind}:{id_}", shown.instant())
    if row is None:
        raise Refused(403, "not_allowed", _("Not allowed"), shown.NOT_ALLOWED)
    return row


def asked_by(request: HttpRequest) -> Asked:
    """The body of a page's request; `Refused` where it is none."""
    body = _body(request)
    named, subjects, since = body.get("tokens"), body.get("subjects"), body.get("since")
    if not isinstance(named, dict) or not 1 <= len(named) <= MAX_TOKENS:
        raise _bad_body(_("tokens: an object of 1 to %(most)s tokens.") % {"most": MAX_TOKENS})
    if not all(1 <= len(key) <= MAX_KEY for key in named):
        raise _bad_body(_("tokens: a key has 1 to %(most)s letters.") % {"most": MAX_KEY})
    most = shown.MAX_SUBJECTS
    if not isinstance(subjects, list) or not 1 <= len(subjects) <= most:
        raise _bad_body(_("subjects: a list of 1 to %(most)s subjects.") % {"most": most})
    if not all(isinstance(each, str) and public.split(each) for each in subjects):
        raise _bad_body(_("subjects: each is task:<id> or group:<id>."))
    if since is not None and not isinstance(since, dict):
        raise _bad_body(_("since: an epoch and a revision, or null."))
    return Asked(named, tuple(subjects), since)


def _renewed(request: HttpRequest) -> str:
    if request.method != "POST":
        detail = _("This address takes %(methods)s.") % {"methods": "POST"}
        raise Refused(405, "bad_method", _("Bad method"), detail, Allow="POST")
    _read_body = request.body  # looking for the token in a form would use it up
    if check_csrf(request) is not None:
        detail = _("The token of this page is missing or too old: load the page again.")
        raise Refused(403, "csrf", _("Not from our page"), detail)
    id_ = _body(request).get("id")
    if not isinstance(id_, str) or not public.split(f"{TASK}:{id_}"):
        raise _bad_body(_("id: the id of a task or group."))
    now = shown.instant()
    try:
        claims = _read(granting.find, request, id_, now)
        return tokens.current().sign(Claims(**{**claims, **_tuples(claims)}), now)
    except NoGrant as error:
        title, detail = _no_grant(error.status)
        raise Refused(error.status, "no_grant", title, detail) from None
    except BadToken as error:
        raise Refused(410, error.code, _("Embedding is off"), error.message) from None
    except ValueError:
        # So many were retried that they do not fit into one token.
        title, detail = _no_grant(410)
        raise Refused(410, "no_grant", title, detail) from None


def _no_grant(status: int) -> tuple[str, str]:
    if status == 401:
        return _("Who asks?"), _("This visit has ended: load the page again.")
    if status == 403:
        return _("Not allowed"), _("This was not handed to you here: load the page again.")
    return _("Too long ago"), _("This page was open for too long: load it again.")


def _tuples(claims: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(claims[name]) for name in ("tasks", "groups", "can") if name in claims}


def _body(request: HttpRequest) -> dict[str, Any]:
    try:
        value = codec.decode(request.body)
    except RequestDataTooBig:
        detail = _("The body is larger than this server takes: ask for less at once.")
        raise Refused(413, "too_large", _("Too large"), detail) from None
    except (ValueError, OSError):
        raise _bad_body(_("The body is a JSON object.")) from None
    if not isinstance(value, dict):
        raise _bad_body(_("The body is a JSON object."))
    return value


def _bad_body(detail: str) -> Refused:
    return Refused(400, "bad_request", _("Bad request"), detail)


def _read(read: Any, *args: Any) -> Any:
    try:
        return read(*args)
    except StoreUnavailable:
        # What the database said may name hosts and tables.
        detail = _("The state cannot be read now. Try again in a few seconds.")
        raise Refused(503, "unavailable", _("Unavailable"), detail, Retry_After="5") from None


def _tagged(request: HttpRequest, row: Mapping[str, Any]) -> HttpResponse:
    """The row, or 304 where the asker has it but for what the clock alone changes."""
    lasting = {name: value for name, value in row.items() if name not in _FLEETING}
    tag = f'W/"{hashlib.sha256(codec.encode(lasting)).hexdigest()[:24]}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache, private", "Retry-After": str(POLL_S)}
    given = _TAGS.findall(request.headers.get("If-None-Match", "")[:1000])
    if tag.removeprefix("W/") in {each.removeprefix("W/") for each in given}:
        return HttpResponse(status=304, headers=headers)
    return cors.told(row, headers=headers)
