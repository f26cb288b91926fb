"""After a gap: the workers and the result backend are asked for what was not heard.

Three questions, in this order, so that a task which moves on meanwhile is met by a later one: what
the workers hold; how the tasks ended that were live before; and, once a gap, which results were
stored in it of tasks that began and ended unseen. What nobody knows is said of the task itself.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple, TypeVar

from realtime.backoff import Backoff
from realtime.core.events import Event
from realtime.inbox import Inbox
from realtime.inspection import Held
from realtime.ports import Delivery

logger = logging.getLogger(__name__)

CHUNK = 100
"""Ids in one question, tasks in one delivery: a few milliseconds of the backend's time."""
PAUSE_S = 0.05
"""Between questions: at most 2,000 results a second are asked for."""
TRIES = 8
"""A broker that has just come back may take half a minute to answer reliably."""
REST = 10
"""After a search it rests so many times as long as that took: a stream that is interrupted again
and again costs the result backend a tenth of its patience at most."""
MAX_REST_S = 600.0
ASK_AGAIN_S = (10.0, 30.0, 90.0, 270.0)
"""A worker that has not found its way back yet does not answer. What its tasks came to is asked for
again so long after each answer that left them in doubt; then the doubt stays."""

Answer = TypeVar("Answer")
Lookup = Callable[[Sequence[str]], Iterable[Event]]
"""What the result backend has stored of these tasks."""
Survey = Callable[[], Held]
"""What the workers hold now."""
Search = Callable[[float, float], Iterator[Sequence[Event]]]
"""Page by page, the outcomes that were stored between two instants."""


class Window(NamedTuple):
    """A time in which nothing was heard. Unix seconds."""

    from_at: float
    until_at: float

    def joined(self, other: "Window | None") -> "Window":
        """One window over both."""
        if other is None:
            return self
        return Window(min(self.from_at, other.from_at), max(self.until_at, other.until_at))


class _Question(NamedTuple):
    window: Window
    workers: Mapping[str, str | None]
    """Task to the worker that had it before."""
    round: int = 0
    """How many times it was asked before."""


class Repairer:
    """Asks on a thread of its own and puts the answers in the inbox as evidence.

    `search` is None where the backend cannot be searched; `unsearchable` then says why.
    """

    def __init__(
        self,
        *,
        lookup: Lookup,
        survey: Survey,
        search: Search | None,
        unsearchable: str | None,
        inbox: Inbox,
        clock: Callable[[], float],
    ) -> None:
        self._lookup = lookup
        self._survey = survey
        self._search = search
        self._unsearchable = unsearchable
        self._inbox = inbox
        self._clock = clock
        self._changed = threading.Condition()
        self._question: _Question | None = None
        self._window: Window | None = None
        self._rests_until = 0.0
        self._doubt: _Question | None = None
        self._ask_again_at = 0.0
        self._is_stopping = False
        self._is_working = False
        self._failure: str | None = None

    @property
    def is_busy(self) -> bool:
        """Whether anything is still to be found out."""
        with self._changed:
            return self._is_working or self._question is not None or self._window is not None

    @property
    def shortfall(self) -> str | None:
        """What cannot be known after a gap, in a few words; None where all can."""
        if self._failure is not None:
            return self._failure
        if self._search is None:
            return f"tasks that began and ended in it are not known, {self._unsearchable}"
        return None

    def ask(self, window: Window, workers: Mapping[str, str | None]) -> None:
        """Find out about these tasks (id to the worker that had it) and what else happened in the
        window, soon; never blocks."""
        with self._changed:
            waiting = self._question
            self._question = _Question(
                window.joined(waiting.window if waiting else None),
                {**(waiting.workers if waiting else {}), **workers},
            )
            self._changed.notify_all()

    def stop(self) -> None:
        """Ask `run` to return."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()

    def run(self) -> None:
        """Answer questions until `stop`."""
        while self._await_work():
            self._answer_waiting()
            if self._window is not None and time.monotonic() >= self._rests_until:
                self._search_window()
            self._ask_again()

    def _await_work(self) -> bool:
        with self._changed:
            self._is_working = False
            while self._question is None and not self._is_stopping:
                due_s = self._due_s()
                if due_s is not None and due_s <= 0:
                    break
                self._changed.wait(due_s)
            # To ask again is no repair that anybody waits for.
            self._is_working = self._question is not None or self._window is not None
            return not self._is_stopping

    def _due_s(self) -> float | None:
        """Seconds until there is something to do; None where nothing waits."""
        due = [self._rests_until] if self._window is not None else []
        due += [self._ask_again_at] if self._doubt is not None else []
        return min(due) - time.monotonic() if due else None

    def _answer_waiting(self) -> None:
        with self._changed:
            question, self._question = self._question, None
        if question is not None:
            # It asks about every live task, and so about those in doubt.
            self._doubt = None
            self._answer(question)

    def _ask_again(self) -> None:
        doubt = self._doubt
        if doubt is not None and time.monotonic() >= self._ask_again_at:
            self._doubt = None
            self._answer(doubt)

    def _answer(self, question: _Question) -> None:
        self._failure = None
        asked_at = self._clock()
        held = self._patiently(self._survey, "the workers could not be asked")
        known = {event.id for event in held.events} if held else set()
        if held:
            self._put(held.events)
        failed: set[str] = set()
        ids = iter([task_id for task_id in question.workers if task_id not in known])
        while chunk := list(islice(ids, CHUNK)):
            found = self._look_up(chunk)
            if found is None:
                failed.update(chunk)
            else:
                known.update(event.id for event in found)
                self._put(found)
            self._pause(PAUSE_S)
        unknown = [task_id for task_id in question.workers if task_id not in known]
        doubts = {task_id: _doubt(task_id, question, held, failed) for task_id in unknown}
        since = question.window.from_at
        self._put([_missed(task_id, since, asked_at, *why) for task_id, why in doubts.items()])
        self._keep_in_mind(question, [task_id for task_id, (_, free) in doubts.items() if not free])
        if self._search is not None and not question.round:
            with self._changed:
                self._window = question.window.joined(self._window)

    def _keep_in_mind(self, question: _Question, in_doubt: Sequence[str]) -> None:
        """Ask again about these, unless that was done often enough."""
        if in_doubt and question.round < len(ASK_AGAIN_S):
            workers = {task_id: question.workers[task_id] for task_id in in_doubt}
            self._ask_again_at = time.monotonic() + ASK_AGAIN_S[question.round]
            self._doubt = _Question(question.window, workers, question.round + 1)

    def _look_up(self, ids: Sequence[str]) -> list[Event] | None:
        return self._patiently(
            lambda: list(self._lookup(ids)), "the result backend could not be asked"
        )

    def _search_window(self) -> None:
        """Once through the results; a new question is answered in between."""
        with self._changed:
            window, self._window = self._window, None
        if self._search is None or window is None:
            return
        began = time.monotonic()
        try:
            for page in self._search(*window):
                self._put(page)
                self._answer_waiting()
                self._pause(PAUSE_S)
                if self._is_stopping:
                    return
        except Exception:
            # Backends raise whatever their client library does; what was found so far stays.
            logger.exception("The results could not be searched", extra={"action": "search_failed"})
            self._failure = "tasks that began and ended in it are not all known"
        now = time.monotonic()
        self._rests_until = now + min(REST * (now - began), MAX_REST_S)

    def _patiently(self, ask: Callable[[], Answer], failure: str) -> Answer | None:
        """The answer, of one of several tries; None when there was none."""
        backoff = Backoff()
        for _ in range(TRIES):
            try:
                return ask()
            except Exception as error:  # noqa: BLE001 - clients raise what they like
                logger.warning(
                    "Repair: %s: %s",
                    failure,
                    type(error).__name__,
                    extra={"action": "repair_failed"},
                )
            self._pause(backoff.next_s())
            if self._is_stopping:
                return None
        self._failure = failure
        return None

    def _put(self, events: Sequence[Event]) -> None:
        """In deliveries of a few tasks each, as there is room."""
        for start in range(0, len(events), 2 * CHUNK):
            delivery = Delivery(events[start : start + 2 * CHUNK], self._clock(), None, True)
            while not self._is_stopping and not self._inbox.put(delivery, timeout_s=1.0):
                continue

    def _pause(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._is_stopping, seconds)


def _doubt(
    task_id: str, question: _Question, held: Held | None, failed: set[str]
) -> tuple[str, bool]:
    """Why nothing is known of a task, and whether it is known that no worker has it."""
    worker = question.workers[task_id]
    is_free = held is not None and (worker is None or worker in held.hosts)
    if held is None:
        return "the workers could not be asked", False
    if not is_free:
        return "its worker did not answer", False
    if task_id in failed:
        return "the result backend could not be asked", True
    return "no worker holds it and no result is stored", True


def _missed(task_id: str, since: float, asked_at: float, why: str, is_free: bool) -> Event:
    fields = {"since": since, "why": why, "is_free": is_free}
    return Event("task-missed", task_id, "", 0, asked_at, 0, asked_at, fields)
