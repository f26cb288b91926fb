"""The tree of the filter language: its words, and the conditions that their values become.

`LEXICON` is the one table. The parser reads it, the query bar completes from `WORDS`,
its plain form, and docs/reference/query.md tells it to people.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

STATES = ("PENDING", "RECEIVED", "STARTED", "RETRY", "SUCCESS", "FAILURE", "REVOKED", "REJECTED")
"""Celery's own states (celery.states). A host may invent others."""
STATUSES = (
    "queued",
    "scheduled",
    "reserved",
    "running",
    "retrying",
    "stalled",
    "completed",
    "unknown",
)
CONCLUSIONS = ("succeeded", "failed", "cancelled", "rejected", "expired", "lost")
PRESENCES = ("progress", "retries", "eta")
OPERATORS = (">", ">=", "<", "<=", "=")

Kind = Literal["text", "state", "choice", "error", "duration", "count", "instant", "argument"]


class QueryError(Exception):
    """A query that cannot be answered, and where in its text the reason stands."""

    def __init__(
        self,
        message: str,
        *,
        at: int,
        until: int,
        allowed: tuple[str, ...] = (),
        code: Literal["bad_query", "not_allowed"] = "bad_query",
    ) -> None:
        """`at` and `until` are offsets in characters; `allowed` are words that would do there."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.at = at
        self.until = until
        self.allowed = allowed


@dataclass(frozen=True, slots=True)
class Equal:
    """The text is exactly this."""

    text: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """The text is these parts, in order, with anything between them. At least two parts; the
    first and the last are empty where the wildcard stands at an end."""

    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Contains:
    """The text holds these parts in order, whatever the case of their ASCII letters (the parts
    are in lower case). No parts: any text."""

    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ErrorType:
    """The text of an exception of this type: the name alone, or followed by `(` or `:`."""

    name: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """The number (seconds, or a count) stands in this relation to `number`."""

    operator: str
    number: float


@dataclass(frozen=True, slots=True)
class Between:
    """The number is in the range, both ends included."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Bound:
    """First seen at or after (`>=`), or before (`<`), an instant in Unix seconds."""

    operator: Literal[">=", "<"]
    at: float


@dataclass(frozen=True, slots=True)
class RelativeBound:
    """First seen at or after (`>=`), or before (`<`), the instant `ago` seconds before now."""

    operator: Literal[">=", "<"]
    ago: float


@dataclass(frozen=True, slots=True)
class Present:
    """The task has this: one of `PRESENCES`."""

    what: str


Condition = (
    Equal | Pattern | Contains | ErrorType | Comparison | Between | Bound | RelativeBound | Present
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One term: a row matches when any of `fields` meets any of `conditions`, or, `negated`, when
    none does. A field without a value meets none."""

    word: str
    """A key of `LEXICON`, `kwarg.NAME` for any name; empty for a bare word."""
    key: str = ""
    """The keyword argument's name."""
    fields: tuple[str, ...]
    conditions: tuple[Condition, ...]
    is_negated: bool = False
    text: str = field(compare=False)
    """Its canonical text."""


@dataclass(frozen=True, slots=True)
class Query:
    """Terms that must all hold. Equal queries select the same rows; they may be spelt apart."""

    terms: tuple[Term, ...] = ()

    @property
    def text(self) -> str:
        """The canonical text, which parses to an equal query for the same asker."""
        return " ".join(term.text for term in self.terms)

    @property
    def is_relative(self) -> bool:
        """Whether what it selects changes with time alone (`since:1h`)."""
        return any(isinstance(c, RelativeBound) for term in self.terms for c in term.conditions)


EVERYTHING = Query()
"""The empty query: every row."""


class Word(NamedTuple):
    """One word of the language."""

    kind: Kind
    fields: tuple[str, ...]
    """The fields of a row that it reads."""
    description: str
    example: str
    values: tuple[str, ...] = ()
    """What it takes, where that is a closed list, or the list to complete from."""
    needs: tuple[str, ...] = ()
    """The guarded fields whose permission it asks for."""


LEXICON: Mapping[str, Word] = {
    "state": Word("state", ("state",), "Celery's word for it", "state:FAILURE", STATES),
    "status": Word("choice", ("status",), "where the task stands", "status:running", STATUSES),
    "conclusion": Word(
        "choice", ("conclusion",), "how the task ended", "conclusion:failed", CONCLUSIONS
    ),
    "name": Word("text", ("name",), "the task's name", "name:shop.*"),
    "queue": Word("text", ("queue",), "the queue it was sent to", "queue:mail,default"),
    "worker": Word("text", ("worker",), "the worker that took it", "worker:celery@web1"),
    "id": Word("text", ("id",), "the task's id", "id:3f2a*"),
    "root": Word("text", ("root_id",), "the id of its workflow's first task", "root:3f2a*"),
    "parent": Word("text", ("parent_id",), "the id of the task that called it", "parent:3f2a*"),
    "group": Word("text", ("group_id",), "the id of its group", "group:77b0*"),
    "owner": Word("text", ("owner",), "for whom it runs", "owner:alice"),
    "label": Word("text", ("label",), "the label that people are shown", 'label:"Monthly report"'),
    "error": Word(
        "error",
        ("exception",),
        "the exception's type, or its text with *",
        "error:CardError",
        needs=("exception",),
    ),
    "signature": Word(
        "text",
        ("signature",),
        "the signature of its failure",
        "signature:9c01d2e4",
        needs=("exception",),
    ),
    "arg": Word(
        "argument",
        ("args", "kwargs"),
        "the value of any argument",
        "arg:4812",
        needs=("args", "kwargs"),
    ),
    "kwarg.NAME": Word(
        "argument",
        ("kwargs",),
        "the value of one keyword argument",
        "kwarg.order_id:4812",
        needs=("kwargs",),
    ),
    "runtime": Word("duration", ("runtime",), "how long it ran", "runtime:>5s"),
    "wait": Word("duration", ("wait",), "how long it waited for a worker", "wait:>1m"),
    "retries": Word("count", ("retries",), "how often it was retried", "retries:>0"),
    "priority": Word("count", ("priority",), "the priority it was sent with", "priority:0..3"),
    "since": Word("instant", ("first_seen_at",), "first seen then or later", "since:1h"),
    "until": Word(
        "instant", ("first_seen_at",), "first seen before then", "until:2026-11-21T10:00"
    ),
    "has": Word("choice", PRESENCES, "has such a thing at all", "has:progress", PRESENCES),
}

SEARCHED = ("id", "name", "label", "exception")
"""The fields that a bare word searches."""


class Language(NamedTuple):
    """The words that may be asked by, and the fields that a bare word searches."""

    words: Mapping[str, Word]
    searched: tuple[str, ...]


TASKS = Language(LEXICON, SEARCHED)
FAILURE_STATES = ("open", "muted", "resolved")
FAILURES = Language(
    {
        "name": Word("text", ("name",), "the task's name", "name:shop.*"),
        "state": Word("choice", ("state",), "what was decided", "state:open", FAILURE_STATES),
        "since": Word("instant", ("last_seen_at",), "last seen then or later", "since:1h"),
    },
    ("type", "message", "frame", "name", "signature"),
)
"""The few words for groups of failures."""

WORDS: Mapping[str, Mapping[str, object]] = {
    name: {
        "description": word.description,
        "example": word.example,
        "kind": word.kind,
        "values": list(word.values),
        "operators": list(OPERATORS) if word.kind in ("duration", "count") else [],
        "needs": list(word.needs),
    }
    for name, word in LEXICON.items()
}
"""The words as plain data for the query bar: name to description, example, kind of value, the
values and operators to complete from, and the guarded fields it needs."""

json_text: Callable[[object], str] = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":")
).encode
"""Compact JSON text of a plain value. What an argument compares as, unless it is text itself; the
columns `args` and `kwargs` are written with it, so that a number has one spelling everywhere."""

_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def ascii_lower(text: str) -> str:
    """`text` with A-Z in lower case and everything else as it was, as both databases fold it."""
    return text.lower() if text.isascii() else text.translate(_ASCII_LOWER)
