"""The filter language read as SQL: the same tree as the predicate, for stored rows.

What it takes as given:
- text columns hold neither NUL nor halves of surrogate pairs;
- `args`, `kwargs` and `progress` hold JSON text as `realtime.core.query.json_text` writes it, or
  NULL;
- text compares byte by byte. SQLite's does. On PostgreSQL equality does, and everything else asks
  for COLLATE "C", so a prefix uses an index only where its column was created with that collation.
"""

# ruff: noqa: S608 -- every piece of SQL is a constant of this module; values are parameters

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from realtime.core.query import Query, Term
from realtime.core.query_terms import (
    Between,
    Bound,
    Comparison,
    Condition,
    Contains,
    Equal,
    ErrorType,
    Pattern,
    Present,
    RelativeBound,
)

_TABLE = '"headway_task"'
_LAST_CODE_POINT = 0x10FFFF
_FIRST_SURROGATE, _LAST_SURROGATE = 0xD800, 0xDFFF
_PRESENCES = {
    "progress": f"{_TABLE}.\"progress\" <> 'null'",
    "retries": f'{_TABLE}."retries" > 0',
    "eta": f'{_TABLE}."eta" IS NOT NULL',
}


class Clause(NamedTuple):
    """A condition for WHERE, with `%s` for each of its parameters; it holds no other `%`."""

    sql: str
    parameters: tuple[str | float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Dialect:
    """Where the two databases differ."""

    bytewise: str
    """Follows an expression that must compare byte by byte."""
    like: str
    like_pattern: Callable[[tuple[str, ...]], str]
    contains: str
    """LIKE whatever the case of ASCII letters."""
    positional: str
    keyword: str
    """A row (`key`, `text`) for each argument; none unless the column holds such arguments."""


def where(query: Query, now: float, vendor: str) -> Clause:
    """The clause that selects the rows of `headway_task` that `query` matches at `now` (Unix
    seconds), never NULL for a negated term. `vendor` is Django's name for the database: sqlite or
    postgresql; ValueError for another."""
    dialect = _DIALECTS.get(vendor)
    if dialect is None:
        raise ValueError(f"no SQL for the database {vendor!r}: it must be one of {[*_DIALECTS]}")
    if not query.terms:
        return Clause("TRUE")
    return _joined(" AND ", [_term(term, now, dialect) for term in query.terms])


def _term(term: Term, now: float, dialect: _Dialect) -> Clause:
    sql, parameters = _positive(term, now, dialect)
    return Clause(f"({sql}) IS NOT TRUE" if term.is_negated else f"({sql})", parameters)


def _positive(term: Term, now: float, dialect: _Dialect) -> Clause:
    conditions = partial(_conditions, conditions=term.conditions, now=now, dialect=dialect)
    if term.word == "arg":
        sql, parameters = conditions("item.text")
        sources = (dialect.positional, dialect.keyword)
        sql = " OR ".join(f"EXISTS (SELECT 1 FROM {each} AS item WHERE {sql})" for each in sources)
        return Clause(sql, parameters * len(sources))
    if term.word == "kwarg.NAME":
        sql, parameters = conditions("item.text")
        return Clause(
            f"EXISTS (SELECT 1 FROM {dialect.keyword} AS item WHERE item.key = %s AND ({sql}))",
            (term.key, *parameters),
        )
    if term.word == "has":
        presences = [_PRESENCES[c.what] for c in term.conditions if isinstance(c, Present)]
        return Clause(" OR ".join(presences))
    return _joined(" OR ", [conditions(f'{_TABLE}."{name}"') for name in term.fields])


def _conditions(
    column: str, conditions: tuple[Condition, ...], now: float, dialect: _Dialect
) -> Clause:
    """Whether `column` meets any of them."""
    texts = tuple(c.text for c in conditions if isinstance(c, Equal))
    clauses = [_condition(column, c, now, dialect) for c in conditions if not isinstance(c, Equal)]
    if texts:
        # One IN, not many ORs: an index answers it at once.
        clauses.append(Clause(f"{column} IN ({', '.join(['%s'] * len(texts))})", texts))
    return _joined(" OR ", clauses)


def _condition(column: str, condition: Condition, now: float, dialect: _Dialect) -> Clause:
    match condition:
        case Pattern(parts):
            return _pattern(column, parts, dialect)
        case Contains(parts):
            return Clause(f"{column}{dialect.contains}", (_like_pattern(("", *parts, "")),))
        case ErrorType(name):
            starts = [_prefix(column, f"{name}{mark}", dialect) for mark in "(:"]
            return _joined(" OR ", [Clause(f"{column} = %s", (name,)), *starts])
        case Comparison(sign, number):
            return Clause(f"{column} {sign} %s", (number,))
        case Between(low, high):
            return Clause(f"{column} BETWEEN %s AND %s", (low, high))
        case Bound(sign, at):
            return Clause(f"{column} {sign} %s", (at,))
        case RelativeBound(sign, ago):
            return Clause(f"{column} {sign} %s", (now - ago,))
        case Equal() | Present():
            raise TypeError(f"{condition} has a clause of its own")


def _pattern(column: str, parts: tuple[str, ...], dialect: _Dialect) -> Clause:
    """A prefix is a range; any other pattern reads only the range of its beginning."""
    if parts == ("", ""):
        return Clause(f"{column} IS NOT NULL")
    start = [_prefix(column, parts[0], dialect)] if parts[0] else []
    if parts[1:] == ("",):
        return start[0]
    like = Clause(f"{column}{dialect.like}", (dialect.like_pattern(parts),))
    return _joined(" AND ", [*start, like])


def _prefix(column: str, start: str, dialect: _Dialect) -> Clause:
    """Whether the text begins with `start`, as the range of such texts."""
    column = f"{column}{dialect.bytewise}"
    end = _after(start)
    if not end:
        return Clause(f"{column} >= %s", (start,))
    return Clause(f"({column} >= %s AND {column} < %s)", (start, end))


def _after(start: str) -> str:
    """The least text above all that begin with `start`; empty when there is none. UTF-8 sorts as
    its code points do."""
    stem = start.rstrip(chr(_LAST_CODE_POINT))
    if not stem:
        return ""
    following = ord(stem[-1]) + 1
    if following == _FIRST_SURROGATE:
        following = _LAST_SURROGATE + 1
    return stem[:-1] + chr(following)


def _joined(separator: str, clauses: list[Clause]) -> Clause:
    sql = separator.join(clause.sql for clause in clauses)
    parameters = tuple(each for clause in clauses for each in clause.parameters)
    return Clause(f"({sql})" if len(clauses) > 1 else sql, parameters)


def _like_pattern(parts: tuple[str, ...]) -> str:
    """For LIKE with `!` as the escape, which no database treats as an escape of its own."""
    escape = str.maketrans({mark: f"!{mark}" for mark in "!%_"})
    return "%".join(part.translate(escape) for part in parts)


def _glob_pattern(parts: tuple[str, ...]) -> str:
    escape = str.maketrans({mark: f"[{mark}]" for mark in "*?["})
    return "*".join(part.translate(escape) for part in parts)


def _sqlite_items(column: str, bracket: str, empty: str, path: str, nowhere: str) -> str:
    """SQL that lists the arguments of a JSON column.

    A number must keep the text it was written with, and json_each makes it a REAL, of 15 digits.
    json_extract of two paths (the second leads nowhere) renders `[1.5e-07,null]` from that text;
    SQLite's own operator for it, ->, came only with 3.38. A path cannot name every key: the few
    with a quotation mark or a backslash keep the REAL.
    """
    document = f'{_TABLE}."{column}"'
    return (
        "(SELECT pair.key AS key, CASE"
        " WHEN pair.type IN ('true', 'false', 'null') THEN pair.type"
        " WHEN pair.type IN ('integer', 'real') AND NOT pair.key GLOB '*[\"\\]*' THEN"
        f" COALESCE(NULLIF(trim(json_extract(pair.json, {path}, '{nowhere}'), '[],nul'), ''),"
        " CAST(pair.value AS TEXT))"
        " ELSE CAST(pair.value AS TEXT) END AS text"
        f" FROM json_each(CASE WHEN substr({document}, 1, 1) = '{bracket}'"
        f" AND json_valid({document}) THEN {document} ELSE '{empty}' END) AS pair)"
    )


def _postgresql_items(column: str, bracket: str, empty: str, function: str, key: str) -> str:
    """SQL that lists the arguments of a JSON column. The type json keeps the text of a number;
    jsonb does not. Text that would make the cast fail (an escaped NUL or surrogate, a number that
    is none) is no arguments: one hostile row must not spoil the query."""
    document = f'{_TABLE}."{column}"'
    uncastable = r"'\\u(0000|[dD][89a-fA-F])|[,:[]-?(NaN|Infinity)[],}]'"
    return (
        f"(SELECT {key} AS key, CASE json_typeof(pair.value) WHEN 'string'"
        " THEN pair.value #>> '{}' ELSE pair.value::text END AS text"
        f" FROM {function}(CASE WHEN substr({document}, 1, 1) = '{bracket}'"
        f" AND {document} !~ {uncastable} THEN {document}::json ELSE '{empty}'::json END) AS pair)"
    )


_DIALECTS: Mapping[str, _Dialect] = {
    "sqlite": _Dialect(
        bytewise="",
        like=" GLOB %s",
        like_pattern=_glob_pattern,
        contains=" LIKE %s ESCAPE '!'",
        positional=_sqlite_items("args", "[", "[]", "'$[' || pair.key || ']'", "$.x"),
        keyword=_sqlite_items("kwargs", "{", "{}", "'$.\"' || pair.key || '\"'", "$[0]"),
    ),
    "postgresql": _Dialect(
        bytewise=' COLLATE "C"',
        like=" LIKE %s ESCAPE '!'",
        like_pattern=_like_pattern,
        contains=" COLLATE \"C\" ILIKE %s ESCAPE '!'",
        positional=_postgresql_items("args", "[", "[]", "json_array_elements", "NULL"),
        keyword=_postgresql_items("kwargs", "{", "{}", "json_each", "pair.key"),
    ),
}
