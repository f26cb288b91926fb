"""Where a file of the host's own code is, as its people say it: below the project, not below `/`.

A worker tells whole paths of its own machine. What stands before the project is cut: the folders
that this process imports from, and else, by the task's name, what stands before its package. A
path that neither knows stays whole. Only what is shown is cut: what is stored, searched and grouped
by stays as it was told.
"""

import functools
import re
import site
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

from django.conf import settings

_PLACE = re.compile(r"\A(?P<path>.+)(?P<rest>:\d+ in .+)\Z", re.DOTALL)


def shown(path: str, name: str | None = None) -> str:
    """`shop/tasks.py` of `/srv/acme/shop/tasks.py`; `name` is that of the task."""
    plain = path.replace("\\", "/")
    if _is_foreign(plain):
        return path
    for root in _roots():
        if plain.startswith(root):
            return plain[len(root) :]
    return _below_package(plain, name or "") or path


def below(name: object) -> Callable[[str], str]:
    """`shown` for the task of this name."""
    return lambda path: shown(path, str(name or ""))


def shown_place(place: object, name: object = None) -> str | None:
    """The same of `path:line in function`."""
    text = None if place is None else str(place)
    found = _PLACE.match(text or "")
    return shown(found["path"], str(name or "")) + found["rest"] if found else text


def _below_package(path: str, name: str) -> str:
    """The path from the task's package on: as much of the name as is found in it, and where it is
    found more than once, from the last one on."""
    parts = name.split(".")[:-1]
    for number in range(len(parts), 0, -1):
        package = "/".join(parts[:number])
        start = max(path.rfind(f"/{package}/"), path.rfind(f"/{package}.py"))
        if package and start >= 0:
            return path[start + 1 :]
    return ""


@functools.cache
def _roots() -> tuple[str, ...]:
    """The folders that own code is imported from, the longest first, each with a slash at its end.
    What the interpreter and its packages bring is nobody's project."""
    ours = Path(__file__).parents[1]  # the demo's shop, from a checkout
    told = [str(getattr(settings, "BASE_DIR", "")), *sys.path, str(Path.cwd()), str(ours)]
    folders = {Path(each).as_posix().rstrip("/") for each in told if Path(each).is_absolute()}
    own = [each for each in folders if each and not _is_foreign(each)]
    return tuple(sorted((f"{each}/" for each in own), key=len, reverse=True))


def _is_foreign(path: str) -> bool:
    return any(path == each or path.startswith(f"{each}/") for each in _foreign())


@functools.cache
def _foreign() -> frozenset[str]:
    """The folders of the interpreter and its packages; these may lie below the project."""
    paths = sysconfig.get_paths()
    folders = (paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib", "scripts"))
    return frozenset((*folders, *site.getsitepackages(), site.getusersitepackages()))
