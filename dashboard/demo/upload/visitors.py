"""Who has sent what: a number in the visitor's session is all that is known of them."""

import secrets

from django.http import HttpRequest

from dashboard.demo.upload.refusals import Gone
from dashboard.demo.upload.store import Upload

_KEY = "uploads_visitor"


def known(request: HttpRequest) -> str | None:
    """This visitor's number, where they have sent something: looking at the page makes no session,
    which would be a row for every robot."""
    return str(request.session[_KEY]) if _KEY in request.session else None


def visitor(request: HttpRequest) -> str:
    """This visitor's number, given when they first send something."""
    if _KEY not in request.session:
        request.session[_KEY] = secrets.token_hex(16)
    return str(request.session[_KEY])


def upload_of(request: HttpRequest, id_: str) -> Upload:
    """The visitor's own upload; raises Gone for anybody else's."""
    if _KEY not in request.session:
        raise Gone
    upload = Upload(str(request.session[_KEY]), id_)
    upload.meta()
    return upload
