"""Static files below an address that carries their version."""

from typing import Any

import pytest

from dashboard import assets
from dashboard.server.static import StaticFiles

SHOP = "https://shop.example"


async def ask(
    path: str, origin: str = "", origins: tuple[str, ...] = ()
) -> tuple[int, dict[bytes, bytes]]:
    """Status and headers of a GET."""
    sent: list[dict[str, Any]] = []

    async def other(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 299, "headers": []})

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    headers = [(b"origin", origin.encode())] if origin else []
    scope = {"type": "http", "method": "GET", "path": path, "headers": headers, "query_string": b""}
    await StaticFiles(other, "/x/static/", assets.digest(), origins)(scope, None, send)
    return sent[0]["status"], dict(sent[0]["headers"])


async def test_a_file_of_this_version_may_be_kept_for_ever() -> None:
    status, headers = await ask(f"/x/static/{assets.digest()}/headway/app.js")
    assert status == 200
    assert b"immutable" in headers[b"cache-control"]
    assert headers[b"x-content-type-options"] == b"nosniff"


async def test_a_file_of_another_version_is_answered_but_not_to_be_kept() -> None:
    status, headers = await ask("/x/static/000000000000/headway/app.js")
    assert status == 200
    assert b"max-age=0" in headers[b"cache-control"]
    assert b"immutable" not in headers[b"cache-control"]


@pytest.mark.parametrize("file", ["headway/nothing.js", "headway/../../pyproject.toml"])
async def test_what_is_no_static_file_is_not_found(file: str) -> None:
    assert (await ask(f"/x/static/{assets.digest()}/{file}"))[0] == 404


async def test_all_else_goes_to_the_application() -> None:
    assert (await ask("/x/tasks/"))[0] == 299


@pytest.mark.parametrize("file", ["embed.js", "embed/de.js"])
@pytest.mark.parametrize("digest", ["", f"{assets.digest()}/", "000000000000/"])
async def test_pages_of_allowed_origins_load_what_the_element_is_made_of(
    file: str, digest: str
) -> None:
    status, headers = await ask(f"/x/static/{digest}headway/{file}", SHOP, (SHOP,))
    assert status == 200
    assert headers[b"access-control-allow-origin"] == SHOP.encode()
    assert headers[b"cross-origin-resource-policy"] == b"cross-origin"
    assert headers[b"vary"] == b"Origin"
    assert b"access-control-allow-credentials" not in headers


async def test_a_file_that_is_asked_for_without_a_version_is_not_to_be_kept() -> None:
    status, headers = await ask("/x/static/headway/embed.js")
    assert status == 200
    assert b"max-age=0" in headers[b"cache-control"]


async def test_pages_of_other_origins_do_not() -> None:
    for origins in ((), ("https://other.example",)):
        _, headers = await ask("/x/static/headway/embed.js", SHOP, origins)
        assert b"access-control-allow-origin" not in headers
        assert headers[b"vary"] == b"Origin"
    _, headers = await ask("/x/static/headway/embed.js", SHOP)
    assert headers[b"cross-origin-resource-policy"] == b"same-origin"


async def test_our_own_pages_files_are_for_our_own_pages() -> None:
    _, headers = await ask(f"/x/static/{assets.digest()}/headway/app.js", SHOP, (SHOP,))
    assert b"access-control-allow-origin" not in headers
    assert headers[b"cross-origin-resource-policy"] == b"same-origin"
