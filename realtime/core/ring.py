"""The recent changes of every row, newest last: what a view that opens or resumes reads first."""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Generic, NamedTuple, Protocol, TypeVar

MAX_AGE_S = 60.0
"""A page that was away for longer (a server restart, a change of network) asks the store."""
MAX_ROWS = 10_000


class Numbered(Protocol):
    """Whatever has a revision."""

    @property
    def revision(self) -> int:
        """Its number in the order of commits."""
        ...


Item = TypeVar("Item", bound=Numbered)


class _Slot(NamedTuple, Generic[Item]):
    at: float
    item: Item


class Ring(Generic[Item]):
    """The newest version of each row that changed after revision `floor`."""

    def __init__(self, floor: int, max_rows: int = MAX_ROWS, max_age_s: float = MAX_AGE_S) -> None:
        self.floor = floor
        """Every change after this revision is here."""
        self._max_rows = max_rows
        self._max_age_s = max_age_s
        self._slots: OrderedDict[str, _Slot[Item]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._slots)

    def put(self, key: str, item: Item, at: float) -> bool:
        """Add a change that happened `at`; False when a newer one of that row is here."""
        held = self._slots.get(key)
        if held is not None and held.item.revision >= item.revision:
            return False
        self._slots[key] = _Slot(at, item)
        self._slots.move_to_end(key)
        return True

    def trim(self, now: float) -> None:
        """Let go of what is too old or too much."""
        while self._slots:
            oldest = next(iter(self._slots.values()))
            if len(self._slots) <= self._max_rows and oldest.at >= now - self._max_age_s:
                break
            self.floor = max(self.floor, oldest.item.revision)
            self._slots.popitem(last=False)

    def clear(self, floor: int) -> None:
        """Begin anew after revision `floor`."""
        self._slots.clear()
        self.floor = floor

    def discard(self, key: str) -> None:
        """Forget one row that no longer exists."""
        self._slots.pop(key, None)

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
