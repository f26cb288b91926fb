"""Figures over time and by key are what the rollups say, on both databases."""

from typing import Any

import pytest

from dashboard import figures, models, snapshots
from realtime.codec import encode
from realtime.core import sketch
from realtime.core.wire import Row

HOUR = 1_794_999_600
"""Unix seconds at which an hour begins."""
SECOND = sketch.bucket(1.0)


def put(alias: str, tier: int, start: int, by: str = "all", key: str = "", **told: Any) -> None:
    sketches = {
        name: encode(told.pop(name)).decode() for name in ("waits", "runtimes") if name in told
    }
    models.Rollup.objects.using(alias).create(
        tier=tier, start=start, by=by, key=key, **told, **sketches
    )


def go_on(alias: str) -> None:
    """The stream goes on for an hour, so that minutes of the past are told by minutes."""
    for start in (HOUR, HOUR + 3600):
        put(alias, 60, start)


def series(alias: str, from_at: float, until_at: float, points: int) -> list[Row]:
    return snapshots.read(alias, lambda s: figures.series(s, "all", "", from_at, until_at, points))


def by_key(alias: str, by: str, from_at: float, until_at: float, **more: Any) -> list[Row]:
    limit = more.pop("limit", 10)
    return snapshots.read(alias, lambda s: figures.by_key(s, by, from_at, until_at, limit, **more))


def counts(rows: list[Row], name: str = "arrived") -> list[object]:
    return [row[name] for row in rows]


def test_each_span_has_what_happened_in_it(database: str) -> None:
    put(database, 60, HOUR, arrived=1, runtimes={str(SECOND): 3})
    put(database, 60, HOUR + 60, arrived=2, failed=1, waits={str(SECOND): 1})
    put(database, 60, HOUR + 180, arrived=4)
    first, second = series(database, HOUR, HOUR + 240, 2)
    assert (first["at"], first["arrived"], first["failed"]) == (HOUR, 3, 1)
    assert (second["at"], second["arrived"], second["failed"]) == (HOUR + 120, 4, 0)
    assert first["wait_p95"] == first["runtime_p99"] == pytest.approx(1.0, rel=0.05)
    assert second["runtime_p50"] is None


def test_the_sketches_of_a_span_are_merged(database: str) -> None:
    for minute in range(4):
        put(database, 60, HOUR + 60 * minute, waits={str(SECOND + 10 * minute): 1})
    [row] = series(database, HOUR, HOUR + 240, 1)
    assert row["wait_p50"] == pytest.approx(1.1**10, rel=0.05)
    assert row["wait_p95"] == pytest.approx(1.1**30, rel=0.05)


def test_an_instant_within_a_minute_makes_the_present_minute_the_last_span(database: str) -> None:
    put(database, 60, HOUR, arrived=1)
    put(database, 60, HOUR + 3600, arrived=2)
    rows = series(database, HOUR + 5, HOUR + 3605, 60)
    assert len(rows) == 60
    assert (rows[-1]["at"], rows[-1]["arrived"]) == (HOUR + 3600, 2)


def test_without_anything_stored_there_are_empty_spans(database: str) -> None:
    assert counts(series(database, HOUR, HOUR + 180, 3)) == [0, 0, 0]


def test_what_minutes_do_not_tell_any_more_is_told_by_the_hour(database: str) -> None:
    for hour in range(4):
        put(database, 3600, HOUR + 3600 * hour, arrived=10 + hour)
    put(database, 60, HOUR + 3 * 3600, arrived=13)
    rows = series(database, HOUR, HOUR + 4 * 3600, 240)
    assert counts(rows) == [10, 11, 12, 13]


def test_a_young_store_tells_all_it_has_by_the_minute(database: str) -> None:
    put(database, 3600, HOUR, arrived=3)
    put(database, 60, HOUR + 60, arrived=3)
    assert counts(series(database, HOUR - 60, HOUR + 120, 3)) == [0, 0, 3]


def test_spans_are_no_more_than_asked_for(database: str) -> None:
    put(database, 60, HOUR)
    for seconds in (60, 61, 3599, 3600, 86_400, 123_456):
        for points in (1, 7, 60):
            rows = series(database, HOUR + 11, HOUR + 11 + seconds, points)
            assert 1 <= len(rows) <= points
            assert rows[0]["at"] <= HOUR + 11 + 60
            assert rows[-1]["at"] < HOUR + 11 + seconds


def test_keys_are_told_the_busiest_first(database: str) -> None:
    go_on(database)
    for n, name in enumerate(("shop.a", "shop.b", "shop.c"), start=1):
        for minute in range(2):
            put(
                database,
                60,
                HOUR + 60 * minute,
                "name",
                name,
                started=n,
                succeeded=n,
                failed=1,
                runtimes={str(SECOND): n},
            )
    rows = by_key(database, "name", HOUR, HOUR + 120, limit=2)
    assert counts(rows, "name") == ["shop.c", "shop.b"]
    assert (rows[0]["runs"], rows[0]["finished"], rows[0]["failed"]) == (6, 8, 2)
    assert rows[0]["runtime_p95"] == pytest.approx(1.0, rel=0.05)
    assert rows[0]["wait_p50"] is None


def test_a_long_span_is_whole_hours_and_the_minutes_at_its_ends(database: str) -> None:
    put(database, 60, HOUR)
    for start, runs in ((HOUR, 7), (HOUR + 3600, 20), (HOUR + 7200, 9)):
        put(database, 3600, start, "name", "shop.a", started=runs)
    for start, runs in ((HOUR, 4), (HOUR + 1800, 3), (HOUR + 3660, 20), (HOUR + 7200, 9)):
        put(database, 60, start, "name", "shop.a", started=runs)
    put(database, 60, HOUR + 7200)
    assert counts(by_key(database, "name", HOUR + 1800, HOUR + 7500), "runs") == [32]
    assert counts(by_key(database, "name", HOUR + 1800, HOUR + 7200), "runs") == [23]


def test_a_queue_has_its_rates_and_a_worker_what_it_did(database: str) -> None:
    go_on(database)
    put(database, 60, HOUR, "queue", "mail", arrived=30, started=20)
    put(database, 60, HOUR, "worker", "celery@a", succeeded=3, failed=2)
    [queue] = by_key(database, "queue", HOUR, HOUR + 300)
    [worker] = by_key(database, "worker", HOUR, HOUR + 300)
    assert (queue["queue"], queue["in_per_minute"], queue["out_per_minute"]) == ("mail", 6.0, 4.0)
    assert (worker["worker"], worker["done"], worker["failed"]) == ("celery@a", 5, 2)


def test_what_had_no_key_of_its_own_is_told_only_where_it_is_asked_for(database: str) -> None:
    go_on(database)
    put(database, 60, HOUR, "name", "", started=90)
    put(database, 60, HOUR, "name", "shop.a", started=1)
    assert counts(by_key(database, "name", HOUR, HOUR + 60), "name") == ["shop.a"]
    rows = by_key(database, "name", HOUR, HOUR + 60, with_others=True)
    assert counts(rows, "name") == ["shop.a", ""]


def test_figures_by_what_is_not_counted_are_refused(database: str) -> None:
    with pytest.raises(ValueError, match="by 'owner', only by all, name"):
        by_key(database, "owner", HOUR, HOUR + 60)
