"""The recent changes of every row, newest last: what a view that opens or resumes reads first."""

from collections.abc import Iterator
from typing import Generic, NamedTuple, Protocol, TypeVar

MAX_AGE_S = 60.0
"""A page that was away for longer (a server restart, a change of network) asks the store."""
MAX_ROWS = 10_000
MAX_BYTES = 32 * 1024 * 1024
"""Of JSON, about a quarter of what the rows take in memory. Rows with tracebacks are large."""


class Numbered(Protocol):
    """A version of a row."""

    @property
    def revision(self) -> int:
        """Its number in the order of commits."""
        ...

    @property
    def size(self) -> int:
        """Its size in bytes, more or less."""
        ...


Item = TypeVar("Item", bound=Numbered)


class _Slot(NamedTuple, Generic[Item]):
    at: float
    item: Item


class Ring(Generic[Item]):
    """The newest version of each row that changed after revision `floor`."""

    def __init__(
        self,
        floor: int,
        max_rows: int = MAX_ROWS,
        max_age_s: float = MAX_AGE_S,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self.floor = floor
        """Every change after this revision is here."""
        self._max_rows = max_rows
        self._max_age_s = max_age_s
        self._max_bytes = max_bytes
        self._size = 0
        self._slots: dict[str, _Slot[Item]] = {}

    def __len__(self) -> int:
        return len(self._slots)

    def put(self, key: str, item: Item, at: float) -> bool:
        """Add a change that happened `at`; False when a newer one of that row is here."""
        held = self._slots.get(key)
        if held is not None and held.item.revision >= item.revision:
            return False
        self.discard(key)
        self._slots[key] = _Slot(at, item)
        self._size += item.size
        return True

    def trim(self, now: float) -> None:
        """Let go of what is too old or too much."""
        while self._slots:
            key, oldest = next(iter(self._slots.items()))
            is_much = len(self._slots) > self._max_rows or self._size > self._max_bytes
            if not is_much and oldest.at >= now - self._max_age_s:
                break
            self.floor = max(self.floor, oldest.item.revision)
            self.discard(key)

    def clear(self, floor: int) -> None:
        """Begin anew after revision `floor`."""
        self._slots.clear()
        self._size = 0
        self.floor = floor

    def discard(self, key: str) -> None:
        """Forget one row that no longer exists."""
        slot = self._slots.pop(key, None)
        if slot is not None:
            self._size -= slot.item.size

    def since(self, revision: int) -> list[Item] | None:
        """What changed after `revision`, oldest first; None when not all of it is here."""
        if revision < self.floor:
            return None
        found = list(self._newer(revision))
        found.reverse()
        return found

    def _newer(self, revision: int) -> Iterator[Item]:
        for slot in reversed(self._slots.values()):
            if slot.item.revision <= revision:
                return
            yield slot.item
