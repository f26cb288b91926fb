"""The directory where the standalone server keeps what must survive a restart."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

SECRET_KEY_FILE = "secret.key"  # noqa: S105 - its name
DATABASE_FILE = "headway.sqlite3"


def default(environ: Mapping[str, str]) -> Path:
    """`~/.local/share/headway`, or below XDG_DATA_HOME where that is set."""
    home = environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(home) / "headway"


def prepare(path: Path) -> None:
    """Make the directory, for its owner alone."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)


def secret_key(path: Path) -> str:
    """The secret key of this directory, made at first use; its file is its owner's alone."""
    file = path / SECRET_KEY_FILE
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        return file.read_text().strip()
    key = secrets.token_urlsafe(50)
    with os.fdopen(handle, "w") as out:
        out.write(key)
    return key
