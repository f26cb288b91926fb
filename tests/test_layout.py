"""The core stays pure: the standard library without its clocks, sockets, files and logs."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

CORE = Path(__file__).parent.parent / "realtime" / "core"
IMPURE = {
    "asyncio",
    "io",
    "logging",
    "os",
    "pathlib",
    "random",
    "secrets",
    "socket",
    "subprocess",
    "threading",
    "time",
    "urllib.request",
    "uuid",
}


def imported_modules(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def is_pure(module: str) -> bool:
    package = module.partition(".")[0]
    return package in {*sys.stdlib_module_names, "realtime"} and not {module, package} & IMPURE


@pytest.mark.parametrize("path", sorted(CORE.glob("*.py")), ids=lambda path: path.stem)
def test_a_core_module_imports_only_what_is_pure(path: Path) -> None:
    assert [name for name in imported_modules(path.read_text()) if not is_pure(name)] == []


def test_the_rule_sees_an_import_inside_a_function() -> None:
    (module,) = imported_modules("def now():\n    from time import time\n")
    assert not is_pure(module)
