"""Actions through the running program: asked for by HTTP, seen at the worker and in the list."""

import json
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tests.acceptance.support import Answer, Site, one_process
from tests.integration import celery_app
from tests.services.process import wait_until
from tests.services.redis import RedisServer
from tests.services.worker import CeleryWorker


def tell(site: Site, path: str, order: object = None) -> Answer:
    """POST below the API; errors are answers too."""
    request = urllib.request.Request(
        f"{site.url}/api/v1/{path}",
        data=json.dumps(order or {}).encode(),
        headers={"Authorization": f"Bearer {site.key}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return Answer(answer.status, "", json.loads(answer.read()))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers.get_content_type(), json.loads(error.read()))


def operation(site: Site, begun: Answer) -> dict[str, Any]:
    """The operation, once it is over."""
    assert begun.status == 202, begun

    def over() -> dict[str, Any] | None:
        told = site.get(f"operations/{begun.body['id']}")
        return told if told["state"] not in ("running", "stopping") else None

    return wait_until(over, 30, "the end of the operation")


def test_tasks_are_revoked_terminated_and_retried(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    broker, backend = redis_server.url(), redis_server.url(1)
    with (
        celery_app.connected(broker, backend),
        one_process(tmp_path, broker, backend) as (_, site),
        CeleryWorker(tmp_path, broker=broker, backend=backend, concurrency=1) as worker,
    ):
        site.wait_for_worker(worker.name)
        running = celery_app.hold.delay(str(tmp_path / "never"))
        site.wait_for_task(running.id, status="running")
        waiting = [celery_app.add.delay(n, 1).id for n in range(5)]
        site.wait_for_task(waiting[-1])

        early = tell(site, f"tasks/{running.id}/retry")
        assert (early.status, early.type, early.body["code"]) == (
            409, "application/problem+json", "unfinished",
        )  # fmt: skip
        assert tell(site, "tasks/never-was/revoke").status == 404
        assert tell(site, f"tasks/{waiting[0]}/revoke").body["outcome"] == "done"
        some = {"action": "revoke", "ids": waiting[1:3], "expected": 2}
        ended = operation(site, tell(site, "tasks/bulk", some))
        assert (ended["state"], ended["done"], ended["total"]) == ("finished", 2, 2)

        assert tell(site, f"tasks/{running.id}/revoke", {"terminate": True}).status == 200
        site.wait_for_task(running.id, conclusion="cancelled")
        for task_id in waiting[:3]:
            site.wait_for_task(task_id, conclusion="cancelled")
        for task_id in waiting[3:]:
            site.wait_for_task(task_id, conclusion="succeeded")

        query = f"conclusion:cancelled name:{celery_app.add.name}"
        told = tell(site, "tasks/bulk/count", {"query": query}).body
        assert told["count"] == 3
        again = {"action": "retry", "query": query, "expected": 3}
        ended = operation(site, tell(site, "tasks/bulk", again))
        assert (ended["state"], ended["done"]) == ("finished", 3), ended
        entries = site.get("audit", operation=ended["id"], action="retry")["items"]
        new = {entry["new_id"] for entry in entries if entry["kind"] == "task"}
        assert len(new) == 3
        for task_id in new:
            site.wait_for_task(task_id, conclusion="succeeded")


def test_a_frozen_broker_fails_the_action_and_delays_nobody_else(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    broker, backend = redis_server.url(), redis_server.url(1)
    with (
        celery_app.connected(broker, backend),
        one_process(tmp_path, broker, backend) as (_, site),
        CeleryWorker(tmp_path, broker=broker, backend=backend) as worker,
    ):
        site.wait_for_worker(worker.name)
        task = celery_app.add.delay(1, 2)
        site.wait_for_task(task.id, conclusion="succeeded")
        answers: list[Answer] = []
        retry = threading.Thread(
            target=lambda: answers.append(tell(site, f"tasks/{task.id}/retry"))
        )
        redis_server.pause()
        try:
            begun = time.monotonic()
            retry.start()
            reads = 0
            slowest = 0.0
            while retry.is_alive():
                before = time.monotonic()
                site.get("tasks")
                reads, slowest = reads + 1, max(slowest, time.monotonic() - before)
            took = time.monotonic() - begun
        finally:
            redis_server.resume()
            retry.join()
        assert answers[0].body["code"] == "broker_away", answers
        assert took < 10
        assert reads > 5
        assert slowest < 2
