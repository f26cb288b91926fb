from typing import Any

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import AnonymousUser, Permission, User
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session

from dashboard import access, apikeys
from realtime.core import query
from realtime.core.query import Query
from realtime.ports import NOBODY, Rights

pytestmark = pytest.mark.django_db

EVERY_FIELD = frozenset({"args", "kwargs", "result", "exception", "traceback"})


@pytest.fixture
def ann() -> User:
    return User.objects.create_user("ann", password="a")


@pytest.fixture
def admin() -> User:
    return User.objects.create_superuser("admin")


def grant(user: User, *names: str) -> User:
    user.user_permissions.add(*Permission.objects.filter(codename__in=names))
    return User.objects.get(pk=user.pk)


def signed_in(user: User) -> str:
    """The cookie of a session of this user."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return f"sessionid={session.session_key}"


def scope(**headers: str) -> dict[str, Any]:
    told = {"host": "testserver", **headers}
    return {
        "type": "websocket",
        "headers": [(name.encode(), text.encode()) for name, text in told.items()],
    }


def rights(**headers: str) -> Rights:
    return access.current().rights(scope(**headers))


def test_a_superuser_may_see_and_do_everything(admin: User) -> None:
    assert access.rights(admin) == Rights(user="admin", can=frozenset(access.ABILITIES))


@pytest.mark.parametrize("name", access.ABILITIES)
def test_each_ability_is_a_permission_of_ours_and_granted_alone(ann: User, name: str) -> None:
    assert access.rights(grant(ann, name)).can == {name}


def test_a_user_without_permissions_may_see_nothing(ann: User) -> None:
    assert access.rights(ann) == Rights(user="ann", can=frozenset(), hidden=EVERY_FIELD)


def test_each_guarded_field_has_a_permission_of_its_own(ann: User) -> None:
    ann = grant(ann, "view_task", "view_task_args", "view_task_exception")

    seen = access.rights(ann)

    assert seen.can == {"view_task"}
    assert seen.hidden == {"kwargs", "result", "traceback"}


@pytest.mark.parametrize("is_superuser", [True, False])
def test_strangers_and_inactive_users_may_see_nothing(ann: User, is_superuser: bool) -> None:
    ann.is_active, ann.is_superuser = False, is_superuser

    assert access.rights(ann) == NOBODY
    assert access.rights(AnonymousUser()) == NOBODY
    assert rights() == NOBODY


def test_a_session_cookie_is_its_user(admin: User) -> None:
    cookie = f"theme=dark; {signed_in(admin)}; other"

    assert rights(cookie=cookie).user == "admin"
    assert rights(cookie=cookie, origin="http://testserver").user == "admin"


def test_rights_are_read_anew_each_time(ann: User) -> None:
    cookie = signed_in(ann)
    assert rights(cookie=cookie).can == frozenset()

    grant(ann, "view_worker")
    assert rights(cookie=cookie).can == {"view_worker"}

    Session.objects.all().delete()
    assert rights(cookie=cookie) == NOBODY


def test_a_session_of_before_a_password_change_is_nobodys_and_is_left_alone(ann: User) -> None:
    cookie = signed_in(ann)
    ann.set_password("b")
    ann.save()

    assert rights(cookie=cookie) == NOBODY
    assert Session.objects.count() == 1


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "http://testserver.evil.example",
        "http://testserver:8001",
        "null",
        "",
        "http://[",
        "testserver",
    ],
)
def test_a_cookie_on_a_foreign_page_is_ignored(admin: User, origin: str) -> None:
    assert rights(cookie=signed_in(admin), origin=origin) == NOBODY


def test_a_page_of_a_host_that_is_not_allowed_is_foreign(admin: User) -> None:
    """A name that an attacker points at this server (DNS rebinding)."""
    cookie = signed_in(admin)

    assert rights(host="evil.example", origin="http://evil.example", cookie=cookie) == NOBODY


def test_trusted_origins_are_those_of_djangos_forms(admin: User, settings: Any) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://ops.example", "https://*.shop.example"]
    cookie = signed_in(admin)

    assert rights(cookie=cookie, origin="https://ops.example").user == "admin"
    assert rights(cookie=cookie, origin="https://eu.shop.example").user == "admin"
    assert rights(cookie=cookie, origin="http://ops.example") == NOBODY
    assert rights(cookie=cookie, origin="https://evilshop.example") == NOBODY


def test_an_api_key_acts_as_its_user_from_anywhere(admin: User) -> None:
    clear = apikeys.create(admin, "ci").clear

    assert rights(authorization=f"Bearer {clear}").user == "admin"
    assert rights(authorization=f"bearer {clear}", origin="http://evil.example").user == "admin"


@pytest.mark.parametrize("told", ["", "Bearer", "Bearer hw_x_y", "Basic YTpi"])
def test_who_presents_a_bad_key_is_not_asked_for_a_cookie(admin: User, told: str) -> None:
    assert rights(authorization=told, cookie=signed_in(admin)) == NOBODY


class OwnTasks(access.DefaultAccess):
    def rows(self, user: access.User) -> Query:
        return query.parse(f"owner:{user.pk}")


def test_a_host_names_a_class_of_its_own(ann: User, settings: Any) -> None:
    settings.HEADWAY_ACCESS = f"{__name__}.OwnTasks"

    assert access.rights(ann).rows == query.parse(f"owner:{ann.pk}")
