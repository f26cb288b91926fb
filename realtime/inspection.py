"""What workers answer when asked: their pool, its size and their queues; and the tasks they hold.

Asked on threads and connections of their own: an answer takes as long as a worker likes.
"""

import itertools
import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from celery import Celery

from realtime import broker
from realtime.backoff import Backoff
from realtime.core.events import MAX_ID, MAX_WORD, Event, Fields, arguments, clean, instant
from realtime.inbox import Inbox
from realtime.ports import Delivery

logger = logging.getLogger(__name__)

KIND = "worker-inspected"
ANSWER_S = 2.0
"""A worker answers between two of its loop's turns; one that takes longer is asked again."""
GATHER_S = 0.5
"""Workers that come up together are asked together."""
TRIES = 3
AGAIN_S = 60.0
"""A pool grows and shrinks, and queues are added, without an event that says so."""
LOOK_EVERY_S = 5.0
MAX_KNOWN = 5_000
"""Workers that wait to be asked, and those that will be asked again."""
MAX_ASKED = 500
"""Workers in one question; the others are in the next."""
MAX_QUEUES = 100
MAX_TASKS = 50_000
"""Held tasks that are taken up of one survey: more than any cluster's workers prefetch."""
_PLAUSIBLE_S = 30 * 86_400.0
"""Before Celery 5.5 the time of a start is the worker's monotonic clock: far from any date."""
_HELD = ("scheduled", "reserved", "active")
"""In the order in which a task goes through them: one that moves on meanwhile is met later."""


class Held(NamedTuple):
    """What a survey of all workers found."""

    hosts: frozenset[str]
    """Who answered."""
    events: list[Event]
    """Evidence of each task that they hold: what it is, and that it was received or started."""


class Inspection:
    """Asks each noticed worker once, up to `TRIES` times while it does not answer; one that did
    is asked again every `AGAIN_S` while this receiver leads, until it does not."""

    def __init__(
        self,
        app: Celery,
        inbox: Inbox,
        *,
        is_leading: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._app = app
        self._inbox = inbox
        self._is_leading = is_leading
        self._clock = clock
        self._answered: dict[str, float] = {}
        self._changed = threading.Condition()
        self._tries: dict[str, int] = {}
        self._is_stopping = False

    def notice(self, hostname: str) -> None:
        """Have this worker asked soon; never blocks, callable from any thread."""
        with self._changed:
            if len(self._tries) < MAX_KNOWN:
                self._tries[hostname] = TRIES
                self._changed.notify_all()

    def stop(self) -> None:
        """Ask `run` to return."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()

    def run(self) -> None:
        """Answer notices until `stop`; the broker may come and go."""
        backoff = Backoff()
        while self._await_notice():
            try:
                with broker.connection(self._app, is_writer=True) as link:
                    broker.connect(link)
                    self._ask(broker.mailbox(self._app, link))
                backoff.reset()
            except Exception as error:  # noqa: BLE001 - a transport raises what it likes
                logger.info(
                    "Workers cannot be inspected: %s",
                    broker.reason(error),
                    extra={"action": "inspection_failed"},
                )
                self._pause(backoff.next_s())

    def _await_notice(self) -> bool:
        with self._changed:
            while not self._changed.wait_for(
                lambda: self._tries or self._is_stopping, LOOK_EVERY_S
            ):
                self._recall()
        self._pause(GATHER_S)
        return not self._is_stopping

    def _recall(self) -> None:
        """Notice again those whose answer has grown old."""
        if not self._is_leading():
            return
        now = self._clock()
        for hostname, at in list(self._answered.items()):
            if not 0 <= now - at < AGAIN_S and len(self._tries) < MAX_KNOWN:
                del self._answered[hostname]
                self._tries[hostname] = TRIES

    def _pause(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._is_stopping, seconds)

    def _ask(self, mailbox: Any) -> None:
        with self._changed:
            asked = sorted(itertools.islice(self._tries, MAX_ASKED))
            for hostname in asked:
                self._tries[hostname] -= 1
        stats = _answers(mailbox.call(asked, "stats", timeout=ANSWER_S))
        queues = _answers(mailbox.call(asked, "active_queues", timeout=ANSWER_S))
        now = self._clock()
        found = [
            Event(KIND, name, name, 0, now, 0, now, _fields(stats[name], queues.get(name)))
            for name in asked
            if name in stats
        ]
        if found and not self._inbox.put(Delivery(found, now, None), timeout_s=ANSWER_S):
            return
        with self._changed:
            for hostname in asked:
                if hostname in stats or self._tries.get(hostname, 0) <= 0:
                    self._tries.pop(hostname, None)
                if hostname in stats and len(self._answered) < MAX_KNOWN:
                    self._answered[hostname] = now


def survey(app: Celery, clock: Callable[[], float]) -> Held:
    """Ask all workers for the tasks they hold. Takes up to `ANSWER_S` a question; the transport's
    own errors come through."""
    with broker.connection(app, is_writer=True) as link:
        broker.connect(link)
        return _surveyed(broker.mailbox(app, link), clock)


def _surveyed(mailbox: Any, clock: Callable[[], float]) -> Held:
    stats = _answers(mailbox.multi_call("stats", timeout=ANSWER_S))
    hosts = set(stats)
    found: list[Event] = []
    for command in _HELD:
        if not hosts:
            break
        # As text, arguments are cut by the worker; only this command offers it.
        how = {"safe": True} if command == "active" else {}
        told = _answers(mailbox.call(sorted(hosts), command, how, timeout=ANSWER_S))
        now = clock()
        for name in hosts & told.keys():
            items = told[name] if isinstance(told[name], list) else ()
            for item in items[: MAX_TASKS - len(found) // 2]:  # type: ignore[index]
                found += _held(command, name, _pid(stats[name]), item, now)
        hosts &= told.keys()
    return Held(frozenset(hosts), found)


def _held(command: str, hostname: str, pid: int, item: object, now: float) -> list[Event]:
    """What the task is, and that this worker has it; nothing where the answer is malformed."""
    told = item if isinstance(item, Mapping) else {}
    request = told.get("request") if command == "scheduled" else told
    task_id = request.get("id") if isinstance(request, Mapping) else None
    if not isinstance(request, Mapping) or not isinstance(task_id, str) or not task_id:
        return []
    if clean(task_id, MAX_ID) != task_id:
        return []
    route = request.get("delivery_info")
    route = route if isinstance(route, Mapping) else {}
    context: Fields = {
        "name": clean(request.get("name"), MAX_WORD),
        "args": arguments(request.get("args"), "()"),
        "kwargs": arguments(request.get("kwargs"), "{}"),
        "queue": clean(route.get("routing_key"), MAX_WORD),
    }
    fields: Fields = {"inspected": True}
    kind, at = "task-received", now
    if command == "active":
        kind, at = "task-started", _began(request.get("time_start"), now)
    elif command == "scheduled":
        fields["eta"] = instant(told.get("eta"))
    return [
        Event("task-context", task_id, "", 0, now, 0, now, context),
        Event(kind, task_id, hostname, pid, at, 0, now, fields),
    ]


def _began(value: object, now: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return now
    return float(value) if abs(value - now) < _PLAUSIBLE_S else now


def _pid(stats: object) -> int:
    pid = stats.get("pid") if isinstance(stats, Mapping) else None
    return pid if isinstance(pid, int) and 0 <= pid < 2**31 else 0


def _answers(replies: object) -> dict[str, object]:
    """Hostname to what it answered, of the list of one-item dicts that pidbox gathers."""
    found: dict[str, object] = {}
    for reply in replies if isinstance(replies, list) else ():
        if isinstance(reply, Mapping):
            found.update((name, value) for name, value in reply.items() if isinstance(name, str))
    return {name: value for name, value in found.items() if len(name) <= MAX_ID}


def _fields(stats: object, queues: object) -> Fields:
    pool = stats.get("pool") if isinstance(stats, Mapping) else None
    pool = pool if isinstance(pool, Mapping) else {}
    size = pool.get("max-concurrency")
    is_size = isinstance(size, int) and not isinstance(size, bool) and 0 <= size < 2**31
    return {
        "pool": _pool_name(pool.get("implementation")),
        "concurrency": size if is_size else None,
        "queues": _queue_names(queues),
    }


def _pool_name(implementation: object) -> str | None:
    """`prefork` of `celery.concurrency.prefork:TaskPool`."""
    text = clean(implementation, MAX_WORD)
    return None if text is None else text.partition(":")[0].rpartition(".")[2] or text


def _queue_names(queues: object) -> tuple[str, ...] | None:
    if not isinstance(queues, list):
        return None
    names = (clean(queue.get("name"), MAX_WORD) for queue in queues if isinstance(queue, Mapping))
    return tuple(name for name in names if name)[:MAX_QUEUES]
