"""The predicate and the SQL of one query select the same rows, on both databases."""

import sqlite3
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from dashboard import filters
from dashboard.models import Task
from realtime.core import query

NOW = 1_795_000_000.0
JSON_COLUMNS = ("args", "kwargs", "progress")
TEXT_COLUMNS = (
    *(
        "id",
        "name",
        "state",
        "status",
        "conclusion",
        "queue",
        "worker",
        "root_id",
        "group_id",
        "parent_id",
    ),
    *("owner", "label", "exception", "signature"),
    *JSON_COLUMNS,
)
REAL_COLUMNS = ("first_seen_at", "wait", "runtime", "eta")
INTEGER_COLUMNS = ("priority", "retries")
COLUMNS = (*TEXT_COLUMNS, *REAL_COLUMNS, *INTEGER_COLUMNS)

Row = dict[str, Any]


class Database:
    """A table `headway_task`, filled anew for each question."""

    def __init__(self, vendor: str, connection: Any, mark: str, text: str, real: str) -> None:
        self.vendor = vendor
        self.connection = connection
        self.mark = mark
        types = {
            **dict.fromkeys(TEXT_COLUMNS, text),
            **dict.fromkeys(REAL_COLUMNS, real),
            **dict.fromkeys(INTEGER_COLUMNS, "integer"),
        }
        columns = ", ".join(f"{name} {kind}" for name, kind in types.items())
        connection.execute(f"CREATE TABLE headway_task ({columns})")

    def execute(self, sql: str, parameters: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = self.connection.execute(
            sql.replace("%s", self.mark), parameters
        ).fetchall()
        return found

    def fill(self, rows: list[Mapping[str, object]]) -> None:
        self.connection.execute("DELETE FROM headway_task")
        marks = ", ".join([self.mark] * len(COLUMNS))
        sql = f"INSERT INTO headway_task ({', '.join(COLUMNS)}) VALUES ({marks})"
        values = [tuple(row[name] for name in COLUMNS) for row in rows]
        self.connection.cursor().executemany(sql, values)

    def ids(self, wanted: query.Query) -> set[str]:
        sql, parameters = filters.where(wanted, NOW, self.vendor)
        return {
            row[0] for row in self.execute(f"SELECT id FROM headway_task WHERE {sql}", parameters)
        }

    def plan(self, sql: str, parameters: tuple[object, ...]) -> str:
        """How the database would answer, sequential reading being the last resort."""
        if self.vendor == "postgresql":
            self.connection.execute("SET enable_seqscan = off; SET enable_bitmapscan = off")
        explain = {"sqlite": "EXPLAIN QUERY PLAN"}.get(self.vendor, "EXPLAIN")
        return str(self.execute(f"{explain} {sql}", parameters))

    def select(self, wanted: query.Query, rows: list[Row]) -> set[str]:
        self.fill([stored(row) for row in rows])
        return self.ids(wanted)


def stored(row: Row) -> Row:
    texts = {
        name: None if row[name] is None else query.json_text(row[name]) for name in JSON_COLUMNS
    }
    return {**row, **texts}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    if request.param == "sqlite":
        yield from sqlite()
    else:
        yield from postgresql(request.getfixturevalue("shared_postgresql").add_database())


def sqlite() -> Iterator[Database]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    yield Database("sqlite", connection, "?", "text", "real")
    connection.close()


def postgresql(url: str) -> Iterator[Database]:
    with psycopg.connect(url, autocommit=True) as connection:
        # A collation that sorts and folds by language: what must compare byte by byte has to ask.
        yield Database(
            "postgresql", connection, "%s", 'text COLLATE "und-x-icu"', "double precision"
        )


def row(**values: object) -> Row:
    return {
        **dict.fromkeys(COLUMNS),
        "id": "1",
        "state": "STARTED",
        "status": "running",
        "retries": 0,
        "first_seen_at": NOW,
        **values,
    }


def matched(wanted: query.Query, rows: list[Row]) -> set[str]:
    matches = query.predicate(wanted, NOW)
    return {each["id"] for each in rows if matches(each)}


# -- what hypothesis draws -----------------------------------------------------------------------

HOSTILE = (
    *("", " ", "a", "A", "b", "shop.", "shop.pay", "Shop.Pay", "shop/", "shop.pay%", "shop_pay"),
    *("a*b", "a?b", "[a]", "a%b", "a_b", "a!b", "a\\b", "\\", "\\\\", "'", '"', "it's", '""', "--"),
    *("a,b", "a:b", "-a", "é", "É", "e\u0301", "ı", "İ", "K", "ß", "😀", "\U0010ffff", "\ud7ff"),
    *("\ue000", "\x7f", "line\nbreak", "\ttab", "x" * 300, "1", "1.5", "true", "null", "[1]"),
    *(
        '{"a":1}',
        "CardError",
        "CardError('declined')",
        "CardError: no",
        "CardErrors(1)",
        "SHOP.PAY",
        "carderror(",
        "[b]",
        "a]",
        "CardError;",
        "\\u0041",
    ),
    *("%s", "{}", "$", ".", "..", "DROP TABLE headway_task; --", "\x01", "\x1f"),
)
characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
texts = st.sampled_from(HOSTILE) | st.text(characters, max_size=8) | st.text("aAb*%_", max_size=5)
plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abé._-", max_size=3), inner)
    ),
    max_leaves=4,
)
keys = st.sampled_from(["a", "b", "é", "a.b", "a b", "$", "order-id", "A", "", "a[0]", "0"])
numbers = st.sampled_from([0.0, 0.2, 1.0, 1.5, 60.0, 90.0, 3600.0]) | st.floats(0, 1e6)
instants = st.sampled_from([NOW, NOW - 60, NOW - 3600, NOW - 86_400, 1_795_046_400.0])
rows = st.builds(
    row,
    id=texts,
    name=st.none() | texts,
    state=st.sampled_from(["STARTED", "FAILURE", "rendering", "RENDERING"]),
    status=st.sampled_from(["running", "completed", "queued"]),
    conclusion=st.none() | st.sampled_from(["failed", "succeeded"]),
    queue=st.none() | texts,
    worker=st.none() | texts,
    owner=st.none() | texts,
    label=st.none() | texts,
    exception=st.none() | texts,
    root_id=st.none() | texts,
    group_id=st.none() | texts,
    parent_id=st.none() | texts,
    signature=st.none() | texts,
    args=st.none() | st.lists(plain, max_size=3) | texts,
    kwargs=st.none() | st.dictionaries(keys, plain, max_size=3) | texts,
    progress=st.none() | st.just({"current": 1}),
    eta=st.none() | instants,
    first_seen_at=instants | st.floats(NOW - 1e6, NOW + 1e6),
    wait=st.none() | numbers,
    runtime=st.none() | numbers,
    priority=st.none() | st.integers(-5, 10),
    retries=st.integers(0, 4),
)
tables = st.lists(rows, max_size=6, unique_by=lambda each: each["id"])


def is_searchable(text: str) -> bool:
    """Whether a query may hold it: no control characters but blanks."""
    return not any(unicodedata.category(char) == "Cc" and char not in "\t\n\r" for char in text)


def quoted(parts: list[str]) -> str:
    escaped = [part.replace("\\", "\\\\").replace('"', '\\"').replace("*", "\\*") for part in parts]
    return f'"{"*".join(escaped)}"'


def joined(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(values, min_size=1, max_size=3).map(",".join)


def term(words: list[str], values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(st.sampled_from(["", "-"]), st.sampled_from(words), joined(values)).map(
        "".join
    )


patterns = st.lists(texts.filter(is_searchable), min_size=1, max_size=3).map(quoted)
arguments = plain.map(lambda v: quoted([v if isinstance(v, str) else query.json_text(v)]))
operators = st.sampled_from([">", ">=", "<", "<=", "=", ""])
times = st.sampled_from(["0s", "200ms", "1s", "1.5s", "1m", "1m30s", "1h"])
small = st.integers(-5, 10)
text_words = ["name:", "queue:", "worker:", "id:", "root:", "group:", "parent:", "owner:", "label:"]
terms = st.one_of(
    term(
        [*text_words, "error:", "signature:", "arg:", "kwarg.a:", "kwarg.é:", "kwarg.a.b:"],
        patterns,
    ),
    term([""], patterns.filter(lambda text: text != '""')),
    term(["arg:", "kwarg.a:", "kwarg.b:"], arguments),
    term(["state:"], st.sampled_from(["failure", "STARTED", "RENDERING", '"rendering"', "r*"])),
    term(["status:"], st.sampled_from(["running", "completed"])),
    term(["conclusion:"], st.sampled_from(["failed", "succeeded"])),
    term(["has:"], st.sampled_from(["progress", "retries", "eta"])),
    term(["runtime:", "wait:"], st.tuples(operators, times).map("".join)),
    term(["runtime:", "wait:"], st.sampled_from(["0s..1s", "1s..1h", "1.5s..90s"])),
    term(["retries:", "priority:"], st.tuples(operators, small.map(str)).map("".join)),
    term(["retries:", "priority:"], st.sampled_from(["0..2", "-3..1"])),
    term(["since:", "until:"], times),
    term(["since:", "until:"], st.sampled_from(["2026-11-18", "2026-11-19T00:00+02:00"])),
)
queries = st.lists(terms, max_size=3).map(" ".join)


def parsed(text: str) -> query.Query:
    try:
        return query.parse(text)
    except query.QueryError as error:
        assume(error.code != "bad_query")
        raise


# -- the two readings ----------------------------------------------------------------------------


@settings(
    max_examples=250,
    deadline=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
@given(text=queries, table=tables)
@example(text="-queue:x", table=[row(queue=None)])
@example(text='kwarg.a:"1e-07"', table=[row(kwargs={"a": 1e-07})])
@example(text=f"kwarg.a:{2**80}", table=[row(kwargs={"a": 2**80})])
@example(text="arg:0.30000000000000004", table=[row(args=[0.1 + 0.2], kwargs={"a": 0.1 + 0.2})])
@example(text='arg:"\\u0041"', table=[row(args=["\\u0041"])])
def test_predicate_and_sql_of_a_query_select_the_same_rows(
    database: Database, text: str, table: list[Row]
) -> None:
    wanted = parsed(text)
    assert database.select(wanted, table) == matched(wanted, table)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(data=st.data(), table=tables.filter(bool))
def test_values_taken_from_the_rows_themselves_are_found_by_both(
    database: Database, data: st.DataObject, table: list[Row]
) -> None:
    word = data.draw(st.sampled_from(["name", "queue", "worker", "id", "owner", "label", "error"]))
    field = {"error": "exception"}.get(word, word)
    value = data.draw(st.sampled_from([each[field] for each in table]))
    assume(value is not None and len(value) < 200)
    start = data.draw(st.integers(0, len(value)))
    end = data.draw(st.integers(start, len(value)))
    parts = data.draw(st.sampled_from([[value], [value[:start], value[end:]], ["", value[start:]]]))
    wanted = parsed(f"{word}:{quoted(parts)}")
    found = database.select(wanted, table)
    assert found == matched(wanted, table)
    assert {each["id"] for each in table if each[field] == value} <= found


def ways_to_ask(text: str) -> Iterator[str]:
    """Queries about `text`: exact, by its ends, by its middle, in other letters, as an argument."""
    half = len(text) // 2
    for parts in ([text], [text, ""], ["", text], [text[:1], text[-1:]], ["", text[half:], ""]):
        yield f"name:{quoted(parts)}"
        yield f"-error:{quoted(parts)}"
        yield f"arg:{quoted(parts)}"
        yield f"kwarg.a:{quoted(parts)}"
    for searched in filter(None, (text, text.upper(), text.lower(), text[half:])):
        yield quoted([searched])


@pytest.mark.parametrize("text", [each for each in HOSTILE if is_searchable(each)])
def test_a_hostile_value_is_found_by_both_among_all_the_others(
    database: Database, text: str
) -> None:
    table = [
        row(id=f"{n}", name=each, exception=each, args=[each], kwargs={"a": each})
        for n, each in enumerate(HOSTILE)
    ]
    database.fill([stored(each) for each in table])
    for wanted in map(query.parse, ways_to_ask(text)):
        assert database.ids(wanted) == matched(wanted, table), wanted.text


# -- what must not go wrong ----------------------------------------------------------------------


def test_text_that_is_kept_as_a_repr_never_matches_and_never_errs(database: Database) -> None:
    table = [
        row(id="list", args='["a"]', kwargs='{"a": "a"}'),
        row(id="cut", args="('a', …", kwargs="{'a': 'a', …"),
        row(id="none"),
    ]
    for text in ("arg:a", "kwarg.a:a", "arg:*", "kwarg.a:*"):
        assert database.select(query.parse(text), table) == set()


@pytest.mark.parametrize(
    "text",
    [
        '{"a":"x\\u0000y","b":"z"}',
        '{"a":"\\ud800","b":"z"}',
        '{"a":NaN,"b":"z"}',
        '{"a":[1,-Infinity],"b":"z"}',
    ],
)
def test_no_argument_of_one_row_makes_a_query_err(database: Database, text: str) -> None:
    good = stored(row(id="good", args=["z"], kwargs={"b": "z"}))
    database.fill([{**stored(row(id="bad")), "args": f"[{text}", "kwargs": text}, good])
    for wanted in ("arg:z", "kwarg.b:z", "kwarg.b:*"):
        assert database.ids(query.parse(wanted)) - {"bad"} == {"good"}


@pytest.mark.parametrize("key", ['"', "\\", 'a"b', "a\\", "a\nb", "", "'", "$", "[0]", "😀", "#"])
def test_no_name_of_a_keyword_argument_hides_its_value(database: Database, key: str) -> None:
    for value, text in (("x", "x"), (5, "5"), (1.5, "1.5"), (None, "null"), ([1, "x"], '[1,"x"]')):
        wanted = query.parse(f"arg:{quoted([text])}")
        assert database.select(wanted, [row(kwargs={key: value})]) == {"1"}


def test_a_term_of_as_many_values_as_are_allowed_is_not_too_deep(database: Database) -> None:
    many = ",".join(f"{n}*" for n in range(query.MAX_VALUES))
    table = [row(id="7x", label="7", args=["99"])]
    for text in (many, f"name:{many}", f"arg:{many}", f"error:{many}"):
        assert database.select(query.parse(text), table) == matched(query.parse(text), table)


def test_as_many_terms_as_are_allowed_are_not_too_deep(database: Database) -> None:
    wanted = query.parse(" ".join(f"-x{n}" for n in range(query.MAX_TERMS)))
    twice = query.conjunction(wanted, query.parse("-label:y"))
    assert database.select(twice, [row()]) == {"1"}


def test_a_pattern_made_to_be_slow_is_answered_in_linear_time(database: Database) -> None:
    text = "*a" * 200 + "b"
    table = [row(name="a" * 2000, label="a" * 2000)]
    for wanted in (text, f"name:{text}"):
        assert database.select(query.parse(wanted), table) == set()


def test_the_empty_query_selects_every_row(database: Database) -> None:
    assert database.select(query.EVERYTHING, [row(id="a"), row(id="b")]) == {"a", "b"}


@pytest.mark.parametrize("text", ["name:shop.*", "name:shop.pay", "name:a,b", "name:shop.*.pay"])
def test_equality_and_prefix_use_the_index_of_the_column(database: Database, text: str) -> None:
    collation = {"postgresql": 'text COLLATE "C"'}.get(database.vendor, "text")
    for statement in (
        "DROP TABLE IF EXISTS planned",
        f"CREATE TABLE planned (id text, name {collation}, first_seen_at real)",
        "CREATE INDEX planned_name ON planned (name, first_seen_at, id)",
    ):
        database.connection.execute(statement)
    sql, parameters = filters.where(query.parse(text), NOW, database.vendor)
    plan = database.plan(
        f"SELECT id FROM planned WHERE {sql.replace('headway_task', 'planned')}", parameters
    )
    assert "planned_name" in plan
    assert "name>?" in plan or "name=?" in plan or "Index Cond: " in plan


def test_an_unknown_database_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"'oracle'.*sqlite.*postgresql"):
        filters.where(query.EVERYTHING, NOW, "oracle")


def test_no_value_stands_in_the_sql() -> None:
    wanted = query.parse("name:secret* kwarg.secret:secret error:secret secret label:secret")
    for vendor in ("sqlite", "postgresql"):
        clause = filters.where(wanted, NOW, vendor)
        assert "secret" not in clause.sql
        assert clause.sql.count("%") == len(clause.parameters)


def test_every_column_it_reads_is_one_of_the_model() -> None:
    assert set(COLUMNS) <= {field.column for field in Task._meta.concrete_fields}
