"""The private servers that other tests stand on start, answer, come back and stop."""

import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

import amqp
import psycopg
import pytest
import redis
from celery import group
from django.db import connection
from playwright.sync_api import Browser, Page

from tests.integration import celery_app
from tests.services.headway import HeadwayWeb
from tests.services.needs import unavailable
from tests.services.postgresql import PostgresqlServer
from tests.services.process import NotReady, Process, wait_until
from tests.services.rabbitmq import RabbitmqServer
from tests.services.redis import RedisServer
from tests.services.worker import CeleryWorker

A_SERVER = """
import http.server, sys
class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/healthz" else 404)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[-1])), Health).serve_forever()
"""


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_program_is_ready_when_it_printed_its_line_and_ends_by_its_pid(tmp_path: Path) -> None:
    program = Process(["sh", "-c", "echo port 17; exec sleep 60"], log=tmp_path / "log")
    with program:
        assert program.wait_for_line(r"^port (\d+)$")[1] == "17"
        pid = program.pid
    assert is_gone(pid)


def test_a_program_that_ends_before_it_is_ready_says_what_it_printed(tmp_path: Path) -> None:
    program = Process(["sh", "-c", "echo no such broker; exit 2"], log=tmp_path / "log")
    with program, pytest.raises(NotReady, match="ended with 2 before line 'ready'") as told:
        program.wait_for_line("ready")
    assert "no such broker" in str(told.value)


def test_stopping_a_program_that_will_not_stop_kills_its_children_too(tmp_path: Path) -> None:
    script = "trap '' TERM; sleep 60 & echo child $!; wait; wait"
    program = Process(["sh", "-c", script], log=tmp_path / "log")
    program.start()
    child = int(program.wait_for_line(r"child (\d+)")[1])
    program.stop(timeout_s=0.1)
    wait_until(lambda: is_gone(child) or _is_zombie(child), 5, "the child to end")


def _is_zombie(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def test_a_web_command_is_ready_when_its_health_page_answers(tmp_path: Path) -> None:
    program = (sys.executable, "-c", A_SERVER)
    with HeadwayWeb(tmp_path, "serve", program=program) as web:
        web.wait_for_http("/elsewhere", status=404)


def test_a_missing_service_is_a_skip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEADWAY_REQUIRE_SERVICES", raising=False)
    with pytest.raises(pytest.skip.Exception, match="redis-server is missing"):
        unavailable("redis-server is missing")


def test_a_missing_service_is_a_failure_where_none_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWAY_REQUIRE_SERVICES", "1")
    with pytest.raises(pytest.fail.Exception, match="redis-server is missing"):
        unavailable("redis-server is missing")


def test_redis_comes_back_empty_on_the_same_port(redis_server: RedisServer) -> None:
    with redis_server.client() as client:
        client.set("kept", "no")
        redis_server.stop()
        with pytest.raises(redis.ConnectionError):
            client.ping()
        redis_server.start()
        assert client.get("kept") is None


def test_a_paused_redis_answers_again_when_resumed(redis_server: RedisServer) -> None:
    with redis.Redis(port=redis_server.port, socket_timeout=0.2, retry=None) as client:
        redis_server.pause()
        with pytest.raises(redis.TimeoutError):
            client.ping()
        redis_server.resume()
        assert client.ping()


def test_rabbitmq_keeps_what_is_durable_over_a_restart(rabbitmq_server: RabbitmqServer) -> None:
    address = f"127.0.0.1:{rabbitmq_server.port}"
    with amqp.Connection(address) as connection:
        connection.channel().queue_declare("kept", durable=True, auto_delete=False)
    rabbitmq_server.stop()
    with pytest.raises(OSError, match="refused"):
        amqp.Connection(address).connect()
    rabbitmq_server.start()
    with amqp.Connection(address) as connection:
        connection.channel().queue_declare("kept", passive=True)


def test_postgresql_keeps_what_was_committed_over_a_restart(
    postgresql_server: PostgresqlServer, postgresql_url: str
) -> None:
    with psycopg.connect(postgresql_url) as connection:
        connection.execute("CREATE TABLE kept ()")
    postgresql_server.stop()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(postgresql_url)
    postgresql_server.start()
    with psycopg.connect(postgresql_url) as connection:
        assert connection.execute("SELECT * FROM kept").fetchall() == []


@pytest.mark.django_db
def test_django_runs_on_the_database_that_was_asked_for() -> None:
    asked = urlsplit(os.environ.get("HEADWAY_TEST_DATABASE_URL", "")).scheme or "sqlite"
    assert connection.vendor == asked
    connection.ensure_connection()


@pytest.mark.parametrize("broker", ["redis_url", "rabbitmq_url"])
def test_a_prefork_worker_runs_the_sample_tasks(
    broker: str, redis_url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    broker_url = request.getfixturevalue(broker)
    with (
        celery_app.connected(broker_url, redis_url),
        CeleryWorker(tmp_path, broker=broker_url, backend=redis_url),
    ):
        work = group(
            celery_app.add.s(1, 2),
            celery_app.flaky.s(succeed_on=2),
            celery_app.progress_event.s(),
            celery_app.progress_state.s(),
            celery_app.fail_deep.s(),
        ).apply_async()
        outcomes = [result.get(timeout=30, propagate=False) for result in work.results]
        assert outcomes[:4] == [3, 2, 5, 5]
        assert "no account to charge" in str(outcomes[4])
        assert celery_app.a_chain(3).apply_async().get(timeout=30) == 4
        assert celery_app.a_chord(3).apply_async().get(timeout=30) == 6


def test_chromium_opens_a_page(chromium: Browser, page: Page) -> None:
    page.set_content("<title>Headway</title>")
    assert page.title() == "Headway"
    assert chromium.is_connected()
