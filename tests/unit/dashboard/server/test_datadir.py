"""What the standalone server keeps in its directory."""

import stat
from pathlib import Path

from dashboard.server import datadir


def test_the_secret_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "data"
    datadir.prepare(path)
    key = datadir.secret_key(path)
    assert len(key) > 50
    assert datadir.secret_key(path) == key
    assert stat.S_IMODE((path / datadir.SECRET_KEY_FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_the_directory_follows_xdg() -> None:
    assert datadir.default({"XDG_DATA_HOME": "/srv/data"}) == Path("/srv/data/headway")
