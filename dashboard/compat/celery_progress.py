"""celery-progress's two addresses, answered from the stream: its unmodified JavaScript goes on.

    path("celery-progress/", include("dashboard.compat.celery_progress"))

Unlike the original, which answers anybody who has an id, they answer only whoever may see the task:
a session that was given a token for it (`mint(request=...)`), and people with the permission.
"""

import ast
import contextlib
import json
import math
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import re_path
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from dashboard import access, granting, queries, shown, tokens
from dashboard.tokens import Claims
from realtime.core import public, query
from realtime.core.public import GROUP, TASK
from realtime.core.task import COMPLETED
from realtime.core.wire import Row, project
from realtime.embedding import Grant, Shown
from realtime.ports import Select, StoreUnavailable

MAX_TEXT = 50
"""Letters of the reason of a retry, as the original has it."""
_FAILURES = frozenset({"failed", "rejected", "expired", "lost"})


class Seen(NamedTuple):
    """A task as whoever asks may see it. `why` is an exception's text, None where it is not."""

    row: Row
    why: str | None = None


@never_cache
@require_safe
def task_status(request: HttpRequest, task_id: str) -> HttpResponse:
    """How one task stands."""
    try:
        seen = _seen(request, task_id)
    except StoreUnavailable:
        return _refused(503)
    return JsonResponse(answer(seen)) if seen else _refused(403)


@never_cache
@require_safe
def group_status(request: HttpRequest, group_id: str) -> HttpResponse:
    """How a group stands."""
    now = time.time()
    try:
        claims = granting.covers(request, "groups", group_id, now)
        if claims is None and not _sees_everything(request):
            return _refused(403)
        grant = _grant(Claims(groups=(group_id,)), now)
        row = shown.one(grant, f"{GROUP}:{group_id}", now)
    except StoreUnavailable:
        return _refused(503)
    return JsonResponse(group_answer(row)) if row else _refused(403)


app_name = "celery_progress"
urlpatterns = [
    re_path(r"^(?P<task_id>[\w-]+)/$", task_status, name="task_status"),
    re_path(r"^g/(?P<group_id>[\w-]+)/$", group_status, name="group_status"),
]


def answer(seen: Seen) -> dict[str, Any]:
    """The original's JSON of this task. What it calls PENDING is whatever has not begun; a custom
    state is a running task, and does not end the page's asking."""
    row = seen.row
    status, conclusion = row["status"], row["conclusion"]
    if status == COMPLETED:
        return _over(row, str(conclusion), seen.why)
    if status == "retrying":
        return _retrying(row, seen.why)
    if status not in ("running", "stalled"):
        return _open("PENDING", _nothing(is_pending=True))
    progress = _progress(row["progress"])
    return _open("STARTED", _nothing()) if progress is None else _open("PROGRESS", progress)


def group_answer(row: Row) -> dict[str, Any]:
    """The original's JSON of a group. Each part counts as 100."""
    told: Any = row["progress"]
    percent = told["percent"] or 0.0
    total: Any = told["total"] or row["at_least"] or 1
    is_over = row["status"] == COMPLETED
    return {
        "complete": is_over,
        "success": is_over and row["conclusion"] == "succeeded",
        "progress": {
            "total": 100 * total,
            "current": 100 * total if is_over else round(percent * total),
            "percent": 100.0 if is_over else round(percent, 2),
        },
    }


def _over(row: Row, conclusion: str, why: str | None) -> dict[str, Any]:
    done = {"complete": True, "progress": _completed()}
    if conclusion == "succeeded":
        return {"state": "SUCCESS", "success": True, "result": _value(row["result"]), **done}
    state = "FAILURE" if conclusion in _FAILURES else "REVOKED"
    return {"state": state, "success": False, "result": _sentence(row, conclusion, why), **done}


def _sentence(row: Row, conclusion: str, why: str | None) -> str:
    error: Any = row["error"] or {}
    told = why or error.get("message")
    if told:
        return str(told)
    if conclusion == "cancelled":
        return _("Task cancelled")
    if error.get("reference"):
        return _("It failed. Reference %(reference)s") % {"reference": error["reference"]}
    return _("It failed.")


def _retrying(row: Row, why: str | None) -> dict[str, Any]:
    after: Any = row["retry_in"]
    reason = f"{why[:MAX_TEXT]}..." if why else _("It failed, and will be tried again.")
    return {
        "state": "RETRY",
        "complete": True,
        "success": False,
        "progress": _completed(),
        "result": {
            "next_retry_seconds": "Unknown" if after is None else math.ceil(after),
            "message": reason,
        },
    }


def _progress(told: Any) -> dict[str, Any] | None:
    if told is None:
        return None
    percent = told["percent"]
    known = told["total"] is not None
    words = [word for word in (told["stage"], told["message"]) if word]
    return {
        "pending": False,
        "current": (told["current"] or 0) if known else round(percent or 0, 2),
        "total": told["total"] if known else 100,
        "percent": round(percent or 0.0, 2),
        "description": ": ".join(words),
    }


def _open(state: str, progress: Mapping[str, Any]) -> dict[str, Any]:
    return {"state": state, "complete": False, "success": None, "progress": progress}


def _completed() -> dict[str, Any]:
    return {"pending": False, "current": 100, "total": 100, "percent": 100}


def _nothing(*, is_pending: bool = False) -> dict[str, Any]:
    return {"pending": is_pending, "current": 0, "total": 100, "percent": 0}


def _value(stored: object) -> object:
    """What the task returned: events carry its repr."""
    if not isinstance(stored, str):
        return stored
    with contextlib.suppress(ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        value = ast.literal_eval(stored)
        if isinstance(value, str | int | float | bool | list | dict | None):
            # What JSON cannot say (bytes, sets, infinity) is told as Python wrote it.
            json.dumps(value, allow_nan=False)
            return value
    return stored


def _seen(request: HttpRequest, task_id: str) -> Seen | None:
    now = time.time()
    claims = granting.covers(request, "tasks", task_id, now)
    if claims is not None:
        can = tuple(word for word in claims.get("can", ()) if word == "result")
        row = shown.one(_grant(Claims(tasks=(task_id,), can=can), now), f"{TASK}:{task_id}", now)
        return Seen(row) if row else None
    return _of_operator(request, task_id, now)


def _of_operator(request: HttpRequest, task_id: str, now: float) -> Seen | None:
    """The task by the permissions of whoever is signed in."""
    user = getattr(request, "user", None)
    rights = access.rights(user) if user is not None else None
    if rights is None or "view_task" not in rights.can:
        return None
    page = queries.Reader().page(Select("task", ids=(task_id,), limit=1), rights.rows, now)
    if not page.rows:
        # Nobody has heard of it, or it is not theirs to see: the two are not told apart.
        return Seen(public.task_row(None, None, Shown(), now, id=task_id))
    whole = project(page.rows[0], rights.hidden)
    seen = Shown(has_result="result" not in rights.hidden)
    row = public.task_row(whole, None, seen, now, id=task_id)
    why = whole.get("exception")
    return Seen(row, str(why) if why else None)


def _sees_everything(request: HttpRequest) -> bool:
    user = getattr(request, "user", None)
    rights = access.rights(user) if user is not None else None
    return bool(rights and "view_task" in rights.can and rights.rows == query.EVERYTHING)


def _grant(claims: Claims, now: float) -> Grant:
    return Grant(
        tasks=frozenset(claims.tasks),
        groups=frozenset(claims.groups),
        can=frozenset(claims.can),
        issued_at=now,
        expires_at=now + tokens.DEFAULT_TTL_S,
    )


def _refused(status: int) -> HttpResponse:
    detail = _("You may not see this task.") if status == 403 else _("The state cannot be read.")
    return JsonResponse({"detail": detail}, status=status)
