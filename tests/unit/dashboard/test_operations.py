"""An action on many tasks goes on in the background, tells how far it is, and ends as it should."""

import threading
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User

from dashboard import actions, operations
from dashboard.actions import Act, Outcome
from dashboard.models import Audit, Operation, Stream
from realtime.core import query
from realtime.ports import Rights
from tests.services.process import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

RETRY = Act(action="retry")
APP: Any = object()


class Work:
    """Stands for `actions.perform`: each batch waits until it is let through."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.rights: list[Rights] = []
        self.gate = threading.Semaphore(0)
        self.outcome = "done"
        self.reason: str | None = None
        self.error: Exception | None = None
        self.at_once = 2

    def __call__(self, act: Act, ids: list[str], rights: Rights, app: object) -> list[Outcome]:
        self.batches.append(list(ids))
        self.rights.append(rights)
        assert self.gate.acquire(timeout=20)
        if self.error is not None:
            raise self.error
        done = ids[: self.at_once]
        return [Outcome(id_, "shop.pay", self.outcome, self.reason) for id_ in done]

    def let(self, batches: int) -> None:
        self.gate.release(batches)


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    work = Work()
    monkeypatch.setattr(actions, "perform", work)
    monkeypatch.setattr(actions, "MAX_BATCH", 2)
    monkeypatch.setattr(operations, "TELL_EVERY_S", 0.0)
    return work


@pytest.fixture
def ann() -> User:
    user = User.objects.create_user("ann")
    user.user_permissions.set(Permission.objects.filter(codename__in=("view_task", "retry_task")))
    return user


def begin(ids: str = "abcde", text: str | None = "name:a") -> Operation:
    return operations.start(RETRY, list(ids), user="ann", query=text, app=APP)


def ended(operation: Operation) -> Operation:
    def is_over() -> bool:
        operation.refresh_from_db()
        return operation.state not in operations.ACTIVE

    wait_until(is_over, 20, "the end")
    wait_until(lambda: not threads(), 20, "the end of the thread")
    return operation


def threads() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name.startswith("headway-operation")]


def figures(operation: Operation) -> tuple[str, int, int, int, int]:
    operation.refresh_from_db()
    of = operation
    return of.state, of.total, of.done, of.refused, of.failed


def summary() -> Audit:
    return Audit.objects.exclude(kind="task").exclude(action="stop").get()


def test_it_goes_batch_by_batch_to_the_end(work: Work, ann: User) -> None:
    operation = begin()
    assert figures(operation) == ("running", 5, 0, 0, 0)
    work.let(2)
    wait_until(lambda: figures(operation)[2] == 4, 20, "two batches")
    before = Stream.objects.get().revision
    work.let(1)
    ended(operation)
    assert figures(operation) == ("finished", 5, 5, 0, 0)
    assert operation.finished_at is not None
    assert work.batches == [["a", "b"], ["c", "d"], ["e"]]
    assert operation.revision == Stream.objects.get().revision > before


def test_what_a_batch_did_not_come_to_is_done_first_in_the_next(work: Work, ann: User) -> None:
    work.at_once = 1
    work.let(3)
    operation = ended(begin("abc"))
    assert figures(operation) == ("finished", 3, 3, 0, 0)
    assert work.batches == [["a", "b"], ["b", "c"], ["c"]]


def test_each_target_has_its_entry_and_the_whole_has_one(work: Work, ann: User) -> None:
    work.outcome, work.reason = "refused", "unfinished"
    work.let(1)
    operation = ended(begin("ab"))
    assert figures(operation) == ("finished", 2, 0, 2, 0)
    entries = Audit.objects.filter(kind="task").order_by("id")
    assert [(e.target, e.outcome, e.detail, e.name) for e in entries] == [
        ("a", "refused", "unfinished", "shop.pay"),
        ("b", "refused", "unfinished", "shop.pay"),
    ]
    assert {e.operation_id for e in entries} == {operation.pk}
    whole = summary()
    assert (whole.user, whole.action, whole.kind, whole.target) == (
        "ann",
        "retry",
        "query",
        "name:a",
    )
    [reason] = operations.whole_row(operation)["reasons"]  # type: ignore[misc]
    assert (reason["reason"], reason["count"]) == ("unfinished", 2)


def test_reasons_are_told_without_a_look_into_the_audit(
    work: Work, ann: User, django_assert_max_num_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "MAX_REASONS", 2)
    outcomes = iter([("failed", "not_sent", f"no {n}") for n in range(4)])
    monkeypatch.setattr(
        actions, "perform", lambda _a, ids, *_: [Outcome(ids[0], "shop.pay", *next(outcomes))]
    )
    operation = ended(begin("abcd"))
    assert figures(operation) == ("finished", 4, 0, 0, 4)
    with django_assert_max_num_queries(1):
        told = operations.whole_row(operation)["reasons"]
    counted = [(each["reason"], each["count"]) for each in told]  # type: ignore[union-attr]
    assert counted == [("not_sent", 2), ("not_sent", 1), ("not_sent", 1)]


def test_a_selection_has_no_query(work: Work, ann: User) -> None:
    work.let(1)
    operation = ended(begin("ab", None))
    assert operation.query is None
    assert (summary().kind, summary().target) == ("operation", operation.pk)


def test_it_stops_before_the_next_batch_when_asked(work: Work, ann: User) -> None:
    operation = begin()
    wait_until(lambda: work.batches, 20, "the first batch")
    operations.stop(operation, "bob")
    assert figures(operation)[0] == "stopping"
    work.let(1)
    ended(operation)
    assert figures(operation) == ("stopped", 5, 2, 0, 0)
    assert len(work.batches) == 1
    assert summary().detail == "stopped"
    stopper = Audit.objects.get(action="stop")
    assert (stopper.user, stopper.kind, stopper.target) == ("bob", "operation", operation.pk)
    assert str(operations.whole_row(operation)["detail"]).startswith("It was stopped")


def test_what_is_over_cannot_be_stopped(work: Work, ann: User) -> None:
    work.let(3)
    operation = ended(begin())
    assert operations.stop(operation, "bob").state == "finished"
    assert not Audit.objects.filter(action="stop").exists()


def test_it_ends_once_its_user_may_no_longer_do_it(work: Work, ann: User) -> None:
    operation = begin()
    wait_until(lambda: work.batches, 20, "the first batch")
    ann.user_permissions.clear()
    work.let(1)
    ended(operation)
    assert figures(operation) == ("stopped", 5, 2, 0, 0)
    assert summary().detail == "not_allowed"


def test_it_ends_with_the_account_of_its_user(work: Work, ann: User) -> None:
    ann.delete()
    operation = ended(begin())
    assert figures(operation) == ("stopped", 5, 0, 0, 0)
    assert work.batches == []


def test_rights_are_read_anew_for_each_batch(
    work: Work, ann: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.HEADWAY_ACCESS = f"{__name__}.Changing"
    work.let(3)
    ended(begin())
    assert [rights.rows for rights in work.rights] == [query.parse(f"owner:{n}") for n in "123"]


def test_it_does_not_wait_for_a_broker_again_and_again(work: Work, ann: User) -> None:
    work.outcome, work.reason = "failed", "broker_away"
    work.let(1)
    operation = ended(begin())
    assert figures(operation) == ("stopped", 5, 0, 0, 2)
    assert (summary().outcome, summary().detail) == ("failed", "broker_away")


def test_an_error_ends_it_as_interrupted(
    work: Work, ann: User, caplog: pytest.LogCaptureFixture
) -> None:
    work.error = RuntimeError("a fault of ours")
    work.let(1)
    operation = ended(begin())
    assert figures(operation)[0] == "interrupted"
    assert summary().detail == "interrupted"
    assert "a fault of ours" in caplog.text


def left_behind(beat_at: float) -> Operation:
    """An operation whose process died."""
    return Operation.objects.create(
        id="dead", revision=1, user="ann", action="retry", state="running", total=9,
        done=3, started_at=1.0, beat_at=beat_at, query="",
    )  # fmt: skip


def test_one_that_tells_nothing_was_interrupted() -> None:
    operation = left_behind(1000.0)
    operations.settle(1000.0 + operations.SILENT_S)
    assert figures(operation)[0] == "running"
    operations.settle(1001.0 + operations.SILENT_S)
    assert figures(operation) == ("interrupted", 9, 3, 0, 0)
    assert operation.revision == Stream.objects.get().revision
    assert summary().detail == "interrupted"
    operations.settle(2000.0)
    assert summary()


def test_whoever_looks_finds_it_interrupted() -> None:
    left_behind(1000.0)
    found = operations.find("dead", Rights(user="ann", can=frozenset()))
    assert found is not None
    assert found.state == "interrupted"


def test_one_that_was_declared_interrupted_ends_by_itself(work: Work, ann: User) -> None:
    operation = begin()
    wait_until(lambda: work.batches, 20, "the first batch")
    operations.settle(operation.beat_at + operations.SILENT_S + 1)
    work.let(1)
    wait_until(lambda: not threads(), 20, "the end of the thread")
    assert figures(operation)[0] == "interrupted"
    assert len(work.batches) == 1
    assert summary().detail == "interrupted"


def test_only_so_many_go_on_at_once(work: Work, ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "MAX_RUNNING", 1)
    operation = begin()
    with pytest.raises(operations.Busy):
        begin()
    assert Operation.objects.count() == 1
    work.let(3)
    ended(operation)
    work.let(3)
    ended(begin())


def test_progress_is_told_at_most_twice_a_second(
    work: Work, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "TELL_EVERY_S", 3600.0)
    operation = begin("abcdefghijklmnopqrstuvwxyz")
    work.let(13)
    ended(operation)
    assert len(work.batches) == 13
    # The beginning and the end.
    assert Stream.objects.get().revision == 2


@pytest.mark.parametrize(
    ("rights", "is_seen"),
    [
        (Rights(user="ann", can=frozenset()), True),
        (Rights(user="bob", can=frozenset({"view_task", "retry_task"})), False),
        (Rights(user="bob", can=frozenset({"view_audit"})), True),
        (
            Rights(user="bob", can=frozenset({"view_audit"}), rows=query.parse("owner:1")),
            False,
        ),
    ],
)
def test_ones_own_is_seen_and_with_the_audit_all(rights: Rights, is_seen: bool) -> None:
    Operation.objects.create(
        id="op", revision=1, user="ann", action="retry", state="finished",
        started_at=1.0, beat_at=1.0, query="",
    )  # fmt: skip
    assert (operations.find("op", rights) is not None) == is_seen
    assert operations.find("other", rights) is None


class Changing:
    """Each reading of the rights answers another one."""

    def __init__(self) -> None:
        self.number = 0

    def rights_of(self, user: object) -> Rights:
        self.number += 1
        rows = query.parse(f"owner:{self.number}")
        return Rights(user="ann", can=frozenset({"view_task", "retry_task"}), rows=rows)
