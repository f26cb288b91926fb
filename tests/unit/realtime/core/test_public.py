"""Public rows: what people who wait are shown, and that nothing else of a task ever leaves."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.core import wire
from realtime.core.public import (
    EXPECTED_S,
    Expected,
    Shown,
    Usual,
    group_row,
    message,
    reference,
    split,
    task_row,
)
from realtime.core.task import Task
from realtime.core.wire import Row

ID = "9d3f0c6e-1111-4222-8333-444455556666"
NOW = 1_795_000_000.0
ALL = Shown(has_result=True, actions=frozenset({"cancel", "retry"}))
OF_BOTH = {"subject", "id", "label", "status", "conclusion", "progress", "eta_seconds"}
OF_BOTH |= {"elapsed_seconds", "is_vouched", "note", "can", "updated_at", "revision"}
FIELDS = OF_BOTH | {"queue_position", "usual_seconds", "attempt", "retry_in", "starts_in"}
FIELDS |= {"error", "result"}
GROUP_FIELDS = OF_BOTH | {"counts", "at_least"}


def row(**fields: Any) -> Row:
    """A whole row as it is stored."""
    task = Task(id=ID, first_seen_at=NOW - 60, updated_at=NOW - 1)
    return wire.task_row(task, 7) | {"status": "running", "sent_at": NOW - 60} | fields


def made(held: Row | None = None, expected: Expected | None = None, **options: Any) -> Any:
    shown = options.pop("shown", Shown())
    return task_row(held, expected, shown, NOW, id=ID, **options)


def group(held: Row | None = None, expected: Expected | None = None, **options: Any) -> Any:
    shown = options.pop("shown", Shown())
    return group_row(held, expected, shown, NOW, id="g1", **options)


def test_a_row_has_these_fields_and_no_other() -> None:
    assert set(made(row())) == set(made()) == FIELDS
    assert set(group({"status": "running"})) == set(group()) == GROUP_FIELDS


def test_nothing_that_is_planted_in_any_field_leaves() -> None:
    planted = dict.fromkeys(wire.TASK_FIELDS, "amqp://me:SECRET@broker")
    numbers = dict.fromkeys(("first_seen_at", "sent_at", "received_at", "started_at"), NOW)
    numbers |= dict.fromkeys(("finished_at", "retry_at", "eta", "updated_at"), NOW)
    told = {"id": ID, "runtime": 1.0, "retries": 0, "label": None}
    hidden: Row = {"errors": ["SECRET"], "attempts": ["SECRET"], "new": "SECRET"}
    for status, conclusion in [
        ("running", None),
        ("queued", None),
        ("completed", "failed"),
        ("completed", "succeeded"),
        ("completed", "lost"),
        ("SECRET-free", "SECRET"),
    ]:
        held = {**planted, **numbers, **told, **hidden, "status": status, "conclusion": conclusion}
        held["progress"] = {"current": 1, "more": "SECRET", "updated_at": "SECRET"}
        held["revision"] = 3
        assert "SECRET" not in json.dumps(made(held))
        assert "SECRET" not in json.dumps(group({**held, "total": 3}))


@given(st.dictionaries(st.text(max_size=10), st.just("SECRET")))
def test_fields_that_are_not_known_never_leave(more: dict[str, str]) -> None:
    known = FIELDS | GROUP_FIELDS | set(wire.TASK_FIELDS)
    held = row() | {name: value for name, value in more.items() if name not in known}
    assert "SECRET" not in str(made(held))


def test_a_task_that_nobody_vouched_for_was_never_seen() -> None:
    found = made()
    assert (found["status"], found["note"], found["is_vouched"]) == ("unknown", "never_seen", False)
    assert (found["id"], found["subject"], found["revision"]) == (ID, f"task:{ID}", 0)


def test_what_was_handed_over_waits_for_ten_minutes_and_is_then_without_news() -> None:
    fresh = made(None, Expected(NOW - EXPECTED_S + 1))
    late = made(None, Expected(NOW - EXPECTED_S))
    assert (fresh["status"], fresh["note"]) == ("queued", "handed_over")
    assert (late["status"], late["note"]) == ("unknown", "no_news")
    assert fresh["is_vouched"] is late["is_vouched"] is True
    assert fresh["elapsed_seconds"] == EXPECTED_S - 1


def test_a_stored_task_without_an_event_of_its_own_waits_when_it_was_vouched_for() -> None:
    unknown = row(status="unknown", sent_at=None)
    assert made(unknown, Expected(NOW))["status"] == "queued"
    assert made(unknown)["note"] == "never_seen"


def test_a_task_that_is_queued_for_certain_has_no_note() -> None:
    assert made(row(status="queued"))["note"] is None
    assert made(row(status="queued", sent_at=None))["note"] == "handed_over"


def test_who_is_blind_says_so_of_what_is_not_over() -> None:
    assert made(row(), is_blind=True)["note"] == "blind"
    over = row(status="completed", conclusion="succeeded")
    assert made(over, is_blind=True)["note"] is None
    assert group({"status": "running"}, is_blind=True)["note"] == "blind"


def test_times_are_seconds_from_now() -> None:
    retrying = made(row(status="retrying", retry_at=NOW + 12.34, retries=1))
    scheduled = made(row(status="scheduled", eta=NOW - 3))
    running = made(row(started_at=NOW - 8.26), left=4.44, usual=Usual(40, 55, 45))
    assert (retrying["retry_in"], retrying["attempt"]) == (12.3, 2)
    assert scheduled["starts_in"] == 0
    assert (running["elapsed_seconds"], running["eta_seconds"]) == (8.3, 4.4)
    assert running["usual_seconds"] == [40, 55]


def test_what_is_over_has_no_estimate() -> None:
    over = row(status="completed", conclusion="succeeded", started_at=NOW - 30, runtime=12.5)
    found = made(over, left=3.0, usual=Usual(1, 2, 1.5), place=4)
    assert (found["eta_seconds"], found["usual_seconds"], found["queue_position"]) == (None,) * 3
    assert found["elapsed_seconds"] == 12.5


def test_a_place_in_line_is_of_those_who_wait() -> None:
    assert made(row(status="queued"), place=4)["queue_position"] == 4
    assert made(row(status="running"), place=4)["queue_position"] is None


def test_the_result_needs_a_grant_and_a_success() -> None:
    done = row(status="completed", conclusion="succeeded", result="'x.png'")
    failed = row(status="completed", conclusion="failed", result="'x.png'")
    assert made(done, shown=ALL)["result"] == "'x.png'"
    assert made(done)["result"] is None
    assert made(failed, shown=ALL)["result"] is None
    assert made(row(result="'x.png'"), shown=ALL)["result"] is None


@pytest.mark.parametrize(
    ("fields", "can"),
    [
        ({}, ["cancel"]),
        ({"status": "completed", "conclusion": "failed"}, ["retry"]),
        ({"status": "completed", "conclusion": "succeeded"}, []),
        ({"status": "completed", "conclusion": "cancelled"}, []),
    ],
)
def test_what_can_be_done_is_what_is_granted_and_makes_sense(fields: Row, can: list[str]) -> None:
    assert made(row(**fields), shown=ALL)["can"] == can
    assert made(row(**fields))["can"] == []


def test_the_tokens_label_comes_before_the_tasks_own() -> None:
    assert made(row(label="own"), shown=Shown(label="shown"))["label"] == "shown"
    assert made(row(label="own"))["label"] == "own"


def test_an_error_is_a_safe_text_and_a_reference() -> None:
    failed = row(status="completed", conclusion="failed", exception="PublicError('Only images.')")
    assert made(failed)["error"] == {"message": "Only images.", "reference": "HW-9D3F-0C6E"}
    failed["exception"] = "ValueError('postgres://me:pw@db')"
    assert made(failed)["error"] == {"message": None, "reference": "HW-9D3F-0C6E"}
    assert made(row(exception="PublicError('x')"))["error"] is None
    lost = row(status="completed", conclusion="lost", exception="PublicError('x')")
    assert made(lost)["error"]["message"] is None


@pytest.mark.parametrize(
    ("exception", "said"),
    [
        ("PublicError('Only images.')", "Only images."),
        ('PublicError("It\'s broken.")', "It's broken."),
        ("uploads.errors.PublicError('Too large.')", "Too large."),
        ("PublicError(404, 'No such file.')", "No such file."),
        ("PublicError('one', 'two')", "one"),
        ("PublicError('tab\\tand\\nline \\xe9 \\u20ac')", "tab and line é €"),
        ("PublicError('half \\ud800')", "half ?"),
        ("PublicError('cut off by Cel", "cut off by Cel"),
        ("PublicError('" + "x" * 5000 + "')", "x" * 300),
        ("PublicError()", None),
        ("PublicError('')", None),
        ("PublicError(key)", None),
        ("PublicError", None),
        ("NotPublicError('x')", None),
        ("ValueError(PublicError('x'))", None),
        ("PublicErrors('x')", None),
        ("", None),
        (None, None),
        (5, None),
        ("PublicError: message", None),
        ("PublicError('\\N{BULLET} x')", None),
        ("PublicError('\\", None),
    ],
)
def test_only_the_first_text_of_a_public_error_is_shown(exception: object, said: str) -> None:
    assert message(exception) == said


def test_a_host_names_its_own_public_errors() -> None:
    assert message("UserError('x')", ("UserError",)) == "x"
    assert message("PublicError('x')", ("UserError",)) is None


@given(st.text(max_size=400))
def test_any_exception_text_is_taken(text: str) -> None:
    for exception in (text, f"PublicError('{text}", f"PublicError({text!r})"):
        said = message(exception)
        assert said is None or (len(said) <= 300 and said.encode())


@given(st.text(min_size=1, max_size=200, alphabet=st.characters(exclude_categories=["Cs"])))
def test_what_python_prints_is_read_as_it_was_said(text: str) -> None:
    said = message(f"PublicError({text!r})")
    assert said == (" ".join(text.split()) or None)


@pytest.mark.parametrize(
    ("id_", "told"),
    [(ID, "HW-9D3F-0C6E"), ("9d3f0c6e", "HW-9D3F-0C6E"), ("nightly", None), ("9D3F0C6E", None)],
)
def test_a_reference_is_the_beginning_of_the_id(id_: str, told: str | None) -> None:
    assert reference(id_) == told


def test_progress_is_the_tasks_own_words() -> None:
    told = {"current": 3.0, "total": 9.0, "percent": 33.3, "unit": "rows", "message": "row 3"}
    progress = made(row(progress={**told, "stage": "a", "stages": ["a", "b"], "updated_at": 1}))
    assert progress["progress"] == {**told, "stage": "a", "stages": ["a", "b"]}
    assert made(row())["progress"] is None


def test_a_group_counts_what_is_over() -> None:
    counts = {"succeeded": 7, "failed": 1, "cancelled": 1, "running": 2, "waiting": 1}
    found = group({"status": "running", "total": 12, "percent": 80.0, **counts}, left=9.0)
    assert found["counts"] == counts
    assert (found["progress"]["current"], found["progress"]["total"]) == (9, 12)
    assert (found["progress"]["percent"], found["eta_seconds"]) == (80.0, 9.0)
    assert found["at_least"] is None


def test_a_group_without_a_total_is_at_least_its_known_members_and_has_no_percent() -> None:
    found = group({"status": "running", "total": None, "percent": 50.0, "running": 3})
    assert (found["at_least"], found["progress"]["percent"]) == (3, None)


@pytest.mark.parametrize(("age", "note"), [(0.0, "handed_over"), (EXPECTED_S, "no_news")])
def test_a_group_of_which_only_its_size_is_known_is_not_on_its_way_for_ever(
    age: float, note: str
) -> None:
    held: Row = {"status": "queued", "total": 3, "parts": 0, "first_seen_at": NOW - age}
    assert group(held)["note"] == note
    assert group(held, Expected(NOW - age, 3))["note"] == note


def test_a_group_that_was_handed_over_waits_whole() -> None:
    found = group(None, Expected(NOW, 12))
    assert (found["status"], found["note"]) == ("queued", "handed_over")
    assert (found["counts"]["waiting"], found["progress"]["percent"]) == (12, 0.0)


def test_the_larger_total_counts() -> None:
    assert group({"status": "running", "total": 3}, Expected(NOW, 5))["progress"]["total"] == 5


@pytest.mark.parametrize(
    ("subject", "parts"),
    [
        ("task:a", ("task", "a")),
        ("group:a:b", ("group", "a:b")),
        ("task:", None),
        ("task", None),
        ("worker:a", None),
        ("", None),
        ("task:" + "x" * 256, None),
        (None, None),
        (["task:a"], None),
    ],
)
def test_a_subject_is_a_task_or_a_group(subject: object, parts: object) -> None:
    assert split(subject) == parts
