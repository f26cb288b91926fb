"""What every test may ask for, and the database that the session runs on."""

import pytest
from django.conf import settings
from django.db import connections

pytest_plugins = ["tests.services.fixtures"]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(request: pytest.FixtureRequest) -> None:
    """Start the private PostgreSQL server where HEADWAY_TEST_DATABASE_URL is `postgresql:`."""
    if settings.USES_PRIVATE_POSTGRESQL:
        server = request.getfixturevalue("shared_postgresql")
        connections["default"].settings_dict.update(server.django_settings())
