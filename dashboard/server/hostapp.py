"""The configuration of a host's Celery app, read in a process of its own.

Importing the host's app here would mix two Django projects (`config_from_object
("django.conf:settings")` would read our settings) and two packages of the same name. The child
imports it as `celery -A` does and hands back every setting that differs from Celery's defaults.
Nothing but our own child writes to this pipe, and it runs the host's code with our rights anyway:
pickle is safe here, and keeps queues, enumerations and intervals whole.
"""

import functools
import os
import pickle
import subprocess
import sys
from pathlib import Path

from celery import Celery

from dashboard.celeryapp import NoCeleryApp
from dashboard.server import options

TIMEOUT_S = 60
ORIGINAL_SETTINGS = "HEADWAY_HOST_SETTINGS_MODULE"
"""Keeps the DJANGO_SETTINGS_MODULE that was set before ours replaced it."""

_CHILD = Path(__file__).with_name("_read_host_app.py")


class HostAppUnreadable(NoCeleryApp):
    """The host's app could not be imported; the message is the child's last line."""


@functools.cache
def app() -> Celery:
    """A Celery app with the configuration of the one that `--app` names."""
    name = os.environ[options.APP.variable]
    made = Celery("headway", set_as_current=False)
    made.conf.update(read(name))
    return made


def read(name: str) -> dict[str, object]:
    """The settings of the app `name` (`module:attr`) that differ from Celery's defaults.

    Those that cannot leave their process (functions of the host's own modules) are left out: they
    are about running tasks. HostAppUnreadable says why the import failed.
    """
    try:
        child = subprocess.run(  # noqa: S603 - our own script, the host's module name
            [sys.executable, str(_CHILD), name],
            env=_environment(),
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise HostAppUnreadable(f"--app {name}: importing it took over {TIMEOUT_S} s") from None
    if child.returncode:
        lines = child.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        raise HostAppUnreadable(f"--app {name} cannot be imported: {lines[-1]}")
    found = {}
    for key, pickled in pickle.loads(child.stdout).items():  # noqa: S301 - see above
        try:
            found[key] = pickle.loads(pickled)  # noqa: S301 - see above
        except Exception:  # noqa: BLE001, S112 - whatever a host's class needs is not here
            continue
    return found


def _environment() -> dict[str, str]:
    environment = {**os.environ}
    original = environment.pop(ORIGINAL_SETTINGS, "")
    if original:
        environment["DJANGO_SETTINGS_MODULE"] = original
    else:
        environment.pop("DJANGO_SETTINGS_MODULE", None)
    return environment
