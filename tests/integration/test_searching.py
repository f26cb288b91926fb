"""What the indexes find is what the query selects: no row more, none less, on both databases."""

import importlib
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboard import plans, queries, search, snapshots, texts
from dashboard.queries import Reader
from dashboard.store import Store
from realtime.core import query, wire
from realtime.core.query import EVERYTHING
from realtime.core.task import Task
from realtime.ports import Changes, Select
from tests.services import databases

NOW = 1_795_000_000.0
UUID = "3f2a1b2c-0000-4000-8000-{:012x}"
migration = importlib.import_module("dashboard.migrations.0004_search")


def task(number: int, **known: Any) -> Task:
    """The higher the number the newer; two of them are seen in the same second."""
    seen = NOW - 1000 + number // 2
    told = {"id": UUID.format(number), "first_seen_at": seen, "updated_at": seen, **known}
    return Task(**told)


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    store = Store(database)
    assert store.acquire("mine", "receiver-1", NOW, 60)
    yield store
    store.close()


@pytest.fixture
def small_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search and a count that stop after 10 rows."""
    monkeypatch.setattr(queries, "NEAR", (4, 10))
    monkeypatch.setattr(queries, "MAX_SEARCHED", 10)
    monkeypatch.setattr(queries, "MAX_COUNTED", 10)


def write(store: Store, *tasks: Task) -> None:
    store.commit("mine", Changes(tasks=tasks))


def walk(database: str, text: str, limit: int = 100) -> list[str]:
    """The ids of all pages, in their order."""
    reader, after = Reader(database), None
    found: list[str] = []
    while True:
        page = reader.page(Select("tasks", query.parse(text), limit), EVERYTHING, NOW, after=after)
        found += [str(row["id"]) for row in page.rows]
        after = page.after
        if after is None:
            return found


def first(database: str, text: str) -> list[str]:
    """The ids of the first page, which was not searched for row by row."""
    page = Reader(database).page(Select("tasks", query.parse(text)), EVERYTHING, NOW)
    assert page.searched_back_to is None
    return [str(row["id"]) for row in page.rows]


def selected(text: str, tasks: list[Task]) -> list[str]:
    """What the predicate selects, in the order of pages."""
    fits = query.predicate(query.parse(text), NOW)
    found = [each for each in tasks if fits(wire.task_row(each, 1))]
    return [t.id for t in sorted(found, key=lambda t: (t.first_seen_at, t.id), reverse=True)]


# -- whatever is asked -----------------------------------------------------------------------------

_words = st.sampled_from(
    [
        "pay",
        "PAY",
        "shop.pay",
        "mail",
        "x",
        "declined",
        "Card_",
        "%",
        "é",
        "abc",
        "ab-",
        "a*c",
        "no",
    ]
)
_texts = st.one_of(
    st.none(), st.lists(_words, min_size=1, max_size=3).map("".join), st.just("CardError('no')")
)
_ids = st.one_of(
    st.integers(0, 2**48 - 1).map(UUID.format), st.integers(0, 99).map("Pay-{}".format)
)
_tasks = st.lists(
    st.builds(
        lambda id_, at, **known: task(0, id=id_, first_seen_at=NOW - at, **known),
        _ids,
        st.integers(0, 9).map(float),
        name=_texts,
        queue=_texts,
        label=_texts,
        exception=_texts,
        owner=_texts,
        status=st.sampled_from(["queued", "running", "completed"]),
    ),
    max_size=25,
    unique_by=lambda each: each.id,
)
_values = st.one_of(
    _words, _words.map("{}*".format), _words.map("*{}*".format), _words.map("*{}".format)
)
_terms = st.one_of(
    _values,
    st.builds(
        "{}{}:{}".format,
        st.sampled_from(["", "", "", "-"]),
        st.sampled_from(["name", "queue", "label", "error", "owner", "id"]),
        _values,
    ),
    st.sampled_from(
        ["status:running", "status:running,queued", "since:5s", "3f2a1b2c", "id:3f2a*", "id:Pay*"]
    ),
    st.integers(0, 5).map(UUID.format),
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    tasks=_tasks,
    terms=st.lists(_terms, min_size=1, max_size=3),
    limit=st.integers(1, 4),
    near=st.sampled_from([queries.NEAR, (2, 6), ()]),
)
def test_pages_and_counts_are_those_of_the_predicate(
    database: str, tasks: list[Task], terms: list[str], limit: int, near: tuple[int, ...]
) -> None:
    databases.empty(database)
    store, text = Store(database), " ".join(terms)
    try:
        assert store.acquire("mine", "receiver-1", NOW, 60)
        write(store, *tasks)
    finally:
        store.close()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(queries, "NEAR", near)
        assert walk(database, text, limit) == selected(text, tasks)
    asked = query.without(query.parse(text), {"status"})
    all_ = Reader(database).counts(asked, EVERYTHING, NOW)["all"]
    assert all_ == (len(selected(asked.text, tasks)), False)


@pytest.mark.parametrize(
    "text", ["needle", "orders needle", "status:running needle", "name:*needle*"]
)
def test_pages_lose_nothing_where_a_search_stops_early(
    store: Store, database: str, small_search: None, text: str
) -> None:
    tasks = [
        task(
            number,
            name="needle.orders" if number % 7 == 0 else "shop.orders",
            label="a needle" if number % 5 == 0 else None,
            exception="Needle('no')" if number % 11 == 0 else None,
            status="running" if number % 3 else "queued",
        )
        for number in range(80)
    ]
    write(store, *tasks)

    assert walk(database, text, 3) == selected(text, tasks)


# -- what is found however old it is ---------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "name:*stor*",
        "queue:*useu*",
        "worker:*museum",
        "owner:z*e",
        "label:*pearl*",
        'label:"Girl with a pearl"',
        "error:PigmentError",
        "error:*lead*brown*",
        "VARNISH",
        "pearl",
        "pigment",
        "lead*brown",
        "brown,nothing",
        UUID.format(0),
        "status:completed shop.other,museum",
        "name:museum.varnish queue:museum",
    ],
)
def test_what_an_index_knows_is_found_beyond_the_rows_that_are_searched(
    store: Store, database: str, small_search: None, text: str
) -> None:
    old = task(
        0,
        name="museum.restore.varnish" if "name:museum" not in text else "museum.varnish",
        queue="museum",
        worker="celery@museum",
        owner="zoe",
        label="Girl with a pearl",
        exception="PigmentError('lead white turned brown')",
        status="completed",
        conclusion="failed",
    )
    write(store, old, *(task(n, name="shop.pay", queue="mail") for n in range(1, 40)))

    assert first(database, text) == [old.id]
    counts = Reader(database).counts(query.parse(text), EVERYTHING, NOW)
    assert (counts["all"], counts["failed"]) == ((1, False), (1, False))


def test_a_word_finds_ids_that_celery_did_not_make(
    store: Store, database: str, small_search: None
) -> None:
    write(store, task(0, id="Invoice-2026-11"), *(task(n) for n in range(1, 40)))

    assert first(database, "invoice") == ["Invoice-2026-11"]


@pytest.mark.parametrize("text", ["3f2a", "beef", "id:*ffff*", "ab", "arg:1", "-label:x*"])
def test_what_no_index_knows_is_searched_for(
    store: Store, database: str, small_search: None, text: str
) -> None:
    write(store, *(task(n, label="x") for n in range(40)))
    page = Reader(database).page(Select("tasks", query.parse(text)), EVERYTHING, NOW)

    assert page.searched_back_to is not None
    assert walk(database, text) == selected(text, [task(n, label="x") for n in range(40)])


def test_many_tasks_of_one_text_are_searched_for(
    store: Store, database: str, small_search: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MAX_FOUND", 5)
    write(store, *(task(n, exception="E('declined')", label="declined") for n in range(30)))

    assert len(walk(database, "declined", 4)) == 30
    assert len(walk(database, "error:*declined*", 4)) == 30


@pytest.mark.parametrize(
    "text", ["declined", "label:*photos*", "error:CardError", "orders", "CARD"]
)
def test_what_many_tasks_have_is_found_among_the_newest_that_have_a_text(
    store: Store, database: str, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(queries, "NEAR", (60, 300))
    tasks = [
        task(
            number,
            name="shop.orders" if number % 2 else "shop.mail",
            label="Your photos" if number % 4 == 0 else None,
            exception="CardError('declined: 4711')" if number % 20 == 0 else None,
        )
        for number in range(400)
    ]
    write(store, *tasks)
    monkeypatch.setattr(search, "plan", lambda *_: pytest.fail("asks the index of texts"))

    page = Reader(database).page(Select("tasks", query.parse(text), 9), EVERYTHING, NOW)
    assert [row["id"] for row in page.rows] == selected(text, tasks)[:9]
    assert page.after is not None
    assert page.searched_back_to is None


def test_more_names_than_can_be_looked_through_are_searched_for(
    store: Store, database: str, small_search: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MAX_VALUES", 5)
    tasks = [task(n, name=f"job{n}") for n in range(30)]
    write(store, *tasks)

    assert walk(database, "name:*1*", 4) == selected("name:*1*", tasks)


def test_more_names_than_there_may_be_branches_are_tested_row_by_row(
    store: Store, database: str, small_search: None
) -> None:
    tasks = [task(n, name=f"job{n}") for n in range(plans.MAX_BRANCHES + 5)]
    write(store, *tasks)

    for text in ("name:*job*", "job"):
        assert walk(database, text, 4) == selected(text, tasks)


# -- the index of texts ----------------------------------------------------------------------------


def test_the_index_of_texts_follows_the_tasks(store: Store, database: str) -> None:
    told = task(1, exception="Oops('first')", label="one")
    write(store, told, task(2))
    assert first(database, "first") == [told.id]

    write(store, replace(told, exception="Oops('second')"))
    assert first(database, "first") == []
    assert first(database, "second") == [told.id]

    write(store, replace(told, exception=None, label=None), task(2, label="third"))
    assert first(database, "second") == []
    assert first(database, "third") == [UUID.format(2)]


@databases.ONLY_SQLITE
def test_what_is_removed_leaves_the_index_of_texts_with_the_next_commit(
    store: Store, database: str
) -> None:
    write(store, task(1, label="pearl"))
    databases.empty(database)
    assert first(database, "pearl") == []

    assert store.acquire("mine", "receiver-1", NOW, 60)
    write(store, task(2))

    with connections[database].cursor() as cursor:
        for table in ("headway_text", "headway_text_parts", "headway_text_due"):
            cursor.execute(f"SELECT count(*) FROM {table}")
            assert cursor.fetchone() == (0,)


@databases.ONLY_POSTGRESQL
def test_of_several_texts_the_one_that_fewer_tasks_have_is_looked_up_first(
    store: Store, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = [task(n, label="Your photos" if n else "Your photos of a pearl") for n in range(300)]
    write(store, *tasks)
    with connections[database].cursor() as cursor:
        cursor.execute("ANALYZE headway_task")
    asked: list[texts.Runs] = []
    candidates = texts.candidates

    def noted(snapshot: snapshots.Snapshot, columns: Any, wanted: texts.Runs, limit: int) -> Any:
        asked.append(wanted)
        return candidates(snapshot, columns, wanted, limit)

    monkeypatch.setattr(texts, "candidates", noted)
    for text in ("photos pearl", "pearl photos", "label:*photos* label:*pearl*"):
        asked.clear()
        plan = snapshots.read(database, lambda s, t=text: _planned(s, t))

        assert asked == [(("pearl",),)]
        assert plan.ids == (tasks[0].id,)


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("error:PigmentError", "Pigment"),
        ("label:*BOOKINGEXCEPTION*", "BOOKING"),
        ("error:OSError", "OSError"),
        ("terror", "terror"),
        ("errors", "errors"),
    ],
)
def test_the_end_that_most_exceptions_share_is_not_looked_up(text: str, asked: str) -> None:
    [term] = query.parse(text).terms
    assert texts.runs(term.conditions) == ((asked,),)


def test_what_several_terms_ask_the_database_is_asked_once(
    store: Store, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(store, *(task(n, name="shop.pay", label="pearl") for n in range(9)))
    asked: list[str] = []
    fetch = snapshots.Snapshot.fetch

    def noted(snapshot: snapshots.Snapshot, sql: str, parameters: Any = ()) -> Any:
        asked.append(sql)
        return fetch(snapshot, sql, parameters)

    monkeypatch.setattr(snapshots.Snapshot, "fetch", noted)
    page = Reader(database).page(Select("tasks", query.parse("pay pearl zoe")), EVERYTHING, NOW)
    assert page.rows == []
    assert sum("WITH RECURSIVE found" in sql for sql in asked) == 1
    assert sum(search._ODD[connections[database].vendor] in sql for sql in asked) == 1

    asked.clear()
    write(store, task(9, name="shop.zoe", label="pay the pearl"))
    assert first(database, "pay pearl zoe") == [UUID.format(9)]


def test_without_the_index_of_texts_they_are_searched_for(
    store: Store, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(texts, "_IS_THERE", dict.fromkeys(texts._IS_THERE, "SELECT 1 WHERE FALSE"))
    write(store, task(1, label="pearl"), task(2, exception="E('pearl')"), task(3))

    assert walk(database, "pearl", 1) == [UUID.format(2), UUID.format(1)]
    assert walk(database, "label:*earl*", 1) == [UUID.format(1)]


def test_the_migration_goes_on_where_the_index_of_texts_may_not_be_made(
    database: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("_SQLITE_TEXTS", "_POSTGRESQL_TEXTS"):
        monkeypatch.setattr(migration, name, ("CREATE TABLE half (a integer)", "CREATE NONSENSE"))
    connection = connections[database]

    migration.index_texts(None, SimpleNamespace(connection=connection))

    assert "searched without an index" in caplog.text
    assert "half" not in connection.introspection.table_names()


def test_the_migration_can_be_taken_back_and_indexes_what_is_stored(
    store: Store, database: str
) -> None:
    write(store, task(1, label="pearl"), task(2, exception="Error('no')"))
    with connections[database].schema_editor() as editor:
        migration.forget_texts(None, editor)
        migration.forget_ids(None, editor)
    try:
        assert not snapshots.read(database, lambda s: s.fetch(texts._IS_THERE[s.vendor]))
    finally:
        with connections[database].schema_editor() as editor:
            migration.index_ids(None, editor)
            migration.index_texts(None, editor)

    assert first(database, "pearl") == [UUID.format(1)]
    assert first(database, "error:Error") == [UUID.format(2)]


def steps(database: str, sql: str, parameters: tuple[Any, ...] = ()) -> str:
    connection = connections[database]
    explain = {"sqlite": "EXPLAIN QUERY PLAN", "postgresql": "EXPLAIN"}[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(f"{explain} {sql}", parameters)
        return "\n".join(str(step[-1]) for step in cursor.fetchall())


def test_every_look_into_an_index_is_one(
    store: Store, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(store, *(task(n, name=f"n{n % 3}", label="pearl") for n in range(50)))
    asked: list[str] = []
    fetch = snapshots.Snapshot.fetch

    def explained(snapshot: snapshots.Snapshot, sql: str, parameters: Any = ()) -> Any:
        if "headway_t" in sql:
            asked.append(steps(database, sql, tuple(parameters)))
        return fetch(snapshot, sql, parameters)

    monkeypatch.setattr(snapshots.Snapshot, "fetch", explained)
    for text in ("pearl", "name:*2*", "id:3f*", "error:*no*"):
        snapshots.read(database, lambda s, t=text: _planned(s, t))

    told = "\n".join(asked)
    assert "Seq Scan on headway_task" not in told
    assert "SCAN headway_task\n" not in f"{told}\n"
    assert "headway_task_odd" in told


def _planned(snapshot: snapshots.Snapshot, text: str) -> plans.Plan:
    with search.searching(snapshot):
        return search.plan(snapshot, query.parse(text), NOW)
