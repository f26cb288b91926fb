"""Cookies that came over HTTPS never travel without it."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin


class SecureOverHttps(MiddlewareMixin):
    """Marks our cookies Secure where the visitor came by HTTPS: the same server may be opened
    over plain HTTP on its own machine."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """The response, its cookies marked."""
        if request.is_secure():
            for cookie in response.cookies.values():
                cookie["secure"] = True
        return response
