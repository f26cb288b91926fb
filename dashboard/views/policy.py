"""What every page of ours answers with, whatever project it is mounted in: strict headers, sign-in
and rights.

A host's middleware never needs to know: the headers are set on our own responses only.
"""

import functools
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.conf import global_settings, settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django.template.response import TemplateResponse
from django.templatetags.static import static
from django.urls import Resolver404, resolve, reverse
from django.views.decorators.cache import never_cache

from dashboard import access, viewing
from dashboard.views import shell
from realtime.ports import Rights

View = Callable[..., HttpResponseBase]
PageView = Callable[..., HttpResponse]


def strict(view: View) -> View:
    """Adds the strict Content-Security-Policy and its companions, forbids storing the answer, and
    has times written in the viewer's zone."""

    @never_cache
    @functools.wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with viewing.seen_from(viewing.zone_of(request)):
            response = view(request, *args, **kwargs)
            if isinstance(response, TemplateResponse) and not response.is_rendered:
                response.render()
        response.headers["Content-Security-Policy"] = content_security_policy()
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["X-Frame-Options"] = "SAMEORIGIN"
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        return response

    return answer


def content_security_policy() -> str:
    """No inline script or style, nothing from elsewhere but the static files, wherever the project
    keeps them."""
    files = " ".join(filter(None, ("'self'", _static_origin())))
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {files}",
            f"style-src {files}",
            f"img-src {files}",
            "connect-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'self'",
        )
    )


def _static_origin() -> str:
    """The origin of the static files when it is not the page's own."""
    address = urlsplit(static("headway/app.js"))
    return f"{address.scheme or 'https'}://{address.netloc}" if address.netloc else ""


def page(ability: str) -> Callable[[PageView], View]:
    """Guards a page: strangers are sent to sign in, those without `ability` are told so, others get
    `view(request, rights, ...)`."""

    def decorate(view: PageView) -> View:
        @strict
        @functools.wraps(view)
        def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path(), sign_in_url())
            rights: Rights = access.rights(request.user)
            if ability not in rights.can:
                return shell.denied(request, ability)
            return view(request, rights, *args, **kwargs)

        return answer

    return decorate


def sign_in_url() -> str:
    """The project's own sign-in page where it has one, else ours."""
    return project_sign_in_url() or reverse("headway:login")


def project_sign_in_url() -> str | None:
    """Where the project signs people in, None where it leaves that to us.

    It is what `LOGIN_URL` names; Django's default of it counts only when something answers there.
    """
    if settings.LOGIN_URL == global_settings.LOGIN_URL and not _is_answered(
        str(settings.LOGIN_URL)
    ):
        return None
    url = resolve_url(settings.LOGIN_URL)
    return None if url == reverse("headway:login") else url


def _is_answered(path: str) -> bool:
    try:
        resolve(path)
    except Resolver404:
        return False
    return True
