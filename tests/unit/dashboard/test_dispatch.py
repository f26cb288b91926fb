"""What stands in the messages that are sent, and what is told when they cannot be."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery
from kombu import Queue

from dashboard import dispatch
from dashboard.dispatch import BrokerAway, NotSent


@pytest.fixture
def app() -> Iterator[Celery]:
    """An application on a broker in memory; each test has queues of its own names."""
    made = Celery("test", broker="memory://", set_as_current=False)
    made.conf.task_default_queue = f"default-{uuid.uuid4().hex}"
    yield made
    made.close()


def name() -> str:
    return f"queue-{uuid.uuid4().hex}"


def taken(app: Celery, queue: str) -> Any:
    """The one message in the queue."""
    with app.connection_for_read() as link:
        message = link.default_channel.basic_get(queue, no_ack=True)
        assert message is not None
        assert link.default_channel.basic_get(queue) is None
        return message


def send(app: Celery, **how: Any) -> str:
    how = {"queue": None, "priority": None, **how}
    with dispatch.opened(app) as broker:
        return broker.send("shop.pay", [1, "a"], {"fast": True}, **how)


def test_a_task_is_sent_by_its_name_with_arguments_and_nothing_of_another(app: Celery) -> None:
    queue = name()
    task_id = send(app, queue=queue, priority=7)
    message = taken(app, queue)
    args, kwargs, embedded = message.decode()
    assert (args, kwargs) == ([1, "a"], {"fast": True})
    assert set(embedded.values()) == {None}
    headers = message.headers
    assert (headers["task"], headers["id"], headers["root_id"]) == ("shop.pay", task_id, task_id)
    for word in ("parent_id", "group", "eta", "expires", "shadow"):
        assert headers[word] is None
    assert headers["retries"] == 0
    assert message.properties["priority"] == 7


def test_without_a_known_queue_the_applications_routes_lead(app: Celery) -> None:
    send(app)
    assert taken(app, app.conf.task_default_queue)
    queue = name()
    app.conf.task_routes = {"shop.*": {"queue": queue}}
    app.amqp.flush_routes()
    del app.amqp.router
    send(app)
    assert taken(app, queue)


def test_a_routing_key_that_was_told_for_a_queue_is_that_queue(app: Celery) -> None:
    queue = name()
    app.conf.task_queues = [Queue(queue, routing_key="pay.now"), Queue("x", routing_key="x")]
    send(app, queue="pay.now")
    assert taken(app, queue)


def test_a_revocation_reaches_every_mailbox(app: Celery) -> None:
    mailbox = name()
    with app.connection_for_read() as link:
        exchange = app.control.mailbox.exchange
        bound = Queue(mailbox, exchange=exchange)(link.default_channel)
        bound.declare()
        with dispatch.opened(app) as broker:
            broker.revoke(["a", "b"], None)
            assert taken(app, mailbox).decode()["arguments"] == {
                "task_id": ["a", "b"],
                "terminate": False,
            }
            broker.revoke(["c"], "SIGKILL")
        message = taken(app, mailbox).decode()
    assert (message["method"], message["destination"]) == ("revoke", None)
    assert message["arguments"] == {"task_id": ["c"], "terminate": True, "signal": "SIGKILL"}


def test_what_cannot_be_encoded_is_not_sent_and_others_are(app: Celery) -> None:
    queue = name()
    with dispatch.opened(app) as broker:
        with pytest.raises(NotSent) as raised:
            broker.send("shop.pay", [object()], {}, queue=queue, priority=None)
        assert (raised.value.reason, raised.value.more) == ("not_sent", "EncodeError")
        broker.send("shop.pay", [], {}, queue=queue, priority=None)
    assert taken(app, queue)


def test_a_router_that_fails_stops_its_own_task_alone(app: Celery) -> None:
    def lead(name: str, *_: object, **__: object) -> dict[str, str]:
        if name == "shop.pay":
            raise RuntimeError("no route")
        return {}

    app.conf.task_routes = (lead,)
    with dispatch.opened(app) as broker:
        with pytest.raises(NotSent) as raised:
            broker.send("shop.pay", [], {}, queue=None, priority=None)
        assert (raised.value.reason, raised.value.more) == ("not_sent", "RuntimeError")
        broker.send("shop.mail", [], {}, queue=None, priority=None)
    assert taken(app, app.conf.task_default_queue)


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1", "amqp://me:hunter2@127.0.0.1:1//"])
def test_a_broker_that_is_away_is_told_without_its_password(url: str) -> None:
    made = Celery("test", broker=url, set_as_current=False)
    with pytest.raises(BrokerAway) as raised, dispatch.opened(made):
        pass
    assert "Connection refused" in str(raised.value) or "Error" in str(raised.value)
    assert "hunter2" not in str(raised.value)
    made.close()
