"""Queries that people gave a name: each has their own, and nobody else's.

Every function raises `StoreUnavailable` where the database does not answer.
"""

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, transaction

from dashboard import changes
from dashboard.models import SavedQuery

User = AbstractBaseUser | AnonymousUser

MAX_SAVED = 50
MAX_NAME = 60


class TooMany(Exception):
    """There are `MAX_SAVED` already."""


class NameTaken(Exception):
    """Another one of theirs has this name."""


def _key(user: User) -> int | str:
    """What a user is stored under."""
    found: Any = user.pk
    key: int | str = found
    return key


@changes.translated()
def saved(user: User) -> list[SavedQuery]:
    """Those of this user, by name."""
    return list(SavedQuery.objects.filter(user_id=_key(user)).order_by("name")[:MAX_SAVED])


@changes.translated()
def save(user: User, name: str, query: str) -> SavedQuery:
    """Keep a query. One of the same name is replaced; `TooMany` where there is no room."""
    with transaction.atomic():
        found = SavedQuery.objects.filter(user_id=_key(user), name=name).first()
        if found is None:
            if SavedQuery.objects.filter(user_id=_key(user)).count() >= MAX_SAVED:
                raise TooMany
            return SavedQuery.objects.create(user_id=_key(user), name=name, query=query)
        found.query = query
        found.save(update_fields=["query"])
        return found


@changes.translated()
def rename(user: User, id_: int, name: str) -> SavedQuery | None:
    """Give one of theirs another name; None where it is not theirs, `NameTaken` where another one
    has it."""
    found = SavedQuery.objects.filter(user_id=_key(user), id=id_).first()
    if found is None:
        return None
    found.name = name
    try:
        with transaction.atomic():
            found.save(update_fields=["name"])
    except IntegrityError:
        raise NameTaken from None
    return found


@changes.translated()
def delete(user: User, id_: int) -> bool:
    """Forget one of theirs; False where it is not theirs."""
    number, _ = SavedQuery.objects.filter(user_id=_key(user), id=id_).delete()
    return number > 0
