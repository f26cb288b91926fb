"""What every test may ask for, and the database that the session runs on."""

import pytest
from django.conf import settings
from django.db import connections
from django.test import TransactionTestCase
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis

from tests.services import databases

pytest_plugins = ["tests.services.fixtures"]


# The same examples in each run, and none fails because the machine has other things to do.
hypothesis.register_profile(
    "steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis.load_profile("steady")

TransactionTestCase._fixture_teardown = databases.empty_after  # type: ignore[method-assign]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(request: pytest.FixtureRequest) -> None:
    """Start the private PostgreSQL server where HEADWAY_TEST_DATABASE_URL is `postgresql:`."""
    if settings.USES_PRIVATE_POSTGRESQL:
        server = request.getfixturevalue("shared_postgresql")
        connections["default"].settings_dict.update(server.django_settings())
