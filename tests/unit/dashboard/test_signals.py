"""A change of rights is announced once it is committed, and only then."""

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import transaction
from django.test import Client

from dashboard import apikeys, routing

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def announced(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    names: list[str | None] = []
    monkeypatch.setattr(routing, "announce_rights", names.append)
    return names


@pytest.fixture
def ann(announced: list[str | None]) -> User:
    user = User.objects.create_user("ann")
    announced.clear()
    return user


def test_signing_out_is_announced_and_signing_in_is_not(
    ann: User, announced: list[str | None]
) -> None:
    client = Client()
    client.force_login(ann)
    assert announced == []
    client.post("/headway/logout/")
    assert announced == ["ann"]


def test_losing_a_permission_or_a_group_is_announced(
    ann: User, announced: list[str | None]
) -> None:
    permission = Permission.objects.get(codename="view_task")
    ann.user_permissions.add(permission)
    ann.user_permissions.remove(permission)
    group = Group.objects.create(name="viewers")
    group.permissions.add(permission)
    ann.groups.add(group)
    assert announced == [None] * 4


def test_being_made_inactive_or_deleted_is_announced(
    ann: User, announced: list[str | None]
) -> None:
    ann.is_active = False
    ann.save()
    ann.delete()
    assert announced == ["ann", "ann"]


def test_a_deleted_key_is_announced(ann: User, announced: list[str | None]) -> None:
    apikeys.create(ann, "scripts").key.delete()
    assert announced == ["ann"]


def test_nothing_is_announced_before_it_is_committed(
    ann: User, announced: list[str | None]
) -> None:
    with transaction.atomic():
        ann.is_active = False
        ann.save()
        assert announced == []
    assert announced == ["ann"]
