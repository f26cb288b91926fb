"""What a store has added up, beside what its tasks count for."""

from collections import Counter
from collections.abc import Collection

from dashboard import models
from dashboard.rollups import sketch_of
from dashboard.store import Store
from realtime.core import rollup
from realtime.core.rollup import COUNTS, Cell, CellKey
from realtime.core.task import FAILED, Task


def stored_tasks(alias: str) -> list[Task]:
    """Every stored task."""
    store = Store(alias)
    try:
        ids = models.Task.objects.using(alias).values_list("id", flat=True)
        return list(store.load(list(ids)).values())
    finally:
        store.close()


def cells_of(tasks: Collection[Task], now: float) -> dict[CellKey, Cell]:
    """What these tasks count for."""
    counted = Counter(mark for task in tasks for mark in rollup.marks(task))
    return rollup.cells(counted.items(), now)


def stored_cells(alias: str) -> dict[CellKey, Cell]:
    """What was added up; cells from which all was taken back are left out."""
    found = {}
    for row in models.Rollup.objects.using(alias).all():
        counts = {what: getattr(row, what) for what in COUNTS if getattr(row, what)}
        cell = Cell(counts, sketch_of(row.waits), sketch_of(row.runtimes))
        if not cell.is_empty:
            found[CellKey(row.tier, row.by, row.start, row.key)] = cell
    return found


def is_added_up(alias: str) -> bool:
    """Whether nothing is left that was counted and not added up."""
    return not models.Tally.objects.using(alias).exists()


def failures_of(tasks: Collection[Task]) -> dict[str, int]:
    """How many of these tasks failed, by signature."""
    return dict(Counter(t.signature for t in tasks if t.conclusion == FAILED and t.signature))


def stored_failures(alias: str) -> dict[str, int]:
    """The failure groups that tasks are in, with their counts."""
    groups = models.Failure.objects.using(alias).exclude(count=0)
    return dict(groups.values_list("signature", "count"))
