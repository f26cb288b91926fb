"""The store goes away, or is full: what was heard meanwhile is written when it is back."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.support import ask, one_process
from tests.faults.support import Cluster, Load, Truth, Watch, assert_all_true, connected, tell
from tests.services.needs import unavailable
from tests.services.postgresql import PostgresqlServer
from tests.services.process import wait_until
from tests.services.redis import RedisServer
from tests.services.worker import CeleryWorker

pytestmark = pytest.mark.timeout(300)

Capture = pytest.CaptureFixture[str]

DISK_BYTES = 12 * 1024 * 1024


@pytest.fixture
def backend(backend_server: RedisServer) -> str:
    return backend_server.url(1)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few megabytes; `data` beside it leads there, so that logs do not."""
    if os.geteuid() != 0:
        unavailable("only root may mount a small file system")
    disk = tmp_path / "disk"
    disk.mkdir()
    (tmp_path / "data").symlink_to(disk)
    options = f"size={DISK_BYTES},mode=700"
    mount = ["/bin/mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        unavailable(f"a small file system cannot be mounted here: {done.stderr.strip()}")
    yield disk
    subprocess.run(["/bin/umount", "--lazy", str(disk)], check=True)


@pytest.mark.faults
def test_postgresql_restarts_and_nothing_is_lost(
    redis_url: str,
    backend: str,
    postgresql_server: PostgresqlServer,
    postgresql_url: str,
    tmp_path: Path,
    capsys: Capture,
) -> None:
    cluster = Cluster(
        tmp_path, database=postgresql_url, broker=redis_url, backend=backend, layer=backend
    )
    worker = CeleryWorker(tmp_path, broker=redis_url, backend=backend)
    with cluster.running(), worker, connected(redis_url) as app:
        cluster.site.wait_for_worker(worker.name)
        with Load(app) as load, Watch(cluster.site) as watch:
            load.wait_for(100)
            postgresql_server.stop()
            ready = f"{cluster.site.url}/readyz"
            wait_until(
                lambda: ask(ready).status == 503, 30, "the service to say that it is not ready"
            )
            load.wait_for(200)
            postgresql_server.start()
            cluster.wait_until_live()
            load.wait_for(50)
            load.stop()
            assert_all_true(cluster.site, Truth(backend), load.sent)
        wait_until(lambda: ask(ready).status == 200, 30, "the service to be ready again")
        assert cluster.site.get("stream")["gap"] is None
    tell(capsys, "PostgreSQL restarted", f"{len(load.sent)} tasks true, no gap, {watch.states}")


@pytest.mark.faults
def test_a_full_disk_is_told_and_all_is_written_when_there_is_room_again(
    redis_url: str, backend: str, small_disk: Path, tmp_path: Path, capsys: Capture
) -> None:
    worker = CeleryWorker(tmp_path, broker=redis_url, backend=backend)
    with (
        worker,
        one_process(tmp_path, redis_url, backend) as (server, site),
        connected(redis_url) as app,
        Load(app) as load,
        Watch(site) as watch,
    ):
        load.wait_for(50)
        ballast = small_disk / "ballast"
        _fill(ballast)
        wait_until(lambda: "The store is unavailable" in server.output(), 60, "a full disk")
        watch.wait_for("blind")
        load.wait_for(100)
        ballast.unlink()
        watch.wait_for("live", since=watch.wait_for("blind").at)
        load.wait_for(50)
        load.stop()
        assert_all_true(site, Truth(backend), load.sent)
        assert site.get("stream")["gap"] is None
    tell(capsys, "disk full under SQLite", f"{watch.states}, {len(load.sent)} tasks true, no gap")


def _fill(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while file.write(bytes(size)):
                    continue
            except OSError:
                continue
