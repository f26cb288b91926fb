"""The frame around every page: navigation, stream badge, viewer, theme; and the pages that say
no."""

import contextlib
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from dashboard import assets, badge, conf, words
from realtime.ports import StreamInfo

THEME_COOKIE = "headway_theme"
_THEMES = frozenset({"light", "dark", "auto"})


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
    around = {
        **frame(request),
        "navigation": _navigation(request),
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


def _navigation(request: HttpRequest) -> list[dict[str, Any]]:
    here = request.resolver_match.url_name if request.resolver_match else ""
    items = [
        {
            "url": reverse("headway:tasks"),
            "word": _("Tasks"),
            "key": "t",
            "is_current": here in ("tasks", "task"),
        },
        {
            "url": reverse("headway:workers"),
            "word": _("Workers"),
            "key": "w",
            "is_current": here == "workers",
        },
    ]
    with contextlib.suppress(NoReverseMatch):
        shop = reverse("headway_demo:shop")
        items.append({"url": shop, "word": _("The shop"), "key": "", "is_current": here == "shop"})
    return items
