"""The standalone server's settings with the shop in them."""

from dashboard.server.settings import *  # noqa: F403

ROOT_URLCONF = "dashboard.demo.urls"
HEADWAY_CELERY_APP = "dashboard.demo.app:app"
HEADWAY_BROKER_URL = None
HEADWAY_RESULT_BACKEND = None
