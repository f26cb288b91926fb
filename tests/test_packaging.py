"""What the wheel carries is what an installed Headway needs."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs import messages
from tests.services.process import ROOT


@pytest.fixture(scope="module")
def wheel(built_wheel: Path) -> Iterator[zipfile.ZipFile]:
    with zipfile.ZipFile(built_wheel) as archive:
        yield archive


def sources(top: str) -> set[str]:
    paths = (ROOT / top).rglob("*")
    return {str(path.relative_to(ROOT)) for path in paths if path.is_file()}


@pytest.mark.parametrize("top", ["static", "templates"])
def test_the_wheel_carries_every_file_of_the_pages_inside_the_app(
    wheel: zipfile.ZipFile, top: str
) -> None:
    inside = {f"dashboard/{name}" for name in sources(top)}
    assert inside
    assert inside <= set(wheel.namelist())


def test_the_wheel_carries_the_translations_where_django_looks_for_them(
    wheel: zipfile.ZipFile,
) -> None:
    names = set(wheel.namelist())
    for language in messages.languages():
        folder = f"dashboard/locale/{language}/LC_MESSAGES"
        assert {f"{folder}/django.po", f"{folder}/django.mo"} <= names


def test_every_file_of_the_pages_is_under_our_own_name() -> None:
    foreign = {name for name in sources("static") | sources("templates") if "/headway/" not in name}
    assert foreign == set()


def test_the_wheel_brings_two_packages_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"dashboard", "realtime"}


def test_the_wheel_installs_the_headway_command(wheel: zipfile.ZipFile) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith("/entry_points.txt"))
    assert "headway = dashboard.server.cli:main" in wheel.read(name).decode()
