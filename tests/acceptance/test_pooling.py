"""Requests of `headway web` share open connections to PostgreSQL, also when it was away."""

import http.client
import json
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import jwt
import psycopg
import pytest

from tests.acceptance.support import Site, api_key, ask
from tests.services.headway import Headway, HeadwayWeb
from tests.services.postgresql import PostgresqlServer
from tests.services.process import wait_until

REQUESTS = 20
STREAMS = 25
"""More than there are connections to share."""
EMBED_KEY = "k" * 40


@pytest.fixture
def database(postgresql_server: PostgresqlServer) -> str:
    return postgresql_server.add_database()


@pytest.fixture
def web(database: str, redis_url: str, tmp_path: Path) -> Iterator[HeadwayWeb]:
    env = {
        "HEADWAY_DATABASE_URL": database,
        "HEADWAY_SECRET_KEY": secrets.token_urlsafe(40),
        "HEADWAY_EMBED_KEY": EMBED_KEY,
    }
    with Headway(tmp_path, "manage", "migrate", env=env) as command:
        assert command.wait_for_exit(60) == 0, command.output()
    with HeadwayWeb(tmp_path, "web", "--channel-layer", redis_url, env=env) as server:
        yield server


@pytest.fixture
def site(web: HeadwayWeb, tmp_path: Path) -> Site:
    return Site(web.url, api_key(tmp_path, env=web.env))


def connections_of_web(database: str) -> set[int]:
    """The process ids of PostgreSQL's sides of them."""
    with psycopg.connect(database) as connection:
        rows = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        return {pid for (pid,) in rows}


def test_requests_open_no_connections_of_their_own(
    web: HeadwayWeb, site: Site, database: str
) -> None:
    site.get("tasks")
    before = connections_of_web(database)
    assert len(before) == 1
    for number in range(REQUESTS):
        site.get("tasks", query=f"name:n{number}")
    assert connections_of_web(database) == before


def open_stream(web: HeadwayWeb, task: str) -> http.client.HTTPConnection:
    """A visitor's stream, which goes on after its first event. They are signed in, too."""
    claims = {"aud": "headway", "exp": time.time() + 600, "iat": time.time(), "tasks": [task]}
    token = jwt.encode(claims, EMBED_KEY, "HS256")
    asked = {"tokens": {"a": token}, "subjects": [f"task:{task}"], "since": None}
    stream = http.client.HTTPConnection("127.0.0.1", web.port, timeout=20)
    headers = {"Content-Type": "application/json", "Cookie": f"headway_session={'s' * 32}"}
    stream.request("POST", "/embed/v1/stream", json.dumps(asked), headers)
    answer = stream.getresponse()
    while b'"snapshot"' not in answer.readline():
        assert not answer.isclosed()
    return stream


def test_open_streams_hold_no_connection(web: HeadwayWeb, site: Site, database: str) -> None:
    with ExitStack() as stack:
        for number in range(STREAMS):
            stack.callback(open_stream(web, f"t{number}").close)
        site.get("tasks")
        assert len(connections_of_web(database)) < 5


def test_a_database_that_was_away_is_told_soon_and_found_by_the_next_request(
    web: HeadwayWeb, site: Site, postgresql_server: PostgresqlServer
) -> None:
    site.get("tasks")
    postgresql_server.stop()
    began = time.monotonic()
    assert ask(f"{web.url}/readyz").status == 503
    assert time.monotonic() - began < 10
    postgresql_server.start()
    began = time.monotonic()
    wait_until(lambda: ask(f"{web.url}/api/v1/tasks", site.key).status == 200, 30)
    assert time.monotonic() - began < 10
    assert web.stop() == 0
    assert web.output().count("psycopg.pool") == 1
    assert "Traceback" not in web.output()
