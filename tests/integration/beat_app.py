"""The sample application with a schedule, for a real `celery beat`."""

from datetime import timedelta

from celery.schedules import crontab

from tests.integration.celery_app import app

ADD = "tests.integration.celery_app.add"
SCHEDULE = {
    "every second": {"task": ADD, "schedule": timedelta(seconds=1), "args": (1, 2)},
    "new year": {
        "task": ADD,
        "schedule": crontab(minute=0, hour=0, day_of_month=1, month_of_year=1),
    },
}

app.conf.beat_schedule = SCHEDULE
