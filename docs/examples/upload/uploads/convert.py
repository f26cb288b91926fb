"""From files to results: each kind of work as steps that can be counted, and stopped between."""

import csv
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from uploads import archives, kinds, limits, pictures, tables
from uploads.refusals import BadFile
from uploads.store import Upload

ALL_ZIP, REPORT, ROWS = "thumbnails.zip", "report.csv", "rows.csv"
_TABLE_STEPS = 10


class Steps(Protocol):
    """Work that says how far it is: iterating over it does it."""

    message: str
    summary: dict[str, Any]
    """What was made; whole when the iteration is over."""

    @property
    def total(self) -> int: ...
    def __iter__(self) -> Iterator[int]: ...
    def counts(self) -> dict[str, Any]: ...


class _Pictures:
    """What is common to one picture and many."""

    message = "Making thumbnails"

    def __init__(self, upload: Upload) -> None:
        self._upload = upload
        self.summary: dict[str, Any] = {"pictures": [], "left_out": [], "more_left_out": 0}

    def counts(self) -> dict[str, Any]:
        """Numbers alone: names of files are the visitor's."""
        return {"pictures": len(self.summary["pictures"])}

    def _made(self, number: int, name: str, size: pictures.Size) -> None:
        made = {"file": thumbnail_name(number), "name": name, **size._asdict()}
        self.summary["pictures"].append(made)

    def _left_out(self, name: str, reason: str) -> None:
        if len(self.summary["left_out"]) < limits.MAX_LEFT_OUT:
            self.summary["left_out"].append({"name": name, "reason": reason})
        else:
            self.summary["more_left_out"] += 1


class OnePicture(_Pictures):
    """A single picture."""

    total = 1
    message = "Making a thumbnail"

    def __iter__(self) -> Iterator[int]:
        target = self._upload.work / thumbnail_name(0)
        with self._upload.source(0).open("rb") as file:
            size = pictures.thumbnail(file, target)
        self._made(0, self._upload.meta().name, size)
        yield 1


class Archive(_Pictures):
    """A zip of pictures: those that cannot be read are left out, and told."""

    def __init__(self, upload: Upload) -> None:
        super().__init__(upload)
        self._entries = archives.check(upload.source(0))

    @property
    def total(self) -> int:
        """How many files it has."""
        return len(self._entries)

    def __iter__(self) -> Iterator[int]:
        with zipfile.ZipFile(self._upload.source(0)) as archive:
            for number, entry in enumerate(self._entries):
                self._convert(archive, entry, number)
                yield number + 1
        if not self.summary["pictures"]:
            raise BadFile("There is no picture in the zip that we can read.")
        bundle(self._upload.work, self.summary["pictures"])

    def _convert(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, number: int) -> None:
        name = entry.filename[-limits.MAX_NAME :]
        target = self._upload.work / thumbnail_name(number)
        try:
            size = pictures.thumbnail_of(archives.read(archive, entry), target)
        except BadFile as error:
            target.unlink(missing_ok=True)
            self._left_out(name, str(error))
        else:
            self._made(number, name, size)


class PriceList:
    """A table: the rows that are right are taken over, the others are told."""

    message = "Reading rows"
    total = _TABLE_STEPS

    def __init__(self, upload: Upload) -> None:
        self._upload = upload
        self._size = max(upload.source(0).stat().st_size, 1)
        self._table = tables.Table(upload.source(0))
        self.summary: dict[str, Any] = {}

    def __iter__(self) -> Iterator[int]:
        done = 0
        with (self._upload.work / ROWS).open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, tables.COLUMNS, extrasaction="ignore", restval="")
            writer.writeheader()
            for read, row in self._table.rows():
                if row is not None:
                    writer.writerow({name: _harmless(cell) for name, cell in row.items()})
                reached = min(_TABLE_STEPS * read // self._size, _TABLE_STEPS - 1)
                if reached > done:
                    done = reached
                    yield done
        self._sum_up()
        yield _TABLE_STEPS

    def counts(self) -> dict[str, Any]:
        """Rows taken and not."""
        return {"taken": self._table.tally.taken, "wrong": self._table.tally.wrong}

    def _sum_up(self) -> None:
        tally = self._table.tally
        if not tally.taken and not tally.wrong:
            raise BadFile("The table has no rows below its header.")
        self.summary = {
            "taken": tally.taken,
            "wrong": tally.wrong,
            "errors": [error._asdict() for error in tally.errors],
        }
        with (self._upload.work / REPORT).open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(tables.RowError._fields)
            writer.writerows([line, _harmless(column), why] for line, column, why in tally.errors)


STEPS: Mapping[str, Callable[[Upload], Steps]] = {
    kinds.PICTURE: OnePicture,
    kinds.ZIP: Archive,
    kinds.TABLE: PriceList,
}


def part(upload: Upload, number: int, name: str) -> str:
    """Make one of several thumbnails; its name. What it is like is written beside it."""
    target = upload.work / thumbnail_name(number)
    try:
        with upload.source(number).open("rb") as file:
            size = pictures.thumbnail(file, target)
    except BadFile as error:
        target.unlink(missing_ok=True)
        note(upload.work, number, {"name": name, "reason": str(error)})
        raise
    note(upload.work, number, {"file": target.name, "name": name, **size._asdict()})
    return target.name


def gather(upload: Upload, names: Sequence[str]) -> dict[str, Any]:
    """What became of several pictures; raises BadFile where none could be read."""
    noted = [_noted(upload.work, number, name) for number, name in enumerate(names)]
    made = [each for each in noted if "file" in each]
    if not made:
        raise BadFile("None of the pictures could be read.")
    bundle(upload.work, made)
    left_out = [each for each in noted if "file" not in each]
    return {"pictures": made, "left_out": left_out, "more_left_out": 0}


def bundle(work: Path, made: Sequence[Mapping[str, Any]]) -> None:
    """All thumbnails as one file to take home."""
    with zipfile.ZipFile(work / ALL_ZIP, "w") as archive:
        for each in made:
            archive.write(work / each["file"], each["file"])


def thumbnail_name(number: int) -> str:
    """The name of a result's file: ours, never the visitor's."""
    return f"{number + 1:03}.jpg"


def note(work: Path, number: int, told: Mapping[str, Any]) -> None:
    """Leave word of a part for the task that publishes all of them."""
    (work / f"{number}.json").write_text(json.dumps(told))


def _noted(work: Path, number: int, name: str) -> dict[str, Any]:
    path = work / f"{number}.json"
    try:
        told: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError):
        return {"name": name, "reason": "Something went wrong on our side."}
    path.unlink()
    return told


def _harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
