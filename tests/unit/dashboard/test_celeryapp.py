"""The Celery app that the settings name."""

import pytest
from celery import Celery, current_app

from dashboard import celeryapp
from dashboard.conf import Conf


def make() -> Celery:
    return Celery("made", set_as_current=False)


APP = make()


def test_an_app_is_imported_by_name() -> None:
    assert celeryapp.load(Conf(celery_app=f"{__name__}:APP")) is APP


def test_a_function_that_returns_an_app_will_do() -> None:
    assert celeryapp.load(Conf(celery_app=f"{__name__}:make")).main == "made"


def test_a_broker_alone_makes_an_app_that_reads_json_only() -> None:
    before = current_app.main
    app = celeryapp.load(
        Conf(broker_url="memory://", celery_options={"event_queue_prefix": "prod"})
    )
    assert app.conf.broker_url == "memory://"
    assert app.conf.event_queue_prefix == "prod"
    assert app.conf.accept_content == ["json"]
    assert current_app.main == before


def test_nothing_to_watch_is_said_with_what_to_set() -> None:
    with pytest.raises(celeryapp.NoCeleryApp, match=r"HEADWAY_CELERY_APP = 'proj.celery:app'"):
        celeryapp.load(Conf())
