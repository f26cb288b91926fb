"""A worker is what its heartbeats say, and what their absence says."""

from dataclasses import replace

import pytest

from realtime.core.events import Event, parse
from realtime.core.workers import GONE_AFTER_S, Worker, heard, seen_at

NOW = 1_000_000.0


def beat(at: float, kind: str = "worker-heartbeat", pid: int = 7, **fields: object) -> Event:
    raw = {
        "type": kind,
        "hostname": "celery@a",
        "pid": pid,
        "timestamp": at,
        "clock": 3,
        "freq": 2.0,
        **fields,
    }
    event = parse(raw, at)
    assert isinstance(event, Event)
    return event


def after(*events: Event) -> Worker:
    worker = None
    for event in events:
        worker = heard(worker, event)
    assert worker is not None
    return worker


def test_a_heartbeat_tells_what_the_worker_does() -> None:
    worker = after(beat(NOW, active=3, processed=20, loadavg=[0.5, 0.4, 0.3], sw_ver="5.7.0"))
    assert (worker.active, worker.processed, worker.loadavg) == (3, 20, (0.5, 0.4, 0.3))
    assert (worker.state, worker.sw_ver, worker.pid) == ("online", "5.7.0", 7)


def test_a_late_heartbeat_changes_nothing() -> None:
    worker = after(beat(NOW, processed=20))
    assert heard(worker, beat(NOW - 4, processed=10)) is worker


@pytest.mark.parametrize(
    ("silence_s", "state"), [(1, "online"), (11, "silent"), (GONE_AFTER_S + 1, "gone")]
)
def test_silence_grows_from_online_to_gone(silence_s: float, state: str) -> None:
    assert seen_at(after(beat(NOW)), NOW + silence_s).state == state


def test_silence_says_nothing_while_nobody_listened() -> None:
    assert seen_at(after(beat(NOW)), NOW + 500, hearing_since=NOW + 499).state == "online"


def test_a_goodbye_is_gone_until_it_is_heard_again() -> None:
    worker = after(beat(NOW), beat(NOW + 1, "worker-offline"))
    assert worker.state == "gone"
    assert heard(worker, beat(NOW + 2)).state == "online"


def test_a_new_process_is_known_by_its_number() -> None:
    worker = after(beat(NOW), beat(NOW + 1, pid=8))
    assert (worker.pid, worker.pid_since) == (8, NOW + 1)


def test_an_inspection_adds_what_heartbeats_do_not_tell() -> None:
    found = {"pool": "prefork", "concurrency": 4, "queues": ("media",)}
    event = Event("worker-inspected", "celery@a", "celery@a", 0, NOW, 0, NOW, found)
    worker = heard(after(beat(NOW)), event)
    assert (worker.pool, worker.concurrency, worker.queues) == ("prefork", 4, ("media",))
    assert worker.inspected_at == NOW
    assert heard(None, event) is None


@pytest.mark.parametrize("state", ["silent", "gone"])
def test_who_was_gone_before_a_restart_is_not_back_by_it(state: str) -> None:
    worker = replace(after(beat(NOW)), state=state)
    assert seen_at(worker, NOW + 600, hearing_since=NOW + 599).state == state
    back = heard(worker, beat(NOW + 601))
    assert back is not None
    assert seen_at(back, NOW + 602, hearing_since=NOW + 599).state == "online"
