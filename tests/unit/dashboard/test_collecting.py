"""The garbage collector of a receiver."""

import gc
from collections.abc import Iterator

import pytest

from dashboard import collecting


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    threshold = gc.get_threshold()
    yield
    gc.set_threshold(*threshold)
    gc.unfreeze()


def test_the_young_are_looked_at_seldom_and_what_was_imported_never() -> None:
    collecting.relax()
    assert gc.isenabled()
    assert gc.get_threshold()[0] == collecting.YOUNG
    assert gc.get_freeze_count() > 0
