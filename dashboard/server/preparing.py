"""What must be true before a standalone process does its work."""

import logging
import os
import time

import django
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from dashboard import celeryapp, conf
from dashboard.server import hostapp
from dashboard.server.failures import NotPrepared

logger = logging.getLogger(__name__)

SETTINGS = "dashboard.server.settings"
DATABASE_WAIT_S = 60.0
"""A database container takes some seconds to start; after a minute the address is likely wrong."""
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 5.0


def django_with(module: str = SETTINGS) -> None:
    """Set Django up with our settings, whatever DJANGO_SETTINGS_MODULE the host's own is."""
    original = os.environ.get("DJANGO_SETTINGS_MODULE", "")
    if not original.startswith("dashboard."):
        os.environ[hostapp.ORIGINAL_SETTINGS] = original
    os.environ["DJANGO_SETTINGS_MODULE"] = module
    django.setup()


def load_cluster() -> None:
    """Read the Celery app to watch; NoCeleryApp says why that is not possible."""
    celeryapp.load(conf.current())


def wait_for_database(timeout_s: float = DATABASE_WAIT_S) -> None:
    """Return once the database answers; NotPrepared when it does not in time."""
    deadline = time.monotonic() + timeout_s
    pause = _FIRST_PAUSE_S
    while True:
        try:
            connection.ensure_connection()
        except DatabaseError as error:
            why = " ".join(str(error).split())
            if time.monotonic() + pause > deadline:
                raise NotPrepared(f"The database does not answer: {why}") from error
            logger.warning("The database does not answer, trying again: %s", why)
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)
        else:
            return


def migrate() -> None:
    """Bring the database's tables up to this version."""
    wait_for_database()
    call_command("migrate", verbosity=0, interactive=False)


def require_migrated() -> None:
    """NotPrepared where tables are missing: several processes start at once, one must migrate."""
    wait_for_database()
    executor = MigrationExecutor(connection)
    missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    connection.close()
    if missing:
        raise NotPrepared(
            f"The database lacks {missing} migrations. Run once, before the other commands: "
            "headway manage migrate"
        )


def require_split_shape() -> None:
    """NotPrepared where receivers and web processes would not find each other."""
    lacking = []
    if settings.DATABASES["default"]["ENGINE"] != "django.db.backends.postgresql":
        lacking.append("a PostgreSQL database: --database (HEADWAY_DATABASE_URL)")
    if "InMemory" in settings.CHANNEL_LAYERS["default"]["BACKEND"]:
        lacking.append("a Redis channel layer: --channel-layer (HEADWAY_CHANNEL_LAYER_URL)")
    if lacking:
        raise NotPrepared(
            f"`headway receiver` and `headway web` need {' and '.join(lacking)}. "
            "On one machine, `headway serve` needs neither."
        )
