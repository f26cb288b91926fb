"""Choosing the language of the pages, where the project lets its visitors choose."""

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

from dashboard.views.policy import strict


@strict
@require_POST
@csrf_protect
def choose(request: HttpRequest) -> HttpResponse:
    """Keep the language that was asked for in Django's own cookie, and go back to where the
    visitor was; to the overview where that is not told."""
    response: HttpResponse = set_language(request)
    if response.headers.get("Location") == "/":
        response.headers["Location"] = reverse("headway:index")
    return response
