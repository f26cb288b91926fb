"""The only receiver is away: what happened meanwhile is found out, once, and the rest is said."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import psycopg
import pytest
import redis
from celery import Celery

from tests.acceptance.support import Row, Site
from tests.faults.support import (
    Cluster,
    Load,
    Truth,
    Watch,
    assert_all_true,
    connected,
    stored_tasks,
    tell,
    wait_until_repaired,
)
from tests.integration import celery_app
from tests.services.process import wait_until
from tests.services.rabbitmq import RabbitmqServer
from tests.services.redis import RedisServer
from tests.services.worker import CeleryWorker

pytestmark = pytest.mark.timeout(300)

Capture = pytest.CaptureFixture[str]

PROBE_S = 1.0
"""More than a probe takes to come back."""


class House:
    """One receiver, one page, two workers; everything a gap can catch in the middle."""

    def __init__(self, cluster: Cluster, app: Celery, backend: str, directory: Path) -> None:
        self.cluster = cluster
        self.site: Site = cluster.site
        self.receiver = cluster.receivers[0]
        self.app = app
        self.truth = Truth(backend)
        self.backend = backend
        self._directory = directory

    def hold(self, name: str) -> tuple[str, Path]:
        """A task that runs until its file is there."""
        release = self._directory / name
        return celery_app.hold.apply_async((str(release),), queue="held").id, release

    def scans(self) -> int:
        """How often the results were looked through so far, one step or more."""
        with redis.Redis.from_url(self.backend) as client:
            return int(client.info("commandstats").get("cmdstat_scan", {}).get("calls", 0))


@contextmanager
def house(directory: Path, database: str, broker: str, backend: str) -> Iterator[House]:
    cluster = Cluster(directory, database=database, broker=broker, backend=backend, layer=backend)
    quick = CeleryWorker(directory, broker=broker, backend=backend)
    slow = CeleryWorker(directory, broker=broker, backend=backend, queues=["held"], concurrency=3)
    with cluster.running(), quick, slow, connected(broker) as app:
        for worker in (quick, slow):
            cluster.site.wait_for_worker(worker.name)
        yield House(cluster, app, backend, directory)


@pytest.mark.faults
def test_after_thirty_seconds_without_a_receiver_all_that_can_be_known_is_true_again(
    redis_url: str,
    backend_server: RedisServer,
    postgresql_url: str,
    tmp_path: Path,
    capsys: Capture,
) -> None:
    with house(tmp_path, postgresql_url, redis_url, backend_server.url(1)) as home:
        site = home.site
        over_unheard, release = home.hold("over-unheard")
        still_running, end = home.hold("still-running")
        for task_id in (over_unheard, still_running):
            site.wait_for_task(task_id, status="running")
        with Load(home.app) as load, Watch(site) as watch:
            load.wait_for(150)
            home.receiver.kill()
            before = set(stored_tasks(site))
            unheard_start, never = home.hold("unheard-start")
            waiting = [home.hold("queued")[0] for _ in range(6)]
            later = celery_app.add.apply_async((1, 1), countdown=90).id
            silent = celery_app.silent.delay().id
            release.touch()
            # The time that the receiver is away is the fault itself.
            assert not threading.Event().wait(30)
            home.receiver.start()
            watch.wait_for("blind")
            gap = wait_until_repaired(site)
            load.wait_for(50)
            load.stop()
            assert_all_true(site, home.truth, load.sent)
        stored = site.tasks()
        unseen = [i for i in load.sent if i not in before]
        assert len(unseen) > 500
        assert all(stored[i]["args"] is not None for i in unseen)
        assert stored[over_unheard]["conclusion"] == "succeeded"
        assert status(stored, still_running, unheard_start) == {"running"}
        assert stored[unheard_start]["args"] == [str(never)]
        taken = [i for i in waiting if i in stored]
        assert taken
        assert status(stored, *taken) <= {"reserved", "running"}
        assert stored[later]["status"] == "scheduled"
        assert silent not in stored
        assert _unix(gap["until_at"]) - _unix(gap["from_at"]) >= 30
        assert "repairing" in watch.states
        assert "no receiver was running" in gap["reason"]
        assert_the_count_is_right(gap, stored, load.sent)
        searched = home.scans()
        end.touch()
        never.touch()
        site.wait_for_task(still_running, conclusion="succeeded")
        assert home.scans() == searched
    tell(
        capsys,
        "the only receiver away for 30 s (redis)",
        f"{len(load.sent)} tasks true, {gap['repaired']} repaired, of these "
        f"{len(unseen)} sent meanwhile or later; results searched once",
    )


def status(stored: dict[str, Row], *ids: str) -> set[str]:
    return {stored[i]["status"] for i in ids}


def assert_the_count_is_right(gap: Row, stored: dict[str, Row], sent: list[str]) -> None:
    """Repaired is what ended in the gap, and what was underway when it began or was over. The gap
    ends with the first probe that came back; events are heard from a moment before."""
    began, ended = _unix(gap["from_at"]), _unix(gap["until_at"])
    finished = [_unix(stored[i]["finished_at"]) for i in sent if stored[i]["finished_at"]]
    inside = sum(began < at < ended for at in finished)
    unheard = sum(began < at < ended - PROBE_S for at in finished)
    assert unheard <= gap["repaired"] <= inside + 60, (unheard, inside, gap)


def _unix(instant: str) -> float:
    return datetime.fromisoformat(instant).timestamp()


@pytest.mark.faults
def test_a_task_that_nobody_knows_after_a_gap_says_so(
    redis_url: str, backend_server: RedisServer, postgresql_url: str, tmp_path: Path
) -> None:
    with house(tmp_path, postgresql_url, redis_url, backend_server.url(1)) as home:
        running, release = home.hold("forgotten")
        home.site.wait_for_task(running, status="running")
        home.receiver.kill()
        release.touch()
        wait_until(lambda: home.truth.of([running]).get(running), 30, "its result")
        with redis.Redis.from_url(home.backend) as client:
            client.delete(f"celery-task-meta-{running}")
        home.receiver.start()
        wait_until_repaired(home.site)
        row = home.site.wait_for_task(running, status="stalled")
        assert "Nothing was heard of it since the gap of" in row["reason"]
        assert "no worker holds it and no result is stored" in row["reason"]


@pytest.mark.faults
def test_a_result_without_its_task_is_shown_as_partial_and_says_so(
    redis_url: str, backend_server: RedisServer, postgresql_url: str, tmp_path: Path
) -> None:
    with house(tmp_path, postgresql_url, redis_url, backend_server.url(1)) as home:
        home.receiver.kill()
        with redis.Redis.from_url(home.backend) as client:
            task = celery_app.add.delay(2, 3).id
            key = f"celery-task-meta-{task}"
            meta = wait_until(lambda: home.truth.of([task]).get(task), 30, "its result")
            client.set(key, _without_extended(meta))
        home.receiver.start()
        gap = wait_until_repaired(home.site)
        assert _unix(gap["from_at"]) <= _unix_of(meta) <= _unix(gap["until_at"])
        row = home.site.wait_for_task(task, conclusion="succeeded")
        assert (row["name"], row["reason"]) == (None, "Only its stored result is known.")


def _unix_of(meta: Row) -> float:
    return _unix(meta["date_done"])


def _without_extended(meta: Row) -> str:
    plain = ("status", "result", "traceback", "children", "date_done", "task_id")
    return json.dumps({name: meta[name] for name in plain})


@pytest.mark.faults
def test_a_killed_receiver_with_thousands_of_events_in_hand_loses_none_on_rabbitmq(
    rabbitmq_server: RabbitmqServer,
    rabbitmq_url: str,
    backend_server: RedisServer,
    postgresql_url: str,
    tmp_path: Path,
    capsys: Capture,
) -> None:
    with house(tmp_path, postgresql_url, rabbitmq_url, backend_server.url(1)) as home:
        vhost = rabbitmq_url.rpartition("/")[2]
        with psycopg.connect(postgresql_url) as holder, Load(home.app, 150) as load:
            load.wait_for(50)
            holder.execute("LOCK TABLE headway_task IN SHARE MODE")
            in_hand = wait_until(lambda: _unsettled(rabbitmq_server, vhost, 2_000), 90, "a pile")
            home.receiver.kill()
            holder.rollback()
            load.wait_for(100)
            home.receiver.start()
            load.stop()
            assert_all_true(home.site, home.truth, load.sent)
        assert home.site.get("stream")["gap"] is None
        assert home.scans() == 0
    tell(
        capsys,
        "kill -9 of the only receiver (amqp)",
        f"{in_hand} messages in hand, {len(load.sent)} tasks true, nothing to repair",
    )


def _unsettled(server: RabbitmqServer, vhost: str, enough: int) -> int | None:
    told = server.control("list_queues", "-p", vhost, "name", "messages_unacknowledged")
    counts = [line.split() for line in told.splitlines() if line.startswith("celeryev.receiver")]
    found = sum(int(count) for _, count in counts)
    return found if found >= enough else None
