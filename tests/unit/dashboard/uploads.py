"""Files as strangers send them."""

import io
import zipfile
from pathlib import Path

from PIL import Image


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
