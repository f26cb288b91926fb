"""The broker restarts, freezes, cuts off, is slow: the page says so, and all is true again."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from celery import Celery

from tests.acceptance.support import Site, one_process, publish
from tests.faults.support import (
    Load,
    Truth,
    Watch,
    assert_all_true,
    connected,
    tell,
    wait_until_repaired,
)
from tests.services.headway import HeadwayWeb
from tests.services.process import wait_until
from tests.services.proxy import Proxy
from tests.services.rabbitmq import RabbitmqServer
from tests.services.redis import RedisServer
from tests.services.worker import CeleryWorker

pytestmark = pytest.mark.timeout(300)

Capture = pytest.CaptureFixture[str]


class House:
    """`headway serve` that hears the broker by `heard`, and workers that reach it by `broker`."""

    def __init__(self, server: HeadwayWeb, site: Site, app: Celery, truth: Truth) -> None:
        self.server = server
        self.site = site
        self.app = app
        self.truth = truth


@contextmanager
def house(directory: Path, broker: str, backend: str, heard: str | None = None) -> Iterator[House]:
    worker = CeleryWorker(directory, broker=broker, backend=backend)
    with (
        worker,
        one_process(directory, heard or broker, backend) as (server, site),
        connected(broker) as app,
    ):
        site.wait_for_worker(worker.name)
        yield House(server, site, app, Truth(backend))


def through(proxy: Proxy, broker: str) -> str:
    """The address of the broker by way of the proxy."""
    return broker.replace(f":{proxy.target}/", f":{proxy.port}/")


@pytest.mark.faults
def test_redis_restarts_and_all_tasks_it_still_had_are_true(
    broker_server: RedisServer, backend_server: RedisServer, tmp_path: Path, capsys: Capture
) -> None:
    with (
        house(tmp_path, broker_server.url(), backend_server.url(1)) as home,
        Load(home.app) as load,
        Watch(home.site) as watch,
    ):
        load.wait_for(100)
        broker_server.stop()
        watch.wait_for("blind")
        broker_server.start()
        watch.wait_for("live", since=watch.wait_for("blind").at)
        load.wait_for(100)
        load.stop()
        gap = wait_until_repaired(home.site)
        # It kept nothing: what waited in its queues is gone for the workers too.
        wait_until(lambda: home.truth.is_over(load.sent[-20:]), 60, "the last tasks")
        ended = list(home.truth.of(load.sent))
        assert_all_true(home.site, home.truth, ended)
        forgotten = set(load.sent) - set(ended)
        rows = home.site.tasks()
        assert all(is_told(rows[i]) for i in forgotten if i in rows)
    tell(
        capsys,
        "Redis restarted",
        f"{watch.states}, {len(ended)} tasks true, {len(forgotten)} lost by Redis and in doubt, "
        f"{gap['repaired']} repaired",
    )
    assert "blind" in watch.states


def is_told(row: dict[str, object]) -> bool:
    """Whether a task that will never end says why its state is in doubt."""
    return row["status"] in ("queued", "reserved", "running", "retrying", "stalled", "scheduled")


@pytest.mark.faults
def test_redis_stands_still_for_twenty_seconds(
    broker_server: RedisServer, backend_server: RedisServer, tmp_path: Path, capsys: Capture
) -> None:
    with (
        house(tmp_path, broker_server.url(), backend_server.url(1)) as home,
        Load(home.app) as load,
        Watch(home.site) as watch,
    ):
        load.wait_for(100)
        broker_server.pause()
        watch.wait_for("blind")
        # The time that it stands still is the fault itself.
        assert not threading.Event().wait(20)
        broker_server.resume()
        watch.wait_for("live", since=watch.seen[-1].at)
        load.wait_for(100)
        load.stop()
        gap = wait_until_repaired(home.site)
        assert_all_true(home.site, home.truth, load.sent)
    measured = f"{watch.states}, {len(load.sent)} tasks true, {gap['repaired']} repaired"
    tell(capsys, "Redis paused for 20 s", measured)


@pytest.mark.faults
@pytest.mark.parametrize("kind", ["redis", "rabbitmq"])
def test_the_way_to_the_broker_is_cut(
    kind: str,
    request: pytest.FixtureRequest,
    backend_server: RedisServer,
    tmp_path: Path,
    capsys: Capture,
) -> None:
    broker = str(request.getfixturevalue(f"{kind}_url"))
    server: RedisServer | RabbitmqServer = request.getfixturevalue(f"{kind}_server")
    with (
        Proxy(server.port).running() as proxy,
        house(tmp_path, broker, backend_server.url(1), through(proxy, broker)) as home,
        Load(home.app) as load,
        Watch(home.site) as watch,
    ):
        load.wait_for(100)
        proxy.cut()
        watch.wait_for("blind")
        load.wait_for(200)
        proxy.mend()
        gap = wait_until_repaired(home.site)
        load.wait_for(50)
        load.stop()
        assert_all_true(home.site, home.truth, load.sent)
    measured = f"{watch.states}, {len(load.sent)} tasks true, {gap['repaired']} repaired"
    tell(capsys, f"the way to the broker cut ({kind})", measured)


@pytest.mark.faults
@pytest.mark.parametrize("kind", ["redis", "rabbitmq"])
def test_the_way_to_the_broker_is_slow(
    kind: str,
    request: pytest.FixtureRequest,
    backend_server: RedisServer,
    tmp_path: Path,
    capsys: Capture,
) -> None:
    broker = str(request.getfixturevalue(f"{kind}_url"))
    server: RedisServer | RabbitmqServer = request.getfixturevalue(f"{kind}_server")
    with (
        Proxy(server.port).running() as proxy,
        house(tmp_path, broker, backend_server.url(1), through(proxy, broker)) as home,
        Load(home.app, 100) as load,
        Watch(home.site) as watch,
    ):
        load.wait_for(100)
        proxy.bytes_per_s = 40_000
        wait_until(lambda: {"behind", "blind"} & set(watch.states), 60, "the page to say so")
        proxy.mend()
        watch.wait_for("live", since=watch.seen[-1].at)
        load.wait_for(50)
        load.stop()
        assert_all_true(home.site, home.truth, load.sent)
    measured = f"{watch.states}, {len(load.sent)} tasks true"
    tell(capsys, f"the way to the broker slow ({kind})", measured)


@pytest.mark.faults
def test_a_redis_that_cuts_its_slow_subscribers_off_is_heard_again_and_the_gap_is_mended(
    broker_server: RedisServer, backend_server: RedisServer, tmp_path: Path, capsys: Capture
) -> None:
    """The receiver is stopped for a moment, as by a busy machine, while its messages pile up."""
    with (
        house(tmp_path, broker_server.url(), backend_server.url(1)) as home,
        Load(home.app, 100) as load,
        Watch(home.site) as watch,
        broker_server.client() as client,
    ):
        load.wait_for(100)
        client.config_set("client-output-buffer-limit", "pubsub 16kb 8kb 1")
        before = subscribers(client)
        home.server.pause()
        wait_until(lambda: is_cut_off(home.app, client, before), 60, "Redis to cut it off")
        client.config_set("client-output-buffer-limit", "pubsub 32mb 8mb 60")
        home.server.resume()
        gap = wait_until_repaired(home.site)
        load.wait_for(50)
        load.stop()
        assert_all_true(home.site, home.truth, load.sent)
    measured = f"{watch.states}, {len(load.sent)} tasks true, {gap['repaired']} repaired"
    tell(capsys, "Redis cuts the slow subscriber off", measured)


def is_cut_off(app: Celery, client: redis.Redis, before: set[str]) -> bool:
    """Whether one of the subscribers is gone, after more was sent than sockets hold."""
    publish(app, {"type": "noise", "filler": "x" * 200_000})
    return not before <= subscribers(client)


def subscribers(client: redis.Redis) -> set[str]:
    """The connections that listen to patterns, as Celery's event receivers do."""
    return {told["id"] for told in client.client_list() if int(told["psub"])}
