"""The shop's Celery beat as a thread of this process."""

import threading

from celery import beat

from dashboard.demo.app import app

MAX_PAUSE_S = 1
"""It looks so often whether it is to end."""
STOP_S = 3.0


class DemoBeat:
    """`celery beat` that keeps what it knows in memory: each run of the demo is its first."""

    def __init__(self) -> None:
        self._service = beat.Service(app, max_interval=MAX_PAUSE_S, scheduler_cls=beat.Scheduler)
        self._thread = threading.Thread(target=self._service.start, name="demo-beat", daemon=True)

    def start(self) -> None:
        """Send what is due from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Send nothing any more."""
        self._service.stop()
        if self._thread.is_alive():
            self._thread.join(STOP_S)
