"""Who may see what kind of thing."""

from dataclasses import replace

import pytest

from realtime import sight
from realtime.core import query
from realtime.core.frames import SERVED
from realtime.ports import NOBODY, Rights, Select

ALL = Rights(user="ann", can=frozenset(sight.NEEDED.values()))


def test_every_kind_of_view_needs_an_ability() -> None:
    assert set(sight.NEEDED) == set(SERVED)
    assert all(sight.refusal(of, ALL) is None for of in SERVED)
    assert all(sight.refusal(of, NOBODY) for of in SERVED)


@pytest.mark.parametrize("of", SERVED)
def test_a_refusal_names_what_to_ask_for(of: str) -> None:
    needed = sight.NEEDED[of]
    assert sight.refusal(of, replace(ALL, can=ALL.can - {needed})) == (
        f"You may not see {of}: ask for {needed}."
    )


def test_failures_tell_exceptions_and_count_everyones_tasks() -> None:
    blind = replace(ALL, hidden=frozenset({"exception"}))
    restricted = replace(ALL, rows=query.parse("owner:ann"))
    assert sight.refusal("failures", blind) == (
        "You may not see failures: ask for view_task_exception."
    )
    assert "only some of them" in str(sight.refusal("failures", restricted))
    assert "failures" not in sight.narrowed(Select("overview"), restricted).parts


def test_a_cluster_and_its_queues_are_shown_whole() -> None:
    limits = {of: sight.narrowed(Select(of, limit=7), ALL).limit for of in SERVED}
    assert {of: limit for of, limit in limits.items() if limit != 7} == {
        "workers": 2_000,
        "queues": 2_000,
        "schedule": 2_000,
        "overview": 1,
        "attention": 1,
    }
