"""The last runs of a name."""

from dashboard import runs
from realtime.core import query as language
from tests.unit.dashboard.samples import NOW, task, unfinished


def test_runs_stand_from_the_oldest_to_the_newest() -> None:
    drawn = runs.chart([task(1), task(2), task(3)], task(2)["id"], NOW)
    assert drawn is not None
    bars = drawn["bars"]
    assert [bar["url"][-2] for bar in bars] == ["3", "2", "1"]
    assert [bar["is_current"] for bar in bars] == [False, True, False]
    assert [bar["x"] for bar in bars] == ["0.00%", "5.00%", "10.00%"]
    assert drawn["is_current_shown"]


def test_what_never_ran_is_no_run() -> None:
    revoked = task(1, conclusion="cancelled", started_at=None, runtime=None)
    waiting = unfinished(2, "queued", "PENDING", started_at=None)
    assert runs.chart([revoked, waiting], "x", NOW) is None
    assert runs.chart([], "x", NOW) is None


def test_a_running_one_is_as_long_as_it_runs() -> None:
    running = unfinished(1, "running", "STARTED", started_at=NOW - 50)
    drawn = runs.chart([running], "x", NOW)
    assert drawn is not None
    assert drawn["bars"][0]["runtime"] == "50\u00a0s"
    assert drawn["p50"] is None
    assert not drawn["is_current_shown"]


def test_median_and_p95_are_those_of_what_is_over() -> None:
    rows = [task(n, runtime=float(n)) for n in range(1, 21)]
    drawn = runs.chart(rows, "x", NOW)
    assert drawn is not None
    assert drawn["p50"]["text"] == "11\u00a0s"
    assert drawn["p95"]["text"] == "20\u00a0s"


def test_one_that_took_far_longer_does_not_flatten_the_others() -> None:
    rows = [task(n, runtime=1.0) for n in range(1, 60)] + [task(60, runtime=5000.0)]
    drawn = runs.chart(rows, "x", NOW)
    assert drawn is not None
    assert [bar["is_over"] for bar in drawn["bars"]] == [True] + [False] * 59
    assert drawn["bars"][0]["height"] == "96.0"
    assert float(drawn["bars"][1]["height"]) == 48.0


def test_failed_and_retried_runs_are_marked() -> None:
    rows = [task(1, conclusion="failed"), task(2, retries=2), task(3)]
    drawn = runs.chart(rows, "x", NOW)
    assert drawn is not None
    assert [bar["state"] for bar in drawn["bars"]] == ["succeeded", "retrying", "failed"]
    assert drawn["bars"][1]["word"] == "Succeeded after 2 retries"
    assert drawn["failed"] == 1


def test_only_what_has_begun_is_read() -> None:
    matches = language.predicate(runs.query("shop.media.render_thumbnail"), NOW)
    assert matches(task(1))
    assert not matches(unfinished(1, "queued", "PENDING"))
    assert not matches(task(1, name="shop.other"))
