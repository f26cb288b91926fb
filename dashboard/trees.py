"""The workflow that a task belongs to: everything below one root, as nodes."""

# ruff: noqa: S608 -- every piece of SQL is a constant; values are parameters

from collections.abc import Sequence
from typing import Any, NamedTuple

from dashboard.filters import where
from dashboard.snapshots import Snapshot
from realtime.core.query import Query
from realtime.core.wire import Row

MAX_NODES = 500
"""More than a drawing can show."""
MAX_SEARCHED = 5_000
"""Tasks of one root that are tested, where a viewer sees only some."""
_COLUMNS = (
    "id",
    "name",
    "status",
    "conclusion",
    "parent_id",
    "group_id",
    "first_seen_at",
    "started_at",
    "finished_at",
    "runtime",
)


class Tree(NamedTuple):
    """Nodes by id, in the order they were first seen, and whether there are more of them."""

    root_id: str
    nodes: dict[str, Row]
    is_cut: bool
    roots: tuple[str, ...] = ()
    """Every root that it has: a group that a client sent has one for each of its members."""


def tree(snapshot: Snapshot, task_id: str, rows: Query, now: float) -> Tree | None:
    """The workflow of a task, as far as it matches `rows`: what does not is absent, and what it
    called hangs on a `parent_id` that is not among the nodes. Whatever shares a group with one of
    its tasks belongs to it, with all below. None where the task is not to be seen."""
    root_id = _root(snapshot, task_id, rows, now)
    if root_id is None:
        return None
    roots: tuple[str, ...] = (root_id,)
    nodes = _below(snapshot, roots, rows, now)
    groups = list(dict.fromkeys(node["group_id"] for node in nodes if node["group_id"]))
    if groups and len(nodes) <= MAX_NODES:
        roots = (root_id, *_others(snapshot, root_id, groups[:MAX_NODES], rows, now))
    if len(roots) > 1:
        nodes = _below(snapshot, roots, rows, now)
    shown = {str(node["id"]): node for node in nodes[:MAX_NODES]}
    return Tree(root_id, shown, len(nodes) > MAX_NODES, roots)


def _below(
    snapshot: Snapshot, roots: Sequence[str], rows: Query, now: float
) -> list[dict[str, Any]]:
    """What these roots and the tasks below them are, one more than are shown at most."""
    clause = where(rows, now, snapshot.vendor)
    names = dict.fromkeys((*_COLUMNS, "root_id", *_tested(rows)))
    columns, order = ", ".join(names), "first_seen_at, id"
    marks = ", ".join(["%s"] * len(roots))
    # The index has those of one root in order; those of several would be sorted before the limit.
    first = f"ORDER BY {order} " if len(roots) == 1 else ""
    found = snapshot.fetch(
        f"SELECT {', '.join(_COLUMNS)} FROM ("
        f"SELECT * FROM (SELECT {columns} FROM headway_task"
        f" WHERE root_id IN ({marks}) AND id NOT IN ({marks}) {first}LIMIT {MAX_SEARCHED:d})"
        f" AS below UNION ALL SELECT {columns} FROM headway_task WHERE id IN ({marks})"
        f') AS "headway_task" WHERE {clause.sql} ORDER BY {order} LIMIT {MAX_NODES + 1:d}',
        (*roots, *roots, *roots, *clause.parameters),
    )
    return [dict(zip(_COLUMNS, record, strict=True)) for record in found]


def _others(
    snapshot: Snapshot, root_id: str, groups: Sequence[str], rows: Query, now: float
) -> list[str]:
    """The other roots of the tasks in these groups."""
    clause = where(rows, now, snapshot.vendor)
    names = dict.fromkeys(("id", "root_id", *_tested(rows)))
    marks = ", ".join(["%s"] * len(groups))
    found = snapshot.fetch(
        f"SELECT DISTINCT COALESCE(root_id, id) FROM (SELECT {', '.join(names)} FROM headway_task"
        f' WHERE group_id IN ({marks}) LIMIT {MAX_SEARCHED:d}) AS "headway_task"'
        f" WHERE {clause.sql} LIMIT {MAX_NODES + 1:d}",
        (*groups, *clause.parameters),
    )
    return [other for (other,) in found if other != root_id]


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
