"""What stands between the sockets and the application: prefix, reverse proxies, host names.

After it, `path` begins with the prefix and `root_path` is the prefix, whether the reverse proxy
keeps the prefix or takes it off; `client`, `scheme` and the Host header are the visitor's own,
and no X-Forwarded header is left to be believed by mistake.
"""

import ipaddress
from collections.abc import Awaitable, Callable, Iterable, MutableMapping, Sequence
from typing import Any

from dashboard.conf import Network

Scope = MutableMapping[str, Any]
Application = Callable[[Scope, Any, Any], Awaitable[None]]
Headers = Sequence[tuple[bytes, bytes]]

_SECURE = {"http": "https", "ws": "wss"}


class Edge:
    """Puts the scope of every connection right before the application sees it."""

    def __init__(
        self, application: Application, *, prefix: str, trusted: Iterable[Network]
    ) -> None:
        self._application = application
        self._prefix = prefix
        self._trusted = tuple(trusted)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] in ("http", "websocket"):
            scope = self._below_prefix(self._as_the_visitor_sees_it(scope))
        await self._application(scope, receive, send)

    def _below_prefix(self, scope: Scope) -> Scope:
        path = scope["path"]
        if self._prefix and path != self._prefix and not path.startswith(self._prefix + "/"):
            path = self._prefix + path
        return {**scope, "path": path, "root_path": self._prefix}

    def _as_the_visitor_sees_it(self, scope: Scope) -> Scope:
        headers = [(name, value) for name, value in scope["headers"] if not _is_forwarded(name)]
        client = scope.get("client")
        if client is None or not self._is_trusted(client[0]):
            return {**scope, "headers": headers}
        told = dict(scope["headers"])
        host = told.get(b"x-forwarded-host", b"").split(b",")[-1].strip()
        if host:
            headers = [(name, value) for name, value in headers if name != b"host"]
            headers.append((b"host", host))
        visitor = self._visitor(told.get(b"x-forwarded-for", b""), client[0])
        return {
            **scope,
            "headers": headers,
            "client": [visitor, 0 if visitor != client[0] else client[1]],
            "scheme": _scheme(scope, told.get(b"x-forwarded-proto", b"")),
        }

    def _visitor(self, forwarded: bytes, peer: str) -> str:
        """The nearest address that is not one of our proxies: what stands left of it is hearsay."""
        visitor = peer
        for text in reversed(forwarded.decode("latin-1").split(",")):
            address = _address(text.strip())
            if address is None:
                break
            visitor = str(address)
            if not self._is_trusted(visitor):
                break
        return visitor

    def _is_trusted(self, text: str) -> bool:
        address = _address(text)
        return address is not None and any(address in network for network in self._trusted)


def _scheme(scope: Scope, proto: bytes) -> str:
    scheme = str(scope.get("scheme", "http"))
    is_secure = proto.split(b",")[-1].strip().lower() in (b"https", b"wss")
    return _SECURE.get(scheme, scheme) if is_secure else scheme


def _is_forwarded(name: bytes) -> bool:
    return name.startswith(b"x-forwarded-") or name in (b"forwarded", b"x-real-ip")


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address
