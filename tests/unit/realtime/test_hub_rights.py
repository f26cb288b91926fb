"""Who may connect, and what they may see."""

import pytest

from realtime.core import query
from realtime.core.frames import Refused
from realtime.hub import Limits
from realtime.ports import NOBODY, Rights
from tests.unit.realtime.live import ALL, open_house, task

BOB = Rights(user="bob", can=ALL.can)
BLIND = Rights(user="bob", can=ALL.can, hidden=frozenset({"args", "exception"}))


async def test_a_stranger_is_told_so_and_answered_nothing() -> None:
    async with open_house() as house:
        browser = await house.visit("nobody")
        browser.say(op="open", view=1, of="tasks")
        browser.say(op="dance")
        await house.pass_time(4)

        [hello] = browser.frames
        assert (hello["op"], hello["user"], hello["can"]) == ("hello", None, [])


async def test_a_stranger_has_five_seconds() -> None:
    async with open_house() as house:
        browser = await house.visit("nobody")
        await house.pass_time(5.5)

        assert browser.socket.close_code == 4503
        assert browser.frames[-1]["code"] == "not_signed_in"
        assert browser.frames[-1]["retry"] is False


async def test_someone_without_view_task_is_refused_for_good() -> None:
    async with open_house(bob=Rights(user="bob", can=frozenset({"view_worker"}))) as house:
        with pytest.raises(Refused) as refused:
            await house.visit("bob")

        assert refused.value.close_code == 4504
        assert refused.value.fields["code"] == "no_right"


async def test_workers_need_a_permission_of_their_own() -> None:
    async with open_house(bob=Rights(user="bob", can=frozenset({"view_task"}))) as house:
        browser = await house.watch(of="workers", user="bob")

        assert browser.of("error")[0]["code"] == "not_allowed"


async def test_hidden_fields_are_in_no_frame() -> None:
    async with open_house(bob=BLIND, ann=ALL) as house:
        house.store.commit(task("t1", args=["secret"]))
        bob, ann = await house.watch(user="bob"), await house.watch(user="ann")
        await house.publish(house.store.commit(task("t1", args=["secret"], exception="secret")))

        assert "secret" not in str(bob.frames)
        assert str(ann.frames).count("secret") == 3


async def test_a_query_on_a_hidden_field_is_not_allowed() -> None:
    async with open_house(bob=BLIND) as house:
        browser = await house.watch(user="bob", query="name:x arg:secret")

        [error] = browser.of("error")
        assert (error["code"], error["at"], error["view"]) == ("not_allowed", 7, 1)


async def test_rows_beyond_the_viewers_access_are_in_no_view() -> None:
    own = Rights(user="bob", can=ALL.can, rows=query.parse("owner:bob"))
    async with open_house(bob=own) as house:
        house.store.commit(task("secret"), task("mine", 1, owner="bob"))
        browser = await house.visit("bob")
        for view, fields in enumerate(
            [{"of": "tasks"}, {"of": "task", "id": "secret"}, {"of": "tasks", "ids": ["secret"]}]
        ):
            browser.say(op="open", view=view, **fields)
        await house.settle()
        await house.publish(house.store.commit(task("secret", retries=1)))

        assert "secret" not in str(browser.frames)
        assert browser.ids(0) == ["mine"]
        assert browser.counts[0]["all"] == [1, False]


async def test_changed_rights_give_the_viewers_views_a_snapshot() -> None:
    async with open_house(ann=ALL, bob=BOB) as house:
        house.store.commit(task("t1", args=["secret"]))
        browser = await house.watch(user="bob")
        house.guests.rights_of["bob"] = BLIND
        house.hub.announce_rights("bob")
        await house.settle()

        before, after = browser.of("snapshot")
        assert "args" in before["rows"][0]
        assert "args" not in after["rows"][0]


async def test_a_view_whose_query_is_no_longer_allowed_is_closed() -> None:
    async with open_house(bob=BOB) as house:
        browser = await house.watch(user="bob", query="arg:1")
        house.guests.rights_of["bob"] = BLIND
        house.hub.announce_rights("bob")
        await house.settle()

        assert browser.of("error")[0]["code"] == "not_allowed"
        assert not browser.socket.is_over


async def test_rights_are_read_again_every_30_seconds_once_for_all_pages_of_a_session() -> None:
    async with open_house() as house:
        for _ in range(3):
            await house.visit()
        house.guests.asked = 0
        await house.pass_time(31)

        assert house.guests.asked == 1


async def test_someone_who_signed_out_is_closed_at_once() -> None:
    async with open_house(ann=ALL, bob=BOB) as house:
        bob, ann = await house.visit("bob"), await house.visit("ann")
        house.guests.rights_of["bob"] = NOBODY
        house.hub.announce_rights("bob")
        await house.settle()

        assert bob.socket.close_code == 4504
        assert bob.frames[-1]["code"] == "no_right"
        assert not ann.socket.is_over


async def test_rights_that_cannot_be_read_are_kept_for_five_minutes() -> None:
    async with open_house() as house:
        browser = await house.visit()
        house.guests.rights = None  # type: ignore[method-assign, assignment]
        await house.pass_time(290)
        assert not browser.socket.is_over

        await house.pass_time(60)
        assert browser.socket.close_code == 4504


async def test_sockets_of_a_user_are_bounded() -> None:
    async with open_house(limits=Limits(sockets_per_user=2), ann=ALL, bob=BOB) as house:
        first = await house.visit()
        await house.visit()
        with pytest.raises(Refused) as refused:
            await house.visit()
        assert (refused.value.close_code, refused.value.fields["code"]) == (
            4405,
            "too_many_sockets",
        )

        await house.visit("bob")
        house.hub.leave(first.socket)
        await house.visit()


async def test_sockets_of_an_address_are_bounded_strangers_included() -> None:
    async with open_house(limits=Limits(sockets_per_address=2)) as house:
        await house.visit("nobody")
        await house.visit()
        with pytest.raises(Refused) as refused:
            await house.visit()
        assert refused.value.close_code == 4405
        await house.visit(address="2.2.2.2")


async def test_a_store_that_is_down_at_the_start_asks_to_come_back() -> None:
    async with open_house() as house:
        house.store.is_down = True
        with pytest.raises(Refused) as refused:
            await house.visit()
        assert (refused.value.close_code, refused.value.fields["retry"]) == (4413, True)

        house.store.is_down = False
        assert (await house.visit()).of("hello")
