"""The filter language read as a predicate: closures compiled once, run for each changed row."""

import operator
from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from typing import Any

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
    Query,
    RelativeBound,
    Term,
    ascii_lower,
    json_text,
)

Predicate = Callable[[Mapping[str, Any]], bool]
Test = Callable[[Any], bool]
"""Of one value that is not None."""

_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
}
_PRESENCES: Mapping[str, Predicate] = {
    "progress": lambda row: row["progress"] is not None,
    "retries": lambda row: row["retries"] > 0,
    "eta": lambda row: row["eta"] is not None,
}
_ABSENT = object()


def predicate(query: Query, now: float) -> Predicate:
    """Whether a row matches `query` at `now` (Unix seconds). Relative terms are fixed to `now`:
    ask again when time has passed. Rows have the keys and values of a whole task row."""
    # Terms that read several fields cost most: last, so that a cheap one can spare them.
    terms = sorted(query.terms, key=lambda term: len(term.fields))
    checks = [_check(term, now) for term in terms]
    if not checks:
        return lambda row: True
    return reduce(lambda rest, first: _both(first, rest), reversed(checks))


def _both(first: Predicate, second: Predicate) -> Predicate:
    return lambda row: first(row) and second(row)


def _either(first: Predicate, second: Predicate) -> Predicate:
    return lambda row: first(row) or second(row)


def _check(term: Term, now: float) -> Predicate:
    check = _positive(term, now)
    return (lambda row: not check(row)) if term.is_negated else check


def _positive(term: Term, now: float) -> Predicate:
    if term.word == "has":
        return reduce(
            _either, (_PRESENCES[c.what] for c in term.conditions if isinstance(c, Present))
        )
    if term.word == "arg":
        test = _test(term.conditions, now)
        return lambda row: any(map(test, _argument_texts(row["args"], row["kwargs"])))
    if term.word == "kwarg.NAME":
        return _keyword(term.key, _test(term.conditions, now))
    return reduce(_either, (_column(name, term.conditions, now) for name in term.fields))


def _column(name: str, conditions: tuple[Condition, ...], now: float) -> Predicate:
    texts = frozenset(c.text for c in conditions if isinstance(c, Equal))
    if len(texts) < len(conditions):
        test = _test(conditions, now)
        return lambda row: (value := row[name]) is not None and test(value)
    if len(texts) == 1:
        (text,) = texts
        return lambda row: bool(row[name] == text)
    return lambda row: row[name] in texts


def _keyword(key: str, test: Test) -> Predicate:
    def check(row: Mapping[str, Any]) -> bool:
        kwargs = row["kwargs"]
        value = kwargs.get(key, _ABSENT) if isinstance(kwargs, dict) else _ABSENT
        return value is not _ABSENT and test(_argument_text(value))

    return check


def _argument_texts(args: object, kwargs: object) -> Iterable[str]:
    """What the arguments compare as; those kept as a repr are not looked into."""
    if isinstance(args, list):
        yield from map(_argument_text, args)
    if isinstance(kwargs, dict):
        yield from map(_argument_text, kwargs.values())


def _argument_text(value: object) -> str:
    if isinstance(value, str):
        return value
    return str(value) if type(value) is int else json_text(value)  # saves 1 us; a bool is no int


def _test(conditions: tuple[Condition, ...], now: float) -> Test:
    tests = [_condition(condition, now) for condition in conditions]
    if len(tests) == 1:
        return tests[0]
    return lambda value: any(test(value) for test in tests)


def _condition(condition: Condition, now: float) -> Test:
    match condition:
        case Equal(text):
            return lambda value: bool(value == text)
        case Pattern(parts):
            return _pattern(parts)
        case Contains(parts):
            return _contains(parts)
        case ErrorType(name):
            starts = (f"{name}(", f"{name}:")
            return lambda value: bool(value == name or value.startswith(starts))
        case Comparison(sign, number):
            return _compare(sign, number)
        case Between(low, high):
            return lambda value: bool(low <= value <= high)
        case Bound(sign, at):
            return _compare(sign, at)
        case RelativeBound(sign, ago):
            return _compare(sign, now - ago)
        case Present():
            raise TypeError("a presence is of a row, not of a value")


def _compare(sign: str, number: float) -> Test:
    compare = _COMPARE[sign]
    return lambda value: compare(value, number)


def _pattern(parts: tuple[str, ...]) -> Test:
    first, *between, last = parts
    if not between and not last:
        return lambda value: bool(value.startswith(first))
    shortest = sum(map(len, parts))

    def test(value: str) -> bool:
        if len(value) < shortest or not value.startswith(first) or not value.endswith(last):
            return False
        return _in_order(value, between, len(first), len(value) - len(last))

    return test


def _contains(parts: tuple[str, ...]) -> Test:
    if len(parts) == 1:
        (part,) = parts
        return lambda value: part in ascii_lower(value)
    return lambda value: _in_order(ascii_lower(value), parts, 0, len(value))


def _in_order(text: str, parts: Iterable[str], start: int, end: int) -> bool:
    for part in parts:
        found = text.find(part, start, end)
        if found < 0:
            return False
        start = found + len(part)
    return True
