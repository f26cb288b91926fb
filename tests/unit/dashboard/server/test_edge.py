"""The scope as the application sees it, whatever stands in front of the server."""

import ipaddress
from typing import Any

import pytest

from dashboard.server.edge import Edge

PROXIES = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("::1/128"))


async def seen(prefix: str = "", **scope: Any) -> dict[str, Any]:
    """The scope that reaches the application behind an edge that trusts `PROXIES`."""
    found: dict[str, Any] = {}

    async def application(scope: Any, receive: Any, send: Any) -> None:
        found.update(scope)

    edge = Edge(application, prefix=prefix, trusted=PROXIES)
    await edge({"type": "http", "scheme": "http", "path": "/", "headers": [], **scope}, None, None)
    return found


@pytest.mark.parametrize("path", ["/tasks/", "/headway/tasks/"])
async def test_a_proxy_may_keep_the_prefix_or_take_it_off(path: str) -> None:
    scope = await seen("/headway", path=path)
    assert (scope["path"], scope["root_path"]) == ("/headway/tasks/", "/headway")


async def test_a_path_that_only_begins_like_the_prefix_is_below_it() -> None:
    assert (await seen("/head", path="/headway/"))["path"] == "/head/headway/"


async def test_a_root_path_from_outside_is_not_believed() -> None:
    assert (await seen(root_path="/evil"))["root_path"] == ""


FORWARDED = [
    (b"host", b"inner"),
    (b"x-forwarded-for", b"203.0.113.9, 198.51.100.7, 10.2.2.2"),
    (b"x-forwarded-proto", b"https"),
    (b"x-forwarded-host", b"shop.example"),
]


async def test_a_trusted_proxys_word_about_the_visitor_counts() -> None:
    scope = await seen(client=["10.1.1.1", 5000], headers=FORWARDED)
    assert scope["client"] == ["198.51.100.7", 0]
    assert scope["scheme"] == "https"
    assert scope["headers"] == [(b"host", b"shop.example")]


async def test_a_strangers_word_does_not_count_and_is_taken_out() -> None:
    scope = await seen(client=["203.0.113.1", 5000], headers=FORWARDED)
    assert scope["client"] == ["203.0.113.1", 5000]
    assert scope["scheme"] == "http"
    assert scope["headers"] == [(b"host", b"inner")]


async def test_a_visitor_cannot_name_an_address_in_front_of_the_proxys() -> None:
    headers = [(b"x-forwarded-for", b"10.9.9.9, 203.0.113.1")]
    assert (await seen(client=["10.1.1.1", 1], headers=headers))["client"][0] == "203.0.113.1"


async def test_an_unreadable_address_ends_the_search_at_the_proxy() -> None:
    headers = [(b"x-forwarded-for", b"203.0.113.1, unknown")]
    assert (await seen(client=["10.1.1.1", 1], headers=headers))["client"] == ["10.1.1.1", 1]


async def test_sockets_become_secure_with_the_page() -> None:
    headers = [(b"x-forwarded-proto", b"https")]
    scope = await seen(type="websocket", scheme="ws", client=["::1", 1], headers=headers)
    assert scope["scheme"] == "wss"


async def test_several_headers_of_one_name_are_one_list() -> None:
    headers = [(b"x-forwarded-for", b"203.0.113.1"), (b"x-forwarded-for", b"198.51.100.7")]
    assert (await seen(client=["10.1.1.1", 1], headers=headers))["client"][0] == "198.51.100.7"
