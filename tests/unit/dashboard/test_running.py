"""Parts on threads."""

import logging
import queue
import threading

import pytest

from dashboard.running import Parts


class Waiting:
    """Runs until it is stopped, and notes both."""

    def __init__(self, name: str = "", notes: list[str] | None = None) -> None:
        self.name = name
        self.notes = [] if notes is None else notes
        self.ended = threading.Event()

    def run(self) -> None:
        self.ended.wait()

    def stop(self) -> None:
        self.notes.append(self.name)
        self.ended.set()


class Crashing(Waiting):
    def run(self) -> None:
        raise RuntimeError("boom")


def test_the_first_part_is_stopped_before_the_others() -> None:
    notes: list[str] = []
    parts = Parts({"a": Waiting("a", notes), "b": Waiting("b", notes)}, on_death=lambda name: None)
    parts.start()
    parts.stop()
    assert notes == ["a", "b"]
    assert parts.dead == []


def test_a_part_that_crashes_is_logged_and_told(caplog: pytest.LogCaptureFixture) -> None:
    told: queue.Queue[str] = queue.Queue()
    parts = Parts({"a": Waiting(), "b": Crashing()}, on_death=told.put)
    with caplog.at_level(logging.ERROR):
        parts.start()
        assert told.get(timeout=5) == "b"
        parts.stop()
    assert parts.dead == ["b"]
    assert "boom" in caplog.text


def test_a_part_that_returns_unasked_counts_as_dead() -> None:
    told: queue.Queue[str] = queue.Queue()
    early = Waiting()
    early.ended.set()
    parts = Parts({"a": early}, on_death=told.put)
    parts.start()
    assert told.get(timeout=5) == "a"
    parts.stop()


def test_parts_that_never_started_can_be_stopped() -> None:
    Parts({"a": Waiting()}, on_death=lambda name: None).stop()
