"""Bytes come in: an upload is begun, grows in chunks from wherever it stands, and is looked at."""

import json
import os
import shutil
import time
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from dashboard.demo.upload import kinds, limits, store
from dashboard.demo.upload.refusals import BadFile, Gone, Refused
from dashboard.demo.upload.store import Meta, Upload

_PIECE = 64 * 1024
_FULL = "There is no room for it at the moment. Try again in an hour."


class Told(NamedTuple):
    """A file as the visitor's browser tells of it."""

    name: str
    size: int
    stamp: str = ""


class Body(Protocol):
    """What bytes are read from: a request, a file."""

    def read(self, size: int, /) -> bytes:
        """At most so many; none at the end."""


class WrongOffset(Exception):
    """The file stands elsewhere; `offset` is where."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"the file goes on at {offset}")
        self.offset = offset


def read_request(body: bytes) -> tuple[list[Told], bool]:
    """The files that a script announces, and whether the work is to stumble; raises Refused."""
    try:
        told = json.loads(body)
        files = [
            Told(clean_name(str(file["name"])), int(file["size"]), str(file.get("stamp", ""))[:64])
            for file in told["files"]
        ]
        return files, bool(told.get("stumbles"))
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        OverflowError,
        RecursionError,
    ) as error:
        raise Refused("The list of files could not be read.", 400) from error


def begin(visitor: str, files: Sequence[Told], *, stumbles: bool = False) -> Upload:
    """A place for these files: the one that they already have, where their bytes stopped coming.

    So a second click, a second tab and a visitor who comes back all go on with the same upload.
    """
    _check_told(files)
    listed = [file._asdict() for file in files]
    with store.all_locked():
        store.sweep(limits.KEEP_S, limits.KEEP_OPEN_S)
        mine = store.of_visitor(visitor)
        for upload, meta in mine:
            if meta.state == store.OPEN and meta.files == listed:
                return upload
        _check_room([upload for upload, _ in mine], sum(file.size for file in files))
        name = files[0].name if len(files) == 1 else f"{len(files)} pictures"
        return store.new(
            visitor, Meta(name=name, files=listed, made_at=time.time(), stumbles=stumbles)
        )


def append(upload: Upload, number: int, offset: int, body: Body) -> int:
    """Add what `body` has to the file that must stand at `offset`; where it stands then.

    Raises WrongOffset where another tab was quicker, Refused where more comes than was told.
    """
    meta = upload.meta()
    if meta.state != store.OPEN or not 0 <= number < len(meta.files):
        raise Gone
    most = min(meta.files[number]["size"] - offset, limits.MAX_CHUNK)
    with upload.locked():
        stands = upload.received(number)
        if offset != stands:
            raise WrongOffset(stands)
        if not stands:
            # What nothing had come of reserved nothing.
            _check_disk(meta.files[number]["size"])
        try:
            return _write(upload, number, offset, body, most)
        except FileNotFoundError as error:
            raise Gone from error


def offsets(upload: Upload) -> list[int]:
    """How far each file has come."""
    return [upload.received(number) for number in range(len(upload.meta().files))]


def look(upload: Upload) -> str:
    """What kind of thing has come, once all of it has; raises Refused, and then nothing is kept."""
    meta = upload.meta()
    if offsets(upload) != [file["size"] for file in meta.files]:
        raise Refused("Not all of it has arrived yet.", 409)
    try:
        return kinds.of_upload([upload.source(number) for number in range(len(meta.files))])
    except BadFile as error:
        upload.remove()
        raise Refused(str(error)) from error


def clean_name(name: str) -> str:
    """The last part of a file's name, without what cannot be shown; it never names a file here."""
    last = name.replace("\\", "/").rpartition("/")[2]
    shown = "".join(letter for letter in last if letter.isprintable()).strip()
    return shown[: limits.MAX_NAME] or "file"


def _check_told(files: Sequence[Told]) -> None:
    if not files:
        raise Refused("Choose a file first.", 400)
    if len(files) > limits.MAX_FILES:
        raise Refused(f"At most {limits.MAX_FILES} files at once. Put more of them into a zip.")
    for file in files:
        if file.size <= 0:
            raise Refused(f"{file.name} is empty.")
    if sum(file.size for file in files) > limits.MAX_UPLOAD:
        raise Refused(f"That is too large: at most {limits.MAX_UPLOAD // limits.MB} MB.", 413)


def _check_room(mine: Iterable[Upload], size: int) -> None:
    own = [store.announced(upload) for upload in mine]
    if len(own) >= limits.MAX_UPLOADS:
        raise Refused("You have too many uploads here. Remove one of them first.", 429)
    if sum(own) + size > limits.MAX_VISITOR:
        raise Refused("Your space here is used up. Remove an earlier upload first.", 413)
    if len(list(store.everything())) >= limits.MAX_ALL_UPLOADS:
        raise Refused(_FULL, 507)
    _check_disk(size)


def _check_disk(size: int) -> None:
    """Raises Refused where there is no room for so many bytes more."""
    taken = sum(map(store.held, store.everything()))
    free = shutil.disk_usage(store.root()).free
    if taken + size > limits.MAX_ALL or free - size < limits.MIN_FREE:
        raise Refused(_FULL, 507)


def _write(upload: Upload, number: int, offset: int, body: Body, most: int) -> int:
    handle = os.open(upload.source(number), os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.seek(offset)
        written = 0
        while piece := body.read(_PIECE):
            written += len(piece)
            if written > most:
                file.truncate(offset)
                raise Refused("More came than was announced.", 413)
            file.write(piece)
    return offset + written


def take(visitor: str, files: Sequence[Any]) -> Upload:
    """An upload of a plain form's files, whole at once; raises Refused."""
    if sum(file.size for file in files) > limits.MAX_FORM:
        raise Refused(
            f"Without JavaScript at most {limits.MAX_FORM // limits.MB} MB can be sent.", 413
        )
    told = [Told(clean_name(file.name), file.size, f"form {time.time_ns()}") for file in files]
    upload = begin(visitor, told)
    try:
        for number, file in enumerate(files):
            for chunk in file.chunks(_PIECE):
                _add(upload, number, chunk)
    except BaseException:
        upload.remove()
        raise
    return upload


def _add(upload: Upload, number: int, chunk: bytes) -> None:
    with upload.source(number).open("ab") as file:
        file.write(chunk)
