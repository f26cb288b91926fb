"""Static files below an address that carries their version: `/static/<digest>/headway/app.js`.

Modules import each other by relative path, so one digest in front of all of them renews all at
once, and a browser may keep each for ever. A file asked for under another digest (a page of an
older or newer process during an upgrade) is answered too, but not to be kept; so is one asked for
without a digest, as pages of other sites do (`/static/headway/embed.js`). Those of the origins that
may embed progress may load what the element is made of, and nothing else.
"""

from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any

from django.contrib.staticfiles import finders
from servestatic import ServeStaticASGI

from realtime.core import peer

Scope = MutableMapping[str, Any]
Application = Callable[[Scope, Any, Any], Awaitable[None]]

YEAR_S = 365 * 24 * 60 * 60
_OWN = "headway/"
_EMBEDDED = "headway/embed"
"""What the paths of the element's files begin with: `embed.js` and `embed/de.js`."""


class StaticFiles:
    """Serves what Django's finders find below `url` + digest; all else goes to `application`."""

    def __init__(
        self, application: Application, url: str, digest: str, origins: Collection[str] = ()
    ) -> None:
        self._application = application
        self._origins = frozenset(origins)
        self._url = url
        self._current = f"{url}{digest}/"
        self._kept = _server(self._current, max_age=YEAR_S)
        self._passing = _server(self._current, max_age=0)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or not path.startswith(self._url):
            await self._application(scope, receive, send)
            return
        is_current = path.startswith(self._current)
        file = path.removeprefix(self._current if is_current else self._url)
        if not is_current and not file.startswith(_OWN):
            _, _, file = file.partition("/")
        if file.startswith(_EMBEDDED):
            send = self._shared(scope, send)
        server = self._kept if is_current else self._passing
        await server({**scope, "path": self._current + file}, receive, send)

    def _shared(self, scope: Scope, send: Any) -> Any:
        """Tells the browser whether the page's origin may use the file."""
        origin = peer.header(scope["headers"], b"origin")
        marks = [(b"vary", b"Origin")]
        if origin is not None and origin in self._origins:
            marks.append((b"access-control-allow-origin", origin.encode("latin-1")))
        if self._origins:
            # A script element without `crossorigin` names no origin; the file is no secret.
            marks.append((b"cross-origin-resource-policy", b"cross-origin"))
        named = {name for name, _ in marks[1:]}

        async def send_marked(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                told = [(n, v) for n, v in message["headers"] if n.lower() not in named]
                message = {**message, "headers": [*told, *marks]}
            await send(message)

        return send_marked


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
