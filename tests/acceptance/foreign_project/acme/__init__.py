"""A project that knows nothing of Headway but what its tutorial says."""

from acme.celery import app as celery_app

__all__ = ["celery_app"]
