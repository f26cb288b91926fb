"""Showing: the web server, with the receiving half in the same process or without it."""

import logging
import os

from django.conf import settings

from dashboard import composition, conf, routing
from dashboard.running import Parts
from dashboard.server import accounts, options, pooling
from dashboard.server.commands import ADMIN_PASSWORD
from dashboard.server.console import say
from dashboard.server.listening import Listener, Ready

logger = logging.getLogger(__name__)


def serve() -> int:
    """Receive and show in one process until a signal; the exit code."""
    _make_first_user()
    return with_receiving(_announce)


def web() -> int:
    """Show what receivers elsewhere store, until a signal; the exit code."""
    _make_first_user()
    try:
        listener(_announce).run()
    finally:
        pooling.close()
    return 0


def with_receiving(on_ready: Ready) -> int:
    """Serve with the receiving half on threads. When one of those dies, the pages stay and say
    that they are blind; the log says why."""
    receiving = composition.receiving(conf.current(), routing.local_publisher())
    parts = Parts(receiving, on_death=_tell_blind)
    serving = listener(on_ready)
    parts.start()
    try:
        serving.run()
    finally:
        parts.stop()
        pooling.close()
    return 1 if parts.dead else 0


def listener(on_ready: Ready) -> Listener:
    """The web server on the configured address."""
    from dashboard.server.asgi import application

    values = options.read(os.environ)
    return Listener(
        application,
        host=str(values[options.HOST]),
        port=int(str(values[options.PORT])),
        on_ready=on_ready,
        farewell=composition.farewell,
    )


def _make_first_user() -> None:
    """`admin`, where there is nobody yet; a password that nobody chose is printed this once."""
    chosen = os.environ.get(ADMIN_PASSWORD)
    password = accounts.ensure_admin(chosen)
    if password is not None:
        say(f"user: {accounts.ADMIN}")
        say(f"password: {f'as {ADMIN_PASSWORD} has it' if chosen else password}")


def _announce(url: str) -> None:
    say(f"url: {url}{settings.FORCE_SCRIPT_NAME or ''}/")


def _tell_blind(name: str) -> None:
    logger.critical(
        "The %s is gone: the pages show what was stored and say that they are blind. "
        "Start headway again",
        name,
        extra={"action": "blind"},
    )
