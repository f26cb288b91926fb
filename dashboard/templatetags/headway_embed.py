"""`{% load headway_embed %}`: progress on a project's own pages.

{% headway_progress result label="Your video" can="cancel retry" %}
{% headway_progress_script %}
"""

from collections.abc import Mapping
from typing import Any

from django import template
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.urls import NoReverseMatch, reverse

from dashboard import phrasing, shown, tokens
from realtime.core.public import GROUP, TASK
from realtime.core.wire import Row
from realtime.embedding import Grant
from realtime.ports import StoreUnavailable

register = template.Library()


@register.inclusion_tag("headway/embed/progress.html", takes_context=True)
def headway_progress(
    context: Mapping[str, Any],
    task: object = None,
    *,
    group: object = None,
    label: object = None,
    can: Any = (),
    ttl: int = tokens.DEFAULT_TTL_S,
    server: str | None = None,
    refresh: str | None = None,
) -> dict[str, Any]:
    """The live element for a task, a chain or a group, as it stands now; it counts as word that
    this was handed over. The arguments are those of `dashboard.tokens.mint`. `server` is Headway's
    address where it is not in this project, `refresh` that of a renewal of your own: the session is
    then not asked to remember anything."""
    request = context.get("request") if refresh is None else None
    given = request if isinstance(request, HttpRequest) else None
    claims = tokens.claims_of(task, group=group, label=label, can=can, ttl=ttl)
    token = tokens.mint(task, group=group, label=label, can=can, ttl=ttl, request=given)
    is_renewed = given is not None and hasattr(given, "session")
    row = _row(token, claims)
    return {
        "kind": GROUP if claims.groups else TASK,
        "ids": " ".join(claims.groups or claims.tasks),
        "token": token,
        "server": server if server is not None else _address("headway:index"),
        "refresh": refresh if refresh is not None else _refresh(is_renewed),
        "csrf": get_token(given) if given is not None and is_renewed else "",
        "label": claims.label or "",
        "face": phrasing.face(row),
    }


@register.inclusion_tag("headway/embed/script.html")
def headway_progress_script() -> dict[str, Any]:
    """The script of the element: once on a page, anywhere."""
    return {}


def _row(token: str, claims: tokens.Claims) -> Row | None:
    """How it stands: of a chain the first step that is not over, else the last. None where that
    cannot be read: the page is not to fail for it."""
    now = shown.instant()
    grant: Grant = tokens.current().verify(token, now)
    named = [f"{GROUP}:{id_}" for id_ in claims.groups] or [f"{TASK}:{id_}" for id_ in claims.tasks]
    try:
        found = shown.states([grant], named[: shown.MAX_SUBJECTS], now)
    except StoreUnavailable:
        return None
    unfinished = (row for row in found.rows if row["conclusion"] != "succeeded")
    return next(unfinished, found.rows[-1] if found.rows else None)


def _refresh(is_renewed: bool) -> str:
    return _address("headway:embed-refresh") if is_renewed else ""


def _address(name: str) -> str:
    """Empty where the project does not include Headway's pages."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""
