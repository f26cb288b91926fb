"""Probes measure the way through the broker and tell when it is blocked."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery

from realtime import probe as module
from realtime.probe import KIND, Probe
from realtime.testing import AT, FakeClock


class Dispatcher:
    """Keeps what is sent, and stops the probe when that was enough."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.error: Exception | None = None

    def send(self, kind: str, **fields: Any) -> None:
        assert kind == KIND
        self.sent.append(fields)
        if self.error is not None:
            raise self.error


class Mailbox:
    def __init__(self) -> None:
        self.asked: list[object] = []

    def abcast(self, command: str) -> None:
        self.asked.append(command)

    def cast(self, hostnames: list[str], command: str) -> None:
        self.asked.append((command, hostnames))


class Bench:
    """A probe that is sent by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = FakeClock()
        self.dispatcher = Dispatcher()
        self.mailbox = Mailbox()
        app = Celery("tests", broker="memory://", set_as_current=False)
        self.probe = Probe(app, node_id="n1", clock=self.clock)
        monkeypatch.setattr(app.events, "Dispatcher", lambda *_, **__: self.dispatcher)
        monkeypatch.setattr(module.broker, "mailbox", lambda *_: self.mailbox)
        monkeypatch.setattr(self.probe, "_pause", lambda _: self.probe.stop())

    def send(self) -> dict[str, Any]:
        self.probe._is_stopping = False
        with module.broker.connection(self.probe._app) as link:
            self.probe._send(link, module.Backoff())
        return self.dispatcher.sent[-1]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    return Bench(monkeypatch)  # type: ignore[return-value]


def test_the_way_back_is_the_lag(bench: Bench) -> None:
    assert bench.probe.lag_ms(AT) is None
    sent = bench.send()
    assert (sent["node_id"], sent["sent_at"]) == ("n1", AT)
    assert bench.probe.returned(sent, AT + 0.04)
    assert bench.probe.lag_ms(AT + 0.1) == 40
    assert bench.probe.waiting_since() is None


def test_a_probe_that_is_late_counts_as_long_as_it_is_late(bench: Bench) -> None:
    bench.probe.returned(bench.send(), AT)
    bench.clock.advance(1)
    bench.send()
    assert bench.probe.waiting_since() == AT + 1
    assert bench.probe.lag_ms(AT + 1.5) == 0
    assert bench.probe.lag_ms(AT + 4) == 3_000


def test_a_later_probe_settles_those_before_it(bench: Bench) -> None:
    bench.send()
    second = bench.send()
    assert bench.probe.returned(second, AT)
    assert bench.probe.waiting_since() is None


def test_probes_of_others_and_of_a_run_before_are_not_ours(bench: Bench) -> None:
    sent = bench.send()
    assert not bench.probe.returned({**sent, "run_id": "another"}, AT)
    assert not bench.probe.returned({**sent, "number": [1]}, AT)
    assert not bench.probe.returned({"type": KIND}, AT)
    assert bench.probe.returned(sent, AT)
    assert not bench.probe.returned(sent, AT)


def test_a_probe_that_could_not_be_sent_is_not_awaited(bench: Bench) -> None:
    bench.dispatcher.error = ConnectionResetError(104, "Connection reset by peer")
    with pytest.raises(ConnectionResetError):
        bench.send()
    assert bench.probe.waiting_since() is None


def test_what_is_remembered_of_probes_is_bounded(bench: Bench) -> None:
    for _ in range(module.MAX_UNDERWAY + 5):
        bench.clock.advance(1)
        bench.send()
    assert len(bench.probe._underway) == module.MAX_UNDERWAY


def test_events_are_switched_on_at_first_and_every_minute(bench: Bench) -> None:
    bench.probe.ask_all()
    bench.send()
    assert bench.mailbox.asked == ["enable_events", "heartbeat"]
    bench.clock.advance(59)
    bench.send()
    assert len(bench.mailbox.asked) == 2
    bench.clock.advance(1)
    bench.send()
    assert bench.mailbox.asked[2:] == ["enable_events"]


def test_a_worker_that_is_new_is_asked_alone(bench: Bench) -> None:
    bench.probe.ask_all()
    bench.send()
    bench.probe.ask("b")
    bench.probe.ask("a")
    bench.send()
    assert bench.mailbox.asked[2:] == [("enable_events", ["a", "b"])]


def test_nobody_is_asked_where_that_is_switched_off(bench: Bench) -> None:
    bench.probe._enable_events = False
    bench.probe.ask_all()
    bench.probe.ask("a")
    bench.send()
    assert bench.mailbox.asked == []


def test_an_unreachable_broker_is_said_once_and_does_not_end_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = Celery("tests", broker="redis://:hunter2@127.0.0.1:1/0", set_as_current=False)
    probe = Probe(app, node_id="n1", clock=FakeClock())
    failures: list[str | None] = []

    def pause(_: float) -> None:
        failures.append(probe.failure)
        if len(failures) == 3:
            probe.stop()

    probe._pause = pause  # type: ignore[method-assign]
    thread = threading.Thread(target=probe.run)
    thread.start()
    thread.join(20)
    assert len(failures) == 3
    assert all(failure and "Connection refused" in failure for failure in failures)
    assert len(caplog.records) == 1
    assert "hunter2" not in caplog.text
