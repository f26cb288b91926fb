"""The task page's sentences, steps and bars."""

from typing import Any

from dashboard import detail
from tests.unit.dashboard.samples import FAILED, NOW, RUNNING, attempt, task, unfinished


def sentence(row: dict[str, Any]) -> str:
    parts = detail.summary(row, NOW)
    return (parts["before"] + parts["time"] + parts["after"]).replace("\u00a0", " ")


def test_summary_of_a_finished_task_says_when_and_how_long() -> None:
    assert sentence(FAILED) == "Failed 1m 40s ago, after 3 attempts, 8m 22s in total"
    assert sentence(task(39)) == "Succeeded 4m 30s ago, 2.40 s in total"


def test_summary_of_a_running_task_counts_from_its_start() -> None:
    assert sentence(RUNNING) == "Running for 2m 41s"
    assert detail.summary(RUNNING, NOW)["since"] == f"{NOW - 161:.3f}"


def test_summary_of_a_waiting_task_says_how_long_it_waits() -> None:
    waiting = unfinished(1, "queued", "PENDING", ago=41, received_at=None, started_at=None)
    assert sentence(waiting) == "Queued for 41 s"


def test_steps_stand_in_order_with_the_time_between_them() -> None:
    steps = detail.timeline(FAILED, NOW)
    assert [step["what"] for step in steps] == [
        "Sent",
        "Received",
        "Started",
        "Retried",
        "Started",
        "Progress 64%",
        "Failed",
    ]
    assert [step["gap"].replace("\u00a0", " ") for step in steps[:-1]] == [
        "1.80 s",
        "200 ms",
        "4m 30s",
        "1m 00s",
        "2m 15s",
        "35 s",
    ]
    assert steps[2]["gap_word"] == "ran 2 times"


def test_last_step_of_an_unfinished_task_is_now_and_its_gap_is_kept_true() -> None:
    steps = detail.timeline(RUNNING, NOW)
    assert steps[-1]["is_open"]
    assert steps[-2]["since"] == f"{NOW - 1:.3f}"


def test_progress_of_an_earlier_attempt_is_no_step_of_this_one() -> None:
    again = RUNNING | {"attempts": [attempt(1, "retried", 161, 30), attempt(2, None, 0.5, None)]}
    assert "Progress 64%" not in [step["what"] for step in detail.timeline(again, NOW)]


def test_bars_of_the_attempts_stay_on_their_axis() -> None:
    for line in detail.attempts(FAILED, NOW)["lines"]:
        run = line["run"]
        assert 0 <= float(run["x"][:-1]) <= 100
        assert float(run["x"][:-1]) + float(run["width"][:-1]) <= 100.01


def test_bars_of_skewed_clocks_stay_on_their_axis_too() -> None:
    ahead = FAILED | {"finished_at": NOW - 700, "attempts": [attempt(1, "failed", -50, -40, "E()")]}
    line = detail.attempts(ahead, NOW)["lines"][0]
    assert 0 <= float(line["run"]["x"][:-1]) <= 100
    assert 0 <= float(line["run"]["width"][:-1]) <= 100


def test_attempt_that_was_retried_and_one_that_runs_have_their_own_words() -> None:
    row = RUNNING | {"attempts": [attempt(1, "retried", 90, 60), attempt(2, None, 20, None)]}
    words = [str(line["word"]) for line in detail.attempts(row, NOW)["lines"]]
    assert words == ["Retried", "Running"]


def test_redacted_arguments_are_marked_and_counted_wherever_they_are() -> None:
    row = task(1, args=[1], kwargs={"card": "[redacted]", "to": {"iban": "[redacted]"}})
    shown = detail.arguments(row)
    assert shown["hidden"] == "2 values hidden"
    assert [one["is_redacted"] for one in shown["named"]] == [False, True, False]


def test_arguments_kept_as_text_are_shown_as_they_are() -> None:
    shown = detail.arguments(task(1, args="(<Order 1>, ...", kwargs={}))
    assert (shown["texts"], shown["named"]) == (["(<Order 1>, ..."], [])


def test_arguments_nobody_told_are_not_none() -> None:
    assert detail.arguments(task(1, args=None, kwargs=None))["is_unknown"]
    assert not detail.arguments(task(1, args=[], kwargs={}))["is_unknown"]


def test_a_task_is_not_its_own_root_or_parent() -> None:
    alone = task(1)
    alone["root_id"] = alone["id"]
    words = {fact["word"] for fact in detail.facts(alone)}
    assert not {"Root", "Parent"} & words


def test_earlier_errors_come_newest_first_without_the_last() -> None:
    types = [error["exception"][0] for error in detail.earlier_errors(FAILED)]
    assert types == ["SoftTimeLimitExceeded", "ConnectionResetError"]
