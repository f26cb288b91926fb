"""What brokers answer becomes readings; one that does not answer is told as such."""

import uuid
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from kombu import Connection, Queue
from kombu.exceptions import ChannelError

from realtime import queues
from realtime.core.watched import Reading
from realtime.inbox import Inbox
from realtime.queues import NO_QUEUE, NOT_TOLD, REFUSED_EVERY_S, QueueWatch
from realtime.testing import AT, FakeClock


def watch(app: Celery, *names: str, clock: FakeClock | None = None) -> QueueWatch:
    return QueueWatch(
        app,
        Inbox(),
        names=lambda: names,
        is_leading=lambda: True,
        clock=clock or FakeClock(),
    )


def asked(made: QueueWatch) -> dict[str, Reading]:
    made.ask()
    (delivery,) = made._inbox.take(10)
    (event,) = delivery.events
    return {reading.name: reading for reading in event.fields["queues"]}  # type: ignore[attr-defined]


def test_the_configuration_names_queues_in_three_places() -> None:
    app = Celery(broker="memory://", set_as_current=False)
    app.conf.task_default_queue = "usual"
    app.conf.task_queues = [Queue("usual"), Queue("fast")]
    app.conf.task_routes = [
        {"shop.*": {"queue": "shop"}, "mail": "post", "x": {"queue": Queue("objects")}},
        lambda *_: {"queue": "unknowable"},
        {"odd": {"priority": 3}, "odder": None},
    ]
    assert queues.configured(app) == ["usual", "fast", "shop", "post", "objects"]


def test_an_app_that_configures_nothing_has_its_default_queue() -> None:
    assert queues.configured(Celery(broker="memory://", set_as_current=False)) == ["celery"]


def test_a_configuration_that_cannot_be_read_hides_no_other_queue() -> None:
    app = Celery(broker="memory://", set_as_current=False)
    app.conf.task_queues = 7
    assert watch(app, "told")._wanted() == ["told"]


def test_a_name_that_no_store_holds_is_not_asked_for_and_their_number_is_bounded() -> None:
    app = Celery(broker="memory://", set_as_current=False)
    made = watch(app, "good", "\x00", "x" * 256, *(f"q{n:04}" for n in range(600)))
    wanted = made._wanted()
    assert wanted[:2] == ["celery", "good"]
    assert len(wanted) == queues.MAX_NAMES


def test_the_memory_transport_tells_how_many_wait_and_which_queue_is_not_there() -> None:
    full, missing = f"full-{uuid.uuid4()}", f"missing-{uuid.uuid4()}"
    app = Celery(broker="memory://", set_as_current=False)
    with Connection("memory://") as link:
        queue = link.SimpleQueue(full)
        queue.put("a")
        queue.put("b")
        found = asked(watch(app, full, missing))
        queue.clear()
        queue.close()
    assert found[full] == Reading(full, AT, 2)
    assert found[missing] == Reading(missing, AT, error=NO_QUEUE)


def test_another_broker_says_that_it_does_not_tell(tmp_path: Any) -> None:
    app = Celery(broker="filesystem://", set_as_current=False)
    assert asked(watch(app)) == {"celery": Reading("celery", error=NOT_TOLD)}


def test_a_broker_that_is_away_is_told_without_its_password() -> None:
    app = Celery(broker="redis://:sesame@127.0.0.1:1/0", set_as_current=False)
    (reading,) = asked(watch(app)).values()
    assert reading.measured_at is None
    assert reading.error
    assert "sesame" not in reading.error


def test_depths_by_priority_are_told_where_not_all_wait_at_the_usual_one() -> None:
    told = queues._of_lists("q", [0, 3, 6, 9], [2, 0, 5, 0], AT)
    assert told == Reading("q", AT, 7, None, {"0": 2, "6": 5})
    assert queues._of_lists("q", [0, 3], [2, 0], AT) == Reading("q", AT, 2)


def test_a_key_of_another_kind_is_the_trouble_of_one_queue() -> None:
    told = queues._of_lists("q", [0, 3], [TypeError("secret"), 0], AT)
    assert told == Reading("q", AT, error="TypeError")


class Refusing:
    """A link whose broker closes the channel over every queue but those that it has."""

    channel_errors = (ChannelError,)

    def __init__(self, **depths: int) -> None:
        self.depths = depths
        self.asked: list[str] = []
        self.channels = 0

    def channel(self) -> Any:
        self.channels += 1
        is_open = True

        def queue_declare(name: str, passive: bool) -> Any:
            nonlocal is_open
            assert is_open
            assert passive
            self.asked.append(name)
            if name not in self.depths:
                is_open = False
                error = ChannelError("NOT_FOUND")
                error.reply_code = 404
                raise error
            return SimpleNamespace(message_count=self.depths[name], consumer_count=1)

        return SimpleNamespace(queue_declare=queue_declare, close=lambda: None)


def read(meter: Any, names: Sequence[str], now: float) -> Iterator[tuple[Any, ...]]:
    return ((told.name, told.depth, told.error) for told in meter.read(names, now))


def test_a_queue_that_is_not_there_costs_a_channel_and_is_asked_for_less_often() -> None:
    link, refused = Refusing(a=1, c=3), {}
    meter = queues._Amqp(link, refused)
    names = ["a", "b", "c"]
    expected = [("a", 1, None), ("b", None, NO_QUEUE), ("c", 3, None)]
    assert list(read(meter, names, AT)) == expected
    assert list(read(meter, names, AT + 5)) == expected
    assert link.asked == ["a", "b", "c", "a", "c"]
    assert link.channels == 2
    list(read(meter, names, AT + REFUSED_EVERY_S))
    assert link.asked[5:] == ["a", "b", "c"]
    list(read(meter, ["a"], AT + REFUSED_EVERY_S))
    assert refused == {}


def test_a_connection_that_died_meanwhile_is_made_anew_before_anything_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Dying:
        def read(self, names: Sequence[str], now: float) -> Iterator[Reading]:
            raise ConnectionResetError

    made = watch(Celery(broker="memory://", set_as_current=False))
    made._meter = Dying()
    assert asked(made)["celery"].error in (None, NO_QUEUE)


def test_a_standby_asks_nothing() -> None:
    app = Celery(broker="redis://127.0.0.1:1/0", set_as_current=False)
    is_asked = []
    made: QueueWatch

    def is_leading() -> bool:
        is_asked.append(True)
        if len(is_asked) > 2:
            made.stop()
        return False

    made = QueueWatch(app, Inbox(), names=tuple, is_leading=is_leading)
    made.run()
    assert made._inbox.depth == 0
