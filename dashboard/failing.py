"""Groups of failures with how often each failed lately, as the pages, the API and the socket tell
them."""

# ruff: noqa: S608 -- every piece of SQL is a constant; values are parameters

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from dashboard import codepaths
from dashboard.filters import Clause, where
from dashboard.snapshots import Snapshot
from realtime.core.query import Query
from realtime.core.rollup import HOUR_S, MINUTE_S
from realtime.core.wire import Row
from realtime.sight import FRAME

MAX_SEARCHED = 5_000
"""Groups that one question looks at, the newest: more are more than anybody sorts out."""
HOURS = 24
MAX_OPEN = 1_000
"""Groups that the navigation counts; beyond it says `1k+`."""

_COLUMNS = (
    "signature",
    "type",
    "message",
    "frame",
    "name",
    "task_id",
    "count",
    "first_seen_at",
    "last_seen_at",
    "state",
    "state_at",
    "state_by",
    "muted_until",
    "returned_at",
)
# What was muted until then is open again, whoever writes that down or not.
_STATE = "CASE WHEN state = 'muted' AND muted_until <= %s THEN 'open' ELSE state END AS state"
_INNER = ", ".join(_STATE if name == "state" else name for name in _COLUMNS)
_ORDER = "last_seen_at DESC, signature DESC"


def failure_rows(snapshot: Snapshot, query: Query, now: float, limit: int) -> list[Row]:
    """The groups that failed last among those that match `query` (of `query.FAILURES`)."""
    # Under the name that conditions are written for.
    table = f"(SELECT {_INNER} FROM headway_failure ORDER BY {_ORDER} LIMIT {MAX_SEARCHED:d})"
    return _read(snapshot, table, where(query, now, snapshot.vendor), now, limit)


def open_groups(snapshot: Snapshot, now: float) -> tuple[int, bool]:
    """How many groups nobody has muted or resolved, and whether there are more: none is counted
    beyond `MAX_OPEN`."""
    [(number,)] = snapshot.fetch(
        "SELECT count(*) FROM (SELECT 1 FROM headway_failure WHERE count > 0 AND (state = 'open'"
        " OR state = 'muted' AND muted_until <= %s) LIMIT %s) AS open",
        (now, MAX_OPEN + 1),
    )
    return min(number, MAX_OPEN), number > MAX_OPEN


def failure_groups(snapshot: Snapshot, signatures: Sequence[str], now: float) -> list[Row]:
    """The groups of these signatures, those that failed last first; unknown ones are absent."""
    marks = ", ".join(["%s"] * len(signatures))
    clause = Clause(f"signature IN ({marks})", tuple(signatures))
    return _read(snapshot, f"(SELECT {_INNER} FROM headway_failure)", clause, now, len(signatures))


def shown(rows: list[Row], parts: Collection[str]) -> list[Row]:
    """The groups without their frames, unless `parts` (of `Select`) has them."""
    return rows if FRAME in parts else [row | {"frame": None} for row in rows]


def _read(snapshot: Snapshot, table: str, clause: Clause, now: float, limit: int) -> list[Row]:
    # Where all tasks of a group turned out to have ended otherwise, nothing failed so.
    found = snapshot.fetch(
        f'SELECT {", ".join(_COLUMNS)} FROM {table} AS "headway_task"'
        f" WHERE count > 0 AND {clause.sql}"
        f" ORDER BY {_ORDER} LIMIT %s",
        (now, *clause.parameters, limit),
    )
    rows: list[Row] = [dict(zip(_COLUMNS, record, strict=True)) for record in found]
    recent = [str(row["signature"]) for row in rows if _is_recent(row, now)]
    sparks, hours = _sparks(snapshot, recent, now), _last_hours(snapshot, recent, now)
    for row in rows:
        signature = str(row["signature"])
        spark = sparks.get(signature, [0] * HOURS)
        row |= {"last_hour": hours.get(signature, 0), "last_day": sum(spark), "spark": spark}
        row["frame"] = codepaths.shown_place(row["frame"], row["name"])
    return rows


def _is_recent(row: Row, now: float) -> bool:
    return float(row["last_seen_at"]) >= now - HOURS * HOUR_S  # type: ignore[arg-type]


def _sparks(snapshot: Snapshot, signatures: Sequence[str], now: float) -> Mapping[str, list[int]]:
    """How often each failed in each hour of the clock, the present one last."""
    first = (int(now) // HOUR_S - HOURS + 1) * HOUR_S
    sparks: dict[str, list[int]] = defaultdict(lambda: [0] * HOURS)
    for key, start, failed in _cells(snapshot, "key, start, failed", HOUR_S, signatures, first):
        place = (start - first) // HOUR_S
        if place < HOURS:
            sparks[key][place] += failed
    return sparks


def _last_hours(snapshot: Snapshot, signatures: Sequence[str], now: float) -> Mapping[str, int]:
    """How often each failed in the last 60 minutes."""
    first = (int(now) // MINUTE_S - 59) * MINUTE_S
    found: dict[str, int] = defaultdict(int)
    for key, failed in _cells(snapshot, "key, failed", MINUTE_S, signatures, first):
        found[key] += failed
    return found


def _cells(
    snapshot: Snapshot, columns: str, tier: int, signatures: Sequence[str], first: int
) -> list[tuple[Any, ...]]:
    if not signatures:
        return []
    marks = ", ".join(["%s"] * len(signatures))
    return snapshot.fetch(
        f'SELECT {columns} FROM headway_rollup WHERE tier = %s AND "by" = %s'
        f" AND key IN ({marks}) AND start >= %s AND failed > 0",
        (tier, "signature", *signatures, first),
    )
