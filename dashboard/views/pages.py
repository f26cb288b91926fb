"""The pages for people. Each is whole from one read of the store, with the cursor its script goes
on from."""

import time
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from dashboard import detail, flash, formats, presentation, queries, querybar, traceback
from dashboard.views import actions_forms, shell
from dashboard.views.policy import page
from dashboard.views.tasklist import ID_PLACEHOLDER, WORKER_LIMIT, BadCursor, TaskList, list_url
from realtime.core import query as language
from realtime.core import wire
from realtime.ports import Rights, Select, Snapshots, StoreUnavailable, TooCostly

# A parent of more children than this is looked at through the list.
CHILD_LIMIT = 100
ACTIVE_LIMIT = 500


def snapshots() -> Snapshots:
    """What the pages read from."""
    return queries.Reader()


@page("view_task")
@require_safe
def tasks(request: HttpRequest, rights: Rights) -> HttpResponse:
    """The live list, newest first. `query` may come several times: the form adds terms to those
    there are."""
    typed = request.GET.getlist("query")
    text = querybar.join(typed)
    if len(typed) > 1:
        return HttpResponseRedirect(list_url(text))
    try:
        reader, now = snapshots(), time.time()
        found = TaskList(reader, rights, text, request.GET.get("after"), now)
        context = found.context()
        stream = reader.stream()
    except TooCostly:
        return too_costly(request)
    except StoreUnavailable:
        return unavailable(request)
    except BadCursor:
        return HttpResponseRedirect(list_url(text))
    return shell.page(request, "tasks.html", context, stream=stream, now=now, status=found.status)


@page("view_task")
@require_safe
def task(request: HttpRequest, rights: Rights, task_id: str) -> HttpResponse:
    """One task with everything the viewer may know of it; 404 with the possible reasons for an id
    never seen."""
    reader, now = snapshots(), time.time()
    try:
        found = reader.page(Select("task", ids=(task_id,), limit=1), rights.rows, now)
        stream = reader.stream()
        if not found.rows:
            return shell.page(
                request,
                "unknown.html",
                _unknown(task_id, rights),
                stream=stream,
                now=now,
                status=404,
            )
        row = wire.project(found.rows[0], rights.hidden)
        context = {
            **_task_context(row, rights, now),
            "offers": actions_forms.offers(row, rights),
            "flash": flash.read(request.GET.get(flash.PARAMETER)),
            "children": _children(reader, rights, task_id, now),
            "first_row": {"epoch": found.epoch, "revision": found.revision, "row": row},
        }
        return shell.page(request, "task.html", context, stream=stream, now=now)
    except StoreUnavailable:
        return unavailable(request)


def _unknown(task_id: str, rights: Rights) -> dict[str, Any]:
    return {
        "task_id": task_id,
        "is_restricted": bool(rights.rows.terms),
        "search_url": presentation.search_url(presentation.term("id", task_id)),
    }


def _task_context(row: dict[str, Any], rights: Rights, now: float) -> dict[str, Any]:
    line = presentation.task_line(row, now)
    text = row.get("traceback")
    return {
        "task": line,
        "row": row,
        "hidden": rights.hidden,
        "name_url": presentation.search_url(presentation.term("name", row["name"]))
        if row.get("name")
        else "",
        "summary": detail.summary(row, now),
        "exception": formats.exception(row.get("exception") or ""),
        "is_told": (bool(row.get("exception")) and row["status"] == "completed")
        or row["conclusion"] == "succeeded",
        "steps": detail.timeline(row, now),
        "day": formats.day(row["first_seen_at"]),
        "attempts": detail.attempts(row, now),
        "errors": traceback.parse(text) if text else (),
        "earlier": detail.earlier_errors(row),
        "arguments": detail.arguments(row),
        "progress": detail.progress(row),
        "facts": detail.facts(row),
    }


def _children(reader: Snapshots, rights: Rights, task_id: str, now: float) -> list[dict[str, Any]]:
    select = Select("tasks", language.parse(presentation.term("parent", task_id)), CHILD_LIMIT)
    return [presentation.task_line(row, now) for row in reader.page(select, rights.rows, now).rows]


@page("view_worker")
@require_safe
def workers(request: HttpRequest, rights: Rights) -> HttpResponse:
    """Every worker by name, with what it runs now where the viewer may see tasks."""
    reader, now = snapshots(), time.time()
    try:
        found = reader.page(Select("workers", limit=WORKER_LIMIT), language.EVERYTHING, now)
        rows = sorted(found.rows, key=lambda row: str(row["name"]))
        active = _active(reader, rights, now)
        context = {
            "lines": [
                presentation.worker_line(row, now, active.get(str(row["name"]), ())) for row in rows
            ],
            "blank": presentation.blank_worker_line(),
            "summary": _fleet(rows),
            "worker_url": presentation.search_url(f"worker:{ID_PLACEHOLDER}"),
            "task_url": reverse("headway:task", args=[ID_PLACEHOLDER]),
            "first_rows": {"epoch": found.epoch, "revision": found.revision, "rows": rows},
        }
        return shell.page(request, "workers.html", context, stream=reader.stream(), now=now)
    except StoreUnavailable:
        return unavailable(request)


def _active(reader: Snapshots, rights: Rights, now: float) -> dict[str, list[dict[str, Any]]]:
    """The running tasks of each worker, newest first."""
    if "view_task" not in rights.can:
        return {}
    running = Select("tasks", language.parse("status:running,stalled"), ACTIVE_LIMIT)
    active: dict[str, list[dict[str, Any]]] = {}
    for row in reader.page(running, rights.rows, now).rows:
        active.setdefault(str(row.get("worker") or ""), []).append(presentation.task_line(row, now))
    return active


def _fleet(rows: list[Any]) -> dict[str, Any]:
    """How many workers are in which health, and how many of the slots of those that live are
    busy."""
    states = [row["state"] for row in rows]
    living = [row for row in rows if row["state"] != "gone" and row.get("concurrency")]
    slots, busy = (
        sum(row["concurrency"] for row in living),
        sum(row.get("active") or 0 for row in living),
    )
    return {
        "online": states.count("online"),
        "silent": states.count("silent"),
        "gone": states.count("gone"),
        "slots": _("%(busy)s of %(slots)s slots busy") % {"busy": busy, "slots": slots}
        if slots
        else "",
    }


def unavailable(request: HttpRequest) -> HttpResponse:
    """503: the store cannot be read now."""
    return shell.notice(
        request,
        503,
        _("The database does not answer"),
        _(
            "Headway cannot read what it stored. Events go on being collected as long as the"
            " receiver can write."
        ),
        _("Try again in a moment; if it stays, look at the log of the web process."),
    )


def too_costly(request: HttpRequest) -> HttpResponse:
    """503: the search was given up."""
    return shell.notice(
        request,
        503,
        _("This search takes too long"),
        _("It was given up, so that others are not kept waiting."),
        _("Add a term such as name:, queue: or since:, or use fewer wildcards."),
    )
