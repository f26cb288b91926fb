"""Readers that are slow, silent or rude."""

import pytest

from tests.unit.realtime.live import open_house, task


async def test_no_more_than_16_frames_are_unacknowledged() -> None:
    async with open_house() as house:
        browser = await house.watch()
        browser.is_acking = False
        before = len(browser.frames)
        for i in range(40):
            await house.publish(house.store.commit(task("t1", retries=i)))
        assert len(browser.frames) - before == 16

        browser.ack()
        await house.settle()
        [last] = browser.frames[before + 16 :]
        assert last["upsert"][0]["retries"] == 39


async def test_no_more_than_64_kilobytes_are_unacknowledged() -> None:
    async with open_house() as house:
        house.store.commit(*(task(f"t{i:03}", i, args=["x" * 900]) for i in range(200)))
        browser = await house.visit()
        browser.is_acking = False
        browser.say(op="open", view=1, of="tasks", limit=200)
        await house.settle()
        sent = len(browser.of("snapshot"))
        assert 3 <= sent <= 4

        browser.is_acking = True
        browser.ack()
        await house.settle()
        assert len(browser.ids()) == 200
        assert len(browser.of("snapshot")) == browser.of("snapshot")[0]["of"]


async def test_a_slow_reader_is_sent_the_true_state_and_nothing_that_passed() -> None:
    async with open_house() as house:
        house.store.commit(task("old"))
        browser = await house.watch(limit=3)
        browser.is_acking = False
        for i in range(60):
            await house.publish(house.store.commit(task(f"t{i:02}", i + 1)))
        seen = len(browser.frames)
        browser.is_acking = True
        browser.ack()
        await house.settle()

        assert browser.ids() == ["t59", "t58", "t57"]
        [merged] = browser.frames[seen:]
        assert {row["id"] for row in merged["upsert"]} == {"t59", "t58", "t57"}


async def test_a_row_larger_than_any_credit_is_sent_where_nothing_is_due() -> None:
    async with open_house() as house:
        house.store.commit(task("t1", traceback="x" * 100_000))
        browser = await house.watch(of="task", id="t1")

        assert len(str(browser.rows[1]["t1"]["traceback"])) == 100_000


async def test_a_patch_larger_than_a_frame_tells_its_revision_last() -> None:
    async with open_house() as house:
        browser = await house.watch()
        await house.publish(
            house.store.commit(*(task(f"t{i:02}", i, args=["x" * 900]) for i in range(40)))
        )

        patches = browser.of("patch")
        assert len(patches) > 2
        assert [patch["revision"] for patch in patches] == [0] * (len(patches) - 1) + [40]
        assert len(browser.ids()) == 40


async def test_a_batch_larger_than_the_credit_is_sent_as_far_as_it_goes_and_ends_true() -> None:
    async with open_house() as house:
        browser = await house.watch()
        browser.is_acking = False
        many = [task(f"t{i:02}", i, args=["x" * 900]) for i in range(90)]
        await house.publish(house.store.commit(*many))
        seen = browser.of("patch")
        assert 3 <= len(seen) <= 4
        assert {patch["revision"] for patch in seen} == {0}

        await house.publish(house.store.commit(task("t01", 1, status="completed"), many[89]))
        browser.is_acking = True
        browser.ack()
        await house.settle()
        assert len(browser.ids()) == 90
        assert browser.rows[1]["t01"]["status"] == "completed"
        assert browser.cursors[1] == 92
        told = [row["id"] for patch in browser.of("patch") for row in patch["upsert"]]
        assert len(told) <= 90 + 2


async def test_a_silent_reader_with_much_due_is_closed_after_30_seconds() -> None:
    async with open_house() as house:
        house.store.commit(*(task(f"t{i:03}", i, args=["x" * 900]) for i in range(100)))
        browser = await house.visit()
        browser.is_acking = False
        browser.say(op="open", view=1, of="tasks")
        await house.pass_time(29)
        assert not browser.socket.is_over

        await house.pass_time(2)
        assert browser.socket.close_code == 4408
        assert browser.frames[-1]["code"] == "too_slow"
        assert browser.frames[-1]["retry"] is True


async def test_a_silent_reader_with_little_due_stays() -> None:
    async with open_house() as house:
        browser = await house.watch()
        browser.is_acking = False
        await house.pass_time(120)

        assert not browser.socket.is_over


async def test_an_acknowledgement_of_what_was_never_sent_is_a_fault() -> None:
    async with open_house() as house:
        browser = await house.visit()
        browser.say(op="ack", frame=99)
        await house.settle()

        assert browser.of("error")[0]["code"] == "bad_frame"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x00", "bad_frame"),
        (None, "bad_frame"),
        ("{", "bad_frame"),
        ("[]", "bad_frame"),
        ('{"op":"dance"}', "bad_frame"),
        ('{"op":"token","key":"a1","token":"x"}', "not_configured"),
        ('{"op":"token","key":"","token":"x"}', "bad_token"),
        ('{"op":"subjects","view":1,"add":[],"remove":[]}', "bad_frame"),
        ('"' + "x" * 16_384 + '"', "frame_too_large"),
        ('"' + "ü" * 9_000 + '"', "frame_too_large"),
    ],
)
async def test_a_frame_that_cannot_be_taken_is_answered(data: str | bytes, code: str) -> None:
    async with open_house() as house:
        browser = await house.visit()
        browser.socket.receive(data)
        await house.settle()

        assert [error["code"] for error in browser.of("error")] == [code]
        assert not browser.socket.is_over


async def test_a_peer_that_sends_only_nonsense_is_closed() -> None:
    async with open_house() as house:
        browser = await house.visit()
        for _ in range(30):
            browser.socket.receive("nonsense")
        await house.settle()

        assert browser.socket.close_code == 4400
        assert browser.frames[-1]["code"] == "bad_peer"


async def test_a_peer_that_provokes_answers_and_reads_none_is_closed() -> None:
    async with open_house() as house:
        browser = await house.visit()
        browser.is_acking = False
        for _ in range(100):
            browser.say(op="open", view=1, of="queues")
        await house.settle()

        assert browser.socket.close_code == 4408
        assert len(browser.frames) < 100
