"""What pages of other sites may ask: those of `HEADWAY_ALLOWED_ORIGINS`, never with a cookie."""

import functools
import time
from collections.abc import Callable, Mapping
from inspect import iscoroutinefunction
from typing import Any, TypeVar, cast

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.csrf import csrf_exempt

from dashboard import access, conf, refused
from dashboard.throttle import Budget, Rate
from realtime import codec
from realtime.core import peer

PREFLIGHT_S = 7200
"""As long as Chromium remembers one at most."""
RATE = Rate(200, 0.05)
"""Of one address: an office that polls with hundreds of pages, but no search for tokens."""
EXPOSED = "ETag, Retry-After"
HEADERS = "Authorization, Content-Type, If-None-Match"

budget = Budget(RATE)
"""Of this process."""

Answer = HttpResponseBase
View = TypeVar("View", bound=Callable[..., Any])


class Refused(Exception):
    """A request that is answered with a problem document."""

    def __init__(self, status: int, code: str, title: str, detail: str, **headers: str) -> None:
        super().__init__(detail)
        self.problem = {
            "type": "about:blank",
            "title": title,
            "detail": detail,
            "status": status,
            "code": code,
        }
        self.headers = headers


def shared(*methods: str) -> Callable[[View], View]:
    """Guards a view that tokens open: these methods, from our own pages and the pages of the
    origins that are allowed, so often. Cookies count for nothing here, so neither does their
    absence: the view needs no CSRF token."""

    def decorate(view: View) -> View:
        if iscoroutinefunction(view):

            @csrf_exempt
            @functools.wraps(view)
            async def answer_later(request: HttpRequest, *args: Any, **kwargs: Any) -> Answer:
                try:
                    response: Answer = _admitted(request, methods) or await view(
                        request, *args, **kwargs
                    )
                except Refused as refusal:
                    response = problem(refusal)
                return _marked(request, response)

            return cast(View, answer_later)

        @csrf_exempt
        @functools.wraps(view)
        def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> Answer:
            try:
                response: Answer = _admitted(request, methods) or view(request, *args, **kwargs)
            except Refused as refusal:
                response = problem(refusal)
            return _marked(request, response)

        return cast(View, answer)

    return decorate


def problem(refusal: Refused) -> HttpResponse:
    """The answer that says why."""
    return told(
        refusal.problem,
        status=refusal.problem["status"],
        content_type="application/problem+json",
        headers={name.replace("_", "-"): value for name, value in refusal.headers.items()},
    )


def told(value: Mapping[str, Any], **how: Any) -> HttpResponse:
    """The value as JSON."""
    return HttpResponse(codec.encode(value), **{"content_type": "application/json", **how})


def address(request: HttpRequest) -> str:
    """Where the request comes from, as far as it can be believed."""
    forwarded = request.headers.get("X-Forwarded-For", "")
    headers = [(b"x-forwarded-for", forwarded.encode("latin-1", "replace"))]
    return peer.address(request.META.get("REMOTE_ADDR"), headers, conf.current().trusted_proxies)


def _admitted(request: HttpRequest, methods: tuple[str, ...]) -> HttpResponse | None:
    """The answer to what the browser asks before it asks; None for what the view is to answer."""
    origin = request.headers.get("Origin")
    if not access.is_embed_page(origin, request.META.get("HTTP_HOST", "")):
        refused.count("origin_not_allowed")
        detail = _("Pages of this site may not show progress: HEADWAY_ALLOWED_ORIGINS lacks it.")
        raise Refused(403, "origin_not_allowed", _("Not allowed"), detail)
    if request.method == "OPTIONS":
        return _preflight(methods)
    if request.method not in methods:
        allowed = ", ".join(methods)
        detail = _("This address takes %(methods)s.") % {"methods": allowed}
        raise Refused(405, "bad_method", _("Bad method"), detail, Allow=allowed)
    if not conf.current().embed_key:
        detail = _("Embedding is off here: HEADWAY_EMBED_KEY is not set.")
        raise Refused(404, "not_configured", _("Embedding is off"), detail)
    if wait_s := budget.take(address(request), time.monotonic()):
        refused.count("too_fast")
        detail = ngettext(
            "Too many requests. Try again in %(count)s second.",
            "Too many requests. Try again in %(count)s seconds.",
            wait_s,
        )
        told_s = {"count": wait_s}
        raise Refused(429, "too_fast", _("Not now"), detail % told_s, Retry_After=str(wait_s))
    return None


def _preflight(methods: tuple[str, ...]) -> HttpResponse:
    response = HttpResponse(status=204)
    response.headers["Access-Control-Allow-Methods"] = ", ".join(methods)
    response.headers["Access-Control-Allow-Headers"] = HEADERS
    response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_S)
    return response


def _marked(request: HttpRequest, response: Answer) -> Answer:
    headers = response.headers
    origin = request.headers.get("Origin")
    if origin is not None and origin in conf.current().allowed_origins:
        headers["Access-Control-Allow-Origin"] = origin
        headers["Access-Control-Expose-Headers"] = EXPOSED
        headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    # A cache on the way must not give one origin's answer to another.
    varied = [headers["Vary"]] if headers.get("Vary") else []
    headers["Vary"] = ", ".join([*varied, "Origin", "Authorization"])
    headers.setdefault("Cache-Control", "no-store")
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
    headers["Referrer-Policy"] = "no-referrer"
    return response
