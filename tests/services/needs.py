"""What a test needs from the machine: found, or a skip with the reason."""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

import pytest


def unavailable(reason: str) -> NoReturn:
    """Skip the asking test, or fail it where HEADWAY_REQUIRE_SERVICES=1 says that none may be."""
    if os.environ.get("HEADWAY_REQUIRE_SERVICES") == "1":
        pytest.fail(f"{reason} (HEADWAY_REQUIRE_SERVICES=1)", pytrace=False)
    pytest.skip(f"{reason}; `make test` installs it where apt is usable")


def find_program(*names: str, directories: Iterable[Path] = ()) -> Path | None:
    """Return the first of `names` found in `directories` or on the PATH."""
    for directory in directories:
        for name in names:
            if os.access(directory / name, os.X_OK):
                return directory / name
    return next((Path(path) for name in names if (path := shutil.which(name))), None)


def require_program(*names: str, directories: Iterable[Path] = ()) -> Path:
    """Return the first of `names` found, else skip or fail the asking test."""
    return find_program(*names, directories=directories) or unavailable(f"{names[0]} is missing")
