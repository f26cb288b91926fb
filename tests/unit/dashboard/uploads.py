"""The upload page of the demo with an empty directory, and files as strangers send them."""

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from dashboard.demo.upload import limits, views
from dashboard.throttle import Budget, Rate


def served(directory: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have Django serve the page, with this directory; nothing but its limits stops an upload."""
    settings.UPLOAD_DIR = directory
    settings.ROOT_URLCONF = "dashboard.demo.urls"
    settings.HEADWAY_EMBED_KEY = "k" * 40
    monkeypatch.setattr(limits, "MIN_FREE", 0)
    monkeypatch.setattr(views, "_begun", Budget(Rate(1_000, 1.0)))


def picture(width: int = 60, height: int = 40, kind: str = "JPEG", mode: str = "RGB") -> bytes:
    """A picture of one colour."""
    out = io.BytesIO()
    Image.new(mode, (width, height), 120 if mode == "L" else None).save(out, kind)
    return out.getvalue()


def zipped(path: Path, files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    """A zip of these files."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path
