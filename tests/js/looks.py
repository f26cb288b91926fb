"""The widths and themes that a page is looked at in. `make test` runs the smallest screen and the
dark theme, where most goes wrong; `make looks` runs all of them."""

from typing import Any

import pytest


def _beyond(*values: object) -> list[Any]:
    return [pytest.param(value, marks=pytest.mark.looks) for value in values]


WIDTHS = [360, *_beyond(820, 1280, 1600)]
THEMES = ["dark", *_beyond("light")]
