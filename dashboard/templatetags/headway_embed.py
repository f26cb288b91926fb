"""`{% load headway_embed %}`: progress on a project's own pages.

{% headway_progress result label="Your video" can="cancel retry" %}
{% headway_progress_script %}
"""

import functools
from collections.abc import Mapping
from typing import Any

from django import template
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.urls import NoReverseMatch, reverse

from dashboard import formats, granting, phrasing, shown, tokens, vouching
from dashboard.phrasing import Face
from realtime.core.public import GROUP, TASK, Expected, subject_of
from realtime.core.wire import Row
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
    least: float = 0,
) -> dict[str, Any]:
    """The live element for a task, a chain or a group, as it stands now; it counts as word that
    this was handed over. The arguments are those of `dashboard.tokens.mint`. `server` is Headway's
    address where it is not in this project, `refresh` that of a renewal of your own: the session is
    then not asked to remember anything. `least` is how far, in percent, the bar was before the task
    began, where the page's own work comes first: what the server writes shows no less."""
    request = context.get("request")
    page = _page(request if isinstance(request, HttpRequest) else None)
    claims = tokens.claims_of(task, group=group, label=label, can=can, ttl=ttl)
    now = shown.instant()
    token = tokens.current().sign(claims, now)
    is_renewed = refresh is None and page.has_session
    if is_renewed and page.request is not None:
        granting.remember(page.request, claims._asdict(), now)
    row = _row(claims, tokens.expectations(claims, group if group is not None else task, now), page)
    return {
        "kind": GROUP if claims.groups else TASK,
        "ids": " ".join(claims.groups or claims.tasks),
        "token": token,
        "server": server if server is not None else page.server,
        "refresh": refresh if refresh is not None else page.refresh if is_renewed else "",
        "csrf": page.csrf if is_renewed else "",
        "label": claims.label or "",
        "face": _begun(phrasing.face(row), least),
    }


@register.inclusion_tag("headway/embed/script.html")
def headway_progress_script() -> dict[str, Any]:
    """The script of the element: once on a page, anywhere."""
    return {}


class _Page:
    """What all elements of one page share, found out with the first that needs it."""

    def __init__(self, request: HttpRequest | None) -> None:
        self.request = request
        self.has_session = hasattr(request, "session")

    @functools.cached_property
    def server(self) -> str:
        return _address("headway:index")

    @functools.cached_property
    def refresh(self) -> str:
        return _address("headway:embed-refresh")

    @functools.cached_property
    def csrf(self) -> str:
        return get_token(self.request) if self.request is not None else ""

    @functools.cached_property
    def is_blind(self) -> bool:
        return shown.is_deaf(shown.instant())


_PAGE = "_headway_page"


def _page(request: HttpRequest | None) -> _Page:
    page: _Page | None = getattr(request, _PAGE, None)
    if page is None:
        page = _Page(request)
        if request is not None:
            setattr(request, _PAGE, page)
    return page


def _row(claims: tokens.Claims, told: Mapping[str, Expected], page: _Page) -> Row | None:
    """How it stands: of a chain the first step that is not over, else the last. None where that
    cannot be read: the page is not to fail for it."""
    now = shown.instant()
    named = [subject_of(GROUP, id_) for id_ in claims.groups]
    named = named or [subject_of(TASK, id_) for id_ in claims.tasks]
    try:
        found = shown.states(
            [tokens.grant_of(claims, now)],
            named[: shown.MAX_SUBJECTS],
            now,
            told=told,
            vouch=functools.partial(vouching.later, page.request),
            is_blind=page.is_blind,
        )
    except StoreUnavailable:
        return None
    unfinished = (row for row in found.rows if row["conclusion"] != "succeeded")
    return next(unfinished, found.rows[-1] if found.rows else None)


def _begun(face: Face, least: float) -> Face:
    """The face with a bar that shows no less than this, in percent."""
    if not face.has_bar or float(face.percent or 0) >= least:
        return face
    return face._replace(percent=f"{least:.4g}", value=formats.percent(least))


def _address(name: str) -> str:
    """Empty where the project does not include Headway's pages."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""
