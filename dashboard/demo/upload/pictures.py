"""Thumbnails, by Pillow."""

import io
import time
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from dashboard.demo.upload import limits
from dashboard.demo.upload.refusals import BadFile

try:
    from PIL import Image, ImageOps
except ImportError:  # The extra `demo` brings it.
    Image = None  # type: ignore[assignment]

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
"""No other decoder is ever handed a stranger's bytes."""
_MARKS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a")
_SCANNED = ("JPEG", "MPO")
_SCAN = b"\xff\xda"
"""What a scan begins with (ITU T.81, B.1.1.3: the marker SOS)."""
_PIECE = 1024 * 1024
_TOO_LONG = "The picture is built so that it takes too long to read: save it anew."
_BROKEN = "The picture is broken or was cut off."


class Size(NamedTuple):
    """Of the picture itself, in pixels."""

    width: int
    height: int


def is_picture(head: bytes) -> bool:
    """Whether a file that begins so is a picture we read."""
    return head.startswith(_MARKS) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")


def need_pillow() -> None:
    """Raises BadFile where pictures cannot be read here at all."""
    if Image is None:
        raise BadFile("Pictures cannot be taken here: Pillow is not installed. A CSV file can.")


def thumbnail(source: BinaryIO, target: Path) -> Size:
    """Write a JPEG of at most `MAX_SIDE` pixels, without what the camera noted of time and place.

    Raises BadFile with a sentence: Pillow raises whatever its decoders come across.
    """
    need_pillow()
    try:
        with Image.open(_in_time(source), formats=FORMATS) as picture:
            size = Size(*picture.size)
            _check(size, _scans(source) if picture.format in _SCANNED else 1)
            data = _jpeg(_small(picture))
    except BadFile:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BadFile(_too_large()) from error
    except Exception as error:
        raise BadFile(_BROKEN) from error
    # A full disk is not the picture's fault.
    target.write_bytes(data)
    return size


def thumbnail_of(data: bytes, target: Path) -> Size:
    """The same, of bytes; raises BadFile."""
    if not is_picture(data):
        raise BadFile("It is not a picture we can read.")
    return thumbnail(io.BytesIO(data), target)


def _check(size: Size, scans: int) -> None:
    """Pillow has no limit of time: what its decoders may have to do is bounded before they begin.
    All but a JPEG's look at each pixel once."""
    pixels = size.width * size.height
    if pixels > limits.MAX_PIXELS:
        raise BadFile(_too_large())
    if pixels * scans > limits.MAX_WORK:
        raise BadFile(_TOO_LONG)


def _in_time(source: BinaryIO) -> Any:
    """The same for Pillow, which reads whatever has `read`, `seek` and `tell`."""
    return _InTime(source)


class _InTime:
    """A file that ends whoever still reads it after `MAX_PICTURE_S`: millions of empty parts of a
    picture are one small read each."""

    def __init__(self, source: BinaryIO) -> None:
        self._until = time.monotonic() + limits.MAX_PICTURE_S
        self._source = source
        self.seek, self.tell = source.seek, source.tell

    def read(self, size: int = -1) -> bytes:
        if time.monotonic() > self._until:
            raise BadFile(_TOO_LONG)
        return self._source.read(size)


def _scans(source: BinaryIO) -> int:
    """How many scans a JPEG has at the most: within one no such two bytes stand."""
    at, found, last = source.tell(), 0, b""
    source.seek(0)
    while data := source.read(_PIECE):
        found += (last + data).count(_SCAN)
        last = data[-1:]
    source.seek(at)
    return found


def _small(picture: Any) -> Any:
    side = (limits.MAX_SIDE, limits.MAX_SIDE)
    # A JPEG is decoded at a fraction of its size, which takes a fraction of time and memory.
    picture.draft("RGB", side)
    picture.thumbnail(side)
    upright = ImageOps.exif_transpose(picture)
    if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
        upright = upright.convert("RGBA")
        paper = Image.new("RGBA", upright.size, "white")
        upright = Image.alpha_composite(paper, upright)
    return upright.convert("RGB")


def _jpeg(picture: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=82, optimize=True)
    return out.getvalue()


def _too_large() -> str:
    return f"The picture is too large: at most {limits.MAX_PIXELS // 1_000_000} million pixels."
