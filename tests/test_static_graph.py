"""Every project can collect the modules under hashed names, whatever order it finds them in.

Where `support_js_module_import_aggregation` is on, Django replaces the names that modules import
each other by, and gives up after six passes over all files. In the worst order a pass settles one
level of imports alone, so no chain of imports may be longer than five modules. Django takes
`import("./x.js")` in a comment for an import too: types are written `import ("./x.js")`.
"""

import hashlib
import re
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from posixpath import dirname, join, normpath

import pytest
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage

from tests.services.process import ROOT

STATIC = ROOT / "static"
FILES = sorted(path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*.*"))
MODULES = {
    name: (STATIC / name).read_text(encoding="utf-8")
    for name in FILES
    if name.endswith(".js") and "/vendor/" not in name
}
MAX_CHAIN = 5
_IMPORT = re.compile(r"""(?:\bfrom\s*|\bimport\s*|\bimport\()["'](\.[^"']+)["']""")


class Hashed(ManifestStaticFilesStorage):
    support_js_module_import_aggregation = True


def mixed(seed: int) -> list[str]:
    """The files in an order that follows from nothing but the number."""
    return sorted(FILES, key=lambda name: hashlib.sha256(f"{seed} {name}".encode()).digest())


def orders() -> Iterator[list[str]]:
    yield FILES
    yield FILES[::-1]
    yield from map(mixed, range(6))


@pytest.mark.parametrize("order", list(orders()), ids=lambda order: order[0])
def test_modules_are_collected_under_hashed_names_in_this_order(
    order: list[str], tmp_path: Path
) -> None:
    shutil.copytree(STATIC, tmp_path, dirs_exist_ok=True)
    storage = Hashed(location=tmp_path)
    told = storage.post_process({name: (storage, name) for name in order})
    assert [(name, str(what)) for name, _, what in told if isinstance(what, Exception)] == []


@cache
def chain(name: str) -> tuple[str, ...]:
    """The longest chain of imports that begins with this module."""
    imported = (normpath(join(dirname(name), found)) for found in _IMPORT.findall(MODULES[name]))
    below = [chain(each) for each in imported if each in MODULES]
    return (name, *max(below, key=len, default=()))


@pytest.mark.parametrize("name", sorted(MODULES))
def test_no_chain_of_imports_is_longer_than_django_can_follow_in_any_order(name: str) -> None:
    assert len(chain(name)) <= MAX_CHAIN, " imports ".join(chain(name))
