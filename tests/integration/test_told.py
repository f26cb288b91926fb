"""What only the store can tell, on each database: failures, queues, schedule, audit, operations and
the overview."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.db.models import F

from dashboard import failing, models, operations, told
from dashboard.queries import Reader
from dashboard.store import Store
from realtime.core import query
from realtime.core.frames import TOLD
from realtime.core.query import EVERYTHING, Query
from realtime.core.task import Task
from realtime.core.workers import Worker
from realtime.ports import Changes, Select
from realtime.sight import PARTS

NOW = 1_795_000_000.0
HOUR = int(NOW) // 3600 * 3600
MINUTE = int(NOW) // 60 * 60
OWN = query.parse("owner:ann")


@pytest.fixture
def reader(database: str) -> Reader:
    return Reader(database)


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    store = Store(database)
    assert store.acquire("mine", "receiver-1", NOW, 60)
    store.beat("mine", NOW, 60, {})
    yield store
    store.close()


class Writer:
    """Writes rows of the store as the leader and the pages do."""

    def __init__(self, alias: str) -> None:
        self._alias = alias

    def _add(self, model: Any, **values: object) -> None:
        model.objects.using(self._alias).create(**values)

    def failure(self, signature: str, last_seen: float = 0, **known: object) -> None:
        told = {
            "type": "CardError",
            "message": "declined",
            "name": "shop.pay",
            "task_id": "t1",
            "count": 3,
            "first_seen_at": NOW - 86_400,
        }
        seen = {"signature": signature, "revision": 1, "last_seen_at": NOW + last_seen}
        self._add(models.Failure, **{**told, **seen, **known})

    def cell(self, tier: int, start: int, by: str = "all", key: str = "", **counts: object) -> None:
        self._add(models.Rollup, tier=tier, start=start, by=by, key=key, **counts)

    def minute(self, start: int, by: str = "all", key: str = "", **told: Any) -> None:
        """A minute, which its hour holds too."""
        self.cell(60, start, by, key, **told)
        hours = models.Rollup.objects.using(self._alias)
        hour, is_new = hours.get_or_create(
            tier=3600, start=start // 3600 * 3600, by=by, key=key, defaults=told
        )
        if not is_new:
            added = {name: F(name) + count for name, count in told.items() if name != "runtimes"}
            hours.filter(pk=hour.pk).update(**added)

    def queue(self, name: str, **known: object) -> None:
        self._add(models.Queue, name=name, revision=1, first_seen_at=NOW, **known)

    def entry(self, name: str, **known: object) -> None:
        told = {"task": "shop.report", "schedule": "daily", "source": "celery"}
        seen = {"revision": 1, "first_seen_at": NOW, "checked_at": NOW}
        self._add(models.ScheduleEntry, name=name, **{**told, **seen, **known})

    def audit(self, user: str, at: float = 0, **known: object) -> None:
        told = {"action": "revoke", "kind": "task", "target": "t1", "outcome": "done"}
        self._add(models.Audit, at=NOW + at, user=user, **{**told, **known})

    def operation(self, id_: str, user: str, started: float = 0, beat: float = 0) -> None:
        told = {"action": "retry", "state": "running", "total": 5, "beat_at": NOW + beat}
        self._add(models.Operation, id=id_, user=user, revision=1, started_at=NOW + started, **told)


@pytest.fixture
def write(database: str) -> Writer:
    return Writer(database)


def read(reader: Reader, of: str, rows: Query = EVERYTHING, **select: Any) -> list[dict[str, Any]]:
    return reader.page(Select(of, **select), rows, NOW).rows


def failures(reader: Reader, text: str = "", **select: Any) -> list[str]:
    asked = query.parse(text, language=query.FAILURES)
    return [row["signature"] for row in read(reader, "failures", query=asked, **select)]


def overview(reader: Reader, rows: Query = EVERYTHING, parts: Any = PARTS) -> dict[str, Any]:
    [row] = read(reader, "overview", rows, parts=frozenset(parts))
    return row


@pytest.mark.parametrize("of", TOLD)
def test_every_kind_answers_from_an_empty_store(reader: Reader, of: str) -> None:
    page = reader.page(Select(of, parts=frozenset(PARTS)), EVERYTHING, NOW)
    assert page.epoch == "e1"
    assert len(page.rows) == (of in ("overview", "attention"))


def test_the_groups_that_failed_last_come_first(reader: Reader, write: Writer) -> None:
    for n, signature in enumerate("abc"):
        write.failure(signature, -n)
    assert failures(reader) == ["a", "b", "c"]
    assert failures(reader, limit=2) == ["a", "b"]
    assert failures(reader, ids=("c", "a", "gone\x00")) == ["a", "c"]


def test_a_group_whose_tasks_turned_out_to_have_ended_otherwise_is_told_no_more(
    reader: Reader, write: Writer
) -> None:
    write.failure("a", -10, count=0, first_seen_at=NOW - 20)
    assert failures(reader) == []
    assert failures(reader, ids=("a",)) == []
    assert "failure_new" not in {each["kind"] for each in overview(reader)["problems"]}


def test_attention_counts_groups_that_nobody_looked_after(
    reader: Reader, write: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    write.failure("f1")
    write.failure("f2", state="muted", muted_until=NOW - 1)
    write.failure("muted", state="muted", muted_until=NOW + 60)
    write.failure("for good", state="muted")
    write.failure("resolved", state="resolved")
    write.failure("none", count=0)
    select = Select("attention", limit=1)
    (row,) = reader.page(select, EVERYTHING, NOW).rows
    assert row == {"id": "attention", "open_failures": 2, "is_capped": False}
    monkeypatch.setattr(failing, "MAX_OPEN", 1)
    (row,) = reader.page(select, EVERYTHING, NOW).rows
    assert row == {"id": "attention", "open_failures": 1, "is_capped": True}


def test_failures_are_chosen_by_state_name_time_and_text(reader: Reader, write: Writer) -> None:
    write.failure("a", -10, state="muted")
    write.failure("b", -7200, name="shop.mail", frame="mail.py:4 in send")
    write.failure("c", -20, state="resolved", message="No such ‹number›")
    assert failures(reader, "state:muted,resolved") == ["a", "c"]
    assert failures(reader, "state:open") == ["b"]
    assert failures(reader, "name:shop.m*") == ["b"]
    assert failures(reader, "since:1h") == ["a", "c"]
    assert failures(reader, "SEND") == ["b"]
    assert failures(reader, '"no such"') == ["c"]
    assert failures(reader, "-carderror") == []


def test_what_was_muted_until_then_is_open_again(reader: Reader, write: Writer) -> None:
    write.failure("over", -1, state="muted", muted_until=NOW - 1)
    write.failure("still", -2, state="muted", muted_until=NOW + 1)
    write.failure("for good", -3, state="muted")
    assert failures(reader, "state:open") == ["over"]
    assert [row["state"] for row in read(reader, "failures")] == ["open", "muted", "muted"]


def test_a_group_tells_how_often_it_failed_lately(reader: Reader, write: Writer) -> None:
    write.failure("a")
    for hours, failed in ((0, 5), (1, 4), (23, 2), (24, 7)):
        write.cell(3600, HOUR - hours * 3600, "signature", "a", failed=failed)
    for minutes, failed in ((0, 1), (59, 2), (60, 4)):
        write.cell(60, MINUTE - minutes * 60, "signature", "a", failed=failed)
    [row] = read(reader, "failures")
    assert (row["last_hour"], row["last_day"]) == (3, 11)
    assert row["spark"] == [2, *[0] * 21, 4, 5]
    assert "revision" not in row


def test_whoever_sees_some_tasks_is_not_told_what_all_of_them_do(
    reader: Reader, store: Store, write: Writer
) -> None:
    write.queue("mail", depth=3, consumers=0, measured_at=NOW)
    write.entry("nightly", last_task_id="t1", last_run_at=NOW)
    write.minute(MINUTE - 60, "queue", "mail", arrived=10, started=5)
    write.minute(MINUTE - 60, failed=4)
    seen = NOW - 400
    task = Task(id="t1", first_seen_at=seen, updated_at=seen, status="queued", queue="mail")
    store.commit("mine", Changes(tasks=[task]))

    [queue], [own_queue] = read(reader, "queues"), read(reader, "queues", OWN)
    [entry], [own_entry] = read(reader, "schedule"), read(reader, "schedule", OWN)
    assert (queue["waiting"], queue["oldest_at"], queue["in_per_minute"]) == (1, seen, 2.0)
    assert (own_queue["waiting"], own_queue["oldest_at"], own_queue["in_per_minute"]) == (
        None,
        None,
        None,
    )
    assert own_queue["depth"] == 3
    write.queue("idle", depth=0, consumers=1, measured_at=NOW)
    others = replace(task, id="t2", queue="idle")
    store.commit("mine", Changes(tasks=[others]))
    assert [row["warning"] for row in read(reader, "queues")] == ["backlog", "unattended"]
    assert [row["warning"] for row in read(reader, "queues", OWN)] == [None, "unattended"]
    assert (entry["last_task_id"], entry["last_outcome"]) == ("t1", "queued")
    assert (own_entry["last_task_id"], own_entry["last_outcome"]) == (None, None)
    own = overview(reader, OWN)
    assert (own["queued"], own["failed_last_hour"], own["oldest_queued_at"]) == (0, 0, None)
    assert not {"series", "names", "throughput_per_minute"} & own.keys()


def test_audit_entries_come_newest_first_with_their_reason(reader: Reader, write: Writer) -> None:
    write.audit("ann", -2)
    write.audit("bob", -1, outcome="refused", detail="finished")
    newest, oldest = read(reader, "audit")
    assert (newest["user"], newest["reason"]) == ("bob", "finished")
    assert newest["detail"] == "It is over: there is nothing left to revoke."
    assert isinstance(newest["id"], str)
    assert (oldest["reason"], oldest["detail"], oldest["operation"]) == (None, None, None)


@pytest.mark.parametrize("of", ["audit", "operations"])
def test_one_may_be_told_only_what_one_did(reader: Reader, write: Writer, of: str) -> None:
    for user in ("ann", "bob"):
        write.audit(user)
        write.operation(f"by-{user}", user)
    assert len(read(reader, of)) == 2
    assert [row["user"] for row in read(reader, of, user="ann")] == ["ann"]


def test_operations_come_newest_first(reader: Reader, write: Writer) -> None:
    write.operation("o1", "ann", -2)
    write.operation("o2", "ann", -1)
    assert [row["id"] for row in read(reader, "operations")] == ["o2", "o1"]


def test_an_operation_that_fell_silent_is_told_as_interrupted(
    reader: Reader, write: Writer
) -> None:
    write.operation("alive", "ann", -1, beat=-29)
    write.operation("dead", "ann", -2, beat=-31)
    assert [row["state"] for row in read(reader, "operations")] == ["running", "interrupted"]
    assert told.OPERATION_SILENT_S == operations.SILENT_S


def test_the_overview_counts_what_goes_on(reader: Reader, store: Store) -> None:
    base = Task(id="", first_seen_at=NOW - 100, updated_at=NOW)
    store.commit(
        "mine",
        Changes(
            tasks=[
                replace(base, id="q1", status="queued", queue="mail", sent_at=NOW - 90),
                replace(base, id="q2", status="queued", queue="web", owner="ann"),
                replace(base, id="r1", status="running", name="shop.pay", started_at=NOW - 5),
                replace(base, id="r2", status="running", name="shop.mail", started_at=NOW - 50),
                replace(base, id="s1", status="stalled", worker="b"),
                replace(base, id="l1", status="completed", conclusion="lost", worker="b"),
                replace(base, id="l2", status="completed", conclusion="lost", worker="a"),
            ],
            workers=[
                Worker(name="a", first_seen_at=NOW, last_heartbeat_at=NOW, concurrency=4, active=3),
                Worker(name="b", first_seen_at=NOW, last_heartbeat_at=NOW - 99, state="gone"),
            ],
        ),
    )
    row = overview(reader)
    assert (row["queued"], row["running"], row["stalled"], row["reserved"]) == (2, 2, 1, 0)
    assert (row["oldest_queued_at"], row["oldest_queued_queue"]) == (NOW - 100, "web")
    assert (row["oldest_running_at"], row["oldest_running_name"]) == (NOW - 50, "shop.mail")
    assert row["workers"] == {"online": 1, "silent": 0, "gone": 1}
    assert (row["slots"], row["busy"]) == (4, 3)
    assert row["problems"] == [
        {"kind": "worker_gone", "subject": "b", "title": "b", "value": 2, "since_at": NOW - 99}
    ]
    assert overview(reader, OWN)["queued"] == 1
    assert overview(reader, OWN)["problems"][0]["value"] == 0


def test_the_overview_tells_two_hours_by_the_rollups(
    reader: Reader, store: Store, write: Writer
) -> None:
    write.minute(MINUTE, started=9, succeeded=1)
    write.minute(MINUTE - 60, started=3, succeeded=7, failed=3, cancelled=5)
    write.minute(MINUTE - 3600, failed=20, succeeded=1)
    runtimes = '{"0": 10}'
    for name, started in (("shop.pay", 5), ("shop.mail", 8)):
        write.minute(MINUTE - 60, "name", name, started=started, failed=1, runtimes=runtimes)
    row = overview(reader)
    assert (row["failed_last_hour"], row["failed_hour_before"]) == (3, 20)
    assert (row["finished_last_hour"], row["finished_last_minute"]) == (16, 15)
    assert row["throughput_per_minute"] == 3.0
    assert len(row["series"]) == 60
    assert row["series"][-2:] == [[MINUTE - 60, 15, 3, 3], [MINUTE, 1, 0, 9]]
    assert [each["name"] for each in row["names"]] == ["shop.mail", "shop.pay"]
    assert row["names"][0]["runtime_p95"] == pytest.approx(1.0, rel=0.06)


def test_a_cluster_that_was_off_for_days_is_told_by_the_minute_again(
    reader: Reader, store: Store, write: Writer
) -> None:
    write.cell(3600, HOUR - 72 * 3600, failed=9)
    write.minute(MINUTE - 60, failed=2)
    row = overview(reader)
    assert (row["failed_last_hour"], row["failed_hour_before"]) == (2, 0)
    assert row["series"][-2] == [MINUTE - 60, 2, 2, 0]


def test_who_sees_some_tasks_is_told_how_those_ended(reader: Reader, store: Store) -> None:
    def over(id_: str, conclusion: str, ago: float, owner: str | None = "ann") -> Task:
        seen = NOW - 9000
        task = Task(id=id_, first_seen_at=seen, updated_at=seen, status="completed")
        return replace(task, conclusion=conclusion, finished_at=NOW - ago, owner=owner)

    store.commit(
        "mine",
        Changes(
            tasks=[
                over("a", "failed", 59),
                over("b", "failed", 3599),
                over("c", "failed", 3601),
                over("d", "succeeded", 1),
                over("e", "failed", 1, owner=None),
            ]
        ),
    )
    row = overview(reader, OWN)
    assert (row["failed_last_hour"], row["finished_last_minute"]) == (2, 2)


def test_the_overview_holds_what_its_viewer_may_see(
    reader: Reader, store: Store, write: Writer
) -> None:
    write.queue("mail", depth=3, consumers=0, measured_at=NOW)
    write.entry("nightly", missed=2, missed_at=NOW - 900)
    write.failure("a", first_seen_at=NOW - 60)
    kinds = [problem["kind"] for problem in overview(reader)["problems"]]
    assert kinds == ["queue_unattended", "failure_new", "schedule_missed"]
    bare = overview(reader, parts=())
    assert bare["problems"] == []
    assert not {"queues", "failures", "workers", "slots", "busy"} & bare.keys()


def test_failures_behind_a_problem_are_told_beside_the_newest(
    reader: Reader, store: Store, write: Writer
) -> None:
    for number in range(10):
        write.failure(f"s{number}", -number)
    write.failure("back", -99, returned_at=NOW - 99)
    told = [group["signature"] for group in overview(reader)["failures"]]
    assert told == ["s0", "s1", "s2", "s3", "s4", "s5", "back"]


def test_nobody_listening_is_the_worst_problem(reader: Reader, write: Writer) -> None:
    write.queue("mail", depth=3, consumers=0, measured_at=NOW)
    kinds = [problem["kind"] for problem in overview(reader)["problems"]]
    assert kinds == ["stream", "queue_unattended"]
