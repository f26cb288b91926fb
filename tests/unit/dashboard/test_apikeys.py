import datetime
import hashlib
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from dashboard import apikeys
from dashboard.models import ApiKey

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann() -> User:
    return User.objects.create_user("ann")


def at(moment: datetime.datetime) -> Any:
    return mock.patch.object(timezone, "now", return_value=moment)


def test_a_key_acts_as_its_user(ann: User) -> None:
    created = apikeys.create(ann, "ci")

    assert apikeys.verify(created.clear) == ann
    assert created.clear.startswith(f"hw_{created.key.prefix}_")


def test_only_the_hash_of_the_secret_is_stored(ann: User) -> None:
    created = apikeys.create(ann, "ci")
    secret = created.clear.split("_", 2)[2]

    stored = ApiKey.objects.get()

    assert stored.secret_hash == hashlib.sha256(secret.encode()).hexdigest()
    assert secret not in str(vars(stored))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda clear: "",
        lambda clear: clear[:-1],
        lambda clear: clear + "x",
        lambda clear: clear[:-1] + ("a" if clear[-1] != "a" else "b"),
        lambda clear: "hw_00000000_" + clear[12:],
        lambda clear: clear.replace("hw_", "xx_"),
        lambda clear: "é" * len(clear),
        lambda clear: clear + "\n",
    ],
)
def test_anything_but_the_whole_key_is_refused(ann: User, spoil: Any) -> None:
    clear = apikeys.create(ann, "ci").clear

    assert apikeys.verify(spoil(clear)) is None


def test_secrets_are_compared_in_constant_time_for_unknown_keys_too(ann: User) -> None:
    with mock.patch("secrets.compare_digest", return_value=True) as compare:
        assert apikeys.verify(f"hw_00000000_{'a' * 43}") is None

    compare.assert_called_once()


def test_a_key_ends_when_it_expires(ann: User) -> None:
    end = timezone.now() + datetime.timedelta(hours=1)
    clear = apikeys.create(ann, "ci", expires_at=end).clear

    with at(end - datetime.timedelta(seconds=1)):
        assert apikeys.verify(clear) == ann
    with at(end):
        assert apikeys.verify(clear) is None


def test_a_key_of_an_inactive_user_opens_nothing(ann: User) -> None:
    clear = apikeys.create(ann, "ci").clear
    User.objects.update(is_active=False)

    assert apikeys.verify(clear) is None


def test_its_use_is_noted_once_a_minute(
    ann: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    clear = apikeys.create(ann, "ci").clear
    begin = timezone.now()

    with at(begin), django_assert_num_queries(2):
        apikeys.verify(clear)
    with at(begin + datetime.timedelta(seconds=59)), django_assert_num_queries(1):
        apikeys.verify(clear)
    assert ApiKey.objects.get().last_used_at == begin
    later = begin + datetime.timedelta(seconds=60)
    with at(later), django_assert_num_queries(2):
        apikeys.verify(clear)
    assert ApiKey.objects.get().last_used_at == later


def test_a_refused_key_is_not_noted_as_used(ann: User) -> None:
    clear = apikeys.create(ann, "ci").clear

    apikeys.verify(clear[:-1] + ("a" if clear[-1] != "a" else "b"))

    assert ApiKey.objects.get().last_used_at is None
