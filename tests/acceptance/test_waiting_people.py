"""People who wait for their work, on a site of several processes: what they see is live, true and
theirs alone, whatever becomes of the network, the server and their token.

The worker runs with Celery's own defaults: nothing is told when a task is sent.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.acceptance import waiting
from tests.acceptance.waiting import Lobby, Visitor, visiting
from tests.services.postgresql import PostgresqlServer
from tests.services.process import wait_until
from tests.services.redis import RedisServer
from tests.services.visitors import ALTERATIONS, PATIENCE_MS, TRANSPORTS, UNKNOWN, altered

pytestmark = pytest.mark.timeout(180)

CUT_MS = 10_000
WORK_S = 24
TOKEN_S = 6
"""Far less than the work takes."""

PLANTED = ("planted", "Traceback", "ConnectionError", "lobby.tasks", "tasks.py", "spill")
"""An argument, a connection, a frame of the traceback, an exception, where they come from."""


@pytest.fixture(scope="module")
def lobby(
    shared_redis: RedisServer,
    shared_postgresql: PostgresqlServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Lobby]:
    shared_redis.reset()
    directory = tmp_path_factory.mktemp("lobby")
    database = shared_postgresql.add_database()
    with Lobby(directory, shared_redis.url(), database).running() as lobby:
        yield lobby


@pytest.fixture
def visitor(chromium: Browser, lobby: Lobby) -> Iterator[Visitor]:
    with visiting(chromium, lobby) as visitor:
        yield visitor


class TestFromHandingOverToTheEnd:
    """A visitor by each transport, and one without JavaScript, go through the same: the network is
    cut for ten seconds, the tab is loaded again, the web process is killed and started, and their
    tokens end on the way."""

    @pytest.fixture(scope="class")
    @classmethod
    def journey(cls, chromium: Browser, lobby: Lobby) -> Iterator[dict[str, Visitor]]:
        with ExitStack() as stack:
            visitors = {
                transport: stack.enter_context(visiting(chromium, lobby, transport))
                for transport in TRANSPORTS
            }
            script = {"java_script_enabled": False}
            visitors["none"] = stack.enter_context(visiting(chromium, lobby, **script))
            travel(lobby, visitors)
            yield visitors

    @pytest.mark.parametrize("transport", TRANSPORTS)
    def test_the_bar_never_goes_backwards(
        self, journey: dict[str, Visitor], transport: str
    ) -> None:
        percents = [s["percent"] for s in journey[transport].samples() if s["percent"] is not None]
        assert percents == sorted(percents)
        assert percents[0] < 20 < 80 < percents[-1]
        assert len(set(percents)) > 5

    @pytest.mark.parametrize("transport", TRANSPORTS)
    def test_it_always_says_what_is_going_on_and_ends_right(
        self, journey: dict[str, Visitor], transport: str
    ) -> None:
        samples = journey[transport].samples()
        states = [sample["state"] for sample in samples if sample["isLive"]]
        assert set(states) <= {"queued", "running", "offline", "succeeded"}
        assert states[-1] == "succeeded"
        assert "Done in" in samples[-1]["text"]
        assert [s["text"] for s in samples if any(word in s["text"] for word in UNKNOWN)] == []
        away = [sample["text"] for sample in samples if sample["state"] == "offline"]
        assert away
        assert all("Last known at" in text for text in away)
        for words in ("Connection lost", "You are offline", "econnecting"):
            assert any(words in text for text in away)
        assert all(sample["text"].strip() for sample in samples)

    @pytest.mark.parametrize("transport", TRANSPORTS)
    def test_the_stages_are_told_in_their_order(
        self, journey: dict[str, Visitor], transport: str
    ) -> None:
        texts = [s["text"] for s in journey[transport].samples() if s["state"] == "running"]
        assert texts
        steps = [n for text in texts for n in (1, 2, 3) if f"tep {n} of 3" in text]
        assert steps == sorted(steps)
        assert 3 in steps

    @pytest.mark.parametrize("transport", TRANSPORTS)
    def test_it_tells_its_transport(self, journey: dict[str, Visitor], transport: str) -> None:
        told = {sample["transport"] for sample in journey[transport].samples()} - {None}
        assert transport in told
        # What blocks one way blocks it all the time; what is left may be used.
        assert told <= set(TRANSPORTS[TRANSPORTS.index(transport) :])

    @pytest.mark.parametrize("transport", TRANSPORTS)
    def test_its_token_ended_and_was_renewed(
        self, journey: dict[str, Visitor], transport: str
    ) -> None:
        answers = journey[transport].answers
        renewed = [each.status for each in answers if each.url.endswith("/embed/refresh/")]
        assert 200 in renewed
        assert not {401, 403, 410} & set(renewed)

    def test_without_javascript_a_reload_shows_how_far_it_is(
        self, journey: dict[str, Visitor]
    ) -> None:
        page = journey["none"].page
        expect(page.locator("headway-progress")).to_contain_text("Done")
        bars = journey["none"].bars
        assert bars == sorted(bars)
        assert 0 < bars[0] < bars[-1]


def travel(lobby: Lobby, visitors: dict[str, Visitor]) -> None:
    """What the visitors go through, from handing over to the end."""
    live = [visitors[transport] for transport in TRANSPORTS]
    plain = visitors["none"]
    release = lobby.directory / "release"
    given = {"seconds": WORK_S, "release": str(release)}
    for each in visitors.values():
        each.hands_over("renovate", given=given, ttl=TOKEN_S)
    for each in live:
        each.reaches(4)
    plain.looks_again()

    lobby.proxy.cut()
    for each in live:
        each.sees("offline")
        each.context.set_offline(True)
        each.reads("You are offline")
    live[0].page.wait_for_timeout(CUT_MS)
    lobby.proxy.mend()
    for each in live:
        each.context.set_offline(False)
    for each in live:
        each.sees("running")
    plain.looks_again()

    for each in live:
        each.page.reload()
        each.sees("running")

    lobby.web.kill()
    for each in live:
        each.sees("offline")
    lobby.web.start()
    lobby.wait_for_web()
    for each in live:
        each.sees("running")
    plain.looks_again()
    release.touch()
    for each in live:
        each.sees("succeeded")
    wait_until(lambda: plain.page.reload() and "Done" in plain.element.inner_text(), 30)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_what_no_worker_has_touched_was_handed_over_and_waits(
    chromium: Browser, lobby: Lobby, transport: str
) -> None:
    with visiting(chromium, lobby, transport) as visitor:
        visitor.hands_over("quick", queue="nobody")
        visitor.reads("Handed over, waiting to start")
        visitor.page.reload()
        visitor.reads("Handed over, waiting to start")
        assert {s["state"] for s in visitor.samples()} <= {None, "queued"}
        texts = " ".join(sample["text"] for sample in visitor.samples())
        assert not any(word in texts for word in (*UNKNOWN, "unknown", "not available"))


def test_without_javascript_too(chromium: Browser, lobby: Lobby) -> None:
    with visiting(chromium, lobby, java_script_enabled=False) as visitor:
        visitor.hands_over("quick", queue="nobody")
        expect(visitor.element).to_contain_text("Waiting to start")
        expect(visitor.element).to_contain_text("It was handed over and waits.")


class TestASecondVisitor:
    """Has the first one's task id, link or token: sees nothing."""

    LABEL = "Photos of the wedding"
    MESSAGE = "The file has no sheet named Orders."

    @pytest.fixture(scope="class")
    @classmethod
    def first(cls, chromium: Browser, lobby: Lobby) -> Iterator[Visitor]:
        with visiting(chromium, lobby) as first:
            given = {"order": "planted", "is_told": True}
            first.hands_over("spill", given=given, label=cls.LABEL, can="retry")
            first.reads(cls.MESSAGE)
            first.reads(cls.LABEL)
            yield first

    @pytest.fixture
    def second(self, visitor: Visitor) -> Visitor:
        """Has work of their own, and so a token of their own."""
        visitor.hands_over("quick")
        visitor.sees("succeeded")
        return visitor

    def test_the_link_leads_nowhere(self, first: Visitor, second: Visitor) -> None:
        answer = second.page.goto(first.page.url)
        assert answer is not None
        assert answer.status == 404
        assert self.LABEL not in answer.text()

    def test_the_task_id_is_not_enough(self, first: Visitor, second: Visitor) -> None:
        refusal = asks_for(second, first.task_id, second.token)
        assert refusal == "not_allowed"
        self.knows_nothing(second, first)

    @pytest.mark.parametrize("alteration", ALTERATIONS)
    def test_an_altered_token_opens_nothing(
        self, first: Visitor, second: Visitor, alteration: str
    ) -> None:
        token = altered(second.token, first.token, first.task_id, alteration)
        asks_for(second, first.task_id, token)
        self.knows_nothing(second, first)
        bearer = {"Authorization": f"Bearer {token}"}
        task = f"{second.lobby.url}/ops/headway/embed/v1/tasks/{first.task_id}"
        assert second.context.request.get(task, headers=bearer).status == 401
        assert second.context.request.post(f"{task}/retry", headers=bearer).status == 401
        tokens = {"tokens": {"a": token}, "subjects": [f"task:{first.task_id}"]}
        for way in ("states", "stream"):
            url = f"{second.lobby.url}/ops/headway/embed/v1/{way}"
            assert self.MESSAGE not in second.context.request.post(url, data=tokens).text()

    def test_the_renewal_is_refused(self, first: Visitor, second: Visitor) -> None:
        url = f"{second.lobby.url}/ops/headway/embed/refresh/"
        field = second.page.locator("[name=csrfmiddlewaretoken]").first
        headers = {"X-CSRFToken": field.get_attribute("value") or "", "Origin": second.lobby.url}
        mine = second.context.request.post(url, data={"id": second.task_id}, headers=headers)
        theirs = second.context.request.post(url, data={"id": first.task_id}, headers=headers)
        assert (mine.status, theirs.status) == (200, 403)
        assert "token" not in theirs.json()

    def knows_nothing(self, second: Visitor, first: Visitor) -> None:
        received = second.received()
        assert self.LABEL not in received
        assert self.MESSAGE not in received
        reference = f"HW-{first.task_id[:4]}-{first.task_id[4:8]}".upper()
        assert reference not in received
        assert '"failed"' not in received


def asks_for(visitor: Visitor, task_id: str, token: str) -> str:
    """Let the visitor's own element follow another task; the code that it is refused with."""
    code = visitor.asks_for("task", task_id, token)
    visitor.reads("This page may not follow it.")
    return code


def test_two_hundred_elements_share_one_socket(visitor: Visitor) -> None:
    visitor.page.goto(f"{visitor.lobby.url}/many/", timeout=PATIENCE_MS)
    done = visitor.page.locator("[part~=box][part~=succeeded]")
    expect(done).to_have_count(200, timeout=PATIENCE_MS)
    assert len(visitor.sockets) == 1
    transports = "all => [...new Set(all.map((each) => each.transport))]"
    assert visitor.element.evaluate_all(transports) == ["websocket"]


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize(
    ("is_told", "message"),
    [(True, "The file has no sheet named Orders."), (False, "Something went wrong on our side.")],
)
def test_nothing_of_a_failure_leaves_but_what_is_meant_for_the_visitor(
    chromium: Browser, lobby: Lobby, transport: str, is_told: bool, message: str
) -> None:
    with visiting(chromium, lobby, transport) as visitor:
        given = {"order": "planted-argument", "is_told": is_told}
        visitor.hands_over("spill", given=given, can="result cancel retry")
        visitor.sees("failed")
        visitor.reads(message)
        reference = visitor.box.locator("[part=reference]").inner_text()
        assert visitor.element.evaluate("element => element.transport") == transport
        received = visitor.received()
        assert [word for word in PLANTED if word in received] == []
        # It did come by this transport, and is not only what the page was made with.
        assert f'"reference":"{reference}"' in received.replace('": "', '":"')


def test_an_operator_finds_the_task_by_its_reference(visitor: Visitor, page: Page) -> None:
    visitor.hands_over("spill", given={"order": "planted-argument", "is_told": False})
    visitor.sees("failed")
    reference = visitor.box.locator("[part=reference]").inner_text()
    page.goto(f"{visitor.lobby.url}/ops/headway/tasks/?query={reference}")
    page.get_by_label("Username").fill("olga")
    page.get_by_label("Password").fill(waiting.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    rows = page.locator("headway-task-list tbody tr[data-id]")
    expect(rows).to_have_count(1, timeout=PATIENCE_MS)
    expect(rows).to_have_attribute("data-id", visitor.task_id)
    page.goto(f"{visitor.lobby.url}/ops/headway/tasks/{visitor.task_id}/")
    expect(page.get_by_role("main")).to_contain_text("planted-argument")


def test_cancelling_ends_the_process_that_works(visitor: Visitor, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    visitor.hands_over("endless", given={"pid": str(pid)}, can="cancel")
    visitor.reaches(25)
    working = int(pid.read_text())
    visitor.page.get_by_role("button", name="Cancel").click()
    visitor.page.get_by_role("button", name="Yes, cancel").click()
    visitor.sees("cancelled")
    visitor.reads("Stopped at 25%")
    waiting.wait_until_ended(working)


def test_what_is_tried_again_goes_on_in_the_same_element(visitor: Visitor, tmp_path: Path) -> None:
    visitor.hands_over("second_time_lucky", given={"mark": str(tmp_path / "mark")}, can="retry")
    visitor.element.evaluate("element => { element.isTheSame = true; }")
    first = visitor.task_id
    visitor.sees("failed")
    visitor.page.get_by_role("button", name="Try again").click()
    visitor.sees("succeeded")
    assert visitor.element.evaluate("element => element.isTheSame") is True
    assert visitor.element.get_attribute("task") != first
    assert len(visitor.sockets) == 1
