"""Database addresses as Django's settings."""

import pytest

from dashboard.server import database, values


def test_a_postgresql_address_is_taken_apart() -> None:
    found = database.from_url(
        values.database_url("postgresql://us%40er:p%2Fw@db.example:5433/tasks?sslmode=require")
    )
    assert (found["USER"], found["PASSWORD"]) == ("us@er", "p/w")
    assert (found["HOST"], found["PORT"], found["NAME"]) == ("db.example", "5433", "tasks")
    assert found["OPTIONS"] == {"sslmode": "require"}


def test_an_sqlite_address_is_a_path() -> None:
    found = database.from_url(values.database_url("sqlite:////var/lib/headway.sqlite3"))
    assert found["NAME"] == "/var/lib/headway.sqlite3"


def test_a_missing_driver_is_said_with_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(database.DriverMissing, match="pip install"):
        database.from_url(values.database_url("postgresql://h/n"))
