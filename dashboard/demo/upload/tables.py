"""Price lists as CSV: every row is checked, and what is wrong is told by line and column."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import NamedTuple, TextIO

from dashboard.demo.upload import limits
from dashboard.demo.upload.refusals import BadFile

COLUMNS = ("sku", "name", "price", "stock")
REQUIRED = COLUMNS[:3]
_MAX_PRICE = Decimal(1_000_000)
_MAX_STOCK = 10_000_000


class RowError(NamedTuple):
    """What is wrong in one place; lines count from 1, the header included."""

    line: int
    column: str
    reason: str


@dataclass(slots=True)
class Tally:
    """What came of a table."""

    taken: int = 0
    wrong: int = 0
    errors: list[RowError] = field(default_factory=list)
    """The first of them."""
    seen: dict[str, int] = field(default_factory=dict)

    def note(self, errors: Sequence[RowError]) -> None:
        """One row was read."""
        self.taken += not errors
        self.wrong += bool(errors)
        self.errors += errors[: limits.MAX_ROW_ERRORS - len(self.errors)]


class Table:
    """A table that is read row by row. Raises BadFile where it is none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.tally = Tally()

    def rows(self) -> Iterator[tuple[int, dict[str, str] | None]]:
        """How many bytes have been read, and the row; None where it is wrong."""
        with self._path.open("rb") as file:
            text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
            try:
                yield from self._read(text, file)
            except UnicodeDecodeError as error:
                raise BadFile("The table is not in UTF-8. Save it as 'CSV UTF-8'.") from error
            except csv.Error as error:
                raise BadFile(f"The table cannot be read: {error}.") from error

    def _read(
        self, text: TextIO, file: io.BufferedReader
    ) -> Iterator[tuple[int, dict[str, str] | None]]:
        first = text.readline(limits.MAX_CELL)
        text.seek(0)
        lines = _Lines(text)
        reader = csv.reader(lines, delimiter=_delimiter(first), strict=True)
        names = [name.strip().lower() for name in next(reader, [])]
        _check_header(names)
        for cells in reader:
            lines.begin_row()
            if not any(cell.strip() for cell in cells):
                continue
            if self.tally.taken + self.tally.wrong >= limits.MAX_ROWS:
                raise BadFile(f"The table has more than {limits.MAX_ROWS:,} rows.")
            row = dict(zip(names, map(str.strip, cells), strict=False))
            errors = self._errors(reader.line_num, row, len(names), len(cells))
            self.tally.note(errors)
            yield file.tell(), None if errors else row

    def _errors(self, line: int, row: dict[str, str], wanted: int, found: int) -> list[RowError]:
        if found != wanted:
            return [RowError(line, "", f"{found} cells where the header has {wanted}")]
        told = {name: _wrong(name, row.get(name, "")) for name in COLUMNS if name in row}
        sku = row["sku"]
        if not told["sku"]:
            before = self.tally.seen.setdefault(sku, line)
            if before != line:
                told["sku"] = f"{_short(sku)} is in line {before} already"
        return [RowError(line, name, reason) for name, reason in told.items() if reason]


class _Lines:
    """The lines of a text; raises BadFile where one row takes too many letters."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._letters = 0

    def begin_row(self) -> None:
        """What comes next is of another row."""
        self._letters = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._text.readline(limits.MAX_LINE + 1)
        self._letters += len(line)
        if self._letters > limits.MAX_LINE:
            raise BadFile("A row of the table is too long.")
        if not line:
            raise StopIteration
        return line


def _check_header(names: Sequence[str]) -> None:
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        raise BadFile(
            f"The first line must name the columns; {' and '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} missing. "
            "Wanted: sku, name, price, and if you like stock."
        )
    if len(set(names)) < len(names):
        raise BadFile("The first line names a column twice.")


def _delimiter(header: str) -> str:
    return max(",;\t", key=header.count)


def _wrong(name: str, text: str) -> str:
    """What is wrong with this cell; empty where nothing is."""
    if len(text) > (limits.MAX_SKU if name == "sku" else limits.MAX_CELL):
        return "is too long"
    check = {"price": _wrong_price, "stock": _wrong_stock}.get(name)
    if check is not None:
        return check(text)
    return "" if text else "is empty"


def _wrong_price(text: str) -> str:
    if not text:
        return "is empty"
    try:
        price = Decimal(text)
    except InvalidOperation:
        return f"{_short(text)} is no price; write it as 12.50"
    if not price.is_finite() or not 0 <= price <= _MAX_PRICE:
        return f"{_short(text)} is not between 0 and {_MAX_PRICE:,}"
    exponent = price.as_tuple().exponent
    return f"{_short(text)} has more than two decimals" if int(exponent) < -2 else ""


def _wrong_stock(text: str) -> str:
    if not text:
        return ""
    if not text.isascii() or not text.isdigit() or int(text[:9]) > _MAX_STOCK or len(text) > 8:
        return f"{_short(text)} is no number of pieces"
    return ""


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:39] + "…")
