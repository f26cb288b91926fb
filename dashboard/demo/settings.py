"""The standalone server's settings with the shop in them."""

import hashlib

from dashboard.server.settings import *  # noqa: F403
from dashboard.server.settings import DATA_DIR, HEADWAY_EMBED_KEY, LOGGING, SECRET_KEY

ROOT_URLCONF = "dashboard.demo.urls"
HEADWAY_CELERY_APP = "dashboard.demo.app:app"
HEADWAY_BROKER_URL = None
HEADWAY_RESULT_BACKEND = None
# Of its own for each data directory, as the secret key is that it is made of.
HEADWAY_EMBED_KEY = HEADWAY_EMBED_KEY or [
    hashlib.sha256(b"headway.demo.embed" + SECRET_KEY.encode()).hexdigest()
]

UPLOAD_DIR = DATA_DIR / "uploads"
# Small files would be done before anybody has seen the stages.
UPLOAD_PACE_S = 0.25

# The shop's failures are meant: they belong on the page, not in the server's log.
LOGGING["loggers"]["celery.app.trace"] = {"level": "CRITICAL"}
LOGGING["loggers"]["celery.backends"] = {"level": "CRITICAL"}
