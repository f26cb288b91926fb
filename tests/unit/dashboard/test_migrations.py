import sqlite3
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connections
from pytest_django import DjangoDbBlocker


@pytest.mark.django_db
def test_the_migrations_tell_what_the_models_tell() -> None:
    call_command("makemigrations", "headway", check=True, dry_run=True, skip_checks=True)


def test_a_new_database_has_its_stream_with_an_epoch_of_its_own(
    tmp_path: Path, django_db_blocker: DjangoDbBlocker
) -> None:
    path = tmp_path / "new.sqlite3"
    connections.databases["new"] = {
        **connections.databases["default"],
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
    }
    try:
        with django_db_blocker.unblock():
            call_command("migrate", database="new", verbosity=0, skip_checks=True)
    finally:
        connections["new"].close()
        del connections["new"]
        del connections.databases["new"]

    with sqlite3.connect(path) as database:
        [(number, epoch, revision, floor)] = database.execute(
            "SELECT id, epoch, revision, floor FROM headway_stream"
        )
    assert (number, revision, floor) == (1, 0, 0)
    assert len(epoch) == 8
