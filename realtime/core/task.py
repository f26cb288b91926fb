"""The records of a task: what is known of it, and the marks that it is known from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from realtime.core.progress import Progress

QUEUED = "queued"
SCHEDULED = "scheduled"
RESERVED = "reserved"
RUNNING = "running"
RETRYING = "retrying"
STALLED = "stalled"
COMPLETED = "completed"
UNKNOWN = "unknown"
STATUSES = (QUEUED, SCHEDULED, RESERVED, RUNNING, RETRYING, STALLED, COMPLETED, UNKNOWN)

SUCCEEDED = "succeeded"
FAILED = "failed"
CANCELLED = "cancelled"
REJECTED = "rejected"
EXPIRED = "expired"
LOST = "lost"
CONCLUSIONS = (SUCCEEDED, FAILED, CANCELLED, REJECTED, EXPIRED, LOST)

Detail = Mapping[str, object]


class Mark(NamedTuple):
    """One thing that happened to a task, as its sender stamped it."""

    at: float
    clock: int
    kind: str
    """`sent received started succeeded failed retried revoked rejected cancelled`, and `missed`:
    after a gap in the stream neither a worker nor a result knew of it, and `expected`: somebody
    trusted says that it was handed over."""
    hostname: str
    """Empty for what a result backend told, which knows no process."""
    pid: int
    retries: int | None
    detail: Detail


class Delivery(NamedTuple):
    """One time a worker was handed the task: an attempt. A redelivery repeats `retries`."""

    retries: int
    hostname: str | None
    pid: int
    received: Mark | None
    started: Mark | None
    outcome: Mark | None

    @property
    def began_at(self) -> float:
        """Unix seconds of the first mark it has."""
        return next(mark.at for mark in (self.received, self.started, self.outcome) if mark)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Everything known of one task. Instants are Unix seconds, durations seconds.

    `marks`, `progress`, `ranks` and the facts are the evidence; what follows them is derived
    from it by `lifecycle.fold` and never set by anything else.
    """

    id: str
    first_seen_at: float
    updated_at: float
    marks: tuple[Mark, ...] = ()
    progress: Progress | None = None
    ranks: Mapping[str, float] = field(default_factory=dict)
    """Fact to the standing of the event that told it; the highest standing wins."""

    name: str | None = None
    args: object = None
    kwargs: object = None
    queue: str | None = None
    priority: int | None = None
    expires: float | None = None
    time_limit: float | None = None
    root_id: str | None = None
    parent_id: str | None = None
    group_id: str | None = None
    owner: str | None = None
    label: str | None = None

    sent_at: float | None = None
    received_at: float | None = None
    started_at: float | None = None

    state: str = "PENDING"
    status: str = UNKNOWN
    conclusion: str | None = None
    reason: str | None = None
    worker: str | None = None
    retries: int = 0
    eta: float | None = None
    retry_at: float | None = None
    finished_at: float | None = None
    wait: float | None = None
    runtime: float | None = None
    result: str | None = None
    exception: str | None = None
    traceback: str | None = None
    signature: str | None = None

    @property
    def is_live(self) -> bool:
        """Whether it is not over, as far as is known: a lost task may still be heard of."""
        return self.status != COMPLETED


FACTS = (
    "name",
    "args",
    "kwargs",
    "queue",
    "priority",
    "expires",
    "time_limit",
    "root_id",
    "parent_id",
    "group_id",
    "owner",
    "label",
)
