"""What one task reports: the newest values, and when they may be told."""

import threading
import time
from typing import Any

from realtime.core.events import MAX_MESSAGE, MAX_STAGES, MAX_WORD, clean
from realtime.worker.outlet import Fields
from realtime.worker.sender import sender

EVERY_S = 0.1
"""At most ten a second of one task; a task shorter than this tells its last values alone."""


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
        self.current: float | None = None
        self.total: float | None = None
        self.unit: str | None = None
        self.text: str | None = None
        self.stage: str | None = None
        self.stages: tuple[str, ...] | None = None
        self._fixed: dict[str, object] = {
            "type": "task-progress",
            "uuid": task_id,
            "hostname": hostname,
        }
        self._fixed |= {"retries": retries} if part is None else {"part": part}
        self._at = 0.0
        self._due_at = time.monotonic() + EVERY_S
        self._has_news = False
        self._stages_told_with: str | None = ""

    def changed(self) -> None:
        """The values are new; call with the lock held."""
        self._at = time.time()
        if not self._has_news and not self.is_over:
            self._has_news = True
            sender.put(self)

    def end(self) -> None:
        """No more values come: the last ones are due at once."""
        with self.lock:
            self.is_over = True
            if self._has_news:
                self._due_at = 0.0
                sender.put(self)

    def due_at(self) -> float:
        """When it may be told, by the monotonic clock."""
        return self._due_at

    def take(self) -> Fields:
        """The event of the newest values."""
        with self.lock:
            self._has_news = False
            if not self.is_over:
                self._due_at = time.monotonic() + EVERY_S
            told = {
                "current": self.current,
                "total": self.total,
                "unit": clean(self.unit, MAX_WORD),
                "message": clean(self.text, MAX_MESSAGE),
                "stage": clean(self.stage, MAX_WORD),
                "stages": self._stages_to_tell(),
            }
            fields = {name: value for name, value in told.items() if value is not None}
            return {**self._fixed, "timestamp": self._at, **fields}

    def put_back(self) -> bool:
        """It was not told; whether nothing newer waits already."""
        with self.lock:
            is_alone, self._has_news = not self._has_news, True
            self._stages_told_with = ""
            return is_alone

    def drop(self) -> None:
        """It is not waiting any more; the next value is news again."""
        with self.lock:
            self._has_news = False

    def _stages_to_tell(self) -> tuple[str, ...] | None:
        """The list goes with the first report of each stage, in case one is not heard."""
        if self.stages is None or self._stages_told_with == self.stage:
            return None
        self._stages_told_with = self.stage
        return self.stages[:MAX_STAGES]
