"""What changes a viewer's rights reaches their open pages at once, wherever they are open."""

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.contrib.auth.signals import user_logged_out
from django.db import transaction
from django.db.models.signals import m2m_changed, post_delete, post_save

from dashboard import routing
from dashboard.models import ApiKey


def connect() -> None:
    """Listen to sign-outs and to every change of users, groups and keys."""
    user = get_user_model()
    user_logged_out.connect(_signed_out, dispatch_uid="headway.signed_out")
    post_save.connect(_user_changed, sender=user, dispatch_uid="headway.user_saved")
    post_delete.connect(_user_changed, sender=user, dispatch_uid="headway.user_deleted")
    post_delete.connect(_key_deleted, sender=ApiKey, dispatch_uid="headway.key_deleted")
    for field in ("groups", "user_permissions"):
        # A host's own user model need not have Django's permissions.
        through = getattr(getattr(user, field, None), "through", None)
        if through is not None:
            m2m_changed.connect(_all_changed, sender=through, dispatch_uid=f"headway.{field}")
    m2m_changed.connect(
        _all_changed, sender=Group.permissions.through, dispatch_uid="headway.group_permissions"
    )


def _signed_out(*, user: Any, **_: object) -> None:
    if user is not None:
        _announce(user.get_username())


def _user_changed(*, instance: Any, update_fields: Any = None, **_: object) -> None:
    # Each sign-in notes its time on the user, which changes no right.
    if update_fields is None or set(update_fields) != {"last_login"}:
        _announce(instance.get_username())


def _key_deleted(*, instance: ApiKey, **_: object) -> None:
    _announce(instance.user.get_username())


def _all_changed(*, action: str, **_: object) -> None:
    if action.startswith("post_"):
        _announce(None)


def _announce(username: str | None) -> None:
    """After the commit, since whoever is told reads the rights anew."""
    transaction.on_commit(lambda: routing.announce_rights(username))
