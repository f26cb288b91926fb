"""The settings, their defaults and their checks."""

import ipaddress

import pytest
from django.test import override_settings

from dashboard import conf
from tests.services.process import ROOT


def test_every_setting_has_a_default() -> None:
    assert conf.Conf().access == "dashboard.access.DefaultAccess"
    assert "*password*" in conf.Conf().redact


@override_settings(HEADWAY_TRUSTED_PROXIES=["10.0.0.0/8"], HEADWAY_ENVIRONMENT="production")
def test_settings_are_read_from_djangos() -> None:
    assert conf.current().trusted_proxies == (ipaddress.ip_network("10.0.0.0/8"),)
    assert conf.current().environment == "production"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("HEADWAY_TRUSTED_PROXIES", ["proxy"], "not 'proxy'"),
        ("HEADWAY_TRUSTED_PROXIES", "10.0.0.1", "a list of texts"),
        ("HEADWAY_MAX_SOCKETS_PER_USER", 0, "a whole number above 0"),
        ("HEADWAY_ALLOWED_ORIGINS", ["shop.example"], "a list of origins"),
        ("HEADWAY_REDACT", "password", "a list of texts"),
        ("HEADWAY_CELERY_APP", 7, "a text"),
    ],
)
def test_a_bad_setting_is_named_with_what_it_should_be(name: str, value: object, said: str) -> None:
    with (
        override_settings(**{name: value}),
        pytest.raises(conf.BadSetting, match=f"{name} is .* should be .*{said}"),
    ):
        conf.current()


def test_no_message_repeats_what_may_hold_a_password() -> None:
    with (
        override_settings(HEADWAY_CELERY_OPTIONS=["redis_password=hunter2"]),
        pytest.raises(conf.BadSetting) as refused,
    ):
        conf.current()
    assert "hunter2" not in str(refused.value)


def test_every_setting_is_in_the_reference() -> None:
    text = (ROOT / "docs/reference/settings.md").read_text()
    assert all(f"| `{name}` |" in text for name in conf.names())
    assert all(f"`{pattern}`" in text for pattern in conf.DEFAULT_REDACT)
