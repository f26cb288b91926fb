"""For tests of what people who wait are shown: tokens and the store's side of them, in memory."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from realtime.core import public
from realtime.core.wire import Row
from realtime.embedding import BadToken, Expected, Grant, PublicPage, Usual
from realtime.ports import StoreUnavailable


class MemoryTokens:
    """A `Tokens` for which a token is the name of a grant."""

    def __init__(self) -> None:
        self.grants: dict[str, Grant] = {}
        """Token to what it allows."""
        self.refused: dict[str, str] = {}
        """Token to the code with which it is refused."""

    def give(self, token: str, *subjects: str, grant: Grant) -> None:
        """Let this token allow these subjects beside what the grant does."""
        named = [public.split(subject) for subject in subjects]
        of = {kind: {pair[1] for pair in named if pair and pair[0] == kind} for kind in _KINDS}
        self.grants[token] = replace(
            grant,
            tasks=grant.tasks | of[public.TASK],
            groups=grant.groups | of[public.GROUP],
        )

    def verify(self, token: str, now: float) -> Grant:
        """What this token allows; `BadToken` for one that was refused, is over or unknown."""
        if token in self.refused:
            raise BadToken(self.refused[token], "The token is refused.")
        grant = self.grants.get(token)
        if grant is None:
            raise BadToken("bad_token", "The token is not one.")
        if grant.expires_at <= now:
            raise BadToken("token_expired", "The token has expired.")
        return grant


class MemoryPublic:
    """A `PublicReads` of what the test puts in. Set `is_available` to False and every method
    raises `StoreUnavailable`."""

    def __init__(self, epoch: str = "epoch-1") -> None:
        self.is_available = True
        self.epoch = epoch
        self.revision = 0
        self.tasks: dict[str, Row] = {}
        """Whole rows by id."""
        self.groups: dict[str, Row] = {}
        self.expected: dict[str, Expected] = {}
        """By subject."""
        self.waiting: dict[str, list[tuple[float, str]]] = {}
        """By queue."""
        self.usually: dict[str, Usual] = {}
        """By name."""
        self.reads: list[str] = []
        """The methods that were called."""

    def public(self, subjects: Collection[str]) -> PublicPage:
        """What is known of these subjects."""
        self._read("public")
        return PublicPage(
            {id_: row for id_, row in self.tasks.items() if f"task:{id_}" in subjects},
            {id_: row for id_, row in self.groups.items() if f"group:{id_}" in subjects},
            {key: told for key, told in self.expected.items() if key in subjects},
            self.epoch,
            self.revision,
        )

    def places(self, queues: Collection[str]) -> Mapping[str, Sequence[tuple[float, str]]]:
        """The waiting tasks of these queues."""
        self._read("places")
        return {queue: self.waiting.get(queue, []) for queue in queues}

    def usual(self, names: Collection[str]) -> Mapping[str, Usual]:
        """How long tasks of these names usually take."""
        self._read("usual")
        return {name: self.usually[name] for name in names if name in self.usually}

    def vouch(self, subjects: Mapping[str, Expected]) -> None:
        """Keep that these were handed over; the first word counts."""
        self._read("vouch")
        for key, told in subjects.items():
            first = self.expected.get(key, told)
            total = max((t for t in (first.total, told.total) if t is not None), default=None)
            self.expected[key] = Expected(first.at, total)

    def _read(self, what: str) -> None:
        if not self.is_available:
            raise StoreUnavailable("the test says so")
        self.reads.append(what)


_KINDS = (public.TASK, public.GROUP)
