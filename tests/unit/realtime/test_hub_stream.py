"""Where a hub stands: lost batches, silence, another store, and what browsers are told of it."""

import asyncio
from typing import Any

import pytest
from channels.layers import InMemoryChannelLayer

from realtime.core import channels
from realtime.hub import Hub, Hubs
from realtime.ports import NOBODY
from tests.unit.realtime.live import House, open_house, task, until


async def test_a_batch_that_was_lost_is_read_from_the_store() -> None:
    async with open_house() as house:
        browser = await house.watch()
        house.store.commit(task("lost"))
        await house.publish(house.store.commit(task("t2", 1)))

        assert browser.ids() == ["t2", "lost"]
        assert house.hub.counters["gaps"] == 1
        assert browser.cursors[1] == 2


async def test_a_lost_last_batch_is_noticed_by_the_next_beat() -> None:
    async with open_house() as house:
        browser = await house.watch()
        house.store.commit(task("lost"))
        await house.publish(house.store.beat())

        assert browser.ids() == ["lost"]


async def test_a_lost_last_batch_is_noticed_within_three_seconds_of_silence() -> None:
    async with open_house() as house:
        browser = await house.watch()
        house.store.commit(task("lost"))
        await house.pass_time(2.0, is_beating=False)
        assert browser.ids() == []

        await house.pass_time(0.75, is_beating=False)
        assert browser.ids() == ["lost"]


async def test_a_deletion_that_was_lost_is_noticed() -> None:
    async with open_house() as house:
        house.store.commit(task("t1"), task("t2", 1))
        browser = await house.watch()
        house.store.remove("t1")
        await house.publish(house.store.commit(task("t3", 2)))
        await house.pass_time(0.5)

        assert browser.ids() == ["t3", "t2"]


async def test_more_than_can_be_read_row_by_row_is_read_view_by_view() -> None:
    async with open_house() as house:
        browser = await house.watch()
        house.store.commit(task("lost"))
        house.store.changes = lambda *args: None  # type: ignore[method-assign, assignment]
        await house.publish(house.store.commit(task("t2", 1)))
        await house.pass_time(0.5)

        assert browser.ids() == ["t2", "lost"]


async def test_a_batch_that_comes_twice_or_late_changes_nothing() -> None:
    async with open_house() as house:
        browser = await house.watch()
        first = house.store.commit(task("t1"))
        second = house.store.commit(task("t1", status="completed"))
        for batch in (second, first, second, first):
            await house.publish(batch)

        assert browser.rows[1]["t1"]["status"] == "completed"
        assert len(browser.of("patch")) == 1


async def test_batches_that_come_during_a_read_of_the_store_are_taken_after_it() -> None:
    async with open_house() as house:
        browser = await house.watch()
        house.store.commit(task("lost"))
        house.pool.gate.clear()
        await house.publish(house.store.commit(task("t2", 1)))
        await house.publish(house.store.commit(task("t3", 2)))
        assert browser.ids() == []

        house.pool.gate.set()
        await house.settle()
        assert browser.ids() == ["t3", "t2", "lost"]


async def test_a_read_of_the_store_that_is_ahead_never_shows_older_states_afterwards() -> None:
    async with open_house() as house:
        browser = await house.watch()
        house.store.commit(task("lost"))
        trigger = house.store.commit(task("t2", 1))
        changes, later = house.store.changes, []

        def slow_changes(*args):  # type: ignore[no-untyped-def]
            if not later:
                later.extend(house.store.commit(task("t3", 2, retries=i)) for i in range(3))
            return changes(*args)

        house.store.changes = slow_changes  # type: ignore[method-assign]
        await house.publish(trigger)
        for batch in later:
            await house.publish(batch)

        told = [row for patch in browser.of("patch") for row in patch["upsert"]]
        retries = [row["retries"] for row in told if row["id"] == "t3"]
        assert retries == sorted(retries)
        assert retries[-1] == 2


async def test_a_store_that_fails_is_asked_again_but_not_at_once() -> None:
    async with open_house() as house:
        browser = await house.watch()
        house.store.commit(task("lost"))
        house.store.is_down = True
        for _ in range(20):
            await house.publish(house.store.beat())
        assert house.hub.counters["catch_ups_failed"] <= 2

        house.store.is_down = False
        await house.pass_time(20)
        assert browser.ids() == ["lost"]


async def test_another_epoch_sends_every_browser_away_to_begin_anew() -> None:
    async with open_house() as house:
        browser = await house.watch()
        house.store.epoch = "e2"
        await house.publish(house.store.commit(task("t1")))

        assert browser.frames[-1]["op"] == "bye"
        assert browser.socket.close_code == 4412
        again = await house.watch()
        assert again.of("hello")[0]["epoch"] == "e2"
        assert again.ids() == ["t1"]


async def test_another_epoch_in_a_store_that_fails_is_begun_with_once_it_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with open_house() as house:
        await house.watch()
        house.store.epoch = "e2"
        house.store.commit(task("t1"))
        with monkeypatch.context() as patched:
            patched.setattr(house.store, "changes", None)
            await house.hub.catch_up()
        assert house.hub.counters["catch_ups_failed"] == 1
        await house.pass_time(40)
        assert (await house.watch()).ids() == ["t1"]


async def test_a_store_that_was_set_back_sends_every_browser_away() -> None:
    async with open_house() as house:
        house.store.commit(task("t1"), task("t2", 1))
        browser = await house.watch()
        house.store.revision = 1
        await house.publish(house.store.beat())

        assert browser.frames[-1]["op"] == "bye"


async def test_the_stream_is_told_at_most_once_a_second_and_on_change() -> None:
    async with open_house() as house:
        browser = await house.visit()
        await house.pass_time(5)
        told = len(browser.of("stream"))
        for lag_ms in range(0, 600, 100):
            batch = house.store.beat()
            await house.publish(batch._replace(stream={**batch.stream, "lag_ms": lag_ms}))

        assert told <= 2
        assert len(browser.of("stream")) - told == 1


async def test_a_socket_is_never_silent_for_long() -> None:
    async with open_house() as house:
        browser = await house.visit()
        await house.pass_time(31)

        assert 4 <= len(browser.of("stream")) <= 6


async def test_no_sign_of_life_is_told_as_blind_and_life_as_life() -> None:
    async with open_house() as house:
        browser = await house.visit()
        await house.pass_time(3)
        await house.pass_time(7, is_beating=False)
        assert browser.of("stream")[-1]["state"] == "blind"

        await house.pass_time(2)
        assert browser.of("stream")[-1]["state"] == "live"


async def test_goodbye_is_spread_over_the_drain_time() -> None:
    async with open_house() as house:
        browsers = [await house.visit() for _ in range(10)]
        await house.hub.stop()
        await house.settle()

        waits = {browser.frames[-1]["reconnect_in_ms"] for browser in browsers}
        assert len(waits) > 5
        assert all(0 <= wait <= 5000 for wait in waits)
        assert {browser.socket.close_code for browser in browsers} == {4412}


def _message(batch: Any) -> dict[str, Any]:
    return {"type": channels.BATCH, **batch._asdict()}


async def _joined(house: House) -> None:
    await until(lambda: house.hub.counters["joins"] > 0)


async def test_batches_and_changed_rights_come_over_the_channel_layer() -> None:
    layer = InMemoryChannelLayer()
    async with open_house(layer=layer) as house:
        browser = await house.watch()
        await _joined(house)
        await layer.group_send(channels.GROUP, _message(house.store.commit(task("t1"))))
        await until(lambda: house.hub.counters["batches"] > 0)
        await house.settle()
        assert browser.ids() == ["t1"]

        house.guests.rights_of["ann"] = NOBODY
        await layer.group_send(channels.GROUP, {"type": channels.RIGHTS, "user": "ann"})
        await until(lambda: browser.socket.is_over)


async def test_a_message_that_is_no_batch_is_counted() -> None:
    layer = InMemoryChannelLayer()
    async with open_house(layer=layer) as house:
        await house.visit()
        await _joined(house)
        await layer.group_send(channels.GROUP, {"type": channels.BATCH, "epoch": 1})
        await until(lambda: house.hub.counters["malformed"] == 1)


class BrokenLayer(InMemoryChannelLayer):
    is_broken = True

    async def new_channel(self, prefix: str = "specific") -> str:
        if self.is_broken:
            raise ConnectionError("down")
        channel: str = await super().new_channel(prefix)
        return channel


async def test_a_layer_that_is_down_refuses_nobody_and_is_joined_when_it_is_back() -> None:
    layer = BrokenLayer()
    async with open_house(layer=layer) as house:
        browser = await house.watch()
        house.store.commit(task("t1"))
        await house.pass_time(1.5, is_beating=False)
        assert browser.ids() == ["t1"]

        layer.is_broken = False
        await _joined(house)


async def test_a_hub_that_hears_nothing_while_the_stream_lives_joins_again() -> None:
    layer = InMemoryChannelLayer()
    async with open_house(layer=layer) as house:
        await house.visit()
        await _joined(house)
        for _ in range(12):
            house.store.beat()
            await house.pass_time(1, is_beating=False)
        await until(lambda: house.hub.counters["joins"] == 2)
        assert house.hub.counters["rejoins"] == 1


async def test_submitting_to_a_loop_that_is_closed_is_counted() -> None:
    made: list[House] = []

    async def make() -> None:
        made.append(House())

    await asyncio.to_thread(asyncio.run, make())
    made[0].hub.submit(made[0].store.beat())

    assert made[0].hub.counters["loop_closed"] == 1


async def test_a_stream_that_begins_after_its_hub_is_adopted() -> None:
    async with open_house() as house:
        house.store.epoch = ""
        browser = await house.watch()
        house.store.epoch = "e1"
        await house.publish(house.store.commit(task("t1")))

        assert browser.ids() == ["t1"]
        assert (await house.visit()).of("hello")[0]["epoch"] == "e1"


async def test_each_loop_has_a_hub_of_its_own_until_it_is_closed() -> None:
    house = House()
    hubs = Hubs(house.new_hub)
    ours = hubs.current()

    async def current() -> Hub:
        return hubs.current()

    theirs = await asyncio.to_thread(asyncio.run, current())
    assert theirs is not ours
    assert hubs.current() is ours
    hubs.submit(house.store.beat())
    assert theirs.counters["loop_closed"] == 0
    await ours.stop()


async def test_a_hub_that_was_stopped_is_replaced_by_a_new_one() -> None:
    house = House()
    hubs = Hubs(house.new_hub)
    first = hubs.current()
    assert hubs.current() is first

    await first.stop()
    second = hubs.current()
    assert second is not first
    await second.stop()
