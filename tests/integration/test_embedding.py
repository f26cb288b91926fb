"""What people who wait are told from, on both databases: groups, hand-overs, places, durations."""

import contextlib
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections

from dashboard import models
from dashboard.public import MAX_SUBJECTS, MIN_RUNS, PublicReader
from dashboard.queries import Reader
from dashboard.store import Store
from realtime import testing
from realtime.core.expected import HANDED_OVER, Expectation
from realtime.core.groups import MAX_TOTAL, Group
from realtime.core.progress import reported
from realtime.core.public import EXPECTED_S
from realtime.core.task import Task
from realtime.core.wire import group_row
from realtime.embedding import Expected
from realtime.ports import Changes, LeaseLost, StoreUnavailable
from realtime.testing import AT
from tests.integration.test_rollups import Cluster

WHOLE = Group(
    id="g1",
    first_seen_at=AT,
    updated_at=AT + 9,
    total=30,
    parts=30,
    succeeded=20,
    failed=2,
    cancelled=1,
    running=4,
    waiting=3,
    fractions=0.25,
    furthest=77.5,
    finished_at=AT + 8,
)
BARE = Group(id="g2", first_seen_at=AT, updated_at=AT)


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    """A store that holds the lease as `mine`."""
    store = Store(database)
    assert store.acquire("mine", "receiver-1", AT, 5.0)
    yield store
    store.close()


@pytest.fixture
def reader(database: str) -> PublicReader:
    return PublicReader(database, clock=lambda: AT)


def task(id_: str, seen: float = 0.0, **more: Any) -> Task:
    told = {"status": "queued", "queue": "mail", "name": "shop.mail"} | more
    return Task(id=id_, first_seen_at=AT + seen, updated_at=AT + seen, **told)


def test_groups_are_read_back_as_they_were_written_and_numbered_between_workers_and_queues(
    store: Store, database: str
) -> None:
    commit = store.commit("mine", Changes(tasks=[task("a")], groups=[WHOLE, BARE]))
    assert commit.revision - commit.previous == 3
    assert store.groups(["g1", "g2", "g3"]) == {"g1": WHOLE, "g2": BARE}
    later = replace(WHOLE, succeeded=21, first_seen_at=AT - 5)
    store.commit("mine", Changes(groups=[later]))
    assert store.groups(["g1"]) == {"g1": later}
    changes = Reader(database).changes("groups", commit.previous, 10)
    assert changes == [
        group_row(BARE, commit.previous + 3),
        group_row(later, commit.revision + 1),
    ]


def test_whoever_lost_the_lease_writes_no_group(store: Store) -> None:
    with pytest.raises(LeaseLost):
        store.commit("another", Changes(groups=[WHOLE]))
    assert store.groups(["g1"]) == {}


def test_the_first_word_counts_a_total_grows_and_the_leader_is_told_of_both(
    store: Store, reader: PublicReader
) -> None:
    reader.vouch({"task:a": Expected(AT), "group:g1": Expected(AT, 12)})
    found = store.expectations(10)
    assert [(each.subject, each.at, each.total) for each in found] == [
        ("group:g1", AT, 12),
        ("task:a", AT, None),
    ]
    store.take_expectations(found, None)
    assert store.expectations(10) == []
    reader.vouch({"task:a": Expected(AT + 5), "group:g1": Expected(AT + 5, 9)})
    assert store.expectations(10) == []
    reader.vouch({"group:g1": Expected(AT + 5, 30)})
    assert store.expectations(10) == [Expectation(found[0].id, "group:g1", AT, 30)]


def test_a_total_that_grew_while_the_leader_took_it_up_is_told_again(
    store: Store, reader: PublicReader
) -> None:
    reader.vouch({"task:a": Expected(AT), "group:g1": Expected(AT)})
    found = store.expectations(10)
    reader.vouch({"group:g1": Expected(AT + 1, 12)})
    store.take_expectations(found, None)
    (again,) = store.expectations(10)
    assert (again.subject, again.total) == ("group:g1", 12)
    store.take_expectations([again], None)
    assert store.expectations(10) == []


def test_vouching_again_writes_nothing(reader: PublicReader, database: str) -> None:
    reader.vouch({"task:a": Expected(AT)})
    with _counted(database) as statements:
        reader.vouch({"task:a": Expected(AT + 1)})
    assert not [sql for sql in statements if "INSERT" in sql]


@contextlib.contextmanager
def _counted(alias: str) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        statements.append(sql)
        return execute(sql, params, many, context)

    with connections[alias].execute_wrapper(note):
        yield statements


def test_many_at_once_hostile_ones_and_none_are_all_right(
    store: Store, reader: PublicReader
) -> None:
    reader.vouch({})
    reader.vouch({f"task:{n}": Expected(AT) for n in range(501)})
    hostile = ["task:a\x00", "task:", "queue:mail", "", "task:\ud800", f"task:{'a' * 300}", 7]
    reader.vouch(dict.fromkeys(hostile, Expected(AT)))  # type: ignore[arg-type]
    reader.vouch({"group:big": Expected(AT, 10**30), "group:odd": Expected(AT, -4)})
    assert len(store.expectations(1000)) == 503
    assert reader.public(hostile).expected == {}  # type: ignore[arg-type]
    assert reader.public(["group:big"]).expected["group:big"].total == MAX_TOTAL
    with pytest.raises(ValueError, match=str(MAX_SUBJECTS)):
        reader.public([f"task:{n}" for n in range(501)])


def test_old_words_are_forgotten_a_few_at_a_time(store: Store, reader: PublicReader) -> None:
    reader.vouch({"task:old": Expected(AT - 90_000), "task:new": Expected(AT)})
    store.take_expectations([], AT - 86_400)
    assert reader.public(["task:old", "task:new"]).expected.keys() == {"task:new"}


def test_one_page_holds_tasks_groups_and_words_in_at_most_three_statements(
    store: Store, reader: PublicReader, database: str
) -> None:
    store.commit("mine", Changes(tasks=[task("a", label="x")], groups=[WHOLE]))
    reader.vouch({"task:later": Expected(AT)})
    with _counted(database) as statements:
        page = reader.public(["task:a", "group:g1", "task:later", "task:never", "group:never"])
    assert len([sql for sql in statements if sql.startswith("SELECT") and "FROM" in sql]) <= 3
    assert page.tasks.keys() == {"a"}
    assert page.tasks["a"]["label"] == "x"
    assert "attempts" in page.tasks["a"]
    assert page.groups == {"g1": group_row(WHOLE, 2)}
    assert page.expected == {"task:later": Expected(AT)}
    assert (page.epoch, page.revision) == ("e1", 2)


def test_an_emptied_database_knows_nothing_and_says_so(reader: PublicReader, database: str) -> None:
    models.Stream.objects.using(database).all().delete()
    assert reader.public(["task:a"]) == ({}, {}, {}, "", 0)


def test_places_are_told_per_queue_oldest_first_and_of_waiting_tasks_alone(
    store: Store, reader: PublicReader
) -> None:
    waiting = [task("late", 9.0), task("early", 1.0), task("other", 0.5, queue="slow")]
    gone = task("gone", 0.0, status="completed", conclusion="succeeded")
    store.commit("mine", Changes(tasks=[*waiting, gone, task("run", 0.2, status="running")]))
    places = reader.places(["mail", "slow", "empty", "\x00"])
    assert places == {
        "mail": [(AT + 1.0, "early"), (AT + 9.0, "late")],
        "slow": [(AT + 0.5, "other")],
        "empty": [],
    }
    assert reader.places([]) == {}


def test_however_many_queues_are_asked_about_one_look_tells(
    store: Store, reader: PublicReader, database: str
) -> None:
    tasks = [task(f"t{n}", float(n), status="queued", queue=f"q{n % 40}") for n in range(80)]
    store.commit("mine", Changes(tasks=tasks))
    with _counted(database) as statements:
        lines = reader.places([f"q{n}" for n in range(40)])
    assert [id_ for _, id_ in lines["q7"]] == ["t7", "t47"]
    assert len([sql for sql in statements if "headway_task" in sql]) == 1


def test_what_is_usual_is_told_after_some_runs(database: str, reader: PublicReader) -> None:
    cluster = Cluster(database)
    at = cluster.clock()
    for n in range(MIN_RUNS):
        _run(cluster, f"m{n}", "shop.mail", at, 40.0 + n)
    _run(cluster, "p0", "shop.pay", at, 3.0)
    for _ in range(4):
        cluster.house.turn()
    usual = PublicReader(database, clock=cluster.clock).usual(["shop.mail", "shop.pay", "none"])
    assert usual.keys() == {"shop.mail"}
    low, high, median = usual["shop.mail"]
    assert 36 < low <= median <= high < 50
    cluster.store.close()


def _run(cluster: Cluster, id_: str, name: str, at: float, runtime: float) -> None:
    cluster.house.turn(
        testing.task_received(id_, at=at, name=name),
        testing.task_succeeded(id_, at=at + runtime, runtime=runtime),
    )


def test_a_store_that_is_away_says_so(monkeypatch: pytest.MonkeyPatch, database: str) -> None:
    options = {**connections[database].settings_dict, "NAME": "/nowhere/at/all.sqlite3"}
    if connections[database].vendor == "postgresql":
        options |= {"HOST": "127.0.0.1", "PORT": "1"}
    connections[database].close()
    monkeypatch.setattr(connections[database], "settings_dict", options)
    reader = PublicReader(database)
    with pytest.raises(StoreUnavailable):
        reader.public(["task:a"])
    with pytest.raises(StoreUnavailable):
        reader.vouch({"task:a": Expected(AT)})


@pytest.mark.parametrize("seed", range(2))
def test_thirty_members_add_up_though_commits_are_in_doubt_and_receivers_follow_each_other(
    database: str, seed: int
) -> None:
    rng = random.Random(seed)  # noqa: S311
    cluster = Cluster(database)
    events = []
    for n in range(30):
        ended = testing.task_failed if n in (7, 19) else testing.task_succeeded
        id_ = f"m{n}"
        events += [
            testing.task_context(id_, group="g1", group_size=30),
            testing.task_received(id_),
            ended(id_, at=AT + 2),
        ]
    rng.shuffle(events)
    while events:
        size = rng.randint(1, 25)
        cluster.store.faults = rng.choices(["none", "before", "after"], k=2)
        with contextlib.suppress(StoreUnavailable):
            cluster.house.turn(*events[:size])
        cluster.waiting.append(tuple(events[:size]))
        del events[:size]
        if rng.random() < 0.3:
            cluster.store.faults = []
            cluster.store.close()
            cluster.start()
    cluster.store.faults = []
    for _ in range(3):
        cluster.house.turn()
    [told] = cluster.store.groups(["g1"]).values()
    cluster.store.close()
    assert (told.total, told.parts, told.succeeded, told.failed) == (30, 30, 28, 2)
    assert (told.running, told.waiting, told.conclusion) == (0, 0, "failed")


def test_what_was_vouched_for_shows_as_handed_over_and_then_as_what_it_is(database: str) -> None:
    cluster = Cluster(database)
    reader = PublicReader(database)
    reader.vouch({"task:a": Expected(cluster.clock()), "group:g1": Expected(cluster.clock(), 12)})
    cluster.house.turn()
    page = reader.public(["task:a", "group:g1"])
    assert (page.tasks["a"]["status"], page.tasks["a"]["reason"]) == ("queued", HANDED_OVER)
    assert (page.groups["g1"]["total"], page.groups["g1"]["waiting"]) == (12, 12)
    cluster.house.turn(testing.task_started("a", at=cluster.clock()))
    assert reader.public(["task:a"]).tasks["a"]["status"] == "running"
    cluster.clock.advance(EXPECTED_S)
    cluster.store.close()


def test_the_migration_adds_up_the_groups_of_tasks_that_are_stored(
    database: str, django_db_blocker: Any
) -> None:
    store = Store(database)
    assert store.acquire("mine", "receiver-1", AT, 5.0)
    half = reported({"current": 5.0, "total": 10.0}, retries=0, at=AT, clock=1)
    cluster = [
        task("a", 1, status="completed", conclusion="succeeded", group_id="g1", finished_at=AT + 5),
        task("b", 2, status="completed", conclusion="lost", group_id="g1"),
        task("c", 3, status="completed", conclusion="cancelled", group_id="g1", finished_at=AT + 4),
        task("d", 4, status="running", group_id="g1", progress=half),
        task("e", 0, status="queued", group_id="g1"),
        task("f", 0, status="stalled", group_id="g2"),
        task("g", 0),
    ]
    store.commit("mine", Changes(tasks=cluster))
    before = store.stream().revision
    call_command("migrate", "headway", "0004", database=database, verbosity=0)
    call_command("migrate", "headway", database=database, verbosity=0)
    told = store.groups(["g1", "g2"])
    assert told["g1"] == Group(
        id="g1",
        first_seen_at=AT,
        updated_at=AT + 4,
        parts=5,
        succeeded=1,
        failed=1,
        cancelled=1,
        running=1,
        waiting=1,
        fractions=0.5,
        finished_at=AT + 5,
    )
    assert (told["g2"].parts, told["g2"].running) == (1, 1)
    assert store.stream().revision == before + 2
    rows = Reader(database).changes("groups", before, 10)
    assert rows is not None
    assert sorted(row["revision"] for row in rows) == [before + 1, before + 2]  # type: ignore[type-var]
    store.close()


def test_a_database_without_a_stream_is_migrated_too(database: str) -> None:
    store = Store(database)
    assert store.acquire("mine", "receiver-1", AT, 5.0)
    store.commit("mine", Changes(tasks=[task("a", group_id="g1")]))
    call_command("migrate", "headway", "0004", database=database, verbosity=0)
    models.Stream.objects.using(database).all().delete()
    call_command("migrate", "headway", database=database, verbosity=0)
    assert store.groups(["g1"])["g1"].waiting == 1
    store.close()
