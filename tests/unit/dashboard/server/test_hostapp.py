"""A host's Celery configuration, read without importing the host here."""

import sys
from datetime import timedelta
from pathlib import Path

import pytest

from dashboard.server import hostapp

APP = """
from datetime import timedelta
from celery import Celery
from kombu import Queue

print("host modules may print")

def route(name, *rest):
    return None

app = Celery("proj", broker="redis://:hunter2@broker/3", backend="redis://results/4")
app.conf.update(
    event_queue_prefix="prod",
    broker_transport_options={"global_keyprefix": "p."},
    result_expires=timedelta(hours=2),
    task_queues=[Queue("slow", routing_key="slow")],
    task_routes=(route,),
)
"""

DJANGO_APP = """
from celery import Celery
import os
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "host_settings")
app = Celery("proj")
app.config_from_object("django.conf:settings", namespace="CELERY")
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_whole_configuration_comes_over(project: Path) -> None:
    (project / "hostproj.py").write_text(APP)
    found = hostapp.read("hostproj:app")
    assert found["broker_url"] == "redis://:hunter2@broker/3"
    assert found["result_backend"] == "redis://results/4"
    assert found["event_queue_prefix"] == "prod"
    assert found["broker_transport_options"] == {"global_keyprefix": "p."}
    assert found["result_expires"] == timedelta(hours=2)
    assert [queue.name for queue in found["task_queues"]] == ["slow"]  # type: ignore[attr-defined]


def test_what_lives_in_the_hosts_own_modules_stays_there(project: Path) -> None:
    (project / "hostproj.py").write_text(APP)
    assert "task_routes" not in hostapp.read("hostproj:app")
    assert "hostproj" not in sys.modules


def test_a_django_host_is_read_with_its_own_settings(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "dashboard.server.settings")
    (project / "host_settings.py").write_text("CELERY_BROKER_URL = 'amqp://host/v'\n")
    (project / "hostproj.py").write_text(DJANGO_APP)
    assert hostapp.read("hostproj")["broker_url"] == "amqp://host/v"


def test_a_host_with_a_package_named_dashboard_is_read(project: Path) -> None:
    (project / "dashboard").mkdir()
    (project / "dashboard" / "__init__.py").write_text(APP)
    assert hostapp.read("dashboard:app")["event_queue_prefix"] == "prod"


def test_an_app_that_cannot_be_imported_is_said_in_one_line(project: Path) -> None:
    (project / "hostproj.py").write_text("import no_such_package\n")
    with pytest.raises(hostapp.HostAppUnreadable, match="No module named 'no_such_package'"):
        hostapp.read("hostproj:app")
