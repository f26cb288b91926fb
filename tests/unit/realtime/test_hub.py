"""Views and what a batch changes in them."""

import random

import pytest

from realtime.hub import Limits
from tests.unit.realtime.live import BEGIN, House, open_house, task, worker


async def test_hello_is_the_first_frame_and_tells_who_asks() -> None:
    async with open_house() as house:
        browser = await house.visit()

        hello, stream = browser.frames
        assert hello["op"] == "hello"
        assert (hello["epoch"], hello["user"], hello["frame"]) == ("e1", "ann", 1)
        assert (hello["version"], hello["assets"], hello["server_time"]) == ("1.0", "a1", BEGIN)
        assert {"view_task", "view_worker", "view_task_result"} <= set(hello["can"])
        assert (stream["op"], stream["state"], stream["lag_ms"]) == ("stream", "live", 5)


async def test_a_view_begins_with_the_newest_rows_and_their_counts() -> None:
    async with open_house() as house:
        house.store.commit(*(task(f"t{i}", i) for i in range(5)))
        browser = await house.watch(limit=3)

        [snapshot] = browser.of("snapshot")
        assert [row["id"] for row in snapshot["rows"]] == ["t4", "t3", "t2"]
        assert (snapshot["revision"], snapshot["part"], snapshot["of"]) == (5, 1, 1)
        assert snapshot["counts"] == {"all": [5, False], "running": [5, False]}


async def test_list_rows_never_carry_result_traceback_attempts_or_errors() -> None:
    async with open_house() as house:
        house.store.commit(task("t1", result="42", traceback="Traceback"))
        browser = await house.watch()
        await house.publish(house.store.commit(task("t1", result="43", traceback="Traceback")))

        rows = browser.of("snapshot")[0]["rows"] + browser.of("patch")[0]["upsert"]
        assert len(rows) == 2
        assert not {"result", "traceback", "attempts", "errors"} & {
            name for r in rows for name in r
        }


async def test_the_view_of_one_task_carries_everything() -> None:
    async with open_house() as house:
        house.store.commit(task("t1", result="42"))
        browser = await house.watch(of="task", id="t1")
        await house.publish(house.store.commit(task("t1", result="43"), task("t2")))

        assert browser.of("snapshot")[0]["rows"][0]["result"] == "42"
        assert browser.of("patch")[0]["upsert"][0]["result"] == "43"
        assert browser.ids() == ["t1"]


async def test_a_task_that_never_was_is_an_empty_view_that_waits_for_it() -> None:
    async with open_house() as house:
        browser = await house.watch(of="task", id="t1")
        assert browser.of("snapshot")[0]["rows"] == []

        await house.publish(house.store.commit(task("t1")))
        assert browser.ids() == ["t1"]


async def test_a_new_task_is_in_two_browsers_once_and_evaluated_once() -> None:
    async with open_house() as house:
        first, second = await house.watch(), await house.watch()
        await house.publish(house.store.commit(task("t1")))

        for browser in (first, second):
            [patch] = browser.of("patch")
            assert [row["id"] for row in patch["upsert"]] == ["t1"]
        assert house.store.reads.count("page tasks") == 1


async def test_identical_opens_in_flight_share_one_read() -> None:
    async with open_house() as house:
        house.store.commit(task("t1"))
        browsers = [await house.visit() for _ in range(3)]
        house.pool.gate.clear()
        for browser in browsers:
            browser.say(op="open", view=1, of="tasks")
        await house.settle()
        house.pool.gate.set()
        await house.settle()

        assert [browser.ids() for browser in browsers] == [["t1"]] * 3
        assert house.store.reads.count("page tasks") == 1


async def test_what_changes_while_a_view_is_read_is_not_missed() -> None:
    async with open_house() as house:
        house.store.commit(task("t1"))
        browser = await house.watch(of="workers")
        page = house.store.page

        def slow_page(*args, **kwargs):  # type: ignore[no-untyped-def]
            found = page(*args, **kwargs)
            house.hub._receive(house.store.commit(task("t2", 1)))
            house.store.page = page  # type: ignore[method-assign]
            return found

        house.store.page = slow_page  # type: ignore[method-assign]
        browser.say(op="open", view=2, of="tasks")
        await house.settle()

        assert browser.ids(2) == ["t2", "t1"]
        assert browser.cursors[2] == 2


async def test_a_task_that_is_deleted_while_a_view_is_read_is_not_in_it() -> None:
    async with open_house() as house:
        house.store.commit(task("t1"), task("t2", 1))
        browser = await house.visit()
        page = house.store.page

        def slow_page(*args, **kwargs):  # type: ignore[no-untyped-def]
            found = page(*args, **kwargs)
            house.store.page = page  # type: ignore[method-assign]
            house.hub._receive(house.store.remove("t1"))
            return found

        house.store.page = slow_page  # type: ignore[method-assign]
        browser.say(op="open", view=1, of="tasks")
        await house.settle()

        assert browser.ids() == ["t2"]


async def test_a_read_that_is_ahead_of_the_hub_is_not_set_back_by_older_batches() -> None:
    async with open_house() as house:
        browser = await house.visit()
        running = house.store.commit(task("t1"))
        done = house.store.commit(task("t1", status="completed", conclusion="succeeded"))
        browser.say(op="open", view=1, of="tasks", query="status:running")
        await house.settle()
        await house.publish(running)
        await house.publish(done)

        assert browser.of("patch") == []
        assert browser.cursors[1] == 2


async def test_a_row_that_no_longer_matches_is_removed_and_others_are_never_named() -> None:
    async with open_house() as house:
        house.store.commit(task("t1"), task("t2", 1, status="queued"))
        browser = await house.watch(query="status:running")
        await house.publish(
            house.store.commit(task("t1", status="completed"), task("t2", 1, status="reserved"))
        )

        [patch] = browser.of("patch")
        assert (patch["remove"], patch["upsert"]) == (["t1"], [])


async def test_a_row_pushed_out_of_the_window_is_removed() -> None:
    async with open_house() as house:
        house.store.commit(task("t1", 1), task("t2", 2))
        browser = await house.watch(limit=2)
        await house.publish(house.store.commit(task("t3", 3), task("t0", 0)))

        assert browser.ids() == ["t3", "t2"]
        assert browser.of("patch")[0]["remove"] == ["t1"]


async def test_a_window_is_refilled_after_rows_left_it() -> None:
    async with open_house() as house:
        house.store.commit(*(task(f"t{i}", i) for i in range(4)))
        browser = await house.watch(limit=2, query="status:running")
        await house.publish(house.store.commit(task("t3", 3, status="completed")))
        assert browser.ids() == ["t2"]

        await house.pass_time(1.5)
        assert browser.ids() == ["t2", "t1"]


async def test_a_burst_larger_than_the_window_sends_only_what_stays() -> None:
    async with open_house() as house:
        browser = await house.watch(limit=2)
        await house.publish(house.store.commit(*(task(f"t{i}", i) for i in range(50))))

        [patch] = browser.of("patch")
        assert [row["id"] for row in patch["upsert"]] == ["t48", "t49"]
        assert patch["remove"] == []


async def test_deleted_tasks_are_removed() -> None:
    async with open_house() as house:
        house.store.commit(task("t1"), task("t2", 1))
        browser = await house.watch()
        await house.publish(house.store.remove("t1"))

        assert browser.of("patch")[0]["remove"] == ["t1"]
        assert browser.ids() == ["t2"]


async def test_workers_come_and_change() -> None:
    async with open_house() as house:
        house.store.commit(worker("w1"), of="workers")
        browser = await house.watch(of="workers")
        one = await house.watch(of="worker", id="w2")
        await house.publish(house.store.commit(worker("w2"), worker("w1", active=3), of="workers"))

        assert {name: row["active"] for name, row in browser.rows[1].items()} == {"w1": 3, "w2": 0}
        assert list(one.rows[1]) == ["w2"]


async def test_followed_ids_take_the_place_of_a_query() -> None:
    async with open_house() as house:
        house.store.commit(*(task(f"t{i}", i) for i in range(4)))
        browser = await house.watch(ids=["t0", "t2", "gone"])
        await house.publish(house.store.commit(task("t0", retries=1), task("t1", 1)))

        assert browser.ids() == ["t2", "t0"]
        assert browser.rows[1]["t0"]["retries"] == 1


async def test_the_overview_follows_what_happens_within_two_seconds() -> None:
    async with open_house() as house:
        browser = await house.watch(of="overview")
        assert browser.rows[1]["overview"]["running"] == 0

        await house.publish(house.store.commit(task("t1")))
        await house.pass_time(2.5)
        assert browser.rows[1]["overview"]["running"] == 1


async def test_counts_follow_at_most_every_two_seconds_and_once_for_all_tabs() -> None:
    async with open_house() as house:
        browser = await house.watch()
        browser.say(op="open", view=2, of="tasks", query="status:queued")
        await house.settle()
        for i in range(8):
            await house.publish(house.store.commit(task(f"t{i}", i)))
            await house.pass_time(0.5)

        assert browser.counts[1] == browser.counts[2]
        assert browser.counts[1]["all"][0] >= 4
        assert house.store.reads.count("counts") <= 3


async def test_heartbeats_of_workers_count_no_tasks() -> None:
    async with open_house() as house:
        await house.watch()
        for i in range(8):
            await house.publish(house.store.commit(worker("w1", active=i), of="workers"))
            await house.pass_time(0.5)

        assert house.store.reads.count("counts") == 1


async def test_relative_terms_are_evaluated_again_every_ten_seconds() -> None:
    async with open_house() as house:
        house.store.commit(task("t1", -3595), task("t2", 0))
        browser = await house.watch(query="since:1h")
        assert browser.ids() == ["t2", "t1"]

        await house.pass_time(11)
        assert browser.ids() == ["t2"]


async def test_a_snapshot_comes_in_pieces_of_at_most_16_kilobytes() -> None:
    async with open_house() as house:
        house.store.commit(*(task(f"t{i:03}", i, args=["x" * 900]) for i in range(100)))
        browser = await house.watch()

        snapshots = browser.of("snapshot")
        assert [frame["part"] for frame in snapshots] == list(range(1, snapshots[0]["of"] + 1))
        assert len(snapshots) > 5
        assert "counts" in snapshots[0]
        assert "counts" not in snapshots[1]
        assert len(browser.ids()) == 100


@pytest.mark.parametrize(
    ("frame", "code", "at"),
    [
        ({"of": "tasks", "query": "colour:red"}, "bad_query", 0),
        ({"of": "tasks", "query": 'x "unfinished'}, "bad_query", 2),
        ({"of": "group"}, "not_supported", None),
        ({"of": "stars"}, "bad_frame", None),
        ({"of": "tasks", "limit": 501}, "bad_frame", None),
        ({"of": "workers", "query": "name:w1"}, "bad_frame", None),
        ({"of": "task"}, "bad_frame", None),
    ],
)
async def test_a_refused_view_is_answered_and_the_socket_stays(
    frame: dict[str, object], code: str, at: int | None
) -> None:
    async with open_house() as house:
        browser = await house.visit()
        browser.say(op="open", view=7, **frame)
        browser.say(op="open", view=8, of="tasks")
        await house.settle()

        [error] = browser.of("error")
        assert (error["view"], error["code"], error["retry"]) == (7, code, False)
        assert error.get("at") == at
        assert [snapshot["view"] for snapshot in browser.of("snapshot")] == [8]


async def test_a_view_number_that_is_opened_again_is_replaced() -> None:
    async with open_house() as house:
        house.store.commit(task("t1"), task("t2", 1, status="queued"))
        browser = await house.watch()
        browser.say(op="open", view=1, of="tasks", query="status:queued")
        await house.settle()

        assert browser.ids() == ["t2"]
        assert len(house.hub._watch) == 1


async def test_a_view_that_nobody_watches_is_forgotten() -> None:
    async with open_house() as house:
        browser = await house.watch()
        browser.say(op="close", view=1)
        await house.publish(house.store.commit(task("t1")))

        assert browser.of("patch") == []
        assert len(house.hub._watch) == 0


async def test_views_of_a_socket_and_of_the_server_are_bounded() -> None:
    async with open_house(limits=Limits(views=33)) as house:
        browser, other = await house.visit(), await house.visit()
        for view in range(33):
            browser.say(op="open", view=view, of="task", id=f"t{view}")
        for view in range(2):
            other.say(op="open", view=view, of="worker", id=f"w{view}")
        await house.settle()

        assert [(e["view"], e["code"]) for e in browser.of("error")] == [(32, "too_many_views")]
        assert [(e["view"], e["retry"]) for e in other.of("error")] == [(1, True)]


async def test_views_opened_too_fast_are_refused_until_later() -> None:
    async with open_house() as house:
        browser = await house.visit()
        for i in range(65):
            browser.say(op="open", view=1, of="task", id=f"t{i}")
        await house.settle()
        assert [error["code"] for error in browser.of("error")] == ["too_fast"]

        await house.pass_time(1)
        browser.say(op="open", view=1, of="tasks")
        await house.settle()
        assert len(browser.of("error")) == 1


async def test_a_store_that_is_down_refuses_a_view_for_now() -> None:
    async with open_house() as house:
        browser = await house.visit()
        house.store.is_down = True
        browser.say(op="open", view=1, of="tasks")
        await house.settle()

        [error] = browser.of("error")
        assert (error["view"], error["code"], error["retry"]) == (1, "unavailable", True)


async def test_a_query_that_takes_too_long_is_refused_for_good() -> None:
    async with open_house() as house:
        browser = await house.visit()
        house.store.is_too_slow = True
        browser.say(op="open", view=1, of="tasks")
        await house.settle()

        [error] = browser.of("error")
        assert (error["view"], error["code"], error["retry"]) == (1, "too_costly", False)


async def test_an_unreadable_batch_is_counted_and_repaired_from_the_store() -> None:
    async with open_house() as house:
        browser = await house.watch()
        await house.publish(house.store.commit(task("t1"))._replace(rows={"tasks": b"{"}))
        await house.publish(house.store.commit(task("t2", 1)))

        assert house.hub.counters["malformed"] == 1
        assert browser.ids() == ["t2", "t1"]


@pytest.mark.parametrize("seed", range(8))
async def test_whatever_happens_every_browser_ends_with_what_the_store_holds(seed: int) -> None:
    """Lost batches, deletions, slow and returning browsers, small windows."""
    chance = random.Random(seed)  # noqa: S311
    async with open_house() as house:
        queries = ["", "status:running", "status:completed", "name:shop.mail retries:>0"]
        browsers = []
        for i in range(6):
            browser = await house.watch(query=queries[i % 4], limit=5 + i)
            browser.is_acking = i % 3 != 0
            browsers.append(browser)
        for _ in range(150):
            await _one_thing(house, chance)
        for browser in browsers:
            browser.is_acking = True
            browser.ack()
        await house.pass_time(5)

        for i, browser in enumerate(browsers):
            truth = await house.watch(query=queries[i % 4], limit=5 + i)
            assert browser.rows[1] == truth.rows[1]


async def _one_thing(house: House, chance: random.Random) -> None:
    kind = chance.random()
    stored = house.store.rows["tasks"]
    if kind < 0.1 and stored:
        batch = house.store.remove(chance.choice(sorted(stored)))
    elif kind < 0.2:
        return await house.pass_time(0.5)
    else:
        rows = (chance.randrange(60) for _ in range(chance.randrange(1, 8)))
        states = ("running", "completed", "queued")
        batch = house.store.commit(
            *(
                task(f"t{i:02}", i % 17, status=chance.choice(states), retries=chance.randrange(2))
                for i in dict.fromkeys(rows)
            )
        )
    if chance.random() < 0.8:
        await house.publish(batch)
    return None
