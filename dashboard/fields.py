"""Fields whose columns the two databases would otherwise treat differently."""

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


class Word(models.CharField):
    """Text that compares byte by byte on every database, so that a query selects and a page sorts
    the same rows everywhere, and one index answers equality and prefixes."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        """PostgreSQL's long name of varchar: for the short one Django adds a second index to every
        unique column, for prefixes under collations that cannot answer them."""
        if connection.vendor == "postgresql":
            return f"character varying({self.max_length})"
        return super().db_type(connection)

    def db_parameters(self, connection: BaseDatabaseWrapper) -> dict[str, Any]:
        """SQLite compares bytes anyhow; PostgreSQL does under the collation C."""
        parameters = super().db_parameters(connection)
        if connection.vendor == "postgresql":
            parameters["collation"] = "C"
        return parameters
