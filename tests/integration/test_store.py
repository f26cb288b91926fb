import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.db import connections
from django.db.models import Model
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboard import models
from dashboard.store import Store
from realtime.core.task import Task
from realtime.core.workers import Worker
from realtime.ports import Changes, Gap, LeaseLost, StoreUnavailable
from tests.services import databases
from tests.services.postgresql import PostgresqlServer
from tests.unit.dashboard.records import tasks, workers

NOW = 1_795_000_000.0
TTL_S = 5.0

one_database_for_all_examples = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)


def task(id_: str, **known: object) -> Task:
    return replace(Task(id=id_, first_seen_at=NOW, updated_at=NOW, name="shop.mail"), **known)


def worker(name: str, **known: object) -> Worker:
    return replace(Worker(name=name, first_seen_at=NOW, last_heartbeat_at=NOW), **known)


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    """A store that holds the lease as `mine`."""
    store = Store(database)
    assert store.acquire("mine", "receiver-1", NOW, TTL_S)
    yield store
    store.close()


@pytest.fixture
def other(database: str) -> Iterator[Store]:
    """The store of a second receiver."""
    store = Store(database)
    yield store
    store.close()


def numbers(alias: str, model: type[Model] = models.Task) -> dict[str, int]:
    return dict(model._default_manager.using(alias).values_list("pk", "revision"))


@one_database_for_all_examples
@given(
    st.lists(tasks, max_size=4, unique_by=lambda t: t.id),
    st.lists(workers, max_size=2, unique_by=lambda w: w.name),
)
def test_what_was_committed_is_read_back_unchanged(
    store: Store, told: list[Task], heard: list[Worker]
) -> None:
    before = store.load([each.id for each in told])
    store.commit("mine", Changes(tasks=told, workers=heard))

    # The first of its times stands, whatever a later writer says.
    kept = [replace(t, first_seen_at=before.get(t.id, t).first_seen_at) for t in told]
    assert store.load([each.id for each in told]) == {each.id: each for each in kept}
    stored = {each.name: each for each in store.workers()}
    for each in heard:
        assert replace(stored[each.name], first_seen_at=each.first_seen_at) == each


def test_tasks_are_read_while_another_thread_commits(store: Store) -> None:
    store.commit("mine", Changes(tasks=[task("a")]))
    read: list[dict[str, Task]] = []

    class Reading(list[Gap]):
        """Gaps whose writing, in the midst of a commit, waits for another thread that reads."""

        def __iter__(self) -> Iterator[Gap]:
            reader = threading.Thread(target=lambda: read.append(store.load(["a", "b"])))
            reader.start()
            reader.join(10)
            return super().__iter__()

    store.commit("mine", Changes(tasks=[task("b")], gaps=Reading()))

    assert read == [{"a": task("a")}]
    assert store.load(["b"]) == {"b": task("b")}


def test_rows_are_numbered_in_order_tasks_before_workers(store: Store, database: str) -> None:
    first = store.commit("mine", Changes(tasks=[task("a"), task("b")], workers=[worker("w")]))
    second = store.commit("mine", Changes(tasks=[task("c"), task("a")]))

    assert first == ("e1", 0, 3)
    assert second == ("e1", 3, 5)
    assert numbers(database) == {"b": 2, "c": 4, "a": 5}
    assert numbers(database, models.Worker) == {"w": 3}
    assert store.stream().revision == 5


def test_an_update_never_touches_when_a_task_was_first_seen(store: Store) -> None:
    store.commit("mine", Changes(tasks=[task("a")]))
    store.commit("mine", Changes(tasks=[task("a", first_seen_at=NOW - 9, status="running")]))

    stored = store.load(["a"])["a"]
    assert (stored.first_seen_at, stored.status) == (NOW, "running")


def test_facts_learned_later_are_stored(store: Store) -> None:
    told = [
        task("a", name=None, queue="mail"),
        task("a", name=None, queue="mail", status="running"),
        task("a", name="shop.pay", queue="mail", owner="ann", status="running"),
        task("a", name="shop.pay", queue=None, owner="ann", status="completed"),
    ]
    for each in told:
        store.commit("mine", Changes(tasks=[each]))

        assert store.load(["a"]) == {"a": each}


def test_facts_of_a_batch_that_failed_are_not_taken_for_stored(store: Store) -> None:
    bad = replace(task("b"), status=None)
    store.commit("mine", Changes(tasks=[task("a", name="old")]))
    with pytest.raises(Exception, match=r"(?i)null"):
        store.commit("mine", Changes(tasks=[task("a", name="new"), bad]))

    store.commit("mine", Changes(tasks=[task("a", name="new")]))

    assert store.load(["a"])["a"].name == "new"


def test_facts_that_another_leader_stored_are_not_taken_for_ones_own(
    store: Store, other: Store
) -> None:
    store.commit("mine", Changes(tasks=[task("a", queue="mail")]))
    other.acquire("theirs", "receiver-2", NOW + 2 * TTL_S, TTL_S)
    other.commit("theirs", Changes(tasks=[task("a", queue="bulk")]))
    other.release("theirs")

    store.acquire("mine", "receiver-1", NOW, TTL_S)
    store.commit("mine", Changes(tasks=[task("a", queue="mail")]))

    assert store.load(["a"])["a"].queue == "mail"


def test_a_commit_without_the_lease_leaves_nothing(
    store: Store, other: Store, database: str
) -> None:
    assert other.acquire("theirs", "receiver-2", NOW + 2 * TTL_S, TTL_S)

    with pytest.raises(LeaseLost):
        store.commit("mine", Changes(tasks=[task("a")], gaps=[Gap(from_at=NOW)], covered_at=NOW))

    assert numbers(database) == {}
    info = store.stream()
    assert (info.revision, info.gap, info.covered_at) == (0, None, None)
    assert other.commit("theirs", Changes(tasks=[task("b")])) == ("e1", 0, 1)


def test_a_beat_without_the_lease_changes_nothing(store: Store, other: Store) -> None:
    other.acquire("theirs", "receiver-2", NOW + 2 * TTL_S, TTL_S)

    with pytest.raises(LeaseLost):
        store.beat("mine", NOW, TTL_S, {"lag_ms": 1})

    assert store.stream().alive_at is None


def test_the_lease_is_held_until_it_expires_or_is_given_back(store: Store, other: Store) -> None:
    assert not other.acquire("theirs", "receiver-2", NOW + 1, TTL_S)
    assert store.acquire("mine", "receiver-1", NOW + 1, TTL_S)
    assert not other.acquire("theirs", "receiver-2", NOW + TTL_S, TTL_S)

    other.release("theirs")
    assert not other.acquire("theirs", "receiver-2", NOW + TTL_S, TTL_S)

    store.release("mine")
    assert other.acquire("theirs", "receiver-2", NOW + TTL_S, TTL_S)
    assert other.stream().holder == "receiver-2"


def test_a_beat_tells_where_the_stream_stands(store: Store) -> None:
    store.commit("mine", Changes(gaps=[Gap(from_at=NOW - 9, reason="old")], covered_at=NOW))
    store.commit("mine", Changes(gaps=[Gap(from_at=NOW - 3, reason="broker")]))
    store.commit("mine", Changes(gaps=[Gap(from_at=NOW - 3, until_at=NOW, repaired=7)]))

    info = store.beat("mine", NOW + 1, TTL_S, {"lag_ms": 38, "state": "live"})

    assert info == store.stream()
    assert (info.alive_at, info.covered_at, info.holder) == (NOW + 1, NOW, "receiver-1")
    assert info.stats == {"lag_ms": 38, "state": "live"}
    assert info.gap == Gap(from_at=NOW - 3, until_at=NOW, reason="", repaired=7)


def test_live_tasks_come_newest_first_without_those_that_are_over(store: Store) -> None:
    told = [
        task("a", status="running", first_seen_at=NOW + 1),
        task("b", status="completed", conclusion="succeeded", first_seen_at=NOW + 2),
        task("c", status="queued", first_seen_at=NOW + 3),
        task("d", status="running", first_seen_at=NOW),
    ]
    store.commit("mine", Changes(tasks=told))

    assert [each.id for each in store.live(10)] == ["c", "a", "d"]
    assert [each.id for each in store.live(2)] == ["c", "a"]


def test_more_tasks_than_one_statement_takes_are_loaded(store: Store) -> None:
    told = [task(f"t{n}") for n in range(1200)]
    store.commit("mine", Changes(tasks=told))

    assert len(store.load([each.id for each in told] + ["never"])) == 1200


def test_a_row_that_cannot_be_stored_takes_the_whole_batch_with_it(
    store: Store, database: str
) -> None:
    bad = replace(task("b"), status=None)

    with pytest.raises(Exception, match=r"(?i)null"):
        store.commit("mine", Changes(tasks=[task("a"), bad], workers=[worker("w")]))

    assert numbers(database) == {}
    assert store.commit("mine", Changes(tasks=[task("a")])) == ("e1", 0, 1)


def test_two_writers_never_give_one_number_twice(store: Store, other: Store, database: str) -> None:
    """Both know the token, as a receiver and the web actions of one process do."""

    def write(writer: Store, name: str) -> None:
        for n in range(30):
            writer.commit("mine", Changes(tasks=[task(f"{name}{n}"), task(f"{name}{n}x")]))

    threads = [threading.Thread(target=write, args=each) for each in ((store, "a"), (other, "b"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(numbers(database).values()) == list(range(1, 121))
    assert store.stream().revision == 120


@databases.ONLY_SQLITE
def test_a_locked_sqlite_file_is_unavailable_and_then_available_again(
    store: Store, database: str
) -> None:
    connections[database].settings_dict["OPTIONS"]["timeout"] = 0.05
    store.close()
    with sqlite3.connect(connections[database].settings_dict["NAME"]) as holder:
        holder.isolation_level = None
        holder.execute("BEGIN IMMEDIATE")

        with pytest.raises(StoreUnavailable, match="locked"):
            store.commit("mine", Changes(tasks=[task("a")]))

        holder.execute("ROLLBACK")
    holder.close()
    connections[database].settings_dict["OPTIONS"]["timeout"] = 5
    assert store.commit("mine", Changes(tasks=[task("a")])).revision == 1


@databases.ONLY_SQLITE
def test_a_full_sqlite_disk_is_unavailable_and_leaves_nothing(store: Store, database: str) -> None:
    connection = store._writer._connected()
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages + 4}")
    many = [task(f"t{n}", exception="x" * 2000) for n in range(500)]

    with pytest.raises(StoreUnavailable, match="full"):
        store.commit("mine", Changes(tasks=many))

    assert numbers(database) == {}
    assert store.commit("mine", Changes(tasks=[task("a")])).revision == 1


@databases.ONLY_POSTGRESQL
def test_a_lost_connection_is_unavailable_and_the_next_call_reconnects(
    store: Store, database: str
) -> None:
    with connections[database].cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'headway-receiver'"
        )

    with pytest.raises(StoreUnavailable):
        store.commit("mine", Changes(tasks=[task("a")]))

    assert store.commit("mine", Changes(tasks=[task("a")])).revision == 1


def test_a_database_without_tables_is_unavailable_until_it_is_migrated(
    database: str,
) -> None:
    store = Store(database)
    with connections[database].cursor() as cursor:
        cursor.execute("ALTER TABLE headway_task RENAME TO elsewhere")
    try:
        with pytest.raises(StoreUnavailable, match="headway_task"):
            store.load(["a"])
    finally:
        with connections[database].cursor() as cursor:
            cursor.execute("ALTER TABLE elsewhere RENAME TO headway_task")

    assert store.load(["a"]) == {}
    store.close()


@databases.ONLY_POSTGRESQL
def test_a_holder_frozen_in_its_transaction_does_not_block_its_successor(
    store: Store, other: Store, database: str
) -> None:

    def thaw_after_the_successor_has_written() -> None:
        with store._writer.transaction():
            store._writer.execute("UPDATE headway_stream SET revision = revision + 1 WHERE id = 1")
            assert other.acquire("theirs", "receiver-2", NOW + 2 * TTL_S, TTL_S)
            assert other.commit("theirs", Changes(tasks=[task("b")])) == ("e1", 0, 1)

    with pytest.raises(StoreUnavailable):
        thaw_after_the_successor_has_written()
    assert numbers(database) == {"b": 1}
    with pytest.raises(LeaseLost):
        store.commit("mine", Changes(tasks=[task("a")]))


@databases.ONLY_POSTGRESQL
def test_rows_are_copied_before_the_lock_is_taken(
    store: Store, other: Store, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A holder frozen in its COPY, which no timeout ends, holds nothing that others need."""
    seen: list[bool] = []

    def stage(tasks: object, workers: object) -> None:
        seen.append(other.acquire("theirs", "receiver-2", NOW + 2 * TTL_S, TTL_S))

    monkeypatch.setattr(store._writer, "stage", stage)
    with pytest.raises(LeaseLost):
        store.commit("mine", Changes(tasks=[task("a")]))
    assert seen == [True]


@databases.ONLY_POSTGRESQL
def test_a_server_that_is_down_is_unavailable_until_it_is_back(
    store: Store, database: str, request: pytest.FixtureRequest
) -> None:
    server: PostgresqlServer = request.getfixturevalue("shared_postgresql")
    server.stop()
    try:
        with pytest.raises(StoreUnavailable):
            store.stream()
        with pytest.raises(StoreUnavailable):
            store.commit("mine", Changes(tasks=[task("a")]))
    finally:
        server.start()
    connections[database].close()

    assert store.commit("mine", Changes(tasks=[task("a")])).revision == 1


def test_an_emptied_database_begins_another_epoch(store: Store, database: str) -> None:
    with connections[database].cursor() as cursor:
        cursor.execute("DELETE FROM headway_stream")
    assert store.stream().epoch == ""

    assert store.acquire("mine", "receiver-1", NOW, TTL_S)
    assert store.stream().epoch not in ("", "e1")
