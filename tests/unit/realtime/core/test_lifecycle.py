"""Order does not matter, and the state is Celery's own."""

import random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from realtime.core import expected, lifecycle, rollup
from realtime.core.deliveries import attempts
from realtime.core.events import Event, parse
from realtime.core.lifecycle import fold
from realtime.core.public import EXPECTED_S
from realtime.core.workers import Worker
from tests.unit.realtime.core.histories import RECEIVED_AT, TASK_ID, History, Host, histories

NOW = RECEIVED_AT + 1
WORKER = Host("celery@a", 7, 0.0)


def told(*kinds: tuple[str, float, dict], host: Host = WORKER) -> list[Event]:
    history = History()
    for kind, at, fields in kinds:
        history.tell(host, at, kind, **fields)
    return history.events


def one(kind: str, at: float, host: Host = WORKER, **fields: object) -> Event:
    return told((kind, at, fields), host=host)[0]


@settings(max_examples=300)
@given(histories(), st.randoms(use_true_random=False))
def test_any_order_and_repetition_folds_to_the_same_task(
    history: History, rng: random.Random
) -> None:
    expected = fold(None, history.events, NOW)
    shuffled = history.events + rng.choices(history.events, k=rng.randint(0, 5))
    rng.shuffle(shuffled)
    assert fold(None, shuffled, NOW) == expected


@settings(max_examples=300)
@given(histories(), st.randoms(use_true_random=False))
def test_folding_in_any_batches_is_folding_at_once(history: History, rng: random.Random) -> None:
    expected = fold(None, history.events, NOW)
    shuffled = history.events + rng.choices(history.events, k=rng.randint(0, 5))
    rng.shuffle(shuffled)
    task = None
    while shuffled:
        size = rng.randint(1, len(shuffled))
        task = fold(task, shuffled[:size], NOW)
        del shuffled[:size]
    assert task == expected


@settings(max_examples=300)
@given(histories(), st.randoms(use_true_random=False))
def test_order_does_not_matter_either_where_events_are_missing(
    history: History, rng: random.Random
) -> None:
    heard = [event for event in history.events if rng.random() > 0.3] or history.events[:1]
    shuffled = rng.sample(heard, len(heard))
    assert fold(None, shuffled, NOW) == fold(None, heard, NOW)


@settings(max_examples=200, deadline=None)
@given(histories(), st.lists(st.floats(0, 3e6), min_size=1, max_size=3), st.randoms())
def test_that_it_was_handed_over_changes_nothing_once_it_was_heard_of_in_any_order(
    history: History, instants: list[float], rng: random.Random
) -> None:
    words = [expected.event(TASK_ID, at, RECEIVED_AT) for at in instants]
    heard = fold(None, history.events, NOW)
    assume(heard.status != "unknown")
    shuffled = history.events + words
    rng.shuffle(shuffled)
    told = fold(None, shuffled[:2], NOW)
    if shuffled[2:]:
        told = fold(told, shuffled[2:], NOW)
    assert told == fold(None, history.events + words, NOW)
    # Evidence of 64 marks may lose its oldest to another; what is read off it stays.
    for name in ("state", "status", "conclusion", "reason", "retries", "worker", "finished_at"):
        assert getattr(told, name) == getattr(heard, name)


def test_what_was_handed_over_waits_for_ten_minutes_and_then_nobody_knows() -> None:
    at = RECEIVED_AT
    task = fold(None, [expected.event(TASK_ID, at, at)], at)
    assert (task.state, task.status, task.reason) == ("PENDING", "queued", expected.HANDED_OVER)
    assert lifecycle.due_at(task, at) == at + EXPECTED_S
    assert lifecycle.at(task, at + EXPECTED_S - 1).status == "queued"
    late = lifecycle.at(task, at + EXPECTED_S)
    assert (late.status, late.reason) == ("unknown", expected.NO_NEWS)
    assert lifecycle.due_at(late, at + EXPECTED_S) is None


def test_of_several_that_vouch_the_first_word_counts() -> None:
    words = [expected.event(TASK_ID, RECEIVED_AT + n, RECEIVED_AT) for n in (60.0, 0.0, 30.0)]
    task = fold(None, words, RECEIVED_AT)
    assert lifecycle.due_at(task, RECEIVED_AT) == RECEIVED_AT + EXPECTED_S


@pytest.mark.parametrize(
    ("kind", "fields", "status"),
    [
        ("task-sent", {"name": "shop.pay", "retries": 0}, "queued"),
        ("task-received", {"name": "shop.pay", "retries": 0}, "reserved"),
        ("task-started", {}, "running"),
        ("task-progress", {"current": 1, "total": 2}, "running"),
        ("task-succeeded", {"result": "1", "runtime": 1.0}, "completed"),
    ],
)
def test_any_event_of_its_own_says_more_than_that_it_was_handed_over(
    kind: str, fields: dict[str, object], status: str
) -> None:
    word = expected.event(TASK_ID, 10.0, RECEIVED_AT)
    task = fold(None, [word, one(kind, 9.0, **fields)], NOW)
    assert (task.status, task.reason) == (status, None)
    assert rollup.marks(task) == rollup.marks(fold(None, [one(kind, 9.0, **fields)], NOW))


def test_nobody_outside_can_vouch_and_a_word_alone_counts_as_no_task() -> None:
    raw = {"type": "task-expected", "uuid": TASK_ID, "hostname": "x", "timestamp": 1.0, "pid": 1}
    assert parse(raw, RECEIVED_AT) is None
    task = fold(None, [expected.event(TASK_ID, 1.0, RECEIVED_AT)], NOW)
    assert rollup.marks(task) == ()


@settings(max_examples=300)
@given(histories())
def test_the_state_is_the_one_that_celery_would_store(history: History) -> None:
    assert fold(None, history.events, NOW).state == history.state


@given(histories(may_lose_announcements=False))
def test_percent_never_falls_within_an_attempt(history: History) -> None:
    task, before = None, (0, 0.0)
    for event in history.events:
        task = fold(task, [event], NOW)
        if task.progress is not None:
            reached = (task.progress.retries, task.progress.percent or 0.0)
            assert reached >= before
            before = reached


def test_an_outcome_before_its_progress_and_its_start_stands() -> None:
    task = fold(None, [one("task-succeeded", 10.0, result="1", runtime=2.0)], NOW)
    late = told(("task-progress", 9.0, {"current": 1, "total": 2}), ("task-started", 8.0, {}))
    task = fold(task, late, NOW)
    assert (task.state, task.status, task.conclusion) == ("SUCCESS", "completed", "succeeded")
    assert task.started_at == 8.0


def test_received_of_the_next_attempt_may_come_before_retried_of_this_one() -> None:
    other = Host("celery@b", 9, -3600.0)
    events = [
        one("task-received", 1.0, retries=0),
        one("task-started", 2.0),
        one("task-received", 3700.0, host=other, retries=1),
    ]
    task = fold(None, events, NOW)
    late = fold(task, [one("task-retried", 3.0, exception="E()", traceback="")], NOW)
    assert (late.state, late.status, late.retries) == ("RECEIVED", "reserved", 1)


@pytest.mark.parametrize(
    "order", [("started", "received", "retried"), ("received", "started", "retried")]
)
def test_a_retry_ends_the_attempt_that_ran_though_the_next_one_was_received(
    order: tuple[str, ...],
) -> None:
    fields = {"received": {"retries": 1}, "retried": {"exception": "E()", "traceback": ""}}
    overlap = [(f"task-{kind}", 2.0 + n, fields.get(kind, {})) for n, kind in enumerate(order)]
    task = fold(
        None,
        told(
            ("task-received", 1.0, {"retries": 0}),
            *overlap,
            ("task-started", 5.0, {}),
            ("task-failed", 6.0, {"exception": "F()", "traceback": ""}),
        ),
        NOW,
    )
    assert (task.state, task.retries, task.exception) == ("FAILURE", 1, "F()")
    assert [(a.retries, a.outcome) for a in attempts(task.marks)] == [
        (0, "retried"),
        (1, "failed"),
    ]
    assert [a.started_at for a in attempts(task.marks)] == [2.0 + order.index("started"), 5.0]


def test_retrying_says_when_once_the_next_attempt_told_it() -> None:
    events = told(
        ("task-received", 1.0, {"retries": 0}),
        ("task-started", 2.0, {}),
        ("task-retried", 3.0, {"exception": "E()", "traceback": ""}),
    )
    assert fold(None, events, NOW).retry_at is None
    eta = "2001-09-09T01:46:40+00:00"
    events.append(one("task-received", 4.0, retries=1, eta=eta))
    task = fold(None, events, NOW)
    assert (task.status, task.retry_at) == ("retrying", 1_000_000_000.0)


def test_a_success_stands_against_a_redelivery() -> None:
    other = Host("celery@b", 9, 0.0)
    events = [
        one("task-received", 1.0, retries=0),
        one("task-succeeded", 2.0, result="1", runtime=1.0),
        one("task-received", 3.0, host=other, retries=0),
        one("task-failed", 4.0, host=other, exception="E()", traceback=""),
    ]
    assert fold(None, events, NOW).state == "SUCCESS"


def test_a_redelivery_reopens_a_failure() -> None:
    other = Host("celery@b", 9, 0.0)
    events = [
        one("task-received", 1.0, retries=0),
        one("task-failed", 2.0, exception="E()", traceback=""),
        one("task-received", 3.0, host=other, retries=0),
        one("task-started", 4.0, host=other),
    ]
    task = fold(None, events, NOW)
    assert (task.status, task.conclusion, task.worker) == ("running", None, "celery@b")


def test_a_container_that_restarts_with_the_same_name_and_number_is_another_attempt() -> None:
    reborn = Host("celery@a", 7, 0.0, clock=0)
    WORKER.clock = 500
    events = [
        one("task-received", 1.0, retries=0),
        one("task-started", 2.0),
        one("task-received", 100.0, host=reborn, retries=0),
        one("task-started", 101.0, host=reborn),
        one("task-failed", 102.0, host=reborn, exception="E()", traceback=""),
    ]
    task = fold(None, events, NOW)
    assert task.state == "FAILURE"
    assert [attempt.outcome for attempt in attempts(task.marks)] == [None, "failed"]


@pytest.mark.parametrize(
    ("kind", "fields", "status", "conclusion"),
    [
        ("task-revoked", {"expired": False}, "completed", "cancelled"),
        ("task-revoked", {"expired": True}, "completed", "expired"),
        ("task-rejected", {"requeue": False}, "completed", "rejected"),
        ("task-rejected", {"requeue": True}, "queued", None),
        ("task-cancelled", {}, "retrying", None),
    ],
)
def test_every_outcome_has_its_word(
    kind: str, fields: dict, status: str, conclusion: str | None
) -> None:
    task = fold(None, [one(kind, 5.0, **fields)], NOW)
    assert (task.status, task.conclusion) == (status, conclusion)


def test_a_task_revoked_before_any_worker_took_it_is_cancelled() -> None:
    events = [one("task-sent", 1.0, name="a", retries=0), one("task-revoked", 2.0, expired=False)]
    assert fold(None, events, NOW).conclusion == "cancelled"


def test_scheduled_becomes_reserved_with_time_alone() -> None:
    eta = "1970-01-24T03:33:25+00:00"
    task = fold(None, [one("task-received", 1.0, retries=0, eta=eta)], NOW)
    assert task.status == "scheduled"
    due = lifecycle.due_at(task, NOW)
    assert due == 2_000_005.0
    assert lifecycle.at(task, due).status == "reserved"


def test_what_expires_unstarted_is_over_until_it_is_heard_of() -> None:
    sent = one("task-sent", 1.0, retries=0, expires="1970-01-24T03:33:25+00:00")
    task = fold(None, [sent], NOW)
    expired = lifecycle.at(task, 2_000_005.0)
    assert (expired.status, expired.conclusion) == ("completed", "expired")
    started = fold(expired, [one("task-started", 2.0)], 2_000_006.0)
    assert started.status == "running"


def worker(state: str, pid: int = 7, pid_since: float = 0.0) -> dict[str, Worker]:
    known = Worker(
        name="celery@a",
        first_seen_at=0.0,
        last_heartbeat_at=0.0,
        state=state,  # type: ignore[arg-type]
        pid=pid,
        pid_since=pid_since,
    )
    return {"celery@a": known}


@pytest.mark.parametrize(
    ("workers", "status", "conclusion"),
    [
        (worker("online"), "running", None),
        (worker("silent"), "stalled", None),
        (worker("gone"), "completed", "lost"),
        (worker("online", pid=8, pid_since=NOW - 60), "completed", "lost"),
        (worker("online", pid=8, pid_since=NOW - 1), "running", None),
    ],
)
def test_a_running_task_stands_with_its_worker(
    workers: dict[str, Worker], status: str, conclusion: str | None
) -> None:
    events = told(("task-received", 1.0, {"retries": 0}), ("task-started", 2.0, {}))
    task = fold(None, events, NOW, workers)
    assert (task.status, task.conclusion) == (status, conclusion)


def test_a_lost_task_is_reopened_by_any_later_event() -> None:
    events = told(("task-received", 1.0, {"retries": 0}), ("task-started", 2.0, {}))
    lost = fold(None, events, NOW, worker("gone"))
    found = fold(lost, [one("task-succeeded", 9.0, result="1", runtime=7.0)], NOW, worker("gone"))
    assert found.conclusion == "succeeded"


def test_what_a_backend_told_completes_the_attempt_that_has_no_outcome() -> None:
    events = told(("task-received", 1.0, {"retries": 0}), ("task-started", 2.0, {}))
    backend = Event("task-succeeded", TASK_ID, "", 0, 3.0, 0, NOW, {"result": "1", "runtime": None})
    task = fold(None, [*events, backend], NOW)
    assert (task.state, task.worker) == ("SUCCESS", "celery@a")
    assert len(attempts(task.marks)) == 1


def test_a_backend_progress_state_is_shown_under_its_own_name() -> None:
    events = told(("task-received", 1.0, {"retries": 0}), ("task-started", 2.0, {}))
    fields = {"current": 3.0, "total": 10.0, "state": "PROGRESS", "retries": None}
    told_by_backend = Event("task-progress", TASK_ID, "", 0, NOW, 0, NOW, fields)
    task = fold(None, [*events, told_by_backend], NOW)
    assert (task.state, task.status) == ("PROGRESS", "running")
    assert task.progress is not None
    assert task.progress.percent == 30


def test_the_marks_of_a_task_that_retries_for_ever_are_bounded() -> None:
    task = None
    for retries in range(200):
        events = told(
            ("task-received", retries * 10.0 + 1, {"retries": retries}),
            ("task-retried", retries * 10.0 + 2, {"exception": "E()", "traceback": "T" * 99}),
        )
        task = fold(task, events, NOW)
    assert task is not None
    assert len(task.marks) == lifecycle.MAX_MARKS
    kept = [mark for mark in task.marks if mark.detail.get("traceback")]
    assert len(kept) == lifecycle.MAX_TRACEBACKS
    assert (task.retries, task.received_at) == (199, 1.0)


def test_the_owner_that_was_set_first_stays() -> None:
    events = told(
        ("task-context", 1.0, {"owner": "ann", "retries": 0}),
        ("task-context", 2.0, {"owner": "eve", "retries": 3}),
    )
    assert fold(None, reversed(events), NOW).owner == "ann"


def test_an_unknown_kind_is_no_event_of_ours() -> None:
    assert parse({"type": "shop-opened", "hostname": "a", "timestamp": 1.0}, NOW) is None


def asked(kind: str, at: float, *, pid: int = WORKER.pid, **fields: object) -> Event:
    """What a worker answered when it was asked after a gap."""
    told_so = {"inspected": True, **fields}
    return Event(kind, TASK_ID, WORKER.name, pid, at, 0, RECEIVED_AT, told_so)


CONTEXT = Event("task-context", TASK_ID, "", 0, 0.0, 0, RECEIVED_AT, {"name": "shop.pay"})
MISSED = Event(
    "task-missed",
    TASK_ID,
    "",
    0,
    RECEIVED_AT,
    0,
    RECEIVED_AT,
    {"since": 1_000_000.0, "why": "nobody knows it", "is_free": True},
)


@settings(max_examples=300)
@given(histories(), st.floats(999_000, 1_020_000), st.booleans(), st.randoms(use_true_random=False))
def test_what_was_asked_after_a_gap_is_evidence_like_any_other(
    history: History, at: float, is_started: bool, rng: random.Random
) -> None:
    answer = asked("task-started" if is_started else "task-received", at)
    evidence = [*history.events, answer, CONTEXT, MISSED]
    expected = fold(None, evidence, NOW)
    rng.shuffle(evidence)
    split = rng.randint(1, len(evidence) - 1)
    assert fold(fold(None, evidence[:split], NOW), evidence[split:], NOW) == expected


def test_a_task_that_a_worker_holds_is_known_by_its_answer_alone() -> None:
    running = fold(None, [CONTEXT, asked("task-started", 105.0)], NOW)
    assert (running.status, running.worker, running.name) == ("running", WORKER.name, "shop.pay")
    assert (running.received_at, running.started_at) == (None, 105.0)
    reserved = fold(None, [CONTEXT, asked("task-received", 105.0)], NOW)
    assert (reserved.status, reserved.received_at) == ("reserved", None)


def test_an_answer_adds_no_attempt_to_what_was_heard() -> None:
    heard = told(("task-received", 100, {"name": "pay"}), ("task-started", 101, {}))
    for answer in (asked("task-started", 100.9), asked("task-received", 130.0)):
        assert attempts(fold(None, [*heard, answer], NOW).marks) == attempts(
            fold(None, heard, NOW).marks
        )
    ended = [*heard, one("task-succeeded", 140, result="1")]
    assert len(attempts(fold(None, [*ended, asked("task-started", 100.9)], NOW).marks)) == 1


def test_an_answer_of_the_next_attempt_counts_on_from_the_last_one() -> None:
    heard = told(("task-received", 100, {"retries": 0}), ("task-retried", 101, {"exception": "E"}))
    task = fold(None, [*heard, asked("task-started", 130.0)], NOW)
    assert (task.status, task.retries, len(attempts(task.marks))) == ("running", 1, 2)


def test_a_worker_that_is_first_heard_after_its_answer_does_not_lose_its_tasks() -> None:
    worker = Worker(
        name=WORKER.name, first_seen_at=NOW, last_heartbeat_at=NOW, pid=WORKER.pid, pid_since=NOW
    )
    answer = asked("task-started", 105.0, pid=0)
    later = lifecycle.at(fold(None, [answer], NOW), NOW + 60, {WORKER.name: worker})
    assert later.status == "running"


def test_a_task_that_nobody_knows_after_a_gap_says_so_until_it_is_heard_of() -> None:
    running = told(("task-received", 100, {"name": "pay"}), ("task-started", 101, {}))
    missed = fold(fold(None, running, NOW), [MISSED], NOW)
    assert (missed.status, missed.reason) == (
        "stalled",
        "Nothing was heard of it since the gap of 13:46:40 UTC: nobody knows it.",
    )
    report = one("task-progress", 102, current=1)._replace(received_at=RECEIVED_AT + 1)
    again = fold(missed, [report], NOW)
    assert (again.status, again.reason) == ("running", None)


def test_a_task_in_doubt_whose_worker_is_gone_is_lost() -> None:
    running = told(("task-received", 100, {"name": "pay"}), ("task-started", 101, {}))
    gone = Worker(name=WORKER.name, first_seen_at=0, last_heartbeat_at=0, state="gone")
    assert fold(None, [*running, MISSED], NOW, {WORKER.name: gone}).conclusion == "lost"


def test_a_task_known_by_its_stored_result_alone_says_so_unless_the_result_tells_more() -> None:
    fields = {"result": "3", "runtime": None, "retries": 2, "worker": "celery@b"}
    stored = Event("task-succeeded", TASK_ID, "", 0, 105.0, 0, RECEIVED_AT, fields)
    bare = fold(None, [stored], NOW)
    assert (bare.conclusion, bare.reason) == ("succeeded", "Only its stored result is known.")
    whole = fold(None, [stored, CONTEXT], NOW)
    assert (whole.reason, whole.worker, whole.retries) == (None, "celery@b", 2)


def test_the_last_attempt_may_be_known_by_its_stored_result_alone() -> None:
    heard = told(("task-received", 100, {"retries": 0}), ("task-started", 101, {}))
    fields = {"exception": "E", "traceback": None, "retries": 3, "worker": "celery@b"}
    stored = Event("task-failed", TASK_ID, "", 0, 105.0, 0, RECEIVED_AT, fields)
    task = fold(None, [*heard, stored], NOW)
    assert (task.conclusion, task.retries, task.worker) == ("failed", 3, "celery@b")


def test_a_retry_known_by_its_stored_result_alone_says_so_until_it_is_heard_of() -> None:
    fields = {"exception": "E", "traceback": None, "retries": 0, "worker": "celery@b"}
    stored = Event("task-retried", TASK_ID, "", 0, 105.0, 0, RECEIVED_AT, fields)
    task = fold(None, [CONTEXT, stored], NOW)
    assert (task.status, task.conclusion) == ("retrying", None)
    assert "it was to be tried again" in str(task.reason)
    next_one = one("task-received", 106, retries=1)
    assert (fold(task, [next_one], NOW).status, fold(task, [next_one], NOW).reason) == (
        "reserved",
        None,
    )


def test_a_stored_result_of_an_earlier_attempt_does_not_end_the_next_one() -> None:
    heard = told(("task-received", 100, {"retries": 1}), ("task-started", 101, {}))
    fields = {"exception": "E", "traceback": None, "retries": 0}
    stored = Event("task-failed", TASK_ID, "", 0, 99.0, 0, RECEIVED_AT, fields)
    assert fold(None, [*heard, stored], NOW).status == "running"


def test_an_outcome_that_was_heard_belongs_to_the_attempt_that_its_stored_result_names() -> None:
    heard = told(
        ("task-received", 100, {"name": "pay", "retries": 0}),
        ("task-started", 101, {}),
        ("task-succeeded", 110, {"result": "1", "runtime": 0.5}),
    )
    fields = {"result": "1", "runtime": None, "retries": 2, "worker": WORKER.name}
    stored = Event("task-succeeded", TASK_ID, "", 0, 110.0, 0, RECEIVED_AT, fields)
    task = fold(None, [*heard, stored], NOW)
    assert (task.conclusion, task.retries, task.runtime) == ("succeeded", 2, 0.5)
    assert [(a.retries, a.outcome) for a in attempts(task.marks)] == [(0, None), (2, "succeeded")]
    nameless = fold(None, [heard[-1], stored], NOW)
    assert [(a.retries, a.outcome) for a in attempts(nameless.marks)] == [(2, "succeeded")]
