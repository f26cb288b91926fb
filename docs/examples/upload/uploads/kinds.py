"""What a file is by its content: its name may say what it likes."""

import codecs
from collections.abc import Sequence
from pathlib import Path

from uploads import archives, pictures
from uploads.refusals import BadFile

PICTURE, PICTURES, ZIP, TABLE = "picture", "pictures", "zip", "table"
WANTED = "Send pictures (JPEG, PNG, WebP, GIF), a zip of them, or a table as CSV."
_HEAD = 64 * 1024
_OTHERS = {
    b"%PDF": "a PDF",
    b"\x7fELF": "a program",
    b"MZ": "a program",
    b"Rar!": "a RAR archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"\x1f\x8b": "a gzip archive",
    b"II*\x00": "a TIFF picture",
    b"MM\x00*": "a TIFF picture",
    b"BM": "a BMP picture",
    b"ID3": "a sound file",
    b"OggS": "a sound file",
}


def of_upload(paths: Sequence[Path]) -> str:
    """The kind of these files together; raises BadFile with a sentence."""
    found = [of_file(path) for path in paths]
    if len(found) == 1:
        return found[0]
    if any(kind != PICTURE for kind in found):
        raise BadFile("Several files at once must all be pictures.")
    return PICTURES


def of_file(path: Path) -> str:
    """The kind of one file; only its head, and of a zip its list of files, is read."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head:
        raise BadFile("The file is empty.")
    if pictures.is_picture(head):
        pictures.need_pillow()
        return PICTURE
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        pictures.need_pillow()
        archives.check(path)
        return ZIP
    if is_text(head) and any(mark in head.splitlines()[0] for mark in (b",", b";", b"\t")):
        return TABLE
    raise BadFile(f"This looks like {_guess(head)}. {WANTED}")


def is_text(head: bytes) -> bool:
    """Whether it is UTF-8 without control characters; the last letter may be cut."""
    if any(byte < 32 and byte not in b"\t\r\n" for byte in head) or not head.strip():
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return True


def _guess(head: bytes) -> str:
    for magic, name in _OTHERS.items():
        if head.startswith(magic):
            return name
    if head[4:8] == b"ftyp":
        return "a video"
    return "a text without columns" if is_text(head) else "something else"
