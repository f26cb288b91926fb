"""A Python traceback's text, read back into frames, so that a page can fold what is not the host's
own code.

Pure: text in, values out. What does not look like a traceback comes back as an exception line
without frames, and the
page shows the raw text.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby

_FRAME = re.compile(r'\A  File "(?P<path>[^\n]*)", line (?P<line>\d+)(?:, in (?P<function>.*))?\Z')
_REPEATED = re.compile(r"\A  \[Previous line repeated ")
_MARKS = re.compile(r"\A[\s^~]+\Z")
_LIBRARY = re.compile(r"[/\\](?:site-packages|dist-packages)[/\\](?P<package>[^/\\]+)")
_STANDARD = re.compile(
    r"[/\\]lib(?:64)?[/\\]python\d[\d.]*[/\\]|[/\\]Lib[/\\](?!site-packages)|\A<frozen "
)
_CHAIN = (
    "During handling of the above exception, another exception occurred:",
    "The above exception was the direct cause of the following exception:",
)
STANDARD_LIBRARY = "the standard library"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One call. `library` is the package it belongs to, or None for the host's own code;
    `is_last_own` marks where to look."""

    path: str
    line: int
    function: str
    source: str
    library: str | None
    is_last_own: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Frames that follow each other: the host's own (`library` None), or ones to fold, with their
    packages named."""

    library: str | None
    frames: tuple[Frame, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """One exception of the chain, oldest first. `link` is Python's sentence that leads to it."""

    link: str
    type: str
    message: str
    sections: tuple[Section, ...]


def parse(text: str, shown: Callable[[str], str] = str) -> tuple[Error, ...]:
    """The exceptions of a traceback in the order Python prints them; empty when the text is
    empty. `shown` says how the path of a file of the host's own reads."""
    blocks = list(_blocks(text))
    errors = [_frames(lines, shown) for _, lines in blocks]
    marked = _mark_last_own([frames for frames, _ in errors])
    return tuple(
        _error(link, frames, rest)
        for (link, _), frames, (_, rest) in zip(blocks, marked, errors, strict=True)
    )


def _blocks(text: str) -> Iterator[tuple[str, list[str]]]:
    link, lines = "", list[str]()
    for line in text.strip("\n").splitlines():
        if line.strip() in _CHAIN:
            yield link, lines
            link, lines = line.strip(), []
        else:
            lines.append(line)
    if lines:
        yield link, lines


def _frames(lines: list[str], shown: Callable[[str], str]) -> tuple[list[Frame], list[str]]:
    """The frames of one block, and the lines of its exception."""
    frames, position = list[Frame](), 0
    while position < len(lines):
        found = _FRAME.match(lines[position])
        if found is None:
            if frames and not lines[position].startswith("  "):
                break
            if frames and _REPEATED.match(lines[position]):
                frames[-1] = replace(
                    frames[-1], source=f"{frames[-1].source}\n{lines[position].strip()}"
                )
            position += 1
            continue
        source, position = _source(lines, position + 1)
        frames.append(_frame(found, source, shown))
    return frames, lines[position:] if frames else lines


def _source(lines: list[str], position: int) -> tuple[str, int]:
    """The source lines under a frame, without the marks Python 3.11+ draws, and where the next
    thing starts."""
    source = []
    while position < len(lines) and lines[position].startswith("    "):
        if not _MARKS.match(lines[position]):
            source.append(lines[position].strip())
        position += 1
    return "\n".join(source), position


def _frame(found: re.Match[str], source: str, shown: Callable[[str], str]) -> Frame:
    path, library = found["path"], _library(found["path"])
    return Frame(
        path=shown(path) if library is None else _short(path),
        line=int(found["line"]),
        function=found["function"] or "",
        source=source,
        library=library,
    )


def _library(path: str) -> str | None:
    package = _LIBRARY.search(path)
    if package:
        return package["package"].removesuffix(".py")
    return STANDARD_LIBRARY if _STANDARD.search(path) else None


def _short(path: str) -> str:
    """A library's path from its package on."""
    for pattern in (_LIBRARY, _STANDARD):
        found = pattern.search(path)
        if found and not path.startswith("<"):
            start = found.start("package") if pattern is _LIBRARY else found.end()
            return path[start:].replace("\\", "/")
    return path


def _mark_last_own(chain: list[list[Frame]]) -> list[list[Frame]]:
    """The last frame of the host's own code, in the last exception that has one, is where to look
    first."""
    for error in reversed(range(len(chain))):
        for position in reversed(range(len(chain[error]))):
            frame = chain[error][position]
            if frame.library is None:
                chain[error][position] = replace(frame, is_last_own=True)
                return chain
    return chain


def _error(link: str, frames: list[Frame], rest: list[str]) -> Error:
    type_, colon, message = "\n".join(rest).strip().partition(":")
    if not colon or " " in type_:
        type_, message = ("", "\n".join(rest).strip()) if " " in type_ or colon else (type_, "")
    return Error(link=link, type=type_, message=message.strip(), sections=tuple(_sections(frames)))


def _sections(frames: list[Frame]) -> Iterator[Section]:
    for is_own, group in groupby(frames, key=lambda frame: frame.library is None):
        members = tuple(group)
        names = dict.fromkeys(frame.library for frame in members if frame.library)
        yield Section(library=None if is_own else ", ".join(names), frames=members)
