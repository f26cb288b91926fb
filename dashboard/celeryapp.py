"""The Celery app that Headway watches, as the settings name it."""

import importlib
from collections.abc import Mapping

from celery import Celery

from dashboard.conf import Conf


class NoCeleryApp(Exception):
    """There is no Celery app to watch; the message says what to set."""


def load(conf: Conf) -> Celery:
    """The app of HEADWAY_CELERY_APP, or one made for HEADWAY_BROKER_URL."""
    if conf.celery_app:
        return named(conf.celery_app)
    if conf.broker_url:
        return made(conf.broker_url, conf.result_backend, conf.celery_options)
    raise NoCeleryApp(
        "No Celery app is named. Set HEADWAY_CELERY_APP = 'proj.celery:app', or "
        "HEADWAY_BROKER_URL to the address of the broker."
    )


def named(name: str) -> Celery:
    """The app at `module:attr`, or what a function there returns; NoCeleryApp says why not."""
    module, _, attribute = name.partition(":")
    try:
        found: object = importlib.import_module(module)
    except ImportError as error:
        raise NoCeleryApp(f"HEADWAY_CELERY_APP {name!r} cannot be imported: {error}") from error
    for part in (attribute or "app").split("."):
        found = getattr(found, part, None)
    if callable(found) and not isinstance(found, Celery):
        found = found()
    if not isinstance(found, Celery):
        raise NoCeleryApp(
            f"HEADWAY_CELERY_APP {name!r} is no Celery app; expected one as 'module:attr'."
        )
    return found


def made(broker: str, backend: str | None, options: Mapping[str, object] | None) -> Celery:
    """An app that only knows its servers: enough to listen, to ask and to read results."""
    app = Celery("headway", broker=broker, backend=backend, set_as_current=False)
    app.conf.update(
        {"accept_content": ["json"], "result_accept_content": ["json"], **(options or {})}
    )
    return app
