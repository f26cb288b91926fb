"""The pages that say what went wrong: a sentence and the next step, never a setting or a trace."""

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from dashboard.views import policy, shell


@policy.strict
def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """400: most often a Host header that is not among the allowed ones."""
    return _plain(
        400,
        _(
            "Bad request. If you opened the right address, its host name is missing from "
            "--allowed-hosts (HEADWAY_ALLOWED_HOSTS)."
        ),
    )


@policy.strict
def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """403."""
    return shell.notice(
        request,
        403,
        _("No permission"),
        _("Your account may not do this."),
        _("Ask an administrator, or sign in as someone else."),
    )


@policy.strict
def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """404."""
    return shell.notice(
        request,
        404,
        _("Not found"),
        _("There is no page at this address."),
        _("Go back to the task list."),
    )


@policy.strict
def server_error(request: HttpRequest) -> HttpResponseBase:
    """500: text only, because the store or a template may be what failed."""
    return _plain(500, _("Something went wrong on the server. Its log says what."))


@policy.strict
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    """403 for a form that does not come from our own page."""
    return shell.notice(
        request,
        403,
        _("This form is out of date"),
        _("It was not sent from a current page of this site, so nothing was done."),
        _("Go back, reload the page and try again."),
    )


def _plain(status: int, text: str) -> HttpResponse:
    return HttpResponse(text + "\n", status=status, content_type="text/plain; charset=utf-8")
