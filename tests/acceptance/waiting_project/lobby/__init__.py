"""A site whose visitors wait for their work; docs/how-to/embed-progress.md put Headway into it."""

from lobby.celery import app as celery_app

__all__ = ["celery_app"]
