"""Which failures are the same failure: exception type, masked message, last own frame.

What differs from one task to the next (ids, numbers, quoted values, addresses, paths) is masked by
a word in ‹ ›, for people as for the signature. The texts are anybody's: no more than
`_MAX_TEXT` characters of a message are looked at, and a traceback is read from its end.
"""

import functools
import hashlib
import re
from collections.abc import Iterator
from typing import NamedTuple

MAX_TYPE = 255
MAX_MESSAGE = 500
MAX_FRAME = 500
_MAX_TEXT = 1_000

_TYPE = re.compile(r"\s*([A-Za-z_][\w.]*)")
# The first text among an exception's arguments says what happened: `E('..')`, `E(2, '..')`.
_TOLD = re.compile(
    r"""\((?:-?\d+, )?(?:'([^'\\]*(?:\\.[^'\\]*)*)|"([^"\\]*(?:\\.[^"\\]*)*))""", re.DOTALL
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_BLANKS = re.compile(r"\s+")
_VALUES = frozenset({"KeyError"})
"""Their one argument is no sentence but the value that was not found."""

# At each place the first that fits wins; a digit tells patterns of one name apart.
_VOLATILE = re.compile(
    r"""
    (?P<url>\b[A-Za-z][A-Za-z0-9+.\-]{0,20}://[^\s'"<>]+)
    |(?P<email>(?<![\w.+\-])[\w.+\-]{1,64}@[\w\-]+(?:\.[\w\-]+)+)
    |(?P<quoted>(?<!\w)'[^'\n]*'(?!\w)|"[^"\n]*"|`[^`\n]*`|“[^”\n]*”|«[^»\n]*»)
    |(?P<id1>0[xX][0-9a-fA-F]+|[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})
    |(?P<time>\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+\-]\d\d:?\d\d)?)?
        |\b\d\d?:\d\d:\d\d(?:[.,]\d+)?)
    |(?P<path>(?<![\w./])(?:~|\.{1,2})?(?:/[\w.@%+~\-]+){2,}/?|\b[A-Za-z]:\\[^\s'"<>|]+)
    |(?P<host>(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?(?!\w)
        |(?<![\w:])\[?(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{1,4}(?:\]:\d+|\])?(?!\w)
        |(?<![\w.])[A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{1,63})*:\d{2,5}(?!\w))
    |(?P<id2>(?<!\w)(?=[A-Za-z_\-]{0,63}\d)[A-Za-z0-9_\-]{20,}(?!\w)
        |(?<!\w)(?=\d{0,63}[a-fA-F])(?=[a-fA-F]{0,63}\d)[0-9a-fA-F]{7,}(?!\w))
    |(?P<n>\d+(?:[.,]\d+)*)
    """,
    re.VERBOSE,
)

_FRAME = re.compile(r'  File "([^"\n]{1,500})", line (\d{1,9}), in ([^\n]{1,200})')
_FRAME_START = '  File "'
_FOREIGN = re.compile(
    r"[/\\](?:site|dist)-packages[/\\]|[/\\]lib(?:64)?[/\\]python\d|[/\\]Lib[/\\]|<frozen "
)
_DIGITS = re.compile(r"\d+")


class Failure(NamedTuple):
    """What people are shown of a group of failures."""

    type: str
    """The exception's name without its module."""
    message: str
    """With its volatile parts masked."""
    frame: str | None
    """The host's own last frame, `path:line in function`."""


class _Frame(NamedTuple):
    path: str
    line: str
    function: str


def signature(exception: str | None, traceback: str | None) -> str | None:
    """Twelve hexadecimal digits that failures of one cause share; None without an exception.

    A frame counts by its file and function: a line moves with every edit, and the numbers in a
    path with every release.
    """
    if not exception:
        return None
    type_, message = _told(exception)
    frame = _own_frame(traceback)
    place = f"{_DIGITS.sub('', frame.path)}:{frame.function}" if frame else ""
    text = "\n".join((type_, message, place))
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:12]


def failure(exception: str, traceback: str | None) -> Failure:
    """The type, masked message and place of a failure."""
    type_, message = _told(exception)
    frame = _own_frame(traceback)
    place = f"{frame.path}:{frame.line} in {frame.function}"[:MAX_FRAME] if frame else None
    return Failure(type_, message, place)


def masked(text: str) -> str:
    """The text with its volatile parts as `‹n› ‹id› ‹quoted› ‹url› ‹email› ‹path› ‹host› ‹time›`,
    at most `MAX_MESSAGE` characters."""
    text = _VOLATILE.sub(_mask, text[:_MAX_TEXT])
    return _BLANKS.sub(" ", text).strip()[:MAX_MESSAGE]


def _mask(found: re.Match[str]) -> str:
    return f"‹{(found.lastgroup or '').rstrip('12')}›"


@functools.lru_cache(maxsize=1_000)
def _told(exception: str) -> tuple[str, str]:
    """Remembered, because many tasks fail in the same words."""
    named = _TYPE.match(exception, 0, _MAX_TEXT)
    if named is None:
        return "", masked(exception)
    type_ = named.group(1).rpartition(".")[2][:MAX_TYPE]
    told = _TOLD.match(exception, named.end(), named.end() + _MAX_TEXT)
    if told is None:
        rest = exception[named.end() : named.end() + _MAX_TEXT].strip(": \n")
        return type_, masked(rest.removeprefix("(").removesuffix(")").removesuffix(","))
    if type_ in _VALUES:
        return type_, "‹quoted›"
    return type_, masked(_ESCAPED.sub(_unescaped, told.group(1) or told.group(2) or ""))


def _unescaped(found: re.Match[str]) -> str:
    letter = found.group(1)
    return " " if letter in "nrt" else letter


def _own_frame(traceback: str | None) -> _Frame | None:
    """The last frame outside installed packages and the standard library."""
    own = (frame for frame in _frames_from_the_end(traceback or "") if not _is_foreign(frame))
    return next(own, None)


def _frames_from_the_end(traceback: str) -> Iterator[_Frame]:
    end = len(traceback)
    while (start := traceback.rfind(_FRAME_START, 0, end)) >= 0:
        found = _FRAME.match(traceback, start)
        if found is not None and (start == 0 or traceback[start - 1] == "\n"):
            yield _Frame(*found.groups())
        end = start


def _is_foreign(frame: _Frame) -> bool:
    return _FOREIGN.search(frame.path) is not None
