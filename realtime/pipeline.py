"""From the inbox to every browser: fold, commit, publish, settle; once a second beat and sweep.

One thread runs it, and while a commit is on its way under load it folds the next events. A pipeline
leads while it holds the store's lease; otherwise it stands by, keeping the last seconds of what it
hears so that a takeover loses nothing.
"""

import itertools
import logging
import secrets
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from realtime import watching
from realtime.committing import Committing
from realtime.core.events import WORKER_KINDS, Event, Reject, parse
from realtime.core.workers import FORGOTTEN_AFTER_S
from realtime.expecting import Expecting
from realtime.grouping import Grouping
from realtime.holding import MAX_HELD, Holding
from realtime.inbox import Inbox
from realtime.ports import (
    Batch,
    Changes,
    Commit,
    Delivery,
    LeaseLost,
    Publisher,
    Redactor,
    Source,
    StoreUnavailable,
    StreamInfo,
    TaskStore,
)
from realtime.repair import Repairer, Window
from realtime.tally import Tally
from realtime.vitals import Vitals
from realtime.watching import Watched

logger = logging.getLogger(__name__)

TICK_S = 0.1
"""Under load a commit every tenth of a second: ten a second is what progress is shown at."""
TICK_EVENTS = 2_000
BEAT_S = 1.0
LEASE_S = 3.0
"""A dead leader is followed within this and one beat: well under the 5 s that readers notice."""
REPLAY_S = 10.0
"""What the standby keeps below the leader's mark: the lease, a beat, and two skewed clocks."""
RETRY_S = 0.5
"""Pause after the store refused: long enough not to hammer it, short enough not to be felt."""


class Pipeline:
    """One receiver's pipeline. `run` blocks until `stop`; `holder` names it to operators."""

    def __init__(
        self,
        *,
        store: TaskStore,
        inbox: Inbox,
        source: Source,
        publisher: Publisher,
        redactor: Redactor,
        holder: str,
        repairer: Repairer | None = None,
        forget_workers_after_s: float = FORGOTTEN_AFTER_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._inbox = inbox
        self._source = source
        self._publisher = publisher
        self._redactor = redactor
        self._repairer = repairer
        self._holder = holder
        self._clock = clock
        self._token = secrets.token_hex(16)
        self._committing = Committing(store, self._token)
        self._stopping = threading.Event()
        self._counters: Counter[str] = Counter()
        self._rejected: Counter[str] = Counter()
        self._holding = Holding(self._counters)
        self._watched = Watched()
        self._forget_workers_after_s = forget_workers_after_s
        self._tally = Tally()
        self._grouping = Grouping()
        self._expecting = Expecting(store)
        self._vitals = Vitals(clock())
        self._backlog: deque[Delivery] = deque()
        self._uncommitted: list[Delivery] = []
        self._stream: StreamInfo | None = None
        self._is_leader = False
        self._flushed_at = 0.0
        self._beat_at = 0.0
        self._covered_at: float | None = None

    @property
    def is_leader(self) -> bool:
        """Whether it holds the lease, as of its last beat."""
        return self._is_leader

    @property
    def queue_names(self) -> frozenset[str]:
        """The queues that workers and live tasks told of; callable from any thread."""
        return self._watched.names

    def run(self) -> None:
        """Work until `stop`. The store may come and go; its absence is waited out."""
        while not self._stopping.is_set():
            try:
                self.turn()
            except StoreUnavailable as error:
                self._counters["store_unavailable"] += 1
                logger.warning(
                    "The store is unavailable: %s", error, extra={"action": "store_down"}
                )
                self._stopping.wait(RETRY_S)
            except LeaseLost:
                self._stand_down()
        self._finish()

    def stop(self) -> None:
        """Ask `run` to write what it has and return."""
        self._stopping.set()

    def turn(self) -> None:
        """One round: beat when it is time, then wait for events and write them."""
        now = self._clock()
        if now - self._beat_at >= BEAT_S or now < self._beat_at:
            self._end_commit()
            self._beat_at = now
            self._beat(now)
        if self._is_leader:
            self._lead()
        else:
            self._stand_by()

    def _lead(self) -> None:
        until_beat = max(self._beat_at + BEAT_S - self._clock(), 0.0)
        if not self._backlog and not self._uncommitted and not self._inbox.wait(until_beat):
            return
        self._await_tick()
        self._take()
        self._end_commit()
        self._begin_commit()
        if self._inbox.depth < TICK_EVENTS:
            # What was committed is shown at once, unless there is a whole batch to fold meanwhile.
            self._end_commit()

    def _await_tick(self) -> None:
        """At once after quiet; else when the tick is over or there is enough to write."""
        while self._inbox.depth < TICK_EVENTS and not self._backlog:
            rest = self._flushed_at + TICK_S - self._clock()
            if rest <= 0 or rest > TICK_S or self._stopping.wait(min(rest, 0.01)):
                return

    def _take(self) -> None:
        """Fold the next deliveries. They stay ours to settle until a commit covers them."""
        if len(self._holding.dirty_tasks) >= MAX_HELD:
            return
        deliveries = list(self._backlog) or self._inbox.take(TICK_EVENTS)
        self._backlog.clear()
        try:
            self._fold(deliveries)
        except StoreUnavailable:
            self._backlog.extend(deliveries)
            raise
        self._uncommitted.extend(deliveries)

    def _fold(self, deliveries: Sequence[Delivery]) -> None:
        now = self._clock()
        events: list[Event] = []
        heard: list[Event] = []
        found: list[Event] = []
        for delivery in deliveries:
            for raw in delivery.events:
                event = raw if isinstance(raw, Event) else parse(raw, delivery.received_at)
                if event is None:
                    self._counters["ignored"] += 1
                elif isinstance(event, Reject):
                    self._rejected[event.reason] += 1
                elif event.kind in WORKER_KINDS or event.kind == "worker-inspected":
                    heard.append(event)
                elif event.kind in watching.KINDS:
                    self._watched.hear(event, now)
                else:
                    if event.kind == "task-context":
                        self._note_size(event)
                    told = found if delivery.is_repair else events
                    told.append(self._redactor.redact(event))
        missing = self._holding.missing(itertools.chain(events, found))
        stored = self._store.load(missing) if missing else {}
        for event in heard:
            self._holding.hear(event, now)
        self._holding.apply(events, stored, now)
        self._holding.mend(found, stored, now)
        self._vitals.count(len(events) + len(heard), now)

    def _note_size(self, event: Event) -> None:
        group_id, size = event.fields.get("group_id"), event.fields.get("group_size")
        if isinstance(group_id, str) and isinstance(size, int):
            self._grouping.tell(group_id, size)

    def _begin_commit(self) -> None:
        """Send what is unwritten on its way to the store. No commit may be on its way."""
        self._flushed_at = self._clock()
        tasks, workers = self._holding.unwritten()
        deliveries = tuple(self._uncommitted)
        received = [delivery.received_at for delivery in deliveries]
        self._covered_at = max(received, default=self._covered_at)
        queues, schedule, removed = self._watched.unwritten()
        if self._holding.gone_workers:
            removed["workers"] = sorted(self._holding.gone_workers)
        stored = self._holding.dirty_tasks
        changed = [(stored[task.id], task) for task in tasks]
        groups = self._grouping.unwritten(changed, self._store.groups, self._flushed_at)
        if tasks or workers or groups or queues or schedule or removed:
            changes = Changes(
                tasks=tasks,
                workers=workers,
                groups=groups,
                covered_at=self._covered_at,
                counted=self._tally.count(changed),
                queues=queues,
                schedule=schedule,
                removed=removed,
            )
            self._committing.begin(changes, deliveries)
        else:
            self._grouping.written(())
            self._settle(deliveries)

    def _end_commit(self) -> None:
        """Publish what was committed, then settle what it came from. Where it failed, all that it
        was to write is unwritten as before."""
        committed = self._committing.end()
        if committed is not None:
            changes = committed.changes
            self._send(committed.commit, committed.rows, changes.removed)
            self._holding.written(changes.tasks, changes.workers)
            self._holding.removed(changes.removed.get("workers", ()))
            self._watched.written(changes.queues, changes.schedule, changes.removed)
            self._tally.written(changes.counted)
            self._grouping.written(changes.groups)
            self._settle(committed.deliveries)

    def _settle(self, deliveries: Sequence[Delivery]) -> None:
        """These, the oldest of the uncommitted ones, are covered by what the store has."""
        del self._uncommitted[: len(deliveries)]
        tags = [delivery.tag for delivery in deliveries if delivery.tag is not None]
        if tags:
            self._source.settle(tags)

    def _send(
        self,
        commit: Commit,
        rows: Mapping[str, bytes],
        removed: Mapping[str, Sequence[str]] = MappingProxyType({}),
    ) -> None:
        if removed and self._stream:
            self._stream = replace(self._stream, floor=commit.revision)
        stream = self._vitals.stream(self._stream, commit.revision) if self._stream else {}
        # Of the other kinds, pages are told by what the store holds.
        told = {kind: names for kind, names in removed.items() if kind == "workers"}
        self._publisher.publish(Batch(*commit, rows, told, stream))

    def _beat(self, now: float) -> None:
        if not self._is_leader:
            is_mine = self._store.acquire(self._token, self._holder, now, LEASE_S)
            self._stream = self._store.stream()
            if not is_mine:
                self._watch_source(now)
                self._vitals.forget_gaps()
                return
            self._take_over(self._stream, now)
        self._watch_source(now)
        if gaps := self._vitals.gaps_to_store():
            self._store.commit(self._token, Changes(gaps=gaps))
            self._vitals.gaps_stored(gaps)
        self._holding.sweep(now, self._vitals.hearing_since)
        self._watch(now)
        self._expecting.take(self._holding, self._grouping, now)
        if self._is_dirty:
            self._begin_commit()
            self._end_commit()
        self._expecting.taken(now)
        self._add_up(now)
        self._stream = self._store.beat(self._token, now, LEASE_S, self._vitals.stats())
        revision = self._stream.revision
        self._send(Commit(self._stream.epoch, revision, revision), {})

    @property
    def _is_dirty(self) -> bool:
        return self._holding.is_dirty or self._watched.is_dirty or self._grouping.is_dirty

    def _watch(self, now: float) -> None:
        """Which queues there are to ask about, and which workers nobody needs to know any more."""
        holding = self._holding
        self._watched.note(holding.tasks.values(), holding.workers.values(), now)
        if not self._vitals.is_blind:
            holding.forget_workers(now, self._forget_workers_after_s)

    def _add_up(self, now: float) -> None:
        """Let the figures follow: once a second is soon enough for them, and ten times cheaper
        than with every commit."""
        if self._tally.is_due(now):
            commit = self._store.add_up(self._token, now)
            self._tally.added_up(now)
            if commit is not None:
                self._send(commit, {})

    def _take_over(self, before: StreamInfo, now: float) -> None:
        live = self._store.live(MAX_HELD)
        self._holding.begin(live, self._store.workers(), now)
        self._watched.begin(*self._store.watched())
        self._tally = Tally()
        self._grouping = Grouping()
        self._is_leader = True
        logger.info("%s leads", self._holder, extra={"action": "lease_taken"})
        self._vitals.note_absence(before, self._source.is_durable)

    def _watch_source(self, now: float) -> None:
        health = self._source.health()
        age = self._oldest_age(now)
        self._vitals.observe(health, self._inbox, self._counters, self._rejected, age, now)
        if self._is_leader:
            self._repair(self._vitals.take_unrepaired(health.is_connected))
        if self._repairer is not None:
            is_busy, shortfall = self._repairer.is_busy, self._repairer.shortfall
            self._vitals.note_repair(is_busy, self._holding.mended, shortfall)

    def _oldest_age(self, now: float) -> float:
        waiting = self._backlog[0] if self._backlog else self._inbox.oldest()
        return max(now - waiting.received_at, 0.0) if waiting else 0.0

    def _repair(self, window: Window | None) -> None:
        if self._repairer is not None and window is not None:
            live = (task for task in self._holding.tasks.values() if task.is_live)
            self._repairer.ask(window, {task.id: task.worker for task in live})

    def _stand_by(self) -> None:
        """Keep what the leader may not have committed; what it has is its own to tell."""
        if self._inbox.wait(max(self._beat_at + BEAT_S - self._clock(), 0.0)):
            self._backlog.extend(self._inbox.take(TICK_EVENTS))
        covered = self._stream.covered_at if self._stream else None
        if covered is None:
            return
        done = []
        while self._backlog and self._backlog[0].received_at < covered - REPLAY_S:
            done.append(self._backlog.popleft().tag)
        if done:
            self._source.settle([tag for tag in done if tag is not None])

    def _stand_down(self) -> None:
        """Another one leads: forget what is held, keep what was not committed."""
        logger.warning(
            "%s lost the lease and stands by", self._holder, extra={"action": "lease_lost"}
        )
        self._is_leader = False
        self._backlog.extendleft(reversed(self._uncommitted))
        self._uncommitted.clear()
        self._holding.begin((), (), self._clock())
        self._watched.begin((), ())

    def _finish(self) -> None:
        """Write what is left, if the store lets us, and give the lease back."""
        try:
            if self._is_leader:
                self._end_commit()
                while self._backlog or self._inbox.depth or self._uncommitted:
                    self._take()
                    self._begin_commit()
                    self._end_commit()
                self._add_up(self._clock())
                self._store.release(self._token)
        except (StoreUnavailable, LeaseLost) as error:
            logger.warning(
                "Stopped with events unwritten: %s", error, extra={"action": "unwritten"}
            )
        finally:
            self._is_leader = False
            self._committing.close()
            self._store.close()
