"""An act that only one does at a time, decided by the database: two connections at once, the death
of whoever has it, and the end of its time, on both kinds of database."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from dashboard import models
from dashboard.claims import LONGEST_S, Taken, claimed
from realtime.testing import AT

ACT = "retry task:t1"


@pytest.fixture
def asking(database: str) -> Iterator[ThreadPoolExecutor]:
    """Threads, each with a connection of its own."""
    with ThreadPoolExecutor(8) as threads:
        yield threads
        gate = threading.Barrier(8)

        def leave() -> None:
            gate.wait(10)
            connections[database].close()

        for each in [threads.submit(leave) for _ in range(8)]:
            each.result()


def held(database: str) -> list[str]:
    return list(models.Claim.objects.using(database).values_list("act", flat=True))


def test_of_eight_connections_at_once_one_does_it(
    database: str, asking: ThreadPoolExecutor
) -> None:
    for turn in range(5):
        begin, over = threading.Barrier(8), threading.Barrier(8)

        def ask(act: str, begin: threading.Barrier, over: threading.Barrier) -> str:
            begin.wait(10)
            try:
                with claimed(act, alias=database):
                    over.wait(10)
                    return "done"
            except Taken:
                over.wait(10)
                return "taken"

        told = [asking.submit(ask, f"{ACT}{turn}", begin, over) for _ in range(8)]
        assert sorted(each.result(20) for each in told) == ["done", *7 * ["taken"]]
    assert held(database) == []


def test_another_act_on_the_same_and_the_same_on_another_are_free(database: str) -> None:
    with (
        claimed("retry task:a", alias=database),
        claimed("cancel task:a", alias=database),
        claimed("retry task:b", alias=database),
    ):
        assert len(held(database)) == 3


def test_it_may_be_done_again_after_it_was_done_or_failed(database: str) -> None:
    with pytest.raises(ZeroDivisionError), claimed(ACT, alias=database):
        raise ZeroDivisionError
    with claimed(ACT, alias=database), pytest.raises(Taken), claimed(ACT, alias=database):
        pass
    assert held(database) == []


def test_who_dies_with_it_blocks_it_for_two_minutes_and_no_longer(database: str) -> None:
    dead = claimed(ACT, alias=database, now=lambda: AT)
    dead.__enter__()
    late = AT + LONGEST_S
    with pytest.raises(Taken), claimed(ACT, alias=database, now=lambda: late):
        pass
    with claimed(ACT, alias=database, now=lambda: late + 0.1):
        # Whoever was thought dead comes to an end: what is another's by now stays.
        dead.__exit__(None, None, None)
        assert held(database) == [ACT]
        with pytest.raises(Taken), claimed(ACT, alias=database, now=lambda: late + 1):
            pass
    assert held(database) == []


def test_what_the_dead_have_left_is_deleted_by_whoever_comes_by(database: str) -> None:
    claimed(ACT, alias=database, now=lambda: AT).__enter__()
    with claimed("cancel task:x", alias=database, now=lambda: AT + 90_000):
        pass
    assert held(database) == []
