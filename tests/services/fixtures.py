"""Fixtures for what runs beside the tests. Each server starts when first asked for, once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.services import wheel
from tests.services.browser import browsing, running_chromium
from tests.services.postgresql import PostgresqlServer, running_postgresql
from tests.services.rabbitmq import RabbitmqServer, running_rabbitmq
from tests.services.redis import RedisServer, running_redis


@pytest.fixture(scope="session")
def shared_redis() -> Iterator[RedisServer]:
    with running_redis() as server:
        yield server


@pytest.fixture(scope="session")
def shared_rabbitmq() -> Iterator[RabbitmqServer]:
    with running_rabbitmq() as server:
        yield server


@pytest.fixture(scope="session")
def shared_postgresql() -> Iterator[PostgresqlServer]:
    with running_postgresql() as server:
        yield server


@pytest.fixture
def redis_server(shared_redis: RedisServer) -> Iterator[RedisServer]:
    """A Redis server that runs and is empty; a test may stop, kill or pause it."""
    shared_redis.reset()
    yield shared_redis
    shared_redis.resume()


@pytest.fixture
def rabbitmq_server(shared_rabbitmq: RabbitmqServer) -> Iterator[RabbitmqServer]:
    """A RabbitMQ node that runs; a test may stop, kill or pause it."""
    if not shared_rabbitmq.process.is_running:
        shared_rabbitmq.start()
    yield shared_rabbitmq
    shared_rabbitmq.resume()


@pytest.fixture
def postgresql_server(shared_postgresql: PostgresqlServer) -> Iterator[PostgresqlServer]:
    """A PostgreSQL server that runs; a test may stop, kill or pause it."""
    if not shared_postgresql.process.is_running:
        shared_postgresql.start()
    yield shared_postgresql
    shared_postgresql.resume()


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """Address of an empty Redis database."""
    return redis_server.url()


@pytest.fixture
def rabbitmq_url(rabbitmq_server: RabbitmqServer) -> str:
    """Address of an empty virtual host of its own."""
    return rabbitmq_server.url(rabbitmq_server.add_vhost())


@pytest.fixture
def postgresql_url(postgresql_server: PostgresqlServer) -> str:
    """Address of an empty database of its own."""
    return postgresql_server.add_database()


@pytest.fixture(scope="session")
def built_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the code under test."""
    return wheel.build(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A headless Chromium.

    It ends with its module: Playwright's loop occupies the thread, so a module that uses it has no
    `async def` tests.
    """
    with running_chromium() as browser:
        yield browser


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """A fresh browser profile. A script error or a CSP violation in it fails the test."""
    with browsing(chromium) as context:
        yield context


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """One tab of a fresh profile."""
    return context.new_page()
