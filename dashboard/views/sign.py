"""Signing in and out, for projects that leave it to us."""

import time
from typing import Any

from django.contrib.auth import views as auth
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import ngettext
from django.views.decorators.csrf import csrf_protect

from dashboard import conf, throttle
from dashboard.views import shell
from dashboard.views.policy import project_sign_in_url, sign_in_url, strict
from realtime.core import peer


@method_decorator(strict, name="dispatch")
class SignIn(auth.LoginView):
    """Asks for name and password, and goes on to `next` where that stays on this host.

    Where the project has a sign-in page of its own, that one is asked: it may want more than a
    password.
    """

    template_name = "headway/login.html"
    redirect_authenticated_user = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer, or hand over to the project."""
        elsewhere = project_sign_in_url()
        if elsewhere is None or request.user.is_authenticated:
            return super().dispatch(request, *args, **kwargs)
        return redirect_to_login(self.get_success_url(), elsewhere)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Try the password, unless this address or this name has tried too many."""
        name = request.POST.get("username", "")
        if not name or not request.POST.get("password"):
            return super().post(request, *args, **kwargs)
        address = _address(request)
        wait_s = throttle.sign_in.take(address, name, time.monotonic())
        if wait_s:
            return self._refuse(wait_s)
        response = super().post(request, *args, **kwargs)
        if request.user.is_authenticated:
            throttle.sign_in.forget(address, name)
        return response

    def _refuse(self, wait_s: float) -> HttpResponse:
        """429, before the password is looked at: hashing it is what costs."""
        refusal = ngettext(
            "Too many attempts to sign in. Try again in %(count)s second.",
            "Too many attempts to sign in. Try again in %(count)s seconds.",
            int(wait_s),
        ) % {"count": int(wait_s)}
        context = self.get_context_data(form=self.form_class(self.request), refusal=refusal)
        response = super().render_to_response(context, status=429)
        response.headers["Retry-After"] = str(int(wait_s))
        return response

    def get_default_redirect_url(self) -> str:
        """The overview, where no page was asked for: it opens to the same people as the tasks."""
        return reverse("headway:overview")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The frame, without anything that needs an account."""
        return super().get_context_data(**shell.frame(self.request), **kwargs)

    def render_to_response(self, context: dict[str, Any], **response_kwargs: Any) -> HttpResponse:
        """A refused attempt is answered 403, so that programs and proxies can tell it from the
        form."""
        refused = context["form"].is_bound
        return super().render_to_response(
            context, status=403 if refused else 200, **response_kwargs
        )


@method_decorator((strict, csrf_protect), name="dispatch")
class SignOut(auth.LogoutView):
    """Ends the session; only by POST, so that no link can do it."""

    def get_default_redirect_url(self) -> str:
        """Back to the sign-in page."""
        return sign_in_url()


def _address(request: HttpRequest) -> str:
    """Where the request comes from, as far as it can be believed."""
    forwarded = request.headers.get("X-Forwarded-For", "")
    headers = [(b"x-forwarded-for", forwarded.encode("latin-1", "replace"))]
    return peer.address(request.META.get("REMOTE_ADDR"), headers, conf.current().trusted_proxies)
