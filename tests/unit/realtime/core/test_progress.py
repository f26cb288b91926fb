"""Progress is a join of maxima: it never runs backwards and no order confuses it."""

import itertools
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.core.progress import MAX_PARTS, Progress, merge, reported


def report(at: float, current: float | None, total: float | None = 10, **told: object) -> Progress:
    fields = {"current": current, "total": total, **told}
    return reported(fields, retries=0, at=at, clock=0)


reports = st.builds(
    lambda at, current, total, stage, stages, retries: reported(
        {"current": current, "total": total, "stage": stage, "stages": stages},
        retries=retries,
        at=at,
        clock=0,
    ),
    st.integers(0, 3).map(float),
    st.none() | st.integers(-2, 12).map(float),
    st.none() | st.integers(0, 10).map(float),
    st.none() | st.sampled_from(["check", "convert", "publish"]),
    st.none() | st.just(("check", "convert", "publish")) | st.just(("check", "convert")),
    st.integers(0, 1),
)


@given(st.lists(reports, min_size=1, max_size=4))
def test_any_order_and_repetition_merges_to_the_same_progress(told: list[Progress]) -> None:
    expected = reduce(merge, told)
    for order in itertools.permutations([*told, told[0]]):
        assert reduce(merge, order) == expected


def test_a_late_report_does_not_take_progress_back() -> None:
    progress = merge(report(2.0, 8), report(1.0, 3))
    assert (progress.current, progress.percent) == (8, 80)


def test_a_task_that_counts_down_keeps_its_percent() -> None:
    progress = merge(report(1.0, 8), report(2.0, 3))
    assert (progress.current, progress.percent) == (3, 80)


def test_a_later_attempt_begins_anew() -> None:
    again = reported({"current": 1, "total": 10}, retries=1, at=0.0, clock=0)
    assert merge(report(2.0, 8), again).percent == 10


@pytest.mark.parametrize(("current", "total"), [(1, 0), (None, 10), (5, None)])
def test_without_a_total_or_a_count_the_percent_is_unknown(
    current: float | None, total: float | None
) -> None:
    assert report(1.0, current, total).percent is None


@pytest.mark.parametrize(("current", "percent"), [(-5, 0), (15, 100)])
def test_a_count_beyond_its_bounds_is_cut(current: float, percent: float) -> None:
    assert report(1.0, current).percent == percent


def test_stages_share_the_whole() -> None:
    stages = ("check", "convert", "publish", "mail")
    progress = merge(report(1.0, 10, stage="check", stages=stages), report(2.0, 5, stage="convert"))
    assert progress.percent == pytest.approx(37.5)


def test_a_stage_that_begins_never_lowers_the_whole() -> None:
    stages = ("check", "convert")
    progress = merge(report(1.0, 10, stage="check", stages=stages), report(2.0, 0, stage="convert"))
    assert progress.percent == 50


def test_stages_of_unknown_number_have_no_percent() -> None:
    assert merge(report(1.0, 10, stage="check"), report(2.0, 5, stage="convert")).percent is None


def test_a_message_alone_does_not_take_the_percent_away() -> None:
    assert merge(report(1.0, 8), report(2.0, None, None, message="nearly")).percent == 80


def share(part: str, current: float, at: float = 1.0) -> Progress:
    return reported({"current": current, "part": part}, retries=0, at=at, clock=0)


shares = st.builds(share, st.sampled_from("abc"), st.integers(0, 5), st.integers(0, 3).map(float))


@given(st.lists(reports | shares, min_size=1, max_size=4))
def test_any_order_of_a_tasks_reports_and_its_childrens_merges_to_the_same(
    told: list[Progress],
) -> None:
    expected = reduce(merge, told)
    for order in itertools.permutations([*told, told[0]]):
        assert reduce(merge, order) == expected


def test_children_add_to_the_count_of_the_task() -> None:
    told = [report(3.0, 2), share("a", 3), share("b", 1, at=4.0), share("a", 1, at=5.0)]
    progress = reduce(merge, told)
    assert (progress.done, progress.updated_at) == (6, 5.0)
    assert progress.percent == pytest.approx(60)


def test_children_are_counted_up_to_a_bound() -> None:
    told = [share(f"{n:05}", 1) for n in range(MAX_PARTS + 10)]
    assert reduce(merge, told).done == MAX_PARTS
    assert reduce(merge, reversed(told)) == reduce(merge, told)
