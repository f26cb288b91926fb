"""The studio's Celery app: `celery -A studio worker`."""

import os

from celery import Celery

from realtime.worker import install

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studio.settings")

app = Celery("studio")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
install(app)
