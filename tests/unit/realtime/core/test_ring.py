"""The recent changes."""

from typing import NamedTuple

from realtime.core.ring import Ring


class Item(NamedTuple):
    revision: int
    size: int = 10


def _ring(**bounds: float) -> Ring[Item]:
    ring: Ring[Item] = Ring(0, **bounds)  # type: ignore[arg-type]
    for revision in range(1, 6):
        ring.put(f"k{revision % 3}", Item(revision), at=float(revision))
    return ring


def _since(ring: Ring[Item], revision: int) -> list[int] | None:
    found = ring.since(revision)
    return None if found is None else [item.revision for item in found]


def test_only_the_newest_version_of_a_row_is_kept() -> None:
    assert _since(_ring(), 0) == [3, 4, 5]
    assert _since(_ring(), 3) == [4, 5]
    assert _since(_ring(), 5) == []


def test_an_older_version_is_not_taken() -> None:
    ring = _ring()

    assert not ring.put("k2", Item(2), at=9.0)
    assert _since(ring, 0) == [3, 4, 5]


def test_what_is_old_or_too_much_is_let_go_and_known_to_be_gone() -> None:
    by_age, by_size = _ring(max_age_s=1.5), _ring(max_rows=1)
    by_age.trim(now=6.0)
    by_size.trim(now=6.0)

    assert (_since(by_age, 3), _since(by_age, 4)) == (None, [5])
    assert (_since(by_size, 3), _since(by_size, 4)) == (None, [5])


def test_the_size_of_what_is_kept_is_bounded() -> None:
    ring = _ring(max_bytes=25)
    ring.trim(now=6.0)

    assert (_since(ring, 2), _since(ring, 3)) == (None, [4, 5])


def test_a_cleared_ring_knows_nothing_before_its_floor() -> None:
    ring = _ring()
    ring.clear(9)

    assert (_since(ring, 8), _since(ring, 9)) == (None, [])
