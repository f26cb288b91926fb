"""Tokens on the socket: who is let in by them, and what becomes of them."""

import pytest

from realtime.embedding import Grant
from realtime.ports import Rights
from realtime.testing_public import MemoryTokens
from tests.unit.realtime.live import ALL, BEGIN, open_house, task
from tests.unit.realtime.waiting import errors, grant, open_lobby

VISITOR = Rights(user="cid", can=frozenset())


async def test_a_holder_is_told_what_the_token_opens_and_nothing_of_the_program() -> None:
    async with open_lobby() as lobby:
        page = await lobby.visit("task:t1", "task:t2", "group:g")
        [hello] = page.of("hello")
        assert hello["user"] is None
        assert not {"version", "assets"} & set(hello)
        [answer] = page.of("token")
        assert (answer["key"], answer["subjects"]) == ("k", 3)
        assert answer["expires_at"] == BEGIN + 900
        assert set(page.of("stream")[0]) == {"op", "frame", "state"}


async def test_a_holder_hears_at_least_every_ten_seconds_and_stays() -> None:
    async with open_lobby() as lobby:
        page = await lobby.visit("task:t1")
        before = len(page.of("stream"))
        await lobby.house.pass_time(60)
        assert 5 <= len(page.of("stream")) - before <= 7
        assert not page.socket.is_over


async def test_a_visitor_who_has_a_session_without_rights_is_let_in_by_a_token() -> None:
    async with open_lobby(cid=VISITOR) as lobby:
        page = await lobby.visit("task:t1", user="cid")
        assert "task:t1" in page.rows[1]
        assert page.of("hello")[0]["user"] is None


async def test_an_operator_may_hold_tokens_too_and_keeps_the_rest() -> None:
    async with open_lobby(ann=ALL) as lobby:
        lobby.put("t1")
        page = await lobby.visit("task:t1", user="ann")
        page.say(op="open", view=2, of="tasks")
        page.say(op="token", key="bad", token="nonsense")
        await lobby.house.pass_time(10)
        assert "task:t1" in page.rows[1]
        assert page.ids(2) == ["t1"]
        assert errors(page) == [("bad", "bad_token")]
        assert not page.socket.is_over


async def test_changed_rights_leave_the_view_of_progress_as_it_is() -> None:
    async with open_lobby(ann=ALL) as lobby:
        lobby.put("t1")
        page = await lobby.visit("task:t1", user="ann")
        lobby.house.guests.rights_of["ann"] = Rights(user="ann", can=frozenset({"view_task"}))
        lobby.house.hub.announce_rights("ann")
        await lobby.house.settle()
        await lobby.publish(task("t1", status="completed", conclusion="failed"))
        assert page.rows[1]["task:t1"]["conclusion"] == "failed"


@pytest.mark.parametrize(
    ("code", "close_code"),
    [
        ("bad_token", 4505),
        ("wrong_audience", 4505),
        ("too_long_lived", 4505),
        ("token_expired", 4414),
    ],
)
async def test_a_stranger_whose_token_is_refused_is_told_why_and_closed(
    code: str, close_code: int
) -> None:
    async with open_lobby() as lobby:
        lobby.tokens.refused["x"] = code
        page = await lobby.house.visit("nobody")
        page.say(op="token", key="a1", token="x")
        await lobby.house.settle()
        [error] = page.of("error")
        assert (error["key"], error["code"]) == ("a1", code)
        assert error["retry"] is (code == "token_expired")
        assert lobby.counters[f"refused_{code}"] == 1
        await lobby.house.pass_time(6)
        assert page.socket.close_code == close_code


async def test_operators_are_told_the_reason_of_each_refusal_and_nothing_of_the_token() -> None:
    async with open_lobby() as lobby:
        told: list[str] = []
        lobby.house.hub.embeds.tell_refusals(told.append)
        lobby.tokens.refused["secret"] = "bad_token"
        page = await lobby.visit("task:t1", expires_at=BEGIN + 30)
        page.say(op="subjects", view=1, add=["task:other"])
        page.say(op="token", key="b", token="secret")
        await lobby.house.settle()
        await lobby.house.pass_time(31)
        assert told == ["not_allowed", "bad_token", "token_ran_out"]


async def test_a_good_token_beside_a_bad_one_keeps_the_connection() -> None:
    async with open_lobby() as lobby:
        page = await lobby.house.visit("nobody")
        page.say(op="token", key="bad", token="x")
        lobby.tokens.give("good", "task:t1", grant=grant())
        page.say(op="token", key="good", token="good")
        await lobby.house.pass_time(10)
        assert not page.socket.is_over


async def test_a_server_without_a_key_shows_nothing() -> None:
    async with open_house() as house:
        page = await house.visit("nobody")
        page.say(op="token", key="a1", token="x")
        await house.pass_time(2)
        assert errors(page) == [("a1", "not_configured")]
        assert page.socket.close_code == 4505


async def test_tokens_count_for_nothing_on_a_foreign_page() -> None:
    async with open_lobby() as lobby:
        lobby.tokens.give("t", "task:t1", grant=grant())
        page = await lobby.house.visit("nobody", takes_tokens=False)
        page.say(op="token", key="a1", token="t")
        await lobby.house.settle()
        assert page.of("error")[0]["code"] == "origin_not_allowed"
        assert page.socket.close_code == 4503


async def test_a_token_that_expires_takes_its_own_subjects_along() -> None:
    async with open_lobby() as lobby:
        lobby.put("t1")
        lobby.put("t2")
        page = await lobby.visit("task:t1", expires_at=BEGIN + 5)
        lobby.tokens.give("other", "task:t2", grant=grant())
        page.say(op="token", key="other", token="other")
        page.say(op="subjects", view=1, add=["task:t2"])
        await lobby.house.pass_time(6)
        assert errors(page) == [("k", "token_expired")]
        assert page.of("patch")[-1]["remove"] == ["task:t1"]
        assert set(page.rows[1]) == {"task:t2"}
        await lobby.publish(task("t1", label="unseen"))
        assert "unseen" not in str(page.frames)

        lobby.tokens.give("fresh", "task:t1", grant=grant())
        page.say(op="token", key="k", token="fresh")
        await lobby.house.settle()
        assert set(page.rows[1]) == {"task:t1", "task:t2"}


async def test_a_token_that_is_renewed_in_time_leaves_no_gap() -> None:
    async with open_lobby() as lobby:
        lobby.put("t1")
        page = await lobby.visit("task:t1", expires_at=BEGIN + 5)
        lobby.tokens.give("fresh", "task:t1", grant=grant())
        page.say(op="token", key="k", token="fresh")
        await lobby.house.pass_time(10)
        assert errors(page) == []
        assert all(patch["remove"] == [] for patch in page.of("patch"))
        assert set(page.rows[1]) == {"task:t1"}


async def test_a_subject_that_another_token_covers_stays() -> None:
    async with open_lobby() as lobby:
        lobby.put("t1")
        page = await lobby.visit("task:t1", expires_at=BEGIN + 5)
        lobby.tokens.give("two", "task:t1", grant=grant(label="Two"))
        page.say(op="token", key="two", token="two")
        await lobby.house.pass_time(6)
        assert set(page.rows[1]) == {"task:t1"}
        assert page.rows[1]["task:t1"]["label"] == "Two"


async def test_who_has_no_valid_token_left_is_sent_away_to_come_back() -> None:
    async with open_lobby() as lobby:
        page = await lobby.visit("task:t1", expires_at=BEGIN + 5)
        await lobby.house.pass_time(70)
        assert page.socket.close_code == 4414
        assert lobby.counters["dismissed_without_token"] == 1


async def test_a_page_with_five_hundred_tokens_is_answered_all_of_them() -> None:
    async with open_lobby() as lobby:
        page = await lobby.house.visit("nobody")
        for number in range(501):
            lobby.tokens.give(str(number), f"task:{number}", grant=grant(expires_at=BEGIN + 9))
            page.say(op="token", key=str(number), token=str(number))
        await lobby.house.settle()
        assert len(page.of("token")) == 500
        assert errors(page) == [("500", "too_many_tokens")]
        await lobby.house.pass_time(10)
        assert [code for _, code in errors(page)].count("token_expired") == 500
        assert not page.socket.is_over


async def test_tokens_that_come_too_fast_are_refused_for_now() -> None:
    async with open_lobby() as lobby:
        page = await lobby.visit("task:t1")
        for _ in range(1_001):
            page.say(op="token", key="k", token="token-0")
        await lobby.house.settle()
        assert errors(page)[-1] == ("k", "too_fast")
        assert lobby.counters["refused_too_fast"] >= 1
        assert not page.socket.is_over


async def test_a_verifier_that_breaks_refuses_the_token() -> None:
    class Broken(MemoryTokens):
        def verify(self, token: str, now: float) -> Grant:
            raise RuntimeError("SECRET")

    async with open_house(tokens=Broken()) as house:
        page = await house.visit("nobody")
        page.say(op="token", key="a1", token="x")
        await house.settle()
        assert errors(page) == [("a1", "bad_token")]
        assert "SECRET" not in str(page.frames)


async def test_a_stranger_who_sends_what_is_no_token_is_told_so_and_in_the_end_closed() -> None:
    async with open_lobby() as lobby:
        page = await lobby.house.visit("nobody")
        for _ in range(22):
            page.say(op="token", key="", token="x")
        await lobby.house.settle()
        assert page.of("error")[0]["code"] == "bad_token"
        assert page.socket.close_code == 4400


async def test_nothing_is_kept_of_a_page_that_went() -> None:
    async with open_lobby() as lobby:
        page = await lobby.visit("task:t1", "group:g")
        waiting = await lobby.visit(owner="7")
        waiting.say(op="subjects", view=1, add=["task:x"])
        await lobby.house.settle()
        for browser in (page, waiting):
            browser.socket.end()
            lobby.house.hub.leave(browser.socket)
        embeds = lobby.house.hub.embeds
        assert (len(embeds._reading), embeds._holders, embeds._awaiting) == (0, {}, {})


async def test_a_socket_without_a_websocket_is_served_like_any_other() -> None:
    async with open_lobby() as lobby:
        lobby.put("t1")
        lobby.tokens.give("t", "task:t1", grant=grant())
        socket = await lobby.house.hub.admit_tokens("1.1.1.1")
        socket.receive('{"op":"token","key":"k","token":"t"}')
        socket.receive('{"op":"open","view":1,"of":"progress"}')
        socket.receive('{"op":"subjects","view":1,"add":["task:t1"]}')
        await lobby.house.settle()
        assert '"subject":"task:t1"' in "".join(await socket.taken())
        assert lobby.house.guests.asked == 0
        socket.end()
        lobby.house.hub.leave(socket)
