import json
from dataclasses import fields

from hypothesis import given

from dashboard import rows
from realtime.codec import decode, encode
from realtime.core import wire
from realtime.core.query import json_text
from realtime.core.task import Mark, Task
from realtime.core.workers import Worker
from tests.unit.dashboard.records import plain, tasks, workers


@given(tasks)
def test_a_task_comes_back_from_its_columns_exactly_as_it_was(task: Task) -> None:
    assert rows.task(rows.task_record(task, 7)) == task


@given(workers)
def test_a_worker_comes_back_from_its_columns_exactly_as_it_was(worker: Worker) -> None:
    assert rows.worker(rows.worker_record(worker, 7)) == worker


@given(tasks)
def test_a_stored_row_equals_the_row_that_was_pushed(task: Task) -> None:
    pushed = wire.task_row(task, 7)
    record = rows.task_record(task, 7)

    assert decode(encode(rows.task_row(record))) == decode(encode(pushed))
    assert rows.list_row(record[:-1]) == wire.list_row(decode(encode(pushed)))


@given(plain)
def test_arguments_are_spelt_as_the_filter_language_spells_them(value: object) -> None:
    task = Task(id="t1", first_seen_at=1.0, updated_at=1.0, args=[value], kwargs={"a": value})
    columns = dict(zip(rows.TASK_COLUMNS, rows.task_record(task, 1), strict=True))

    assert columns["args"] == json_text([value])
    assert columns["kwargs"] == json_text({"a": value})


def test_a_long_traceback_is_stored_once() -> None:
    text = "Traceback " + "x" * 10_000
    mark = Mark(1.0, 1, "failed", "celery@web1", 100, 0, {"exception": "E()", "traceback": text})
    task = Task(id="t1", first_seen_at=1.0, updated_at=1.0, marks=(mark,), traceback=text)

    journal = rows.task_record(task, 1)[rows.TASK_COLUMNS.index("journal")]

    assert len(journal) < 1.1 * len(text)


def test_every_field_of_a_task_is_stored() -> None:
    task = Task(id="t1", first_seen_at=1.0, updated_at=1.0)
    journal = json.loads(rows.task_record(task, 1)[-1])

    assert {field.name for field in fields(Task)} <= {*rows.TASK_COLUMNS, *journal}
