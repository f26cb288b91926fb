"""How values become text on a page. static/headway/format.js writes the same texts;
tests/vectors/format.json holds both to it.

Durations come in seconds, instants in Unix seconds (UTC). Numbers and months are written as the
language of the request writes them, times in the viewer's zone (`dashboard.viewing`). Blanks
between a number and its unit are non-breaking.
"""

import datetime
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from django.utils.translation import gettext as _

from dashboard import viewing

# Stands where a value does not apply; zero is written `0`.
NONE = "–"
REDACTED = "[redacted]"
_NBSP = "\u00a0"
_UNSAFE = re.compile(r"[\\\x00-\x1f\x7f]")
_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
# Longer argument lists are cut before they reach the page: a row shows one line of them.
_MAX_ARGUMENTS = 300
_CALL = re.compile(r"(?P<type>[A-Za-z_][A-Za-z0-9_.]*)\((?P<inner>.*)\)\Z", re.DOTALL)
_PROSE = re.compile(r"(?P<type>[A-Za-z_][A-Za-z0-9_.]*): (?P<text>.*)\Z", re.DOTALL)
_ONE_STRING = re.compile(r"""(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"),?\Z""", re.DOTALL)


def duration(seconds: float | None) -> str:
    """`842 ms`, `2.31 s`, `41 s`, `2m 41s`, `1h 04m`, `3d 4h`; a dash for None, and never less than
    0."""
    if seconds is None:
        return NONE
    ms = max(0, math.floor(seconds * 1000 + 0.5))
    if ms < 1000:
        return f"{ms}{_NBSP}ms"
    if ms < 10_000:
        return f"{ms // 1000}{viewing.style().decimal}{ms % 1000 // 10:02d}{_NBSP}s"
    return age(ms / 1000)


def age(seconds: float | None) -> str:
    """Like `duration`, in whole seconds from the start: `0 s`, `41 s`, `2m 41s`."""
    if seconds is None:
        return NONE
    whole = max(0, math.floor(seconds))
    if whole < 60:
        return f"{whole}{_NBSP}s"
    if whole < 3600:
        return f"{whole // 60}m{_NBSP}{whole % 60:02d}s"
    if whole < 86_400:
        return f"{whole // 3600}h{_NBSP}{whole % 3600 // 60:02d}m"
    return f"{whole // 86_400}d{_NBSP}{whole % 86_400 // 3600}h"


def offset(seconds: float | None) -> str:
    """The difference between two clocks, with its sign: `+2 ms`, `−1.20 s`, `0 ms`."""
    if seconds is None:
        return NONE
    text = duration(abs(seconds))
    if text == duration(0):
        return text
    return ("−" if seconds < 0 else "+") + text


def number(value: float | None) -> str:
    """A whole number with its thousands apart, cut towards zero: `1,482`."""
    if value is None:
        return NONE
    digits = f"{math.trunc(abs(value)):,}".replace(",", viewing.style().thousands)
    return f"−{digits}" if value <= -1 else digits


def capped(count: Sequence[Any]) -> str:
    """`[n, is_capped]` as `312`, or `10k+` where counting stopped there."""
    value, is_capped = int(count[0]), bool(count[1])
    if not is_capped:
        return number(value)
    return f"{value}+" if value < 1000 else f"{number(value // 1000)}k+"


def percent(value: float | None) -> str:
    """Whole percent, cut: 100 is shown only when it is reached."""
    return NONE if value is None else f"{math.floor(min(100, max(0, value)))}%"


def short_id(text: str) -> str:
    """An id shortened in the middle: `9d3f…d914`. Twelve characters or fewer stay whole."""
    return text if len(text) <= 12 else f"{text[:4]}…{text[-4:]}"


def path_part(text: str) -> str:
    """A text as one part of an address, slashes included."""
    return quote(text, safe="")


def name(text: str | None) -> tuple[str, str]:
    """A dotted task name as (module with its dot, function)."""
    if not text:
        return "", _("unnamed task")
    module, dot, function = text.rpartition(".")
    return module + dot, function


def worker(text: str) -> tuple[str, str]:
    """`media-1@fra-04` as (`media-1`, `@fra-04`)."""
    node, at, host = text.partition("@")
    return node, at + host


def literal(value: Any) -> str:
    """A value as Python writes it; a redacted one stands as `[redacted]`, without quotes."""
    if value == REDACTED:
        return REDACTED
    if isinstance(value, Mapping):
        items = (f"{_quoted(str(key))}: {literal(item)}" for key, item in value.items())
        return "{" + ", ".join(items) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(literal, value)) + "]"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e16:
        return str(int(value))
    return str(value)


def _quoted(text: str) -> str:
    quote = '"' if "'" in text and '"' not in text else "'"
    escaped = _UNSAFE.sub(_escaped, text)
    return quote + (escaped.replace("'", "\\'") if quote == "'" else escaped) + quote


def _escaped(found: re.Match[str]) -> str:
    return _ESCAPES.get(found[0]) or f"\\x{ord(found[0]):02x}"


def args(positional: Any, keywords: Any) -> str:
    """The arguments of a call on one line, `48291, amount='64.90 EUR'`; empty when there are none
    or they are unknown."""
    parts = (
        [positional]
        if isinstance(positional, str)
        else [literal(item) for item in positional or ()]
    )
    if isinstance(keywords, str):
        parts.append(keywords)
    else:
        parts += [f"{key}={literal(value)}" for key, value in (keywords or {}).items()]
    text = ", ".join(parts)
    return text if len(text) <= _MAX_ARGUMENTS else text[: _MAX_ARGUMENTS - 1] + "…"


def exception(text: str) -> tuple[str, str]:
    """An exception's repr as (class, message): `CardError('declined')` is (`CardError`,
    `declined`).

    Only the plain case of one quoted text is unwrapped; anything else is kept as it is written.
    """
    call = _CALL.match(text)
    if call is None:
        prose = _PROSE.match(text)
        return (prose["type"], prose["text"]) if prose else (text, "")
    single = _ONE_STRING.match(call["inner"])
    if single is None:
        return call["type"], call["inner"]
    body = single[1] if single[1] is not None else single[2]
    return call["type"], re.sub(r"\\(['\"\\])", r"\1", body).replace("\\n", " ")


def decimal(value: float, places: int) -> str:
    """A number with so many places: `0.42`."""
    return f"{value:.{places}f}".replace(".", viewing.style().decimal)


def clock(at: float | None) -> str:
    """Time of day: `14:02:11`."""
    return NONE if at is None else f"{_local(at):%H:%M:%S}"


def exact_clock(at: float | None) -> str:
    """Time of day to the millisecond: `14:02:11.204`."""
    return NONE if at is None else _exact_clock(_local(at), viewing.style().decimal)


def minute(at: float | None) -> str:
    """Time of day to the minute: `14:02`."""
    return NONE if at is None else f"{_local(at):%H:%M}"


def moment(at: float | None) -> str:
    """Day and minute: `21 Nov 14:02`."""
    return NONE if at is None else f"{_day_of(_local(at))} {minute(at)}"


def day(at: float | None) -> str:
    """The day: `21 Nov 2026`."""
    return NONE if at is None else f"{_day_of(_local(at))} {_local(at).year}"


def exact(at: float | None) -> str:
    """Day and time in full, for a title: `21 Nov 2026 14:02:11.204 UTC`; empty for None."""
    return "" if at is None else f"{day(at)} {exact_clock(at)} {viewing.offset(_local(at))}"


def zoned_clock(at: float | None) -> str:
    """Time of day, and how far that clock is from UTC: `14:02:11 UTC+1`."""
    return NONE if at is None else f"{clock(at)} {viewing.offset(_local(at))}"


def _day_of(when: datetime.datetime) -> str:
    style = viewing.style()
    return f"{when.day}{style.day} {style.months[when.month - 1]}"


def _exact_clock(when: datetime.datetime, decimal_mark: str) -> str:
    return f"{when:%H:%M:%S}{decimal_mark}{when.microsecond // 1000:03d}"


def iso(at: float | None) -> str:
    """RFC 3339 with milliseconds, for `<time datetime>`; empty for None."""
    return "" if at is None else f"{_utc(at):%Y-%m-%d}T{_exact_clock(_utc(at), '.')}Z"


def _utc(at: float) -> datetime.datetime:
    ms = math.floor(at * 1000 + 0.5)
    moment = datetime.datetime.fromtimestamp(ms // 1000, tz=datetime.UTC)
    return moment.replace(microsecond=ms % 1000 * 1000)


def _local(at: float) -> datetime.datetime:
    return _utc(at).astimezone(viewing.zone())
