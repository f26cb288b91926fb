"""The columns of the task list: which there are, which a viewer chose, and from which width of the
window on each has room.

The choice is a cookie that the page's script writes and the server reads, so that the first paint
is right. State and task are always shown.
"""

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from dashboard import formats

COOKIE = "headway_columns"
PARAMETER = "columns"
"""Of the form that works without a script."""
KEPT_S = 365 * 24 * 60 * 60
_APART = "."

_FIXED_PX = 404
"""Check box, state, and the least that lets one read the name of a task."""
_ROOM_PX: Mapping[str, int] = {"1101": 1050, "1280": 1228, "1500": 1448, "1680": 1628}
"""The narrowest table at each of the widths of a window that list.css tells apart, both in px."""
ALWAYS, NEVER = "", "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One that can be chosen."""

    key: str
    word: Promise | str
    px: int
    """As wide as list.css makes it."""
    is_usual: bool = False
    is_number: bool = False
    needs: str = ""
    """The guarded field that its viewer must be allowed to read."""


# In the order they are shown.
COLUMNS = (
    Column(key="prog", word=_("Progress or outcome"), px=250, is_usual=True),
    Column(key="exception", word=_("Exception"), px=180, needs="exception"),
    Column(key="label", word=_("Label"), px=120),
    Column(key="owner", word=_("Owner"), px=100),
    Column(key="id", word=_("Id"), px=104),
    Column(key="queue", word=_("Queue"), px=92, is_usual=True),
    Column(key="worker", word=_("Worker"), px=104, is_usual=True),
    Column(key="priority", is_number=True, word=_("Priority"), px=68),
    Column(key="retries", is_number=True, word=_("Retries"), px=68),
    Column(key="sent", is_number=True, word=_("Sent"), px=84),
    Column(key="finished", is_number=True, word=_("Finished"), px=84),
    Column(key="wait", is_number=True, word=_("Wait"), px=72, is_usual=True),
    Column(key="run", is_number=True, word=_("Runtime"), px=76, is_usual=True),
    Column(key="age", is_number=True, word=_("Age"), px=80, is_usual=True),
)
# The most needed first. What somebody added themselves is kept longer than what is there for
# everybody and a row tells elsewhere too.
_KEPT = (
    *("age", "prog", "run"),
    *("exception", "label", "owner", "id", "priority", "retries", "sent", "finished"),
    *("queue", "worker", "wait"),
)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """The columns of one page."""

    chosen: frozenset[str]
    folds: Mapping[str, str]
    """From which width (px) on each chosen one has room: `ALWAYS`, a width, or `NEVER`."""
    has_more: bool
    """Whether there are others than the usual ones, so that those must be narrow."""
    offered: tuple[Column, ...]

    @property
    def head(self) -> list[tuple[Column, str]]:
        """The chosen ones as they are shown, with their classes."""
        return [(each, self.classes[each.key]) for each in self.offered if each.key in self]

    @functools.cached_property
    def classes(self) -> Mapping[str, str]:
        """What list.css knows each chosen one by."""
        return {
            key: f"c-{key} from-{width}" if width else f"c-{key}"
            for key, width in self.folds.items()
        }

    def __contains__(self, key: str) -> bool:
        return key in self.chosen


def read(cookie: str | None, hidden: frozenset[str]) -> Shown:
    """The columns that a cookie asks for, and that a viewer who may not read the fields `hidden`
    can have; the usual ones where it asks for none."""
    offered = tuple(column for column in COLUMNS if column.needs not in hidden)
    if cookie is None:
        chosen = frozenset(column.key for column in offered if column.is_usual)
    else:
        asked = frozenset(cookie.split(_APART))
        chosen = frozenset(column.key for column in offered if column.key in asked)
    has_more = any(column.key in chosen and not column.is_usual for column in COLUMNS)
    # The usual ones fit wherever list.css shows them.
    folds = dict(_folds(chosen)) if has_more else dict.fromkeys(chosen, ALWAYS)
    return Shown(chosen=chosen, folds=folds, has_more=has_more, offered=offered)


def written(keys: list[str]) -> str:
    """The cookie for these columns; what is no column is left out."""
    return _APART.join(column.key for column in COLUMNS if column.key in keys)


def cells(row: Mapping[str, Any]) -> dict[str, Any]:
    """What a row shows in the columns that are not there for everybody."""
    kind, message = formats.exception(row.get("exception") or "")
    return {
        "short_id": formats.short_id(row["id"]),
        "label": row.get("label") or formats.NONE,
        "owner": row.get("owner") or formats.NONE,
        "priority": formats.number(row.get("priority")),
        "retries": formats.number(row.get("retries")),
        "failure": {"kind": kind or formats.NONE, "message": message},
        "sent": _instant(row.get("sent_at")),
        "finished": _instant(row.get("finished_at")),
    }


def _instant(at: float | None) -> dict[str, str]:
    return {"iso": formats.iso(at), "title": formats.exact(at), "clock": formats.clock(at)}


def _folds(chosen: frozenset[str]) -> Iterator[tuple[str, str]]:
    """From which width on each of them has room, the most needed first."""
    used = _FIXED_PX
    wide = {column.key: column.px for column in COLUMNS if column.key in chosen}
    for key in _KEPT:
        if key not in wide:
            continue
        used += wide[key]
        width = next((width for width, room in _ROOM_PX.items() if used <= room), NEVER)
        yield key, ALWAYS if width == "1101" else width
