"""Rows as lists show them, and the badge above them."""

import dataclasses
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import badge, presentation, refused
from realtime.core import query as language
from realtime.ports import Gap
from tests.unit.dashboard.samples import NOW, STREAM, progress, task, unfinished


def note(row: dict[str, Any]) -> str:
    told = presentation.task_line(row, NOW)["note"]
    return f"{told['strong']} {told['text']}".strip().replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (unfinished(1, "queued", "PENDING"), "waiting for a worker"),
        (unfinished(1, "queued", "PENDING", reason="Handed over."), "Handed over."),
        (unfinished(1, "scheduled", "RECEIVED", eta=NOW + 250), "due in 4m 10s"),
        (unfinished(1, "scheduled", "RECEIVED", eta=NOW - 1), "due now"),
        (
            unfinished(1, "retrying", "RETRY", retry_at=NOW + 24, exception="HTTPError('503')"),
            "Again in 24 s HTTPError: 503",
        ),
        (unfinished(1, "retrying", "RETRY"), "Again, time unknown"),
        (unfinished(1, "running", "STARTED"), "no progress reported"),
        (task(1), ""),
        (task(1, retries=1), "after 1 retry"),
        (task(1, retries=3, progress=progress(100)), "7,200 / 7,200 frames, after 3 retries"),
        (task(1, conclusion="failed", exception="CardError('No.')"), "CardError No."),
        (task(1, conclusion="lost", reason="Its worker is gone."), "Its worker is gone."),
    ],
)
def test_note_says_what_became_of_the_task_or_what_it_waits_for(
    row: dict[str, Any], told: str
) -> None:
    assert note(row) == told


def test_bar_tells_the_time_left_once_there_is_enough_to_judge_by() -> None:
    started = {"started_at": NOW - 101, "progress": progress(50, message="Packing")}
    bar = presentation.task_line(unfinished(1, "running", "STARTED", **started), NOW)["bar"]
    assert (bar["percent"], bar["detail"], bar["title"]) == (50, "1m\u00a039s left", "Packing")
    early = started | {"started_at": NOW - 3}
    bar = presentation.task_line(unfinished(1, "running", "STARTED", **early), NOW)["bar"]
    assert bar["detail"] == "Packing"


def test_bar_of_an_unknown_total_has_no_percent() -> None:
    row = unfinished(1, "running", "STARTED", progress=progress(None))
    bar = presentation.task_line(row, NOW)["bar"]
    assert (bar["percent"], bar["detail"]) == (None, "4,608 frames")


def test_state_that_this_version_does_not_know_is_shown_as_unknown() -> None:
    line = presentation.task_line(unfinished(1, "paused", "STARTED"), NOW)
    assert line["state"] == "unknown"


@given(st.text(st.characters(exclude_categories=("C",)), min_size=1, max_size=40))
def test_term_selects_exactly_the_value_it_was_made_of(value: str) -> None:
    matches = language.predicate(language.parse(presentation.term("queue", value)), NOW)
    assert matches(task(1, queue=value))
    assert not matches(task(1, queue=value + "x"))


def test_badge_does_not_claim_a_page_that_was_only_loaded_to_be_live() -> None:
    told = badge.stream_badge(STREAM, NOW)
    assert (str(told["word"]), told["lag"]) == ("As of", "14:02:11")


def test_badge_tells_what_was_refused_to_tokens_and_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refused, "counts", Counter())
    assert badge.stream_badge(STREAM, NOW)["refused"] == ""
    counts = {"bad_signature": 1204, "token_expired": 30, "odd": 3, "not_allowed": 2, "rare": 1}
    monkeypatch.setattr(refused, "counts", Counter(counts))
    told = badge.stream_badge(STREAM, NOW)["refused"]
    assert told.endswith("(wrong key or altered 1,204, expired 30, odd 3, for another task 2)")


def test_badge_is_blind_since_the_last_sign_of_life() -> None:
    told = badge.stream_badge(dataclasses.replace(STREAM, alive_at=NOW - 60), NOW)
    assert (told["conn"], told["lag"]) == ("blind", "since 14:01:11")


def test_badge_is_blind_since_the_gap_opened() -> None:
    info = dataclasses.replace(STREAM, stats={"state": "blind"}, gap=Gap(from_at=NOW - 30))
    assert badge.stream_badge(info, NOW)["lag"] == "since 14:01:41"


def test_badge_of_a_receiver_that_never_was_says_how_to_start_one() -> None:
    told = badge.stream_badge(dataclasses.replace(STREAM, alive_at=None), NOW)
    assert told["conn"] == "unknown"
    assert "headway receiver" in told["why"]


def test_badge_that_lags_says_by_how_much() -> None:
    info = dataclasses.replace(STREAM, stats={"state": "behind", "lag_ms": 4200})
    assert badge.stream_badge(info, NOW)["lag"] == "4.20\u00a0s behind"
