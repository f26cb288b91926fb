"""The rows of queues and of the schedule, and what their watch reads, on both databases."""

from collections.abc import Mapping
from typing import Any

import pytest

from dashboard import beat, models, snapshots, waiting
from dashboard.snapshots import Snapshot

NOW = 1_795_000_000.0


def add_task(alias: str, id_: str, **told: Any) -> None:
    row = {"first_seen_at": NOW - 100, "updated_at": NOW, "state": "PENDING", "status": "queued"}
    row |= {"name": "shop.mail", "queue": "mail", "journal": "{}", "revision": 1}
    models.Task.objects.using(alias).create(id=id_, **row | told)


def add_queue(alias: str, name: str = "mail", **told: Any) -> None:
    row = {"first_seen_at": NOW, "measured_at": NOW, "depth": 0, "revision": 7}
    models.Queue.objects.using(alias).create(name=name, **row | told)


def add_worker(alias: str, name: str = "w1", queues: str | None = '["mail"]', **told: Any) -> None:
    row = {"state": "online", "first_seen_at": NOW, "last_heartbeat_at": NOW, "revision": 1}
    models.Worker.objects.using(alias).create(name=name, queues=queues, **row | told)


def rows(alias: str) -> dict[str, Mapping[str, Any]]:
    found = snapshots.read(alias, lambda snapshot: waiting.queue_rows(snapshot, NOW))
    return {str(row["name"]): row for row in found}


def test_a_row_tells_the_broker_s_word_and_the_store_s(database: str) -> None:
    add_queue(database, depth=9, consumers=2, priorities='{"0":4,"6":5}', depths="[12,null,9]")
    add_worker(database)
    add_worker(database, "w2", '["mail","other"]')
    add_worker(database, "gone", state="gone")
    add_task(database, "a", sent_at=NOW - 20)
    add_task(database, "b", first_seen_at=NOW - 10)
    add_task(database, "c", status="running")
    assert rows(database)["mail"] == {
        "name": "mail",
        "depth": 9,
        "consumers": 2,
        "priorities": {"0": 4, "6": 5},
        "depths": [12, None, 9],
        "measured_at": NOW,
        "error": None,
        "waiting": 2,
        "waiting_capped": False,
        "oldest_at": NOW - 20,
        "workers": ["w1", "w2"],
        "worker_count": 2,
        "in_per_minute": None,
        "out_per_minute": None,
        "warning": None,
        "revision": 7,
    }


def test_rates_come_from_whoever_knows_them(database: str) -> None:
    add_queue(database)

    def rates(_: Snapshot, now: float) -> dict[str, tuple[float, float]]:
        return {"mail": (now - NOW, 2.5)}

    (row,) = snapshots.read(database, lambda found: waiting.queue_rows(found, NOW, rates))
    assert (row["in_per_minute"], row["out_per_minute"]) == (0.0, 2.5)


@pytest.mark.parametrize(
    ("queue", "workers", "waits_s", "warning"),
    [
        ({"depth": 3}, [], None, "unattended"),
        ({"depth": 3}, [{"state": "silent"}], None, "unattended"),
        ({"depth": 3}, [{}], None, None),
        ({"depth": 3, "consumers": 1}, [], None, None),
        ({"depth": 3, "consumers": 0}, [], None, "unattended"),
        ({"depth": 3, "consumers": 0}, [{"queues": None}], None, "unattended"),
        ({"depth": 3}, [{"queues": None}], None, None),
        ({"depth": 0}, [], None, None),
        ({"depth": 0}, [], 29, None),
        ({"depth": 0}, [], 31, "unattended"),
        ({"depth": 3, "error": "TimeoutError"}, [], None, None),
        ({"depth": None, "error": "this queue does not exist"}, [], 31, "unattended"),
        ({"depth": 3}, [{}], 299, None),
        ({"depth": 3}, [{}], 301, "backlog"),
    ],
)
def test_a_warning_is_told_where_tasks_wait_and_nobody_takes_them(
    database: str,
    queue: dict[str, Any],
    workers: list[dict[str, Any]],
    waits_s: float | None,
    warning: str | None,
) -> None:
    add_queue(database, **queue)
    for worker in workers:
        add_worker(database, **worker)
    if waits_s is not None:
        add_task(database, "a", first_seen_at=NOW - waits_s)
    assert rows(database)["mail"]["warning"] == warning


def test_more_waiting_tasks_than_are_counted_say_so(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "WAITING_CAP", 2)
    add_queue(database)
    for number in range(3):
        add_task(database, f"t{number}", first_seen_at=NOW - number)
    row = rows(database)["mail"]
    assert (row["waiting"], row["waiting_capped"], row["oldest_at"]) == (3, True, NOW - 2)


def test_the_waiting_tasks_are_found_by_index(database: str) -> None:
    sql = waiting._WAITING.replace("%s", "10001")

    def plan(snapshot: Snapshot) -> str:
        if snapshot.vendor == "postgresql":
            snapshot.fetch("SELECT set_config('enable_seqscan', 'off', true)")
            return str(snapshot.fetch(f"EXPLAIN {sql}"))
        return str(snapshot.fetch(f"EXPLAIN QUERY PLAN {sql}"))

    told = snapshots.read(database, plan)
    assert "headway_task_status" in told
    assert "TEMP B-TREE FOR ORDER" not in told


def test_what_each_worker_holds_is_counted_by_what_it_does_with_it(database: str) -> None:
    for number, status in enumerate(["running", "running", "stalled", "reserved", "scheduled"]):
        add_task(database, f"t{number}", status=status, worker="w1")
    add_task(database, "done", status="completed", worker="w1")
    add_task(database, "other", status="reserved", worker="w2")
    add_task(database, "nobody", status="scheduled", worker=None)
    assert snapshots.read(database, waiting.held) == {
        "w1": {"active": 3, "reserved": 1, "scheduled": 1},
        "w2": {"active": 0, "reserved": 1, "scheduled": 0},
    }


def add_entry(alias: str, name: str = "report", **told: Any) -> None:
    row = {"task": "shop.report", "schedule": "hourly", "source": "celery", "revision": 3}
    row |= {"first_seen_at": NOW - 9, "checked_at": NOW}
    models.ScheduleEntry.objects.using(alias).create(name=name, **row | told)


def test_an_entry_tells_how_its_last_run_went(database: str) -> None:
    add_task(database, "ok", status="completed", conclusion="failed")
    add_task(database, "now", status="running")
    add_entry(database, "a", last_task_id="ok", last_run_at=NOW, missed=2, missed_at=NOW - 5)
    add_entry(database, "b", last_task_id="now")
    add_entry(database, "c", last_task_id="forgotten", is_enabled=False)
    add_entry(database, "d")
    found = snapshots.read(database, lambda snapshot: waiting.schedule_rows(snapshot, NOW))
    told = [(row["name"], row["last_outcome"], row["is_enabled"]) for row in found]
    assert told == [
        ("a", "failed", True),
        ("b", "running", True),
        ("c", None, False),
        ("d", None, True),
    ]
    assert found[0] == {
        "name": "a",
        "task": "shop.report",
        "schedule": "hourly",
        "source": "celery",
        "is_enabled": True,
        "first_seen_at": NOW - 9,
        "checked_at": NOW,
        "next_run_at": None,
        "last_run_at": NOW,
        "last_task_id": "ok",
        "last_outcome": "failed",
        "missed": 2,
        "missed_at": NOW - 5,
        "revision": 3,
    }


def test_the_history_is_the_newest_task_of_each_name_the_entries_and_the_gaps(
    database: str,
) -> None:
    add_task(database, "old", name="a", first_seen_at=NOW - 50)
    add_task(database, "new", name="a", first_seen_at=NOW - 10, sent_at=NOW - 12)
    add_task(database, "again", name="b", first_seen_at=NOW - 10, sent_at=NOW - 1)
    add_entry(database, missed=4, missed_at=NOW)
    for at in (NOW - 30, NOW - 20):
        models.Gap.objects.using(database).create(from_at=at, until_at=at + 1, reason="x")
    models.Gap.objects.using(database).create(from_at=NOW, reason="x")

    found = beat.history({"a", "b", "none"}, database)

    assert found.runs == {"a": ("new", NOW - 12), "b": ("again", NOW - 10)}
    assert [(name, entry.missed) for name, entry in found.entries.items()] == [("report", 4)]
    assert [(gap.from_at, gap.until_at) for gap in found.gaps] == [
        (NOW, None),
        (NOW - 20, NOW - 19),
        (NOW - 30, NOW - 29),
    ]
