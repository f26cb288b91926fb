"""Celery with its own defaults: no event when a task is sent, none by the worker unless asked."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lobby.settings")

app = Celery("lobby")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
