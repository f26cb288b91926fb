"""What a result backend tells, read as JSON alone, as events that name no process."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from hypothesis import given
from hypothesis import strategies as st

from realtime.core import events
from realtime.core.events import Event
from realtime.core.lifecycle import fold
from realtime.inbox import Inbox
from realtime.ports import Delivery
from realtime.results import MAX_VALUE_BYTES, ResultListener, lookup, told, unreadable
from realtime.testing import AT, FakeClock, checked, task_received, task_started

KEY = b"celery-task-meta-a1"
ERROR = {"exc_type": "Declined", "exc_message": ["no funds", 3], "exc_module": "shop"}


def app(backend: str | None, **conf: object) -> Celery:
    made = Celery("tests", broker="memory://", backend=backend, set_as_current=False)
    made.conf.update(conf)
    return made


def meta(status: str, result: object = None, **more: object) -> dict[str, object]:
    return {"status": status, "result": result, "traceback": None, "date_done": None, **more}


def event_of(status: str, result: object = None, **more: object) -> Event:
    event = told("a1", meta(status, result, **more), AT)
    assert event is not None
    return event


def listening(**options: Any) -> tuple[ResultListener, Inbox]:
    inbox = Inbox(**options)
    return ResultListener(app("redis://localhost/1"), inbox, clock=FakeClock()), inbox


def taken(inbox: Inbox) -> list[Event]:
    return [event for delivery in inbox.take(100) for event in delivery.events]  # type: ignore[misc]


def test_progress_is_told_with_the_name_of_its_state() -> None:
    event = event_of("PROGRESS", {"current": 3, "total": 10, "description": "sorting"})
    assert (event.kind, event.id, event.hostname, event.at) == ("task-progress", "a1", "", AT)
    assert event.fields["current"] == 3.0
    assert event.fields["message"] == "sorting"
    assert event.fields["state"] == "PROGRESS"


def test_a_custom_state_without_progress_is_told_all_the_same() -> None:
    event = event_of("COOKING", "soup")
    assert event.fields == {
        "current": None,
        "total": None,
        "unit": None,
        "message": None,
        "stage": None,
        "stages": None,
        "state": "COOKING",
    }
    history = [checked(task_received("a1")), checked(task_started("a1")), event]
    assert fold(None, history, AT).state == "COOKING"


def test_a_success_shows_its_result_as_celerys_events_do() -> None:
    event = event_of("SUCCESS", {"sum": 3}, date_done="2026-11-21T10:00:00+00:00")
    assert event.kind == "task-succeeded"
    assert event.at == events.instant("2026-11-21T10:00:00Z")
    assert event.fields == {"result": "{'sum': 3}", "runtime": None}


def test_a_failure_shows_type_and_arguments() -> None:
    event = event_of("FAILURE", ERROR, traceback="Traceback ...", retries=2)
    assert event.fields == {
        "exception": "Declined('no funds', 3)",
        "traceback": "Traceback ...",
        "retries": 2,
    }


@pytest.mark.parametrize(
    ("reason", "fields"),
    [
        ("revoked", {"expired": False, "terminated": False}),
        ("terminated", {"expired": False, "terminated": True}),
        ("expired", {"expired": True, "terminated": False}),
    ],
)
def test_a_revoked_task_tells_why(reason: str, fields: dict[str, bool]) -> None:
    error = {"exc_type": "TaskRevokedError", "exc_message": [reason], "exc_module": "celery"}
    assert event_of("REVOKED", error).fields == fields


@pytest.mark.parametrize("status", ["PENDING", "RECEIVED", "STARTED", "RETRY", "", None, 7, []])
def test_a_state_that_the_tasks_events_tell_better_tells_nothing(status: Any) -> None:
    assert told("a1", meta(status), AT) is None


@pytest.mark.parametrize("odd", [None, [], "SUCCESS", 7])
def test_a_value_that_is_no_result_tells_nothing(odd: object) -> None:
    assert told("a1", odd, AT) is None


@pytest.mark.parametrize("task_id", ["", "a" * 256, "a\x00", "\ud800"])
def test_an_id_that_no_store_can_hold_tells_nothing(task_id: str) -> None:
    assert told(task_id, meta("SUCCESS"), AT) is None


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=9),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@given(
    st.fixed_dictionaries(
        {"status": st.sampled_from(["SUCCESS", "FAILURE", "REVOKED", "PROGRESS", "\x00"]) | VALUES},
        optional={
            name: VALUES | st.dictionaries(st.sampled_from(["exc_type", "exc_message"]), VALUES)
            for name in ("result", "traceback", "date_done", "retries")
        },
    )
)
def test_any_json_is_told_in_bounds_or_not_at_all(value: dict[str, object]) -> None:
    event = told("a1", value, AT)
    if event is not None:
        assert len(json.dumps(event.fields, ensure_ascii=False).encode()) < 256 * 1024
        assert 0 <= event.at < events.MAX_AT


def test_what_redis_publishes_comes_into_the_inbox() -> None:
    listener, inbox = listening()
    listener._take(KEY, json.dumps(meta("PROGRESS", {"current": 1})).encode())
    (event,) = taken(inbox)
    assert (event.id, event.kind, event.received_at) == ("a1", "task-progress", AT)


def test_large_and_foreign_values_are_counted_and_dropped() -> None:
    listener, inbox = listening()
    listener._take(KEY, b"x" * (MAX_VALUE_BYTES + 1))
    for value in (b"\x80\x04K\x01.", b"{", b"\xff", b"[" * 100_000):
        listener._take(KEY, value)
    assert listener.counters == {"too_large": 1, "not_json": 4}
    assert taken(inbox) == []


def test_progress_gives_way_before_outcomes_when_the_inbox_fills() -> None:
    listener, inbox = listening(max_events=10)
    inbox.put(Delivery(range(9), AT, None))
    for status in ("PROGRESS", "SUCCESS", "SUCCESS"):
        listener._take(KEY, json.dumps(meta(status)).encode())
    assert listener.counters == {"dropped_progress": 1, "dropped_state": 1}


def test_the_hosts_key_prefix_is_kept_and_its_stars_are_no_pattern() -> None:
    options = {"global_keyprefix": "shop*:"}
    made = app("redis://localhost/1", result_backend_transport_options=options)
    listener = ResultListener(made, Inbox())
    assert "shop*" in listener.describe()
    assert "celery-task-meta-*" in listener.describe()
    inbox = listener._inbox
    listener._take(made.backend.get_key_for_task("a1"), json.dumps(meta("COOKING")))
    assert [event.id for event in taken(inbox)] == ["a1"]


@pytest.mark.parametrize(
    ("backend", "conf", "reason"),
    [
        (None, {}, "DisabledBackend"),
        ("cache+memory://", {}, "CacheBackend"),
        ("redis://:hunter2@localhost/1", {"result_serializer": "pickle"}, "pickle"),
    ],
)
def test_elsewhere_it_returns_at_once_and_says_why(
    backend: str | None, conf: dict[str, object], reason: str
) -> None:
    listener = ResultListener(app(backend, **conf), Inbox())
    listener.run()
    assert not listener.is_active
    assert reason in listener.describe()
    assert "hunter2" not in listener.describe()


def test_the_address_is_described_without_its_password() -> None:
    listener = ResultListener(app("redis://:hunter2@localhost/1"), Inbox())
    assert "localhost" in listener.describe()
    assert "hunter2" not in listener.describe()


def test_stored_outcomes_are_looked_up_in_any_key_value_backend() -> None:
    made = app("cache+memory://")
    made.backend.store_result("won", 3, "SUCCESS")
    made.backend.store_result("lost", ValueError("declined"), "FAILURE")
    made.backend.store_result("cooking", {"done": 1, "total": 2}, "COOKING")
    found = {event.id: event for event in lookup(made, ["won", "never", "lost", "cooking"], AT)}
    assert found["won"].fields["result"] == "3"
    assert found["lost"].fields["exception"] == "ValueError('declined')"
    assert found["cooking"].fields["state"] == "COOKING"
    assert "never" not in found
    assert {event.hostname for event in found.values()} == {""}


def test_files_are_a_backend_like_any_other(tmp_path: Any) -> None:
    made = app(f"file://{tmp_path}")
    made.backend.store_result("won", 3, "SUCCESS")
    assert [event.id for event in lookup(made, ["never", "won"], AT)] == ["won"]


@pytest.mark.parametrize(
    ("backend", "conf", "reason"),
    [
        (None, {}, "no result backend"),
        ("rpc://", {}, "rpc://"),
        ("cache+memory://", {"result_serializer": "pickle"}, "pickle"),
    ],
)
def test_a_backend_that_cannot_be_read_says_why_and_gives_nothing(
    backend: str | None, conf: dict[str, object], reason: str
) -> None:
    made = app(backend, **conf)
    assert reason in str(unreadable(made))
    assert lookup(made, ["a1"], AT) == []


def test_celerys_own_sql_backend_is_not_read_since_it_stores_pickles() -> None:
    backend = type("DatabaseBackend", (), {"__module__": "celery.backends.database"})()
    made: Any = SimpleNamespace(backend=backend)
    assert "pickles" in str(unreadable(made))
    assert lookup(made, ["a1"], AT) == []


def test_a_backend_that_is_no_key_value_store_is_asked_for_each_task() -> None:
    stored = {"won": meta("SUCCESS", 3), "lost": meta("FAILURE", ValueError("declined"))}
    backend = SimpleNamespace(
        content_type="application/json",
        get_task_meta=lambda task_id, cache: stored.get(task_id, meta("PENDING")),
    )
    made: Any = SimpleNamespace(backend=backend)
    found = {event.id: event for event in lookup(made, ["won", "never", "lost"], AT)}
    assert set(found) == {"won", "lost"}
    assert found["lost"].fields["exception"] == "ValueError('declined')"
