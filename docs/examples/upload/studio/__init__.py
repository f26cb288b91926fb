"""A shop's studio with an upload page."""

from studio.celery import app as celery_app

__all__ = ["celery_app"]
