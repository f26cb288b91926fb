"""Rows of queues, schedule, audit, operations and workers for the browser tests: those of the
shared vectors, moved to the present."""

import json
from typing import Any

from tests.js.told import moved
from tests.services.process import ROOT

Rows = list[dict[str, Any]]
CAN = (
    "view_task",
    "view_worker",
    "view_queue",
    "view_failure",
    "view_scheduleentry",
    "view_audit",
    "retry_task",
)


def told(now: float) -> dict[str, Rows]:
    """The rows of each kind as of `now` (Unix seconds); the viewer is `ines`."""
    cases = json.loads((ROOT / "tests/vectors/cells.json").read_text())
    now = float(int(now))  # to the millisecond both sides would round their own way
    found: dict[str, Rows] = {}
    for case in cases:
        rows = [_whole(row, now) for row in moved(case["rows"], now - case["setting"]["now"])]
        found.setdefault(case["title"], [row for row in rows if row])
    unique = {"queues": "name", "schedule": "name", "audit": "id", "operations": "id"}
    for kind, key in unique.items():
        first: dict[str, dict[str, Any]] = {}
        for row in found[kind]:
            first.setdefault(row[key], row)
        found[kind] = list(first.values())
    return found


def _whole(row: dict[str, Any], now: float) -> dict[str, Any]:
    """Empty for a row that tells nothing but its name."""
    if "at" in row and row["at"] is not None:
        row["at"] += now - 1_795_240_000
    known = [value for value in row.values() if value is not None]
    return row if len(known) > 1 else {}
