"""Servers of a test's own: what is broken here is broken for nobody else."""

from collections.abc import Iterator

import pytest

from tests.services.redis import RedisServer, running_redis


@pytest.fixture
def backend_server() -> Iterator[RedisServer]:
    """A Redis server for results, which stays up while the broker is tormented."""
    with running_redis() as server:
        yield server


@pytest.fixture
def broker_server() -> Iterator[RedisServer]:
    """A Redis server as the broker."""
    with running_redis() as server:
        yield server
        server.resume()
