"""However a receiver ends, what was added up is what the stored tasks count for."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dashboard.server.datadir import DATABASE_FILE
from tests.acceptance.support import one_process
from tests.faults.support import Cluster, Load, connected, tell
from tests.services import databases, summing
from tests.services.postgresql import PostgresqlServer
from tests.services.process import wait_until
from tests.services.redis import RedisServer
from tests.services.worker import CeleryWorker

pytestmark = pytest.mark.timeout(300)

KILLS = 4
TASKS_PER_S = 200
"""About 800 events a second, so that a kill falls into the middle of something."""


@pytest.fixture(autouse=True)
def unblocked(django_db_blocker: Any) -> Iterator[None]:
    """The test reads the database that the program under test writes."""
    with django_db_blocker.unblock():
        yield


@contextmanager
def sqlite(path: Path) -> Iterator[str]:
    config = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path), "OPTIONS": {"timeout": 20}}
    with databases.migrated("counts", config) as alias:
        yield alias


@contextmanager
def postgresql(server: PostgresqlServer, url: str) -> Iterator[str]:
    engine = "django.db.backends.postgresql"
    config = {**server.django_settings(), "ENGINE": engine, "NAME": url.rpartition("/")[2]}
    with databases.migrated("counts", config) as alias:
        yield alias


def assert_true(alias: str, capsys: pytest.CaptureFixture[str], kills: str) -> None:
    """Nothing is left to add up, and what was added up is what the tasks count for."""

    def is_true() -> bool:
        tasks = summing.stored_tasks(alias)
        is_same = summing.stored_cells(alias) == summing.cells_of(tasks, time.time())
        is_same &= summing.stored_failures(alias) == summing.failures_of(tasks)
        return summing.is_added_up(alias) and is_same

    wait_until(is_true, 60, "the sums to be those of the stored tasks")
    tasks = summing.stored_tasks(alias)
    assert len(tasks) > 100
    assert summing.failures_of(tasks)
    cells = len(summing.stored_cells(alias))
    tell(capsys, kills, f"{len(tasks)} tasks and {cells} rollups agree")


def kill_now_and_then(load: Load, kill: Callable[[], None]) -> None:
    with load:
        for n in range(KILLS):
            load.wait_for(60 + 23 * n)
            kill()
        load.wait_for(60)
        load.stop()


def test_a_server_that_is_killed_again_and_again_counts_each_task_once(
    redis_url: str, backend_server: RedisServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    backend = backend_server.url(1)
    worker = CeleryWorker(tmp_path, broker=redis_url, backend=backend)
    with (
        one_process(tmp_path, redis_url, backend) as (server, site),
        worker,
        connected(redis_url) as app,
    ):
        site.wait_for_worker(worker.name)

        def kill() -> None:
            server.kill()
            server.start()

        kill_now_and_then(Load(app, TASKS_PER_S), kill)
        with sqlite(tmp_path / "data" / DATABASE_FILE) as alias:
            assert_true(alias, capsys, f"kill -9 of `headway serve`, {KILLS} times, SQLite")


@pytest.mark.faults
@pytest.mark.parametrize("broker", ["redis", "rabbitmq"])
def test_a_leader_that_is_killed_leaves_each_task_counted_once(
    request: pytest.FixtureRequest,
    broker: str,
    backend_server: RedisServer,
    shared_postgresql: PostgresqlServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url, backend = str(request.getfixturevalue(f"{broker}_url")), backend_server.url(1)
    database = shared_postgresql.add_database()
    cluster = Cluster(
        tmp_path, receivers=2, database=database, broker=url, backend=backend, layer=backend
    )
    worker = CeleryWorker(tmp_path, broker=url, backend=backend)
    with cluster.running(), worker, connected(url) as app:
        cluster.site.wait_for_worker(worker.name)

        def kill() -> None:
            leader, successor = cluster.leader(), cluster.standby()
            leader.kill()
            cluster.wait_for_leader(successor)
            leader.start()

        kill_now_and_then(Load(app, TASKS_PER_S), kill)
        with postgresql(shared_postgresql, database) as alias:
            assert_true(alias, capsys, f"kill -9 of the leader, {KILLS} times, {broker}")
