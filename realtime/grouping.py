"""The groups that the leader holds, as the store has them, and what a commit makes of them.

What is written is absolute: the group as it is stored and the difference of the commit's tasks. A
commit of which nobody knows whether it was made is repeated with the same beginnings, and so with
the same sums. So a group that was read stays held until the next commit that is known to be made,
which covers everything that was unwritten; only then are groups let go of.
"""

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from realtime.core import groups
from realtime.core.groups import Difference, Group
from realtime.core.task import Task

MAX_HELD = 1_000
"""Groups in memory, half a kilobyte each. Others are read again when a member of them changes."""
MAX_TOTALS = 10_000
"""Sizes that were told and are not yet written."""

Load = Callable[[Collection[str]], Mapping[str, Group]]
"""The stored groups of these ids; unknown ids are absent."""


class Grouping:
    """The groups of one leader. Used by one thread."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, Group | None] = OrderedDict()
        """As the store has them; None for one that it has not."""
        self._totals: dict[str, int] = {}
        """Sizes that were told since the last commit."""

    @property
    def is_dirty(self) -> bool:
        """Whether a size is unwritten."""
        return bool(self._totals)

    def tell(self, group_id: str, total: int) -> None:
        """Somebody says that the group has so many members."""
        known = self._held.get(group_id)
        if known is not None and known.total is not None and known.total >= total:
            return
        if group_id in self._totals or len(self._totals) < MAX_TOTALS:
            self._totals[group_id] = max(total, self._totals.get(group_id, 0))

    def unwritten(
        self, changes: Iterable[tuple[Task | None, Task]], load: Load, now: float
    ) -> list[Group]:
        """The groups as they are after a commit that writes the second task of each pair where
        the store has the first. `load` is asked for those that are not held."""
        found = groups.differences(changes)
        if not found and not self._totals:
            return []
        ids = found.keys() | self._totals.keys()
        missing = ids - self._held.keys()
        if missing:
            stored = load(missing)
            self._held.update((id_, stored.get(id_)) for id_ in missing)
        told = [self._after(id_, found.get(id_), now) for id_ in sorted(ids)]
        return [group for group in told if self._held.get(group.id) != group]

    def written(self, changed: Sequence[Group]) -> None:
        """These were committed. It may be that nothing of what was told changed anything."""
        for group in changed:
            self._held[group.id] = group
            self._held.move_to_end(group.id)
        self._totals = {id_: n for id_, n in self._totals.items() if not self._has_total(id_, n)}
        while len(self._held) > MAX_HELD:
            self._held.popitem(last=False)

    def _after(self, id_: str, difference: Difference | None, now: float) -> Group:
        group = self._held.get(id_)
        if group is None:
            first = difference.first_seen_at if difference is not None else None
            group = Group(id=id_, first_seen_at=now if first is None else first, updated_at=now)
        if difference is not None:
            group = groups.changed(group, difference)
        return groups.sized(group, self._totals.get(id_, 0))

    def _has_total(self, id_: str, total: int) -> bool:
        group = self._held.get(id_)
        return group is not None and (group.total or 0) >= min(total, groups.MAX_TOTAL)
