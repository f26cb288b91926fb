"""The settings of Headway, read from Django's: `HEADWAY_*`, each with its default and its check."""

import functools
import ipaddress
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

from realtime.core.public import PUBLIC_ERRORS

PREFIX = "HEADWAY_"

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_CONFIDENTIAL = frozenset({"broker_url", "result_backend", "celery_options", "embed_key"})

MIN_EMBED_KEY_BYTES = 32
"""As many as the digest that a token is signed with has."""

DEFAULT_REDACT = (
    "*password*",
    "*passwd*",
    "*passphrase*",
    "*secret*",
    "*token*",
    "*api_key*",
    "*apikey*",
    "*credential*",
    "*private_key*",
    "auth",
    "authorization",
    "cookie",
    "card_number",
    "cvc",
    "cvv",
    "iban",
    "pwd",
    "ssn",
)


class BadSetting(ImproperlyConfigured):
    """A HEADWAY_ setting has a value that cannot be used."""


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("a text")
    return value


def _optional_text(value: object) -> str | None:
    return None if value in (None, "") else _text(value)


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise ValueError("a list of texts")
    texts = tuple(value)
    if not all(isinstance(text, str) and text for text in texts):
        raise ValueError("a list of texts")
    return texts


def _origins(value: object) -> tuple[str, ...]:
    origins = _texts(value)
    if not all(o.startswith(("https://", "http://")) and o.count("/") == 2 for o in origins):
        raise ValueError("a list of origins such as 'https://shop.example'")
    return origins


def _embed_keys(value: object) -> tuple[str, ...]:
    """One key or several; the first signs. What a message says of them is never a part of one."""
    if value in (None, ""):
        return ()
    keys = (value,) if isinstance(value, str) else _texts(value)
    is_short = any(len(key.encode("utf-8", "replace")) < MIN_EMBED_KEY_BYTES for key in keys)
    # Of a key pair: the library refuses to sign with it, for what is public is no secret.
    if is_short or any("-----BEGIN" in key or key.startswith("ssh-") for key in keys):
        raise ValueError(
            f"a text of at least {MIN_EMBED_KEY_BYTES} bytes, or a list of them, such as "
            'python -c "import secrets; print(secrets.token_urlsafe(48))" makes'
        )
    return keys


def networks(value: object) -> tuple[Network, ...]:
    """Addresses and networks (`10.0.0.0/8`) as networks; ValueError names the first bad one."""
    if value is None:
        return ()
    found = []
    for text in _texts(value):
        try:
            found.append(ipaddress.ip_network(text, strict=False))
        except ValueError:
            raise ValueError(f"addresses or networks such as '10.0.0.0/8', not {text!r}") from None
    return tuple(found)


def _positive(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError("a whole number above 0")
    return value


def _options(value: object) -> Mapping[str, object] | None:
    if value is not None and not isinstance(value, Mapping):
        raise ValueError("a dict of Celery settings")
    return value


def _setting(check: Callable[[object], Any], default: Any = None, doc: str = "") -> Any:
    return field(default=default, metadata={"check": check, "doc": doc})


@dataclass(frozen=True, kw_only=True)
class Conf:
    """Every setting by its name without `HEADWAY_`, in lower case."""

    celery_app: str | None = _setting(
        _optional_text, doc="Your Celery app, as 'module:attr'; a function that returns it will do."
    )
    broker_url: str | None = _setting(
        _optional_text, doc="The broker to watch where there is no app to import."
    )
    result_backend: str | None = _setting(
        _optional_text, doc="The result backend that goes with HEADWAY_BROKER_URL."
    )
    celery_options: Mapping[str, object] | None = _setting(
        _options, doc="More Celery settings that go with HEADWAY_BROKER_URL."
    )
    node_id: str | None = _setting(
        _optional_text,
        doc="Names this receiver's queue at the broker: fixed over restarts, never shared.",
    )
    access: str = _setting(
        _text,
        "dashboard.access.DefaultAccess",
        doc="The class that decides who may see what, as a dotted path.",
    )
    redact: tuple[str, ...] = _setting(
        _texts,
        DEFAULT_REDACT,
        doc="Names of arguments whose values are never stored; '*' is a wildcard, "
        "'task.name:argument' limits one to a task.",
    )
    allowed_origins: tuple[str, ...] = _setting(
        _origins, (), doc="Other sites' origins whose pages may embed progress."
    )
    embed_key: tuple[str, ...] = _setting(
        _embed_keys,
        (),
        doc="Signs embed tokens; of several the first signs, and all are believed.",
    )
    public_errors: tuple[str, ...] = _setting(
        _texts,
        PUBLIC_ERRORS,
        doc="Names of the exceptions whose text visitors may read.",
    )
    trusted_proxies: tuple[Network, ...] = _setting(
        networks, (), doc="Addresses and networks whose X-Forwarded headers count."
    )
    environment: str = _setting(_text, "", doc="A name shown in the top bar, such as 'production'.")
    max_sockets_per_user: int = _setting(
        _positive, 50, doc="Live connections of one user; each open page has one."
    )
    max_sockets_per_address: int = _setting(
        _positive, 200, doc="Live connections from one address."
    )
    forget_workers_after: int = _setting(
        _positive, 86_400, doc="Seconds after which a worker that is gone is forgotten."
    )


def names() -> tuple[str, ...]:
    """The names of all settings, as they stand in a settings module."""
    return tuple(PREFIX + spec.name.upper() for spec in fields(Conf))


@functools.cache
def current() -> Conf:
    """The settings of this process; BadSetting says which one is wrong and what is allowed."""
    values = {}
    for spec in fields(Conf):
        name = PREFIX + spec.name.upper()
        if not hasattr(settings, name):
            continue
        try:
            values[spec.name] = spec.metadata["check"](getattr(settings, name))
        except ValueError as error:
            shown = _shown(spec.name, getattr(settings, name))
            raise BadSetting(f"{name} is {shown}; it should be {error}.") from None
    return Conf(**values)


def _shown(name: str, value: object) -> str:
    """The value as a message may tell it: addresses and options may carry passwords."""
    return type(value).__name__ if name in _CONFIDENTIAL else repr(value)


def _forget(*, setting: str, **_: object) -> None:
    if setting.startswith(PREFIX):
        current.cache_clear()


setting_changed.connect(_forget, dispatch_uid="headway.conf")
