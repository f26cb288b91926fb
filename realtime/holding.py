"""What the leader holds in memory: the live tasks and the workers, and what of them is unwritten.

Events and time change it; nothing here does I/O. The stored rows of ids it does not hold are
handed in by the pipeline.
"""

import heapq
import itertools
import logging
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping

from realtime.core import lifecycle, workers
from realtime.core.events import Event
from realtime.core.expected import expected_at
from realtime.core.task import LOST, RESERVED, RUNNING, SCHEDULED, STALLED, UNKNOWN, Task
from realtime.core.workers import Worker

logger = logging.getLogger(__name__)

MAX_HELD = 100_000
"""Live tasks in memory, about 150 MB. Older ones are read again when an event of them comes."""
FORGET_EVERY_S = 60.0
"""Each removal makes whoever resumes from before it read anew: better a few at once."""
MAX_OUTDATED = 10_000
"""Instants remembered beside two for each task that is held. One is left behind whenever a task
goes on before it is due, and most tasks end long before they would expire."""
BACKEND_WAIT_S = 2.0
"""An outcome that a result backend told waits this long for the task's own event, which is the
better witness and comes a moment later, since the child stores before the parent reports."""

_BACKEND_OUTCOMES = frozenset({"task-succeeded", "task-failed", "task-revoked"})


class Holding:
    """The live tasks and the workers of one leader."""

    def __init__(self, counters: Counter[str]) -> None:
        self.tasks: dict[str, Task] = {}
        self.workers: dict[str, Worker] = {}
        self.dirty_tasks: dict[str, Task | None] = {}
        """Unwritten ids to the task as the store has it; None where it has none."""
        self.dirty_workers: set[str] = set()
        self.gone_workers: set[str] = set()
        """Forgotten, and still in the store."""
        self._counters = counters
        self._due: list[tuple[float, str]] = []
        self._told: dict[str, tuple[float, Event]] = {}
        self._swept_at = 0.0
        self._forgot_at = 0.0
        self.mended = 0
        """Tasks whose standing was set right by what a repair found out."""

    def begin(self, tasks: Iterable[Task], known: Iterable[Worker], now: float) -> None:
        """Start over from what the store has."""
        mended = self.mended
        self.__init__(self._counters)  # type: ignore[misc]
        self.mended = mended
        self._swept_at = now
        self.workers = {worker.name: worker for worker in known}
        for task in tasks:
            self._hold(task, now)

    def missing(self, events: Iterable[Event]) -> set[str]:
        """The ids of these task events that are not held."""
        return {event.id for event in events} - self.tasks.keys()

    def apply(self, events: Iterable[Event], stored: Mapping[str, Task], now: float) -> None:
        """Fold task events, given the stored tasks of the ids that were missing."""
        by_task: dict[str, list[Event]] = defaultdict(list)
        for event in events:
            by_task[event.id].append(event)
        for task_id, told in by_task.items():
            known = self.tasks.get(task_id) or stored.get(task_id)
            own = (
                told if all(event.hostname for event in told) else self._witnessed(told, known, now)
            )
            if own:
                self._fold(task_id, known, own, now)

    def mend(self, events: Iterable[Event], stored: Mapping[str, Task], now: float) -> None:
        """Fold what a repair found out, given the stored tasks of the ids that were missing."""
        by_task: dict[str, list[Event]] = defaultdict(list)
        for event in events:
            by_task[event.id].append(event)
        for task_id, found in by_task.items():
            known = self.tasks.get(task_id) or stored.get(task_id)
            news = [self._by_its_clock(event) for event in found if _is_news(event, known)]
            is_nameless = known is not None and known.name is None
            if not news or (not is_nameless and all(map(_is_context, news))):
                continue
            self._fold(task_id, known, news, now)
            mended = self.tasks.get(task_id)
            is_found = any(event.kind != "task-missed" for event in news)
            if mended and is_found and _standing(mended) != _standing(known):
                self.mended += 1

    def expect(self, events: Iterable[Event], stored: Mapping[str, Task], now: float) -> None:
        """Fold that tasks were handed over, given the stored tasks of the ids that were missing.
        Of a task that was heard of it says nothing new."""
        for event in events:
            known = self.tasks.get(event.id) or stored.get(event.id)
            if known is None or (known.status == UNKNOWN and expected_at(known.marks) is None):
                self._fold(event.id, known, [event], now)

    def _by_its_clock(self, event: Event) -> Event:
        """What a worker holds was seen by our clock; beside its own marks stands its own."""
        worker = self.workers.get(event.hostname)
        if event.kind != "task-received" or worker is None or worker.clock_offset is None:
            return event
        return event._replace(at=event.at + worker.clock_offset)

    def hear(self, event: Event, now: float) -> None:
        """Take a worker's own event, or what an inspection found out about it."""
        known = self.workers.get(event.id)
        heard = workers.heard(known, event)
        if heard is None or heard is known:
            return
        self.workers[event.id] = heard
        self.gone_workers.discard(event.id)
        self.dirty_workers.add(event.id)
        if known is None or known.state != heard.state:
            self._review([event.id], now)

    def sweep(self, now: float, hearing_since: float | None) -> None:
        """Write down what time alone changed. `hearing_since` is when the stream was last
        restored, None while it is blind: silence then says nothing about a worker."""
        if hearing_since is not None:
            self._sweep_workers(now, hearing_since)
        while self._due and self._due[0][0] <= now:
            _, task_id = heapq.heappop(self._due)
            self._reread(task_id, now)
        for task_id, (due, event) in list(self._told.items()):
            if due <= now:
                del self._told[task_id]
                task = self.tasks.get(task_id)
                if task is not None:
                    self._fold(task_id, task, [event], now)
        self._swept_at = now

    def forget_workers(self, now: float, after_s: float) -> None:
        """Let go of workers that are gone for so long. One whose tasks are not over is kept:
        what it is decides how they stand."""
        if 0 <= now - self._forgot_at < FORGET_EVERY_S:
            return
        self._forgot_at = now
        old = {name for name, known in self.workers.items() if workers.is_old(known, now, after_s)}
        if old:
            old.difference_update(task.worker for task in self.tasks.values())
        for name in old:
            del self.workers[name]
        self.dirty_workers -= old
        self.gone_workers |= old

    @property
    def is_dirty(self) -> bool:
        """Whether anything is unwritten."""
        return bool(self.dirty_tasks or self.dirty_workers or self.gone_workers)

    def unwritten(self) -> tuple[list[Task], list[Worker]]:
        """The tasks, the oldest first, and the workers that the store does not have like this."""
        tasks = [self.tasks[task_id] for task_id in self.dirty_tasks]
        tasks.sort(key=lambda task: (task.first_seen_at, task.id))
        return tasks, [self.workers[name] for name in self.dirty_workers]

    def written(self, tasks: Iterable[Task], workers: Iterable[Worker]) -> None:
        """These were committed: forget that they are unwritten, and let go of what is over. What
        has changed since is another value, and stays unwritten."""
        for task in tasks:
            if self.tasks.get(task.id) is task:
                self.dirty_tasks.pop(task.id, None)
                if not task.is_live:
                    del self.tasks[task.id]
            elif task.id in self.dirty_tasks:
                self.dirty_tasks[task.id] = task
        for worker in workers:
            if self.workers.get(worker.name) is worker:
                self.dirty_workers.discard(worker.name)
        self._let_go()

    def removed(self, names: Iterable[str]) -> None:
        """These workers are no longer in the store."""
        self.gone_workers.difference_update(names)

    def _fold(self, task_id: str, known: Task | None, events: list[Event], now: float) -> None:
        try:
            task = lifecycle.fold(known, events, now, self.workers)
        except Exception:
            # One task's evidence must not stop everybody's stream.
            self._counters["fold_errors"] += 1
            logger.exception("A task's events could not be folded", extra={"action": "fold_error"})
            return
        self._hold(task, now)
        self.dirty_tasks.setdefault(task_id, known)

    def _hold(self, task: Task, now: float) -> None:
        self.tasks[task.id] = task
        due = lifecycle.due_at(task, now)
        if due is not None:
            heapq.heappush(self._due, (due, task.id))
        if len(self._due) > 2 * len(self.tasks) + MAX_OUTDATED:
            self._thin_out()

    def _thin_out(self) -> None:
        """Remember of each task its next instant alone, as of the last sweep: what became due since
        is still to be swept."""
        dues = [(lifecycle.due_at(task, self._swept_at), task.id) for task in self.tasks.values()]
        self._due = [(due, task_id) for due, task_id in dues if due is not None]
        heapq.heapify(self._due)

    def _witnessed(self, told: list[Event], known: Task | None, now: float) -> list[Event]:
        """Without what a result backend told: of unknown tasks at all, of known ones for now."""
        own = [event for event in told if event.hostname]
        if known is None and not own:
            return []
        for event in told:
            if event.hostname:
                continue
            if event.kind in _BACKEND_OUTCOMES:
                self._told[event.id] = (now + BACKEND_WAIT_S, event)
            elif known is None or known.is_live:
                own.append(event)
        return own

    def _sweep_workers(self, now: float, hearing_since: float) -> None:
        changed = []
        for name, worker in self.workers.items():
            seen = workers.seen_at(worker, now, hearing_since)
            is_successor = self._swept_at < worker.pid_since + lifecycle.PROCESS_GRACE_S <= now
            if seen is not worker:
                self.workers[name] = seen
                self.dirty_workers.add(name)
            if seen is not worker or is_successor:
                changed.append(name)
        self._review(changed, now)

    def _review(self, names: Collection[str], now: float) -> None:
        """Read the tasks of these workers again: their worker's standing changed."""
        if not names:
            return
        for task_id in [held for held, task in self.tasks.items() if task.worker in names]:
            self._reread(task_id, now)

    def _reread(self, task_id: str, now: float) -> None:
        task = self.tasks.get(task_id)
        if task is None:
            return
        seen = lifecycle.at(task, now, self.workers)
        self._hold(seen, now)
        if seen != task:
            self.dirty_tasks.setdefault(task_id, task)

    def _let_go(self) -> None:
        excess = len(self.tasks) - MAX_HELD
        if excess <= 0:
            return
        clean = (task_id for task_id in self.tasks if task_id not in self.dirty_tasks)
        for task_id in list(itertools.islice(clean, excess)):
            del self.tasks[task_id]
            self._counters["let_go"] += 1


def _standing(task: Task | None) -> tuple[object, ...] | None:
    return None if task is None else (task.status, task.conclusion, task.retries, task.name)


def _is_context(event: Event) -> bool:
    return event.kind == "task-context"


def _is_news(event: Event, known: Task | None) -> bool:
    """Whether it may say more of the task than its own events did."""
    if known is None:
        return event.kind != "task-missed"
    is_over = not known.is_live and known.conclusion != LOST
    if is_over:
        return _is_left_out(event, known)
    if event.kind == "task-retried":
        # A result backend keeps the word of an attempt that has long been followed by another.
        return False
    is_certain = known.worker == event.hostname and known.reason is None
    if event.kind == "task-started":
        return not (is_certain and known.status == RUNNING)
    if event.kind == "task-received":
        return not (is_certain and known.status in (RESERVED, SCHEDULED, RUNNING, STALLED))
    return True


def _is_left_out(event: Event, known: Task) -> bool:
    """Whether it tells of a task that is over what was not heard: what it is, its last attempts."""
    if event.kind == "task-context":
        return known.name is None
    retries = event.fields.get("retries")
    return event.kind in _BACKEND_OUTCOMES and isinstance(retries, int) and retries > known.retries
