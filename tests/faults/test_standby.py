"""Two receivers on one store: whatever becomes of the leader, the other one goes on in 5 s."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.faults.support import Cluster, Load, Truth, assert_all_true, connected, tell
from tests.services.process import wait_until
from tests.services.redis import RedisServer
from tests.services.worker import CeleryWorker

pytestmark = pytest.mark.timeout(300)

TAKEOVER_S = 5.0
GATE = 4242
"""An advisory lock that the test shuts to hold a COPY up in its middle."""

WRITERS = """
CREATE TABLE writers (token text, session int, UNIQUE (token, session));
CREATE FUNCTION note_writer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO writers SELECT lease_token, pg_backend_pid() FROM headway_stream
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER writers AFTER INSERT OR UPDATE ON headway_task
FOR EACH STATEMENT EXECUTE FUNCTION note_writer();
"""
"""Who wrote tasks under which lease: what was overtaken must not be among them any more."""

GATED = f"""
CREATE FUNCTION passes_gate(value text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_lock_shared({GATE});
    PERFORM pg_advisory_unlock_shared({GATE});
    RETURN true;
END $$;
CREATE DOMAIN gated AS text CHECK (passes_gate(VALUE));
ALTER TABLE headway_task ALTER COLUMN owner TYPE gated;
"""
"""A column that can be read only while the gate is open, in temporary copies of the table too."""


@contextmanager
def pair(
    directory: Path, database: str, broker: str, backend: RedisServer
) -> Iterator[tuple[Cluster, Load]]:
    """Two receivers and a page, with a worker that takes tasks."""
    url = backend.url(1)
    cluster = Cluster(
        directory, receivers=2, database=database, broker=broker, backend=url, layer=url
    )
    worker = CeleryWorker(directory, broker=broker, backend=url)
    with cluster.running(), worker, connected(broker) as app:
        cluster.site.wait_for_worker(worker.name)
        yield cluster, Load(app)


@pytest.fixture(params=["redis", pytest.param("rabbitmq", marks=pytest.mark.faults)])
def broker(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(f"{request.param}_url"))


def test_a_killed_leader_is_followed_within_five_seconds_and_nothing_is_lost(
    request: pytest.FixtureRequest,
    broker: str,
    backend_server: RedisServer,
    postgresql_url: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pair(tmp_path, postgresql_url, broker, backend_server) as (cluster, load), load:
        load.wait_for(200)
        leader, successor = cluster.leader(), cluster.standby()
        killed_at = time.monotonic()
        leader.kill()
        took_s = cluster.wait_for_leader(successor) - killed_at
        load.wait_for(100)
        load.stop()
        assert_all_true(cluster.site, Truth(backend_server.url(1)), load.sent)
        assert cluster.site.get("stream")["gap"] is None
    kind = broker.partition(":")[0]
    tell(capsys, f"kill -9 of the leader ({kind})", f"{took_s:.1f} s, {len(load.sent)} tasks true")
    assert took_s < TAKEOVER_S


@pytest.mark.faults
@pytest.mark.parametrize("moment", ["transaction", "copy"])
def test_a_leader_that_freezes_at_its_worst_moment_is_overtaken_and_writes_nothing_more(
    moment: str,
    redis_url: str,
    backend_server: RedisServer,
    postgresql_url: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with (
        pair(tmp_path, postgresql_url, redis_url, backend_server) as (cluster, load),
        psycopg.connect(postgresql_url, autocommit=True) as watcher,
    ):
        watcher.execute(WRITERS)
        if moment == "copy":
            watcher.execute(GATED)
            # Sessions keep the shape of their temporary tables from when they began.
            _reconnect(watcher)
            cluster.wait_until_live()
        with load:
            load.wait_for(100)
            leader, successor = cluster.leader(), cluster.standby()
            frozen_at = _freeze(leader, postgresql_url, moment)
            took_s = cluster.wait_for_leader(successor) - frozen_at
            load.wait_for(100)
            leader.resume()
            wait_until(lambda: "stands by" in leader.output(), 30, "the woken one to give way")
            load.wait_for(100)
            load.stop()
            assert_all_true(cluster.site, Truth(backend_server.url(1)), load.sent)
        assert cluster.leader() is successor
        [(token,)] = watcher.execute("SELECT lease_token FROM headway_stream").fetchall()
        written = watcher.execute("SELECT session FROM writers WHERE token = %s", (token,))
        assert len(written.fetchall()) == 1
        assert cluster.site.get("stream")["gap"] is None
    measured = f"{took_s:.1f} s, {len(load.sent)} tasks true, the woken one wrote nothing"
    tell(capsys, f"the leader frozen in its {moment}", measured)
    assert took_s < TAKEOVER_S


def _reconnect(watcher: psycopg.Connection) -> None:
    watcher.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'headway-receiver' AND datname = current_database()"
    )


def _freeze(leader: object, url: str, moment: str) -> float:
    """Stop the leader where its server waits for it in the middle of a write; when that was."""
    held, waiting = {
        "transaction": ("LOCK TABLE headway_task IN SHARE MODE", "INSERT INTO headway_task%"),
        "copy": (f"SELECT pg_advisory_xact_lock({GATE})", "COPY headway_task_batch%"),
    }[moment]
    with psycopg.connect(url, autocommit=True) as eye, psycopg.connect(url) as holder:
        holder.execute(held)
        is_stuck = (
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'headway-receiver'"
            " AND datname = current_database() AND wait_event_type = 'Lock' AND query LIKE %s"
        )
        wait_until(lambda: eye.execute(is_stuck, (waiting,)).fetchall(), 20, "a write that waits")
        leader.pause()  # type: ignore[attr-defined]
        frozen_at = time.monotonic()
        holder.rollback()
    return frozen_at
