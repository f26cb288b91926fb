"""The databases that a store can be on."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from tests.services import databases
from tests.services.postgresql import PostgresqlServer


def _sqlite(path: Path) -> dict[str, Any]:
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path), "OPTIONS": {"timeout": 5}}


def _postgresql(server: PostgresqlServer) -> dict[str, Any]:
    name = server.add_database().rpartition("/")[2]
    engine = "django.db.backends.postgresql"
    return {**server.django_settings(), "ENGINE": engine, "NAME": name}


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def migrated_database(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    django_db_blocker: Any,
) -> Iterator[str]:
    if request.param == "sqlite":
        config = _sqlite(tmp_path_factory.mktemp("store") / "headway.sqlite3")
    else:
        config = _postgresql(request.getfixturevalue("shared_postgresql"))
    with django_db_blocker.unblock(), databases.migrated(f"store_{request.param}", config) as alias:
        yield alias


@pytest.fixture
def database(migrated_database: str, django_db_blocker: Any) -> Iterator[str]:
    """Alias of an empty database, once for each kind of database that is supported."""
    with django_db_blocker.unblock():
        databases.empty(migrated_database)
        yield migrated_database
        connections[migrated_database].close()
