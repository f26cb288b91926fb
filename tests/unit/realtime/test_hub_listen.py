"""Programs in the hub's process are told what it learns, and that it missed something."""

from typing import Any

from tests.unit.realtime.live import open_house, task


async def test_a_listener_is_told_each_change_once_until_it_stops() -> None:
    async with open_house() as house:
        await house.hub.started()
        heard: list[Any] = []
        stop = house.hub.listen(heard.append)
        await house.publish(house.store.commit(task("a")))
        assert [change.key for news in heard for change in news.changes["tasks"]] == ["a"]
        stop()
        stop()
        await house.publish(house.store.commit(task("b")))
        assert len(heard) == 1


async def test_after_a_gap_a_listener_is_told_to_look_for_itself() -> None:
    async with open_house() as house:
        await house.hub.started()
        heard: list[Any] = []
        house.hub.listen(heard.append)
        house.store.commit(task("lost"))
        await house.publish(house.store.commit(task("b")))
        await house.pass_time(0.5)
        assert heard == [None]


async def test_a_sign_of_life_is_no_news() -> None:
    async with open_house() as house:
        await house.hub.started()
        heard: list[Any] = []
        house.hub.listen(heard.append)
        await house.publish(house.store.beat())
        assert heard == []
