"""Rows tell what a viewer may read, and nothing else."""

from realtime.core.events import Event, parse
from realtime.core.lifecycle import fold
from realtime.core.wire import HEAVY_FIELDS, Row, list_row, project, task_row

SECRET = "tiger"


def row() -> Row:
    base = {"uuid": "u", "hostname": "celery@a", "pid": 7, "clock": 1}
    raws = [
        {**base, "type": "task-received", "timestamp": 1.0, "retries": 0, "name": "shop.pay",
         "args": f"('{SECRET}',)", "kwargs": f"{{'a': '{SECRET}'}}"},
        {**base, "type": "task-failed", "timestamp": 2.0, "exception": f"E('{SECRET}')",
         "traceback": f"Traceback {SECRET}"},
    ]  # fmt: skip
    events = [parse(raw, 3.0) for raw in raws]
    return task_row(fold(None, [e for e in events if isinstance(e, Event)], 3.0), revision=9)


def test_a_row_carries_its_revision_and_its_attempts() -> None:
    full = row()
    assert full["revision"] == 9
    assert [attempt["outcome"] for attempt in full["attempts"]] == ["failed"]
    assert [error["exception"] for error in full["errors"]] == [f"E('{SECRET}')"]


def test_what_is_hidden_is_told_nowhere_in_the_row() -> None:
    everything = {"args", "kwargs", "result", "exception", "traceback"}
    assert SECRET not in repr(project(row(), everything))
    assert SECRET not in repr(list_row(row(), everything))


def test_each_hidden_field_hides_only_itself() -> None:
    seen = project(row(), {"traceback"})
    assert seen["exception"] == f"E('{SECRET}')"
    assert seen["errors"][0]["traceback"] is None


def test_hiding_changes_no_row_that_others_see() -> None:
    full = row()
    project(full, {"exception", "traceback"})
    assert full == row()


def test_list_rows_never_carry_what_is_heavy() -> None:
    assert not HEAVY_FIELDS & list_row(row()).keys()
