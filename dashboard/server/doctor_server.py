"""What the doctor looks at on our own side: database, channel layer, receiver."""

import asyncio
import secrets
import time
from collections.abc import Iterator

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from dashboard import checks, conf
from dashboard.server.doctor import Check, Finding

LAYER_S = 3.0


def all_checks() -> tuple[tuple[str, Check], ...]:
    """Each with the subject that it is about."""
    return (
        ("settings", settings_are_valid),
        ("database", database),
        ("channel layer", channel_layer),
        ("receiver", receiver),
    )


def settings_are_valid() -> Iterator[Finding]:
    """Every HEADWAY_ setting can be used."""
    conf.current()
    yield Finding("ok", "settings", "can be used")


def database() -> Iterator[Finding]:
    """The database is one of the two kinds, answers, and has our tables."""
    if connection.vendor not in checks.VENDORS:
        yield Finding(
            "fail",
            "database",
            f"{connection.vendor} is not supported",
            "--database postgresql://.. or sqlite:////.. (HEADWAY_DATABASE_URL)",
        )
        return
    connection.ensure_connection()
    executor = MigrationExecutor(connection)
    missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    if missing:
        # `headway serve` makes its tables at start; receivers and web processes do not.
        yield Finding(
            "warn" if connection.vendor == "sqlite" else "fail",
            "database",
            f"lacks {missing} migrations",
            "run: headway manage migrate (headway serve does it by itself)",
        )
    else:
        yield Finding("ok", "database", f"{connection.vendor} answers, its tables are up to date")


def channel_layer() -> Iterator[Finding]:
    """A message makes its way through the layer and back."""
    backend = settings.CHANNEL_LAYERS["default"]["BACKEND"]
    if "InMemory" in backend:
        yield Finding(
            "ok", "channel layer", "none is needed while `headway serve` is the only process"
        )
        return
    started = time.monotonic()
    async_to_sync(_round_trip)()
    took_ms = (time.monotonic() - started) * 1000
    yield Finding("ok", "channel layer", f"a message is back in {took_ms:.0f} ms")


async def _round_trip() -> None:
    layer = get_channel_layer()
    channel = await layer.new_channel("headway.check.")
    word = secrets.token_hex(8)
    async with asyncio.timeout(LAYER_S):
        await layer.send(channel, {"type": "headway.check", "word": word})
        answer = await layer.receive(channel)
    if answer["word"] != word:
        raise RuntimeError("another message came back; is the layer's Redis shared with a copy?")


def receiver() -> Iterator[Finding]:
    """Some receiver has written of late."""
    silent_s = checks.receiver_silence(time.time())
    if silent_s is None:
        yield Finding(
            "warn", "receiver", "none has written yet", "run: headway serve, or headway receiver"
        )
    elif silent_s > checks.SILENT_AFTER_S:
        yield Finding(
            "fail",
            "receiver",
            f"the last one wrote {silent_s:.0f} s ago",
            "start it again: headway serve, or headway receiver",
        )
    else:
        yield Finding("ok", "receiver", f"wrote {silent_s:.0f} s ago")
