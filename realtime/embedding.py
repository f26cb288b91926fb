"""The ports of what people who wait are shown: embed tokens, and the store as it is read for them.

Beside `realtime.ports`, which is about operators.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from realtime.core.public import Expected, Shown, Usual
from realtime.core.wire import Row

__all__ = [
    "BadToken",
    "Expected",
    "Grant",
    "PublicPage",
    "PublicReads",
    "Shown",
    "Tokens",
    "Usual",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What one embed token allows its holder. Instants are Unix seconds."""

    tasks: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    owner: str | None = None
    """Every task of this owner, as the store has it."""
    can: frozenset[str] = frozenset()
    """Of `result`, `cancel` and `retry`."""
    label: str | None = None
    """What the task is called towards people; else its own label."""
    issued_at: float
    expires_at: float

    @property
    def shown(self) -> Shown:
        """How it shows what it opens."""
        return Shown("result" in self.can, self.label, self.can - {"result"})


class BadToken(Exception):
    """A token that opens nothing. `code` is for programs: `bad_token` (malformed, or of another
    algorithm, signature or claims), `wrong_audience`, `token_expired`, `too_long_lived` or
    `not_configured`; `message` is one sentence for people, without secrets. `reason` is the code
    or, for a `bad_token`, what is bad: what operators count."""

    def __init__(self, code: str, message: str, reason: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.reason = reason or code


class Tokens(Protocol):
    """Tells what tokens allow."""

    def verify(self, token: str, now: float) -> Grant:
        """What this token allows at `now` (Unix seconds); `BadToken` says why nothing. Called on
        the event loop: CPU only, under 100 us, no I/O."""
        ...


class PublicPage(NamedTuple):
    """What the store knows of some subjects, in one consistent read as of `revision`."""

    tasks: Mapping[str, Row]
    """By id, whole rows (`wire.task_row`) of full rights; unknown ids are absent."""
    groups: Mapping[str, Row]
    """By id, rows of `wire.group_row`; unknown ids are absent."""
    expected: Mapping[str, Expected]
    """By subject, for those that somebody vouched for."""
    epoch: str
    revision: int


class PublicReads(Protocol):
    """What people who wait are answered from. Called from threads; every method may raise
    `StoreUnavailable`."""

    def public(self, subjects: Collection[str]) -> PublicPage:
        """What is known of at most 500 subjects (`task:<id>`, `group:<id>`)."""
        ...

    def places(self, queues: Collection[str]) -> Mapping[str, Sequence[tuple[float, str]]]:
        """For each queue its waiting tasks, oldest first, as (first_seen_at, id): at most 1,000
        each."""
        ...

    def usual(self, names: Collection[str]) -> Mapping[str, Usual]:
        """How long tasks of these names usually take; those of fewer than 5 runs are absent."""
        ...

    def vouch(self, subjects: Mapping[str, Expected]) -> None:
        """Store that these were handed over. The first word counts: the instant stays, a total
        only grows."""
        ...
