"""The shop's worker as threads of this process."""

import logging
import threading

from celery import signals
from celery.worker import WorkController, state

from dashboard.demo import work
from dashboard.demo.app import QUEUES, app

CONCURRENCY = 4
NAME = "shop@demo"
STOP_S = 3.0


class DemoWorker:
    """`celery worker -P threads -E` without the signal handlers that need the main thread."""

    def __init__(self) -> None:
        # Celery would put its own handlers in place of the server's.
        signals.setup_logging.connect(_keep_logging)
        app.set_current()
        app.set_default()
        app.finalize()
        self._worker = WorkController(
            app=app,
            concurrency=CONCURRENCY,
            hostname=NAME,
            pool_cls="threads",
            queues=list(QUEUES),
            task_events=True,
            without_gossip=True,
            without_mingle=True,
            loglevel=logging.WARNING,
        )
        self._thread = threading.Thread(target=self._worker.start, name="demo-worker", daemon=True)

    def start(self) -> None:
        """Take tasks from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Take no more tasks, and let those that run come to their end."""
        work.close()
        state.should_terminate = 0  # type: ignore[assignment]
        self._thread.join(STOP_S)


def _keep_logging(**_: object) -> None:
    """Connected to Celery's `setup_logging`: whoever answers it is in charge of logging."""
