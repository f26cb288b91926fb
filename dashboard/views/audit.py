"""The audit: who did what to which target, and what came of it; and what goes on right now."""

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from dashboard import auditing, operations, reasons
from dashboard.views import pages, shell, told
from dashboard.views.policy import page
from realtime import sight
from realtime.core.wire import Row
from realtime.ports import Rights, Select, Snapshots, StoreUnavailable

LIMIT = 100
_MAX_FILTER = 1000
"""No target is longer."""

_ACTION_WORDS = {f"action_{action}": word for action, word in auditing.ACTIONS.items()}

TABLE = told.Table(
    of="audit",
    key="id",
    cells={
        "at": ("instant", "at"),
        "age": ("age", "at", "ago"),
        "user": ("text", "user"),
        "action": ("word", "action"),
        "kind": ("word", "kind"),
        "url": ("target", "kind", "target"),
        "title": ("text", "target"),
        "module": ("name", "name", "module"),
        "function": ("name", "name", "function"),
        "target": ("short", "target"),
        "query": ("text", "target"),
        "is_query": ("flag", "kind", "query"),
        "is_id": ("flag", "kind", "task", "failure", "operation"),
        "outcome": ("word", "outcome"),
        "state": ("word", "outcome", "state"),
        "reason": ("reason", "reason", "detail"),
        "new_id": ("short", "new_id"),
        "new_url": ("link", "task", "new_id"),
        "operation": ("short", "operation"),
        "operation_url": ("link", "operation", "operation"),
    },
    words={
        **_ACTION_WORDS,
        **{f"outcome_{outcome}": word for outcome, word in auditing.OUTCOMES.items()},
        **{f"reason_{reason}": text for reason, text in reasons.SENTENCES.items()},
        "state_done": "succeeded",
        "state_refused": "retrying",
        "state_failed": "failed",
        "kind_task": _("task"),
        "kind_failure": _("failure group"),
        "kind_query": _("all that match"),
        "kind_operation": _("operation"),
        "ago": _("%(time)s ago"),
    },
    limit=LIMIT,
    grows=True,
    order=("at", "id"),
)
OPERATIONS = told.Table(
    of="operations",
    key="id",
    cells={
        "action": ("word", "action"),
        "query": ("text", "query"),
        "query_url": ("find", "query"),
        "is_selection": ("absent", "query"),
        "user": ("text", "user"),
        "began": ("age", "started_at", "ago"),
        "word": ("word", "state"),
        "state": ("word", "state", "look"),
        "share": ("share", "done", "refused", "failed", "total"),
        "figures": ("sum", "done", "refused", "failed", "total"),
        "refused": ("counted", "refused", "refused"),
        "failed": ("counted", "failed", "failed"),
        "url": ("link", "operation", "id"),
        "is_running": ("flag", "state", "running"),
        "stop_url": ("ability", "stop", "id", "user", "action"),
    },
    words={
        **_ACTION_WORDS,
        "needs_revoke": "revoke_task",
        "needs_terminate": "revoke_task",
        "needs_retry": "retry_task",
        "state_running": _("running"),
        "state_stopping": _("stopping"),
        "state_finished": _("finished"),
        "state_stopped": _("stopped"),
        "state_interrupted": _("interrupted"),
        "look_running": "running",
        "look_stopping": "retrying",
        "look_finished": "succeeded",
        "look_stopped": "cancelled",
        "look_interrupted": "lost",
        "refused_one": _("1 refused"),
        "refused_many": _("%(count)s refused"),
        "failed_one": _("1 failed"),
        "failed_many": _("%(count)s failed"),
        "ago": _("%(time)s ago"),
    },
    limit=LIMIT,
    only={"rows": ("state", *operations.ACTIVE)},
    keeps=True,
)


@page("view_audit")
@require_safe
def show(request: HttpRequest, rights: Rights) -> HttpResponse:
    """The newest entries, of a user, an action, an outcome, a target or an operation; `after` goes
    on below. Whoever sees only some tasks sees their own doings."""
    reader, now = pages.snapshots(), time.time()
    asked = {name: request.GET.get(name, "").strip()[:_MAX_FILTER] for name in auditing.FILTERS}
    chosen = {name: value for name, value in asked.items() if value}
    after = request.GET.get("after")
    try:
        entries = _entries(rights, chosen, after)
        context = {
            **told.context(TABLE, entries.rows, rights, now, chosen),
            "going_on": told.context(OPERATIONS, _operations(reader, rights, now), rights, now),
            **_form(asked),
            "chosen": chosen,
            "is_older": after is not None,
            "newest_url": _url(chosen),
            "older_url": _url(chosen, entries.after) if entries.after else "",
            "is_restricted": sight.is_restricted(rights),
        }
        return shell.page(request, "audit.html", context, stream=reader.stream(), now=now)
    except StoreUnavailable:
        return pages.unavailable(request)
    except ValueError:
        return HttpResponseRedirect(_url(chosen))


def _entries(rights: Rights, chosen: Mapping[str, str], after: str | None) -> auditing.AuditPage:
    wanted = dict(chosen)
    if sight.is_restricted(rights):
        if wanted.get("user", rights.user) != rights.user:
            return auditing.AuditPage([], None)
        wanted["user"] = rights.user or ""
    entries = auditing.page(wanted, LIMIT, after)
    return entries._replace(rows=[{**row, "id": str(row["id"])} for row in entries.rows])


def _operations(reader: Snapshots, rights: Rights, now: float) -> list[Row]:
    select = sight.narrowed(Select(OPERATIONS.of, limit=LIMIT), rights)
    return list(reader.page(select, rights.rows, now).rows)


def _form(asked: Mapping[str, str]) -> dict[str, Any]:
    return {
        "asked": asked,
        "actions": _options(auditing.ACTIONS, asked["action"]),
        "outcomes": _options(auditing.OUTCOMES, asked["outcome"]),
    }


def _options(words: Mapping[str, object], chosen: str) -> list[dict[str, Any]]:
    return [
        {"value": value, "word": word, "is_chosen": value == chosen}
        for value, word in words.items()
    ]


def _url(chosen: Mapping[str, str], after: str | None = None) -> str:
    parameters = {**chosen, "after": after} if after else chosen
    return reverse("headway:audit") + (f"?{urlencode(parameters)}" if parameters else "")
