"""The database of the standalone server, as Django's settings name it."""

import importlib.util
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote

from dashboard.server.failures import NotPrepared

SQLITE_OPTIONS = {
    # Readers do not wait for the writer; a commit survives a crash of the process (not of the
    # machine, after which the newest tasks may be missing, never wrong). What one answer reads of
    # a long history lies far apart: up to 16 MB of it are kept by each connection.
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-16000;",
    # Writers queue up here: the receiver's commits and the web's sessions.
    "timeout": 20,
    # A transaction that reads first and writes later would fail at once where another one wrote
    # in between; taken at its begin, the lock is waited for.
    "transaction_mode": "IMMEDIATE",
}


class DriverMissing(NotPrepared):
    """PostgreSQL needs psycopg: pip install 'celery-headway[postgresql]'"""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


def from_url(url: SplitResult) -> dict[str, Any]:
    """The entry of DATABASES for an address that `values.database_url` has checked."""
    if url.scheme == "sqlite":
        return sqlite(Path(unquote(url.path[1:])).absolute())
    if importlib.util.find_spec("psycopg") is None:
        raise DriverMissing
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(url.path).strip("/"),
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": unquote(url.hostname or ""),
        "PORT": str(url.port or ""),
        "OPTIONS": dict(parse_qsl(url.query)),
    }


def sqlite(path: Path) -> dict[str, Any]:
    """The entry of DATABASES for a file."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "OPTIONS": SQLITE_OPTIONS,
    }
