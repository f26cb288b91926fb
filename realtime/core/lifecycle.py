"""How a task's events become its state. Every ordering rule of Headway lives here.

Evidence is only ever joined: marks are a set, facts and progress are maxima, first times are
minima. A join does not care about order, repetition or grouping, so neither does `fold`; the
state is then read off the joined evidence. Within one process marks are ordered by the sender's
time and clock; between processes only `retries` orders them, and time where `retries` is equal.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from realtime.core import expected
from realtime.core import progress as progresses
from realtime.core.deliveries import MarkKey, deliveries, mark_key
from realtime.core.events import Event
from realtime.core.progress import Progress
from realtime.core.signature import signature
from realtime.core.task import (
    CANCELLED,
    COMPLETED,
    EXPIRED,
    FACTS,
    FAILED,
    LOST,
    QUEUED,
    REJECTED,
    RESERVED,
    RETRYING,
    RUNNING,
    SCHEDULED,
    STALLED,
    SUCCEEDED,
    UNKNOWN,
    Delivery,
    Mark,
    Task,
)
from realtime.core.workers import Worker

MAX_MARKS = 64
"""The newest are kept: 16 attempts of four marks each tell the story of a task that retries."""
MAX_TRACEBACKS = 8
"""Older attempts keep their exception and lose its traceback, by far the largest part."""
TIME_LIMIT_GRACE_S = 30.0
"""A hard limit is enforced by the worker; only one that it failed to enforce is worth a word."""
PROCESS_GRACE_S = 10.0
"""A new process under an old name must have lived this long before its tasks count as lost:
two workers that share a name by mistake would otherwise lose each other's tasks in turn."""

Workers = Mapping[str, Worker]
Known = dict[str, Any]
"""A task's evidence while it is being joined, by the names of `Task`'s fields."""
NOBODY: Workers = {}

# Who tells a fact best: the worker that parsed the message, then the client that sent it.
_STANDING = {"task-context": 0, "task-sent": 1, "task-received": 2}
_FIRSTS = {"sent": "sent_at", "received": "received_at", "started": "started_at"}
_EVIDENCE = ("id", "first_seen_at", "updated_at", "progress", *FACTS, *_FIRSTS.values())

# The decisive outcome of one delivery, where Celery announces two.
_OUTCOMES: Mapping[str, tuple[str, str]] = {
    "succeeded": ("SUCCESS", SUCCEEDED),
    "failed": ("FAILURE", FAILED),
    "revoked": ("REVOKED", CANCELLED),
    "rejected": ("REJECTED", REJECTED),
}

_BY_RESULT = "Only its stored result is known."
_TO_BE_TRIED = "Only its stored result is known, which says that it was to be tried again."


class Standing(NamedTuple):
    """What the evidence adds up to."""

    state: str
    status: str
    conclusion: str | None = None
    reason: str | None = None
    retry_at: float | None = None


def fold(task: Task | None, events: Iterable[Event], now: float, workers: Workers = NOBODY) -> Task:
    """The task after these events of it, in whatever order they came; `now` is Unix seconds.

    `task` is None for the first events of an id, which then must not be empty. `workers` tells
    which processes still live.
    """
    events = list(events)
    known = _evidence_of(task, events)
    marks = {mark_key(mark): mark for mark in task.marks} if task else {}
    reports: list[Event] = []
    for event in events:
        if event.kind == "task-progress":
            reports.append(event)
        elif event.kind == "task-context":
            _learn(known, event)
        else:
            mark = _mark_of(event)
            key = mark_key(mark)
            marks[key] = _fuller(marks[key], mark) if key in marks else mark
            _learn(known, event)
            _note_first(known, mark)
        if event.kind != "task-missed":
            known["updated_at"] = max(known["updated_at"], event.received_at)
    kept = _bounded(marks)
    for event in reports:
        known["progress"] = progresses.merge(known["progress"], _progress_of(event, kept))
    return _stand(known, kept, now, workers)


def at(task: Task, now: float, workers: Workers = NOBODY) -> Task:
    """The same evidence read at another time: what time alone changes."""
    return _stand(_evidence_of(task, ()), task.marks, now, workers)


def due_at(task: Task, now: float) -> float | None:
    """The next instant at which time alone may change this task, worker silence aside."""
    if not task.is_live:
        return None
    instants = [task.eta, task.retry_at]
    if task.status == QUEUED and task.reason == expected.HANDED_OVER:
        instants.append(expected.no_news_at(task.marks))
    if task.status in (QUEUED, SCHEDULED, RESERVED, RETRYING):
        instants.append(task.expires)
    if task.status == RUNNING and task.time_limit and task.started_at:
        instants.append(task.started_at + task.time_limit + TIME_LIMIT_GRACE_S)
    return min((instant for instant in instants if instant and instant > now), default=None)


def _evidence_of(task: Task | None, events: Iterable[Event]) -> Known:
    if task is not None:
        known = {name: getattr(task, name) for name in _EVIDENCE}
        known["ranks"] = dict(task.ranks)
        return known
    first = min(event.received_at for event in events)
    known = dict.fromkeys(_EVIDENCE)
    known |= {"id": next(iter(events)).id, "first_seen_at": first, "updated_at": first}
    return known | {"ranks": {}}


def _mark_of(event: Event) -> Mark:
    fields = event.fields
    detail = fields
    if event.kind in _STANDING:
        kept = ("eta", "inspected")
        detail = {name: fields[name] for name in kept if fields.get(name) is not None}
    return Mark(
        event.at,
        event.clock,
        event.kind.removeprefix("task-"),
        event.hostname,
        event.pid,
        fields.get("retries"),  # type: ignore[arg-type]
        detail,
    )


def _fuller(one: Mark, other: Mark) -> Mark:
    """Of two copies of one mark, the fuller: a kept one may have lost its traceback."""
    return max(one, other, key=lambda mark: repr(sorted(mark.detail.items())))


def _learn(known: Known, event: Event) -> None:
    standing = _STANDING.get(event.kind)
    if standing is None:
        return
    ranks = known["ranks"]
    retries = event.fields.get("retries") or 0
    for fact in FACTS:
        value = event.fields.get(fact)
        if value is None:
            continue
        # The owner is set once, so its earliest word stands; of all else the latest attempt's.
        rank = -event.at if fact == "owner" else 4 * retries + standing  # type: ignore[operator]
        held = ranks.get(fact)
        if held is None or rank > held or (rank == held and repr(value) > repr(known[fact])):
            ranks[fact] = rank
            known[fact] = value


def _note_first(known: Known, mark: Mark) -> None:
    name = _FIRSTS.get(mark.kind)
    if name is None or (mark.kind == "received" and mark.detail.get("inspected")):
        # It was there when its worker was asked; when it came there nobody knows.
        return
    known[name] = mark.at if known[name] is None else min(known[name], mark.at)


def _bounded(marks: Mapping[MarkKey, Mark]) -> tuple[Mark, ...]:
    """The newest marks in order, the newest few tracebacks: the same whatever came first."""
    ordered = [marks[key] for key in sorted(marks)[-MAX_MARKS:]]
    told = [n for n, mark in enumerate(ordered) if mark.detail.get("traceback")]
    for n in told[:-MAX_TRACEBACKS]:
        mark = ordered[n]
        ordered[n] = mark._replace(detail={**mark.detail, "traceback": None})
    return tuple(ordered)


def _progress_of(event: Event, marks: tuple[Mark, ...]) -> Progress:
    retries = event.fields.get("retries")
    if retries is None:
        # A child that adds to this task's count may run on any host.
        hostname = "" if "part" in event.fields else event.hostname
        retries = _attempt_at(marks, hostname, event.at)
    state = event.fields.get("state")
    fields = {name: value for name, value in event.fields.items() if name != "state"}
    told = progresses.reported(fields, retries=retries, at=event.at, clock=event.clock)  # type: ignore[arg-type]
    return told if state is None else replace(told, state=state)  # type: ignore[arg-type]


def _attempt_at(marks: tuple[Mark, ...], hostname: str, at: float) -> int:
    """The attempt last received on that host by then; the latest of all where none was."""
    received = [mark for mark in marks if mark.kind == "received"]
    here = [mark for mark in received if mark.hostname == hostname and mark.at <= at]
    latest = max(here or received, key=lambda mark: (mark.retries or 0, mark.at), default=None)
    return latest.retries or 0 if latest else 0


def _stand(known: Known, marks: tuple[Mark, ...], now: float, workers: Workers) -> Task:
    handed = deliveries(marks)
    decisive = _decisive(handed)
    resent = max((m.retries or 0 for m in marks if m.kind == "sent"), default=None)
    progress: Progress | None = known["progress"]
    retries = max(decisive.retries if decisive else 0, resent or 0)
    if decisive and _is_success(decisive):
        retries = decisive.retries
    eta = _eta(marks, retries)
    standing = _standing(known, decisive, resent, progress, eta, now, workers)
    if standing.status == UNKNOWN:
        standing = _handed_over(standing, marks, now)
    standing = _unheard(standing, marks, known["updated_at"])
    outcome = decisive.outcome if decisive else None
    is_over = standing.status == COMPLETED
    failed = _last_raised(handed, decisive)
    started = decisive.started if decisive else None
    return Task(
        marks=marks,
        state=standing.state,
        status=standing.status,
        conclusion=standing.conclusion,
        reason=standing.reason,
        retry_at=standing.retry_at,
        worker=decisive.hostname if decisive else None,
        retries=retries,
        eta=eta,
        finished_at=outcome.at if outcome and is_over else None,
        wait=_wait(known, handed),
        runtime=_runtime(started, outcome),
        result=outcome.detail.get("result") if outcome else None,  # type: ignore[arg-type]
        exception=failed.detail.get("exception") if failed else None,  # type: ignore[arg-type]
        traceback=failed.detail.get("traceback") if failed else None,  # type: ignore[arg-type]
        signature=_signature(failed),
        **known,
    )


def _decisive(handed: list[Delivery]) -> Delivery | None:
    """The delivery that speaks for the task. A success stands whatever else was tried: Celery's
    result backends refuse to overwrite one (`KeyValueStoreBackend._store_result`)."""
    won = [delivery for delivery in handed if _is_success(delivery)]
    return won[-1] if won else handed[-1] if handed else None


def _is_success(delivery: Delivery) -> bool:
    return delivery.outcome is not None and delivery.outcome.kind == "succeeded"


def _standing(
    known: Known,
    decisive: Delivery | None,
    resent: int | None,
    progress: Progress | None,
    eta: float | None,
    now: float,
    workers: Workers,
) -> Standing:
    if decisive is None or (not _is_success(decisive) and (resent or 0) > decisive.retries):
        return _waiting(known, resent, progress, eta, now)
    if decisive.outcome is not None:
        return _outcome(decisive.outcome, known)
    if decisive.started or (progress and progress.retries == decisive.retries):
        return _running(known, decisive, progress, now, workers)
    if eta is not None and eta > now:
        held = Standing("RECEIVED", RETRYING, None, None, eta)
        return held if decisive.retries else Standing("RECEIVED", SCHEDULED)
    worker = workers.get(decisive.hostname or "")
    if _is_expired(known, now):
        return Standing("RECEIVED", COMPLETED, EXPIRED, "It was not started before it expired.")
    if worker is not None and _is_gone(worker, decisive.began_at, decisive.pid, now):
        return Standing("RECEIVED", QUEUED, None, "Its worker is gone; the broker hands it on.")
    return Standing("RECEIVED", RESERVED)


def _waiting(
    known: Known, resent: int | None, progress: Progress | None, eta: float | None, now: float
) -> Standing:
    """No worker has it, as far as is known."""
    state = "RETRY" if resent else "PENDING"
    if progress is not None and progress.retries >= (resent or 0):
        return Standing(progress.state or "STARTED", RUNNING)
    if _is_expired(known, now):
        return Standing(state, COMPLETED, EXPIRED, "No worker took it before it expired.")
    if resent:
        return Standing(state, RETRYING, None, None, eta)
    if eta is not None and eta > now:
        return Standing(state, SCHEDULED)
    if resent is None and not known["ranks"]:
        return Standing(state, UNKNOWN, None, "No event of its own was seen yet.")
    return Standing(state, QUEUED)


def _handed_over(standing: Standing, marks: tuple[Mark, ...], now: float) -> Standing:
    """Nothing was heard of it: it is on its way for a while, if somebody says he sent it."""
    until = expected.no_news_at(marks)
    if until is None:
        return standing
    if now < until:
        return standing._replace(status=QUEUED, reason=expected.HANDED_OVER)
    return standing._replace(reason=expected.NO_NEWS)


def _unheard(standing: Standing, marks: tuple[Mark, ...], updated_at: float) -> Standing:
    """After a gap that left nothing to be found out: as before, and it says that it is in doubt.

    Both instants are by our clock: whatever was heard since the question takes the doubt away.
    """
    if standing.status in (COMPLETED, UNKNOWN) or standing.reason is not None:
        return standing
    missed = max((mark for mark in marks if mark.kind == "missed"), key=mark_key, default=None)
    if missed is None or missed.at < updated_at:
        return standing
    since = datetime.fromtimestamp(float(missed.detail["since"]), UTC)  # type: ignore[arg-type]
    why = missed.detail.get("why")
    reason = f"Nothing was heard of it since the gap of {since:%H:%M:%S} UTC: {why}."
    is_stuck = missed.detail.get("is_free") and standing.status in (RESERVED, RUNNING)
    return standing._replace(status=STALLED if is_stuck else standing.status, reason=reason)


def _outcome(mark: Mark, known: Known) -> Standing:
    if mark.kind in ("retried", "cancelled"):
        return Standing("RETRY", RETRYING, None, None if mark.hostname else _TO_BE_TRIED)
    if mark.kind == "rejected" and mark.detail.get("requeue"):
        return Standing("REJECTED", QUEUED, None, "Its worker put it back in the queue.")
    state, conclusion = _OUTCOMES[mark.kind]
    if mark.kind == "revoked" and mark.detail.get("expired"):
        conclusion = EXPIRED
    if not mark.hostname and known["name"] is None:
        return Standing(state, COMPLETED, conclusion, _BY_RESULT)
    return Standing(state, COMPLETED, conclusion)


def _running(
    known: Known, delivery: Delivery, progress: Progress | None, now: float, workers: Workers
) -> Standing:
    is_current = progress is not None and progress.retries == delivery.retries
    state = (progress.state if progress and is_current else None) or "STARTED"
    worker = workers.get(delivery.hostname or "")
    if worker is not None:
        if _is_gone(worker, delivery.began_at, delivery.pid, now):
            return Standing(state, COMPLETED, LOST, f"Its worker {worker.name} is gone.")
        if worker.state == "silent":
            return Standing(state, STALLED, None, f"Its worker {worker.name} is silent.")
    limit = known["time_limit"]
    started = delivery.started.at if delivery.started else None
    if limit and started and now > started + limit + TIME_LIMIT_GRACE_S:
        return Standing(state, STALLED, None, "It runs beyond its time limit.")
    return Standing(state, RUNNING)


def _is_gone(worker: Worker, began_at: float, pid: int, now: float) -> bool:
    if worker.state == "gone":
        return True
    # What a worker answered names no process where its own events never did.
    is_successor = worker.pid != pid != 0 and worker.pid_since > began_at
    return is_successor and now - worker.pid_since > PROCESS_GRACE_S


def _is_expired(known: Known, now: float) -> bool:
    return known["expires"] is not None and known["expires"] <= now


def _eta(marks: tuple[Mark, ...], retries: int) -> float | None:
    told = [m.detail["eta"] for m in marks if "eta" in m.detail and (m.retries or 0) == retries]
    return max(told, default=None)  # type: ignore[type-var, return-value]


def _wait(known: Known, handed: list[Delivery]) -> float | None:
    """Seconds from when it could have run to when it first did."""
    started, since = known["started_at"], known["sent_at"] or known["received_at"]
    if started is None or since is None:
        return None
    first = handed[0].received if handed else None
    eta: Any = first.detail.get("eta") if first else None
    return float(max(started - max(since, eta or since), 0.0))


def _runtime(started: Mark | None, outcome: Mark | None) -> float | None:
    if outcome is None:
        return None
    runtime = outcome.detail.get("runtime")
    if runtime is not None:
        return runtime  # type: ignore[return-value]
    return max(outcome.at - started.at, 0.0) if started and outcome.hostname else None


def _last_raised(handed: list[Delivery], decisive: Delivery | None) -> Mark | None:
    """The newest error of a task that has not succeeded."""
    if decisive is None or _is_success(decisive):
        return None
    raised = [d.outcome for d in handed if d.outcome and d.outcome.detail.get("exception")]
    return raised[-1] if raised else None


def _signature(failed: Mark | None) -> str | None:
    if failed is None:
        return None
    return signature(failed.detail.get("exception"), failed.detail.get("traceback"))  # type: ignore[arg-type]
