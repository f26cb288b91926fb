"""What the HTTP API does: actions on tasks, operations, failure groups; and what was done.

Rights are asked here, and again for each batch of an operation. What a caller may not see is
answered as if it were not there.
"""

import time
from datetime import UTC
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Query, Router

from dashboard import actions, auditing, operations, reasons, targets, triage
from dashboard.actions import Act, Impossible, Outcome
from dashboard.said import said
from dashboard.targets import Target
from dashboard.views import schemas
from dashboard.views import schemas_actions as shapes
from dashboard.views.api import MAX_LIMIT, Refused, allowed, unknown_task
from realtime.core import query as language
from realtime.ports import Rights

router = Router()

MAX_EXCESS = 10
"""Per cent that may have come since the person was told the number."""
MAX_COUNT_S = 2.0
"""Somebody waits for the number; an order, which may search for longer, is audited."""
LONGEST_MUTE_S = 10 * 365 * 86_400.0

_PROBLEM = {"application/problem+json": {"schema": schemas.Problem.model_json_schema()}}
_REFUSALS = {
    "responses": {
        "403": {"description": "A permission is missing.", "content": _PROBLEM},
        "404": {"description": "Unknown, or not to be seen by the caller.", "content": _PROBLEM},
        "409": {"description": "Refused; `code` says why.", "content": _PROBLEM},
        "503": {"description": "Broker or database are away.", "content": _PROBLEM},
    }
}


# Of requests without a body.
_NOTHING = shapes.Nothing()
_REVOKE = shapes.Revoke.model_validate({})
_MUTE = shapes.Mute.model_validate({})


@router.post(
    "tasks/{path:task_id}/revoke",
    response=shapes.Done,
    summary="Revoke a task",
    openapi_extra=_REFUSALS,
)
def revoke(request: HttpRequest, task_id: str, how: shapes.Revoke = _REVOKE) -> Any:
    """Have the workers pass a task over; with `terminate` end it where it runs."""
    return _act_on(request, task_id, _act("revoke", how))


@router.post(
    "tasks/{path:task_id}/retry",
    response=shapes.Done,
    summary="Retry a task",
    openapi_extra=_REFUSALS,
)
def retry(request: HttpRequest, task_id: str, how: shapes.Nothing = _NOTHING) -> Any:
    """Send a task that is over again, as a new one with its arguments, to its queue. It belongs to
    no workflow: what followed the first one does not follow this one."""
    return _act_on(request, task_id, _act("retry", None))


@router.post(
    "tasks/bulk/count",
    response=shapes.Counted,
    summary="Count what an action would be tried on",
    openapi_extra=_REFUSALS,
)
def count(request: HttpRequest, chosen: shapes.Count) -> Any:
    """What an action on many would be tried on, for the question that is asked before it."""
    rights = allowed(request, "view_task")
    needed = [actions.NEEDED[name] for name in _countable(chosen)]
    if not rights.can.intersection(needed):
        allowed(request, needed[0])
    found = _targets(chosen, rights, MAX_COUNT_S)
    return {
        "count": len(found),
        "limit": targets.MAX_TARGETS,
        "is_over_limit": len(found) > targets.MAX_TARGETS,
        "by": targets.by_state(found),
        "names": targets.by_name(found),
    }


@router.post(
    "tasks/bulk",
    response={202: shapes.Operation},
    summary="Act on many tasks",
    openapi_extra=_REFUSALS,
)
def bulk(request: HttpRequest, order: shapes.Bulk) -> Any:
    """Begin an action on many tasks. It goes on in the background: watch the operation."""
    act = _act(order.action, order.options)
    rights = _allowed_to(request, act)
    if order.options is not None and order.action == actions.RETRY:
        raise Refused(400, "bad_parameter", _("Bad parameter"), _("options: a retry takes none."))
    return _begin(act, _targets(order, rights), order.expected, rights, order.query)


@router.get(
    "operations/{operation_id}",
    response=shapes.Operation,
    summary="One operation",
    openapi_extra=_REFUSALS,
)
def operation(request: HttpRequest, operation_id: str) -> Any:
    """How far an operation is: one's own, or with the permission view_audit anybody's."""
    return operations.whole_row(_operation(operation_id, allowed(request)))


@router.post(
    "operations/{operation_id}/stop",
    response=shapes.Operation,
    summary="Stop an operation",
    openapi_extra=_REFUSALS,
)
def stop(request: HttpRequest, operation_id: str, how: shapes.Nothing = _NOTHING) -> Any:
    """End an operation before its next batch; one's own, or with the permission of its action any
    that one may see. What it did stays done."""
    rights = allowed(request)
    found = _operation(operation_id, rights)
    user = _user(rights)
    if found.user != user:
        allowed(request, actions.NEEDED[found.action])
    return operations.whole_row(operations.stop(found, user))


@router.get(
    "operations/{operation_id}/outcomes",
    response=shapes.AuditEntries,
    summary="What came of each target",
    openapi_extra=_REFUSALS,
)
def outcomes(
    request: HttpRequest,
    operation_id: str,
    limit: int = Query(100, ge=1, le=MAX_LIMIT),
    after: str | None = Query(None, description="The cursor of the page before."),
) -> Any:
    """What came of each target of an operation, newest first."""
    found = _operation(operation_id, allowed(request))
    return _audited({"operation": found.pk}, limit, after)


@router.post(
    "failures/{signature}/mute",
    response=shapes.FailureGroup,
    summary="Mute a group of failures",
    openapi_extra=_REFUSALS,
)
def mute(request: HttpRequest, signature: str, how: shapes.Mute = _MUTE) -> Any:
    """Do not bring a group of failures up, until then or for good."""
    until = how.until
    if until is None:
        return _decided(request, signature, "mute")
    at, now = (until if until.tzinfo else until.replace(tzinfo=UTC)).timestamp(), time.time()
    if at <= now:
        raise Refused(400, "bad_parameter", _("Bad parameter"), _("until: it has passed already."))
    if at > now + LONGEST_MUTE_S:
        detail = _("until: it is more than ten years ahead: leave it out to mute for good.")
        raise Refused(400, "bad_parameter", _("Bad parameter"), detail)
    return _decided(request, signature, "mute", at)


@router.post(
    "failures/{signature}/resolve",
    response=shapes.FailureGroup,
    summary="Resolve a group of failures",
    openapi_extra=_REFUSALS,
)
def resolve(request: HttpRequest, signature: str, how: shapes.Nothing = _NOTHING) -> Any:
    """The cause is mended: a new failure of the group brings it back, marked as returned."""
    return _decided(request, signature, "resolve")


@router.post(
    "failures/{signature}/reopen",
    response=shapes.FailureGroup,
    summary="Reopen a group of failures",
    openapi_extra=_REFUSALS,
)
def reopen(request: HttpRequest, signature: str, how: shapes.Nothing = _NOTHING) -> Any:
    """Neither muted nor resolved any more."""
    return _decided(request, signature, "reopen")


@router.post(
    "failures/{signature}/retry",
    response={202: shapes.Operation},
    summary="Retry a group of failures",
    openapi_extra=_REFUSALS,
)
def retry_group(request: HttpRequest, signature: str, order: shapes.RetryGroup) -> Any:
    """Begin to retry every failed task of a group."""
    act = _act("retry", None)
    _allowed_to(request, act)
    rights = _sees_failures(request)
    if triage.find(signature) is None:
        raise _unknown_failure()
    text = f'signature:"{signature}" conclusion:failed'
    chosen = shapes.Chosen(query=text, ids=None)
    return _begin(act, _targets(chosen, rights), order.expected, rights, text)


@router.get(
    "audit",
    response=shapes.AuditEntries,
    summary="Who did what, newest first",
    openapi_extra=_REFUSALS,
)
def audit(
    request: HttpRequest,
    limit: int = Query(100, ge=1, le=MAX_LIMIT),
    after: str | None = Query(None, description="The cursor of the page before."),
    target: str | None = Query(None, description="A task, signature, query or operation."),
    user: str | None = Query(None, description="Who did it."),
    action: str | None = Query(None, description="revoke, terminate, retry, mute, .."),
    outcome: str | None = Query(None, description="done, refused or failed."),
    operation: str | None = Query(None, description="As a part of this operation."),
) -> Any:
    """Who did what, newest first. Whoever may see only some of the tasks sees their own doings."""
    rights = allowed(request, "view_audit")
    asked = {
        "target": target,
        "user": user,
        "action": action,
        "outcome": outcome,
        "operation": operation,
    }
    wanted = {name: value for name, value in asked.items() if value is not None}
    if rights.rows.terms:
        if wanted.get("user", rights.user) != rights.user:
            return {"items": [], "after": None}
        wanted["user"] = _user(rights)
    return _audited(wanted, limit, after)


def _act(action: str, how: shapes.Revoke | None) -> Act:
    if action == actions.REVOKE and how is not None and how.terminate:
        return Act(action=actions.TERMINATE, signal=how.signal)
    return Act(action=action)


def _allowed_to(request: HttpRequest, act: Act) -> Rights:
    return allowed(request, "view_task", actions.NEEDED[act.action])


def _act_on(request: HttpRequest, task_id: str, act: Act) -> dict[str, Any]:
    rights = _allowed_to(request, act)
    try:
        found = auditing.performed(act, task_id, rights)
    except Impossible as error:
        raise _failed(error.reason, error.more) from None
    if found.reason == "unknown":
        raise unknown_task()
    if found.outcome == actions.DONE:
        return {"action": act.action, "id": task_id, "outcome": "done", "new_id": found.new_id}
    raise _answer_to(found)


def _answer_to(found: Outcome) -> Refused:
    if found.outcome == actions.FAILED:
        return _failed(str(found.reason), found.more)
    sentence = reasons.sentence(reasons.stored(found.reason, found.more))
    return Refused(409, str(found.reason), _("Refused"), str(sentence))


def _failed(reason: str, more: str) -> Refused:
    sentence = reasons.sentence(reasons.stored(reason, more))
    return Refused(503, reason, _("Not done"), str(sentence))


def _countable(chosen: shapes.Count) -> tuple[str, ...]:
    return (actions.REVOKE, actions.RETRY) if chosen.action is None else (chosen.action,)


def _targets(chosen: shapes.Chosen, rights: Rights, most_s: float | None = None) -> list[Target]:
    if (chosen.query is None) == (chosen.ids is None):
        detail = _("query, ids: one of the two says which tasks.")
        raise Refused(400, "bad_parameter", _("Bad parameter"), detail)
    now = time.time()
    if chosen.ids is not None:
        return targets.of_ids(chosen.ids, rights.rows, now)
    asked = language.parse(chosen.query or "", unreadable=rights.hidden)
    return targets.of_query(asked, rights.rows, now, most_s)


def _begin(
    act: Act, found: list[Target], expected: int, rights: Rights, text: str | None
) -> dict[str, Any]:
    _check_number(len(found), expected)
    ids = [target.id for target in found]
    try:
        app = actions.celery_app()
        started = operations.start(act, ids, user=_user(rights), query=text, app=app)
    except Impossible as error:
        raise _failed(error.reason, error.more) from None
    except operations.Busy:
        detail = _("%(count)s operations are going on already. Wait for one of them to end.")
        detail %= {"count": operations.MAX_RUNNING}
        raise Refused(429, "busy", _("Not now"), detail) from None
    return operations.whole_row(started)


def _check_number(number: int, expected: int) -> None:
    """What a person said yes to is what is done."""
    limit = targets.MAX_TARGETS
    told = {"count": number, "expected": expected, "limit": limit}
    if number == 0:
        detail = _("There is no such task (any more).")
        raise Refused(409, "nothing", _("Refused"), detail, **told)
    if number > limit:
        detail = _("More than %(limit)s tasks match: narrow the query.") % told
        raise Refused(409, "too_many", _("Refused"), detail, **told)
    if 100 * number > (100 + MAX_EXCESS) * expected:
        detail = _("There are %(count)s tasks by now, you were told %(expected)s: look again.")
        raise Refused(409, "more_than_expected", _("Refused"), detail % told, **told)


def _operation(operation_id: str, rights: Rights) -> Any:
    found = operations.find(operation_id, rights)
    if found is None:
        detail = _("There is no such operation, or it is not yours to see.")
        raise Refused(404, "unknown_operation", _("Unknown operation"), detail)
    return found


def _sees_failures(request: HttpRequest) -> Rights:
    """Groups count the failures of all tasks and quote their exceptions."""
    rights = allowed(request, "view_task", "view_failure")
    if "exception" in rights.hidden:
        detail = _("This needs the permission %(permission)s.")
        detail %= {"permission": "headway.view_task_exception"}
        raise Refused(403, "not_allowed", _("Not allowed"), detail)
    if rights.rows.terms:
        detail = _("Failures are counted over all tasks, and you may see only some of them.")
        raise Refused(403, "not_allowed", _("Not allowed"), detail)
    return rights


def _decided(
    request: HttpRequest, signature: str, action: str, until: float | None = None
) -> dict[str, Any]:
    allowed(request, "change_failure")
    rights = _sees_failures(request)
    group = triage.decide(signature, action, _user(rights), until)
    if group is None:
        raise _unknown_failure()
    return group | {"frame": None} if "traceback" in rights.hidden else dict(group)


def _unknown_failure() -> Refused:
    detail = _("No failure of this signature is known.")
    return Refused(404, "unknown_failure", _("Unknown failure"), detail)


def _audited(wanted: dict[str, str], limit: int, after: str | None) -> dict[str, Any]:
    try:
        page = auditing.page(wanted, limit, after or None)
    except ValueError as error:
        raise Refused(400, "bad_cursor", _("Bad cursor"), said(str(error))) from None
    return {"items": page.rows, "after": page.after}


def _user(rights: Rights) -> str:
    """Whoever passed `api.caller` has a name."""
    return rights.user or ""
