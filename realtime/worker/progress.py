"""How a task says how far it is: `track` around a loop, or a `Progress` of its own."""

import math
import operator
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Sequence
from typing import Any, Generic, Self, TypeVar, overload

from billiard.exceptions import SoftTimeLimitExceeded

from realtime.worker import running
from realtime.worker.report import Report

T = TypeVar("T")


class Progress:
    """How far the current task is. Outside a task everything here does nothing.

        with Progress(total=len(rows), unit="rows", stages=["check", "write"]) as progress:
            progress.stage("check")
            progress.update()

    One bar a task: a `Progress` opened while another is open counts silently, unless it has a
    stage of its own. Values that are no numbers are left out, never an error. Safe to call from
    threads and coroutines of the task.
    """

    def __init__(
        self,
        total: float | None = None,
        *,
        unit: str | None = None,
        message: str | None = None,
        stage: str | None = None,
        stages: Sequence[str] | None = None,
    ) -> None:
        task = running.current()
        self._report: Report | None = None if task is None else task.report
        self._current: float = 0
        self._total = _number(total)
        self._stage = _text(stage)
        self._is_told = self._is_open = False
        if self._report is not None:
            self._open(self._report, _text(unit), _text(message), stages)

    @staticmethod
    def parent() -> "Progress":
        """What this task adds to the count of the task that called it; use `update` and `set`.

        The parent tells the total. A child that is tried again adds nothing twice.
        """
        task = running.current()
        report = None if task is None else task.share()
        if report is None or not isinstance(report.bar, Progress):
            return _Share(report)
        return report.bar

    def update(self, n: float = 1) -> None:
        """Add `n` to the count. Takes about a quarter of a microsecond."""
        report = self._report
        if report is None:
            return
        if type(n) is not int:
            n = _number(n) or 0
        with report.lock:
            self._current += n
            self._tell(report)

    def set(self, current: float | None = None, total: float | None = None) -> None:
        """Put the count, the total or both to these values; None leaves one as it is."""
        if self._report is None:
            return
        count, whole = _number(current), _number(total)
        with self._report.lock:
            self._current = self._current if count is None else count
            self._total = self._total if whole is None else whole
            self._tell(self._report)

    def stage(self, name: str, total: float | None = None) -> None:
        """Begin a stage: the count is zero again, and `total` is this stage's."""
        if self._report is None:
            return
        text, whole = _text(name), _number(total)
        with self._report.lock:
            self._is_told = True
            self._stage, self._current, self._total = text, 0, whole
            self._tell(self._report)

    def message(self, text: str) -> None:
        """Say what is being done, in at most 200 characters."""
        if self._report is None:
            return
        words = _text(text)
        with self._report.lock:
            self._report.text = words
            self._report.changed()

    def close(self) -> None:
        """Leave the bar to the one that was open before; the values stay."""
        if self._report is not None and self._is_open:
            with self._report.lock:
                self._is_open = False
                self._report.depth -= 1

    def values(self) -> tuple[float | None, float | None, str | None]:
        """The count, the total and the stage."""
        return self._current, self._total, self._stage

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(
        self,
        report: Report,
        unit: str | None,
        message: str | None,
        stages: Sequence[str] | None,
    ) -> None:
        names = _names(stages)
        with report.lock:
            self._is_told = report.depth == 0 or self._stage is not None
            self._is_open = True
            report.depth += 1
            report.unit = unit or report.unit
            report.text = message or report.text
            report.stages = names or report.stages
            self._tell(report)
            if message is not None:
                report.changed()

    def _tell(self, report: Report) -> None:
        if self._is_told:
            report.bar = self
            report.changed()


class _Share(Progress):
    """The count that this task adds to its parent's: one, however often it is asked for."""

    def __init__(self, report: Report | None) -> None:
        self._report = report
        self._current = 0
        self._total = self._stage = None
        self._is_told, self._is_open = True, False
        if report is not None:
            report.bar = self


class _Loop(Progress):
    """The count of one loop, in which nobody else counts: its steps need no lock."""

    def step(self) -> None:
        """Count one more. What waits to be told is read when it is taken."""
        self._current += 1
        report = self._report
        if report is not None and not (report.has_news and report.bar is self):
            self.update(0)


class Tracked(Generic[T]):
    """An iterable whose passing is the task's progress."""

    def __init__(self, items: Any, total: float | None, told: dict[str, str | None]) -> None:
        self._items = items
        self._total = total
        self._told = told

    def __iter__(self) -> Iterator[T]:
        with self._loop() as loop:
            for item in self._items:
                yield item
                loop.step()

    async def __aiter__(self) -> AsyncIterator[T]:
        with self._loop() as loop:
            async for item in self._items:
                yield item
                loop.step()

    def _loop(self) -> _Loop:
        total = self._total
        if total is None and running.current() is not None:
            total = _length(self._items)
        return _Loop(total, message=self._told["message"], stage=self._told["stage"])


@overload
def track(
    iterable: Iterable[T],
    total: float | None = None,
    message: str | None = None,
    stage: str | None = None,
) -> Iterable[T]: ...
@overload
def track(
    iterable: AsyncIterable[T],
    total: float | None = None,
    message: str | None = None,
    stage: str | None = None,
) -> AsyncIterable[T]: ...
def track(
    iterable: Iterable[T] | AsyncIterable[T],
    total: float | None = None,
    message: str | None = None,
    stage: str | None = None,
) -> Iterable[T] | AsyncIterable[T]:
    """The same items; the current task's progress is how many of them were worked off.

    `total` is the iterable's length where it has one. `stage` names this loop as one part of the
    task. With an asynchronous iterable, loop with `async for`.
    """
    return Tracked(iterable, total, {"message": message, "stage": stage})


def _number(value: object) -> float | None:
    if value is None:
        return None
    if type(value) is int:
        return value
    try:
        number = float(value)  # type: ignore[arg-type]
    except SoftTimeLimitExceeded:
        raise
    except Exception:  # noqa: BLE001 - a host's type raises what it likes
        return None
    return number if math.isfinite(number) else None


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    try:
        return str(value)
    except SoftTimeLimitExceeded:
        raise
    except Exception:  # noqa: BLE001 - a host's type raises what it likes
        return None


def _names(stages: object) -> tuple[str, ...] | None:
    if not isinstance(stages, Sequence) or isinstance(stages, str):
        return None
    return tuple(filter(None, map(_text, stages)))


def _length(items: object) -> float | None:
    try:
        return operator.length_hint(items) or None
    except SoftTimeLimitExceeded:
        raise
    except Exception:  # noqa: BLE001 - iterating will raise it again, where it belongs
        return None
