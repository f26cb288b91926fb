"""`headway apikey`: keys for programs, on a machine that has the database."""

import argparse
import datetime

from django.contrib.auth import get_user_model
from django.utils import timezone

from dashboard import apikeys
from dashboard.models import ApiKey
from dashboard.server import accounts
from dashboard.server.console import say
from dashboard.server.failures import NotPrepared


class NoSuchKey(NotPrepared):
    """There is no such user or key; the message says which there are."""


def create(name: str, user: str | None, expires_days: int | None) -> None:
    """Print a new key of `user` (by default `admin`), and nothing else."""
    model = get_user_model()
    wanted = user or accounts.ADMIN
    try:
        owner = model.objects.get_by_natural_key(wanted)
    except model.DoesNotExist:
        raise NoSuchKey(
            f"--user {wanted!r}: there is no such user; the first `headway serve` makes "
            "admin, `headway manage createsuperuser` others"
        ) from None
    expires_at = None
    if expires_days is not None:
        expires_at = timezone.now() + datetime.timedelta(days=expires_days)
    say(apikeys.create(owner, name, expires_at).clear)


def show() -> None:
    """Print a line for each key: what it begins with, its name, user, end and last use."""
    for key in ApiKey.objects.select_related("user").order_by("created_at"):
        parts = (
            f"hw_{key.prefix}",
            key.name,
            key.user.get_username(),
            f"until {key.expires_at:%Y-%m-%d}" if key.expires_at else "for ever",
            f"used {key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never used",
        )
        say("\t".join(parts))


def revoke(prefix: str) -> None:
    """Delete the key that begins with `prefix`."""
    wanted = prefix.removeprefix("hw_").partition("_")[0]
    if not ApiKey.objects.filter(prefix=wanted).delete()[0]:
        raise NoSuchKey(
            f"{prefix!r}: no key begins like this; `headway apikey list` shows them all"
        )


def run(given: argparse.Namespace) -> None:
    """Do what was asked for on the command line."""
    if given.action == "create":
        create(given.name, given.user, given.expires)
    elif given.action == "list":
        show()
    else:
        revoke(given.prefix)
