"""What must never be stored is taken out of every event before anything else sees it.

Values of sensitive arguments go by the name they stand under, at any depth; texts that a program
wrote (errors, results, messages) are searched for the ways in which secrets get into them.
Searching is linear in the length of a text, whoever wrote it.
"""

import functools
import re
import unicodedata
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from realtime.core.events import Event, Fields
from realtime.core.query_terms import ascii_lower

REDACTED = "[redacted]"

MIN_SECRET = 4
"""Shorter values are not searched for in texts: `1` or `no` stands everywhere."""
_MAX_SECRETS = 20
"""Of one task. A text is searched once for each."""
_MAX_KEPT = 4_000_000
"""Characters of secrets that are kept in memory for the errors that may yet come, newest first."""
_MAX_NAMES = 4096

_TEXTS = ("exception", "traceback", "result", "message", "stage", "unit")
_ARGUMENTS = ("args", "kwargs")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_URL = re.compile(r"(://[^\s/:@'\"]{0,200}:)[^\s/'\"]{1,500}@")
_BEARER = re.compile(r"(?i)\b(bearer\s{1,5})[A-Za-z0-9._~+/=-]{4,}")
# A name has ended: what stands between it and its value in a dict, a call, a header or a query.
# Headers are often written as pairs: `('Authorization', 'Basic QWxh')`.
_SEPARATOR = r"[\w-]{0,40}\\{0,3}(?:[\"']?\s{0,5}(?:=>|[:=])|[\"']\s{0,5},)\s{0,5}"
_separates = re.compile(r"[:=,]").search
_VALUE = (
    r"(?:[burf]{0,2}(?P<quote>\\{0,3}[\"'])(?:\\.|[^\\])*?(?:(?P=quote)|\\?\Z)"
    r"|\[[^\]]*\]?|\([^)]*\)?|\{[^}]*\}?"
    r"|(?:(?:basic|bearer|digest|token)\s{1,5})?[^\s,;&)}\]\"']+)"
)


class _Rule(NamedTuple):
    """What one task's arguments hide beyond the names that all hide."""

    names: re.Pattern[str] | None
    positions: frozenset[int]
    is_all: bool


class Redaction:
    """The `Redactor`. `patterns` are names of arguments, whatever their case; `*` stands for any
    text, a name without it for these words anywhere in a name (`card_number` hides `cardNumber`
    and `old_card_number`). `task.name:argument` limits a pattern to a task (`*` for parts of its
    name too); its argument may be a position, counted from 0, or `*` for all."""

    def __init__(self, patterns: Iterable[str]) -> None:
        common, of_tasks = _parted(patterns)
        self._of_tasks = of_tasks
        self._names = _names(common)
        stems = "|".join(_stem(name) for name in common) or r"(?!)"
        self._pair = re.compile(rf"(?s)(?:{stems}){_SEPARATOR}(?P<value>{_VALUE})")
        self._hints = tuple({_hint(name) for name in common})
        self._secrets: OrderedDict[str, tuple[str, ...]] = OrderedDict()
        self._kept = 0
        self._is_sensitive = functools.lru_cache(_MAX_NAMES)(self._named)
        self._rule = functools.lru_cache(_MAX_NAMES)(self._rule_of)

    def redact(self, event: Event) -> Event:
        """The event as it may be stored; itself where nothing had to go."""
        fields = event.fields
        if not fields:
            return event
        kind = event.kind
        if kind in ("task-sent", "task-received"):
            told = self._arguments(event)
        elif kind == "task-context":
            told = self._label(fields)
        elif kind.startswith("task-"):
            told = self._texts(event)
        else:
            return event
        return event if told is fields else event._replace(fields=told)

    def text(self, text: str, secrets: Iterable[str] = ()) -> str:
        """The text without passwords in URLs, values of sensitive names, bearer tokens, and these
        secrets."""
        if "://" in text and "@" in text:
            text = _URL.sub(rf"\1{REDACTED}@", text)
        lower = ascii_lower(text)
        if _separates(text) and any(hint in lower for hint in self._hints):
            text = self._without_pairs(text, lower)
        if "bearer" in lower:
            text = _BEARER.sub(rf"\1{REDACTED}", text)
        for secret in secrets:
            if secret in text:
                text = text.replace(secret, REDACTED)
        return text

    def _without_pairs(self, text: str, lower: str) -> str:
        """`lower` is searched, which is four times as fast as text of either case."""
        parts: list[str] = []
        end = 0
        for match in self._pair.finditer(lower):
            parts += (text[end : match.start("value")], REDACTED)
            end = match.end()
        return "".join((*parts, text[end:])) if parts else text

    def _arguments(self, event: Event) -> Fields:
        fields = event.fields
        args, kwargs = fields.get("args"), fields.get("kwargs")
        if not args and not kwargs:
            return fields
        rule = self._rule(fields.get("name") or "") if self._of_tasks else _NO_RULE
        secrets: list[object] = []
        told = fields
        if args:
            seen = self._positional(args, rule, secrets)
            told = told if seen is args else {**told, "args": seen}
        if kwargs:
            seen = self._value(kwargs, rule, secrets)
            told = told if seen is kwargs else {**told, "kwargs": seen}
        if secrets:
            found = self._keep(event.id, secrets)
            for name in _ARGUMENTS:
                told = {**told, name: _without(told[name], found)}
        return told

    def _positional(self, args: object, rule: _Rule, secrets: list[object]) -> object:
        if isinstance(args, str) and rule.positions:
            # A repr that could not be read has no positions to tell apart.
            return REDACTED
        seen = self._value(args, rule, secrets)
        hidden = rule.positions
        if not hidden or not isinstance(args, list) or not isinstance(seen, list):
            return seen
        secrets += [value for n, value in enumerate(args) if n in hidden]
        return [REDACTED if n in hidden else value for n, value in enumerate(seen)]

    def _value(self, value: object, rule: _Rule, secrets: list[object]) -> object:
        """The value without what its names hide; the same object where nothing was hidden."""
        if rule.is_all:
            secrets.append(value)
            return REDACTED
        if isinstance(value, str):
            return self._repr(value, rule)
        return self._data(value, rule, secrets)

    def _repr(self, text: str, rule: _Rule) -> str:
        """A text kept in place of data tells names and values in no safe order: all or nothing."""
        lower = ascii_lower(text)
        if self._names.search(lower) or (rule.names and rule.names.search(lower)):
            return REDACTED
        return self.text(text)

    def _data(self, value: object, rule: _Rule, secrets: list[object]) -> object:
        if isinstance(value, str):
            # Whatever is found in a text has one of these in it.
            is_plain = not (":" in value or "=" in value or " " in value)
            return value if is_plain else self.text(value)
        if isinstance(value, dict):
            return self._dict(value, rule, secrets)
        if isinstance(value, list):
            if len(value) == 2 and isinstance(value[0], str) and self._hides(value[0], rule):
                # A header, or an item of a dict, as a pair.
                secrets.append(value[1])
                return [value[0], REDACTED]
            items = [self._data(item, rule, secrets) for item in value]
            is_same = all(map(_is, items, value))
            return value if is_same else items
        return value

    def _dict(self, value: Fields, rule: _Rule, secrets: list[object]) -> Fields:
        items: Fields = {}
        is_same = True
        for name, held in value.items():
            if self._hides(name, rule):
                secrets.append(held)
                items[name] = REDACTED
            else:
                items[name] = self._data(held, rule, secrets)
            is_same = is_same and items[name] is held
        return value if is_same else items

    def _label(self, fields: Fields) -> Fields:
        label = fields.get("label")
        seen = self.text(label) if isinstance(label, str) else label
        return fields if seen == label else {**fields, "label": seen}

    def _texts(self, event: Event) -> Fields:
        fields = told = event.fields
        secrets: tuple[str, ...] | None = None
        for name in _TEXTS:
            text = fields.get(name)
            if not isinstance(text, str) or not text:
                continue
            if secrets is None:
                secrets = self._secrets.get(event.id, ())
            seen = self.text(text, secrets)
            if seen != text:
                told = {**told, name: seen}
        stages = fields.get("stages")
        if isinstance(stages, tuple):
            told = {**told, "stages": tuple(map(self.text, stages))}
        return told

    def _keep(self, task_id: str, values: Iterable[object]) -> tuple[str, ...]:
        """Remember what was hidden, so that the error that repeats it can be cleaned of it."""
        before = self._secrets.pop(task_id, ())
        found = dict.fromkeys((*before, *_leaves(values)))
        if not found:
            return ()
        longest_first = tuple(sorted(found, key=len, reverse=True)[:_MAX_SECRETS])
        self._secrets[task_id] = longest_first
        self._kept += _size(longest_first) - _size(before)
        while self._kept > _MAX_KEPT:
            self._kept -= _size(self._secrets.popitem(last=False)[1])
        return longest_first

    def _hides(self, name: str, rule: _Rule) -> bool:
        if self._is_sensitive(name):
            return True
        return rule.names is not None and rule.names.search(_words(name)) is not None

    def _named(self, name: str) -> bool:
        return self._names.search(_words(name)) is not None

    def _rule_of(self, task: str) -> _Rule:
        told = [argument for pattern, argument in self._of_tasks if pattern.fullmatch(task)]
        names = [argument for argument in told if not argument.isdecimal() and argument != "*"]
        return _Rule(
            _names(names) if names else None,
            frozenset(int(argument) for argument in told if argument.isdecimal()),
            "*" in told,
        )


_NO_RULE = _Rule(None, frozenset(), is_all=False)


def _size(secrets: tuple[str, ...]) -> int:
    return sum(map(len, secrets))


def _is(one: object, other: object) -> bool:
    return one is other


def _parted(patterns: Iterable[str]) -> tuple[list[str], list[tuple[re.Pattern[str], str]]]:
    """The names that all tasks hide, and (task, argument) of the others."""
    common: list[str] = []
    of_tasks: list[tuple[re.Pattern[str], str]] = []
    for pattern in patterns:
        task, colon, argument = pattern.rpartition(":")
        if colon:
            parts = (re.escape(part) for part in task.split("*"))
            of_tasks.append((re.compile(".*".join(parts)), argument))
        else:
            common.append(pattern)
    return common, of_tasks


def _words(name: str) -> str:
    """`oldCardNumber` with its words apart, as `old_card_number` has them, in lower case. Letters
    that only look other than ours are ours, as in Python's own names; invisible ones are none."""
    if not name.isascii():
        plain = unicodedata.normalize("NFKC", name)
        name = "".join(char for char in plain if unicodedata.category(char) != "Cf")
    return ascii_lower(_CAMEL.sub("_", name))


def _names(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(_stem(pattern) for pattern in patterns) or r"(?!)")


def _stem(pattern: str) -> str:
    """What of a name, or of a text that holds names, this pattern finds, all in lower case. What
    `*` stands for before or after it need not be found."""
    parts = [re.split(r"[_-]", part) for part in ascii_lower(pattern).strip("*").split("*")]
    spelt = r"[\w-]{0,40}".join(r"[_\s-]?".join(map(re.escape, words)) for words in parts)
    # The first letters stand first, so that the search can leap from one to the next; only then
    # it is looked at what stands before them.
    first = re.escape(parts[0][0])
    start = "" if pattern.startswith("*") else rf"(?<![a-z0-9]{first})"
    end = "" if pattern.endswith("*") else r"(?![a-z0-9])"
    return first + start + spelt.removeprefix(first) + end


def _hint(pattern: str) -> str:
    """A text without this, in lower case, holds nothing that the pattern finds."""
    return max(re.split(r"[*_-]", ascii_lower(pattern)), key=len)


def _leaves(values: Iterable[object]) -> Iterator[str]:
    """The texts and numbers in these values that are long enough to be searched for."""
    for value in values:
        if isinstance(value, dict):
            yield from _leaves(value.values())
        elif isinstance(value, list):
            yield from _leaves(value)
        elif isinstance(value, str | int | float) and not isinstance(value, bool):
            text = str(value)
            if len(text) >= MIN_SECRET and text != REDACTED:
                yield from _spellings(text)


def _spellings(text: str) -> Iterator[str]:
    """The text, and how it stands in the repr of an error, within quotes of either kind."""
    yield text
    escaped = repr(text)[1:-1]
    if escaped != text:
        yield escaped
    if "'" in text and '"' not in text:
        yield escaped.replace("'", "\\'")


def _without(value: object, secrets: Iterable[str]) -> object:
    """The value with these secrets taken out of its texts."""
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, REDACTED)
        return value
    if isinstance(value, dict):
        return {name: _without(held, secrets) for name, held in value.items()}
    if isinstance(value, list):
        return [_without(item, secrets) for item in value]
    return value
