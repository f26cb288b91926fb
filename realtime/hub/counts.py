"""The counts that views show: one board for all views that count the same tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from realtime.core import query
from realtime.core.query import Query
from realtime.hub.rows import json_text
from realtime.ports import Counts, Select

if TYPE_CHECKING:
    from realtime.hub.views import View

EVERY_S = 2.0
"""Counting costs the store the most, and people read tabs no faster."""
TABS = frozenset({"status", "conclusion", "state"})
"""A tab shows what it would hold, so the terms that tabs set are not counted by."""


class BoardKey(NamedTuple):
    """What is counted."""

    query: Query
    rows: Query


class Board:
    """The counts of one query, for the views that share it."""

    def __init__(self, key: BoardKey) -> None:
        self.key = key
        self.views: dict[View, None] = {}
        self.text: str | None = None
        """JSON of the newest counts; None before the first."""
        self.read_at: float | None = None
        self.is_reading = False
        self.is_stale = True
        """Whether something changed since the counts were read."""

    def is_due(self, now: float) -> bool:
        """Whether to count now."""
        is_early = self.read_at is not None and now - self.read_at < EVERY_S
        return self.is_stale and not self.is_reading and not is_early

    def begin(self, now: float) -> None:
        """The store is being asked: what changes from now on makes the answer stale."""
        self.is_reading, self.is_stale, self.read_at = True, False, now

    def finish(self, counts: Counts | None) -> bool:
        """Take the answer, None when there was none; whether the counts are other than before."""
        self.is_reading = False
        if counts is None:
            self.is_stale = True
            return False
        before, self.text = self.text, json_text(dict(counts)).text
        return self.text != before


def board_key(select: Select, rows: Query) -> BoardKey | None:
    """What a view counts; None where it shows no counts."""
    if select.of != "tasks" or select.ids:
        return None
    return BoardKey(query.without(select.query, TABS), rows)
