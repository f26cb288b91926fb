"""The way into admin of the standalone server."""

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpResponse
from django.test import RequestFactory

from dashboard.server.administration import sign_in


def answered(user: User | AnonymousUser, path: str = "/admin/login/") -> HttpResponse:
    request = RequestFactory().get(path)
    request.user = user
    response = sign_in(request)
    assert isinstance(response, HttpResponse)
    return response


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/admin/login/", "/headway/login/?next=/admin/"),
        ("/admin/login/?next=/admin/auth/", "/headway/login/?next=/admin/auth/"),
    ],
)
def test_a_stranger_comes_to_the_sign_in_that_counts_attempts(path: str, wanted: str) -> None:
    answer = answered(AnonymousUser(), path)
    assert answer.status_code == 302
    assert answer.headers["Location"] == wanted


def test_who_is_signed_in_is_not_sent_round_in_circles() -> None:
    answer = answered(User(username="ines"))
    assert answer.status_code == 403
    assert "may not see the administration" in answer.content.decode()
