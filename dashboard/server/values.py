"""What the values of options may be: each function reads one text, or raises ValueError with what
is allowed."""

import difflib
import ipaddress
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from celery.app.backends import BACKEND_ALIASES
from celery.app.defaults import NAMESPACES, flatten
from kombu.transport import TRANSPORT_ALIASES

_CELERY_OPTIONS: Any = flatten(NAMESPACES)
_CELERY_TYPES = {name: option.type for name, option in _CELERY_OPTIONS}
_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_NUMBERS = {"int": int, "float": float, int: int}
_HOST = re.compile(r"(\*|\.?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*|\[[0-9a-fA-F:.]+\])")
_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)*")
_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*(:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*)?")

_ONE_HOST = frozenset({"redis", "rediss", "sentinel", "amqp", "amqps", "pyamqp"})
"""Schemes whose addresses name one host and its port; others list several."""

LOG_LEVELS = ("debug", "info", "warning", "error")


def words(text: str) -> list[str]:
    """The parts of a list written with commas or blanks between them."""
    return [word for word in re.split(r"[,\s]+", text) if word]


def module_attribute(text: str) -> str:
    """`proj.celery:app`, as Celery's own `-A` takes it."""
    if not _MODULE.fullmatch(text):
        raise ValueError("expected a module and its attribute, such as proj.celery:app")
    return text


def broker_url(text: str) -> str:
    """The address of a broker; several, for failover, have a semicolon between them."""
    for part in text.split(";"):
        scheme = _scheme(part)
        if scheme.partition("+")[0] not in TRANSPORT_ALIASES:
            raise ValueError(
                "expected a broker's address such as redis://localhost:6379/0 or "
                f"amqp://user:password@localhost//, {_not(scheme)}"
            )
        _check_port(part)
    return text


def result_backend(text: str) -> str:
    """The address of a result backend, or the name of one that needs none (`rpc`)."""
    scheme = _scheme(text) if ":" in text else text
    if scheme.partition("+")[0] not in BACKEND_ALIASES:
        raise ValueError(
            f"expected a result backend's address such as redis://localhost:6379/1, {_not(scheme)}"
        )
    for part in text.split(";"):
        _check_port(part)
    return text


def channel_layer_url(text: str) -> str:
    """The address of the Redis server that carries messages between the processes."""
    scheme = _scheme(text)
    if scheme not in ("redis", "rediss", "unix"):
        raise ValueError(
            "expected the address of a Redis server, redis://, rediss:// or unix://, "
            f"{_not(scheme)}"
        )
    _check_port(text)
    return text


def _check_port(text: str) -> None:
    """ValueError where what stands for the port is none: most often the rest of a password, which
    a client library would put into its error."""
    if _scheme(text) not in _ONE_HOST:
        return
    try:
        urlsplit(text).port  # noqa: B018 - reading it is the check
    except ValueError:
        raise ValueError(
            "expected a number as the port; in a password, write / as %2F, # as %23, ? as %3F"
        ) from None


def _scheme(text: str) -> str:
    return text.partition("://")[0] if "://" in text else text.partition(":")[0]


def _not(scheme: str) -> str:
    # The rest of an address may hold a password: a message never repeats it.
    return f"not {scheme!r}" if re.fullmatch(r"[A-Za-z0-9+._-]{1,30}", scheme) else "not this"


def celery_option(text: str) -> tuple[str, object]:
    """`key=value` by the type that Celery's own table gives the key; tables and lists in JSON."""
    key, equals, raw = text.partition("=")
    key = key.strip().lower()
    if not equals:
        raise ValueError("expected key=value, such as event_queue_prefix=prod")
    if key not in _CELERY_TYPES:
        near = difflib.get_close_matches(key, _CELERY_TYPES, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"Celery has no setting {key!r}{hint}")
    return key, _celery_value(key, _CELERY_TYPES[key], raw)


def _celery_value(key: str, kind: object, raw: str) -> object:
    if kind == "bool":
        if raw.lower() not in _TRUTHS:
            raise ValueError(f"{key} expects true or false")
        return _TRUTHS[raw.lower()]
    if kind in _NUMBERS:
        try:
            return _NUMBERS[kind](raw)
        except ValueError:
            raise ValueError(f"{key} expects a number") from None
    if kind in ("dict", "list", "tuple", "any"):
        return _json(key, str(kind), raw)
    return raw.encode() if kind == "bytes" else raw


def _json(key: str, kind: str, raw: str) -> object:
    try:
        value = json.loads(raw)
    except ValueError:
        if kind == "any":
            return raw
        raise ValueError(f"{key} expects JSON") from None
    if kind == "dict" and not isinstance(value, dict):
        raise ValueError(f"{key} expects a JSON object")
    if kind in ("list", "tuple") and not isinstance(value, list):
        raise ValueError(f"{key} expects a JSON list")
    return value


def celery_options(text: str) -> dict[str, object]:
    """Several `key=value` with blanks or line ends between them."""
    return dict(celery_option(part) for part in text.split())


def host(text: str) -> str:
    """An address to listen on, or a name for one."""
    if not _HOST.fullmatch(text) and not _is_address(text):
        raise ValueError("expected an address or a name such as 127.0.0.1 or 0.0.0.0")
    return text


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def port(text: str) -> int:
    """A TCP port; 0 lets the system choose."""
    if not text.isdecimal() or int(text) > 65_535:
        raise ValueError("expected a number from 0 to 65535")
    return int(text)


def directory(text: str) -> Path:
    """A directory, which need not exist yet."""
    path = Path(text).expanduser().absolute()
    if path.exists() and not path.is_dir():
        raise ValueError("expected a directory, this is a file")
    return path


def database_url(text: str) -> SplitResult:
    """`sqlite:////path/to/file` (three slashes: from the working directory) or `postgresql://user:password@host:port/name`."""
    url = urlsplit(text)
    if url.scheme == "sqlite":
        if url.netloc or len(url.path) < 2:
            raise ValueError("expected sqlite:////path/to/file, with four slashes")
        return url
    if url.scheme not in ("postgresql", "postgres"):
        raise ValueError(
            "expected postgresql://user:password@host:5432/name or sqlite:////path, "
            f"{_not(_scheme(text))}"
        )
    try:
        url.port  # noqa: B018 - reading it is the check
    except ValueError:
        raise ValueError("expected a port from 0 to 65535 after the host") from None
    if not unquote(url.path).strip("/"):
        raise ValueError("expected a database's name, as in postgresql://user@host/name")
    return url


def allowed_hosts(text: str) -> list[str]:
    """Host names that the dashboard may be opened by."""
    names = words(text)
    for name in names:
        if not _HOST.fullmatch(name):
            raise ValueError(
                f"expected host names such as headway.example or .example, not {name!r}"
            )
    return names


def proxies(text: str) -> list[str]:
    """Addresses and networks of reverse proxies."""
    found = words(text)
    for word in found:
        try:
            ipaddress.ip_network(word, strict=False)
        except ValueError:
            raise ValueError(
                f"expected addresses or networks such as 10.0.0.0/8, not {word!r}"
            ) from None
    return found


def url_prefix(text: str) -> str:
    """A path such as `/headway`, without the slash at its end; empty for none."""
    prefix = "/" + text.strip("/") if text.strip("/") else ""
    if not _PREFIX.fullmatch(prefix) or ".." in prefix.split("/"):
        raise ValueError("expected a path such as /headway")
    return prefix


def origins(text: str) -> list[str]:
    """Origins of other sites."""
    found = words(text)
    for word in found:
        url = urlsplit(word)
        if url.scheme not in ("http", "https") or not url.netloc or url.path or url.query:
            raise ValueError(f"expected origins such as https://shop.example, not {word!r}")
    return found


def positive(text: str) -> int:
    """A whole number above 0."""
    if not text.isdecimal() or int(text) < 1:
        raise ValueError("expected a whole number above 0")
    return int(text)


def log_level(text: str) -> str:
    """How much is logged."""
    if text.lower() not in LOG_LEVELS:
        raise ValueError(f"expected one of {', '.join(LOG_LEVELS)}")
    return text.lower()


def text(value: str) -> str:
    """Any text."""
    return value
