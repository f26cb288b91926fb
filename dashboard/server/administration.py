"""The way into Django admin of the standalone server."""

from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _

from dashboard.views import policy, shell


@policy.strict
def sign_in(request: HttpRequest) -> HttpResponseBase:
    """In place of admin's own form, which counts no attempts: ours. Whoever is signed in and comes
    here all the same is no staff."""
    if request.user.is_authenticated:
        return _refused(request)
    wanted = request.GET.get(REDIRECT_FIELD_NAME) or reverse("admin:index")
    return redirect_to_login(wanted, reverse("headway:login"))


def _refused(request: HttpRequest) -> HttpResponse:
    return shell.notice(
        request,
        403,
        _("No permission"),
        _("Your account may not see the administration."),
        _("It needs to be marked as staff. Ask an administrator, or sign in as someone else."),
    )
