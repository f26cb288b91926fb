"""Web processes die and the channel layer loses messages: the open page ends in the true state."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.acceptance.support import Leak, open_list, shown_states, tell, wait_for_badge
from tests.faults.support import Cluster, Load, Truth, assert_all_true, connected
from tests.services.process import wait_until
from tests.services.redis import RedisServer
from tests.services.worker import CeleryWorker

pytestmark = pytest.mark.timeout(300)

Capture = pytest.CaptureFixture[str]


@contextmanager
def house(
    directory: Path, database: str, broker: str, backend: str, layer: str
) -> Iterator[tuple[Cluster, Load]]:
    cluster = Cluster(directory, database=database, broker=broker, backend=backend, layer=layer)
    worker = CeleryWorker(directory, broker=broker, backend=backend)
    with cluster.running(), worker, connected(broker) as app:
        cluster.site.wait_for_worker(worker.name)
        yield cluster, Load(app)


def assert_the_page_is_true(page: Page, cluster: Cluster) -> None:
    """It shows the newest hundred tasks as they are stored, and was never loaded again."""

    def stored() -> dict[str, str]:
        newest = cluster.site.get("tasks", limit=100)["items"]
        return {row["id"]: row["conclusion"] or row["status"] for row in newest}

    wait_until(lambda: shown_states(page) == stored(), 30, "the page to show what is stored")
    assert page.evaluate("() => window.isSamePage") is True


@pytest.mark.faults
def test_a_page_is_true_again_after_its_web_process_was_killed_under_load(
    context: BrowserContext,
    redis_url: str,
    backend_server: RedisServer,
    postgresql_url: str,
    tmp_path: Path,
    capsys: Capture,
) -> None:
    url = backend_server.url(1)
    with house(tmp_path, postgresql_url, redis_url, url, url) as (cluster, load), load:
        load.wait_for(10)
        page = open_list(context, cluster.webs[0].url)
        load.wait_for(100)
        cluster.webs[0].kill()
        wait_for_badge(page, "reconnecting")
        load.wait_for(100)
        cluster.webs[0].start()
        wait_for_badge(page, "live")
        load.wait_for(50)
        load.stop()
        assert_all_true(cluster.site, Truth(url), load.sent)
        assert_the_page_is_true(page, cluster)
    tell(capsys, f"| web process killed | page true, {len(load.sent)} tasks true |")


@pytest.mark.faults
def test_a_page_is_true_although_the_channel_layer_loses_messages_under_load(
    context: BrowserContext,
    redis_url: str,
    backend_server: RedisServer,
    postgresql_url: str,
    tmp_path: Path,
    capsys: Capture,
) -> None:
    url = backend_server.url(1)
    with (
        Leak(backend_server.port).running() as leak,
        house(tmp_path, postgresql_url, redis_url, url, f"redis://127.0.0.1:{leak.port}/1") as (
            cluster,
            load,
        ),
        load,
    ):
        load.wait_for(10)
        page = open_list(context, cluster.webs[0].url)
        lost = 0
        for _ in range(5):
            with leak.losing():
                load.wait_for(60)
                lost += len(leak.lost)
            load.wait_for(60)
        with leak.losing():
            load.wait_for(60)
            load.stop()
            assert_all_true(cluster.site, Truth(url), load.sent)
            began = time.monotonic()
            assert_the_page_is_true(page, cluster)
            took_s = time.monotonic() - began
    assert lost
    told = f"{lost} pieces lost, page true {took_s:.1f} s after the store"
    tell(capsys, f"| channel layer loses messages | {told}, {len(load.sent)} tasks true |")
