"""What many pages ask for is read once for all of them."""

from dashboard import recent, tokens
from dashboard.recent import RecentReads
from realtime.embedding import Usual
from realtime.testing_public import MemoryPublic


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_places_and_durations_are_read_once_and_again_when_they_are_old() -> None:
    clock, memory = Clock(), MemoryPublic()
    reads = RecentReads(memory, clock)
    memory.waiting = {"mail": [(1.0, "a")]}
    memory.usually = {"shop.mail": Usual(1.0, 3.0, 2.0)}
    for _ in range(10):
        assert reads.places(["mail", "empty"]) == {"mail": [(1.0, "a")], "empty": []}
        assert reads.usual(["shop.mail", "never"]).keys() == {"shop.mail"}
    assert sorted(memory.reads) == ["places", "usual"]
    memory.waiting = {"mail": [(1.0, "b")]}
    clock.now += recent.PLACES_S
    assert reads.places(["mail"]) == {"mail": [(1.0, "b")]}
    assert sorted(memory.reads) == ["places", "places", "usual"]


def test_what_is_kept_is_bounded_whatever_is_asked_for() -> None:
    reads = RecentReads(MemoryPublic(), Clock())
    for number in range(3 * recent.MAX_KEPT):
        assert reads.places([f"q{number}"]) == {f"q{number}": []}
    assert len(reads._lines) <= recent.MAX_KEPT


def test_pages_are_answered_from_one_such_reader() -> None:
    assert isinstance(tokens.reader(), RecentReads)
    assert tokens.reader() is tokens.reader()
