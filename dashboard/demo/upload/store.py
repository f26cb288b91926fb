"""Where uploads live: a directory each, `<root>/<visitor>/<id>/`, that is all there is to know.

    meta.json   what it is and how it stands        source/<n>  the files, as far as they came
    work/       results in the making               result/     what the visitor may have

A result appears by one rename, so that half of one is never seen. Several processes may use the
same root: changes are made under a lock of the file system.
"""

import contextlib
import fcntl
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from django.conf import settings

from dashboard.demo.upload import limits
from dashboard.demo.upload.refusals import Gone

OPEN, WORKING, DONE = "open", "working", "done"
REFUSED, FAILED, CANCELLED = "refused", "failed", "cancelled"
_ID = re.compile(r"[0-9a-f]{32}")
_META = "meta.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Meta:
    """What is known of an upload. Instants are Unix seconds, sizes bytes."""

    name: str
    files: list[dict[str, Any]]
    """Of each `name`, `size` and `stamp`, which tells one file of the visitor's from another."""
    made_at: float
    state: str = OPEN
    kind: str = ""
    """picture, pictures, zip or table; empty while the bytes are still coming."""
    message: str = ""
    """Why it was not taken, for the visitor."""
    task: str | None = None
    group: str | None = None
    publishes: str | None = None
    """The task that follows the group."""
    stumbles: bool = False
    """Whether the first attempt is to fail, which is how a visitor comes to try again."""
    summary: dict[str, Any] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Of all files, as the visitor's browser told."""
        return sum(file["size"] for file in self.files)


class Upload:
    """One upload of one visitor; raises Gone where it is not there any more."""

    def __init__(self, visitor: str, id_: str) -> None:
        if not (_ID.fullmatch(visitor) and _ID.fullmatch(id_)):
            raise Gone
        self.visitor = visitor
        self.id = id_
        self.path = root() / visitor / id_

    @classmethod
    def at(cls, place: str) -> "Upload":
        """The upload that a task was given as `visitor/id`."""
        visitor, _, id_ = place.partition("/")
        return cls(visitor, id_)

    @property
    def place(self) -> str:
        """What a task is given."""
        return f"{self.visitor}/{self.id}"

    @property
    def work(self) -> Path:
        """Where results are made."""
        return self.path / "work"

    @property
    def result(self) -> Path:
        """Where results are, once they are whole."""
        return self.path / "result"

    def source(self, number: int) -> Path:
        """The file of this number, from 0."""
        return self.path / "source" / str(number)

    @property
    def has_source(self) -> bool:
        """Whether it could be worked on again."""
        return (self.path / "source").is_dir()

    def meta(self) -> Meta:
        """How it stands."""
        try:
            return Meta(**json.loads((self.path / _META).read_text()))
        except (OSError, ValueError) as error:
            raise Gone from error

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else changes it meanwhile."""
        with _locked(self.path / "lock"):
            yield

    @contextlib.contextmanager
    def handing_over(self) -> Iterator[None]:
        """Nobody else hands it over meanwhile; a process that is killed at it lets go."""
        with _locked(self.path, os.O_RDONLY | os.O_DIRECTORY):
            yield

    def change(self, **fields: Any) -> Meta:
        """Write these fields; what it is then."""
        with self.locked():
            return self.put(replace(self.meta(), **fields))

    def put(self, meta: Meta) -> Meta:
        """Write all of it at once; the lock is the caller's."""
        temporary = self.path / f"{_META}.{secrets.token_hex(4)}"
        try:
            temporary.write_text(json.dumps(asdict(meta)))
            temporary.replace(self.path / _META)
        except FileNotFoundError as error:
            raise Gone from error
        return meta

    def received(self, number: int) -> int:
        """How many bytes of this file are here."""
        try:
            return self.source(number).stat().st_size
        except OSError:
            return 0

    @property
    def age_at(self) -> float:
        """When anything last came or changed."""
        paths = (self.path, self.path / _META, *(self.path / "source").glob("*"))
        return max((_mtime(path) for path in paths), default=0.0)

    def begin_work(self) -> Path:
        """An empty directory for results."""
        shutil.rmtree(self.work, ignore_errors=True)
        try:
            self.work.mkdir(exist_ok=True)
        except FileNotFoundError as error:
            raise Gone from error
        return self.work

    def publish(self, summary: dict[str, Any]) -> None:
        """What was made is the result now, and the files it was made of are not kept."""
        with self.locked():
            meta = self.meta()
            shutil.rmtree(self.result, ignore_errors=True)
            self.work.replace(self.result)
            self.put(replace(meta, state=DONE, message="", summary=summary))
            shutil.rmtree(self.path / "source", ignore_errors=True)

    def end(self, state: str, message: str = "") -> None:
        """It came to nothing. Only what failed by our fault keeps its files, to be tried again."""
        with contextlib.suppress(Gone), self.locked():
            meta = self.meta()
            if meta.state in (DONE, CANCELLED):
                return
            self.put(replace(meta, state=state, message=message))
            for name in ("work", *(("source",) if state != FAILED else ())):
                shutil.rmtree(self.path / name, ignore_errors=True)

    def remove(self) -> None:
        """Nothing of it is left. A task that is at work on it finds it gone, and ends."""
        bin_ = root() / f".gone-{secrets.token_hex(8)}"
        with contextlib.suppress(FileNotFoundError):
            self.path.replace(bin_)
        shutil.rmtree(bin_, ignore_errors=True)
        with contextlib.suppress(OSError):
            self.path.parent.rmdir()


def root() -> Path:
    """The directory of all uploads, for its owner alone."""
    path = Path(settings.UPLOAD_DIR)  # type: ignore[misc]  # the project's own
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


@contextlib.contextmanager
def all_locked() -> Iterator[None]:
    """Nobody makes a new upload meanwhile."""
    with _locked(root() / ".lock"):
        yield


def new(visitor: str, meta: Meta) -> Upload:
    """A place for these files."""
    upload = Upload(visitor, secrets.token_hex(16))
    (upload.path / "source").mkdir(parents=True)
    upload.put(meta)
    return upload


def of_visitor(visitor: str) -> list[tuple[Upload, Meta]]:
    """Everything this visitor has here, newest first."""
    found = []
    for path in _directories(root() / visitor):
        with contextlib.suppress(Gone):
            upload = Upload(visitor, path.name)
            found.append((upload, upload.meta()))
    return sorted(found, key=lambda each: (-each[1].made_at, each[0].id))


def everything() -> Iterator[Upload]:
    """All uploads of all visitors."""
    for visitor in _directories(root()):
        for path in _directories(visitor):
            with contextlib.suppress(Gone):
                yield Upload(visitor.name, path.name)


def arrived(upload: Upload, meta: Meta) -> int:
    """The bytes of it that are here."""
    return sum(upload.received(number) for number in range(len(meta.files)))


def announced(upload: Upload) -> int:
    """The bytes that it takes, or is going to."""
    with contextlib.suppress(Gone):
        meta = upload.meta()
        if meta.state == OPEN:
            return meta.size
    return held(upload)


def held(upload: Upload) -> int:
    """The bytes that it takes, or is about to: what is announced reserves nothing for long."""
    with contextlib.suppress(Gone):
        meta = upload.meta()
        if meta.state == OPEN:
            here = arrived(upload, meta)
            return min(meta.size, here + limits.MAX_CHUNK) if here else 0
    return sum(_size(path) for path in upload.path.rglob("*"))


def sweep(keep_s: float, keep_open_s: float, now: float | None = None) -> int:
    """Remove what is older; how many uploads that were."""
    swept = 0
    at = time.time() if now is None else now
    for upload in everything():
        try:
            meta = upload.meta()
            kept_s = keep_open_s if meta.state == OPEN else keep_s
            if meta.state == OPEN and not arrived(upload, meta):
                kept_s = min(kept_s, limits.KEEP_EMPTY_S)
        except Gone:
            kept_s = keep_open_s
        if at - upload.age_at > kept_s:
            upload.remove()
            swept += 1
    for leftover in root().glob(".gone-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    return swept


@contextlib.contextmanager
def _locked(path: Path, how: int = os.O_RDWR | os.O_CREAT) -> Iterator[None]:
    try:
        handle = os.open(path, how | os.O_CLOEXEC, 0o600)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise Gone from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _directories(path: Path) -> list[Path]:
    try:
        return [each for each in path.iterdir() if _ID.fullmatch(each.name) and each.is_dir()]
    except (FileNotFoundError, NotADirectoryError):
        return []


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:
        return 0


def _mtime(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
