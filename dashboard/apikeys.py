"""Keys that programs present in place of a session. The clear text is shown once, at creation."""

import datetime
import hashlib
import re
import secrets
from typing import NamedTuple

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Q
from django.utils import timezone

from dashboard.models import ApiKey

_KEY = re.compile(r"hw_([0-9a-z]{8})_([0-9A-Za-z_-]{43})")
_PREFIX_BYTES = 4
_SECRET_BYTES = 32
"""256 bits of chance cannot be guessed, so a fast hash suffices: there is no dictionary to try."""
_NO_HASH = "0" * 64
_NOTED_EVERY = datetime.timedelta(minutes=1)
"""A key that is used a hundred times a second must not write a hundred times a second."""


class Created(NamedTuple):
    """A new key, and its clear text, which is stored nowhere."""

    key: ApiKey
    clear: str


def create(
    user: AbstractBaseUser, name: str, expires_at: datetime.datetime | None = None
) -> Created:
    """A key that acts as `user`; without `expires_at` it works until it is deleted."""
    prefix, secret = secrets.token_hex(_PREFIX_BYTES), secrets.token_urlsafe(_SECRET_BYTES)
    key = ApiKey.objects.create(
        user_id=user.pk,
        name=name,
        prefix=prefix,
        secret_hash=_hash(secret),
        expires_at=expires_at,
    )
    return Created(key, f"hw_{prefix}_{secret}")


def verify(clear: str) -> AbstractBaseUser | None:
    """The active user whom this key acts as; None for a key that is malformed, unknown, expired,
    or of a user who may not sign in. Unknown and wrong keys take the same time."""
    match = _KEY.fullmatch(clear)
    if match is None:
        return None
    prefix, secret = match.groups()
    key = ApiKey.objects.select_related("user").filter(prefix=prefix).first()
    is_right = secrets.compare_digest(key.secret_hash if key else _NO_HASH, _hash(secret))
    now = timezone.now()
    if key is None or not is_right or (key.expires_at is not None and key.expires_at <= now):
        return None
    if not key.user.is_active:
        return None
    _note_use(key, now)
    user: AbstractBaseUser = key.user
    return user


def _note_use(key: ApiKey, now: datetime.datetime) -> None:
    if key.last_used_at is not None and now - key.last_used_at < _NOTED_EVERY:
        return
    # Of the requests that come at once one writes.
    stale = Q(last_used_at=None) | Q(last_used_at__lte=now - _NOTED_EVERY)
    ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=now)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("ascii")).hexdigest()
