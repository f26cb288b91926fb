"""Thumbnails, by Pillow."""

import io
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from uploads import limits
from uploads.refusals import BadFile

try:
    from PIL import Image, ImageOps
except ImportError:  # The extra `demo` brings it.
    Image = None  # type: ignore[assignment]

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
"""No other decoder is ever handed a stranger's bytes."""
_MARKS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a")
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
        with Image.open(source, formats=FORMATS) as picture:
            size = Size(*picture.size)
            _check(size)
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


def _check(size: Size) -> None:
    if size.width * size.height > limits.MAX_PIXELS:
        raise BadFile(_too_large())


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
