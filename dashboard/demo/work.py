"""How the shop's tasks pass their time."""

import random
import threading
from typing import Any

from celery import Task

_closing = threading.Event()


def close() -> None:
    """Let every task of this process come to its end at once: the process is ending."""
    _closing.set()


def busy(least_s: float, most_s: float | None = None) -> None:
    """Take between `least_s` and `most_s` seconds."""
    _closing.wait(random.uniform(least_s, most_s or least_s))  # noqa: S311 - not a secret


def chance(share: float) -> bool:
    """True in this share of all calls, 0 to 1."""
    return random.random() < share  # noqa: S311 - not a secret


def report(task: Task, current: int, total: int | None, **more: Any) -> None:
    """Tell how far the task is, as any task can: by an event, with nothing imported for it."""
    task.send_event(
        "task-progress", current=current, total=total, retries=task.request.retries, **more
    )
