"""Figures over time and by name, queue or worker, as the pages and the socket tell them. They are
read from the rollups and never from the tasks, so they count everybody's: whoever may see only
some tasks is not given them.

Instants are Unix seconds, durations seconds. How far back minutes go is asked of the store; what
is older is told by the hour.
"""

# ruff: noqa: S608 -- every piece of SQL is a constant; values are parameters

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from dashboard.snapshots import Snapshot
from realtime.codec import decode
from realtime.core import sketch
from realtime.core.rollup import ALL, BYS, COUNTS, HOUR_S, MINUTE_S, OTHERS, QUEUE, WORKER
from realtime.core.sketch import Sketch
from realtime.core.task import CONCLUSIONS

Row = dict[str, Any]

MAX_POINTS = 1_000
MAX_KEYS = 500
"""More than a span of rollups knows."""
_END_OF_TIME = 2**62

LONGEST_S = 7 * 86_400.0
"""What `by_key` looks back at the most: 300 keys have 50,000 rows in it."""

_BY_INDEX = {"enable_seqscan": "off", "jit": "off", "max_parallel_workers_per_gather": "0"}
"""PostgreSQL takes a week of hours for a tenth of all rows, since minutes make up most of them and
all lie in these days: it would read the whole table, with helpers and compiled code."""

_FINISHED = " + ".join(CONCLUSIONS)
_SUMS = (
    "SUM(arrived) AS arrived, SUM(started) AS runs,"
    f" SUM({_FINISHED}) AS finished, SUM(failed) AS failed, SUM(retried) AS retried"
)
_EVERY_SUM = ", ".join(f"SUM({name})" for name in COUNTS)
_SUMMED = ("arrived", "runs", "finished", "failed", "retried")
_SUMS_OF_SUMS = ", ".join(f"SUM({name})" for name in _SUMMED)


class _Piece(NamedTuple):
    """Cells of one tier that start in [from_at, until_at)."""

    tier: int
    from_at: int
    until_at: int


class _Kept(NamedTuple):
    """What is stored of the time asked for."""

    newest_minute: int
    has_minutes: bool
    """Whether minutes tell all that is known of it."""


def series(
    snapshot: Snapshot, by: str, key: str, from_at: float, until_at: float, points: int
) -> list[Row]:
    """What happened to the tasks of one key (`""` for `all`) in at most `points` spans of equal
    length that cover [from_at, until_at), the oldest first: `at` (its start), the counts of
    `rollup.COUNTS`, and `wait_p50 wait_p95 runtime_p50 runtime_p95 runtime_p99` (None without any).

    Spans are whole minutes; whole hours where no minutes are kept any more.
    """
    _check(by)
    tier, start, width, total = _cut(_kept(snapshot, from_at), from_at, until_at, points)
    spans: list[Row] = [_empty(start + n * width) for n in range(total)]
    found = snapshot.fetch(
        f"SELECT (start - %s) / %s AS place, {_joined(snapshot)}, {_EVERY_SUM} FROM headway_rollup"
        ' WHERE tier = %s AND "by" = %s AND "key" = %s AND start >= %s AND start < %s'
        " GROUP BY place",
        (start, width, tier, by, key, start, start + total * width),
    )
    for place, waits, runtimes, *counts in found:
        spans[place] |= dict(zip(COUNTS, counts, strict=True))
        spans[place] |= _quantiles(_merged([waits]), _merged([runtimes]))
    return spans


def by_key(
    snapshot: Snapshot,
    by: str,
    from_at: float,
    until_at: float,
    limit: int,
    *,
    with_others: bool = False,
) -> list[Row]:
    """What happened to the tasks of each key in [from_at, until_at), those with the most runs
    first; a longer span than `LONGEST_S` is cut to its end.

    A row is told by the kind of its key: `{"name": "shop.pay", "arrived", "runs", "finished",
    "failed", "retried", "wait_p50", ..., "runtime_p99"}`; one of a queue has `in_per_minute` and
    `out_per_minute` too, one of a worker `done`. `with_others` adds, last and under the key `""`,
    what came when there were too many keys.
    """
    _check(by)
    from_at = max(from_at, until_at - LONGEST_S)
    with snapshot.planned(**_BY_INDEX):
        pieces = _pieces(_kept(snapshot, from_at), from_at, until_at)
        totals = _totals(snapshot, by, pieces, min(limit, MAX_KEYS), with_others)
        durations = _durations(snapshot, by, pieces, list(totals))
    minutes = max((until_at - from_at) / MINUTE_S, 1.0)
    return [
        {by: key, **counts, **_rates(by, counts, minutes), **durations[key]}
        for key, counts in totals.items()
    ]


def _check(by: str) -> None:
    if by not in BYS:
        raise ValueError(f"There are no figures by {by!r}, only by {', '.join(BYS)}.")


def _kept(snapshot: Snapshot, from_at: float) -> _Kept:
    oldest, newest = (
        _start(snapshot, MINUTE_S, 0, _END_OF_TIME, order) or 0 for order in ("ASC", "DESC")
    )
    if from_at >= oldest:
        return _Kept(newest, has_minutes=True)
    # Before the oldest minute there may just have been nothing: a cluster that was off for days.
    first, last = (int(at) // HOUR_S * HOUR_S for at in (from_at, oldest))
    return _Kept(newest, has_minutes=_start(snapshot, HOUR_S, first, last, "ASC") is None)


def _start(snapshot: Snapshot, tier: int, from_at: int, until_at: int, order: str) -> int | None:
    """The start of the first cell in this order; None where there is none."""
    found = snapshot.fetch(
        'SELECT start FROM headway_rollup WHERE tier = %s AND "by" = %s AND "key" = %s'
        f" AND start >= %s AND start < %s ORDER BY start {order} LIMIT 1",
        (tier, ALL, OTHERS, from_at, until_at),
    )
    return found[0][0] if found else None


def _cut(kept: _Kept, from_at: float, until_at: float, points: int) -> tuple[int, int, int, int]:
    """Which tier, where the first span starts, how long each is, and how many there are."""
    points = max(min(points, MAX_POINTS), 1)
    length = max(until_at - from_at, 1.0)
    is_hourly = from_at % HOUR_S == 0 and length % (points * HOUR_S) == 0
    tier = HOUR_S if is_hourly or not kept.has_minutes else MINUTE_S
    width = math.ceil(length / (points * tier)) * tier
    total = math.ceil(length / width)
    # The last one is the present one, whole or not.
    return tier, math.ceil(until_at / tier) * tier - total * width, width, total


def _pieces(kept: _Kept, from_at: float, until_at: float) -> list[_Piece]:
    """Whole hours by the hour, which are few rows, and what remains at both ends by the minute."""
    if not kept.has_minutes:
        return [_Piece(HOUR_S, int(from_at) // HOUR_S * HOUR_S, int(until_at))]
    begin, end = int(from_at) // MINUTE_S * MINUTE_S, int(until_at)
    first = -(-begin // HOUR_S) * HOUR_S
    # The present hour is whole as far as it goes.
    last = end if end > kept.newest_minute else end // HOUR_S * HOUR_S
    if first >= last:
        return [_Piece(MINUTE_S, begin, end)]
    pieces = (
        _Piece(MINUTE_S, begin, first),
        _Piece(HOUR_S, first, last),
        _Piece(MINUTE_S, last, end),
    )
    return [piece for piece in pieces if piece.from_at < piece.until_at]


def _totals(
    snapshot: Snapshot, by: str, pieces: Sequence[_Piece], limit: int, with_others: bool
) -> dict[str, dict[str, int]]:
    """The counts of the first keys, then those of the others if they are asked for."""
    piece = (
        f'SELECT "key", {_SUMS} FROM headway_rollup'
        ' WHERE tier = %s AND "by" = %s AND start >= %s AND start < %s GROUP BY "key"'
    )
    parameters: list[str | float] = []
    for tier, from_at, until_at in pieces:
        parameters += [tier, by, from_at, until_at]
    found = snapshot.fetch(
        f'SELECT "key", {_SUMS_OF_SUMS} FROM ({" UNION ALL ".join([piece] * len(pieces))}) AS piece'
        ' GROUP BY "key" ORDER BY SUM(runs) DESC, SUM(failed) DESC, SUM(arrived) DESC, "key"'
        " LIMIT %s",
        (*parameters, limit + 1),
    )
    rows = [(key, dict(zip(_SUMMED, map(int, counts), strict=True))) for key, *counts in found]
    named = [row for row in rows if by == ALL or row[0] != OTHERS][:limit]
    others = [row for row in rows if by != ALL and row[0] == OTHERS]
    return dict(named + (others if with_others else []))


def _durations(
    snapshot: Snapshot, by: str, pieces: Sequence[_Piece], keys: Sequence[str]
) -> dict[str, Row]:
    """The quantiles of these keys."""
    waits: dict[str, list[str | None]] = defaultdict(list)
    runtimes: dict[str, list[str | None]] = defaultdict(list)
    places = ", ".join(["%s"] * len(keys))
    for tier, from_at, until_at in pieces if keys else ():
        found = snapshot.fetch(
            f'SELECT "key", {_joined(snapshot)} FROM headway_rollup WHERE tier = %s AND "by" = %s'
            f' AND "key" IN ({places}) AND start >= %s AND start < %s GROUP BY "key"',
            (tier, by, *keys, from_at, until_at),
        )
        for key, waited, ran in found:
            waits[key].append(waited)
            runtimes[key].append(ran)
    return {key: _quantiles(_merged(waits[key]), _merged(runtimes[key])) for key in keys}


def _joined(snapshot: Snapshot) -> str:
    """The sketches of a group of rows in one text: a row less to fetch is time saved."""
    join = {"sqlite": "group_concat", "postgresql": "string_agg"}[snapshot.vendor]
    return ", ".join(f"{join}(NULLIF({name}, '{{}}'), ',')" for name in ("waits", "runtimes"))


def _empty(start: int) -> Row:
    return {"at": float(start), **dict.fromkeys(COUNTS, 0), **_quantiles({}, {})}


def _rates(by: str, counts: dict[str, int], minutes: float) -> Row:
    """What is told of one kind of key beside its counts."""
    if by == QUEUE:
        return {
            "in_per_minute": counts["arrived"] / minutes,
            "out_per_minute": counts["runs"] / minutes,
        }
    return {"done": counts["finished"]} if by == WORKER else {}


def _quantiles(waits: Sketch, runtimes: Sketch) -> Row:
    wait_p50, wait_p95 = sketch.quantiles(waits, (0.5, 0.95))
    runtime_p50, runtime_p95, runtime_p99 = sketch.quantiles(runtimes, (0.5, 0.95, 0.99))
    return {
        "wait_p50": wait_p50,
        "wait_p95": wait_p95,
        "runtime_p50": runtime_p50,
        "runtime_p95": runtime_p95,
        "runtime_p99": runtime_p99,
    }


def _merged(texts: Iterable[str | None]) -> Sketch:
    """The sum of sketches as `_joined` tells them."""
    total: dict[str, int] = {}
    for text in filter(None, texts):
        for held in decode(f"[{text}]"):
            for bucket, count in held.items():
                total[bucket] = total.get(bucket, 0) + count
    return {int(bucket): count for bucket, count in total.items()}
