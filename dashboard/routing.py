"""The websocket of Headway, to be included in a project's ASGI application.

Nothing is read or started when this module is imported: the hub of an event loop is made with
the first socket that the loop serves.
"""

import contextlib
import functools
from collections.abc import Iterator
from importlib import metadata
from typing import Any

from channels.layers import InMemoryChannelLayer, get_channel_layer
from django.db import DEFAULT_DB_ALIAS, close_old_connections, connections
from django.urls import path

from dashboard import access, assets, conf, refused, tokens
from dashboard.public import PublicReader
from dashboard.queries import Reader
from realtime.consumers import LiveApplication
from realtime.hub import About, Hub, Hubs, Limits
from realtime.hub.pool import Pool
from realtime.publisher import LayerPublisher, LocalPublisher


def _make_hub() -> Hub:
    settings = conf.current()
    hub = Hub(
        reader=Reader(),
        access=access.current(),
        about=About(version=_version(), assets=assets.digest()),
        tokens=tokens.current() if settings.embed_key else None,
        public=PublicReader(),
        limits=Limits(
            sockets_per_user=settings.max_sockets_per_user,
            sockets_per_address=settings.max_sockets_per_address,
            public_errors=frozenset(settings.public_errors),
        ),
        layer=shared_layer(),
        pool=Pool(around=_connection_kept, after=connections.close_all),
    )
    hub.embeds.tell_refusals(refused.count)
    return hub


@contextlib.contextmanager
def _connection_kept() -> Iterator[None]:
    """Around each question of a hub's thread to the database: the thread's connection stays open,
    whatever `CONN_MAX_AGE` says of those that serve requests. One of a pool is given back."""
    close_old_connections()
    try:
        yield
    finally:
        connection = connections[DEFAULT_DB_ALIAS]
        if not connection.settings_dict["OPTIONS"].get("pool"):
            connection.close_at = None
        close_old_connections()


def _version() -> str:
    try:
        return metadata.version("celery-headway")
    except metadata.PackageNotFoundError:  # a source tree that is not installed
        return ""


def shared_layer() -> Any:
    """The channel layer that other processes share with this one; None where there is none, and
    one process does everything."""
    layer = get_channel_layer()
    return None if layer is None or isinstance(layer, InMemoryChannelLayer) else layer


hubs = Hubs(_make_hub)
"""Of this process, by event loop."""


def local_publisher() -> LocalPublisher:
    """For a receiver that runs in this process."""
    return LocalPublisher(hubs)


@functools.cache
def layer_publisher() -> LayerPublisher:
    """To every web process; one for this process, with a thread of its own."""
    layer = shared_layer()
    if layer is None:
        raise RuntimeError("CHANNEL_LAYERS names no layer that several processes share.")
    return LayerPublisher(layer)


def announce_rights(username: str | None) -> None:
    """The rights of this user (of everyone for None) changed: every live page follows at once.
    Returns at once, from any thread."""
    hubs.announce_rights(username)
    if shared_layer() is not None:
        layer_publisher().announce_rights(username)


websocket_urlpatterns = [
    path(
        "ws/v1/live",
        # Channels routes to ASGI applications, which the types of Django do not know.
        LiveApplication(  # type: ignore[arg-type]
            hubs.current,
            is_own_page=access.is_own_origin,
            is_embed_page=access.is_embed_page,
            trusted_proxies=lambda: conf.current().trusted_proxies,
        ),
        name="live",
    )
]
