"""Migrated databases beside the one that Django's own test tools use."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, connections

from dashboard import models

ONLY_SQLITE = pytest.mark.parametrize("migrated_database", ["sqlite"], indirect=True)
ONLY_POSTGRESQL = pytest.mark.parametrize("migrated_database", ["postgresql"], indirect=True)
"""For a test that is about one kind of database."""


@contextmanager
def migrated(alias: str, config: dict[str, Any]) -> Iterator[str]:
    """Yield the alias of a database with Headway's tables; forget it afterwards."""
    dummy = {"ENGINE": "django.db.backends.dummy"}
    complete = connections.configure_settings({DEFAULT_DB_ALIAS: dummy, alias: config})
    connections.settings[alias] = complete[alias]
    try:
        call_command("migrate", "headway", database=alias, verbosity=0)
        yield alias
    finally:
        connections[alias].close()
        del connections[alias]
        del connections.settings[alias]


def empty(alias: str) -> None:
    """Remove all rows, and free the lease of a stream that has not begun."""
    for model in apps.get_app_config("headway").get_models():
        model._default_manager.using(alias).all().delete()
    models.Stream.objects.using(alias).create(id=1, epoch="e1")
