"""What a host's tasks import: how far they are, and what Celery's own events leave out.

    from realtime.worker import track

    @app.task
    def convert(images):
        for image in track(images, message="Converting"):
            ...

Nothing here raises into a task, waits for the broker, or needs more than Celery.
"""

from realtime.worker.context import headers, install
from realtime.worker.errors import PublicError
from realtime.worker.progress import Progress, track

__all__ = ["Progress", "PublicError", "headers", "install", "track"]
