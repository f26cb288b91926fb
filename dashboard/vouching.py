"""What a page hands over, stored once when the request is over: two hundred elements on it cost one
write. Whoever opens such an element in the meantime brings a token, which says the same."""

from collections.abc import Mapping

from django.http import HttpRequest

from dashboard import tokens
from realtime.embedding import Expected

MOST = 500
"""Kept at most; then they are stored at once."""
_TOLD = "_headway_told"


def later(request: HttpRequest | None, subjects: Mapping[str, Expected]) -> None:
    """Store that these were handed over, when this request is over; at once where it is none that
    a server answers (`RequestFactory`, mails)."""
    if request is None or request.resolver_match is None:
        tokens.vouch(subjects)
        return
    told = getattr(request, _TOLD, None)
    if told is None:
        told = _Told(request)
        setattr(request, _TOLD, told)
    told.add(subjects)


class _Told:
    """What one request handed over. Django closes a request with its response, in the thread that
    may use the database, whatever kind of server it is."""

    def __init__(self, request: HttpRequest) -> None:
        self._subjects: dict[str, Expected] = {}
        self._close = request.close
        request.close = self.close  # type: ignore[method-assign]

    def add(self, subjects: Mapping[str, Expected]) -> None:
        self._subjects = {**subjects, **self._subjects}
        if len(self._subjects) >= MOST:
            self._store()

    def close(self) -> None:
        self._store()
        self._close()

    def _store(self) -> None:
        subjects, self._subjects = self._subjects, {}
        tokens.vouch(subjects)
