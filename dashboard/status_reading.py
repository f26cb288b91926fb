"""What is known of a task or a group, from the store, or else from the result backend."""

# ruff: noqa: S608 -- the SQL is made of the columns' names; values are parameters

import ast
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from celery import states
from celery.backends.base import DisabledBackend
from celery.result import GroupResult
from django.db import DEFAULT_DB_ALIAS

from dashboard import actions, rows, snapshots, trees
from dashboard.public import MAX_SUBJECTS, PublicReader
from realtime.core.events import instant, is_id
from realtime.core.public import GROUP, TASK, subject_of
from realtime.core.query import EVERYTHING
from realtime.core.task import (
    CANCELLED,
    COMPLETED,
    FAILED,
    QUEUED,
    RESERVED,
    RETRYING,
    RUNNING,
    SUCCEEDED,
)
from realtime.core.wire import Row
from realtime.embedding import Expected

logger = logging.getLogger(__name__)

STORE = "store"
BACKEND = "backend"
EXPECTED = "expected"

MAX_MEMBERS = 1_000

_STANDINGS: Mapping[str, tuple[str, str | None]] = {
    states.SUCCESS: (COMPLETED, SUCCEEDED),
    states.FAILURE: (COMPLETED, FAILED),
    states.REVOKED: (COMPLETED, CANCELLED),
    states.REJECTED: (COMPLETED, "rejected"),
    states.RETRY: (RETRYING, None),
    states.RECEIVED: (RESERVED, None),
    states.STARTED: (RUNNING, None),
}


class Known(NamedTuple):
    """What is known of one subject."""

    id: str
    row: Row
    """As `wire.task_row` or `wire.group_row` has it; empty where nothing is known."""
    source: str | None = None
    expected: Expected | None = None
    result: Any = None
    is_result_repr: bool = False


def task(task_id: str) -> Known:
    """What is known of this task."""
    if not is_id(task_id):
        return Known(task_id, {})
    subject = subject_of(TASK, task_id)
    page = PublicReader().public([subject])
    row, expected = page.tasks.get(task_id), page.expected.get(subject)
    if row is None or row["status"] == "unknown":
        found = _from_backend(task_id)
        if found is not None:
            return found._replace(expected=expected)
    if row is None:
        return Known(task_id, {}, EXPECTED if expected else None, expected)
    return _with_outcome(Known(task_id, row, STORE, expected))


def group(group_id: str, members: Sequence[str] = ()) -> Known:
    """What is known of this group; where it is not stored, what its members add up to."""
    if not is_id(group_id):
        return Known(group_id, {})
    subject = subject_of(GROUP, group_id)
    page = PublicReader().public([subject])
    row, expected = page.groups.get(group_id), page.expected.get(subject)
    if row is not None:
        return Known(group_id, row, STORE, expected)
    ids = list(members) or _restored(group_id)
    if not ids or expected is not None:
        return Known(group_id, {}, EXPECTED if expected else None, expected)
    return Known(group_id, _added_up(group_id, ids), BACKEND)


def members(group_id: str, ids: Sequence[str] = ()) -> list[Known]:
    """The members of a group, the first `MAX_MEMBERS`: these, or those that were seen."""
    if ids:
        stored = _stored(ids[:MAX_MEMBERS])
        return [stored.get(id_) or task(id_) for id_ in ids[:MAX_MEMBERS]]
    if not is_id(group_id):
        return []
    found = snapshots.read(
        DEFAULT_DB_ALIAS,
        lambda snapshot: snapshot.fetch(
            f"SELECT {', '.join(rows.TASK_COLUMNS)} FROM headway_task WHERE group_id = %s"
            f" ORDER BY first_seen_at, id LIMIT {MAX_MEMBERS:d}",
            (group_id,),
        ),
    )
    told = [rows.task_row(record) for record in found]
    return [_of_row(row) for row in told]


def tree(task_id: str) -> Mapping[str, Row]:
    """The tasks of its workflow by id, in the order they were first seen."""
    now = time.time()
    found = snapshots.read(
        DEFAULT_DB_ALIAS, lambda snapshot: trees.tree(snapshot, task_id, EVERYTHING, now)
    )
    return {} if found is None else found.nodes


def _stored(ids: Sequence[str]) -> dict[str, Known]:
    found: dict[str, Known] = {}
    for start in range(0, len(ids), MAX_SUBJECTS):
        some = [subject_of(TASK, id_) for id_ in ids[start : start + MAX_SUBJECTS]]
        page = PublicReader().public(some)
        found |= {id_: _of_row(row) for id_, row in page.tasks.items()}
    return found


def _of_row(row: Row) -> Known:
    result, is_repr = _read(row.get("result"))
    return Known(str(row["id"]), row, STORE, None, result, is_repr)


def _with_outcome(known: Known) -> Known:
    """With what it returned as data: as its event printed it, or else as the backend has it."""
    row = known.row
    if row["conclusion"] == SUCCEEDED:
        result, is_repr = _read(row.get("result"))
        if is_repr or row.get("result") is None:
            stored = _meta(known.id)
            if stored is not None and stored["status"] == states.SUCCESS:
                return known._replace(result=stored["result"])
        return known._replace(result=result, is_result_repr=is_repr)
    return known


def error(task_id: str) -> BaseException | None:
    """The exception itself that a task failed with, where the result backend has it."""
    stored = _meta(task_id)
    found = stored.get("result") if stored is not None else None
    return found if isinstance(found, BaseException) else None


def _read(text: object) -> tuple[Any, bool]:
    """The value of a repr, or the text itself and that it is one."""
    if not isinstance(text, str):
        return text, False
    try:
        return ast.literal_eval(text), False
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return text, True


def _from_backend(task_id: str) -> Known | None:
    """What the result backend has of it; None where it has nothing."""
    stored = _meta(task_id)
    if stored is None or stored["status"] == states.PENDING:
        return None
    state = str(stored["status"])
    status, conclusion = _STANDINGS.get(state, (RUNNING, None))
    is_over = status == COMPLETED
    raised = stored.get("result") if is_over and conclusion != SUCCEEDED else None
    row: Row = {
        "id": task_id,
        "state": state,
        "status": status,
        "conclusion": conclusion,
        "exception": None if raised is None else repr(raised),
        "traceback": stored.get("traceback"),
        "finished_at": _at(stored.get("date_done")) if is_over else None,
        "progress": None if is_over else _progress(stored.get("result")),
        **{name: stored.get(name) for name in _EXTENDED},
    }
    return Known(
        task_id,
        row,
        BACKEND,
        result=stored.get("result") if conclusion == SUCCEEDED else None,
    )


_EXTENDED = ("name", "args", "kwargs", "worker", "retries", "queue", "parent_id", "group_id")
"""What `result_extended` adds."""


def _meta(task_id: str) -> dict[str, Any] | None:
    """The result backend's record of a task; None where there is none to ask, or it is away."""
    try:
        app = actions.celery_app()
        if isinstance(app.backend, DisabledBackend):
            return None
        found: Any = app.backend.get_task_meta(task_id)
    except actions.Impossible:
        return None
    except Exception:
        # A backend raises what its client library does. What is stored here stays true without it.
        logger.warning("The result backend was not read", exc_info=True)
        return None
    return found if isinstance(found, dict) and "status" in found else None


def _restored(group_id: str) -> list[str]:
    """The members of a group that was saved in the result backend."""
    try:
        app = actions.celery_app()
        if isinstance(app.backend, DisabledBackend):
            return []
        saved: Any = GroupResult.restore(group_id, app=app)
    except actions.Impossible:
        return []
    except Exception:
        logger.warning("The result backend was not read", exc_info=True)
        return []
    return [str(result.id) for result in saved.results] if saved is not None else []


def _added_up(group_id: str, ids: Sequence[str]) -> Row:
    told = [known.row for known in members(group_id, ids)]
    counts = dict.fromkeys(("succeeded", "failed", "cancelled", "running", "waiting"), 0)
    for row in told:
        counts[_counted(row)] += 1
    finished = counts["succeeded"] + counts["failed"] + counts["cancelled"]
    is_over = finished >= len(ids)
    failed = FAILED if counts["failed"] else CANCELLED if counts["cancelled"] else SUCCEEDED
    return {
        "id": group_id,
        "status": COMPLETED if is_over else RUNNING if finished or counts["running"] else QUEUED,
        "conclusion": failed if is_over else None,
        "total": len(ids),
        "percent": 100 * finished / len(ids),
        "parts": sum(bool(row) for row in told),
        **counts,
    }


def _counted(row: Row) -> str:
    if row.get("status") == COMPLETED:
        conclusion = row.get("conclusion")
        return str(conclusion) if conclusion in (SUCCEEDED, CANCELLED) else "failed"
    return "running" if row.get("status") == RUNNING else "waiting"


def _progress(meta: object) -> Row | None:
    return dict(meta) if isinstance(meta, dict) and ("current" in meta or "done" in meta) else None


def _at(date_done: object) -> float | None:
    if hasattr(date_done, "timestamp"):
        return float(date_done.timestamp())
    return instant(date_done)
