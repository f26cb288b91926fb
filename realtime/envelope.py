"""From a broker's message to the JSON in it: checked for size first, decoded last.

kombu's emulated transports wrap each message in a JSON envelope with the body in base64 (source:
`kombu.transport.virtual.base`); AMQP carries the body as it is.
"""

import binascii
from collections.abc import Callable, Mapping
from typing import Any

from kombu.transport import virtual

from realtime import codec
from realtime.core.events import MAX_EVENT_BYTES

MAX_WIRE_BYTES = MAX_EVENT_BYTES * 4 // 3 + 16 * 1024
"""The largest body in base64, and room for headers."""


class Refused(Exception):
    """A message that is not read; its text is the counter it belongs to."""


def unpack(wire: bytes | str) -> object:
    """The body of an envelope as it travels; `Refused` when it is too large or none."""
    if len(wire) > MAX_WIRE_BYTES:
        raise Refused("too_large")
    return unwrap(_json(wire))


def unwrap(envelope: object) -> object:
    """The body of an envelope; `Refused` when it is too large or not plain JSON."""
    if not isinstance(envelope, dict):
        raise Refused("not_json")
    properties = envelope.get("properties")
    encoding = properties.get("body_encoding") if isinstance(properties, dict) else None
    body = envelope.get("body")
    if isinstance(body, str | bytes) and len(body) > MAX_WIRE_BYTES:
        raise Refused("too_large")
    if encoding == "base64":
        try:
            body = binascii.a2b_base64(body)  # type: ignore[arg-type]
        except (ValueError, TypeError) as error:
            raise Refused("not_json") from error
    return read(body, envelope.get("content-type"), envelope.get("headers"))


def read(body: object, content_type: object, headers: object) -> object:
    """The value of a JSON body; `Refused` for anything else, compressed JSON included."""
    if content_type != "application/json" or not isinstance(body, str | bytes):
        raise Refused("not_json")
    # Celery never compresses events, and a small compressed message can be an endless large one.
    if isinstance(headers, Mapping) and headers.get("compression"):
        raise Refused("not_json")
    if len(body) > MAX_EVENT_BYTES:
        raise Refused("too_large")
    return _json(body)


def _json(text: bytes | str) -> object:
    # Lenient: one NaN or lone surrogate must not cost the events it shares a message with.
    try:
        return codec.decode_leniently(text)
    except ValueError as error:
        raise Refused("not_json") from error


class Whole(virtual.Message):
    """An envelope as it came: kombu's own message decodes, decompresses and raises."""

    def __init__(self, payload: object, channel: object = None, **_: object) -> None:
        self.envelope = payload
        self.channel = channel
        self.errors = []
        self.accept = None


def tap(channel: Any, take: Callable[[bytes], None]) -> None:
    """Take what Redis publishes to this channel before kombu decodes it."""
    subscriber = channel.subclient
    parse = subscriber.parse_response
    connection = None

    def parse_and_take(*args: object, **options: object) -> object:
        nonlocal connection
        if subscriber.connection is not connection:
            connection = subscriber.connection
            _unlogged(connection)
        response = parse(*args, **options)
        if isinstance(response, list | tuple) and response[0] in (b"pmessage", "pmessage"):
            take(response[-1])
            return None
        return response

    subscriber.parse_response = parse_and_take


def _unlogged(connection: Any) -> None:
    """Where redis-py speaks RESP3, it prints every message for a debug log, whether that is on or
    not: a quarter of the CPU that it takes to receive a small one."""
    parser: Any = getattr(connection, "_parser", None)
    if hasattr(parser, "set_pubsub_push_handler"):
        parser.set_pubsub_push_handler(lambda response: response)
