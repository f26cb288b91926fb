"""The frame around every page: navigation, stream badge, viewer, theme; and the pages that say
no."""

import contextlib
import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from django.db import DEFAULT_DB_ALIAS
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from dashboard import (
    access,
    actions,
    assets,
    badge,
    conf,
    failing,
    formats,
    snapshots,
    viewing,
    words,
)
from realtime import sight
from realtime.ports import Rights, StoreUnavailable, StreamInfo

THEME_COOKIE = "headway_theme"
_THEMES = frozenset({"light", "dark", "auto"})


class _Place(NamedTuple):
    """One entry of the navigation."""

    name: str
    word: str
    key: str
    """Pressed after `g`, it leads there."""
    of: str
    """The kind of thing (`sight.NEEDED`) that its viewer must be allowed to see."""
    below: tuple[str, ...] = ()
    """Other pages that belong to it."""


def page(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any],
    *,
    stream: StreamInfo,
    now: float,
    status: int = 200,
) -> HttpResponse:
    """A whole page with its frame."""
    rights = access.rights(request.user)
    around = {
        **frame(request),
        "navigation": list(_navigation(request, rights)),
        "can": rights.can,
        "may_act": any(actions.missing(name, rights) is None for name in actions.NEEDED),
        "stream": badge.stream_badge(stream, now),
        "words": words.for_script(),
    }
    return render(request, f"headway/{template}", {**around, **context}, status=status)


def denied(request: HttpRequest, ability: str) -> HttpResponse:
    """403 for someone who is signed in but may not see this page: says which permission is
    missing."""
    message = _("Your account may not see this page.")
    step = _(
        "It needs the permission %(permission)s. Ask an administrator, or sign in as someone else."
    ) % {"permission": f"headway.{ability}"}
    return notice(request, 403, _("No permission"), message, step)


def notice(request: HttpRequest, status: int, title: str, message: str, step: str) -> HttpResponse:
    """A page that only says what is wrong and what to do next. It needs neither store nor
    session."""
    context = {**frame(request), "title": title, "message": message, "step": step, "code": status}
    return render(request, "headway/notice.html", context, status=status)


def frame(request: HttpRequest) -> dict[str, Any]:
    """What every page needs, the store being down and nobody signed in included."""
    theme = request.COOKIES.get(THEME_COOKIE)
    user = getattr(request, "user", None)
    name = user.get_username() if user is not None and user.is_authenticated else ""
    return {
        "viewer": name,
        "initials": _initials(name),
        "theme": theme if theme in _THEMES else "",
        "environment": conf.current().environment,
        "assets": assets.digest(),
        "zone": viewing.zone_name(),
        "languages": viewing.languages(),
        "root": reverse("headway:index"),
        "live_path": reverse("headway:index") + "ws/v1/live",
    }


def _initials(name: str) -> str:
    parts = [
        part
        for part in name.replace("@", ".").replace("_", ".").replace("-", ".").split(".")
        if part
    ]
    letters = parts[0][0] + parts[1][0] if len(parts) > 1 else name[:2]
    return letters.upper()


def _places() -> tuple[_Place, ...]:
    return (
        _Place("overview", _("Overview"), "o", "overview"),
        _Place("tasks", _("Tasks"), "t", "tasks", ("task",)),
        _Place("failures", _("Failures"), "f", "failures", ("failure",)),
        _Place("workers", _("Workers"), "w", "workers", ("worker",)),
        _Place("queues", _("Queues"), "q", "queues", ("queue",)),
        _Place("schedule", _("Schedule"), "s", "schedule"),
        _Place("audit", _("Audit"), "a", "audit"),
    )


def _navigation(request: HttpRequest, rights: Rights) -> Iterator[dict[str, Any]]:
    """The pages that there are and that this viewer may see."""
    here = request.resolver_match.url_name if request.resolver_match else ""
    for place in _places():
        if sight.refusal(place.of, rights) is not None:
            continue
        with contextlib.suppress(NoReverseMatch):
            yield {
                "url": reverse(f"headway:{place.name}"),
                "word": place.word,
                "key": place.key,
                "is_current": here in (place.name, *place.below),
                "is_counted": place.name == "failures",
                "count": open_failures() if place.name == "failures" else "",
            }
    with contextlib.suppress(NoReverseMatch):
        shop = reverse("headway_demo:shop")
        yield {"url": shop, "word": _("The shop"), "key": "", "is_current": here == "shop"}


def open_failures() -> str:
    """How many groups of failures nobody has muted or resolved; empty for none, and where the
    store does not tell. The view `attention` tells the same as it changes."""
    try:
        found = snapshots.read(
            DEFAULT_DB_ALIAS, lambda snapshot: failing.open_groups(snapshot, time.time())
        )
    except StoreUnavailable:
        return ""
    return formats.capped(found) if found[0] else ""
