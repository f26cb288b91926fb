"""A task's progress: found by its context, throttled, told last, and never its problem."""

import asyncio
import itertools
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from billiard.exceptions import SoftTimeLimitExceeded
from celery import Celery
from celery.app.trace import build_tracer
from kombu import pools

from realtime.backoff import Backoff
from realtime.core.events import Event, parse
from realtime.worker import Progress, headers, install, running, sender, track
from realtime.worker.context import _Published as Published
from realtime.worker.outlet import Outlet
from realtime.worker.report import LAST_WITHIN_S
from tests.services.process import ROOT, wait_until

REQUEST = {"retries": 2, "hostname": "celery@here", "delivery_info": {}, "is_eager": False}


class Broker:
    """What was published, in place of a broker."""

    def __init__(self) -> None:
        self.messages: list[list[dict[str, Any]]] = []
        self.apps: list[Celery] = []
        """Whose they were."""
        self.is_up = True

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for message in self.messages for event in message]

    def publish(self, outlet: Any, events: list[dict[str, Any]]) -> None:
        if not self.is_up:
            raise ConnectionError("refused")
        self.messages.append([outlet._whole(event) for event in events])
        self.apps.append(outlet._app)


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Broker]:
    broker = Broker()
    monkeypatch.setattr(Outlet, "send", lambda outlet, events: broker.publish(outlet, events))
    sender.sender.flush()
    sender.sender.forget()
    yield broker
    sender.sender.flush()
    sender.sender.forget()


@pytest.fixture
def app() -> Iterator[Celery]:
    app = Celery("unit", broker="memory://", backend="cache+memory://", set_as_current=False)
    yield app
    pools.reset()
    app.close()


def run(app: Celery, body: Any, task_id: str = "t1", **request: Any) -> Any:
    """Run `body` as a worker's pool does, as the task of this id."""

    def work() -> Any:
        return body()

    task = app.task(work, name=f"unit.{task_id}", shared=False)
    trace = build_tracer(task.name, task, app=app)
    result = trace(task_id, (), {}, request={**REQUEST, "id": task_id, **request})
    sender.sender.flush()
    return result.retval


def nothing() -> None:
    """Do nothing."""


def lone_step() -> None:
    """Tell one value."""
    Progress(total=1).update()


def told(broker: Broker) -> list[Event]:
    events = [parse(event, event["timestamp"]) for event in broker.events]
    assert all(isinstance(event, Event) for event in events)
    return events  # type: ignore[return-value]


def test_a_short_task_tells_only_its_last_value(app: Celery, broker: Broker) -> None:
    def body() -> list[int]:
        return list(track(range(1000), message="Counting"))

    assert run(app, body) == list(range(1000))
    (event,) = told(broker)
    assert (event.id, event.hostname) == ("t1", "celery@here")
    assert event.fields["retries"] == 2
    assert event.fields["message"] == "Counting"
    assert (event.fields["current"], event.fields["total"]) == (1000, 1000)


def test_a_long_task_tells_ten_values_a_second_at_most(app: Celery, broker: Broker) -> None:
    def body() -> None:
        progress = Progress(total=10**9)
        while len(broker.events) < 3:
            progress.update()
        progress.update()

    run(app, body)
    stamps = [event["timestamp"] for event in broker.events]
    assert len(stamps) == 4
    assert min(later - one for one, later in itertools.pairwise(stamps[:-1])) > 0.09


def test_last_values_of_many_short_tasks_share_messages(app: Celery, broker: Broker) -> None:
    task = app.task(lone_step, name="unit.short", shared=False)
    trace = build_tracer(task.name, task, app=app)
    for n in range(200):
        trace(f"t{n}", (), {}, request={**REQUEST, "id": f"t{n}"})
    sender.sender.flush()
    assert {event.id for event in told(broker)} == {f"t{n}" for n in range(200)}
    assert len(broker.messages) < 20


def test_last_values_wait_for_others_and_go_within_a_third_of_a_second(
    app: Celery, broker: Broker
) -> None:
    task = app.task(lone_step, name="unit.last", shared=False)
    trace = build_tracer(task.name, task, app=app)
    began = time.monotonic()
    for n in range(5):
        trace(f"t{n}", (), {}, request={**REQUEST, "id": f"t{n}"})
    wait_until(lambda: len(broker.events) == 5, 5)
    assert time.monotonic() - began > LAST_WITHIN_S
    assert len(broker.messages) <= 2


def test_last_values_go_with_a_message_that_is_due_anyway(app: Celery, broker: Broker) -> None:
    task = app.task(lone_step, name="unit.short", shared=False)
    trace = build_tracer(task.name, task, app=app)

    def body() -> None:
        progress = Progress(total=9)
        while not broker.messages:
            progress.update()
        trace("short", (), {}, request={**REQUEST, "id": "short"})
        while len(broker.messages) < 2:
            progress.update()

    run(app, body, task_id="long")
    assert [{event["uuid"] for event in message} for message in broker.messages[:2]] == [
        {"long"},
        {"long", "short"},
    ]


def test_values_count_until_they_are_taken_and_not_beyond_the_tasks_end(
    app: Celery, broker: Broker
) -> None:
    kept: list[Progress] = []

    def body() -> None:
        progress = Progress(total=3)
        progress.update()
        progress.update()
        kept.append(progress)

    task = app.task(body, name="unit.kept", shared=False)
    build_tracer(task.name, task, app=app)("t1", (), {}, request={**REQUEST, "id": "t1"})
    ended_at = time.time()
    kept[0].update()
    sender.sender.flush()
    (event,) = broker.events
    assert event["current"] == 2
    assert event["timestamp"] <= ended_at


def test_a_task_that_tells_nothing_makes_no_report(
    app: Celery, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "Report", None)
    assert run(app, lambda: "done") == "done"
    assert sender.sender._thread is None


def test_outside_a_task_nothing_happens(broker: Broker) -> None:
    assert list(track([1, 2])) == [1, 2]
    with Progress(total=3, stages=["one"]) as progress:
        progress.update()
        progress.set(2, total=4)
        progress.stage("one")
        progress.message("ignored")
    Progress.parent().update()
    assert sender.sender._thread is None


def test_a_task_run_eagerly_is_none_of_a_monitors(app: Celery, broker: Broker) -> None:

    def body() -> list[int]:
        return list(track([1, 2]))

    task = app.task(body, name="unit.eager", shared=False)
    assert task.apply().get() == [1, 2]
    sender.sender.flush()
    assert broker.messages == []


def test_stages_have_counts_of_their_own_and_the_list_goes_along(
    app: Celery, broker: Broker
) -> None:
    def body() -> None:
        with Progress(unit="rows", stages=["check", "write"]) as progress:
            progress.stage("check", total=2)
            progress.set(2)
            for _ in track("abc", stage="write"):
                pass

    run(app, body)
    (event,) = told(broker)
    assert event.fields["stages"] == ("check", "write")
    assert (event.fields["stage"], event.fields["current"], event.fields["total"]) == (
        "write",
        3,
        3,
    )
    assert event.fields["unit"] == "rows"


def test_a_loop_within_a_loop_leaves_the_bar_to_the_outer_one(app: Celery, broker: Broker) -> None:
    def body() -> None:
        for _ in track(range(4)):
            for _ in track(range(100), message="inner"):
                pass

    run(app, body)
    (event,) = told(broker)
    assert (event.fields["current"], event.fields["total"]) == (4, 4)
    assert event.fields["message"] == "inner"


def test_a_stage_within_a_bar_gives_the_bar_back(app: Celery, broker: Broker) -> None:
    def body() -> None:
        progress = Progress(total=2)
        list(track("abc", stage="inner"))
        progress.update()

    run(app, body)
    (event,) = told(broker)
    assert (event.fields["current"], event.fields["total"]) == (1, 2)
    assert event.fields["stage"] is None


def test_a_child_adds_to_the_count_of_its_parent(app: Celery, broker: Broker) -> None:
    def body() -> None:
        first, second = Progress.parent(), Progress.parent()
        first.update(2)
        second.update(3)

    run(app, body, parent_id="p1")
    (event,) = told(broker)
    assert (event.id, event.fields["part"], event.fields["current"]) == ("p1", "t1", 5)
    assert event.fields["retries"] is None


def test_a_task_that_retries_is_no_child_of_its_own(app: Celery, broker: Broker) -> None:
    run(app, lambda: Progress.parent().update(), parent_id="t1")
    assert broker.messages == []


def test_a_coroutine_and_a_thread_with_the_context_find_their_task(
    app: Celery, broker: Broker
) -> None:
    async def numbers() -> Any:
        for n in range(3):
            yield n

    async def work() -> None:
        async for _ in track(numbers(), total=3):
            await asyncio.sleep(0)
        await asyncio.to_thread(lambda: Progress(total=9).update(9))

    run(app, lambda: asyncio.run(work()))
    (event,) = told(broker)
    assert (event.fields["current"], event.fields["total"]) == (9, 9)


def test_two_tasks_in_two_threads_keep_apart(app: Celery, broker: Broker) -> None:
    both_run = threading.Barrier(2, timeout=10)

    def body() -> None:
        progress = Progress(total=2)
        both_run.wait()
        progress.update()

    task = app.task(body, name="unit.threads", shared=False)
    trace = build_tracer(task.name, task, app=app)

    def work(task_id: str) -> None:
        trace(task_id, (), {}, request={**REQUEST, "id": task_id})

    threads = [threading.Thread(target=work, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sender.sender.flush()
    assert {event.id: event.fields["current"] for event in told(broker)} == {"a": 1, "b": 1}


class Hostile:
    def __len__(self) -> int:
        raise OSError("no length")

    def __iter__(self) -> Iterator[int]:
        return iter((1, 2))

    def __float__(self) -> float:
        raise KeyError("no number")

    def __str__(self) -> str:
        raise KeyError("no text")


def test_values_that_make_no_sense_are_left_out_and_never_raise(
    app: Celery, broker: Broker
) -> None:
    hostile: Any = Hostile()

    def body() -> list[int]:
        progress = Progress(hostile, unit=hostile, message=hostile, stages=hostile)
        progress.update(hostile)
        progress.update(float("nan"))
        progress.set("many", total=float("inf"))  # type: ignore[arg-type]
        progress.message("\ud800" + 300 * "x")
        progress.update(4)
        return list(track(hostile))

    assert run(app, body) == [1, 2]
    (event,) = told(broker)
    assert event.fields["current"] == 4
    assert len(str(event.fields["message"])) == 200


def test_an_error_of_the_loop_and_a_soft_time_limit_reach_the_task(
    app: Celery, broker: Broker
) -> None:
    class Late:
        def __str__(self) -> str:
            raise SoftTimeLimitExceeded

    def body() -> str:
        with pytest.raises(ZeroDivisionError):
            list(track(1 // n for n in (1, 0)))
        with pytest.raises(SoftTimeLimitExceeded):
            Progress().message(Late())  # type: ignore[arg-type]
        return "went on"

    assert run(app, body) == "went on"


def test_values_wait_for_a_broker_that_is_away(
    app: Celery, broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    broker.is_up = False
    with caplog.at_level(logging.WARNING):
        run(app, lambda: Progress(total=7).update(7))
        run(app, lambda: Progress(total=8).update(8), task_id="t2")
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    broker.is_up = True
    sender.sender.flush()
    assert {event.id: event.fields["current"] for event in told(broker)} == {"t1": 7, "t2": 8}


def test_a_broker_that_is_away_holds_up_no_other_applications(
    app: Celery, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Backoff, "next_s", lambda backoff: 60.0)
    broker.is_up = False
    run(app, lambda: Progress(total=7).update(7))
    other = Celery("other", broker="memory://", set_as_current=False)
    broker.is_up = True
    context = {"uuid": "t2", "type": "task-context"}
    sender.sender.put(Published(other, context))
    wait_until(lambda: broker.events, 5)
    assert [event["uuid"] for event in broker.events] == ["t2"]
    other.close()


def test_what_waits_is_bounded_and_what_is_dropped_comes_again(
    app: Celery, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "MAX_WAITING", 0)

    def body() -> None:
        progress = Progress(total=2)
        progress.update()
        monkeypatch.setattr(sender, "MAX_WAITING", 1)
        progress.update()

    run(app, body)
    assert [event.fields["current"] for event in told(broker)] == [2]


def test_nothing_is_told_of_a_task_that_is_over(app: Celery, broker: Broker) -> None:
    kept: list[Progress] = []
    run(app, lambda: kept.append(Progress(total=5)))
    kept[0].update(5)
    sender.sender.flush()
    assert [event.fields["current"] for event in told(broker)] == [0]
    assert running.current() is None


def test_the_context_goes_out_when_a_task_is_published(app: Celery, broker: Broker) -> None:
    install(app)
    install(app)
    add = app.task(nothing, name="unit.add", shared=False)
    add.apply_async(
        task_id="t1",
        queue="slow",
        priority=3,
        time_limit=60,
        soft_time_limit=50,
        headers=headers(owner=17, label="Your photos"),
        group_id="g1",
        group_index=1,
    )
    add.apply_async(task_id="t2", group_id="g1", group_index=2)
    sender.sender.flush()
    first, second = sorted(broker.events, key=lambda event: event["uuid"])
    assert (first["queue"], first["priority"], first["time_limit"]) == ("slow", 3, 60)
    assert (first["soft_time_limit"], first["owner"], first["label"]) == (50, "17", "Your photos")
    assert (first["name"], first["group"], second["group_size"]) == ("unit.add", "g1", 3)
    event = told(broker)[0]
    assert (event.fields["owner"], event.fields["name"]) == ("17", "unit.add")


def test_another_applications_tasks_are_not_told_of(app: Celery, broker: Broker) -> None:
    install(app)
    other = Celery("other", broker="memory://", set_as_current=False)
    other.task(nothing, name="other.add", shared=False).apply_async()
    sender.sender.flush()
    assert broker.messages == []
    other.close()


def test_of_two_applications_in_a_process_each_tells_of_its_own_tasks(
    app: Celery, broker: Broker
) -> None:
    other = Celery("other", broker="memory://", set_as_current=False)
    for each in (app, other):
        install(each)
        each.task(nothing, name=f"{each.main}.add")
    for each in (app, other, app):
        each.tasks["unit.add"].apply_async(task_id=each.main)
        sender.sender.flush()
    assert broker.apps == [app, other, app]
    assert [event["uuid"] for event in broker.events] == ["unit", "other", "unit"]
    other.close()


def test_a_fault_of_the_plugin_is_not_the_publishers(
    app: Celery, broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    install(app)
    app.task(nothing, name="unit.add", shared=False).apply_async(
        headers={"headway_label": Hostile()}
    )
    assert "A task's context was not told" in caplog.text


def test_a_host_with_a_package_named_dashboard_imports_it_and_no_web_framework(
    tmp_path: Path,
) -> None:
    (tmp_path / "dashboard").mkdir()
    (tmp_path / "dashboard" / "__init__.py").write_text("is_ours = True\n")
    program = """
import sys
import dashboard
from realtime.worker import track
assert dashboard.is_ours and list(track("ab")) == ["a", "b"]
# kombu itself imports a little of Django where it is installed.
print(sorted({"django.conf", "django.db", "channels"} & set(sys.modules)))
"""
    answer = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PYTHONPATH": f"{tmp_path}:{ROOT}", "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout == "[]\n"


def test_a_forked_process_begins_with_a_sender_of_its_own(app: Celery, broker: Broker) -> None:
    run(app, lambda: Progress(total=1).update())
    wait_until(lambda: sender.sender._thread is not None, 5)
    sender.sender.forget()
    assert sender.sender._thread is None
    assert sender.sender.flush()
