"""Pooled connections, where there is nothing to pool."""

from typing import Any

import pytest

from dashboard.server import pooling


class Foreign:
    """A connection to be left alone."""

    def __init__(self, vendor: str) -> None:
        self.vendor = vendor
        self.settings_dict: dict[str, Any] = {"OPTIONS": {}}


@pytest.mark.parametrize(("vendor", "is_installed"), [("sqlite", True), ("postgresql", False)])
def test_where_nothing_can_be_pooled_connections_are_django_s_own(
    vendor: str, is_installed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign = Foreign(vendor)
    monkeypatch.setattr(pooling, "connection", foreign)
    found = object() if is_installed else None
    monkeypatch.setattr(pooling.importlib.util, "find_spec", lambda name: found)
    pooling.share()
    assert foreign.settings_dict == {"OPTIONS": {}}
    pooling.close()
