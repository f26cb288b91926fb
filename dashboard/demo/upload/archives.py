"""Zips of strangers: what is promised is checked before anything is unpacked, and nothing is ever
unpacked under its own name."""

import lzma
import re
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from dashboard.demo.upload import limits
from dashboard.demo.upload.refusals import BadFile

BROKEN = "The zip is broken or was cut off. Send it again."
_END = struct.Struct("<4s4H2LH")
_END_MARK, _LARGE_MARK = b"PK\x05\x06", b"PK\x06\x07"
_MAX_COMMENT = 65_535
_ENCRYPTED = 0x1
_DRIVE = re.compile(r"[A-Za-z]:")
_BROKEN_INSIDE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
    struct.error,
)
_JUNK = ("__MACOSX/", ".DS_Store", "Thumbs.db")


def check(path: Path) -> list[zipfile.ZipInfo]:
    """The files in it, in their order; raises BadFile where it cannot be trusted."""
    _check_directory(path)
    try:
        with zipfile.ZipFile(path) as archive:
            listed = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError, struct.error) as error:
        raise BadFile(BROKEN) from error
    # What its end says of their number is a stranger's word, and nobody else asks for it.
    if len(listed) > limits.MAX_ENTRIES:
        raise BadFile(_too_many(len(listed)))
    entries = [entry for entry in listed if not _is_junk(entry)]
    for entry in entries:
        _check_entry(entry)
    if not entries:
        raise BadFile("The zip is empty.")
    if sum(entry.file_size for entry in entries) > limits.MAX_UNPACKED:
        raise BadFile(_too_much())
    return entries


def read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """The bytes of one file, never more than it promised; raises BadFile."""
    try:
        with archive.open(entry) as file:
            data = file.read(limits.MAX_PICTURE + 1)
    except _BROKEN_INSIDE as error:
        raise BadFile("it is broken inside the zip") from error
    if len(data) > limits.MAX_PICTURE:
        raise BadFile("it is too large")
    return data


def _check_directory(path: Path) -> None:
    """The list of files is of a reasonable size: Python reads all of it before it can be asked."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(size - _END.size - _MAX_COMMENT - 20, 0))
        tail = file.read()
    at = len(tail) - _END.size
    if not (tail[at:].startswith(_END_MARK) and tail.endswith(b"\0\0")):
        at = tail.rfind(_END_MARK)
    if at < 0 or len(tail) - at < _END.size:
        raise BadFile(BROKEN)
    _, _, _, _, entries, directory, _, _ = _END.unpack_from(tail, at)
    if tail[max(at - 20, 0) : at].startswith(_LARGE_MARK):
        raise BadFile("The zip is of a kind made for very large files. Make a smaller one.")
    if entries > limits.MAX_ENTRIES:
        raise BadFile(_too_many(entries))
    if directory > limits.MAX_DIRECTORY:
        raise BadFile(BROKEN)


def _check_entry(entry: zipfile.ZipInfo) -> None:
    path = PurePosixPath(entry.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or _DRIVE.match(entry.filename):
        raise BadFile("The zip has a file in it whose name leads out of the zip.")
    if entry.flag_bits & _ENCRYPTED:
        raise BadFile("The zip is locked with a password.")
    if entry.file_size > limits.MAX_RATIO * max(entry.compress_size, 4096):
        raise BadFile(_too_much())


def _is_junk(entry: zipfile.ZipInfo) -> bool:
    """Folders, and what a system adds without being asked."""
    return entry.is_dir() or entry.filename.startswith(_JUNK[0]) or entry.filename.endswith(_JUNK)


def _too_many(entries: int) -> str:
    return f"The zip has {entries} files in it; at most {limits.MAX_ENTRIES} are taken."


def _too_much() -> str:
    return f"The zip unpacks to more than {limits.MAX_UNPACKED // limits.MB} MB."
