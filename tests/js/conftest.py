"""The fake server that every browser test of the elements talks to."""

from collections.abc import Iterator

import pytest

from tests.js.serving import Server, running


@pytest.fixture(scope="module")
def running_server() -> Iterator[Server]:
    with running() as fake:
        yield fake


@pytest.fixture
def server(running_server: Server) -> Server:
    """A server without tasks, workers or pages."""
    running_server.tell(reset=True)
    return running_server
