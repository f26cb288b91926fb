"""A task is run again with its real arguments, or not at all."""

import json
import threading
from typing import Any

import pytest
from celery import Celery
from celery.utils.saferepr import saferepr

from dashboard import arguments
from dashboard.arguments import NoArguments
from realtime.core.events import arguments as parsed


def app(backend: str | None = "cache+memory://", **options: Any) -> Celery:
    made = Celery("test", broker="memory://", backend=backend, set_as_current=False)
    made.conf.update(options)
    return made


def found(meta: object, **options: Any) -> arguments.Arguments | None:
    """What is found where the backend stored this."""
    made = app(**options)
    backend: Any = made.backend
    value = meta if isinstance(meta, bytes) else json.dumps(meta).encode()
    key = backend.get_key_for_task("a")
    backend.set(key, value)
    try:
        with arguments.stored(made) as stored:
            return stored.arguments("a")
    finally:
        # The memory of this backend is one for the whole process.
        backend.delete(key)


def refused(args: object, kwargs: object) -> str:
    with pytest.raises(NoArguments) as raised:
        arguments.of_row({"args": args, "kwargs": kwargs})
    return str(raised.value)


def test_the_backend_has_what_result_extended_stored() -> None:
    meta = {"args": [1, {"a": None}], "kwargs": {"b": "…"}, "name": "shop.pay", "queue": "slow"}
    assert found(meta) == ([1, {"a": None}], {"b": "…"}, "shop.pay", "slow")


@pytest.mark.parametrize(
    "meta",
    [
        {"status": "SUCCESS", "result": 1},
        {"args": "(1, 2)", "kwargs": "{}"},
        {"args": [1], "kwargs": None},
        {"args": None, "kwargs": {}},
        [1],
        b"\x80\x05pickled",
        b"",
    ],
)
def test_anything_else_is_nothing(meta: object) -> None:
    assert found(meta) is None


def test_a_date_comes_back_to_the_worker_as_it_left() -> None:
    marked = {"__type__": "datetime", "__value__": "2026-11-21T10:00:00"}
    own = {"__type__": "money", "__value__": "7 EUR"}
    call = found({"args": [marked, own], "kwargs": {}})
    assert call is not None
    assert call.args == [marked, own]


def test_where_tasks_are_not_json_a_date_is_a_date() -> None:
    marked = {"__type__": "datetime", "__value__": "2026-11-21T10:00:00"}
    call = found({"args": [marked], "kwargs": {}}, task_serializer="yaml")
    assert call is not None
    assert str(call.args[0]) == "2026-11-21 10:00:00"


def test_pickled_results_are_never_loaded() -> None:
    assert found({"args": [1], "kwargs": {}}, result_serializer="pickle") is None


@pytest.mark.parametrize("backend", [None, "rpc://", "nosuch://", "no.such:Backend"])
def test_other_backends_have_nothing(backend: str | None) -> None:
    with arguments.stored(app(backend)) as stored:
        assert stored.arguments("a") is None


def test_a_backend_that_is_away_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = app()
    asked = []

    def get(key: object) -> None:
        asked.append(key)
        raise ConnectionError("hunter2")

    monkeypatch.setattr(made.backend, "get", get)
    with arguments.stored(made) as stored:
        assert stored.arguments("a") is None
        assert stored.arguments("b") is None
    assert len(asked) == 1


def test_a_backend_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    made, answer = app(), threading.Event()
    monkeypatch.setattr(arguments, "TIMEOUT_S", 0.01)
    monkeypatch.setattr(arguments, "_reads", threading.BoundedSemaphore(2))
    asked = []

    def get(key: object) -> None:
        asked.append(key)
        answer.wait(20)

    monkeypatch.setattr(made.backend, "get", get)
    for _ in range(3):
        with arguments.stored(made) as stored:
            assert stored.arguments("a") is None
    assert len(asked) == 2  # no third thread is left waiting
    answer.set()


def test_parsed_data_will_do() -> None:
    assert arguments.of_row({"args": [1, "a"], "kwargs": {"b": [2.5]}})[:2] == (
        [1, "a"],
        {"b": [2.5]},
    )


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [(None, {}), ([], None), ("(<Order 7>,)", {}), ([], "{'a': <Order 7>}"), (["cut…"], {})],
)
def test_what_is_not_known_whole_will_not(args: object, kwargs: object) -> None:
    assert refused(args, kwargs) == "no_arguments"


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        ("[redacted]", {}),
        ([], "[redacted]"),
        ([1, "[redacted]"], {}),
        ([], {"a": {"b": ["[redacted]"]}}),
        (["redis://user:[redacted]@host"], {}),
    ],
)
def test_what_is_redacted_will_not(args: object, kwargs: object) -> None:
    assert refused(args, kwargs) == "redacted_arguments"


@pytest.mark.parametrize(
    "value", [("a" * 2000,), ("a" * 600, "b" * 600), (["x" * 10] * 300,), ({"a": {"b": {"c": 1}}},)]
)
def test_what_celery_cut_is_never_taken_for_data(value: object) -> None:
    """`('aaa...',)` reads as a list of one text."""
    assert refused(parsed(saferepr(value, 1024), "()"), {}) == "no_arguments"
