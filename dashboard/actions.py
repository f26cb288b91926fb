"""What may be done to tasks, why not, and doing it: revoke, terminate, retry.

The rules read what is stored; the worker has the last word, and its events tell what came of it.
"""

import logging
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from celery import Celery

from dashboard import arguments, celeryapp, conf, dispatch, queries
from dashboard.arguments import Arguments, NoArguments, Stored
from dashboard.conf import Conf
from dashboard.dispatch import BrokerAway, Dispatch, NotSent
from realtime.core import query, task
from realtime.core.wire import Row
from realtime.ports import Rights, Select, Snapshots

logger = logging.getLogger(__name__)

REVOKE, TERMINATE, RETRY = "revoke", "terminate", "retry"
NEEDED: Mapping[str, str] = {REVOKE: "revoke_task", TERMINATE: "revoke_task", RETRY: "retry_task"}
"""The permission of each action; seeing the task is asked for beside it."""
SIGNALS = ("SIGTERM", "SIGKILL", "SIGQUIT", "SIGUSR1")
"""What a process of a pool can be ended with. SIGUSR1 raises SoftTimeLimitExceeded in the task, so
that it can tidy up; SIGINT is ignored by every pool."""
MAX_BATCH = 200
"""Targets at once: rights are checked and progress is told between batches."""
MAX_BATCH_S = 5.0
"""Retries begin no later in a batch, since a backend and a broker are asked for each of them."""
DONE, REFUSED, FAILED = "done", "refused", "failed"

_RUNS = frozenset({task.RUNNING, task.STALLED})
_ALIVE = frozenset({"online", "silent"})
_ENDLESS_POOLS = frozenset({"thread", "threads", "solo"})
"""They run tasks in the worker's own process: there is nothing to send a signal to."""
_MAX_WORKERS = 5_000


class Impossible(Exception):
    """Nothing can be done to any task now; `reason` is a word of `reasons`."""

    def __init__(self, reason: str, more: str = "") -> None:
        super().__init__(f"{reason}: {more}" if more else reason)
        self.reason = reason
        self.more = more


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What is asked for. `signal` counts for `terminate` alone; so does `falls_back`: where a pool
    cannot end a task that runs, its worker is told that it is revoked, and the task may look."""

    action: str
    signal: str = SIGNALS[0]
    falls_back: bool = False


class Health(NamedTuple):
    """How the worker of a task stands."""

    state: str
    pool: str | None


class Outcome(NamedTuple):
    """What came of an action on one task. `reason` is a word of `reasons`."""

    target: str
    name: str | None
    outcome: str
    reason: str | None = None
    more: str = ""
    new_id: str | None = None


Workers = Mapping[str, Health]


def missing(action: str, rights: Rights) -> str | None:
    """The permission that these rights lack for the action; None where they have all."""
    needed = ("view_task", NEEDED[action])
    return next((name for name in needed if name not in rights.can), None)


def refusal(act: Act, row: Row, workers: Workers) -> str | None:
    """Why this cannot be done to the task, as a word of `reasons`; None where it can. What a retry
    is called with is asked for later."""
    if act.action == RETRY:
        return None if row["status"] == task.COMPLETED else "unfinished"
    # A task that seems lost may come again: it is worth revoking.
    if row["status"] == task.COMPLETED and row["conclusion"] != task.LOST:
        return "finished"
    if workers and not any(health.state in _ALIVE for health in workers.values()):
        return "no_worker"
    if row["status"] not in _RUNS:
        return None
    return _running_refusal(act, workers.get(str(row["worker"])))


def _running_refusal(act: Act, worker: Health | None) -> str | None:
    if act.action == REVOKE:
        return "running"
    if worker is None or worker.state not in _ALIVE:
        return "worker_gone"
    return "pool" if worker.pool in _ENDLESS_POOLS and not act.falls_back else None


def celery_app() -> Celery:
    """The Celery app to act through; `Impossible` says why there is none."""
    settings = conf.current()
    for of, app in _loaded:
        if of is settings:
            return app
    try:
        app = celeryapp.load(settings)
    except Exception as error:
        # A host's module may raise whatever it likes while it is imported.
        if not settings.celery_app:
            raise Impossible("no_app") from error
        logger.exception("No action is possible", extra={"action": "no_celery_app"})
        raise Impossible("bad_app") from error
    _loaded[:] = [(settings, app)]
    return app


_loaded: list[tuple[Conf, Celery]] = []
"""The app of the settings of this process: it has caches of its own, so one is kept."""


def perform(act: Act, ids: Sequence[str], rights: Rights, app: Celery) -> list[Outcome]:
    """Do it to these tasks, as far as these rights see them; at most `MAX_BATCH`. One outcome for
    each, in their order, but for those that were not come to within `MAX_BATCH_S`: they are to be
    asked for again. The caller has asked `missing`. Raises `StoreUnavailable`."""
    reader = queries.Reader()
    rows = {str(row["id"]): row for row in _rows(reader, ids, rights.rows)}
    workers = {} if act.action == RETRY else _workers(reader)
    found: dict[str, Outcome] = {}
    for id_ in ids:
        reason = refusal(act, rows[id_], workers) if id_ in rows else "unknown"
        if reason is not None:
            found[id_] = _outcome(id_, rows, REFUSED, reason)
    ready = [rows[id_] for id_ in dict.fromkeys(ids) if id_ not in found]
    done = _retried(ready, app) if act.action == RETRY else _revoked(act, ready, workers, app)
    found |= {outcome.target: outcome for outcome in done}
    return [found[id_] for id_ in dict.fromkeys(ids) if id_ in found]


def _rows(reader: Snapshots, ids: Sequence[str], rows: query.Query) -> list[Row]:
    select = Select("tasks", ids=tuple(ids), limit=len(ids))
    return reader.page(select, rows, time.time()).rows


def _workers(reader: Snapshots) -> dict[str, Health]:
    select = Select("workers", limit=_MAX_WORKERS)
    rows = reader.page(select, query.EVERYTHING, time.time()).rows
    return {str(row["name"]): Health(str(row["state"]), _text(row["pool"])) for row in rows}


def _revoked(act: Act, rows: Sequence[Row], workers: Workers, app: Celery) -> list[Outcome]:
    """All in one message, but for those whose pool cannot end them. A task that is not running yet
    is only revoked, whatever was asked."""
    if not rows:
        return []
    outcome: tuple[str, str | None, str] = (DONE, None, "")
    parts: dict[str | None, list[str]] = {}
    for row in rows:
        parts.setdefault(_signal(act, row, workers), []).append(str(row["id"]))
    try:
        with dispatch.opened(app) as broker:
            for signal, ids in parts.items():
                broker.revoke(ids, signal)
    except BrokerAway as error:
        outcome = (FAILED, "broker_away", str(error))
    except NotSent as error:
        outcome = (FAILED, error.reason, error.more)
    return [_of(row, *outcome) for row in rows]


def _signal(act: Act, row: Row, workers: Workers) -> str | None:
    """What the task is ended with where it runs; None for a revocation alone."""
    if act.action != TERMINATE:
        return None
    worker = workers.get(str(row["worker"]))
    is_endless = worker is not None and worker.pool in _ENDLESS_POOLS
    return None if act.falls_back and is_endless else act.signal


def _retried(rows: Sequence[Row], app: Celery) -> list[Outcome]:
    if not rows:
        return []
    done: list[Outcome] = []
    until = time.monotonic() + MAX_BATCH_S
    try:
        # The broker first: where both are away, only one of them is waited for.
        with dispatch.opened(app) as broker, arguments.stored(app) as backend:
            for row in rows:
                if done and time.monotonic() >= until:
                    break
                done.append(_sent(row, backend, broker))
    except BrokerAway as error:
        told = str(error)
        done += [_of(row, FAILED, "broker_away", told) for row in rows[len(done) :]]
    return done


def _call(row: Row, backend: Stored) -> Arguments:
    """With what, and where to, the task is sent again."""
    told = backend.arguments(str(row["id"]))
    name = row["name"] or (told.name if told else None)
    if not name:
        raise NoArguments("no_name")
    call = told or arguments.of_row(row)
    return call._replace(name=str(name), queue=_text(row["queue"]) or call.queue)


def _sent(row: Row, backend: Stored, broker: Dispatch) -> Outcome:
    priority = row["priority"]
    try:
        call = _call(row, backend)
        new_id = broker.send(
            str(call.name),
            call.args,
            call.kwargs,
            queue=call.queue,
            priority=priority if isinstance(priority, int) else None,
        )
    except NoArguments as error:
        return _of(row, REFUSED, str(error))
    except NotSent as error:
        kind = REFUSED if error.reason == "no_queue" else FAILED
        return _of(row, kind, error.reason, error.more)
    return _of(row, DONE, None)._replace(new_id=new_id)


def _of(row: Row, outcome: str, reason: str | None, more: str = "") -> Outcome:
    return Outcome(str(row["id"]), _text(row["name"]), outcome, reason, more)


def _outcome(id_: str, rows: Mapping[str, Row], outcome: str, reason: str) -> Outcome:
    row = rows.get(id_)
    return Outcome(id_, _text(row["name"]) if row else None, outcome, reason)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def is_away(outcomes: Collection[Outcome]) -> bool:
    """Whether the broker did not answer: whatever follows would wait for it as long again."""
    return any(outcome.reason == "broker_away" for outcome in outcomes)
