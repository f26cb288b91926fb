"""Which marks belong together: a task's marks, cut into the times a worker was handed it."""

from collections.abc import Iterable
from typing import NamedTuple

from realtime.core.task import Delivery, Mark

# Order of what one process stamps in the same instant; also which of two outcomes decides.
_KINDS = {
    "sent": 0,
    "received": 1,
    "started": 2,
    "cancelled": 3,
    "retried": 4,
    "rejected": 5,
    "failed": 6,
    "revoked": 7,
    "succeeded": 8,
    "missed": 9,
    "expected": 10,
}

_ASIDE = frozenset({"sent", "missed", "expected"})

MarkKey = tuple[float, int, int, str, int]


def mark_key(mark: Mark) -> MarkKey:
    """The identity of a mark and its place: sender's time, then clock, then kind.

    Time comes before the clock because a container that restarts keeps its hostname and process
    number while its clock begins anew.
    """
    return mark.at, mark.clock, _KINDS[mark.kind], mark.hostname, mark.pid


class _Open:
    """A delivery while its marks are still being gathered."""

    __slots__ = ("hostname", "outcome", "pid", "received", "retries", "started")

    def __init__(self, mark: Mark, retries: int | None) -> None:
        self.hostname = mark.hostname
        self.pid = mark.pid
        self.retries = retries
        self.received: Mark | None = None
        self.started: Mark | None = None
        self.outcome: Mark | None = None

    @property
    def began_at(self) -> float:
        return next(m.at for m in (self.received, self.started, self.outcome) if m is not None)

    def takes(self, kind: str) -> bool:
        if kind == "started":
            return self.started is None and self.outcome is None
        return True

    def is_followed_by(self, other: "_Open") -> bool:
        """Whether `other` is a later attempt in the same process and this one has not ended."""
        is_same = (self.hostname, self.pid) == (other.hostname, other.pid)
        is_open = is_same and self.outcome is None
        return is_open and (self.retries or 0) < (other.retries or 0)

    def take(self, mark: Mark) -> None:
        if mark.kind == "received":
            self.received = mark
        elif mark.kind == "started":
            self.started = mark
        elif self.outcome is None or _KINDS[mark.kind] > _KINDS[self.outcome.kind]:
            self.outcome = mark

    def closed(self, retries: int) -> Delivery:
        return Delivery(
            retries, self.hostname or None, self.pid, self.received, self.started, self.outcome
        )


def deliveries(marks: Iterable[Mark]) -> list[Delivery]:
    """The deliveries of marks that are sorted by `mark_key`, in the order of the attempts."""
    found: list[_Open] = []
    current: dict[tuple[str, int], _Open] = {}
    told: list[Mark] = []
    sent: list[Mark] = []
    answered: list[Mark] = []
    for mark in marks:
        if mark.kind in _ASIDE or not mark.hostname or mark.detail.get("inspected"):
            _put_aside(mark, told, sent, answered)
        else:
            process = (mark.hostname, mark.pid)
            delivery = current.get(process)
            if mark.kind == "received":
                delivery = _Open(mark, mark.retries or 0)
            elif delivery is None or not delivery.takes(mark.kind):
                # Its task-received is late or was lost; which attempt it was is worked out below.
                delivery = _Open(mark, mark.retries)
            if current.get(process) is not delivery:
                current[process] = delivery
                found.append(delivery)
            ended = _retried(found, delivery) if mark.kind == "retried" else delivery
            ended.take(mark)
    for mark in answered:
        _complete(found, mark)
    ordered = [delivery.closed(_retries(delivery, found, sent)) for delivery in found]
    if len(ordered) > 1:
        ordered.sort(key=_attempt_key)
    return _with_backend(ordered, told)


def _put_aside(mark: Mark, told: list[Mark], sent: list[Mark], answered: list[Mark]) -> None:
    """Keep a mark that does not belong to a delivery by itself where its like is kept."""
    if mark.kind == "sent":
        sent.append(mark)
    elif mark.kind not in _ASIDE:
        (answered if mark.hostname else told).append(mark)


def _complete(found: list[_Open], mark: Mark) -> None:
    """What a worker answered when it was asked fills in what was not heard of it, and no more."""
    own = [d for d in found if d.hostname == mark.hostname and mark.pid in (0, d.pid)]
    latest = max(own, key=lambda delivery: delivery.began_at, default=None)
    if latest is None or (latest.outcome is not None and latest.outcome.at < mark.at):
        latest = _Open(mark, None)
        latest.take(mark)
        found.append(latest)
    elif mark.kind == "started" and latest.started is None:
        latest.take(mark)


def _retried(found: list[_Open], current: _Open) -> _Open:
    """The delivery that a task-retried ends: its process may have received the next attempt
    before, since the child sends that one first and reports afterwards."""
    earlier = next((d for d in reversed(found) if d.is_followed_by(current)), None)
    if earlier is None or current.outcome is not None:
        return current
    if current.started is None:
        return earlier
    if earlier.started is not None:
        return current
    # One start of two that are open is the first one's.
    earlier.started, current.started = current.started, None
    return earlier


def _attempt_key(delivery: Delivery) -> tuple[int, float, str, int]:
    return delivery.retries, delivery.began_at, delivery.hostname or "", delivery.pid


def _retries(delivery: _Open, found: list[_Open], sent: list[Mark]) -> int:
    """Its own number; else what the marks before it say: one more than the last that retried."""
    if delivery.retries is not None:
        return delivery.retries
    began = delivery.began_at
    numbers = [mark.retries or 0 for mark in sent if mark.at <= began]
    for other in found:
        if other.retries is not None and other.received and other.received.at <= began:
            is_retried = other.outcome is not None and other.outcome.kind == "retried"
            numbers.append(other.retries + is_retried)
    return max(numbers, default=0)


def _with_backend(ordered: list[Delivery], told: list[Mark]) -> list[Delivery]:
    """What a result backend told completes the last delivery, where its own events do not."""
    if not told:
        return ordered
    mark = max(told, key=lambda mark: (_KINDS[mark.kind], mark.at))
    worker = mark.detail.get("worker")
    unseen = Delivery(mark.retries or 0, worker, 0, None, None, mark)  # type: ignore[arg-type]
    if not ordered:
        return [unseen]
    last = ordered[-1]
    is_settled = any(d.outcome and d.outcome.kind == "succeeded" for d in ordered)
    if (mark.retries or 0) > last.retries:
        if last.outcome is None or last.outcome.kind != mark.kind:
            return ordered if is_settled else [*ordered, unseen]
        return [*ordered[:-1], *_renumbered(last, mark.retries or 0)]
    is_earlier = mark.retries is not None and mark.retries < last.retries
    if is_settled or is_earlier or (last.outcome is not None and mark.kind != "succeeded"):
        return ordered
    return [*ordered[:-1], last._replace(outcome=mark)]


def _renumbered(last: Delivery, retries: int) -> list[Delivery]:
    """The outcome that was heard is that of a later attempt, whose beginning was not."""
    its_own = last._replace(retries=retries, received=None, started=None)
    if last.received is None and last.started is None:
        return [its_own]
    return [last._replace(outcome=None), its_own]


class Attempt(NamedTuple):
    """One delivery as readers see it. `number` counts from 1; instants are Unix seconds."""

    number: int
    retries: int
    worker: str | None
    sent_at: float | None
    received_at: float | None
    started_at: float | None
    finished_at: float | None
    outcome: str | None
    runtime: float | None
    exception: str | None
    traceback: str | None


def attempts(marks: Iterable[Mark]) -> list[Attempt]:
    """Every attempt that the marks tell of, the first one first."""
    marks = tuple(marks)
    sent: dict[int, float] = {}
    for mark in marks:
        if mark.kind == "sent":
            sent.setdefault(mark.retries or 0, mark.at)
    return [_attempt(n, delivery, sent) for n, delivery in enumerate(deliveries(marks), start=1)]


def _attempt(number: int, delivery: Delivery, sent: dict[int, float]) -> Attempt:
    received, started, outcome = delivery.received, delivery.started, delivery.outcome
    detail = outcome.detail if outcome else {}
    runtime = detail.get("runtime")
    if runtime is None and started and outcome and outcome.hostname:
        runtime = max(outcome.at - started.at, 0.0)
    return Attempt(
        number,
        delivery.retries,
        delivery.hostname,
        sent.get(delivery.retries),
        received.at if received else None,
        started.at if started else None,
        outcome.at if outcome else None,
        _word(outcome),
        runtime,  # type: ignore[arg-type]
        detail.get("exception"),  # type: ignore[arg-type]
        detail.get("traceback"),  # type: ignore[arg-type]
    )


def _word(outcome: Mark | None) -> str | None:
    if outcome is None:
        return None
    return "expired" if outcome.detail.get("expired") else outcome.kind
