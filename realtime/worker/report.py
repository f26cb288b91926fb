"""What one task reports: the newest values, and when they may be told."""

import threading
import time
from typing import Any, Protocol

from realtime.core.events import MAX_MESSAGE, MAX_STAGES, MAX_WORD, clean
from realtime.worker.outlet import Fields
from realtime.worker.sender import sender

EVERY_S = 0.1
"""At most ten a second of one task; a task shorter than this tells its last values alone."""
LAST_WITHIN_S = 0.25
"""Last values wait so long for others to share their message, which is what costs: that the task
is over is told by its worker's own process anyway."""


class Bar(Protocol):
    """Where a report's values are counted."""

    def values(self) -> tuple[float | None, float | None, str | None]:
        """Current, total, stage; called with the report's lock held."""


class Report:
    """The values of one task, written by it and taken by the sender; `News` in its terms."""

    def __init__(
        self,
        app: Any,
        hostname: str | None,
        task_id: str,
        *,
        retries: int | None = None,
        part: str | None = None,
    ) -> None:
        self.app = app
        self.lock = threading.RLock()
        """Re-entrant, so that a signal handler may report while the task does."""
        self.is_over = False
        self.depth = 0
        """How many bars are open; only the outermost, or one with a stage, is told."""
        self.bar: Bar | None = None
        """The one that is told. It is read when it is told, not at each of its steps."""
        self.has_news = False
        """Whether there are values that the sender has still to take."""
        self.unit: str | None = None
        self.text: str | None = None
        self.stages: tuple[str, ...] | None = None
        self._fixed: dict[str, object] = {
            "type": "task-progress",
            "uuid": task_id,
            "hostname": hostname,
        }
        self._fixed |= {"retries": retries} if part is None else {"part": part}
        self._current: float | None = None
        self._total: float | None = None
        self._stage: str | None = None
        self._at = 0.0
        self._due_at = time.monotonic() + EVERY_S
        self._stages_told_with: str | None = ""

    def changed(self) -> None:
        """The values are new; call with the lock held."""
        if not self.has_news and not self.is_over:
            self.has_news = True
            sender.put(self)

    def end(self) -> None:
        """No more values come: the last ones may go with the next message, and soon do."""
        with self.lock:
            self._read()
            # The bar refers to this report: without the circle both are freed at once.
            self.bar = None
            self.is_over = True
            self._at = time.time()
            self._due_at = time.monotonic() + LAST_WITHIN_S

    def due_at(self) -> float:
        """When it is to be told, by the monotonic clock."""
        return self._due_at

    def ready_at(self) -> float:
        """When it may be told if a message goes out anyway, by the monotonic clock."""
        return 0.0 if self.is_over else self._due_at

    def take(self) -> Fields:
        """The event of the newest values."""
        with self.lock:
            self.has_news = False
            if not self.is_over:
                self._read()
                self._at = time.time()
                self._due_at = time.monotonic() + EVERY_S
            told = {
                "current": self._current,
                "total": self._total,
                "unit": clean(self.unit, MAX_WORD),
                "message": clean(self.text, MAX_MESSAGE),
                "stage": clean(self._stage, MAX_WORD),
                "stages": self._stages_to_tell(),
            }
            fields = {name: value for name, value in told.items() if value is not None}
            return {**self._fixed, "timestamp": self._at, **fields}

    def put_back(self) -> bool:
        """It was not told; whether nothing newer waits already."""
        with self.lock:
            is_alone, self.has_news = not self.has_news, True
            self._stages_told_with = ""
            return is_alone

    def drop(self) -> None:
        """It is not waiting any more; the next value is news again."""
        with self.lock:
            self.has_news = False

    def _read(self) -> None:
        if self.bar is not None:
            self._current, self._total, self._stage = self.bar.values()

    def _stages_to_tell(self) -> tuple[str, ...] | None:
        """The list goes with the first report of each stage, in case one is not heard."""
        if self.stages is None or self._stages_told_with == self._stage:
            return None
        self._stages_told_with = self._stage
        return self.stages[:MAX_STAGES]
