"""The filter language: text -> tree -> predicate. The same tree as SQL: dashboard/filters.py.

Terms joined by blanks are ANDed, values joined by commas ORed. A leading `-` negates its term,
quotes keep blanks, `*` stands for any text. Reading is linear in the length of the text.
"""

import re
from collections.abc import Collection
from typing import NamedTuple

from realtime.core.query_predicate import Predicate, predicate
from realtime.core.query_terms import (
    EVERYTHING,
    FAILURES,
    TASKS,
    WORDS,
    Language,
    Query,
    QueryError,
    Term,
    ascii_lower,
    json_text,
)
from realtime.core.query_values import (
    Reading,
    Value,
    guess_word,
    read_references,
    read_search,
    read_value,
    shown,
)

__all__ = [
    "EVERYTHING",
    "FAILURES",
    "MAX_LENGTH",
    "MAX_TERMS",
    "MAX_VALUES",
    "TASKS",
    "WORDS",
    "Language",
    "Predicate",
    "Query",
    "QueryError",
    "Term",
    "conjunction",
    "json_text",
    "parse",
    "predicate",
    "without",
]

MAX_LENGTH = 1000
"""Characters. A page of typing, and 27 task ids."""
MAX_TERMS = 50
MAX_VALUES = 100
"""Of one term. Each is a comparison for every row that changes, or a clause of SQL; SQLite nests
at most 1,000 deep."""

_KWARG = "kwarg."
_ESCAPED = '"\\*'
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters and halves of pairs: no database stores them all, so nothing can match."""
_BAD_NAME = re.compile(r"[\\*,]")


class _Char(NamedTuple):
    """One character of a term. A quotation mark stays as an empty, quoted one."""

    char: str
    at: int
    is_quoted: bool = False
    is_wildcard: bool = False


def parse(
    text: str, *, unreadable: frozenset[str] = frozenset(), language: Language = TASKS
) -> Query:
    """The query that `text` writes; QueryError, and nothing else, when it writes none.

    `unreadable` names the guarded fields (args, kwargs, result, exception, traceback) that the
    asker may not read: a term that needs one is `not_allowed`, a bare word does not search it.
    `language` says what is asked for: tasks, or groups of failures.
    """
    _check(text)
    if "traceback" in unreadable:
        unreadable |= {"frame"}  # a group's last own frame is a piece of one
    terms = dict.fromkeys(_term(chars, unreadable, language) for chars in _split(text))
    if len(terms) > MAX_TERMS:
        raise QueryError(
            f"There are {len(terms)} terms; at most {MAX_TERMS} are allowed.",
            at=0,
            until=len(text),
        )
    return Query(tuple(terms))


def conjunction(first: Query, second: Query | None) -> Query:
    """What both select; `first` alone when there is no second."""
    if second is None or not second.terms:
        return first
    return Query(tuple(dict.fromkeys(first.terms + second.terms)))


def without(query: Query, words: Collection[str]) -> Query:
    """`query` less its terms of these words."""
    return Query(tuple(term for term in query.terms if term.word not in words))


def _check(text: str) -> None:
    if len(text) > MAX_LENGTH:
        raise QueryError(
            f"The query has {len(text)} characters; at most {MAX_LENGTH} are allowed.",
            at=MAX_LENGTH,
            until=len(text),
        )
    if match := _FORBIDDEN.search(text):
        raise QueryError(
            f"A query cannot hold the character U+{ord(match[0]):04X}: leave it out.",
            at=match.start(),
            until=match.end(),
        )


def _split(text: str) -> list[list[_Char]]:
    """The characters of each term."""
    terms: list[list[_Char]] = [[]]
    at = 0
    while at < len(text):
        char = text[at]
        if char == '"':
            at = _read_quoted(text, at, terms[-1])
        elif char.isspace():
            terms.append([])
        else:
            terms[-1].append(_Char(char, at, is_wildcard=char == "*"))
        at += 1
    return [term for term in terms if term]


def _read_quoted(text: str, start: int, term: list[_Char]) -> int:
    """Append what stands in the quotes that open at `start`; the offset of the closing one."""
    term.append(_Char("", start, is_quoted=True))
    at = start + 1
    while at < len(text):
        char = text[at]
        if char == '"':
            term.append(_Char("", at, is_quoted=True))
            return at
        is_escape = char == "\\" and text[at + 1 : at + 2] in tuple(_ESCAPED)
        if is_escape:
            at += 1
        term.append(_Char(text[at], at, is_quoted=True, is_wildcard=char == "*"))
        at += 1
    raise QueryError('These quotes do not end: close them with ".', at=start, until=len(text))


def _term(chars: list[_Char], unreadable: frozenset[str], language: Language) -> Term:
    is_negated = _is_syntax(chars[0], "-")
    body = chars[1:] if is_negated else chars
    if not body or _is_syntax(body[0], "-"):
        raise QueryError(
            'A "-" negates the one term that follows it directly; put text that begins with "-"'
            " in quotes.",
            at=chars[0].at,
            until=chars[-1].at + 1,
        )
    colon = next((i for i, char in enumerate(body) if _is_syntax(char, ":")), None)
    sign = "-" if is_negated else ""
    if colon is None or any(char.is_quoted for char in body[:colon]):
        values = _values(body)
        if "id" in language.words and (references := read_references(values)):
            return _made("id", "", language.words["id"].fields, references, sign, f"{sign}id:")
        fields = tuple(name for name in language.searched if name not in unreadable)
        readings = [read_search(value) for value in values]
        return _made("", "", fields, readings, sign, sign)
    head = "".join(char.char for char in body[:colon])
    word, key = _word(head, body[0].at, body[colon].at, unreadable, language)
    meant = language.words[word]
    values = _values(body[colon + 1 :], body[colon].at + 1)
    readings = [read_value(word, value, meant) for value in values]
    spelt = f"{_KWARG}{key}" if key else word
    return _made(word, key, meant.fields, readings, sign, f"{sign}{spelt}:")


def _made(
    word: str, key: str, fields: tuple[str, ...], readings: list[Reading], sign: str, prefix: str
) -> Term:
    return Term(
        word=word,
        key=key,
        fields=fields,
        conditions=tuple(dict.fromkeys(reading.condition for reading in readings)),
        is_negated=bool(sign),
        text=prefix + ",".join(reading.spelling for reading in readings),
    )


def _is_syntax(char: _Char, mark: str) -> bool:
    return char.char == mark and not char.is_quoted


def _word(
    head: str, at: int, until: int, unreadable: frozenset[str], language: Language
) -> tuple[str, str]:
    """The key of the language's words that `head` names, and the name of a keyword argument."""
    words = language.words
    word, key = ascii_lower(head), ""
    if word.startswith(_KWARG) and len(word) > len(_KWARG) and not _BAD_NAME.search(word):
        word, key = "kwarg.NAME", head[len(_KWARG) :]
    if word not in words or (word == "kwarg.NAME") != bool(key):
        raise QueryError(
            f"There is no word {shown(head)}.{guess_word(word, words)} The words are"
            f" {', '.join(words)}. To search for text with a colon, put it in quotes.",
            at=at,
            until=max(until, at + 1),
            allowed=tuple(words),
        )
    denied = [name for name in words[word].needs if name in unreadable]
    if denied:
        raise QueryError(
            f"You may not read {', '.join(denied)} of tasks, so {word}: is not for you:"
            " take the term out, or ask for that permission.",
            at=at,
            until=until,
            code="not_allowed",
        )
    return word, key


def _values(chars: list[_Char], start: int | None = None) -> list[Value]:
    """The values between the commas of `chars`, which begin at offset `start`."""
    groups: list[list[_Char]] = [[]]
    begins = [chars[0].at if start is None else start]
    for char in chars:
        if _is_syntax(char, ","):
            groups.append([])
            begins.append(char.at + 1)
        else:
            groups[-1].append(char)
    if len(groups) > MAX_VALUES:
        raise QueryError(
            f"There are {len(groups)} values in this term; at most {MAX_VALUES} are allowed.",
            at=begins[0],
            until=chars[-1].at + 1,
        )
    return [_value(group, begin) for group, begin in zip(groups, begins, strict=True)]


def _value(chars: list[_Char], begin: int) -> Value:
    if not chars:
        mark = max(begin - 1, 0)  # the comma or the colon beside the gap
        raise QueryError(
            'A value is missing here: write one, or "" for an empty one.',
            at=mark,
            until=mark + 1,
        )
    parts = [""]
    for char in chars:
        if not char.is_wildcard:
            parts[-1] += char.char
        elif len(parts) == 1 or parts[-1]:
            parts.append("")
    return Value(
        text="*".join(parts),
        parts=tuple(parts),
        is_quoted=any(char.is_quoted for char in chars),
        at=chars[0].at,
        until=chars[-1].at + 1,
    )
