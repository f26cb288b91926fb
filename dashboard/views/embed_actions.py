"""What a token's holder may do where it is granted: cancel, and try again. Each is audited as done
by the user `embed`, and each refusal has a sentence that tells nothing of the cluster."""

import contextlib
import logging
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dashboard import actions, auditing, claims, presentation, refused, shown, targets, tokens
from dashboard.actions import Act, Impossible, Outcome
from dashboard.changes import translated
from dashboard.granting import AUTHOR
from dashboard.models import Audit
from dashboard.views import cors
from dashboard.views.cors import Refused
from dashboard.views.embed import bearer, found
from realtime.core import query as language
from realtime.core.public import GROUP, TASK, Expected, subject_of
from realtime.core.query import EVERYTHING
from realtime.core.task import COMPLETED
from realtime.embedding import Grant
from realtime.ports import Rights, StoreUnavailable

logger = logging.getLogger(__name__)

MAX_MEMBERS = 5_000
"""Of a group, that one request cancels."""
_RIGHTS = Rights(user=AUTHOR, can=frozenset({"view_task", "revoke_task", "retry_task"}))
_CANCEL = Act(action=actions.TERMINATE, falls_back=True)
_RETRY = Act(action=actions.RETRY)

SENTENCES: Mapping[str, str | Promise] = {
    "not_granted": gettext_lazy("This page may not do that."),
    "finished": gettext_lazy("It is over: there is nothing left to cancel."),
    "unfinished": gettext_lazy("It is not over yet."),
    "not_failed": gettext_lazy("It did not fail: there is nothing to try again."),
    "not_stoppable": gettext_lazy("It cannot be stopped any more."),
    "not_repeatable": gettext_lazy("It cannot be tried again from here."),
    "not_seen": gettext_lazy("Nothing was heard of it yet: try again in a moment."),
    "unavailable": gettext_lazy("This cannot be done now. Try again in a moment."),
    "being_cancelled": gettext_lazy("It is already being cancelled."),
    "being_retried": gettext_lazy("It is already being tried again."),
}
_PUBLIC: Mapping[str, str] = {
    "finished": "finished",
    "unfinished": "unfinished",
    "unknown": "not_seen",
    "running": "not_stoppable",
    "pool": "not_stoppable",
    "worker_gone": "not_stoppable",
    "no_name": "not_repeatable",
    "no_arguments": "not_repeatable",
    "redacted_arguments": "not_repeatable",
    "no_queue": "not_repeatable",
}
"""By the operators' word for it, which tells of workers and queues."""
_UNDER_WAY = {"cancel": "being_cancelled", "retry": "being_retried"}


@cors.shared("POST")
def cancel_task(request: HttpRequest, task_id: str) -> HttpResponseBase:
    """Cancel a task that is not over: where it runs, it is ended."""
    grant = _granted(request, TASK, task_id, "cancel")
    with _alone("cancel", TASK, task_id):
        outcome = _done(_CANCEL, [task_id])[0]
    _raise_refusal(outcome)
    logger.info("A visitor cancelled a task", extra={"action": "embed_cancel"})
    return cors.told({"id": task_id, "label": grant.label, "outcome": "done"})


@cors.shared("POST")
def cancel_group(request: HttpRequest, group_id: str) -> HttpResponseBase:
    """Cancel every part of a group that is not over."""
    grant = _granted(request, GROUP, group_id, "cancel")
    with _alone("cancel", GROUP, group_id):
        outcomes = _parts_cancelled(group_id)
    if not outcomes[actions.DONE]:
        if outcomes[actions.FAILED]:
            raise _refused("unavailable", 503)
        raise _refused("finished")
    told = {"outcome": "done", "cancelled": outcomes[actions.DONE]}
    return cors.told({"id": group_id, "label": grant.label, **told})


def _parts_cancelled(group_id: str) -> Counter[str]:
    outcomes: Counter[str] = Counter()
    ids = _unfinished(group_id)
    if not ids:
        # It is not over, so its parts are those that nobody has heard of.
        raise _refused("not_seen")
    for start in range(0, len(ids), actions.MAX_BATCH):
        done = _done(_CANCEL, ids[start : start + actions.MAX_BATCH])
        outcomes.update(each.outcome for each in done)
        if actions.is_away(done):
            break
    return outcomes


@cors.shared("POST")
def retry_task(request: HttpRequest, task_id: str) -> HttpResponseBase:
    """Send a task that failed again; the new one's id, and a token for it that allows as much for
    as long. Asked for once more it answers with the same task."""
    grant = _granted(request, TASK, task_id, "retry")
    new_id = _retried_as(task_id) or _sent_again(task_id)
    # The other steps of a chain stay open: the page goes on with this token alone.
    kept = tuple(sorted(grant.tasks - {task_id, new_id}))
    claims = tokens.of_grant(grant)._replace(tasks=(new_id, *kept), owner=None)
    fresh = tokens.current().sign(claims, shown.instant(), grant.expires_at)
    return cors.told({"id": new_id, "token": fresh})


def _sent_again(task_id: str) -> str:
    """The id of the task that this one is sent again as, by this process alone."""
    with _alone("retry", TASK, task_id):
        # Another may have done it since this one looked: what it wrote is there before its claim
        # ends.
        if made := _retried_as(task_id):
            return made
        outcome = _done(_RETRY, [task_id])[0]
    _raise_refusal(outcome)
    tokens.vouch({subject_of(TASK, str(outcome.new_id)): Expected(shown.instant())})
    return str(outcome.new_id)


@contextlib.contextmanager
def _alone(act: str, kind: str, id_: str) -> Iterator[None]:
    """Nobody else does the same to this meanwhile; `Refused` where somebody does."""
    try:
        with claims.claimed(f"{act} {subject_of(kind, id_)}"):
            yield
    except claims.Taken:
        raise _refused(_UNDER_WAY[act]) from None
    except StoreUnavailable:
        raise _refused("unavailable", 503) from None


def _granted(request: HttpRequest, kind: str, id_: str, ability: str) -> Grant:
    """The grant, which allows this; `Refused` where it does not, or where it makes no sense."""
    grant = bearer(request)
    row = found(request, kind, id_)
    if ability not in grant.can:
        raise _refused("not_granted", 403)
    if ability == "cancel" and row["status"] == COMPLETED:
        raise _refused("finished")
    if ability == "retry" and row["status"] != COMPLETED:
        raise _refused("unfinished")
    if ability == "retry" and row["conclusion"] != "failed":
        raise _refused("not_failed")
    return grant


def _done(act: Act, ids: Sequence[str]) -> list[Outcome]:
    """What came of it, written to the audit."""
    at = time.time()
    try:
        outcomes = actions.perform(act, ids, _RIGHTS, actions.celery_app())
    except Impossible:
        raise _refused("unavailable", 503) from None
    except StoreUnavailable:
        raise _refused("unavailable", 503) from None
    known = [each for each in outcomes if each.reason != "unknown"]
    # It is done, whatever becomes of the entry: to answer with an error would have it done twice.
    with contextlib.suppress(StoreUnavailable):
        auditing.write(auditing.entries(known, user=AUTHOR, action=_word(act), at=at))
    return outcomes


def _word(act: Act) -> str:
    return actions.RETRY if act.action == actions.RETRY else actions.REVOKE


def _raise_refusal(outcome: Outcome) -> None:
    if outcome.outcome == actions.DONE:
        return
    code = _PUBLIC.get(str(outcome.reason), "unavailable")
    raise _refused(code, 503 if outcome.outcome == actions.FAILED else 409)


def _refused(code: str, status: int = 409) -> Refused:
    refused.count(code)
    title = _("Not allowed") if status == 403 else _("Not done")
    return Refused(status, code, title, str(SENTENCES[code]))


def _unfinished(group_id: str) -> list[str]:
    asked = language.parse(presentation.term("group", group_id))
    try:
        members = targets.of_query(asked, EVERYTHING, time.time())
    except StoreUnavailable:
        raise _refused("unavailable", 503) from None
    return [each.id for each in members if each.status != COMPLETED][:MAX_MEMBERS]


def _retried_as(task_id: str) -> str | None:
    """The task that an earlier token's retry made of this one: a second click is no second task."""
    made = Audit.objects.filter(
        target=task_id, user=AUTHOR, action=actions.RETRY, outcome=actions.DONE
    )
    try:
        with translated():
            first = made.order_by("id").values_list("new_id", flat=True).first()
    except StoreUnavailable:
        raise _refused("unavailable", 503) from None
    return first or None
