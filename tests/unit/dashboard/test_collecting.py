"""The garbage collector and the threads of a receiver."""

import gc
import sys
from collections.abc import Iterator

import pytest

from dashboard import collecting


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    threshold, interval = gc.get_threshold(), sys.getswitchinterval()
    yield
    gc.set_threshold(*threshold)
    sys.setswitchinterval(interval)
    gc.unfreeze()


def test_the_young_are_looked_at_seldom_and_what_was_imported_never() -> None:
    collecting.relax()
    assert gc.isenabled()
    assert gc.get_threshold()[0] == collecting.YOUNG
    assert gc.get_freeze_count() > 0


def test_a_thread_that_commits_need_not_wait_long_for_one_that_folds() -> None:
    collecting.relax()
    assert sys.getswitchinterval() == pytest.approx(collecting.SWITCH_S)
