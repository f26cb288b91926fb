"""What a page says once: only what we signed, and not for long."""

from typing import Any

import pytest
from django.core import signing

from dashboard import flash
from dashboard.flash import Flash


def test_what_was_signed_is_said() -> None:
    said = Flash("done", "It was sent again.", "a/b")
    assert flash.read(flash.text(said)) == said


@pytest.mark.parametrize("value", [None, "", "done", "eyJ:x:y", "\x00"])
def test_what_others_wrote_is_not_said(value: str | None) -> None:
    assert flash.read(value) is None


def test_it_is_forgotten_after_a_minute(monkeypatch: Any) -> None:
    text = flash.text(Flash("refused", "It is over."))
    later = signing.time.time() + 61
    monkeypatch.setattr(signing.time, "time", lambda: later)
    assert flash.read(text) is None
