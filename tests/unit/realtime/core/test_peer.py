"""Addresses behind proxies."""

from ipaddress import ip_network

import pytest

from realtime.core.peer import address, header

TRUSTED = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


@pytest.mark.parametrize(
    ("client", "forwarded", "found"),
    [
        ("8.8.8.8", None, "8.8.8.8"),
        ("8.8.8.8", "1.1.1.1", "8.8.8.8"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "1.1.1.1", "1.1.1.1"),
        ("10.0.0.1", "6.6.6.6, 1.1.1.1, 10.0.0.2", "1.1.1.1"),
        ("10.0.0.1", "1.1.1.1:4711", "1.1.1.1"),
        ("10.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"),
        ("::ffff:10.0.0.1", "1.1.1.1", "1.1.1.1"),
        ("fd00::1", "1.1.1.1", "1.1.1.1"),
        ("10.0.0.1", "1.1.1.1, nonsense", "10.0.0.1"),
        (None, "1.1.1.1", ""),
    ],
)
def test_a_forwarded_address_counts_as_far_as_its_tellers_are_trusted(
    client: str | None, forwarded: str | None, found: str
) -> None:
    headers = [(b"X-Forwarded-For", forwarded.encode())] if forwarded else []

    assert address(client, headers, TRUSTED) == found


def test_a_header_that_comes_twice_is_joined() -> None:
    assert header([(b"a", b"1"), (b"b", b"2"), (b"A", b"3")], b"a") == "1, 3"
    assert header([], b"a") is None
