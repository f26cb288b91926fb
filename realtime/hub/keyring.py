"""The tokens of one socket: what they allow together, and when they end."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from realtime.core import frames, public
from realtime.core.credit import Allowance
from realtime.core.public import Shown

if TYPE_CHECKING:
    from realtime.embedding import Grant

MAX_TOKENS = 500
MAX_ALLOWED = 20_000
"""Tasks and groups that the tokens of one socket name, together."""
STRANGER_S = 5.0
"""For a page to send a token, on a connection that brought neither session nor key."""
GRACE_S = 1.0
"""After a refused token: the page may have others, which come in frames of their own."""
LONELY_S = 60.0
"""For a page to renew the last of its tokens, after it ended."""

TOKENS_AT_ONCE = 2 * MAX_TOKENS
TOKENS_PER_S = 20.0
"""Each costs the loop a signature. A page sends all of its own when it comes back."""
ADDS_AT_ONCE = 4 * MAX_TOKENS
ADDS_PER_S = 50.0
"""Subjects; each may cost the store a part of a read."""


class Cover(NamedTuple):
    """What the tokens together allow of one subject."""

    shown: Shown
    issued_at: float | None
    """When the first of those that name it was issued; None where they only name its owner."""


class Keyring:
    """Touched only by the hub's loop. Instants of grants are Unix seconds."""

    def __init__(self, now: float) -> None:
        """`now` is of a clock that never goes back."""
        self.tokens = Allowance(TOKENS_AT_ONCE, TOKENS_PER_S, now)
        self.adds = Allowance(ADDS_AT_ONCE, ADDS_PER_S, now)
        self.expires_at = math.inf
        """When the next token ends."""
        self.close_at = now + STRANGER_S
        """When a stranger without a valid token is sent away, by the clock of `now`."""
        self.close_code: int | None = None
        self._grants: dict[str, Grant] = {}
        self._keys: dict[str, dict[str, None]] = {}
        """Subject to the keys of the tokens that name it."""
        self._owners: dict[str, None] = {}
        """Keys of the tokens that name an owner."""

    def __bool__(self) -> bool:
        return bool(self._grants)

    def __contains__(self, key: object) -> bool:
        return key in self._grants

    def __len__(self) -> int:
        return len(self._grants)

    def refuse(self, *, is_over: bool, now: float) -> None:
        """A token was refused. One whose time `is_over` may be renewed soon; with others the
        peer need not come back."""
        if self or self.close_code == frames.EXPIRED:
            return
        if is_over:
            self.close_code = frames.EXPIRED
        else:
            self.close_code = frames.BAD_TOKEN
            self.close_at = min(self.close_at, now + GRACE_S)

    @property
    def has_owner(self) -> bool:
        """Whether what they allow depends on whose a task is."""
        return bool(self._owners)

    def has_room(self, key: str, grant: Grant) -> bool:
        """Whether this one may be added."""
        if key not in self._grants and len(self._grants) >= MAX_TOKENS:
            return False
        return len(self._keys) + len(grant.tasks) + len(grant.groups) <= MAX_ALLOWED

    def put(self, key: str, grant: Grant) -> set[str] | None:
        """Add a token, in place of the one of this key; the subjects for which something may be
        other than before, None for all."""
        before = self._take(key)
        self._grants[key] = grant
        named = _subjects(grant)
        for subject in named:
            self._keys.setdefault(subject, {})[key] = None
        if grant.owner is not None:
            self._owners[key] = None
        self._find_end()
        if grant.owner is not None or (before is not None and before.owner is not None):
            return None
        return named | (_subjects(before) if before is not None else set())

    def expire(self, at: float, now: float) -> list[str]:
        """Forget the tokens that ended by `at` (Unix seconds); their keys."""
        ended = [key for key, grant in self._grants.items() if grant.expires_at <= at]
        for key in ended:
            self._take(key)
        self._find_end()
        self.close_code, self.close_at = frames.EXPIRED, now + LONELY_S
        return ended

    def cover(self, subject: str, owner: object) -> Cover | None:
        """What is allowed of a subject whose owner is `owner`; None for nothing."""
        named = self._keys.get(subject, {})
        owned = [key for key in self._owners if _is_owner(self._grants[key], subject, owner)]
        if len(named) == 1 and not owned:
            (key,) = named
            grant = self._grants[key]
            return Cover(grant.shown, grant.issued_at)
        grants = [self._grants[key] for key in dict.fromkeys((*named, *owned))]
        if not grants:
            return None
        issued = [self._grants[key].issued_at for key in named]
        return Cover(_together(grants), min(issued, default=None))

    def _take(self, key: str) -> Grant | None:
        grant = self._grants.pop(key, None)
        if grant is None:
            return None
        self._owners.pop(key, None)
        for subject in _subjects(grant):
            keys = self._keys[subject]
            del keys[key]
            if not keys:
                del self._keys[subject]
        return grant

    def _find_end(self) -> None:
        ends = (grant.expires_at for grant in self._grants.values())
        self.expires_at = min(ends, default=math.inf)


def _subjects(grant: Grant) -> set[str]:
    tasks = {public.subject_of(public.TASK, id_) for id_ in grant.tasks}
    return tasks | {public.subject_of(public.GROUP, id_) for id_ in grant.groups}


def _is_owner(grant: Grant, subject: str, owner: object) -> bool:
    is_task = subject.startswith(public.TASK)
    return is_task and owner is not None and grant.owner == owner


def _together(grants: list[Grant]) -> Shown:
    shown = [grant.shown for grant in grants]
    return Shown(
        any(each.has_result for each in shown),
        next((each.label for each in shown if each.label), None),
        frozenset().union(*(each.actions for each in shown)),
    )
