"""The sample application in the ways in which hosts run it."""

from tests.integration.celery_app import app

app.conf.task_acks_late = True
app.conf.task_reject_on_worker_lost = True

late = app
"""Messages are acknowledged when their task is done: what a dead worker held is redelivered."""
