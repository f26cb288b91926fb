"""The first user of a standalone server."""

import secrets

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction

ADMIN = "admin"


def ensure_admin(password: str | None) -> str | None:
    """Make `admin` where there is no user yet; the password, or None when users exist.

    Several processes may start at once on a new database: one of them makes it and tells it.
    """
    users = get_user_model().objects
    if users.exists():
        return None
    chosen = password or secrets.token_urlsafe(15)
    try:
        with transaction.atomic():
            users.create_superuser(username=ADMIN, email="", password=chosen)
    except IntegrityError:
        return None
    return chosen
