"""The workflow that a task belongs to: everything below one root, as nodes."""

# ruff: noqa: S608 -- every piece of SQL is a constant; values are parameters

from typing import NamedTuple

from dashboard.filters import where
from dashboard.snapshots import Snapshot
from realtime.core.query import Query
from realtime.core.wire import Row

MAX_NODES = 500
"""More than a drawing can show."""
MAX_SEARCHED = 5_000
"""Tasks of one root that are tested, where a viewer sees only some."""
_COLUMNS = ("id", "name", "status", "conclusion", "parent_id", "group_id", "runtime")


class Tree(NamedTuple):
    """Nodes by id, in the order they were first seen, and whether there are more of them."""

    root_id: str
    nodes: dict[str, Row]
    is_cut: bool


def tree(snapshot: Snapshot, task_id: str, rows: Query, now: float) -> Tree | None:
    """The workflow of a task, as far as it matches `rows`: what does not is absent, and what it
    called hangs on a `parent_id` that is not among the nodes. None where the task is not to be
    seen."""
    root_id = _root(snapshot, task_id, rows, now)
    if root_id is None:
        return None
    clause = where(rows, now, snapshot.vendor)
    names = dict.fromkeys((*_COLUMNS, "root_id", "first_seen_at", *_tested(rows)))
    columns, order = ", ".join(names), "first_seen_at, id"
    found = snapshot.fetch(
        f"SELECT {', '.join(_COLUMNS)} FROM ("
        f"SELECT * FROM (SELECT {columns} FROM headway_task"
        f" WHERE root_id = %s AND id <> %s ORDER BY {order} LIMIT {MAX_SEARCHED:d}) AS below"
        f" UNION ALL SELECT {columns} FROM headway_task WHERE id = %s"
        f') AS "headway_task" WHERE {clause.sql} ORDER BY {order} LIMIT {MAX_NODES + 1:d}',
        (root_id, root_id, root_id, *clause.parameters),
    )
    nodes = [dict(zip(_COLUMNS, record, strict=True)) for record in found]
    shown = {str(node["id"]): node for node in nodes[:MAX_NODES]}
    return Tree(root_id, shown, len(nodes) > MAX_NODES)


def _root(snapshot: Snapshot, task_id: str, rows: Query, now: float) -> str | None:
    if "\x00" in task_id:
        return None
    clause = where(rows, now, snapshot.vendor)
    found = snapshot.fetch(
        f"SELECT COALESCE(root_id, id) FROM headway_task WHERE id = %s AND {clause.sql}",
        (task_id, *clause.parameters),
    )
    return found[0][0] if found else None


def _tested(rows: Query) -> list[str]:
    return [name for term in rows.terms for name in term.fields]
