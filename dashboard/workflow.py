"""The workflow of a task as its page tells it: data for the drawing, and lines for the list."""

from collections.abc import Iterator
from typing import Any

from dashboard import formats, presentation, words
from dashboard.presentation import stamp
from dashboard.trees import MAX_NODES, Tree
from realtime.core import query as language

_SIDE_DEPTH = 2
"""So many tasks one behind the other fit beside the other panels."""
_INDENTED = 6
"""Deeper ones are not set in any further."""


def panel(tree: Tree, task_id: str, cursor: dict[str, Any], now: float) -> dict[str, Any]:
    """What the panel is written from. `is_shown` is false for a task alone; `is_wide` where the
    drawing needs the width of the page."""
    depths = dict(_depths(tree))
    nodes = list(tree.nodes.values())
    done = sum(node["status"] == "completed" for node in nodes)
    return {
        "data": {**cursor, "nodes": nodes, "is_cut": tree.is_cut, "query": _query(tree)},
        "lines": [_line(tree, key, depth, task_id, now) for key, depth in depths.items()],
        "blank": {"state": "unknown", "word": words.STATES["unknown"]},
        "is_shown": len(nodes) > 1,
        "is_wide": max(depths.values(), default=0) >= _SIDE_DEPTH,
        "is_cut": tree.is_cut,
        "count": str(words.GRAPH["done"]) % {"count": done, "total": len(nodes)},
        "cut": str(words.GRAPH["cut"]) % {"count": MAX_NODES},
        "list_url": presentation.search_url(_query(tree)),
    }


def _query(tree: Tree) -> str:
    """The tasks of all its roots, or of as many as a query takes."""
    text = presentation.term("root", tree.root_id)
    for root in tree.roots[1:]:
        longer = f"{text},{presentation.term('root', root).removeprefix('root:')}"
        if len(longer) > language.MAX_LENGTH // 2:
            break
        text = longer
    return text


def _depths(tree: Tree) -> Iterator[tuple[str, int]]:
    """Every task with the number of its callers: each after its caller, as in a table of
    contents."""
    called: dict[str, list[str]] = {}
    for key, node in tree.nodes.items():
        parent = str(node["parent_id"])
        called.setdefault(parent if parent in tree.nodes and parent != key else "", []).append(key)
    left = dict.fromkeys(tree.nodes)
    open_ = [(key, 0) for key in reversed(called.get("", []))]
    while left:
        # Whoever is left over hangs in a circle.
        key, depth = open_.pop() if open_ else (next(iter(left)), 0)
        if key not in left:
            continue
        del left[key]
        yield key, depth
        open_ += [(below, depth + 1) for below in reversed(called.get(key, ()))]


def _line(tree: Tree, key: str, depth: int, task_id: str, now: float) -> dict[str, Any]:
    node = tree.nodes[key]
    since = _since(node)
    line = presentation.node_line(node)
    caller = tree.nodes.get(str(node["parent_id"]))
    return {
        **line,
        "depth": min(depth, _INDENTED),
        "caller": formats.name(str(caller["name"] or caller["id"]))[1] if caller else "",
        "is_current": key == task_id,
        "is_running": line["state"] == "running",
        "since": "" if since is None else stamp(since),
        "runtime": formats.duration(node["runtime"] if since is None else now - since),  # type: ignore[arg-type]
    }


def _since(node: dict[str, Any]) -> float | None:
    is_running = node["status"] in ("running", "stalled") and node["runtime"] is None
    return node["started_at"] if is_running else None
