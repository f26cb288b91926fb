"""What is wrong, of what the overview knows."""

from typing import Any

import pytest

from dashboard.problems import MAX_PROBLEMS, SEVERITY, problems

NOW = 1_795_000_000.0
LIVE = {"state": "live", "gap": None, "alive_at": NOW}


def queue(name: str = "mail", **known: object) -> dict[str, Any]:
    return {"name": name, "warning": None, "depth": 5, "waiting": 7, "oldest_at": NOW - 90} | known


def worker(state: str, **known: object) -> dict[str, Any]:
    told = {"name": "w1", "is_offline": False, "running": 0, "last_heartbeat_at": NOW - 60}
    return {**told, "state": state} | known


def group(**known: object) -> dict[str, Any]:
    return {
        "signature": "a1",
        "type": "CardError",
        "state": "open",
        "count": 40,
        "first_seen_at": NOW - 90_000,
        "last_seen_at": NOW - 1,
        "returned_at": None,
        "last_hour": 1,
        "last_day": 30,
    } | known


def entry(**known: object) -> dict[str, Any]:
    return {"name": "nightly", "missed": 0, "missed_at": None, "is_enabled": True} | known


def found(**what: Any) -> list[tuple[str, str, object]]:
    told = problems(**{"now": NOW, "stream": LIVE, **what})
    return [(each["kind"], each["subject"], each["value"]) for each in told]


def test_where_all_is_well_nothing_is_told() -> None:
    assert found(queues=[queue()], workers=[worker("online")], failures=[group()]) == []


def test_a_queue_is_told_with_its_warning_and_how_much_waits() -> None:
    assert found(queues=[queue(warning="unattended"), queue("web", warning="backlog")]) == [
        ("queue_unattended", "mail", 7),
        ("queue_backlog", "web", 7),
    ]


@pytest.mark.parametrize(
    ("known", "told"),
    [
        ({"state": "silent"}, [("worker_silent", "w1", 0)]),
        ({"state": "gone", "running": 3}, [("worker_gone", "w1", 3)]),
        ({"state": "gone", "last_heartbeat_at": NOW - 60}, [("worker_gone", "w1", 0)]),
        ({"state": "gone", "last_heartbeat_at": NOW - 7200}, []),
        (
            {"state": "gone", "last_heartbeat_at": NOW - 7200, "running": 1},
            [("worker_gone", "w1", 1)],
        ),
        ({"state": "gone", "is_offline": True}, []),
    ],
)
def test_a_worker_that_went_without_a_word(known: dict[str, Any], told: list[Any]) -> None:
    assert found(workers=[worker(**known)]) == told


@pytest.mark.parametrize(
    ("known", "told"),
    [
        ({"first_seen_at": NOW - 60}, [("failure_new", "a1", 40)]),
        ({"returned_at": NOW - 60}, [("failure_returned", "a1", 1)]),
        ({"returned_at": NOW - 90_000}, []),
        ({"last_hour": 30, "last_day": 40}, [("failure_burst", "a1", 30)]),
        ({"last_hour": 30, "last_day": 720}, []),
        ({"last_hour": 19, "last_day": 19}, []),
        ({"first_seen_at": NOW - 60, "state": "muted"}, []),
        ({"returned_at": NOW - 60, "state": "resolved"}, []),
    ],
)
def test_failures_that_are_news(known: dict[str, Any], told: list[Any]) -> None:
    assert found(failures=[group(**known)]) == told


def test_a_failure_is_named_by_its_type() -> None:
    [problem] = problems(now=NOW, stream=LIVE, failures=[group(first_seen_at=NOW)])
    assert (problem["subject"], problem["title"]) == ("a1", "CardError")


def test_runs_that_did_not_happen() -> None:
    entries = [entry(missed=2, missed_at=NOW - 60), entry(missed=1, is_enabled=False)]
    assert found(schedule=entries) == [("schedule_missed", "nightly", 2)]


def test_a_blind_stream_is_told_since_it_is_blind() -> None:
    gap = {"from_at": NOW - 30, "until_at": None, "reason": "x", "repaired": 0}
    for blind, since in (
        ({"state": "blind", "gap": gap, "alive_at": NOW}, NOW - 30),
        ({"state": "blind", "gap": {**gap, "until_at": NOW}, "alive_at": NOW - 9}, NOW - 9),
        ({"state": "blind", "gap": None, "alive_at": None}, None),
    ):
        [problem] = problems(now=NOW, stream=blind)
        assert (problem["kind"], problem["since_at"]) == ("stream", since)


def test_the_worst_come_first_then_the_newest_and_there_are_few() -> None:
    workers = [worker("silent", name=f"w{n}", last_heartbeat_at=NOW - n) for n in range(30)]
    told = found(
        stream={**LIVE, "state": "blind"},
        workers=workers,
        queues=[queue(warning="unattended"), queue("web", warning="backlog")],
        failures=[group(returned_at=NOW)],
    )
    kinds = [kind for kind, _, _ in told]
    assert len(told) == MAX_PROBLEMS
    assert kinds == sorted(kinds, key=SEVERITY.index)
    assert kinds[:3] == ["stream", "queue_unattended", "failure_returned"]
    assert [subject for _, subject, _ in told[3:6]] == ["w0", "w1", "w2"]
