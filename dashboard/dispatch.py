"""What is said to the broker: revoke these tasks, run this one. Each call is bounded in time.

Celery's own calls (`control.revoke`, `send_task`) go through the application's pools, which try
again for minutes when a broker is away, and subscribe to results that nobody here reads. The same
messages are made by the same code and published once, over a connection with timeouts.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from celery import Celery
from kombu import Exchange, Producer, Queue
from kombu.exceptions import EncodeError, KombuError
from kombu.utils.uuid import uuid

from realtime import broker


class BrokerAway(Exception):
    """The broker did not answer in time; the message says how, without secrets."""


class NotSent(Exception):
    """This one message could not be sent; others may. `reason` is a word of `reasons`."""

    def __init__(self, reason: str, more: str) -> None:
        super().__init__(more)
        self.reason = reason
        self.more = more


class Dispatch:
    """One connection to the broker of an application. Every method may raise `BrokerAway`."""

    def __init__(self, app: Celery, link: Any) -> None:
        self._app = app
        self._link = link
        self._channel: Any = None
        self._known: dict[str, bool] = {}

    def revoke(self, ids: Sequence[str], signal: str | None) -> None:
        """Tell every worker that these tasks are revoked, and with a signal to end those that
        run. Who remembers it are the workers that live now."""
        mailbox = broker.mailbox(self._app, self._link)
        order = {"task_id": list(ids), "terminate": signal is not None}
        if signal is not None:
            order["signal"] = signal
        # The message of `kombu.pidbox.Mailbox`, whose own publishing tries again for ever.
        message = {"method": "revoke", "arguments": order, "destination": None}
        with self._answering():
            self._producer().publish(
                {**message, "pattern": None, "matcher": None},
                exchange=mailbox.exchange.name,
                declare=[mailbox.exchange],
                headers={"clock": mailbox.clock.forward(), "expires": 0},
                serializer=mailbox.serializer,
                retry=False,
            )

    def send(
        self,
        name: str,
        args: Sequence[object],
        kwargs: Mapping[str, object],
        *,
        queue: str | None,
        priority: int | None,
    ) -> str:
        """Send a task to this queue, else to where the application's routes lead; its id. Raises
        `NotSent`.

        The queue is there already, with settings that only its owner knows: it is never declared,
        and a task is put into it by its name, past every exchange.
        """
        amqp: Any = self._app.amqp
        task_id = uuid()
        with self._answering():
            how = self._destination(name, args, kwargs, queue)
            # The event makes the new task known before any worker takes it.
            message = amqp.create_task_message(
                task_id, name, list(args), dict(kwargs), create_sent_event=True
            )
            if priority is not None:
                how["priority"] = priority
            amqp.send_task_message(self._producer(), name, message, retry=False, declare=[], **how)
        return task_id

    def _destination(
        self, name: str, args: Sequence[object], kwargs: Mapping[str, object], queue: str | None
    ) -> dict[str, Any]:
        if queue is None:
            router: Any = self._app.amqp.router
            route = router.route({}, name, args, kwargs)
            target = route.get("queue")
            if target is None:
                return {word: route[word] for word in ("exchange", "routing_key") if word in route}
            found = str(target.name)
        else:
            found = self._named(queue)
        if not self._is_there(found):
            raise NotSent("no_queue", found)
        return {"queue": Queue(found, Exchange(""), routing_key=found)}

    def _named(self, told: str) -> str:
        """The queue's name, where workers told its routing key."""
        queues = self._app.amqp.queues
        if told in queues:
            return told
        found = [queue.name for queue in queues.values() if queue.routing_key == told]
        return str(found[0]) if len(found) == 1 else told

    def _is_there(self, queue: str) -> bool:
        """AMQP drops silently what is sent to a queue that is not there."""
        if not broker.is_amqp(self._link):
            return True
        if queue not in self._known:
            # A refusal closes the channel that asked.
            channel = self._link.channel()
            try:
                channel.queue_declare(queue=queue, passive=True)
                channel.close()
                self._known[queue] = True
            except self._link.channel_errors:
                self._known[queue] = False
        return self._known[queue]

    def _producer(self) -> Producer:
        if self._channel is None:
            self._channel = self._link.channel()
        return Producer(self._channel, auto_declare=False)

    @contextlib.contextmanager
    def _answering(self) -> Iterator[None]:
        link = self._link
        try:
            yield
        except NotSent:
            raise
        except (EncodeError, TypeError, ValueError, LookupError) as error:
            raise NotSent("not_sent", type(error).__name__) from error
        except (*link.connection_errors, *link.channel_errors, KombuError, OSError) as error:
            raise BrokerAway(broker.reason(error)) from error
        except Exception as error:
            # A router of the host's, or a broker that takes no more for this queue.
            raise NotSent("not_sent", type(error).__name__) from error


@contextlib.contextmanager
def opened(app: Celery) -> Iterator[Dispatch]:
    """A connection to the application's broker while the block lasts. Raises `BrokerAway`."""
    link = broker.connection(app, is_writer=True)
    if broker.is_amqp(link):
        # The broker says of each message that it has it.
        link.transport_options.setdefault("confirm_publish", True)
    try:
        try:
            broker.connect(link)
        except Exception as error:
            raise BrokerAway(broker.reason(error)) from error
        yield Dispatch(app, link)
    finally:
        # Saying goodbye to a broker that is away is no news.
        with contextlib.suppress(Exception):
            link.release()
