"""Open connections to PostgreSQL that the requests of the standalone server share."""

import importlib.util
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections

OPTIONS = {
    # None before it is needed; one that nobody needs for ten minutes is closed.
    "min_size": 0,
    "max_size": 20,
    # Seconds that a request waits for one before it says that the database does not answer.
    "timeout": 5.0,
    # An attempt to connect ends after this, and the next request makes a new one: one that went on
    # would try ever less often while the database is away.
    "reconnect_timeout": 1.0,
}
"""Of `psycopg_pool.ConnectionPool`."""


def share() -> None:
    """From now on requests share open connections, where psycopg-pool is installed.

    Under ASGI each request has a thread of its own, and would open a connection of its own. What
    is to be told of a database that cannot be reached is told before: a pool only says that it
    waited in vain.
    """
    if connection.vendor != "postgresql" or importlib.util.find_spec("psycopg_pool") is None:
        return
    connections.close_all()
    options = {**connection.settings_dict["OPTIONS"], "pool": OPTIONS}
    # One that died while it lay there is noticed before a request gets it.
    connection.settings_dict.update(OPTIONS=options, CONN_HEALTH_CHECKS=True)


def close() -> None:
    """Give up what is shared."""
    if connection.settings_dict["OPTIONS"].get("pool"):
        connections.close_all()
        database: Any = connections[DEFAULT_DB_ALIAS]
        database.close_pool()
