"""The strict headers on what others answer: Django admin's pages."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

from dashboard.views.policy import content_security_policy


class StrictEverywhere(MiddlewareMixin):
    """Gives every answer without a Content-Security-Policy the one of our own pages: admin's need
    no more."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """The response, with a policy."""
        if "Content-Security-Policy" not in response.headers:
            response.headers["Content-Security-Policy"] = content_security_policy()
        return response
