"""A task that was called off ends at its next step, whatever kind of pool it runs in.

A pool of processes ends the child. Threads cannot be ended: there a task looks for itself among
those that were revoked, and says that it has stopped.
"""

from typing import Any, NoReturn

from celery import Task
from celery.exceptions import Ignore
from celery.worker import state


class Stopped(Exception):
    """Somebody called the task off while it ran."""


def check(task: Task) -> None:
    """Raises Stopped where this task has been revoked."""
    if task.request.id in state.revoked:
        raise Stopped


def acknowledge(task: Task) -> NoReturn:
    """Tell that the task was called off, and leave it without a result."""
    request: Any = task.request
    task.send_event("task-revoked", terminated=True, signum=None, expired=False)
    task.backend.mark_as_revoked(request.id, "cancelled", request=request)
    raise Ignore
