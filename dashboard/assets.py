"""Where Headway's own static files and templates lie, and a digest that names their version."""

import functools
import hashlib
from pathlib import Path

import dashboard

_PACKAGE = Path(dashboard.__file__).parent


def top(name: str) -> Path | None:
    """`static` or `templates` of a source tree; None in a wheel, which has them in the app."""
    inside, beside = _PACKAGE / name, _PACKAGE.parent / name / "headway"
    return None if inside.is_dir() or not beside.is_dir() else beside.parent


@functools.cache
def digest() -> str:
    """Twelve hex digits that change whenever a static file does."""
    root = top("static") or _PACKAGE / "static"
    content = hashlib.sha256()
    for file in sorted(root.rglob("*")):
        if file.is_file():
            content.update(str(file.relative_to(root)).encode())
            content.update(file.read_bytes())
    return content.hexdigest()[:12]
