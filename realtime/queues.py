"""How many messages wait in which queue, as the broker itself tells.

Asked on a thread and a connection of their own, and only while this receiver leads: a broker that
hangs or is away delays nothing but the next answer.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Protocol

from celery import Celery

from realtime import broker
from realtime.core.events import Event, is_id
from realtime.core.watched import Reading
from realtime.inbox import Inbox
from realtime.ports import Delivery
from realtime.watching import MAX_NAMES, QUEUES

logger = logging.getLogger(__name__)

ASK_EVERY_S = 5.0
LOOK_EVERY_S = 0.5
"""How soon a receiver that begins to lead asks for the first time."""
REFUSED_EVERY_S = 60.0
"""A queue that RabbitMQ has not is asked for less often: its log gets an error each time."""

NO_QUEUE = "this queue does not exist"
NOT_TOLD = "this broker does not tell"
_NOT_FOUND = 404


class Meter(Protocol):
    """Asks one kind of broker over one connection."""

    def read(self, names: Sequence[str], now: float) -> Iterator[Reading]:
        """A reading of each queue; the transport's own errors come through."""
        ...


class QueueWatch:
    """Asks every `ASK_EVERY_S` for the queues of the configuration and those that `names` tells.

    Each answer goes to the inbox as one Event. `is_leading` says whether this receiver is to ask.
    """

    def __init__(
        self,
        app: Celery,
        inbox: Inbox,
        *,
        names: Callable[[], Collection[str]],
        is_leading: Callable[[], bool],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._app = app
        self._inbox = inbox
        self._names = names
        self._is_leading = is_leading
        self._clock = clock
        self._stopping = threading.Event()
        self._link: Any = None
        self._meter: Meter | None = None
        self._refused: dict[str, tuple[float, str]] = {}
        self._trouble: str | None = None
        self._asked_at = 0.0

    def stop(self) -> None:
        """Ask `run` to return."""
        self._stopping.set()

    def run(self) -> None:
        """Ask until `stop`; the broker may come and go."""
        while not self._stopping.wait(LOOK_EVERY_S):
            if not self._is_leading():
                self._disconnect()
                continue
            now = self._clock()
            if not 0 <= now - self._asked_at < ASK_EVERY_S:
                self._asked_at = now
                self.ask()
        self._disconnect()

    def ask(self) -> None:
        """Ask once, and hand over what was found."""
        names = self._wanted()
        try:
            readings = tuple(self._read(names))
            self._note(None)
        except Exception as error:  # noqa: BLE001 - a transport raises what it likes
            self._disconnect()
            why = broker.reason(error)
            self._note(why)
            readings = tuple(Reading(name, error=why) for name in names)
        now = self._clock()
        event = Event(QUEUES, "", "", 0, now, 0, now, {"queues": readings})
        self._inbox.put(Delivery((event,), now, None))

    def _wanted(self) -> list[str]:
        """The configuration's first: they are there even while nobody speaks of them."""
        ours: list[str] = []
        # What a host put there may be no queues at all; others are asked for all the same.
        with contextlib.suppress(Exception):
            ours = [name for name in configured(self._app) if is_id(name)]
        others = sorted(name for name in self._names() if is_id(name))
        return list(dict.fromkeys(ours + others))[:MAX_NAMES]

    def _read(self, names: Sequence[str]) -> list[Reading]:
        if self._meter is not None:
            # It may have died since, which says nothing about the broker now.
            with contextlib.suppress(Exception):
                return list(self._meter.read(names, self._clock()))
            self._disconnect()
        return list(self._connect().read(names, self._clock()))

    def _connect(self) -> Meter:
        # Without heartbeats, because between two questions nobody would read them.
        self._link = broker.connection(self._app).clone(heartbeat=0)
        make = _METERS.get(self._link.get_transport_cls().driver_type)
        if make is None:
            return _Silent()
        broker.connect(self._link)
        self._meter = make(self._link, self._refused)
        return self._meter

    def _disconnect(self) -> None:
        link, self._link, self._meter = self._link, None, None
        if link is not None:
            with contextlib.suppress(Exception):
                link.release()

    def _note(self, trouble: str | None) -> None:
        """Once each time it begins: the rows tell it as long as it lasts."""
        if trouble is not None and trouble != self._trouble:
            logger.info("Queues cannot be read: %s", trouble, extra={"action": "queues_unread"})
        self._trouble = trouble


def configured(app: Celery) -> list[str]:
    """The queues that the configuration names: `task_queues`, the default one, and those of
    `task_routes` where it is a plain mapping."""
    names: list[object] = list(app.amqp.queues)
    routes = app.conf.task_routes
    for told in routes if isinstance(routes, list | tuple) else (routes,):
        for route in told.values() if isinstance(told, Mapping) else ():
            queue = route.get("queue") if isinstance(route, Mapping) else route
            names.append(getattr(queue, "name", queue))
    return list(dict.fromkeys(name for name in names if isinstance(name, str)))


class _Redis:
    """A queue is one list for each priority step, under kombu's own key names."""

    def __init__(self, link: Any, refused: object) -> None:
        self._channel = link.channel()

    def read(self, names: Sequence[str], now: float) -> Iterator[Reading]:
        steps = [int(step) for step in self._channel.priority_steps]
        with self._channel.conn_or_acquire() as client:
            # kombu's own client puts `global_keyprefix` in front.
            asked = client.pipeline(transaction=False)
            for name in names:
                for step in steps:
                    asked.llen(self._key(name, step))
            told = asked.execute(raise_on_error=False)
        for n, name in enumerate(names):
            yield _of_lists(name, steps, told[n * len(steps) : (n + 1) * len(steps)], now)

    def _key(self, name: str, step: int) -> str:
        return f"{name}{self._channel.sep}{step}" if step else name


def _of_lists(name: str, steps: Sequence[int], told: Sequence[object], now: float) -> Reading:
    """The reading of the lengths of a queue's lists; an error in place of one is the queue's."""
    depths: dict[int, int] = {}
    for step, length in zip(steps, told, strict=True):
        if not isinstance(length, int):
            why = broker.reason(length) if isinstance(length, Exception) else NOT_TOLD
            return Reading(name, now, error=why)
        depths[step] = length
    by_priority = {str(step): depth for step, depth in depths.items() if depth}
    is_plain = by_priority.keys() <= {"0"}
    return Reading(name, now, sum(depths.values()), None, None if is_plain else by_priority)


class _Amqp:
    """A passive declaration tells depth and consumers; for a queue that is not there the broker
    closes the channel, so the next one gets a new channel."""

    def __init__(self, link: Any, refused: dict[str, tuple[float, str]]) -> None:
        self._link = link
        self._channel: Any = None
        self._refused = refused

    def read(self, names: Sequence[str], now: float) -> Iterator[Reading]:
        for name in [name for name in self._refused if name not in names]:
            del self._refused[name]
        for name in names:
            at, why = self._refused.get(name, (0.0, ""))
            if why and 0 <= now - at < REFUSED_EVERY_S:
                yield Reading(name, now, error=why)
            else:
                yield self._declared(name, now)

    def _declared(self, name: str, now: float) -> Reading:
        self._refused.pop(name, None)
        if self._channel is None:
            self._channel = self._link.channel()
        try:
            told = self._channel.queue_declare(name, passive=True)
        except self._link.channel_errors as error:
            channel, self._channel = self._channel, None
            with contextlib.suppress(Exception):
                channel.close()
            is_missing = getattr(error, "reply_code", None) == _NOT_FOUND
            why = NO_QUEUE if is_missing else broker.reason(error)
            self._refused[name] = (now, why)
            return Reading(name, now, error=why)
        return Reading(name, now, told.message_count, told.consumer_count)


class _Memory:
    """kombu's transport within one process."""

    def __init__(self, link: Any, refused: object) -> None:
        self._link = link
        self._channel = link.channel()

    def read(self, names: Sequence[str], now: float) -> Iterator[Reading]:
        for name in names:
            try:
                told = self._channel.queue_declare(name, passive=True)
            except self._link.channel_errors:
                yield Reading(name, now, error=NO_QUEUE)
            else:
                yield Reading(name, now, told.message_count)


class _Silent:
    """A transport that has no question for it which every version answers alike."""

    def read(self, names: Sequence[str], now: float) -> Iterator[Reading]:
        return (Reading(name, error=NOT_TOLD) for name in names)


_METERS: Mapping[str, Callable[[Any, dict[str, tuple[float, str]]], Meter]] = {
    "redis": _Redis,
    "amqp": _Amqp,
    "memory": _Memory,
}
