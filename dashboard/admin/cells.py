"""The cells of admin's lists and object pages: each a field of a row as text or markup of ours."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib.admin.utils import quote
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from dashboard import formats, viewing
from realtime.core.wire import Row

Tell = Callable[[Row, float], Any]
"""What a cell shows of a row at an instant (Unix seconds)."""


class Cell:
    """One column of a list, or one line of an object's page, as Django admin calls it."""

    def __init__(
        self,
        name: str,
        label: Any,
        tell: Tell | None = None,
        *,
        guarded: str = "",
        is_link: bool = False,
    ) -> None:
        """`guarded` names the guarded field (`wire.GUARDED_FIELDS`) that it tells of."""
        self.__name__ = name
        self.short_description = label
        self.guarded = guarded
        self.is_link = is_link
        self._tell = tell or partial(_plain, name)

    def __call__(self, thing: Any) -> Any:
        """The text or markup; a dash for nothing."""
        told = self._tell(thing.row, thing.now)
        return formats.NONE if told in (None, "") else told


def _plain(name: str, row: Row, now: float) -> Any:
    return row.get(name)


def words(name: str, label: Any, table: Any) -> Cell:
    """A field whose values have words."""
    return Cell(name, label, lambda row, now: table.get(row.get(name), row.get(name)))


def number(name: str, label: Any) -> Cell:
    """A whole number."""
    return Cell(name, label, lambda row, now: formats.number(row.get(name)))  # type: ignore[arg-type]


def seconds(name: str, label: Any) -> Cell:
    """A duration."""
    return Cell(name, label, lambda row, now: formats.duration(row.get(name)))  # type: ignore[arg-type]


def instant(name: str, label: Any) -> Cell:
    """A date and time, which the page's script shows in the viewer's zone."""
    return Cell(name, label, lambda row, now: when(row.get(name)))


def moment(name: str, label: Any) -> Cell:
    """The same to the minute, for lists."""
    return Cell(name, label, lambda row, now: when(row.get(name), "moment"))


def when(at: Any, clock: str = "exact") -> str:
    """An instant (Unix seconds) as markup; empty for None."""
    if at is None:
        return ""
    exact = formats.exact(at)
    return format_html(
        '<time datetime="{}" title="{}" data-clock="{}">{}</time>',
        formats.iso(at),
        exact,
        clock,
        f"{formats.moment(at)} {viewing.zone_name()}" if clock == "moment" else exact,
    )


def age(name: str, label: Any) -> Cell:
    """How long ago something was; it goes on counting."""

    def tell(row: Row, now: float) -> str:
        at: Any = row.get(name)
        if at is None:
            return ""
        return format_html(
            '<time data-field="age" data-age="{}" datetime="{}" title="{}">{}</time>',
            f"{at:.3f}",
            formats.iso(at),
            formats.exact(at),
            formats.age(now - at),
        )

    return Cell(name, label, tell)


def code(name: str, label: Any, guarded: str = "") -> Cell:
    """A text as it was told, or data as JSON."""

    def tell(row: Row, now: float) -> str:
        value = row.get(name)
        if value is None:
            return ""
        text = value if isinstance(value, str) else as_json(value)
        return format_html('<pre class="headway-code">{}</pre>', text)

    return Cell(name, label, tell, guarded=guarded)


def as_json(value: Any) -> str:
    """Data for people to read; what is no JSON stands as its text."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def link(name: str, label: Any, view: str, guarded: str = "") -> Cell:
    """A key that leads to the admin page `view` of what it names."""

    def tell(row: Row, now: float) -> str:
        key = row.get(name)
        if not key:
            return ""
        url = admin_url(view, str(key))
        return format_html('<a href="{}">{}</a>', url, key) if url else str(key)

    return Cell(name, label, tell, guarded=guarded)


def admin_url(model: str, key: str) -> str:
    """The admin page of one of our things; empty where it has none."""
    try:
        return reverse(f"admin:headway_{model}_change", args=[quote(key)])
    except NoReverseMatch:
        return ""


def field(name: str, text: str, title: str = "") -> str:
    """A text that the page's script keeps true."""
    return format_html(
        '<span data-field="{}" title="{}">{}</span>', name, title, text or formats.NONE
    )


def markup(template: str, **context: Any) -> SafeString:
    """A partial of ours."""
    return render_to_string(f"admin/headway/{template}", context)
