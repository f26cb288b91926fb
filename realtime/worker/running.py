"""Which task runs here, found without an argument: by context, so that threads and coroutines
that a task starts with a copy of its context find it too."""

from contextvars import ContextVar
from typing import Any

from celery import signals
from celery._state import get_current_worker_task

from realtime.worker.report import Report
from realtime.worker.sender import sender


class Running:
    """A task that a worker runs here, and what it reports."""

    def __init__(self, app: Any, request: Any, outer: "Running | None") -> None:
        self.app = app
        self.id: str = request.id
        self.outer = outer
        self.report = Report(app, request.hostname, self.id, retries=request.retries or 0)
        self._hostname: str | None = request.hostname
        self._parent_id: str | None = request.parent_id
        self._share: Report | None = None

    def share(self) -> Report | None:
        """The report that adds to its parent's count; None for a task without a parent."""
        # A task that retries publishes itself, which Celery notes as its parent.
        if self._share is None and self._parent_id not in (None, self.id):
            self._share = Report(self.app, self._hostname, str(self._parent_id), part=self.id)
        return self._share

    def end(self) -> None:
        """The task is over: what is still to be told is told now, and nothing after it."""
        self.report.end()
        if self._share is not None:
            self._share.end()


_running: ContextVar[Running | None] = ContextVar("headway_running", default=None)


def current() -> Running | None:
    """The task that runs in this context; None outside of one."""
    running = _running.get()
    if running is not None:
        return None if running.report.is_over else running
    # This module was first imported by the task itself, after the signal of its start.
    task = get_current_worker_task()
    request = None if task is None else task.request
    if request is None or not _is_followed(request):
        return None
    return _begin(task)


def _is_followed(request: Any) -> bool:
    """Eager tasks are no tasks to a monitor: no worker ever received them."""
    return bool(request.id) and not request.is_eager and not request.called_directly


def _begin(task: Any) -> Running:
    running = Running(task.app, task.request, _running.get())
    _running.set(running)
    return running


@signals.task_prerun.connect(weak=False, dispatch_uid="headway.running")
def _started(task: Any = None, **_: object) -> None:
    if _is_followed(task.request):
        _begin(task)


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
