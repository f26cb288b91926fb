"""Workflows, on each database."""

from collections.abc import Iterator

import pytest

from dashboard import snapshots, trees
from dashboard.store import Store
from dashboard.trees import Tree
from realtime.core import query
from realtime.core.query import EVERYTHING, Query
from realtime.core.task import Task
from realtime.ports import Changes

NOW = 1_795_000_000.0


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    store = Store(database)
    assert store.acquire("mine", "receiver-1", NOW, 60)
    yield store
    store.close()


def task(id_: str, seen: float = 0, **known: object) -> Task:
    return Task(id=id_, first_seen_at=NOW + seen, updated_at=NOW, **known)  # type: ignore[arg-type]


def write(store: Store, *tasks: Task) -> None:
    store.commit("mine", Changes(tasks=tasks))


def tree(database: str, id_: str, rows: Query = EVERYTHING) -> Tree | None:
    return snapshots.read(database, lambda snapshot: trees.tree(snapshot, id_, rows, NOW))


def test_a_task_alone_is_its_own_root(store: Store, database: str) -> None:
    write(store, task("a"), task("b"))
    found = tree(database, "a")
    assert found is not None
    assert (found.root_id, list(found.nodes), found.is_cut) == ("a", ["a"], False)


def test_what_was_seen_first_comes_first_and_the_rest_is_cut(
    store: Store, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trees, "MAX_NODES", 3)
    write(store, task("root"), *(task(f"n{n}", n, root_id="root") for n in range(1, 5)))
    found = tree(database, "n4")
    assert found is not None
    assert (list(found.nodes), found.is_cut) == (["root", "n1", "n2"], True)


def test_a_root_that_was_never_seen_leaves_its_tree(store: Store, database: str) -> None:
    write(store, task("a", root_id="gone", parent_id="gone"), task("b", 1, root_id="gone"))
    found = tree(database, "b")
    assert found is not None
    assert (found.root_id, list(found.nodes)) == ("gone", ["a", "b"])
    assert found.nodes["a"]["parent_id"] == "gone"


def test_hidden_tasks_are_absent_and_nothing_is_told_from_them(store: Store, database: str) -> None:
    own = query.parse("owner:ann")
    write(store, task("root"), task("mine", 1, root_id="root", owner="ann"))
    found = tree(database, "mine", own)
    assert found is not None
    assert list(found.nodes) == ["mine"]
    assert tree(database, "root", own) is None
    assert tree(database, "never was") is None
    assert tree(database, "a\x00") is None


def test_a_group_that_a_client_sent_belongs_together_with_what_follows_it(
    store: Store, database: str
) -> None:
    members = [task(f"m{n}", n, root_id=f"m{n}", group_id="g") for n in range(3)]
    body = task("body", 5, root_id="m2", parent_id="m2")
    write(store, *members, body, task("alone", 6, root_id="alone"))
    for each in ("m0", "m2", "body"):
        found = tree(database, each)
        assert found is not None
        assert list(found.nodes) == ["m0", "m1", "m2", "body"]
        assert sorted(found.roots) == ["m0", "m1", "m2"]
        assert not found.is_cut


def test_hidden_members_of_a_group_are_absent(store: Store, database: str) -> None:
    write(
        store,
        task("mine", root_id="mine", group_id="g", owner="ann"),
        task("other", 1, root_id="other", group_id="g", owner="bob"),
    )
    found = tree(database, "mine", query.parse("owner:ann"))
    assert found is not None
    assert (list(found.nodes), found.roots) == (["mine"], ("mine",))
