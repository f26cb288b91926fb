"""Every option of the command line with its environment variable: one table for both.

The command line writes what it was given into the environment, and the settings module reads the
environment: so `headway web` and any other ASGI server started with the same variables agree.
"""

import argparse
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass

from dashboard.server import values


class BadOption(ValueError):
    """An option or its variable has a value that cannot be used; says which, and what can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option. `read` takes its text and raises ValueError with what is allowed."""

    flag: str
    variable: str
    read: Callable[[str], object]
    help: str
    default: str | None = None
    metavar: str = "TEXT"
    is_repeated: bool = False
    is_confidential: bool = False

    @property
    def name(self) -> str:
        """The attribute that argparse keeps it under."""
        return self.flag.lstrip("-").replace("-", "_")


APP = Option(
    flag="--app",
    variable="HEADWAY_CELERY_APP",
    read=values.module_attribute,
    metavar="MODULE:ATTR",
    help="your Celery app; its whole configuration is read",
)
BROKER = Option(
    flag="--broker",
    variable="HEADWAY_BROKER_URL",
    read=values.broker_url,
    metavar="URL",
    is_confidential=True,
    help="the broker to watch, where there is no app to import",
)
CELERY_OPTION = Option(
    flag="--celery-option",
    variable="HEADWAY_CELERY_OPTIONS",
    read=values.celery_options,
    metavar="KEY=VALUE",
    is_repeated=True,
    is_confidential=True,
    help="a Celery setting that goes with --broker; may be given several times",
)
RESULT_BACKEND = Option(
    flag="--result-backend",
    variable="HEADWAY_RESULT_BACKEND",
    read=values.result_backend,
    metavar="URL",
    is_confidential=True,
    help="the result backend that goes with --broker",
)
HOST = Option(
    flag="--host",
    variable="HEADWAY_HOST",
    read=values.host,
    default="127.0.0.1",
    metavar="ADDRESS",
    help="the address to listen on",
)
PORT = Option(
    flag="--port",
    variable="HEADWAY_PORT",
    read=values.port,
    default="8000",
    metavar="PORT",
    help="the port to listen on",
)
DATA = Option(
    flag="--data",
    variable="HEADWAY_DATA",
    read=values.directory,
    metavar="DIR",
    help="where the SQLite database and the secret key are kept",
)
DATABASE = Option(
    flag="--database",
    variable="HEADWAY_DATABASE_URL",
    read=values.database_url,
    metavar="URL",
    is_confidential=True,
    help="the database: postgresql://user:password@host/name or sqlite:////path",
)
CHANNEL_LAYER = Option(
    flag="--channel-layer",
    variable="HEADWAY_CHANNEL_LAYER_URL",
    read=values.channel_layer_url,
    metavar="URL",
    is_confidential=True,
    help="the Redis server between receivers and web processes",
)
ALLOWED_HOSTS = Option(
    flag="--allowed-hosts",
    variable="HEADWAY_ALLOWED_HOSTS",
    read=values.allowed_hosts,
    metavar="HOSTS",
    help="the names that the dashboard may be opened by",
)
TRUSTED_PROXIES = Option(
    flag="--trusted-proxies",
    variable="HEADWAY_TRUSTED_PROXIES",
    read=values.proxies,
    metavar="NETWORKS",
    help="addresses of reverse proxies whose X-Forwarded headers count",
)
URL_PREFIX = Option(
    flag="--url-prefix",
    variable="HEADWAY_URL_PREFIX",
    read=values.url_prefix,
    default="",
    metavar="PATH",
    help="the path that a reverse proxy serves the dashboard under",
)
ALLOWED_ORIGINS = Option(
    flag="--allowed-origins",
    variable="HEADWAY_ALLOWED_ORIGINS",
    read=values.origins,
    metavar="ORIGINS",
    help="other sites whose pages may embed progress",
)
PUBLIC_ERRORS = Option(
    flag="--public-errors",
    variable="HEADWAY_PUBLIC_ERRORS",
    read=values.words,
    metavar="NAMES",
    help="exceptions whose text visitors may read, in place of PublicError",
)
ENVIRONMENT = Option(
    flag="--environment",
    variable="HEADWAY_ENVIRONMENT",
    read=values.text,
    default="",
    metavar="NAME",
    help="a name shown in the top bar",
)
MAX_SOCKETS_PER_USER = Option(
    flag="--max-sockets-per-user",
    variable="HEADWAY_MAX_SOCKETS_PER_USER",
    read=values.positive,
    metavar="N",
    help="live connections that one user may have",
)
MAX_SOCKETS_PER_ADDRESS = Option(
    flag="--max-sockets-per-address",
    variable="HEADWAY_MAX_SOCKETS_PER_ADDRESS",
    read=values.positive,
    metavar="N",
    help="live connections that one address may have",
)
REDACT = Option(
    flag="--redact",
    variable="HEADWAY_REDACT",
    read=values.words,
    metavar="PATTERNS",
    help="names of arguments whose values are never stored, in place of the default ones",
)
NODE_ID = Option(
    flag="--node-id",
    variable="HEADWAY_NODE_ID",
    read=values.text,
    metavar="NAME",
    help="a fixed name for this receiver's queue at the broker, never shared with another",
)
LOG_LEVEL = Option(
    flag="--log-level",
    variable="HEADWAY_LOG_LEVEL",
    read=values.log_level,
    default="info",
    metavar="LEVEL",
    help="how much is logged: debug, info, warning or error",
)

CLUSTER = (APP, BROKER, CELERY_OPTION, RESULT_BACKEND)
STORAGE = (DATA, DATABASE)
LISTENING = (HOST, PORT)
WEB = (
    ALLOWED_HOSTS,
    TRUSTED_PROXIES,
    URL_PREFIX,
    ALLOWED_ORIGINS,
    PUBLIC_ERRORS,
    ENVIRONMENT,
    MAX_SOCKETS_PER_USER,
    MAX_SOCKETS_PER_ADDRESS,
)
RECEIVING = (NODE_ID, REDACT)
ALL = (*CLUSTER, *STORAGE, CHANNEL_LAYER, *LISTENING, *WEB, *RECEIVING, LOG_LEVEL)


def add(parser: argparse.ArgumentParser, *options: Option) -> None:
    """Offer these options on a command; their texts are checked by `export`."""
    for option in options:
        default = f" (default {option.default})" if option.default else ""
        parser.add_argument(
            option.flag,
            metavar=option.metavar,
            action="append" if option.is_repeated else "store",
            help=f"{option.help}{default} [{option.variable}]",
        )


def export(given: argparse.Namespace, environ: MutableMapping[str, str]) -> None:
    """Write the options that were given into the environment, and check the whole of it.

    BadOption names the first bad value. A given `--app` or `--broker` outdoes the other one's
    variable; both given, or both in the environment, is an error.
    """
    named = vars(given)
    if named.get("app") and named.get("broker"):
        raise BadOption("--app and --broker exclude each other: the app names its broker")
    for mine, other in ((APP, BROKER), (BROKER, APP)):
        if named.get(mine.name):
            environ.pop(other.variable, None)
    for option in ALL:
        text = named.get(option.name)
        if text is not None:
            raw = "\n".join(text) if option.is_repeated else text
            _read(option, raw, option.flag)
            environ[option.variable] = raw
    read(environ)
    if environ.get(APP.variable) and environ.get(BROKER.variable):
        raise BadOption(f"{APP.variable} and {BROKER.variable} exclude each other: unset one")


def read(environ: Mapping[str, str]) -> dict[Option, object]:
    """The value of every option that is set or has a default; an empty variable counts as unset."""
    found = {}
    for option in ALL:
        text = environ.get(option.variable) or option.default
        if text is not None:
            found[option] = _read(option, text, option.variable)
    return found


def _read(option: Option, text: str, source: str) -> object:
    try:
        return option.read(text)
    except ValueError as error:
        shown = _without_secrets(text) if option.is_confidential else text
        raise BadOption(f"{source} {shown!r}: {error}") from None


def _without_secrets(text: str) -> str:
    """What of an address or a `key=value` can be told: neither user, password, query nor value."""
    if "://" not in text and "=" in text:
        return text.partition("=")[0] + "=…"
    scheme, separator, rest = text.rpartition("://")
    user, at, host = rest.partition("?")[0].rpartition("@")
    return f"{scheme}{separator}{'…' if user else ''}{at}{host}"
