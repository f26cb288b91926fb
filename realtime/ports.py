"""The Protocols between the stream and the outside, and the values that pass through them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from realtime.core.events import Event
from realtime.core.expected import Expectation
from realtime.core.failures import FailureGroup
from realtime.core.groups import Group
from realtime.core.query import EVERYTHING, Query
from realtime.core.rollup import RollupMark
from realtime.core.task import Task
from realtime.core.watched import Queue, ScheduleEntry
from realtime.core.wire import Row
from realtime.core.workers import Worker

Counts = Mapping[str, tuple[int, bool]]
"""Status or conclusion (and `all`) to how many, and whether the count stopped at its cap."""


class LeaseLost(Exception):
    """Another receiver holds the lease; nothing was written."""


class StoreUnavailable(Exception):
    """The store cannot be reached or cannot write now; the same call may succeed later."""


class TooCostly(StoreUnavailable):
    """The read was given up, because it would have kept the store busy for too long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A time in which the stream was interrupted. Unix seconds; `until_at` is None while open."""

    from_at: float
    until_at: float | None = None
    reason: str = ""
    repaired: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamInfo:
    """The one row `headway_stream` as readers see it, with the newest gap."""

    epoch: str
    revision: int
    floor: int
    alive_at: float | None = None
    covered_at: float | None = None
    """Receive time of the newest event that the store covers, by the leader's clock."""
    holder: str | None = None
    stats: Mapping[str, object] = field(default_factory=dict)
    """What the leader tells of itself each second: lag_ms, state, events_per_second, counters."""
    gap: Gap | None = None


class Counted(NamedTuple):
    """What the tasks of one commit add to the sums over all tasks. It is stored with them, and
    added up later (`TaskStore.add_up`)."""

    id: int
    """A commit that is tried again counts under the same id: it takes the place of the first."""
    marks: Mapping[RollupMark, int]
    failures: Sequence[FailureGroup]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What one tick writes, whole rows by their newest state."""

    tasks: Sequence[Task] = ()
    workers: Sequence[Worker] = ()
    groups: Sequence[Group] = ()
    gaps: Sequence[Gap] = ()
    """Upserted by `from_at`."""
    covered_at: float | None = None
    counted: Counted | None = None
    queues: Sequence[Queue] = ()
    schedule: Sequence[ScheduleEntry] = ()
    removed: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Names of `workers`, `queues` and entries of the `schedule` that are gone."""


class Commit(NamedTuple):
    """Which numbers a transaction took: tasks in order `previous + 1 ..`, then workers, groups,
    queues and the schedule; all that it removed together took the last one, the new floor."""

    epoch: str
    previous: int
    revision: int


class Batch(NamedTuple):
    """What is published after a commit. `rows` holds a JSON array of whole rows for each kind
    (`tasks`, `workers`, `groups`); empty where nothing changed: then it is only a sign of life."""

    epoch: str
    previous: int
    revision: int
    rows: Mapping[str, bytes]
    removed: Mapping[str, Sequence[str]]
    stream: Mapping[str, object]


class TaskStore(Protocol):
    """What the pipeline writes to; called from one thread. Every method may raise
    `StoreUnavailable`."""

    def acquire(self, token: str, holder: str, now: float, ttl_s: float) -> bool:
        """Take the lease when it is free, expired or already mine; renews it when mine."""
        ...

    def release(self, token: str) -> None:
        """Give the lease back so that a successor need not wait for it to expire."""
        ...

    def load(self, ids: Collection[str]) -> dict[str, Task]:
        """The stored tasks of these ids; unknown ids are absent."""
        ...

    def live(self, limit: int) -> list[Task]:
        """The newest tasks that are not over."""
        ...

    def workers(self) -> list[Worker]:
        """Every stored worker."""
        ...

    def groups(self, ids: Collection[str]) -> dict[str, Group]:
        """The stored groups of these ids; unknown ids are absent."""
        ...

    def expectations(self, limit: int) -> list[Expectation]:
        """What was vouched for and not yet taken, the oldest first."""
        ...

    def take_expectations(self, taken: Collection[Expectation], before: float | None) -> None:
        """Mark these as taken, but for those whose total has grown since they were read, and delete
        a few of those made before then (Unix seconds)."""
        ...

    def watched(self) -> tuple[list[Queue], list[ScheduleEntry]]:
        """Every stored queue, and every stored entry of the schedule."""
        ...

    def commit(self, token: str, changes: Changes) -> Commit:
        """Write everything in one transaction under the lease; `LeaseLost` writes nothing."""
        ...

    def add_up(self, token: str, now: float) -> Commit | None:
        """Add what commits counted to rollups and failure groups, and delete a few rollups that
        are kept no longer, in one transaction under the lease; the numbers it took, or None when
        nothing was counted. Not to be called between a commit that failed and its repetition."""
        ...

    def beat(self, token: str, now: float, ttl_s: float, stats: Mapping[str, object]) -> StreamInfo:
        """Renew the lease and store the signs of life; `LeaseLost` when it is another's."""
        ...

    def stream(self) -> StreamInfo:
        """Where the stream stands."""
        ...

    def close(self) -> None:
        """Give up the connections."""
        ...


class Select(NamedTuple):
    """What a view wants: the same values are the same view, whoever asks."""

    of: str
    """One of `frames.SERVED`."""
    query: Query = EVERYTHING
    limit: int = 100
    ids: tuple[str, ...] = ()
    """Follow exactly these in place of a query: `task`, `worker`, rows beyond a window."""
    parts: frozenset[str] = frozenset()
    """The kinds that an overview may draw upon, and `sight.FRAME` where frames may be told."""
    user: str | None = None
    """Only what this person did: of `audit` and `operations`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What one viewer may see, as a value: equal rights share views. `hidden` names the guarded
    fields (args, kwargs, result, exception, traceback) that the viewer may not read."""

    user: str | None
    can: frozenset[str]
    """Granted abilities by Django's names for them: `view_task`, `view_queue`, `retry_task`."""
    hidden: frozenset[str] = frozenset()
    rows: Query = EVERYTHING
    """ANDed to every query."""


NOBODY = Rights(user=None, can=frozenset())


class Page(NamedTuple):
    """Rows of one read, newest first, as of `revision`; `after` is the cursor to go on, or None."""

    rows: list[Row]
    epoch: str
    revision: int
    after: str | None = None
    searched_back_to: float | None = None
    """Where a costly query stopped reading, Unix seconds; None when it read all it had to."""


class Snapshots(Protocol):
    """What the hub and the pages read from. Whole rows (TASK projection for `task`, LIST for
    `tasks`) of full rights: the caller projects with `wire.project`. Rows of the kinds that
    only the store can tell (`frames.TOLD`) are as `Select` and `rows` allow them. Called from any
    thread."""

    def stream(self) -> StreamInfo:
        """Where the stream stands."""
        ...

    def page(self, select: Select, rows: Query, now: float, after: str | None = None) -> Page:
        """The newest `limit` rows that match both queries, below the cursor `after`."""
        ...

    def changes(self, of: str, since: int, limit: int) -> list[Row] | None:
        """Whole rows changed after revision `since`, oldest first; None when more than `limit`."""
        ...

    def counts(self, query: Query, rows: Query, now: float) -> Counts:
        """Capped counts of every status and conclusion of what matches both queries."""
        ...


class Publisher(Protocol):
    """Where committed batches go. Never raises: what is lost here is read from the store."""

    def publish(self, batch: Batch) -> None:
        """Send one batch to every web process."""
        ...


class Access(Protocol):
    """Who may see what. Reads the database: called off the event loop."""

    def rights(self, scope: Mapping[str, object]) -> Rights:
        """The rights of whoever opened this ASGI connection; `NOBODY` for strangers."""
        ...


class Redactor(Protocol):
    """Takes out of an event what must never be stored. Called once per event; never raises."""

    def redact(self, event: Event) -> Event:
        """The event as it may be stored."""
        ...


class Delivery(NamedTuple):
    """One message off the broker: its decoded events, when it came, and how to acknowledge it."""

    events: Sequence[object]
    received_at: float
    tag: object
    """What `Source.settle` takes; None where nothing needs acknowledging."""
    is_repair: bool = False
    """Found out by asking after a gap, not heard: it mends what is stored and outdoes nothing."""


class SourceHealth(NamedTuple):
    """How well the source hears the broker. `lag_ms` is a probe's way through the broker."""

    is_connected: bool
    lag_ms: int | None
    blind_since: float | None
    """Unix seconds of the last sign of life, message or probe, once none came for 5 s; on a broker
    that keeps nothing for us at once when the connection is lost. Else None."""
    reason: str | None
    """Why it is blind, in a few words without secrets."""
    counters: Mapping[str, int]
    """`too_large`, `not_json`, `dropped_progress`, `dropped_state`: since the start."""
    deaf: Sequence[tuple[float, float]] = ()
    """The newest times in which events may have been lost and that are over, however short: a
    connection may be back before anybody looks."""


class Source(Protocol):
    """Where deliveries come from: the receiver's side of the inbox."""

    @property
    def is_durable(self) -> bool:
        """Whether the broker keeps events for us while nobody reads."""
        ...

    def health(self) -> SourceHealth:
        """How it stands now."""
        ...

    def settle(self, tags: Iterable[object]) -> None:
        """The deliveries of these tags are stored (or dropped for good); never blocks."""
        ...
