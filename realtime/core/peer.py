"""Where a connection comes from, as far as its headers can be believed."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Headers = Iterable[tuple[bytes, bytes]]
Network = IPv4Network | IPv6Network

MAX_HOPS = 20
"""Of a forwarded address list; nobody runs more proxies, but anyone can send a longer header."""


def header(headers: Headers, name: bytes) -> str | None:
    """The value of a header, several joined by commas; None where it is absent."""
    values = [value.decode("latin-1") for key, value in headers if key.lower() == name]
    return ", ".join(values) if values else None


def address(client: str | None, headers: Headers, trusted: Sequence[Network]) -> str:
    """The address that a connection comes from.

    X-Forwarded-For counts from its end, only as far as each hop that told it is `trusted`: what
    stands before that, anyone may have written.
    """
    found = client or ""
    forwarded = header(headers, b"x-forwarded-for") or ""
    hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()][-MAX_HOPS:]
    while hops and _is_in(found, trusted):
        hop = _bare(hops.pop())
        if _parsed(hop) is None:
            break
        found = hop
    return found


def _is_in(text: str, networks: Sequence[Network]) -> bool:
    found = _parsed(text)
    return found is not None and any(found in network for network in networks)


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found


def _bare(hop: str) -> str:
    """Without the port that some proxies add."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop
