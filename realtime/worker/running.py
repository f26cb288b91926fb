"""Which task runs here, found without an argument: by context, so that threads and coroutines
that a task starts with a copy of its context find it too."""

import threading
from contextvars import ContextVar
from typing import Any

from celery import signals
from celery._state import get_current_worker_task

from realtime.worker.report import Report
from realtime.worker.sender import sender

_making = threading.Lock()


class Running:
    """A task that a worker runs here, and what it reports.

    Every task of a process is noted, and few report: what a report needs is made for those.
    """

    __slots__ = ("_report", "_request", "_share", "app", "id", "is_over", "outer")

    def __init__(self, app: Any, request: Any, outer: "Running | None") -> None:
        self.app = app
        self.id: str = request.id
        self.outer = outer
        self.is_over = False
        self._request = request
        self._report: Report | None = None
        self._share: Report | None = None

    @property
    def report(self) -> Report:
        """What it reports of itself."""
        if self._report is None:
            with _making:
                if self._report is None:
                    self._report = self._made(self.id, retries=self._request.retries or 0)
        return self._report

    def share(self) -> Report | None:
        """The report that adds to its parent's count; None for a task without a parent."""
        parent_id = self._request.parent_id
        # A task that retries publishes itself, which Celery notes as its parent.
        if self._share is None and parent_id not in (None, self.id):
            with _making:
                if self._share is None:
                    self._share = self._made(str(parent_id), part=self.id)
        return self._share

    def end(self) -> None:
        """The task is over: what is still to be told is told soon, and nothing after it."""
        self.is_over = True
        for report in (self._report, self._share):
            if report is not None:
                report.end()

    def _made(self, task_id: str, **told: Any) -> Report:
        return Report(self.app, self._request.hostname, task_id, **told)


_running: ContextVar[Running | None] = ContextVar("headway_running", default=None)


def current() -> Running | None:
    """The task that runs in this context; None outside of one."""
    running = _running.get()
    if running is not None:
        return None if running.is_over else running
    # This module was first imported by the task itself, after the signal of its start.
    task = get_current_worker_task()
    request = None if task is None else task.request
    if task is None or request is None or not _is_followed(request):
        return None
    return _begin(task.app, request)


def _is_followed(request: Any) -> bool:
    """Eager tasks are no tasks to a monitor: no worker ever received them."""
    return bool(request.id) and not request.is_eager and not request.called_directly


def _begin(app: Any, request: Any) -> Running:
    running = Running(app, request, _running.get())
    _running.set(running)
    return running


@signals.task_prerun.connect(weak=False, dispatch_uid="headway.running")
def _started(task: Any = None, **_: object) -> None:
    request = task.request
    if _is_followed(request):
        _begin(task.app, request)


@signals.task_postrun.connect(weak=False, dispatch_uid="headway.running")
def _ended(task_id: str | None = None, **_: object) -> None:
    running = _running.get()
    if running is not None and running.id == task_id:
        _running.set(running.outer)
        running.end()


@signals.worker_process_shutdown.connect(weak=False, dispatch_uid="headway.running")
@signals.worker_shutdown.connect(weak=False, dispatch_uid="headway.running")
def _stopping(**_: object) -> None:
    sender.flush()
