"""The standalone server's settings with the shop in them."""

from dashboard.server.settings import *  # noqa: F403
from dashboard.server.settings import LOGGING

ROOT_URLCONF = "dashboard.demo.urls"
HEADWAY_CELERY_APP = "dashboard.demo.app:app"
HEADWAY_BROKER_URL = None
HEADWAY_RESULT_BACKEND = None

# The shop's failures are meant: they belong on the page, not in the server's log.
LOGGING["loggers"]["celery.app.trace"] = {"level": "CRITICAL"}
LOGGING["loggers"]["celery.backends"] = {"level": "CRITICAL"}
