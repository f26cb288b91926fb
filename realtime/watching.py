"""What the leader holds of the broker's queues and of beat's schedule, and what is unwritten.

Surveys (`realtime.queues`, `realtime.schedule`) change it; nothing here does I/O. Each survey is
whole: what it does not name is not there any more.
"""

from collections.abc import Iterable, Mapping

from realtime.core import watched
from realtime.core.events import Event
from realtime.core.task import Task
from realtime.core.watched import Queue, Reading, ScheduleEntry
from realtime.core.workers import Worker

QUEUES = "queue-inspected"
"""The Event of a survey of queues: `queues`, a tuple of `Reading`."""
SCHEDULE = "schedule-inspected"
"""The Event of a survey of the schedule: `entries`, a tuple of `ScheduleEntry`."""
KINDS = frozenset({QUEUES, SCHEDULE})

MAX_NAMES = 500
"""Queues that are asked about, and remembered."""
NAMES_EVERY_S = 5.0
QUEUE_KEPT_S = 86_400.0
"""A queue that nobody named for this long is forgotten."""


class Watched:
    """The queues and the schedule entries of one leader."""

    def __init__(self) -> None:
        self.queues: dict[str, Queue] = {}
        self.schedule: dict[str, ScheduleEntry] = {}
        self.dirty_queues: set[str] = set()
        self.dirty_schedule: set[str] = set()
        self.gone_queues: set[str] = set()
        self.gone_schedule: set[str] = set()
        self.names: frozenset[str] = frozenset()
        """The queues that tasks and workers told of. Replaced, never changed: any thread may
        read it."""
        self._written_queues: dict[str, Queue] = {}
        self._written_schedule: dict[str, ScheduleEntry] = {}
        self._named_at: dict[str, float] = {}
        self._noted_at = 0.0

    def begin(self, queues: Iterable[Queue], schedule: Iterable[ScheduleEntry]) -> None:
        """Start over from what the store has."""
        self.__init__()  # type: ignore[misc]
        self.queues = {queue.name: queue for queue in queues}
        self.schedule = {entry.name: entry for entry in schedule}
        self._written_queues = dict(self.queues)
        self._written_schedule = dict(self.schedule)

    @property
    def is_dirty(self) -> bool:
        """Whether anything is unwritten."""
        return bool(
            self.dirty_queues or self.dirty_schedule or self.gone_queues or self.gone_schedule
        )

    def unwritten(self) -> tuple[list[Queue], list[ScheduleEntry], dict[str, list[str]]]:
        """The queues and entries that the store does not have like this, and by kind the names of
        those that it has and should not."""
        gone = {"queues": sorted(self.gone_queues), "schedule": sorted(self.gone_schedule)}
        return (
            [self.queues[name] for name in sorted(self.dirty_queues)],
            [self.schedule[name] for name in sorted(self.dirty_schedule)],
            {kind: names for kind, names in gone.items() if names},
        )

    def note(self, tasks: Iterable[Task], workers: Iterable[Worker], now: float) -> None:
        """Which queues there are to ask about, as workers and live tasks tell, and those that
        still hold something."""
        if 0 <= now - self._noted_at < NAMES_EVERY_S:
            return
        self._noted_at = now
        names = {name for worker in workers for name in worker.queues or ()}
        names.update(queue.name for queue in self.queues.values() if queue.depth)
        names.update(task.queue for task in tasks if task.queue)
        self.names = frozenset(sorted(names)[:MAX_NAMES])

    def hear(self, event: Event, now: float) -> None:
        """Take a survey."""
        if event.kind == QUEUES:
            self._hear_queues(event.fields["queues"], now)  # type: ignore[arg-type]
        else:
            self._hear_schedule(event.fields["entries"])  # type: ignore[arg-type]

    def written(
        self,
        queues: Iterable[Queue],
        schedule: Iterable[ScheduleEntry],
        removed: Mapping[str, Iterable[str]],
    ) -> None:
        """These were committed: forget that they are unwritten."""
        for queue in queues:
            self._written_queues[queue.name] = queue
            if self.queues.get(queue.name) is queue:
                self.dirty_queues.discard(queue.name)
        for entry in schedule:
            self._written_schedule[entry.name] = entry
            if self.schedule.get(entry.name) is entry:
                self.dirty_schedule.discard(entry.name)
        self.gone_queues.difference_update(removed.get("queues", ()))
        self.gone_schedule.difference_update(removed.get("schedule", ()))

    def _hear_queues(self, readings: tuple[Reading, ...], now: float) -> None:
        for reading in readings:
            name = reading.name
            known = self.queues.get(name)
            if known is None and len(self.queues) >= MAX_NAMES:
                continue
            self._named_at[name] = now
            self.gone_queues.discard(name)
            queue = self.queues[name] = watched.measured(known, reading, now)
            if watched.is_news_of_queue(self._written_queues.get(name), queue):
                self.dirty_queues.add(name)
        for name, queue in list(self.queues.items()):
            named_at = self._named_at.get(name, queue.measured_at or queue.first_seen_at)
            if now - named_at > QUEUE_KEPT_S:
                del self.queues[name]
                self._named_at.pop(name, None)
                self._written_queues.pop(name, None)
                self.dirty_queues.discard(name)
                self.gone_queues.add(name)

    def _hear_schedule(self, entries: tuple[ScheduleEntry, ...]) -> None:
        found = {entry.name: entry for entry in entries}
        gone = self.schedule.keys() - found.keys()
        self.gone_schedule = (self.gone_schedule | gone) - found.keys()
        self.dirty_schedule -= gone
        for name in gone:
            self._written_schedule.pop(name, None)
        self.schedule = found
        for name, entry in found.items():
            if watched.is_news_of_entry(self._written_schedule.get(name), entry):
                self.dirty_schedule.add(name)
