"""The view of progress: who watches what, and that it costs once what many watch."""

import json
from typing import Any

from realtime.embedding import Expected, Usual
from realtime.hub import Limits
from tests.unit.realtime.live import BEGIN, Browser, task
from tests.unit.realtime.waiting import errors, grant, open_lobby

MANY = 2_000


def shown(browser: Browser, subject: str) -> Any:
    return browser.rows[1][subject]


async def test_a_page_sees_its_task_and_every_change_of_it() -> None:
    async with open_lobby() as lobby:
        lobby.put("t1", status="queued")
        page = await lobby.visit("task:t1")
        assert shown(page, "task:t1")["status"] == "queued"
        assert [f["op"] for f in page.frames if f.get("view")] == ["snapshot"]

        progress = {"current": 3, "total": 10, "percent": 30.0, "message": "row 3"}
        await lobby.publish(task("t1", progress=progress))
        assert shown(page, "task:t1")["progress"]["message"] == "row 3"
        assert len(page.of("patch")) == 1
        assert page.cursors[1] == lobby.house.store.revision


async def test_a_group_is_followed_by_its_own_rows() -> None:
    async with open_lobby() as lobby:
        page = await lobby.visit("group:g1")
        assert shown(page, "group:g1")["note"] == "handed_over"
        row = {"id": "g1", "first_seen_at": BEGIN, "status": "running", "total": 4}
        await lobby.publish(row | {"succeeded": 1, "running": 3, "percent": 25.0}, of="groups")

        found = shown(page, "group:g1")
        assert (found["progress"]["current"], found["progress"]["percent"]) == (1, 25.0)


async def test_an_open_page_is_told_when_nothing_was_heard_of_a_group_for_ten_minutes() -> None:
    async with open_lobby() as lobby:
        pages = [await lobby.visit("group:g1") for _ in range(3)]
        assert shown(pages[0], "group:g1")["note"] == "handed_over"
        await lobby.house.pass_time(599)
        reads = lobby.public.reads.count("public")
        assert {shown(page, "group:g1")["note"] for page in pages} == {"handed_over"}
        await lobby.house.pass_time(1.5)
        for page in pages:
            found = shown(page, "group:g1")
            assert (found["status"], found["note"]) == ("unknown", "no_news")
        assert lobby.public.reads.count("public") == reads + 1
        await lobby.house.pass_time(60)
        assert lobby.public.reads.count("public") == reads + 1
        assert len(pages[0].of("patch")) == 1


async def test_a_group_of_which_only_its_size_is_stored_is_given_up_too() -> None:
    async with open_lobby() as lobby:
        row = {"id": "g1", "first_seen_at": BEGIN, "status": "queued", "total": 4, "parts": 0}
        await lobby.publish(row, of="groups")
        page = await lobby.visit("group:g1")
        await lobby.house.pass_time(599)
        assert shown(page, "group:g1")["note"] == "handed_over"
        await lobby.house.pass_time(1.5)
        assert shown(page, "group:g1")["note"] == "no_news"


async def test_what_the_store_knows_better_by_then_is_told_in_its_place() -> None:
    async with open_lobby() as lobby:
        page = await lobby.visit("group:g1")
        await lobby.house.pass_time(590)
        # Written while nothing of it was published to this process.
        row = {"id": "g1", "first_seen_at": BEGIN, "status": "running", "total": 4, "parts": 2}
        lobby.public.groups["g1"] = row | {"running": 2, "percent": 10.0, "revision": 9}
        await lobby.house.pass_time(11)
        assert [f["upsert"][0]["status"] for f in page.of("patch")] == ["running"]


async def test_what_is_heard_of_in_time_is_not_given_up() -> None:
    async with open_lobby() as lobby:
        page = await lobby.visit("group:g1", "task:t1")
        row = {"id": "g1", "first_seen_at": BEGIN, "status": "running", "total": 4, "parts": 1}
        await lobby.publish(row | {"running": 1, "percent": 1.0}, of="groups")
        reads = lobby.public.reads.count("public")
        await lobby.publish(task("t1", status="running"))
        await lobby.house.pass_time(700)
        assert shown(page, "group:g1")["status"] == "running"
        assert lobby.public.reads.count("public") == reads


async def test_a_thousand_groups_that_are_given_up_together_cost_two_reads() -> None:
    async with open_lobby() as lobby:
        names = [f"group:g{n}" for n in range(1000)]
        first = await lobby.visit(*names[:500])
        second = await lobby.visit(*names[500:])
        reads = lobby.public.reads.count("public")
        await lobby.house.pass_time(601)
        assert lobby.public.reads.count("public") - reads <= 4
        for page, some in ((first, names[:500]), (second, names[500:])):
            assert {shown(page, name)["note"] for name in some[:10]} == {"no_news"}


async def test_while_the_store_is_away_nothing_is_given_up_and_afterwards_it_is() -> None:
    async with open_lobby() as lobby:
        page = await lobby.visit("group:g1")
        lobby.public.is_available = False
        await lobby.house.pass_time(605)
        assert shown(page, "group:g1")["note"] in ("handed_over", "blind")
        lobby.public.is_available = True
        await lobby.house.pass_time(5)
        assert shown(page, "group:g1")["note"] == "no_news"


async def test_what_a_token_names_counts_as_handed_over_once() -> None:
    async with open_lobby() as lobby:
        page = await lobby.visit("task:t1")
        assert shown(page, "task:t1")["note"] == "handed_over"
        assert lobby.public.expected == {"task:t1": Expected(BEGIN)}

        lobby.house.clock.now += 60
        await lobby.visit("task:t1", issued_at=BEGIN + 60, expires_at=BEGIN + 900)
        assert lobby.public.expected == {"task:t1": Expected(BEGIN)}
        assert lobby.counters["vouched"] == 1


async def test_two_thousand_sockets_on_one_task_cost_one_encoding_a_change() -> None:
    async with open_lobby(limits=Limits(sockets_per_address=MANY)) as lobby:
        lobby.put("t1")
        sockets = []
        lobby.tokens.give("t", "task:t1", grant=grant())
        for _ in range(MANY):
            socket = await lobby.house.hub.admit_tokens("1.1.1.1")
            for frame in _QUESTIONS:
                socket.receive(json.dumps(frame))
            sockets.append(socket)
        await lobby.house.settle()
        for socket in sockets:
            told = await socket.taken()
            socket.receive(json.dumps({"op": "ack", "frame": len(told)}))
        assert lobby.counters["progress_encoded"] == lobby.counters["public_reads"] == 1

        for number in range(5):
            lobby.house.hub.submit(lobby.house.store.commit(task("t1", number=number)))
            await lobby.house.settle()
        assert lobby.counters["progress_encoded"] == 1 + 5
        assert lobby.counters["progress_rows"] == 6 * MANY

        before = dict(lobby.counters)
        lobby.house.hub.embeds.tick()
        assert {k: v for k, v in lobby.counters.items() if before.get(k) != v} == {}


_QUESTIONS: list[dict[str, object]] = [
    {"op": "token", "key": "k", "token": "t"},
    {"op": "open", "view": 1, "of": "progress"},
    {"op": "subjects", "view": 1, "add": ["task:t1"]},
]


async def test_two_hundred_tasks_of_one_page_come_together() -> None:
    async with open_lobby() as lobby:
        ids = [f"t{number}" for number in range(200)]
        rows = [task(id_) for id_ in ids]
        await lobby.publish(*rows)
        page = await lobby.visit(*(f"task:{id_}" for id_ in ids))
        assert len(page.rows[1]) == 200
        assert lobby.counters["public_reads"] == 1

        before = len(page.of("patch"))
        await lobby.publish(*rows)
        patches = page.of("patch")[before:]
        assert sum(len(patch["upsert"]) for patch in patches) == 200
        assert all(len(json.dumps(patch)) < 20_000 for patch in patches)
        assert len(patches) <= 8
        assert lobby.counters["progress_encoded"] == 400


async def test_different_tokens_show_the_same_task_differently() -> None:
    async with open_lobby() as lobby:
        lobby.put("t1", status="completed", conclusion="succeeded", result="'x.png'")
        one = await lobby.visit("task:t1", label="Your picture", can=frozenset({"result"}))
        other = await lobby.visit("task:t1")
        assert shown(one, "task:t1")["result"] == "'x.png'"
        assert shown(one, "task:t1")["label"] == "Your picture"
        assert shown(other, "task:t1")["result"] is None
        assert "x.png" not in str(other.frames)


async def test_a_page_that_reads_slowly_gets_the_last_state_alone() -> None:
    async with open_lobby() as lobby:
        lobby.put("t1")
        page = await lobby.visit("task:t1")
        page.is_acking = False
        for number in range(40):
            await lobby.publish(task("t1", progress={"current": number}))
        assert shown(page, "task:t1")["progress"]["current"] < 39
        page.is_acking = True
        page.ack()
        await lobby.house.settle()
        assert shown(page, "task:t1")["progress"]["current"] == 39


async def test_nothing_planted_leaves_on_the_socket() -> None:
    async with open_lobby() as lobby:
        secret = "amqp://me:SECRET@broker"
        fields = dict.fromkeys(
            ("name", "queue", "worker", "args", "kwargs", "result", "exception", "traceback"),
            secret,
        )
        more = {"errors": [secret], "attempts": [secret], "reason": secret, "signature": secret}
        lobby.put("t1", **fields, **more, owner=secret)
        page = await lobby.visit("task:t1", can=frozenset({"result", "cancel", "retry"}))
        for status, conclusion in [("queued", None), ("completed", "failed")]:
            row = task("t1", **fields, **more) | {"status": status, "conclusion": conclusion}
            await lobby.publish(row)
        lobby.public.is_available = False
        page.say(op="subjects", view=1, add=["task:other", "group:g"])
        page.say(op="open", view=2, of="tasks")
        page.say(op="token", key="x", token=secret)
        await lobby.house.settle()

        assert shown(page, "task:t1")["conclusion"] == "failed"
        assert "SECRET" not in str(page.frames)


async def test_a_token_opens_no_other_view() -> None:
    async with open_lobby() as lobby:
        lobby.put("t1")
        page = await lobby.visit("task:t1")
        for of in ("tasks", "workers", "overview", "queues", "audit"):
            page.say(op="open", view=2, of=of)
        page.say(op="open", view=2, of="task", id="t1")
        await lobby.house.settle()
        assert {error["code"] for error in page.of("error")} == {"not_allowed"}
        assert 2 not in page.rows


async def test_what_no_token_covers_is_refused_and_the_view_stays() -> None:
    async with open_lobby() as lobby:
        lobby.put("mine")
        lobby.put("other")
        page = await lobby.visit("task:mine")
        page.say(op="subjects", view=1, add=["task:other", "group:mine", "task:absent"])
        await lobby.house.settle()
        refused = [("task:other", "not_allowed"), ("group:mine", "not_allowed")]
        assert errors(page) == [*refused, ("task:absent", "not_allowed")]
        await lobby.publish(task("mine"), task("other"))
        assert set(page.rows[1]) == {"task:mine"}


async def test_an_owners_token_opens_the_owners_tasks_and_tells_others_not_from_absent_ones() -> (
    None
):
    async with open_lobby() as lobby:
        lobby.put("mine", owner="7")
        lobby.put("other", owner="8")
        page = await lobby.visit(owner="7")
        asked = ["task:mine", "task:other", "task:absent", "task:late", "group:g"]
        page.say(op="subjects", view=1, add=asked)
        await lobby.house.settle()
        assert set(page.rows[1]) == {"task:mine"}
        assert errors(page) == [("group:g", "not_allowed")]

        await lobby.publish(task("late", owner="7"))
        assert set(page.rows[1]) == {"task:mine", "task:late"}
        await lobby.house.pass_time(11)
        late = [("task:other", "not_allowed"), ("task:absent", "not_allowed")]
        assert errors(page)[1:] == late
        assert len(lobby.house.hub.embeds._reading) == 2


async def test_an_owners_task_is_not_refused_because_the_store_was_away_for_a_while() -> None:
    async with open_lobby() as lobby:
        lobby.put("mine", owner="7")
        lobby.public.is_available = False
        page = await lobby.visit(owner="7")
        page.say(op="subjects", view=1, add=["task:mine", "task:absent"])
        await lobby.house.pass_time(20)
        assert errors(page) == []
        lobby.public.is_available = True
        await lobby.house.pass_time(4)
        assert set(page.rows[1]) == {"task:mine"}
        assert errors(page) == [("task:absent", "not_allowed")]


async def test_who_names_what_does_not_exist_leaves_room_for_who_was_given_a_task() -> None:
    async with open_lobby(limits=Limits(subjects=10)) as lobby:
        greedy = await lobby.visit(owner="7")
        greedy.say(op="subjects", view=1, add=[f"task:none-{n}" for n in range(20)])
        await lobby.house.settle()
        assert {code for _, code in errors(greedy)} == {"too_many_subjects"}
        assert len(errors(greedy)) == 15
        lobby.put("t1")
        page = await lobby.visit("task:t1")
        assert set(page.rows[1]) == {"task:t1"}


async def test_a_read_that_is_older_than_what_was_told_meanwhile_changes_nothing() -> None:
    async with open_lobby() as lobby:
        lobby.put("t1", status="queued")
        page = await lobby.visit("task:other")
        lobby.tokens.give("second", "task:t1", grant=grant())
        page.say(op="token", key="second", token="second")
        before = lobby.public.public(["task:t1"])
        lobby.house.pool.gate.clear()
        page.say(op="subjects", view=1, add=["task:t1"])
        await lobby.publish(task("t1", status="running"))
        lobby.public.public = lambda subjects: before  # type: ignore[method-assign]
        lobby.house.pool.gate.set()
        await lobby.house.settle()
        assert page.rows[1]["task:t1"]["status"] == "running"


async def test_what_is_left_is_told_no_more_and_forgotten() -> None:
    async with open_lobby() as lobby:
        lobby.put("t1")
        page = await lobby.visit("task:t1")
        page.say(op="subjects", view=1, remove=["task:t1", "task:never"])
        await lobby.publish(task("t1"))
        assert page.of("patch") == []
        assert len(lobby.house.hub.embeds._reading) == 0


async def test_a_view_follows_five_hundred_and_a_server_has_its_bound() -> None:
    async with open_lobby(limits=Limits(subjects=501)) as lobby:
        keys = [f"task:{number}" for number in range(502)]
        page = await lobby.visit(*keys[:500])
        page.say(op="token", key="more", token="all")
        lobby.tokens.give("all", *keys, grant=grant())
        page.say(op="token", key="more", token="all")
        page.say(op="subjects", view=1, add=keys[500:])
        await lobby.house.settle()
        assert errors(page)[-1] == ("task:501", "too_many_subjects")
        assert lobby.counters["refused_too_many_subjects"] == 2
        await lobby.visit(*keys[498:])
        assert lobby.counters["refused_too_many_subjects"] == 3


async def test_subjects_that_are_asked_for_too_fast_are_refused_for_now() -> None:
    async with open_lobby() as lobby:
        page = await lobby.visit("task:t1")
        for _ in range(2_100):
            page.say(op="subjects", view=1, add=["task:t1"], remove=["task:t1"])
        await lobby.house.settle()
        assert errors(page)[-1] == ("task:t1", "too_fast")
        assert page.of("error")[-1]["retry"] is True
        assert not page.socket.is_over


async def test_subjects_of_a_view_that_shows_no_progress_are_refused() -> None:
    async with open_lobby() as lobby:
        page = await lobby.visit("task:t1")
        page.say(op="subjects", view=9, add=["task:t1"])
        page.say(op="open", view=2, of="progress")
        await lobby.house.settle()
        assert [code for _, code in errors(page)] == ["bad_frame", "too_many_views"]


async def test_a_place_in_line_is_read_every_five_seconds_for_all_who_wait() -> None:
    async with open_lobby() as lobby:
        for number in range(3):
            lobby.put(f"t{number}", status="queued")
        lobby.public.waiting = {"celery": [(BEGIN, "t0"), (BEGIN, "t1"), (BEGIN, "t2")]}
        pages = [await lobby.visit(f"task:t{number}") for number in range(3)]
        await lobby.house.pass_time(1)
        assert shown(pages[2], "task:t2")["queue_position"] == 3
        lobby.public.waiting = {"celery": [(BEGIN, "t1"), (BEGIN, "t2")]}
        await lobby.house.pass_time(6)
        assert shown(pages[2], "task:t2")["queue_position"] == 2
        assert lobby.public.reads.count("places") <= 3

        await lobby.publish(*(task(f"t{number}", status="running") for number in range(3)))
        reads = lobby.public.reads.count("places")
        await lobby.house.pass_time(12)
        assert lobby.public.reads.count("places") == reads


async def test_the_usual_runtime_of_a_name_is_read_once_a_minute() -> None:
    async with open_lobby() as lobby:
        lobby.put("t1")
        lobby.public.usually = {"shop.mail": Usual(40, 55, 45)}
        page = await lobby.visit("task:t1")
        await lobby.house.pass_time(50)
        assert shown(page, "task:t1")["usual_seconds"] == [40, 55]
        assert lobby.public.reads.count("usual") == 1


async def test_the_time_left_follows_the_pace() -> None:
    async with open_lobby() as lobby:
        lobby.put("t1", started_at=BEGIN)
        page = await lobby.visit("task:t1")
        for number in range(1, 9):
            await lobby.house.pass_time(1)
            progress = {"current": number, "total": 20, "percent": 5.0 * number}
            await lobby.publish(task("t1", progress=progress, started_at=BEGIN))
        assert 10 <= shown(page, "task:t1")["eta_seconds"] <= 14


async def test_what_nobody_knows_is_asked_for_every_five_seconds() -> None:
    async with open_lobby() as lobby:
        page = await lobby.visit(owner="7")
        page.say(op="subjects", view=1, add=["task:new"])
        await lobby.house.settle()
        lobby.put("new", owner="7")
        await lobby.house.pass_time(6)
        assert set(page.rows[1]) == {"task:new"}


async def test_a_store_that_fails_is_asked_again() -> None:
    async with open_lobby() as lobby:
        lobby.put("t1")
        lobby.public.is_available = False
        page = await lobby.visit("task:t1")
        assert 1 not in page.rows
        lobby.public.is_available = True
        await lobby.house.pass_time(4)
        assert shown(page, "task:t1")["status"] == "running"
        assert lobby.counters["public_reads_failed"] == 1


async def test_missed_changes_are_read() -> None:
    async with open_lobby() as lobby:
        lobby.put("t1")
        page = await lobby.visit("task:t1")
        row = {"id": "g1", "first_seen_at": BEGIN, "status": "running", "total": 4, "revision": 2}
        other = await lobby.visit("group:g1")
        lobby.put("t1", status="completed", conclusion="succeeded")
        lobby.public.groups["g1"] = row
        await lobby.house.hub.catch_up()
        await lobby.house.settle()
        assert shown(page, "task:t1")["conclusion"] == "succeeded"
        assert shown(other, "group:g1")["status"] == "running"


async def test_a_blind_stream_is_said_in_the_rows_of_what_goes_on() -> None:
    async with open_lobby() as lobby:
        lobby.put("t1")
        lobby.put("t2", status="completed", conclusion="succeeded")
        page = await lobby.visit("task:t1", "task:t2")
        await lobby.house.pass_time(8, is_beating=False)
        assert shown(page, "task:t1")["note"] == "blind"
        assert shown(page, "task:t2")["note"] is None
        assert page.of("stream")[-1]["state"] == "blind"
        await lobby.house.pass_time(2)
        assert shown(page, "task:t1")["note"] is None


async def test_a_row_that_is_deleted_keeps_its_last_state() -> None:
    async with open_lobby() as lobby:
        lobby.put("t1", status="completed", conclusion="succeeded")
        page = await lobby.visit("task:t1")
        await lobby.house.publish(lobby.house.store.remove("t1"))
        assert shown(page, "task:t1")["conclusion"] == "succeeded"


async def test_seconds_in_a_row_are_of_the_moment_it_is_sent() -> None:
    async with open_lobby() as lobby:
        lobby.put("t1", status="retrying", retry_at=BEGIN + 30)
        await lobby.visit("task:t1")
        await lobby.house.pass_time(20)
        page = await lobby.visit("task:t1")
        assert shown(page, "task:t1")["retry_in"] == 10
