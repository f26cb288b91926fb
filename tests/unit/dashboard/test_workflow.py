"""The workflow of a task as data and as lines."""

from typing import Any

from dashboard import workflow
from dashboard.trees import _COLUMNS, Tree
from realtime.core import query as language
from tests.unit.dashboard.samples import NOW, task, unfinished

CURSOR = {"epoch": "e", "revision": 1}


def node(key: str, parent: str | None = None, **fields: Any) -> dict[str, Any]:
    row = task(1, id=key, name=f"shop.{key}", parent_id=parent, **fields)
    return {name: row[name] for name in _COLUMNS}


def tree(*nodes: dict[str, Any], **fields: Any) -> Tree:
    return Tree(**{"root_id": "a", "nodes": {n["id"]: n for n in nodes}, "is_cut": False} | fields)


def panel(told: Tree, task_id: str = "a") -> dict[str, Any]:
    return workflow.panel(told, task_id, CURSOR, NOW)


def test_a_task_alone_has_no_workflow_to_show() -> None:
    assert not panel(tree(node("a")))["is_shown"]


def test_each_line_follows_its_caller_and_is_set_in_further() -> None:
    told = panel(tree(node("a"), node("b", "a"), node("c", "a"), node("d", "b")))
    lines = [(line["id"], line["depth"], line["caller"]) for line in told["lines"]]
    assert lines == [("a", 0, ""), ("b", 1, "a"), ("d", 2, "b"), ("c", 1, "a")]
    assert told["is_wide"]
    assert told["count"] == "4 of 4 done"


def test_callers_that_are_hidden_and_circles_leave_nobody_out() -> None:
    told = panel(tree(node("x", "gone"), node("a", "b"), node("b", "a"), node("s", "s")))
    assert sorted(line["id"] for line in told["lines"]) == ["a", "b", "s", "x"]


def test_five_hundred_in_a_chain_are_told() -> None:
    chain = [node(f"n{n}", f"n{n - 1}") for n in range(500)]
    told = panel(tree(*chain))
    assert [line["id"] for line in told["lines"]] == [one["id"] for one in chain]
    assert max(line["depth"] for line in told["lines"]) == 6


def test_a_running_task_counts_on() -> None:
    running = unfinished(1, "running", "STARTED", started_at=NOW - 9)
    told = panel(tree(node("a", **{k: running[k] for k in ("status", "conclusion", "runtime")})))
    [line] = told["lines"]
    assert line["since"]
    assert told["count"] == "0 of 1 done"


def test_the_live_query_names_the_roots_that_fit() -> None:
    roots = tuple(f"{n:08d}-41b7-4a52-8e0a-000000000000" for n in range(100))
    text = panel(tree(node("a"), roots=("a", *roots)))["data"]["query"]
    assert text.startswith("root:a,00000000-41b7")
    assert len(text) <= language.MAX_LENGTH
    matches = language.predicate(language.parse(text), NOW)
    assert matches(task(1, root_id=roots[3]))


def test_odd_ids_of_roots_are_quoted() -> None:
    told = panel(tree(node("a"), root_id='a "b", c', roots=('a "b", c', "d e")))
    matches = language.predicate(language.parse(told["data"]["query"]), NOW)
    assert matches(task(1, root_id='a "b", c'))
    assert matches(task(1, root_id="d e"))
