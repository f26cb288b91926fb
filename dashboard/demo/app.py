"""The shop's Celery app: `celery -A dashboard.demo.app worker`, or threads of `headway demo`.

Broker and result backend come from HEADWAY_BROKER_URL and HEADWAY_RESULT_BACKEND; without them
everything stays in this process's memory.
"""

import os

from celery import Celery
from celery.schedules import crontab
from kombu import Queue

from realtime.worker import install

QUEUES = ("orders", "payments", "media", "imports", "reports", "mail", "uploads")

app = Celery(
    "shop",
    broker=os.environ.get("HEADWAY_BROKER_URL") or "memory://localhost/",
    backend=os.environ.get("HEADWAY_RESULT_BACKEND") or "cache+memory://",
    include=["dashboard.demo.tasks", "dashboard.demo.media", "dashboard.demo.upload.tasks"],
)
app.conf.update(
    accept_content=["json"],
    broker_connection_retry_on_startup=True,
    enable_utc=True,
    result_expires=3600,
    result_extended=True,
    task_acks_late=False,
    beat_schedule={
        # The report of a shop whose day is this long.
        "nightly-sales": {
            "task": "shop.reports.nightly_sales",
            "schedule": 90.0,
            "args": ("yesterday",),
        },
        "sync-suppliers": {
            "task": "shop.stock.sync_supplier",
            "schedule": 60.0,
            "args": ("nordlys",),
        },
        "monday-newsletter": {
            "task": "shop.mail.send_newsletter",
            "schedule": crontab(hour=8, minute=0, day_of_week=1),
            "args": ("Monday",),
            "kwargs": {"recipients": 3_200},
        },
    },
    task_create_missing_queues=False,
    task_default_queue="orders",
    task_queues=[Queue(name, routing_key=name) for name in QUEUES],
    task_routes={
        "shop.orders.*": {"queue": "orders"},
        "shop.payments.*": {"queue": "payments"},
        "shop.media.*": {"queue": "media"},
        "shop.catalog.*": {"queue": "imports"},
        "shop.stock.*": {"queue": "imports"},
        "shop.reports.*": {"queue": "reports"},
        "shop.mail.*": {"queue": "mail"},
        "shop.upload.*": {"queue": "uploads"},
    },
    # These three are what makes a cluster fully visible; see docs/how-to/deploy.md.
    task_send_sent_event=True,
    worker_send_task_events=True,
    task_track_started=True,
    timezone="UTC",
    # One at a time: a task waits in its queue, where it is seen, not inside a worker.
    worker_prefetch_multiplier=1,
)
# Which tasks are of one group, which Celery's own events leave out.
install(app)
