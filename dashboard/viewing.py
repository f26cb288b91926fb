"""How one viewer reads: in which zone they are, and how their language writes numbers and dates.

The zone comes from a cookie that the page's script sets, so that the first paint is right from the
second visit on; until then, and outside a page, times are in UTC and say so. The language is
Django's. `static/headway/format.js` has the same table of languages.
"""

import contextlib
import datetime
import re
import zoneinfo
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import NamedTuple

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_language, get_language_info

LOCALE_MIDDLEWARE = "django.middleware.locale.LocaleMiddleware"
ZONE_COOKIE = "headway_tz"
UTC = "UTC"
# The names of zones are paths below a folder: nothing else is looked up.
_ZONE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+-]{0,31}(?:/[A-Za-z0-9_+-]{1,31}){0,2}")


class Style(NamedTuple):
    """The writing of one language."""

    decimal: str
    thousands: str
    day: str
    """After the number of a day that a month follows."""
    months: tuple[str, ...]


# fmt: off
_ENGLISH = Style(".", ",", "", (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
))
STYLES: Mapping[str, Style] = {
    "en": _ENGLISH,
    "de": Style(",", ".", ".", (
        "Jan.", "Feb.", "März", "Apr.", "Mai", "Juni", "Juli", "Aug.", "Sept.", "Okt.", "Nov.",
        "Dez.",
    )),
}
# fmt: on

_zone: ContextVar[datetime.tzinfo | None] = ContextVar("headway_zone", default=None)


def style() -> Style:
    """How the language of this request writes; English for one that is not in the table."""
    language = (get_language() or "en").partition("-")[0]
    return STYLES.get(language, _ENGLISH)


def languages() -> list[dict[str, object]]:
    """The languages of the project that these pages are shipped in, for visitors to choose from;
    none where they have no choice."""
    if not settings.USE_I18N or LOCALE_MIDDLEWARE not in settings.MIDDLEWARE:
        return []
    offered = [code for code, _name in settings.LANGUAGES if code.partition("-")[0] in STYLES]
    current = get_language()
    return [
        {
            "code": code,
            "name": get_language_info(code)["name_local"],
            "is_current": code == current,
        }
        for code in (offered if len(offered) > 1 else ())
    ]


def zone() -> datetime.tzinfo:
    """The viewer's zone; UTC where it is not known."""
    return _zone.get() or datetime.UTC


def zone_name() -> str:
    """What that zone is called: `Europe/Berlin`, `UTC`."""
    found = zone()
    return found.key if isinstance(found, zoneinfo.ZoneInfo) else UTC


def offset(moment: datetime.datetime) -> str:
    """How far a moment's clock is from UTC: `UTC`, `UTC+1`, `UTC−3:30`."""
    minutes = int((moment.utcoffset() or datetime.timedelta()).total_seconds()) // 60
    if not minutes:
        return UTC
    hours, rest = divmod(abs(minutes), 60)
    return f"{UTC}{'−' if minutes < 0 else '+'}{hours}" + (f":{rest:02d}" if rest else "")


def zone_of(request: HttpRequest) -> datetime.tzinfo | None:
    """The zone that the page's script told; None for none, and for one that does not exist."""
    name = request.COOKIES.get(ZONE_COOKIE, "")
    if not _ZONE_NAME.fullmatch(name):
        return None
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None


@contextlib.contextmanager
def seen_from(found: datetime.tzinfo | None) -> Iterator[None]:
    """What is written meanwhile is written in this zone; None is UTC."""
    token = _zone.set(found)
    try:
        yield
    finally:
        _zone.reset(token)
