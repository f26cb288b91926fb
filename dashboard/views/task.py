"""The page of one task: what became of it, the workflow it belongs to, and the runs before it."""

import time
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from dashboard import (
    codepaths,
    detail,
    flash,
    formats,
    presentation,
    runs,
    snapshots,
    traceback,
    trees,
    workflow,
)
from dashboard.trees import Tree
from dashboard.views import actions_forms, pages, shell
from dashboard.views.policy import page
from realtime import sight
from realtime.core import query as language
from realtime.core import wire
from realtime.core.query import Query
from realtime.ports import Page, Rights, Select, Snapshots, StoreUnavailable, TooCostly

CHILD_LIMIT = 100
"""A parent of more children is looked at through the list."""


@page("view_task")
@require_safe
def show(request: HttpRequest, rights: Rights, task_id: str) -> HttpResponse:
    """One task with everything the viewer may know of it; 404 with the possible reasons for an id
    never seen."""
    reader, now = pages.snapshots(), time.time()
    try:
        found = reader.page(Select("task", ids=(task_id,), limit=1), rights.rows, now)
        stream = reader.stream()
        if not found.rows:
            unknown = _unknown(task_id, rights)
            return shell.page(request, "unknown.html", unknown, stream=stream, now=now, status=404)
        row = wire.project(found.rows[0], rights.hidden)
        context = {
            **_told(row, rights, now),
            **_beside(reader, rights, found, now),
            "offers": actions_forms.offers(row, rights),
            "flash": flash.read(request.GET.get(flash.PARAMETER)),
            "first_row": {"epoch": found.epoch, "revision": found.revision, "row": row},
        }
        return shell.page(request, "task.html", context, stream=stream, now=now)
    except TooCostly:
        return pages.too_costly(request)
    except StoreUnavailable:
        return pages.unavailable(request)


def _unknown(task_id: str, rights: Rights) -> dict[str, Any]:
    return {
        "task_id": task_id,
        "is_restricted": bool(rights.rows.terms),
        "search_url": presentation.search_url(presentation.term("id", task_id)),
    }


def _told(row: dict[str, Any], rights: Rights, now: float) -> dict[str, Any]:
    """What the row itself says."""
    text = row.get("traceback")
    return {
        "task": presentation.task_line(row, now),
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
        "errors": traceback.parse(text, codepaths.below(row["name"])) if text else (),
        "earlier": detail.earlier_errors(row),
        "arguments": detail.arguments(row),
        "call": detail.call(row),
        "json_url": f"{reverse('headway:index')}api/v1/tasks/{formats.path_part(row['id'])}",
        "progress": detail.progress(row),
    }


def _beside(reader: Snapshots, rights: Rights, found: Page, now: float) -> dict[str, Any]:
    """What other tasks say of it."""
    row = wire.project(found.rows[0], rights.hidden)
    task_id = str(row["id"])
    tree = read_tree(task_id, rights.rows, now)
    cursor = {"epoch": found.epoch, "revision": found.revision}
    names = {} if tree is None else {key: str(n["name"] or "") for key, n in tree.nodes.items()}
    is_whole = tree is not None and not tree.is_cut and len(tree.nodes) > 1
    return {
        "workflow": None if tree is None else workflow.panel(tree, task_id, cursor, now),
        "children": [] if is_whole else _children(reader, rights, task_id, now),
        "runs": _runs(reader, rights, row, now),
        "facts": detail.facts(row, names, _failure_url(row, rights)),
    }


def read_tree(task_id: str, rows: Query, now: float) -> Tree | None:
    """The workflow of a task, as far as these rows let it be seen."""
    return snapshots.read(
        DEFAULT_DB_ALIAS, lambda snapshot: trees.tree(snapshot, task_id, rows, now)
    )


def _children(reader: Snapshots, rights: Rights, task_id: str, now: float) -> list[dict[str, Any]]:
    select = Select("tasks", language.parse(presentation.term("parent", task_id)), CHILD_LIMIT)
    return [presentation.task_line(row, now) for row in reader.page(select, rights.rows, now).rows]


def _runs(reader: Snapshots, rights: Rights, row: wire.Row, now: float) -> dict[str, Any] | None:
    """The last runs of its name, where it has one."""
    if not row.get("name"):
        return None
    select = Select("tasks", runs.query(str(row["name"])), runs.LIMIT)
    return runs.chart(reader.page(select, rights.rows, now).rows, str(row["id"]), now)


def _failure_url(row: wire.Row, rights: Rights) -> str:
    """The page of its failure group, where the viewer may open it."""
    if not row.get("signature") or sight.refusal("failures", rights) is not None:
        return ""
    return reverse("headway:failure", args=[row["signature"]])
