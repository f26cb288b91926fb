"""Real Celery workers, in processes of their own."""

import sys
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.services.process import Process

SAMPLE_APP = "tests.integration.celery_app:app"
"""The sample application; it takes broker and backend from the environment."""


class CeleryWorker(Process):
    """`celery worker` with events on; a process group, so `kill` takes the pool with it."""

    def __init__(
        self,
        directory: Path,
        *,
        broker: str,
        backend: str | None = None,
        app: str = SAMPLE_APP,
        concurrency: int = 2,
        pool: str = "prefork",
        queues: Sequence[str] = (),
        events: bool = True,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.name = f"worker-{uuid.uuid4().hex[:8]}@localhost"
        command = [sys.executable, "-m", "celery", "-A", app, "worker", "-n", self.name]
        command += ["-P", pool, "-c", str(concurrency), "--loglevel", "INFO"]
        command += ["-E"] if events else []
        command += ["-Q", ",".join(queues)] if queues else []
        super().__init__(
            command,
            log=directory / f"{self.name}.log",
            env=app_environment(broker, backend) | dict(env or {}),
        )

    def start(self) -> None:
        """Start it and return when it takes tasks."""
        super().start()
        self.wait_for_line(rf"{self.name} ready\.")


def app_environment(broker: str, backend: str | None = None) -> dict[str, str]:
    """Return the variables by which the sample application finds its servers."""
    return {
        "HEADWAY_TEST_BROKER_URL": broker,
        "HEADWAY_TEST_RESULT_BACKEND": backend or "",
    }
