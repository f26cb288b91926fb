"""The values of the filter language: text to condition, and back to its canonical spelling."""

import difflib
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from realtime.core.query_terms import (
    LEXICON,
    STATES,
    Between,
    Bound,
    Comparison,
    Condition,
    Contains,
    Equal,
    ErrorType,
    Kind,
    Pattern,
    Present,
    QueryError,
    RelativeBound,
    Word,
    ascii_lower,
)

_SYNONYMS = {
    "after": "since",
    "args": "arg",
    "before": "until",
    "duration": "runtime",
    "exception": "error",
    "host": "worker",
    "hostname": "worker",
    "kwarg": "kwarg.NAME",
    "kwargs": "kwarg.NAME",
    "outcome": "conclusion",
    "retry": "retries",
    "task": "name",
    "user": "owner",
}
_DURATION = re.compile(r"(?:[0-9]{1,9}(?:\.[0-9]{1,6})?(?:ms|[smhdw]))+")
_DURATION_STEP = re.compile(r"([0-9.]+)(ms|[smhdw])")
_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_COUNT = re.compile(r"-?[0-9]{1,9}")
_OPERATOR = re.compile(r"(>=|<=|>|<|=)?(.*)", re.DOTALL)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?"
    r"(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_DAY_S = 86_400.0
_REFERENCE = re.compile(r"[Hh][Ww]-([0-9A-Fa-f]{4})-([0-9A-Fa-f]{4})")
"""What people who wait are told of a task that failed (`realtime.core.public.reference`)."""
_NEEDS_QUOTES = re.compile(r'[\s",*]')
_SHOWN = 40
"""How much of a bad value its message repeats."""


class Value(NamedTuple):
    """One value as it was written: its text with the wildcards as `*`, and the parts between."""

    text: str
    parts: tuple[str, ...]
    is_quoted: bool
    at: int
    until: int


class Reading(NamedTuple):
    """What a value means, and how it is spelt in the canonical text of its query."""

    condition: Condition
    spelling: str


def shown(text: str) -> str:
    """`text` in quotes, cut to what a message should repeat."""
    return f'"{text}"' if len(text) <= _SHOWN else f'"{text[:_SHOWN]}…"'


def guess(text: str, allowed: tuple[str, ...]) -> str:
    """A sentence that offers the nearest of `allowed`, or nothing."""
    near = difflib.get_close_matches(text[:_SHOWN], allowed, n=1, cutoff=0.7)
    return f' Did you mean "{near[0]}"?' if near else ""


def guess_word(word: str, words: Mapping[str, Word]) -> str:
    """A sentence that offers the one of `words` that was probably meant, or nothing."""
    synonym = _SYNONYMS.get(word.partition(".")[0])
    if synonym in words:
        return f' Did you mean "{synonym}"?'
    return guess(word, tuple(words))


def spell(parts: tuple[str, ...], *, is_bare: bool = False, is_quoted: bool = False) -> str:
    """`parts` with a wildcard between them, as they are written in a query; in quotes only where
    they must be. A bare word must not look like a term of another kind."""
    text = "*".join(parts)
    is_plain = text and not any(_NEEDS_QUOTES.search(part) for part in parts)
    if is_bare and (":" in text or text.startswith("-")):
        is_plain = False
    if is_plain and not is_quoted:
        return text
    escaped = (re.sub(r'(["\\*])', r"\\\1", part) for part in parts)
    return f'"{"*".join(escaped)}"'


def read_value(word: str, value: Value, meant: Word) -> Reading:
    """What `value` says after `word`, which means this; QueryError when it says nothing."""
    if meant.kind == "choice":
        return _choice(word, value, meant.values)
    return _READERS[meant.kind](word, value)


def read_search(value: Value) -> Reading:
    """What a bare word means."""
    if not value.text:
        raise QueryError(
            "There is no text between these quotes: write what to search for.",
            at=value.at,
            until=value.until,
        )
    parts = tuple(ascii_lower(part) for part in value.parts if part)
    return Reading(Contains(parts), spell(value.parts, is_bare=True))


def read_references(values: list[Value]) -> list[Reading]:
    """The tasks that bare words name by what people read out of an error message, `HW-9D3F-0C6E`:
    their ids begin so. Empty where any of the words is another one."""
    readings = []
    for value in values:
        match = None if value.is_quoted else _REFERENCE.fullmatch(value.text)
        if match is None:
            return []
        begin = ascii_lower("".join(match.groups()))
        readings.append(Reading(Pattern((begin, "")), f"{begin}*"))
    return readings


def _bad_value(word: str, value: Value, expected: str, allowed: tuple[str, ...] = ()) -> QueryError:
    return QueryError(
        f"{shown(value.text)} is no value of {word}: {expected}",
        at=value.at,
        until=value.until,
        allowed=allowed,
    )


def _text(_word: str, value: Value) -> Reading:
    if len(value.parts) == 1:
        return Reading(Equal(value.parts[0]), spell(value.parts))
    return Reading(Pattern(value.parts), spell(value.parts))


def _error(_word: str, value: Value) -> Reading:
    if len(value.parts) == 1:
        return Reading(ErrorType(value.parts[0]), spell(value.parts))
    return Reading(Pattern(value.parts), spell(value.parts))


def _state(word: str, value: Value) -> Reading:
    upper = value.text.upper()
    if value.is_quoted:
        condition = _text(word, value).condition
        return Reading(condition, spell(value.parts, is_quoted=True))
    if upper in STATES or upper == value.text or len(value.parts) > 1:
        return _text(word, value._replace(text=upper, parts=tuple(p.upper() for p in value.parts)))
    raise _bad_value(
        word,
        value,
        f"it takes {', '.join(STATES)}, in capitals or not, or a state of your own, in capitals or"
        f" in quotes.{_elsewhere(value.text) or guess(upper, STATES)}",
        STATES,
    )


def _choice(word: str, value: Value, allowed: tuple[str, ...]) -> Reading:
    text = ascii_lower(value.text)
    if text not in allowed or len(value.parts) > 1:
        is_of_tasks = word in LEXICON and LEXICON[word].values == allowed
        hint = (_elsewhere(text) if is_of_tasks else "") or guess(text, allowed)
        raise _bad_value(word, value, f"it takes {', '.join(allowed)}.{hint}", allowed)
    return Reading(Present(text) if word == "has" else Equal(text), text)


def _elsewhere(text: str) -> str:
    """A sentence that offers the word whose value this is, or nothing."""
    for word in ("status", "conclusion"):
        if ascii_lower(text) in LEXICON[word].values:
            return f' Did you mean "{word}:{ascii_lower(text)}"?'
    return f' Did you mean "state:{text.upper()}"?' if text.upper() in STATES else ""


def _duration(word: str, value: Value) -> Reading:
    return _quantity(word, value, _seconds, "it takes a time such as >5s, <=1m30s or 200ms..2s.")


def _count(word: str, value: Value) -> Reading:
    return _quantity(word, value, _integer, "it takes a whole number such as 3, >0 or 2..5.")


def _quantity(
    word: str, value: Value, read: Callable[[str], float | None], expected: str
) -> Reading:
    match = _OPERATOR.fullmatch(value.text)
    operator, rest = match.groups() if match else (None, value.text)
    low_text, dots, high_text = rest.partition("..")
    low, high = read(low_text), read(high_text)
    if not dots and low is not None:
        return Reading(Comparison(operator or "=", low), value.text)
    if operator or low is None or high is None:
        raise _bad_value(word, value, expected)
    if low > high:
        raise _bad_value(word, value, "the range is empty, its first end is the greater one.")
    return Reading(Between(low, high), value.text)


def _seconds(text: str) -> float | None:
    if not _DURATION.fullmatch(text):
        return None
    return sum(float(number) * _UNITS_S[unit] for number, unit in _DURATION_STEP.findall(text))


def _integer(text: str) -> int | None:
    return int(text) if _COUNT.fullmatch(text) else None


def _instant(word: str, value: Value) -> Reading:
    operator: Literal[">=", "<"] = ">=" if word == "since" else "<"
    ago = _seconds(value.text)
    if ago is not None:
        return Reading(RelativeBound(operator, ago), value.text)
    at = _unix_seconds(value.text)
    if at is None:
        raise _bad_value(
            word,
            value,
            "it takes a time before now (90s, 15m, 1h, 7d), a date (2026-11-21) or a date and time"
            " (2026-11-21T10:00, UTC unless it ends in an offset such as +02:00).",
        )
    if word == "until" and _DATE.fullmatch(value.text):
        at += _DAY_S
    return Reading(Bound(operator, at), spell(value.parts))


def _unix_seconds(text: str) -> float | None:
    if not _DATE.fullmatch(text) and not _INSTANT.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


_READERS: Mapping[Kind, Callable[[str, Value], Reading]] = {
    "text": _text,
    "argument": _text,
    "error": _error,
    "state": _state,
    "duration": _duration,
    "count": _count,
    "instant": _instant,
}
