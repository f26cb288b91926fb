"""Revoke and retry of one task by plain forms, for browsers without our script: a page that asks,
and a POST that does it and says on the task's page what came of it."""

import time
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods

from dashboard import actions, auditing, flash, presentation, queries, reasons, words
from dashboard.actions import Act, Impossible
from dashboard.flash import Flash
from dashboard.views import shell
from dashboard.views.policy import page
from realtime.core import task as states
from realtime.core.wire import Row
from realtime.ports import Rights, Select, Snapshots, StoreUnavailable

CHOICES = (actions.RETRY, actions.REVOKE)
"""In the order in which they are offered."""
_RUNS = (states.RUNNING, states.STALLED)


def snapshots() -> Snapshots:
    """What the form reads its task from."""
    return queries.Reader()


def offers(row: Row, rights: Rights) -> list[dict[str, Any]]:
    """The actions that this viewer may try on the task, each with the reason why it makes no sense
    now, or an empty one."""
    offered = []
    for name in CHOICES:
        if actions.missing(name, rights) is not None:
            continue
        reason = _senseless(name, row)
        is_end = name == actions.REVOKE and row["status"] in _RUNS
        offered.append(
            {
                "action": name,
                "is_end": is_end,
                "word": words.ACTIONS["terminate" if is_end else name],
                "why": reasons.sentence(reason) if reason else "",
                "url": reverse("headway:act", args=[name, row["id"]]),
            }
        )
    return offered


def _senseless(name: str, row: Row) -> str | None:
    """What the state of the task alone says against the action."""
    reason = actions.refusal(Act(action=name), row, {})
    # The form terminates what runs already.
    return None if reason == "running" else reason


@page("view_task")
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
def act(request: HttpRequest, rights: Rights, action: str, task_id: str) -> HttpResponse:
    """Ask whether `action` is to be done to the task; with `confirmed` in a POST, do it."""
    if action not in CHOICES:
        raise Http404
    missing = actions.missing(action, rights)
    if missing is not None:
        return shell.denied(request, missing)
    try:
        if request.method == "POST" and "confirmed" in request.POST:
            return _back(task_id, _done(request, rights, action, task_id))
        return _question(request, rights, action, task_id)
    except StoreUnavailable:
        return _unavailable(request)


def _question(request: HttpRequest, rights: Rights, action: str, task_id: str) -> HttpResponse:
    reader, now = snapshots(), time.time()
    select = Select("task", ids=(task_id,), limit=1)
    rows = reader.page(select, rights.rows, now).rows
    if not rows:
        # The task's page knows the possible reasons.
        return HttpResponseRedirect(reverse("headway:task", args=[task_id]))
    line = presentation.task_line(rows[0], now)
    is_end = action == actions.REVOKE and rows[0]["status"] in _RUNS
    context = {
        "action": action,
        "is_end": is_end,
        "task": line,
        "title": words.ACTIONS[f"{'terminate' if is_end else action}_one"],
        "word": words.ACTIONS["terminate" if is_end else action],
        "signals": actions.SIGNALS,
    }
    return shell.page(request, "confirm.html", context, stream=reader.stream(), now=now)


def _done(request: HttpRequest, rights: Rights, action: str, task_id: str) -> Flash:
    form = request.POST
    how = Act(action=action)
    if action == actions.REVOKE and "terminate" in form:
        signal = form.get("signal", "")
        known = signal if signal in actions.SIGNALS else actions.SIGNALS[0]
        how = Act(action=actions.TERMINATE, signal=known)
    try:
        found = auditing.performed(how, task_id, rights)
    except Impossible as error:
        return _refused(error.reason, error.more)
    if found.outcome != actions.DONE:
        return _refused(found.reason, found.more)
    return Flash("done", str(words.ACTIONS[f"{how.action}_done"]), found.new_id or "")


def _refused(reason: str | None, more: str) -> Flash:
    return Flash("refused", str(reasons.sentence(reasons.stored(reason, more)) or ""))


def _back(task_id: str, told: Flash) -> HttpResponseRedirect:
    query = urlencode({flash.PARAMETER: flash.text(told)})
    return HttpResponseRedirect(f"{reverse('headway:task', args=[task_id])}?{query}")


def _unavailable(request: HttpRequest) -> HttpResponse:
    return shell.notice(
        request,
        503,
        _("The database does not answer"),
        _("Nothing was done."),
        _("Try again in a moment; if it stays, look at the log of the web process."),
    )
