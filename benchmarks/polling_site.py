"""The peer of `latency`: a Django site and a Celery worker that use celery-progress as its README
has it. Runs in an environment of its own; BENCHMARK_REDIS is its broker and result backend.

    python polling_site.py PORT                    the site
    python -m celery -A polling_site worker -E     the worker
"""

import os
import random
import secrets
import sys
import time
from pathlib import Path
from typing import Any
from wsgiref.simple_server import make_server

import celery_progress
import django
from celery import Celery
from celery_progress.backend import ProgressRecorder
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.views.static import serve

REDIS = os.environ["BENCHMARK_REDIS"]
STATIC = Path(celery_progress.__file__).parent / "static" / "celery_progress"

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["*"],
        INSTALLED_APPS=["celery_progress"],
        ROOT_URLCONF=__name__,
        SECRET_KEY=secrets.token_urlsafe(40),
    )
    django.setup()

app = Celery("polling", broker=REDIS, backend=REDIS)
app.conf.update(result_extended=True, worker_prefetch_multiplier=1)

PAGE = """<!doctype html><title>Progress</title>
<div class="progress-wrapper"><div id="progress-bar" class="progress-bar">&nbsp;</div></div>
<div id="progress-bar-message">Waiting</div>
<script src="/static/celery_progress.js"></script>
<script>CeleryProgressBar.initProgressBar("/celery-progress/{id}/");</script>"""


@app.task(bind=True, name="benchmark.work")
def work(self: Any, steps: int, pause_s: float) -> int:
    """Tell progress at irregular times, each with the time at which it was told."""
    recorder = ProgressRecorder(self)
    for step in range(1, steps + 1):
        time.sleep(pause_s * random.uniform(0.8, 1.2))  # noqa: S311 - not to beat with the polls
        recorder.set_progress(step, steps, description=f"@{time.time():.6f};")
    time.sleep(2)
    return steps


def page(request: HttpRequest, task_id: str) -> HttpResponse:
    """The page that polls."""
    return HttpResponse(PAGE.replace("{id}", task_id))


urlpatterns = [
    path("page/<str:task_id>/", page),
    path("celery-progress/", include("celery_progress.urls")),
    path("static/<path:path>", serve, {"document_root": STATIC}),
]


if __name__ == "__main__":
    make_server("127.0.0.1", int(sys.argv[1]), get_wsgi_application()).serve_forever()
