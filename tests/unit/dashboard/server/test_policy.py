"""Every answer of the standalone server has a Content-Security-Policy."""

from django.http import HttpResponse
from django.test import RequestFactory

from dashboard.server.policy import StrictEverywhere
from dashboard.views.policy import content_security_policy


def answered(**headers: str) -> HttpResponse:
    middleware = StrictEverywhere(lambda request: HttpResponse(headers=headers))
    response = middleware(RequestFactory().get("/admin/"))
    assert isinstance(response, HttpResponse)
    return response


def test_an_answer_without_a_policy_gets_that_of_our_pages() -> None:
    assert answered().headers["Content-Security-Policy"] == content_security_policy()


def test_a_policy_that_is_there_stays() -> None:
    own = {"Content-Security-Policy": "default-src 'none'"}
    assert answered(**own).headers["Content-Security-Policy"] == "default-src 'none'"
