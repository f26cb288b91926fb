"""What a hub is told by whoever makes it."""

from dataclasses import dataclass

from realtime.core.public import PUBLIC_ERRORS


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one web process."""

    sockets_per_user: int = 50
    sockets_per_address: int = 200
    views: int = 2_000
    """Distinct ones; each holds up to 500 encoded rows, which equal views share."""
    subjects: int = 20_000
    """Distinct tasks and groups that people who wait follow; some 3 KB each."""
    public_errors: frozenset[str] = frozenset(PUBLIC_ERRORS)
    """Exceptions whose text people who wait are shown."""
    drain_s: float = 5.0
    """Over which the browsers of a server that stops come back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What pages are told of this program: a page made by another version reloads itself."""

    version: str
    assets: str
