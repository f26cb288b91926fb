"""Views that only the store can tell: read now and then, and sent as far as they changed."""

from dataclasses import replace

import pytest

from realtime import sight
from realtime.core import frames, query
from realtime.core.wire import Row
from realtime.hub.watch import TOLD_AT_ONCE
from realtime.ports import Rights
from tests.unit.realtime.live import EPOCH, House, open_house, task

EVERYTHING = frozenset(
    {"view_task", "view_worker", "view_failure", "view_queue", "view_scheduleentry", "view_audit"}
)
BOSS = Rights(user="boss", can=EVERYTHING)
VIEWER = Rights(user="viewer", can=frozenset({"view_task"}), hidden=frozenset({"exception"}))
RESTRICTED = replace(BOSS, user="restricted", rows=query.parse("owner:restricted"))
PEOPLE = {"boss": BOSS, "viewer": VIEWER, "restricted": RESTRICTED}


def group(signature: str, count: int = 1) -> Row:
    return {"signature": signature, "type": "CardError", "name": "shop.pay", "count": count}


async def _moves(house: House, seconds: float) -> None:
    """Let time pass while tasks change."""
    for step in range(round(seconds * 2)):
        await house.publish(house.store.commit(task("busy", retries=step)))
        await house.pass_time(0.5)


async def test_only_what_changed_is_sent_and_what_vanished_is_removed() -> None:
    async with open_house(**PEOPLE) as house:
        house.store.figures["failures"] = [group("a"), group("b"), group("c")]
        browser = await house.watch("failures", "boss")
        house.store.figures["failures"] = [group("d"), group("c"), group("b", 2)]
        await _moves(house, 2.5)

        [snapshot], [patch] = browser.of("snapshot"), browser.of("patch")
        assert [row["signature"] for row in snapshot["rows"]] == ["a", "b", "c"]
        assert {row["signature"] for row in patch["upsert"]} == {"b", "d"}
        assert patch["remove"] == ["a"]
        assert browser.rows[1]["b"] == group("b", 2)


async def test_what_reads_the_same_is_not_sent_again() -> None:
    async with open_house(**PEOPLE) as house:
        house.store.figures["queues"] = [{"name": "mail", "depth": 1}, {"name": "web", "depth": 2}]
        browser = await house.watch("queues", "boss")
        house.store.figures["queues"].reverse()
        await _moves(house, 10)

        assert browser.of("patch") == []


async def test_what_takes_too_long_is_tried_again_after_growing_pauses() -> None:
    async with open_house(**PEOPLE) as house:
        house.store.figures["queues"] = [{"name": "mail", "depth": 1}]
        browser = await house.watch("queues", "boss")
        house.store.figures["queues"] = [{"name": "mail", "depth": 2}]
        house.store.is_too_slow = True
        await _moves(house, 60)
        costly = house.hub.counters["reads_too_costly"]
        house.store.is_too_slow = False
        await _moves(house, 45)

        assert 3 <= costly <= 5  # at once, and after 5, 10 and 20 seconds
        assert browser.of("error") == []
        assert browser.rows[1]["mail"]["depth"] == 2


async def test_a_view_that_was_never_read_in_time_is_told_once_it_is() -> None:
    async with open_house(**PEOPLE) as house:
        house.store.figures["queues"] = [{"name": "mail", "depth": 1}]
        browser = await house.visit("boss")
        house.store.is_too_slow = True
        browser.say(op="open", view=1, of="queues")
        await house.settle()
        house.store.is_too_slow = False
        await _moves(house, 6)

        assert browser.of("error") == []
        assert browser.rows[1]["mail"]["depth"] == 1


async def test_time_alone_changes_a_row_whose_stream_stands_still() -> None:
    async with open_house(**PEOPLE) as house:
        house.store.figures["schedule"] = [{"name": "nightly", "missed": 0}]
        browser = await house.watch("schedule", "boss")
        house.store.figures["schedule"] = [{"name": "nightly", "missed": 1}]
        await house.pass_time(10.5)

        assert browser.rows[1]["nightly"]["missed"] == 1


async def test_the_store_is_read_every_two_seconds_while_it_changes_and_else_every_ten() -> None:
    async with open_house(**PEOPLE) as house:
        await house.watch("queues", "boss")
        await _moves(house, 20)
        busy = house.store.reads.count("page queues")
        await house.pass_time(2.5)
        house.store.reads.clear()
        await house.pass_time(20)

        assert 8 <= busy <= 11
        assert house.store.reads.count("page queues") == 2


async def test_a_read_is_for_all_who_have_the_same_rights() -> None:
    async with open_house(**PEOPLE) as house:
        browsers = [await house.watch("overview", "boss") for _ in range(20)]
        await _moves(house, 2.5)

        assert house.store.reads.count("page overview") == 2
        assert all(browser.rows[1]["overview"]["running"] == 1 for browser in browsers)


async def test_many_such_views_leave_threads_to_others_and_each_gets_its_turn() -> None:
    async with open_house(**PEOPLE) as house:
        browser = await house.visit("boss")
        for view in range(10):
            browser.say(op="open", view=view, of="failures", query=f"name:n{view}")
        await house.settle()
        house.pool.gate.clear()
        await house.publish(house.store.commit(task("t1")))
        await house.pass_time(3, is_beating=False)
        waiting = house.pool.waiting
        house.store.selects.clear()
        house.pool.gate.set()
        await _moves(house, 5)

        assert waiting <= TOLD_AT_ONCE + 1  # and one that finds out why nothing is heard
        asked = [select.query.text for select in house.store.selects[:10]]
        assert sorted(asked) == [f"name:n{view}" for view in range(10)]


async def test_an_overview_draws_only_on_what_its_viewer_may_see() -> None:
    async with open_house(**PEOPLE) as house:
        for user in PEOPLE:
            await house.watch("overview", user)

        assert [set(select.parts) for select in house.store.selects] == [
            {"workers", "failures", "queues", "schedule", sight.FRAME},
            {sight.FRAME},
            {"workers", "queues", "schedule", sight.FRAME},
        ]


async def test_people_without_the_audit_are_told_what_they_did_themselves() -> None:
    async with open_house(**PEOPLE) as house:
        for user in PEOPLE:
            await house.watch("operations", user)
        await house.watch("audit", "restricted")

        told = [select.user for select in house.store.selects]
        assert told == [None, "viewer", "restricted", "restricted"]


@pytest.mark.parametrize(
    ("user", "seen"),
    [
        ("boss", set(frames.TOLD)),
        ("viewer", {"overview", "operations"}),
        ("restricted", set(frames.TOLD) - {"failures", "attention"}),
        ("nobody", set()),
    ],
)
async def test_who_may_watch_what(user: str, seen: set[str]) -> None:
    async with open_house(**PEOPLE) as house:
        browser = await house.visit(user)
        for view, of in enumerate(frames.TOLD):
            browser.say(op="open", view=view, of=of)
        await house.settle()

        found = {frames.TOLD[frame["view"]] for frame in browser.of("snapshot")}
        refused = {frames.TOLD[frame["view"]] for frame in browser.of("error")}
        assert found == seen
        assert refused == (set() if user == "nobody" else set(frames.TOLD) - seen)
        assert all(frame["code"] == "not_allowed" for frame in browser.of("error"))


async def test_whose_right_is_taken_away_is_shown_no_more() -> None:
    async with open_house(**PEOPLE) as house:
        house.store.figures["failures"] = [group("a")]
        browser = await house.watch("failures", "boss")
        house.guests.rights_of["boss"] = replace(BOSS, can=EVERYTHING - {"view_failure"})
        house.hub.announce_rights("boss")
        await house.settle()
        house.store.figures["failures"] = [group("b")]
        await _moves(house, 3)

        [error] = browser.of("error")
        assert (error["view"], error["code"]) == (1, "not_allowed")
        assert "b" not in browser.rows[1]


async def test_a_reader_who_comes_back_is_given_a_snapshot() -> None:
    async with open_house(**PEOPLE) as house:
        house.store.figures["failures"] = [group("a")]
        first = await house.watch("failures", "boss")
        since = {"epoch": EPOCH, "revision": first.cursors[1]}
        house.store.figures["failures"] = [group("b")]
        second = await house.watch("failures", "boss", since=since)
        await _moves(house, 2.5)

        assert len(second.of("snapshot")) == 1
        assert list(second.rows[1]) == ["b"]


async def test_failures_are_asked_for_in_their_own_few_words() -> None:
    async with open_house(**PEOPLE) as house:
        await house.watch("failures", "boss", query="state:open,muted name:shop.* declined")
        refused = await house.watch("failures", "boss", query="queue:mail")

        [error] = refused.of("error")
        assert house.store.selects[0].query.text == "state:open,muted name:shop.* declined"
        assert (error["code"], error["at"], error["allowed"]) == (
            "bad_query",
            0,
            ["name", "state", "since"],
        )


async def test_a_large_answer_comes_in_pieces_and_its_patch_too() -> None:
    async with open_house(**PEOPLE) as house:
        rows = [group(f"s{number}") | {"message": "x" * 300} for number in range(500)]
        house.store.figures["failures"] = rows
        browser = await house.watch("failures", "boss", limit=500)
        house.store.figures["failures"] = [row | {"count": 2} for row in rows]
        await _moves(house, 3)

        assert len(browser.of("snapshot")) > 5
        assert len(browser.of("patch")) > 5
        assert {row["count"] for row in browser.rows[1].values()} == {2}
        assert len(browser.rows[1]) == 500
