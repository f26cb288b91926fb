"""Who may see and do what. A host overrides it by naming its own class in `HEADWAY_ACCESS`."""

import functools
from collections.abc import Iterable, Mapping
from importlib import import_module
from types import SimpleNamespace
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http.cookie import parse_cookie
from django.http.request import validate_host
from django.utils.http import is_same_domain
from django.utils.module_loading import import_string

from dashboard import apikeys, conf
from realtime.core.query import EVERYTHING, Query
from realtime.core.wire import GUARDED_FIELDS
from realtime.ports import NOBODY, Rights

User = AbstractBaseUser | AnonymousUser

ABILITIES = (
    "view_task",
    "view_worker",
    "view_queue",
    "view_scheduleentry",
    "view_failure",
    "view_audit",
    "revoke_task",
    "retry_task",
    "change_failure",
)
"""Permissions of ours that open a page or an action, by their Django names."""
_LOCAL_HOSTS = (".localhost", "127.0.0.1", "[::1]")
"""What Django itself allows where `ALLOWED_HOSTS` is empty and `DEBUG` is on."""


class DefaultAccess:
    """Django's permissions decide: `headway.view_task`, `headway.retry_task` and so on, and one
    permission for each guarded field (`headway.view_task_args`). A superuser may see and do
    everything, whoever is inactive or unknown nothing. A host overrides `rows` to show people only
    what is theirs: they can act on nothing else either."""

    def rights(self, scope: Mapping[str, object]) -> Rights:
        """The rights of whoever opened this ASGI connection, read anew from the database."""
        return self.rights_of(self.user(scope))

    def rights_of(self, user: User) -> Rights:
        """What this user may see and do."""
        if not user.is_authenticated or not user.is_active:
            return NOBODY
        return Rights(
            user=user.get_username(),
            can=frozenset(name for name in ABILITIES if _may(user, name)),
            hidden=frozenset(
                name for name in GUARDED_FIELDS if not _may(user, f"view_task_{name}")
            ),
            rows=self.rows(user),
        )

    def rows(self, user: User) -> Query:
        """The tasks that this user may see at all, for one: `query.parse(f"owner:{user.pk}")`."""
        return EVERYTHING

    def user(self, scope: Mapping[str, object]) -> User:
        """Who asks: by API key (`Authorization: Bearer`), else by session cookie, which counts
        only where the page that opened the connection is our own."""
        headers = _headers(scope)
        authorization = headers.get("authorization")
        if authorization is not None:
            kind, _, key = authorization.partition(" ")
            return (kind.lower() == "bearer" and apikeys.verify(key.strip())) or AnonymousUser()
        if not is_own_origin(headers.get("origin"), headers.get("host", "")):
            return AnonymousUser()
        return _session_user(headers.get("cookie", ""))


def current() -> DefaultAccess:
    """The access class that `HEADWAY_ACCESS` names."""
    return _instance(conf.current().access)


def rights(user: User) -> Rights:
    """What this user may see and do, by the class that `HEADWAY_ACCESS` names."""
    return current().rights_of(user)


def is_own_origin(origin: str | None, host: str) -> bool:
    """Whether a connection from a page of `origin` to `host` is one of our own pages'. Programs
    send no origin. `CSRF_TRUSTED_ORIGINS` names others, as it does for Django's forms."""
    if origin is None:
        return True
    try:
        page = urlsplit(origin)
        name = page.hostname
    except ValueError:
        return False
    if not name:
        return False
    if any(_is_of(page, urlsplit(trusted)) for trusted in settings.CSRF_TRUSTED_ORIGINS):
        return True
    allowed = settings.ALLOWED_HOSTS or (_LOCAL_HOSTS if settings.DEBUG else ())
    return page.netloc.lower() == host.lower() and validate_host(_bracketed(name), allowed)


def is_embed_page(origin: str | None, host: str) -> bool:
    """Whether embed tokens count on a connection from a page of `origin` to `host`: on our own
    pages, those of `HEADWAY_ALLOWED_ORIGINS`, and for programs."""
    return is_own_origin(origin, host) or origin in conf.current().allowed_origins


def _is_of(page: SplitResult, trusted: SplitResult) -> bool:
    """Whether a trusted origin, which may begin with `*.`, covers the page's."""
    is_same = is_same_domain(page.netloc.lower(), trusted.netloc.removeprefix("*"))
    return page.scheme == trusted.scheme and is_same


def _bracketed(name: str) -> str:
    return f"[{name}]" if ":" in name else name


@functools.cache
def _instance(path: str) -> DefaultAccess:
    made: DefaultAccess = import_string(path)()
    return made


def _may(user: Any, name: str) -> bool:
    return bool(user.has_perm(f"headway.{name}"))


def _headers(scope: Mapping[str, object]) -> Mapping[str, str]:
    raw: Iterable[tuple[bytes, bytes]] = scope.get("headers", ())  # type: ignore[assignment]
    found: dict[str, str] = {}
    for name, value in raw:
        key = name.decode("latin-1").lower()
        text = value.decode("latin-1")
        # HTTP/2 sends a header of its own for each cookie.
        found[key] = f"{found[key]}; {text}" if key == "cookie" and key in found else text
    return found


def _session_user(cookies: str) -> User:
    key = parse_cookie(cookies).get(settings.SESSION_COOKIE_NAME)
    if not key:
        return AnonymousUser()
    session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    # A socket cannot hand out another cookie: a session whose key changed here would be lost.
    session.cycle_key = session.flush = _keep
    user: User = get_user(SimpleNamespace(session=session))  # type: ignore[arg-type]
    return user


def _keep() -> None:
    """Leave the session as it is."""
