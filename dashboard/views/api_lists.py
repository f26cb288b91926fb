"""What the query bar asks the HTTP API: whether a query can be read, values that complete a term,
and the queries that somebody saved."""

import time
from typing import Annotated, Any, Literal

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema, Status
from pydantic import Field, StringConstraints

from dashboard import apikeys, saved, values
from dashboard.models import SavedQuery
from dashboard.views.api import Refused, allowed, snapshots
from realtime.core import query as language

router = Router()

_MAX_STARTS = 255

Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=saved.MAX_NAME)
]


class Values(Schema):
    """Values that complete a term."""

    items: list[str] = Field(description="What begins so first, then what has a part that does.")


class Readable(Schema):
    """A query that can be read."""

    query: str = Field(description="As it is written shortest.")


class Saved(Schema):
    """A query with its name."""

    id: int
    name: str
    query: str


class SavedList(Schema):
    """One's own, by name."""

    items: list[Saved]


class Keep(Schema):
    """What to keep, and under which name."""

    name: Name
    query: str = Field("", max_length=language.MAX_LENGTH)


class Rename(Schema):
    """Another name."""

    name: Name


@router.get("values", response=Values, summary="Values that complete a term")
def complete(
    request: HttpRequest,
    of: Literal["name", "queue", "worker", "owner", "label"],
    starts: str = Query("", max_length=_MAX_STARTS),
) -> Any:
    """At most 50 values that tasks have which the caller may see."""
    rights = allowed(request, "view_task")
    if "\x00" in starts:
        return {"items": []}
    return {"items": values.values(snapshots(), rights, of, starts, time.time())}


@router.get("query", response=Readable, summary="Whether a query can be read")
def check(
    request: HttpRequest, query: str = Query(""), of: Literal["tasks", "failures"] = "tasks"
) -> Any:
    """The query as it is understood; where it cannot be read, the position of the fault. Nothing
    is searched."""
    rights = allowed(request, "view_task")
    spoken = language.FAILURES if of == "failures" else language.TASKS
    return {"query": language.parse(query, unreadable=rights.hidden, language=spoken).text}


@router.get("queries", response=SavedList, summary="Saved queries")
def queries(request: HttpRequest) -> Any:
    """The caller's own, by name."""
    allowed(request, "view_task")
    return {"items": [_shape(each) for each in saved.saved(_user(request))]}


@router.post("queries", response={201: Saved}, summary="Save a query")
def keep(request: HttpRequest, asked: Keep) -> Any:
    """Keep a query under a name; one of the same name is replaced. At most 50 are kept."""
    rights = allowed(request, "view_task")
    text = language.parse(asked.query, unreadable=rights.hidden).text
    try:
        return Status(201, _shape(saved.save(_user(request), asked.name, text)))
    except saved.TooMany:
        detail = _("You have %(count)s saved queries already: delete one first.")
        raise Refused(409, "too_many", _("Refused"), detail % {"count": saved.MAX_SAVED}) from None


@router.patch("queries/{int:query_id}", response=Saved, summary="Rename a saved query")
def rename(request: HttpRequest, query_id: int, asked: Rename) -> Any:
    """Give one of the caller's own another name."""
    allowed(request, "view_task")
    try:
        found = saved.rename(_user(request), query_id, asked.name)
    except saved.NameTaken:
        detail = _("You have another query of this name: choose a different one.")
        raise Refused(409, "name_taken", _("Refused"), detail) from None
    if found is None:
        raise _unknown()
    return _shape(found)


@router.delete("queries/{int:query_id}", response={204: None}, summary="Delete a saved query")
def delete(request: HttpRequest, query_id: int) -> Any:
    """Forget one of the caller's own."""
    allowed(request, "view_task")
    if not saved.delete(_user(request), query_id):
        raise _unknown()
    return Status(204, None)


def _unknown() -> Refused:
    detail = _("You have no such saved query (any more).")
    return Refused(404, "unknown_query", _("Unknown query"), detail)


def _shape(found: SavedQuery) -> dict[str, Any]:
    return {"id": found.pk, "name": found.name, "query": found.query}


def _user(request: HttpRequest) -> AbstractBaseUser | AnonymousUser:
    """Whose key or session it is; `caller` let them in."""
    authorization = request.headers.get("Authorization")
    if authorization is None:
        return request.user
    return apikeys.verify(authorization.partition(" ")[2].strip()) or AnonymousUser()
