"""Connections to a Celery application's broker, tuned for watching it.

Everything a host configured (TLS, credentials, prefixes, failover, transport options) is taken
over; only what it left open is set, so that a dead connection is noticed within seconds.
"""

from collections.abc import Mapping
from typing import Any

from celery import Celery
from kombu import Connection
from kombu.pidbox import Mailbox

TIMEOUT_S = 5.0
"""An answer of the broker that takes longer does not come: what a probe's absence means, too."""
HEARTBEAT_S = 10
"""AMQP: a peer that vanished without a word is noticed after two of these."""

_REDIS: Mapping[str, object] = {
    # Without them a command on a dead connection waits for ever. kombu polls before it reads, so
    # they bound no wait for the next event.
    "socket_timeout": TIMEOUT_S,
    "socket_connect_timeout": TIMEOUT_S,
    "socket_keepalive": True,
}
_POLLED: Mapping[str, Mapping[str, object]] = {
    # These transports look for a message and then sleep, by default for a second.
    "memory": {"polling_interval": 0.02},
    "filesystem": {"polling_interval": 0.1},
}


def connection(app: Celery, *, is_writer: bool = False) -> Any:
    """A connection of one's own, not yet connected, as the application configures it."""
    make = app.connection_for_write if is_writer else app.connection_for_read
    plain: Connection = make()
    driver = plain.get_transport_cls().driver_type
    ours = _REDIS if driver == "redis" else _POLLED.get(driver, {})
    theirs = app.conf.broker_transport_options or {}
    options = {name: value for name, value in ours.items() if name not in theirs}
    return make(transport_options=options, heartbeat=HEARTBEAT_S)


def connect(link: Any) -> None:
    """Connect, trying each configured alternative once; raises the last one's error."""
    others = max(len(link.alt) - 1, 0)
    link.ensure_connection(max_retries=others, interval_start=0, interval_step=0, interval_max=0)
    if is_amqp(link):
        # py-amqp waits for the answer to a command as long as the socket does: for ever.
        link.connection.transport.sock.settimeout(TIMEOUT_S)


def is_amqp(link: Any) -> bool:
    """Whether the broker keeps what is not acknowledged: true AMQP, not kombu's emulation."""
    return bool(link.get_transport_cls().driver_type == "amqp")


def mailbox(app: Celery, link: Any) -> Any:
    """Remote control over this connection alone. Answers are read as JSON and nothing else.

    Celery's own mailbox publishes through the application's pool, whose connections have no
    timeouts, and accepts whatever the application accepts.
    """
    conf = app.conf
    optional = {
        "queue_exclusive": conf.get("control_queue_exclusive"),
        "queue_durable": conf.get("control_queue_durable"),
    }
    return Mailbox(
        conf.control_exchange,
        type="fanout",
        connection=link,
        accept=["json"],
        serializer=conf.task_serializer,
        queue_ttl=conf.control_queue_ttl,
        reply_queue_ttl=conf.control_queue_ttl,
        queue_expires=conf.control_queue_expires,
        reply_queue_expires=conf.control_queue_expires,
        **{name: value for name, value in optional.items() if value is not None},
    )


def address(link: Any) -> str:
    """The broker's address without its password."""
    return str(link.as_uri()) if link.hostname else f"{link.transport_cls}://"


def reason(error: BaseException) -> str:
    """The error in a few words that hold no secret: its type, and the system's word for it.

    The text of a library's error may quote addresses with passwords; it is never passed on.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return f"{type(error).__name__} ({cause.strerror})"
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__
