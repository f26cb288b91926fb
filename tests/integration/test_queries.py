import base64
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.db import connections, transaction
from django.db.backends.signals import connection_created

from dashboard import plans, queries, search, snapshots
from dashboard.queries import Reader
from dashboard.store import Store
from realtime.codec import decode, encode
from realtime.core import query, wire
from realtime.core.query import EVERYTHING
from realtime.core.task import CONCLUSIONS, STATUSES, Mark, Task
from realtime.core.workers import Worker
from realtime.ports import Changes, Page, Select, StoreUnavailable, TooCostly
from tests.services import databases
from tests.services.postgresql import PostgresqlServer

NOW = 1_795_000_000.0


def task(number: int, **known: object) -> Task:
    """The higher the number the newer; two of them are seen in the same second."""
    seen = NOW - 1000 + number // 2
    return replace(Task(id=f"t{number:04}", first_seen_at=seen, updated_at=seen), **known)


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    store = Store(database)
    assert store.acquire("mine", "receiver-1", NOW, 60)
    yield store
    store.close()


@pytest.fixture
def reader(database: str) -> Reader:
    return Reader(database)


@pytest.fixture
def small_search(monkeypatch: pytest.MonkeyPatch) -> int:
    """A search and a count that stop after 10 rows."""
    monkeypatch.setattr(queries, "MAX_SEARCHED", 10)
    monkeypatch.setattr(queries, "MAX_COUNTED", 10)
    return 10


def write(store: Store, *tasks: Task) -> None:
    store.commit("mine", Changes(tasks=tasks))


def page(reader: Reader, text: str = "", limit: int = 100, **more: object) -> Page:
    return reader.page(Select("tasks", query.parse(text), limit), EVERYTHING, NOW, **more)


def ids(page: Page) -> list[str]:
    return [str(row["id"]) for row in page.rows]


def walk(reader: Reader, text: str, limit: int) -> list[list[str]]:
    """The ids of every page down to the last."""
    found, after = [], None
    while True:
        answer = page(reader, text, limit, after=after)
        found.append(ids(answer))
        after = answer.after
        if after is None:
            return found


def test_pages_are_newest_first_and_neither_skip_nor_repeat(store: Store, reader: Reader) -> None:
    write(store, *(task(n) for n in range(7)))

    assert walk(reader, "", 3) == [
        ["t0006", "t0005", "t0004"],
        ["t0003", "t0002", "t0001"],
        ["t0000"],
    ]


def test_a_page_that_is_just_full_has_no_next_one(store: Store, reader: Reader) -> None:
    write(store, task(1), task(2))

    assert page(reader, limit=2).after is None


def test_a_page_tells_the_revision_it_was_read_at(store: Store, reader: Reader) -> None:
    write(store, task(1), task(2))

    answer = page(reader)

    assert (answer.epoch, answer.revision) == ("e1", 2)
    assert {row["id"]: row["revision"] for row in answer.rows} == {"t0001": 1, "t0002": 2}


def test_rows_and_revision_are_of_one_moment(
    store: Store, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(store, task(1))
    seen = queries._stream

    def stream_then_a_commit(snapshot: object) -> object:
        info = seen(snapshot)  # type: ignore[arg-type]
        writing = threading.Thread(target=write, args=(store, task(2)))
        writing.start()
        writing.join()
        return info

    monkeypatch.setattr(queries, "_stream", stream_then_a_commit)

    answer = page(reader)

    assert (answer.revision, ids(answer)) == (1, ["t0001"])


def test_lists_carry_list_rows_and_a_task_its_whole_row(store: Store, reader: Reader) -> None:
    marks = (
        Mark(NOW, 1, "started", "celery@w", 1, 0, {}),
        Mark(NOW + 1, 2, "failed", "celery@w", 1, 0, {"exception": "E()", "traceback": "T"}),
    )
    told = task(1, marks=marks, exception="E()", traceback="T", args=[1], kwargs={"a": "b"})
    write(store, told)
    whole = decode(encode(wire.task_row(told, 1)))

    assert page(reader).rows == [wire.list_row(whole)]
    assert reader.page(Select("task", ids=("t0001",)), EVERYTHING, NOW).rows == [whole]
    assert reader.changes("tasks", 0, 10) == [wire.task_row(told, 1)]


def test_ids_select_exactly_these_rows_where_they_match(store: Store, reader: Reader) -> None:
    write(store, *(task(n, owner="ann" if n % 2 else None) for n in range(6)))
    select = Select("tasks", ids=("t0001", "t0002", "t0005", "never"))

    assert ids(reader.page(select, EVERYTHING, NOW)) == ["t0005", "t0002", "t0001"]
    assert ids(reader.page(select, query.parse("owner:ann"), NOW)) == ["t0005", "t0001"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("status:running", ["t0003", "t0001"]),
        ("status:running,queued", ["t0003", "t0002", "t0001"]),
        ("-status:running", ["t0004", "t0002"]),
        ("name:shop.*", ["t0004", "t0001"]),
        ("status:running name:shop.*", ["t0001"]),
        ("name:shop.pay status:completed", ["t0004"]),
        ("PAY", ["t0004", "t0001"]),
        ("conclusion:failed error:Card*", ["t0004"]),
        ("kwarg.n:5", ["t0003"]),
        ("id:t0002,t0003", ["t0003", "t0002"]),
        ("since:999s", ["t0004", "t0003", "t0002"]),
        ("until:999s", ["t0001"]),
    ],
)
def test_a_query_selects_its_rows(
    store: Store, reader: Reader, text: str, expected: list[str]
) -> None:
    write(
        store,
        task(1, status="running", name="shop.pay"),
        task(2, status="queued"),
        task(3, status="running", kwargs={"n": 5}),
        task(4, status="completed", conclusion="failed", name="shop.pay", exception="CardError()"),
    )

    assert ids(page(reader, text)) == expected
    assert [id_ for part in walk(reader, text, 1) for id_ in part] == expected


def test_rights_narrow_every_query(store: Store, reader: Reader) -> None:
    write(store, *(task(n, owner="ann" if n % 2 else "bob", status="queued") for n in range(6)))
    own = query.parse("owner:ann")

    answer = reader.page(Select("tasks", query.parse("status:queued")), own, NOW)

    assert ids(answer) == ["t0005", "t0003", "t0001"]
    assert reader.counts(EVERYTHING, own, NOW)["queued"] == (3, False)


def test_a_costly_query_stops_and_says_how_far_it_searched(
    store: Store, reader: Reader, small_search: int
) -> None:
    write(store, *(task(n, retries=7 if n == 4 else 0) for n in range(30)))

    first = page(reader, "retries:7")
    second = page(reader, "retries:7", after=first.after)
    third = page(reader, "retries:7", after=second.after)

    assert (ids(first), first.searched_back_to) == ([], task(20).first_seen_at)
    assert (ids(second), second.searched_back_to) == ([], task(10).first_seen_at)
    assert ids(third) == ["t0004"]
    assert page(reader, "retries:7", after=third.after).after is None


def test_a_costly_query_over_several_values_loses_none(
    store: Store, reader: Reader, small_search: int
) -> None:
    """One value's rows end where the other's go far back."""
    told = [task(n, status="queued", retries=7) for n in range(20)]
    told += [task(n, status="running", retries=7) for n in range(20, 23)]
    write(store, *told)

    found = [id_ for part in walk(reader, "retries:7 status:queued,running", 4) for id_ in part]

    assert found == [f"t{n:04}" for n in reversed(range(23))]


def test_an_indexed_query_is_answered_however_far_it_goes(
    store: Store, reader: Reader, small_search: int
) -> None:
    write(store, task(0, name="rare"), *(task(n) for n in range(1, 30)))

    answer = page(reader, "name:rare")

    assert (ids(answer), answer.searched_back_to) == (["t0000"], None)


def test_a_beginning_that_few_tasks_have_is_found_however_old_they_are(
    store: Store, reader: Reader, small_search: int
) -> None:
    rare = [task(n, name="rare.job", status="queued" if n else "running") for n in range(3)]
    write(store, *rare, *(task(n, name="shop.mail") for n in range(3, 30)))

    assert walk(reader, "name:rare.*", 2) == [["t0002", "t0001"], ["t0000"]]
    assert walk(reader, "name:rare.* status:running", 2) == [["t0000"]]
    assert walk(reader, "name:none.*", 2) == [[]]


def test_a_beginning_that_many_tasks_have_is_searched_for(
    store: Store, reader: Reader, small_search: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MAX_FOUND", 2)
    write(store, *(task(n, name=f"job{n}.{n % 2}") for n in range(25)))

    answer = page(reader, "name:job*", limit=4)

    assert ids(answer) == ["t0024", "t0023", "t0022", "t0021"]
    found = [id_ for part in walk(reader, "name:job*", 4) for id_ in part]
    assert found == [f"t{n:04}" for n in reversed(range(25))]


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "%00",
        "é",
        "a" * 5000,
        base64.urlsafe_b64encode(b"[1.0]").decode(),
        base64.urlsafe_b64encode(b'["x","t1"]').decode(),
        base64.urlsafe_b64encode(b'[1.0,"\\u0000"]').decode(),
        base64.urlsafe_b64encode(b'[1.0,"a","b"]').decode(),
        base64.urlsafe_b64encode(b'[1.0,["a"]]').decode(),
        base64.urlsafe_b64encode(b"{}").decode(),
        base64.urlsafe_b64encode(b"[1e999,1]").decode(),
    ],
)
def test_a_cursor_that_is_none_is_refused_with_the_next_step(reader: Reader, cursor: str) -> None:
    with pytest.raises(ValueError, match=r"is no cursor of a list: take `after` from"):
        page(reader, after=cursor)


def test_changes_come_oldest_first_and_not_beyond_the_limit(store: Store, reader: Reader) -> None:
    write(store, task(1), task(2), task(3))
    write(store, task(1, status="running"))

    changes = reader.changes("tasks", 1, 3)

    assert changes is not None
    assert [(row["id"], row["revision"]) for row in changes] == [
        ("t0002", 2),
        ("t0003", 3),
        ("t0001", 4),
    ]
    assert reader.changes("tasks", 0, 2) is None
    assert reader.changes("tasks", 4, 2) == []


def test_workers_are_read_whole_by_name(store: Store, reader: Reader) -> None:
    told = [
        Worker(name=name, first_seen_at=NOW, last_heartbeat_at=NOW, queues=("a", "b"))
        for name in ("celery@b", "celery@a")
    ]
    store.commit("mine", Changes(workers=told))
    expected = decode(encode([wire.worker_row(told[1], 2), wire.worker_row(told[0], 1)]))

    answer = reader.page(Select("workers"), EVERYTHING, NOW)
    one = reader.page(Select("worker", ids=("celery@b",)), EVERYTHING, NOW)

    assert (decode(encode(answer.rows)), answer.revision) == (expected, 2)
    assert decode(encode(one.rows)) == expected[1:]
    assert decode(encode(reader.changes("workers", 1, 9))) == expected[:1]


def test_counts_tell_every_status_and_conclusion(store: Store, reader: Reader) -> None:
    write(
        store,
        task(1, status="running", name="a"),
        task(2, status="running", name="b"),
        task(3, status="completed", conclusion="failed", name="a"),
        task(4, status="completed", conclusion="succeeded", name="a"),
    )
    zero = dict.fromkeys((*STATUSES, *CONCLUSIONS), (0, False))
    own = {"completed": (2, False), "failed": (1, False), "succeeded": (1, False)}

    assert reader.counts(EVERYTHING, EVERYTHING, NOW) == {
        **zero,
        **own,
        "running": (2, False),
        "all": (4, False),
    }
    assert reader.counts(query.parse("name:a"), EVERYTHING, NOW) == {
        **zero,
        **own,
        "running": (1, False),
        "all": (3, False),
    }


def test_counts_ignore_the_states_that_the_query_asks_for(store: Store, reader: Reader) -> None:
    write(store, task(1, status="running", name="a"), task(2, status="queued", name="a"))
    asked = query.parse("name:a status:running conclusion:failed state:RETRY")

    assert reader.counts(asked, EVERYTHING, NOW) == reader.counts(
        query.parse("name:a"), EVERYTHING, NOW
    )


def test_counts_of_states_within_the_rights_of_the_viewer(store: Store, reader: Reader) -> None:
    write(store, task(1, status="running"), task(2, status="queued"))

    counts = reader.counts(query.parse("status:queued"), query.parse("status:running"), NOW)

    assert (counts["all"], counts["running"], counts["queued"]) == (
        (1, False),
        (1, False),
        (0, False),
    )


def test_counts_stop_at_their_cap_and_say_so(
    store: Store, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.counting.counted.__defaults__", (5,))
    write(store, *(task(n, status="running" if n else "queued", name="a") for n in range(7)))

    for asked in (EVERYTHING, query.parse("name:a"), query.parse("since:1h")):
        counts = reader.counts(asked, EVERYTHING, NOW)
        assert (counts["all"], counts["running"], counts["queued"]) == (
            (5, True),
            (5, True),
            (1, False),
        )


def test_counts_of_a_costly_query_are_lower_bounds_but_open_tasks_are_all_found(
    store: Store, reader: Reader, small_search: int
) -> None:
    over = {"status": "completed", "conclusion": "succeeded", "retries": 7}
    write(store, task(0, status="running", retries=7), *(task(n, **over) for n in range(1, 30)))

    counts = reader.counts(query.parse("retries:7"), EVERYTHING, NOW)

    assert counts["running"] == (1, False)
    assert counts["succeeded"] == (10, True)
    assert counts["all"] == (11, True)


def test_a_reader_inside_the_hosts_transaction_leaves_it_open(
    store: Store, reader: Reader, database: str
) -> None:
    write(store, task(1))

    with transaction.atomic(using=database):
        assert ids(page(reader)) == ["t0001"]
        assert connections[database].in_atomic_block


@databases.ONLY_SQLITE
def test_a_reader_does_not_wait_for_a_writer(
    store: Store, reader: Reader, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(
        connections[database].settings_dict["OPTIONS"], "transaction_mode", "IMMEDIATE"
    )
    write(store, task(1))

    with store._writer.transaction():
        store._writer.execute("UPDATE headway_stream SET revision = 99")
        assert page(reader).revision == 1


@databases.ONLY_POSTGRESQL
def test_a_connection_that_died_is_made_anew(store: Store, reader: Reader, database: str) -> None:
    write(store, task(1))
    connection = connections[database]
    connection.ensure_connection()
    store._writer.fetch(
        "SELECT pg_terminate_backend(%s)", (connection.connection.info.backend_pid,)
    )

    assert ids(page(reader)) == ["t0001"]


@databases.ONLY_POSTGRESQL
def test_a_server_that_is_down_is_unavailable(
    reader: Reader, database: str, shared_postgresql: PostgresqlServer
) -> None:
    shared_postgresql.stop()
    try:
        with pytest.raises(StoreUnavailable):
            reader.stream()
    finally:
        shared_postgresql.start()

    assert reader.stream().epoch == "e1"


def test_threads_read_at_once_by_one_connection_each(
    store: Store, reader: Reader, database: str
) -> None:
    write(store, *(task(n) for n in range(50)))
    made: list[str] = []

    def note(**_: Any) -> None:
        made.append(threading.current_thread().name)

    def read() -> None:
        for _ in range(10):
            assert len(page(reader).rows) == 50
        connections[database].close()

    threads = [threading.Thread(target=read) for _ in range(4)]
    connection_created.connect(note)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(made) == sorted(thread.name for thread in threads)


@databases.ONLY_SQLITE
@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("", "headway_task_seen"),
        ("since:1h", "headway_task_seen"),
        ("name:shop.pay", "headway_task_name"),
        ("status:running until:1h", "headway_task_status"),
        ("conclusion:failed", "headway_task_conclusion"),
        ("queue:mail", "headway_task_queue"),
        ("worker:celery@a", "headway_task_worker"),
        ("root:a", "headway_task_root"),
        ("group:a", "headway_task_group"),
        ("owner:ann", "headway_task_owner"),
        ("signature:9c01", "headway_task_signature"),
    ],
)
def test_an_index_gives_the_rows_in_the_order_of_pages(
    database: str, text: str, index: str
) -> None:
    plan = plans.plan(query.parse(text))
    [statement] = [
        plans.branch(each, ("first_seen_at", "id"), 100, NOW, "sqlite") for each in plan.branches
    ]
    with connections[database].cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {statement.sql}", statement.parameters)
        steps = " ".join(step[3] for step in cursor.fetchall())

    assert plan.is_indexed
    assert f"INDEX {index} " in f"{steps} "
    assert "TEMP B-TREE" not in steps


@pytest.mark.parametrize("of", ["tasks", "task", "worker"])
def test_ids_that_no_store_can_hold_find_nothing(reader: Reader, store: Store, of: str) -> None:
    write(store, task(1))
    select = Select(of, ids=("a\x00b", "t0001") if of == "tasks" else ("a\x00b",))

    assert ids(reader.page(select, EVERYTHING, NOW)) == (["t0001"] if of == "tasks" else [])


@pytest.fixture
def endless(database: str) -> str:
    """A statement that does not end by itself in the time of a test."""
    if connections[database].vendor == "postgresql":
        return "SELECT pg_sleep(60)"
    return (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000)"
        " SELECT count(*) FROM n"
    )


def test_a_read_that_takes_too_long_is_given_up_and_the_next_one_is_not(
    database: str, reader: Reader, endless: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "MAX_READ_S", 0.2)
    with pytest.raises(TooCostly):
        snapshots.read(database, lambda snapshot: snapshot.fetch(endless))
    assert page(reader).rows == []
