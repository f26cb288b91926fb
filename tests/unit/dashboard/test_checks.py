"""System checks."""

import time
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from django.test import override_settings

from dashboard import checks
from dashboard.models import Stream

CLASSIC = "channels_redis.core.RedisChannelLayer"


def ids(found: list[Any]) -> list[str]:
    return [message.id for message in found]


@override_settings(HEADWAY_CELERY_APP="tests.unit.dashboard.test_celeryapp:APP")
def test_a_good_configuration_is_not_complained_about() -> None:
    assert checks.check_settings(None) == []
    assert checks.check_project(None) == []
    assert checks.check_channel_layer(None) == []


@override_settings(HEADWAY_CELERY_APP="no_such_module:app")
def test_an_app_that_cannot_be_imported_is_an_error() -> None:
    assert ids(checks.check_settings(None)) == ["headway.E002"]


@override_settings(HEADWAY_CELERY_APP="dashboard.conf:Conf")
def test_an_app_that_is_none_is_an_error() -> None:
    [found] = checks.check_settings(None)
    assert "is no Celery app" in found.msg


def test_no_app_at_all_is_a_warning() -> None:
    assert ids(checks.check_settings(None)) == ["headway.W002"]


@override_settings(HEADWAY_CELERY_AP="proj.celery:app", HEADWAY_BROKER_URL="memory://")
def test_a_misspelt_setting_is_named() -> None:
    [found] = checks.check_settings(None)
    assert found.msg == "HEADWAY_CELERY_AP is no setting of Headway."


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"ALLOWED_ORIGINS": ["https://shop.example"]}, ["headway.W008"]),
        ({"ALLOWED_ORIGINS": ["https://shop.example"], "EMBED_KEY": "k" * 32}, []),
        ({"EMBED_KEY": ["k" * 32, "k" * 32]}, ["headway.W010"]),
        ({"EMBED_KEY": "too short"}, ["headway.E001"]),
        ({"EMBED_KEY": "k" * 32}, []),
    ],
)
def test_embedding_that_would_not_work_is_said(values: dict[str, Any], expected: list[str]) -> None:
    named = {f"HEADWAY_{name}": value for name, value in values.items()}
    with override_settings(HEADWAY_BROKER_URL="memory://", **named):
        assert ids(checks.check_settings(None)) == expected


@override_settings(
    HEADWAY_BROKER_URL="memory://", SECRET_KEY="s" * 50, HEADWAY_EMBED_KEY=["k" * 32, "s" * 50]
)
def test_an_embed_key_that_signs_sessions_too_is_warned_of() -> None:
    [found] = checks.check_settings(None)
    assert found.id == "headway.W009"
    assert "ssss" not in f"{found.msg} {found.hint}"


@override_settings(HEADWAY_REDACT=7)
def test_a_bad_setting_is_an_error() -> None:
    assert ids(checks.check_settings(None)) == ["headway.E001"]


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        ({}, ["headway.W004"]),
        ({"default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer"}}, []),
        ({"default": {"BACKEND": CLASSIC}}, ["headway.W005"]),
        ({"default": {"BACKEND": CLASSIC, "CONFIG": {"hosts": ["redis://h"]}}}, ["headway.W005"]),
        (
            {
                "default": {
                    "BACKEND": CLASSIC,
                    "CONFIG": {"hosts": [{"address": "redis://h", "socket_timeout": 30}]},
                }
            },
            [],
        ),
    ],
)
def test_a_layer_that_fails_in_a_quiet_minute_is_warned_of(
    layer: dict[str, Any], expected: list[str]
) -> None:
    with override_settings(CHANNEL_LAYERS=layer):
        assert ids(checks.check_channel_layer(None)) == expected


@override_settings(MIDDLEWARE=[])
def test_missing_middleware_is_warned_of() -> None:
    assert set(ids(checks.check_project(None))) == {"headway.W003"}


@override_settings(MIDDLEWARE=["host.middleware.AuthenticationMiddleware"])
def test_a_hosts_own_middleware_of_the_same_name_counts() -> None:
    told = [message.msg for message in checks.check_project(None)]
    assert not any("AuthenticationMiddleware" in text for text in told)


@pytest.mark.django_db
def test_a_receiver_that_fell_silent_is_told_with_its_age() -> None:
    Stream.objects.update_or_create(pk=1, defaults={"alive_at": time.time() - 100})
    assert ids(checks.check_receiver(None, databases=["default"])) == ["headway.W006"]


@pytest.mark.django_db
def test_a_receiver_that_writes_is_not_complained_about() -> None:
    Stream.objects.update_or_create(pk=1, defaults={"alive_at": time.time()})
    assert checks.check_receiver(None, databases=["default"]) == []


def test_the_database_is_not_asked_unless_it_is_named() -> None:
    assert checks.check_receiver(None, databases=None) == []


HASHED = {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}


class RewritingStorage(ManifestStaticFilesStorage):
    support_js_module_import_aggregation = True


REWRITING = {"BACKEND": f"{__name__}.RewritingStorage"}


@pytest.mark.parametrize(("storage", "expected"), [(HASHED, ["headway.W007"]), (REWRITING, [])])
def test_hashed_static_files_whose_modules_go_stale_are_warned_of(
    storage: dict[str, str], expected: list[str]
) -> None:
    with override_settings(STORAGES={"staticfiles": storage}):
        assert ids(checks.check_static_files(None)) == expected


def test_static_files_that_keep_their_names_are_not_warned_of() -> None:
    assert checks.check_static_files(None) == []


@pytest.mark.parametrize(("vendor", "expected"), [("mysql", ["headway.E004"]), ("sqlite", [])])
def test_a_database_without_a_fast_path_is_refused(
    vendor: str, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "connections", {"default": SimpleNamespace(vendor=vendor)})
    assert ids(checks.check_database_kind(None)) == expected
