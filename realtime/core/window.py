"""Which rows a view holds, and what of it a reader has still to be told."""

from bisect import bisect_left, insort
from collections.abc import Iterable
from typing import NamedTuple

Order = tuple[float, str]
"""When a row was first seen, and its key: fixed at its insert, so that rows never change places."""


class Place(NamedTuple):
    """What became of a row that was offered to a window."""

    is_in: bool
    is_new: bool = False
    pushed_out: str | None = None


class Window:
    """The newest `limit` rows by order."""

    def __init__(self, limit: int, is_complete: bool = True) -> None:
        self.limit = limit
        self.is_complete = is_complete
        """Whether no row that belongs to the view lies below the window."""
        self._orders: list[Order] = []
        self._of_key: dict[str, Order] = {}

    def __contains__(self, key: object) -> bool:
        return key in self._of_key

    def __len__(self) -> int:
        return len(self._of_key)

    def admit(self, order: Order) -> Place:
        """Offer a row that belongs to the view."""
        key = order[1]
        if key in self._of_key:
            return Place(is_in=True)
        if not self._has_place(order):
            self.is_complete = False
            return Place(is_in=False)
        insort(self._orders, order)
        self._of_key[key] = order
        return Place(is_in=True, is_new=True, pushed_out=self._push_out())

    def discard(self, key: str) -> bool:
        """Take a row out; whether it was in."""
        order = self._of_key.pop(key, None)
        if order is None:
            return False
        del self._orders[bisect_left(self._orders, order)]
        return True

    def newest_first(self) -> list[str]:
        """The keys in the order that people see."""
        return [key for _, key in reversed(self._orders)]

    def oldest(self, count: int) -> list[str]:
        """The keys of the `count` rows at the bottom."""
        return [key for _, key in self._orders[:count]]

    def _has_place(self, order: Order) -> bool:
        """Below its bottom an incomplete window does not know what else belongs there."""
        if not self._orders or order > self._orders[0]:
            return True
        return self.is_complete and len(self._orders) < self.limit

    def _push_out(self) -> str | None:
        if len(self._orders) <= self.limit:
            return None
        self.is_complete = False
        _, key = self._orders.pop(0)
        del self._of_key[key]
        return key


class Pending:
    """What changed since the reader was last told: keys only, the rows are read when it is told.

    Bounded by the window: `upsert` are keys in it now, `remove` keys that were in it then.
    """

    def __init__(self) -> None:
        self.upsert: dict[str, None] = {}
        self.remove: dict[str, None] = {}
        self._entered: set[str] = set()
        """Of `upsert`, what the reader does not hold."""

    def __bool__(self) -> bool:
        return bool(self.upsert or self.remove)

    def put(self, key: str, *, is_new: bool) -> None:
        """The row of `key` changed, or came in."""
        self.upsert[key] = None
        if key in self.remove:
            del self.remove[key]
        elif is_new:
            self._entered.add(key)

    def drop(self, key: str) -> None:
        """The row of `key` went out."""
        self.upsert.pop(key, None)
        if key in self._entered:
            self._entered.discard(key)
        else:
            self.remove[key] = None

    def merge(self, later: "Pending") -> None:
        """Add what changed afterwards."""
        for key in later.remove:
            self.drop(key)
        for key in later.upsert:
            self.put(key, is_new=later.is_new(key))

    def is_new(self, key: str) -> bool:
        """Whether the reader does not hold the row of `key`."""
        return key in self._entered

    def told(self, upsert: Iterable[str], remove: Iterable[str]) -> None:
        """The reader has been sent these."""
        for key in upsert:
            self.upsert.pop(key, None)
            self._entered.discard(key)
        for key in remove:
            self.remove.pop(key, None)

    def clear(self) -> None:
        """The reader has been sent everything."""
        self.upsert.clear()
        self.remove.clear()
        self._entered.clear()
