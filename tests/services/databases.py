"""Migrated databases beside the one that Django's own test tools use."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.test import TransactionTestCase

from dashboard import models

ONLY_SQLITE = pytest.mark.parametrize("migrated_database", ["sqlite"], indirect=True)
ONLY_POSTGRESQL = pytest.mark.parametrize("migrated_database", ["postgresql"], indirect=True)
"""For a test that is about one kind of database."""
_MADE_BY_MIGRATE = ("auth_permission", "django_content_type", "django_migrations")


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
    _clear(alias, [model._meta.db_table for model in apps.get_app_config("headway").get_models()])
    models.Stream.objects.using(alias).create(id=1, epoch="e1")


def empty_after(case: TransactionTestCase) -> None:
    """Remove what a test left, in the place of Django's `flush`: that truncates every table, which
    PostgreSQL takes a third of a second for, and makes all permissions and content types anew."""
    for alias in case._databases_names(include_mirrors=False):
        names = connections[alias].introspection.django_table_names(only_existing=True)
        _clear(alias, [name for name in names if name not in _MADE_BY_MIGRATE])


def _clear(alias: str, tables: Iterable[str]) -> None:
    # Keys are checked at the end of the transaction: their order does not matter.
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        for table in tables:
            cursor.execute(f"DELETE FROM {connections[alias].ops.quote_name(table)}")
