"""Names of receivers on one machine."""

import subprocess
import sys
from pathlib import Path

import pytest

from dashboard import nodes

NAME = "from dashboard.nodes import node_id; print(node_id(), flush=True); input()"


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))


def test_a_second_receiver_has_another_name_and_a_restart_the_same() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", NAME], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        first = other.stdout.readline().strip()
        assert nodes.node_id() != first
        other.communicate("\n")
    assert nodes.node_id() == first


def test_receivers_of_another_broker_or_database_count_by_themselves() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", NAME], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        first = other.stdout.readline().strip()
        elsewhere = nodes.node_id("amqp://elsewhere//")
        other.communicate("\n")
    assert (first[-2:], elsewhere[-2:]) == ("-1", "-1")
    assert first != elsewhere


def test_no_free_name_is_said_with_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "MAX_ON_ONE_MACHINE", 0)
    with pytest.raises(nodes.NoNodeName, match="HEADWAY_NODE_ID"):
        nodes.node_id()
