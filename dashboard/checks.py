"""System checks: what would not work, said at start."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.conf import STATICFILES_STORAGE_ALIAS, settings
from django.contrib.staticfiles.storage import HashedFilesMixin
from django.core import checks
from django.core.files.storage import storages
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from django.utils.module_loading import import_string

from dashboard import celeryapp, conf

VENDORS = ("sqlite", "postgresql")
SILENT_AFTER_S = 30.0
"""A receiver writes every second; one that is restarted is back in less than this."""

_NEEDED_APPS = (
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "channels",
)
_NEEDED_MIDDLEWARE = (
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
)

Messages = Iterator[checks.CheckMessage]
Configs = Sequence[AppConfig] | None


@checks.register("headway")
def check_settings(app_configs: Configs, **kwargs: Any) -> list[checks.CheckMessage]:
    """The HEADWAY_ settings can be used, and none is misspelt."""
    return list(_settings())


def _settings() -> Messages:
    known = conf.names()
    for name in dir(settings):
        if name.startswith(conf.PREFIX) and name not in known:
            yield checks.Warning(
                f"{name} is no setting of Headway.",
                hint=f"Known are {', '.join(known)}.",
                id="headway.W001",
            )
    try:
        current = conf.current()
    except conf.BadSetting as error:
        yield checks.Error(str(error), id="headway.E001")
        return
    yield from _embedding(current)
    try:
        celeryapp.load(current)
    except celeryapp.NoCeleryApp as error:
        is_named = bool(current.celery_app)
        kind = checks.Error if is_named else checks.Warning
        yield kind(str(error), id="headway.E002" if is_named else "headway.W002")


def _embedding(current: conf.Conf) -> Messages:
    if current.allowed_origins and not current.embed_key:
        yield checks.Warning(
            "HEADWAY_ALLOWED_ORIGINS is set, but HEADWAY_EMBED_KEY is not: no page can embed "
            "progress.",
            hint="Embedding is off without a key of its own.",
            id="headway.W008",
        )
    if settings.SECRET_KEY in current.embed_key:
        yield checks.Warning(
            "HEADWAY_EMBED_KEY is the SECRET_KEY too.",
            hint="Whoever mints tokens elsewhere with it could forge sessions: give it a value of "
            "its own.",
            id="headway.W009",
        )
    if len(set(current.embed_key)) < len(current.embed_key):
        yield checks.Warning("HEADWAY_EMBED_KEY holds the same key twice.", id="headway.W010")


@checks.register("headway")
def check_project(app_configs: Configs, **kwargs: Any) -> list[checks.CheckMessage]:
    """The project has the apps and the middleware that the pages stand on."""
    return [*_apps(), *_middleware()]


def _apps() -> Messages:
    for name in _NEEDED_APPS:
        if not apps.is_installed(name):
            yield checks.Error(
                f"Headway needs {name!r} in INSTALLED_APPS.",
                hint="Who may see what is decided by Django's own users and permissions.",
                id="headway.E003",
            )


def _middleware() -> Messages:
    # A host may have a class of its own that extends one of these; only nothing at all is wrong.
    last_names = {name.rpartition(".")[2] for name in settings.MIDDLEWARE}
    for name in _NEEDED_MIDDLEWARE:
        if name not in settings.MIDDLEWARE and name.rpartition(".")[2] not in last_names:
            yield checks.Warning(
                f"{name!r} is not in MIDDLEWARE.",
                hint="Without a class that does the same, nobody can sign in to Headway.",
                id="headway.W003",
            )


@checks.register("headway")
def check_channel_layer(app_configs: Configs, **kwargs: Any) -> list[checks.CheckMessage]:
    """Receiver and web processes find each other, and the layer stands a quiet minute."""
    return list(_channel_layer())


def _channel_layer() -> Messages:
    layers: dict[str, Any] = getattr(settings, "CHANNEL_LAYERS", {})
    layer = layers.get("default")
    if layer is None:
        yield checks.Warning(
            "There is no channel layer: the pages read the store once a second instead.",
            hint="Set CHANNEL_LAYERS to channels_redis.pubsub.RedisPubSubChannelLayer.",
            id="headway.W004",
        )
    elif layer.get("BACKEND") == "channels_redis.core.RedisChannelLayer":
        yield from _classic_layer(layer.get("CONFIG", {}))


def _classic_layer(config: dict[str, Any]) -> Messages:
    """redis-py 8 gives up a read after 5 s, the classic layer's blocking pop waits 5 s as well:
    a quiet moment becomes an error, and sockets are refused."""
    hosts = config.get("hosts") or [{}]
    timeouts = [host.get("socket_timeout", 5) if isinstance(host, dict) else 5 for host in hosts]
    if any(timeout is not None and timeout <= 5 for timeout in timeouts):
        yield checks.Warning(
            "The classic Redis channel layer fails on quiet connections with redis-py 8.",
            hint="Use channels_redis.pubsub.RedisPubSubChannelLayer, or give each of its hosts "
            "'socket_timeout': 30.",
            id="headway.W005",
        )


@checks.register("headway")
def check_static_files(app_configs: Configs, **kwargs: Any) -> list[checks.CheckMessage]:
    """Where static files are hashed, the modules of the pages are asked for by hashed names too."""
    backends: Any = storages.backends
    kind = import_string(backends[STATICFILES_STORAGE_ALIAS]["BACKEND"])
    if not issubclass(kind, HashedFilesMixin) or kind.support_js_module_import_aggregation:
        return []
    return [
        checks.Warning(
            "The static files storage does not rewrite the imports of JavaScript modules: after an "
            "upgrade a browser may go on with old ones.",
            hint="Extend its class with support_js_module_import_aggregation = True.",
            id="headway.W007",
        )
    ]


@checks.register("headway")
def check_database_kind(app_configs: Configs, **kwargs: Any) -> list[checks.CheckMessage]:
    """The database has a fast path."""
    vendor = connections[DEFAULT_DB_ALIAS].vendor
    if vendor in VENDORS:
        return []
    return [
        checks.Error(
            f"Headway does not run on {vendor}.",
            hint="Its writes and searches have fast paths for PostgreSQL and SQLite; on "
            "others it would fall behind and show old states as current ones.",
            id="headway.E004",
        )
    ]


@checks.register("headway", checks.Tags.database)
def check_receiver(
    app_configs: Configs, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """A receiver writes to the database."""
    if DEFAULT_DB_ALIAS not in (databases or ()):
        return []
    silent_s = receiver_silence(time.time())
    if silent_s is None or silent_s <= SILENT_AFTER_S:
        return []
    return [
        checks.Warning(
            f"No receiver has written for {silent_s:.0f} s: what the pages show is that old.",
            hint="Start `manage.py headway_receiver`, or `headway receiver`.",
            id="headway.W006",
        )
    ]


def receiver_silence(now: float) -> float | None:
    """Seconds since a receiver last wrote; None when none ever did or there are no tables yet."""
    from dashboard.models import Stream

    try:
        stream = Stream.objects.order_by("pk").first()
    except DatabaseError:
        return None
    if stream is None or stream.alive_at is None:
        return None
    return max(now - stream.alive_at, 0.0)
