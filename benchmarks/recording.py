"""Events as prefork workers publish them, taken off a private Redis byte for byte, and replayed."""

import base64
import itertools
import json
import time
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import workload
from benchmarks.harness import say
from tests.services.redis import RedisServer
from tests.services.worker import CeleryWorker

MOST_A_MESSAGE = 24
"""`buffer_limit` of Celery's EventDispatcher: it never puts more events in one message."""
_PUBLISHED_AT_ONCE = 500
_EVENTS_A_TASK = 3


class Message(NamedTuple):
    """One published message."""

    channel: bytes
    wire: bytes


class Recording(NamedTuple):
    """What workers said about `tasks` tasks, in `events` task events and some heartbeats."""

    messages: tuple[Message, ...]
    tasks: int
    events: int

    @property
    def events_a_message(self) -> float:
        return round(self.events / len(self.messages), 2)


def unbounded(server: RedisServer) -> None:
    """Let no subscriber be cut off for being slow: how fast it is, is what is measured."""
    with server.client() as client:
        client.config_set("client-output-buffer-limit", "pubsub 0 0 0")


def record(server: RedisServer, directory: Path, tasks: int) -> Recording:
    """Two prefork processes work off `tasks` tasks that wait; every event is recorded."""
    say(f"Recording the events of {tasks} tasks")
    wanted = tasks * _EVENTS_A_TASK
    messages: list[Message] = []
    seen = 0
    worker = CeleryWorker(directory, broker=server.url(), app="benchmarks.workload:app")
    with server.client() as client, client.pubsub() as subscription:
        subscription.psubscribe("*celeryev*")
        workload.app.conf.update(broker_url=server.url())
        _enqueue(tasks)
        with worker:
            deadline = time.monotonic() + 60 + tasks / 200
            while seen < wanted:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{seen} of {wanted} events after {tasks} tasks")
                told = subscription.get_message(timeout=1.0)
                if told is None or told["type"] != "pmessage":
                    continue
                message = Message(told["channel"], told["data"])
                messages.append(message)
                seen += sum(event["type"].startswith("task-") for event in _events(message))
    return Recording(tuple(messages), tasks, seen)


def _enqueue(tasks: int) -> None:
    app = workload.app
    with app.connection_for_write() as connection, app.amqp.Producer(connection) as producer:
        for order in range(tasks):
            customer, amount = f"customer-{order % 997}", f"{order % 100}.00 EUR"
            workload.charge.apply_async(
                (order,), {"customer": customer, "amount": amount}, producer=producer
            )


def packed(recording: Recording) -> Recording:
    """The same events in messages of 24: what the dispatcher makes of them when its buffer is
    full each time. Only the lists are new; envelopes and encodings are the recorded ones."""
    task_messages = [m for m in recording.messages if b"worker" not in m.channel]
    others = tuple(m for m in recording.messages if b"worker" in m.channel)
    events = itertools.chain.from_iterable(map(_events, task_messages))
    model = next(m for m in task_messages if isinstance(_body(m), list))
    batches = iter(lambda: list(itertools.islice(events, MOST_A_MESSAGE)), [])
    messages = tuple(_with_body(model, batch) for batch in batches)
    return recording._replace(messages=(*others, *messages))


def renamed(recording: Recording, round_: int) -> Recording:
    """The same events of other tasks: the first 8 digits of every task's id say the round."""
    mark = mark_of(round_)
    messages = tuple(
        _with_body(message, [_of_other(event, mark) for event in _events(message)])
        if isinstance(_body(message), list)
        else message
        for message in recording.messages
    )
    return recording._replace(messages=messages)


def mark_of(round_: int) -> str:
    """How the ids of a round's tasks begin."""
    return f"{round_:08x}"


def _of_other(event: dict[str, Any], mark: str) -> dict[str, Any]:
    names = ("uuid", "root_id")
    changed = {name: mark + event[name][8:] for name in names if event.get(name)}
    return {**event, **changed}


def replay(server: RedisServer, recording: Recording) -> None:
    """Publish every message, as fast as Redis takes them."""
    with server.client() as client:
        for start in range(0, len(recording.messages), _PUBLISHED_AT_ONCE):
            pipe = client.pipeline(transaction=False)
            for message in recording.messages[start : start + _PUBLISHED_AT_ONCE]:
                pipe.publish(message.channel, message.wire)
            pipe.execute()


def has_listener(server: RedisServer) -> bool:
    """Whether somebody listens to events."""
    with server.client() as client:
        return bool(client.pubsub_numpat())


def _body(message: Message) -> Any:
    return json.loads(base64.b64decode(json.loads(message.wire)["body"]))


def _events(message: Message) -> list[dict[str, Any]]:
    body = _body(message)
    return body if isinstance(body, list) else [body]


def _with_body(model: Message, body: object) -> Message:
    envelope = json.loads(model.wire)
    envelope["body"] = base64.b64encode(json.dumps(body).encode()).decode()
    return Message(model.channel, json.dumps(envelope).encode())
