"""Coming back: every change since, or everything anew."""

from typing import Any

import pytest

from realtime.core import query
from realtime.ports import Rights
from tests.unit.realtime.live import ALL, House, open_house, task


async def _came_back(house: House, revision: int, epoch: str = "e1", **fields: object) -> Any:
    return await house.watch(since={"epoch": epoch, "revision": revision}, **fields)


async def test_a_reader_that_missed_nothing_is_sent_no_rows() -> None:
    async with open_house() as house:
        house.store.commit(task("t1"))
        browser = await _came_back(house, 1)

        assert browser.of("snapshot") == []
        assert [row for patch in browser.of("patch") for row in patch["upsert"]] == []


async def test_one_patch_tells_every_change_since_then() -> None:
    async with open_house() as house:
        house.store.commit(task("t1"), task("t2", 1), task("t3", 2))
        house.store.commit(task("t2", 1, status="completed"), task("t4", 3), task("t3", 2))
        browser = await _came_back(house, 3, query="status:running")

        [patch] = browser.of("patch")
        assert {row["id"] for row in patch["upsert"]} == {"t3", "t4"}
        assert (patch["remove"], patch["revision"]) == (["t2"], 6)
        assert "counts" in patch
        assert browser.of("snapshot") == []


async def test_changes_from_before_the_hub_began_are_read_from_the_store() -> None:
    async with open_house() as house:
        house.store.commit(task("t1", -500), task("t2", -400), task("t3", -300))
        browser = await _came_back(house, 1)

        assert "changes tasks" in house.store.reads
        assert {row["id"] for row in browser.of("patch")[0]["upsert"]} == {"t2", "t3"}


async def test_rows_that_came_up_from_below_are_told_though_they_did_not_change() -> None:
    async with open_house() as house:
        house.store.commit(*(task(f"t{i}", i) for i in range(5)))
        held = {"t4", "t3"}
        house.store.commit(task("t4", 4, status="completed"))
        browser = await _came_back(house, 5, query="status:running", limit=2)

        [patch] = browser.of("patch")
        held = held - set(patch["remove"]) | {row["id"] for row in patch["upsert"]}
        assert held == {"t3", "t2"}


async def test_rows_that_were_pushed_out_of_the_window_are_removed() -> None:
    async with open_house() as house:
        house.store.commit(*(task(f"t{i}", i) for i in range(4)))
        held = {"t3", "t2"}
        house.store.commit(task("t4", 4))
        browser = await _came_back(house, 4, limit=2)

        [patch] = browser.of("patch")
        held = held - set(patch["remove"]) | {row["id"] for row in patch["upsert"]}
        assert held == {"t4", "t3"}


async def test_all_who_come_back_after_a_restart_share_one_read_of_each_view() -> None:
    async with open_house() as house:
        house.store.commit(*(task(f"t{i}", i) for i in range(4)))
        house.store.commit(*(task(f"t{i}", i) for i in range(4, 7)))
        browsers = [await house.visit() for _ in range(4)]
        for left, browser in enumerate(browsers, start=1):
            since = {"epoch": "e1", "revision": left}
            browser.say(op="open", view=1, of="tasks", limit=2, since=since)
        await house.settle()
        late = await _came_back(house, 4, limit=2)

        assert house.store.reads.count("page tasks") == 1
        patches = [browser.of("patch")[0] for browser in (*browsers, late)]
        assert all({row["id"] for row in patch["upsert"]} == {"t6", "t5"} for patch in patches)
        assert set(patches[0]["remove"]) == {"t4", "t3", "t2", "t1", "t0"}
        assert set(patches[-1]["remove"]) == {"t4", "t3", "t2"}


@pytest.mark.parametrize(
    ("since", "why"),
    [
        ({"revision": 1, "epoch": "e0"}, "another epoch"),
        ({"revision": 0}, "below the floor"),
        ({"revision": 99}, "above all that was ever numbered"),
        ({"revision": 1, "query": "since:1h"}, "time alone changes it"),
    ],
)
async def test_what_cannot_be_resumed_begins_with_a_snapshot(
    since: dict[str, Any], why: str
) -> None:
    async with open_house() as house:
        house.store.commit(task("gone"), task("t2", 1))
        house.store.floor = 1
        browser = await _came_back(house, **since)

        assert browser.of("patch") == [], why
        assert len(browser.of("snapshot")) == 1


async def test_more_changes_than_five_windows_begin_with_a_snapshot() -> None:
    async with open_house() as house:
        house.store.commit(*(task(f"t{i}", i) for i in range(12)))
        many, few = await _came_back(house, 1, limit=2), await _came_back(house, 2, limit=2)

        assert len(many.of("snapshot")) == 1
        assert few.of("snapshot") == []
        assert set(few.ids()) == {"t11", "t10"}


async def test_a_reader_ahead_of_this_hub_waits_until_the_hub_is_there() -> None:
    async with open_house() as house:
        await house.visit()
        house.store.commit(task("t1"), task("t2", 1))
        browser = await _came_back(house, 1)

        assert browser.of("snapshot") == []
        assert [row["id"] for row in browser.of("patch")[0]["upsert"]] == ["t2"]


async def test_a_change_while_the_resume_is_found_out_is_told_once_it_is() -> None:
    async with open_house() as house:
        house.store.commit(task("t1", -500))
        await house.watch()
        browser = await house.visit()
        house.pool.gate.clear()
        browser.say(op="open", view=1, of="tasks", since={"epoch": "e1", "revision": 0})
        await house.publish(house.store.commit(task("t2", 1)))
        assert browser.of("patch") == []

        house.pool.gate.set()
        await house.settle()
        [patch] = browser.of("patch")
        assert {row["id"] for row in patch["upsert"]} == {"t1", "t2"}


async def test_ids_of_rows_that_were_never_the_readers_to_see_are_not_told() -> None:
    own = Rights(user="bob", can=ALL.can, rows=query.parse("owner:bob"))
    async with open_house(bob=own) as house:
        house.store.commit(task("mine", owner="bob"), task("secret", 1, owner="eve"))
        house.store.commit(task("secret", 1, owner="eve", retries=1))
        browser = await _came_back(house, 1, user="bob")

        assert "secret" not in str(browser.frames)
        assert [row["id"] for row in browser.of("snapshot")[0]["rows"]] == ["mine"]


async def test_a_returning_page_is_sent_what_one_that_stayed_holds() -> None:
    async with open_house() as house:
        stayed = await house.watch(limit=4, query="status:running,queued")
        for i in range(40):
            status = ("running", "queued", "completed")[i % 3]
            await house.publish(house.store.commit(task(f"t{i % 13:02}", i % 13, status=status)))
            if i == 30:
                await house.pass_time(2)
                left = dict(stayed.rows[1])
                cursor = stayed.cursors[1]
        await house.pass_time(2)
        back = await house.visit()
        back.rows[1] = left
        back.say(
            op="open",
            view=1,
            of="tasks",
            limit=4,
            query="status:running,queued",
            since={"epoch": "e1", "revision": cursor},
        )
        await house.settle()

        assert back.of("snapshot") == []
        assert back.rows[1] == stayed.rows[1]
