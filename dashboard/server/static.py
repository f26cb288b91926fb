"""Static files below an address that carries their version: `/static/<digest>/headway/app.js`.

Modules import each other by relative path, so one digest in front of all of them renews all at
once, and a browser may keep each for ever. A file asked for under another digest (a page of an
older or newer process during an upgrade) is answered too, but not to be kept.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from django.contrib.staticfiles import finders
from servestatic import ServeStaticASGI

Scope = MutableMapping[str, Any]
Application = Callable[[Scope, Any, Any], Awaitable[None]]

YEAR_S = 365 * 24 * 60 * 60


class StaticFiles:
    """Serves what Django's finders find below `url` + digest; all else goes to `application`."""

    def __init__(self, application: Application, url: str, digest: str) -> None:
        self._application = application
        self._url = url
        self._current = f"{url}{digest}/"
        self._kept = _server(self._current, max_age=YEAR_S)
        self._passing = _server(self._current, max_age=0)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or not path.startswith(self._url):
            await self._application(scope, receive, send)
        elif path.startswith(self._current):
            await self._kept(scope, receive, send)
        else:
            _, _, file = path.removeprefix(self._url).partition("/")
            await self._passing({**scope, "path": self._current + file}, receive, send)


def _server(prefix: str, max_age: int) -> Any:
    server = ServeStaticASGI(
        None,
        max_age=max_age,
        allow_all_origins=False,
        add_headers_function=_protect,
        immutable_file_test=lambda path, url: max_age > 0,
    )
    for finder in finders.get_finders():
        for path, storage in finder.list(None):
            server.add_file_to_dictionary(prefix + path, storage.path(path))
    return server


def _protect(headers: MutableMapping[str, str], path: str, url: str) -> None:
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
