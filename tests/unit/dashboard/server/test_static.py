"""Static files below an address that carries their version."""

from typing import Any

import pytest

from dashboard import assets
from dashboard.server.static import StaticFiles


async def ask(path: str) -> tuple[int, dict[bytes, bytes]]:
    """Status and headers of a GET."""
    sent: list[dict[str, Any]] = []

    async def other(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 299, "headers": []})

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b""}
    await StaticFiles(other, "/x/static/", assets.digest())(scope, None, send)
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
