"""The upload page itself, as the example project that its README had us start: what visitors go
through from choosing a file to its result, whatever becomes of the network, the tab, the web
process and their token."""

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from playwright.sync_api import Error as BrowserError

from tests.faults import studio
from tests.faults.studio import MB, Studio, Visitor, visiting
from tests.faults.support import tell
from tests.services.process import wait_until
from tests.services.redis import RedisServer
from tests.services.visitors import ALTERATIONS, TRANSPORTS, UNKNOWN, Sample, altered

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

Capture = pytest.CaptureFixture[str]

CUT_MS = 10_000
TOKEN_S = 6
"""Far less than the work takes, and less than the network is away."""
PHOTOS = 360
PACE_S = 0.15
"""After each of them: so that nobody is done before everything has happened."""
SLOW = MB
"""Bytes a second on the way up."""
LARGE = 199 * MB
ROWS = 190_000
WEB_MB, CHILD_MB = 250, 250
"""What the largest upload may make of the processes: far less than it, and than a process more."""


@pytest.fixture(scope="module")
def house(
    built_wheel: Path, shared_redis: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Studio]:
    shared_redis.reset()
    changes = f"UPLOAD_PACE_S = {PACE_S}\nUPLOAD_TOKEN_S = {TOKEN_S}\n"
    directory = tmp_path_factory.mktemp("studio")
    with Studio(directory, built_wheel, shared_redis.url(), changes).running() as house:
        yield house


@pytest.fixture(autouse=True)
def mended(house: Studio) -> Iterator[None]:
    """Whatever a test leaves behind."""
    yield
    house.proxy.mend()


@pytest.fixture
def visitor(chromium: Browser, house: Studio) -> Iterator[Visitor]:
    with visiting(chromium, house) as visitor:
        yield visitor.comes()


class TestFromChoosingToTheResult:
    """A visitor by each transport, and one without JavaScript: the network is cut for ten seconds
    while bytes go up and again while they are worked on, both times the tab is loaded again and the
    web process killed and started, and tokens end all the way."""

    @pytest.fixture(scope="class")
    @classmethod
    def journey(
        cls, chromium: Browser, house: Studio, tmp_path_factory: pytest.TempPathFactory
    ) -> Iterator[dict[str, Visitor]]:
        path = studio.zip_of_photos(tmp_path_factory.mktemp("photos") / "photos.zip", PHOTOS)
        with ExitStack() as stack:
            live = {
                transport: stack.enter_context(visiting(chromium, house, transport))
                for transport in TRANSPORTS
            }
            upload(house, list(live.values()), path)
            work(house, list(live.values()))
            yield live

    @pytest.mark.parametrize("transport", TRANSPORTS)
    def test_one_bar_never_goes_backwards(
        self, journey: dict[str, Visitor], transport: str
    ) -> None:
        assert_forward(journey[transport].samples())

    @pytest.mark.parametrize("transport", TRANSPORTS)
    def test_it_always_says_what_is_going_on(
        self, journey: dict[str, Visitor], transport: str
    ) -> None:
        samples = journey[transport].samples()
        states = [sample["state"] for sample in samples if sample["isLive"]]
        assert set(states) <= {"queued", "running", "offline", "succeeded"}
        assert_told(samples)
        for words in (
            "sent",
            "Connection lost. It goes on when it is back",
            "has arrived. Choose the same file again",
            "Making thumbnails",
            "Last known at",
        ):
            assert any(words in sample["text"] for sample in samples), words

    @pytest.mark.parametrize("transport", TRANSPORTS)
    def test_what_had_arrived_was_not_sent_again(
        self, journey: dict[str, Visitor], transport: str
    ) -> None:
        offsets = journey[transport].offsets
        assert offsets == sorted(offsets)
        assert offsets[0] == 0

    @pytest.mark.parametrize("transport", TRANSPORTS)
    def test_its_token_ended_and_was_renewed(
        self, journey: dict[str, Visitor], transport: str
    ) -> None:
        visitor = journey[transport]
        renewed = [answer.status for answer in visitor.answers if answer.url.endswith("/token/")]
        assert 200 in renewed
        assert not {401, 403, 410} & set(renewed)
        told = {sample["transport"] for sample in visitor.samples()} - {None}
        assert transport in told
        assert told <= set(TRANSPORTS[TRANSPORTS.index(transport) :])

    @pytest.mark.parametrize("transport", TRANSPORTS)
    def test_the_result_is_there(self, journey: dict[str, Visitor], transport: str) -> None:
        visitor = journey[transport]
        visitor.page.get_by_role("link", name=f"View {PHOTOS} thumbnails").first.click()
        expect(visitor.page.locator(".gallery img")).to_have_count(PHOTOS)


def upload(house: Studio, live: list[Visitor], path: Path) -> None:
    """What they go through until all of it has arrived."""
    for each in live:
        each.comes().slows(SLOW)
        each.chooses(path)
    for each in live:
        each.reaches(4)

    house.proxy.cut()
    for each in live:
        each.reads("Connection lost. It goes on when it is back")
    live[0].page.wait_for_timeout(CUT_MS)
    house.proxy.mend()
    for each in live:
        each.reaches(8)

    for each in live:
        each.page.reload()
        each.reads("has arrived. Choose the same file again")
        each.slows(SLOW)
        each.chooses(path)
    for each in live:
        each.reaches(12)

    house.web.kill()
    for each in live:
        each.reads("Connection lost. It goes on when it is back")
    house.web.start()
    house.wait_for_web()
    for each in live:
        each.becomes("working")


def work(house: Studio, live: list[Visitor]) -> None:
    """What they go through until the result is there."""
    for each in live:
        each.reads("Making thumbnails")
    house.proxy.cut()
    for each in live:
        each.reads("Connection lost")
        each.reads("Last known at")
    live[0].page.wait_for_timeout(CUT_MS)
    house.proxy.mend()
    for each in live:
        each.sees(is_running, "running")

    for each in live:
        each.page.reload()
        each.sees(is_running, "running")

    house.web.kill()
    for each in live:
        each.reads("Last known at")
    house.web.start()
    house.wait_for_web()
    for each in live:
        each.gets(f"{PHOTOS} thumbnails")


def is_running(seen: Sample) -> bool:
    return bool(seen["isLive"] and seen["state"] == "running")


def assert_forward(samples: list[Sample]) -> None:
    percents = [sample["percent"] for sample in samples if sample["percent"] is not None]
    assert percents == sorted(percents), samples
    assert percents[0] < 10 < 60 < percents[-1]
    assert len(set(percents)) > 5


def assert_told(samples: list[Sample]) -> None:
    """Each look had a sentence, and none that it is not known; the last one is its end."""
    texts = [sample["text"] for sample in samples]
    assert [text for text in texts if any(word in text for word in UNKNOWN)] == []
    assert all(len(text.split()) > 1 for text in texts), samples
    assert "Done" in texts[-1] or "View" in texts[-1]


def test_without_javascript_the_page_tells_by_itself_how_far_it_is(
    chromium: Browser, house: Studio, tmp_path: Path
) -> None:
    path = studio.zip_of_photos(tmp_path / "photos.zip", PHOTOS // 2)
    with visiting(chromium, house, java_script_enabled=False) as visitor:
        page = visitor.comes().page
        visitor.chooses(path)
        page.get_by_role("button", name="Send").click()
        samples = watched(page, lambda seen: (seen["percent"] or 0) > 30)

        # A page that cannot be had refreshes nothing: the visitor does.
        house.proxy.cut()
        wait_until(lambda: not page.locator("#main").count(), 30, "the browser's own page")
        page.wait_for_timeout(CUT_MS)
        house.proxy.mend()
        visitor.comes()
        samples += watched(page, lambda seen: (seen["percent"] or 0) > 50)
        house.restart_web()
        visitor.comes()
        samples += watched(page, lambda seen: "View" in seen["text"])
        percents = [seen["percent"] for seen in samples if seen["percent"] is not None]
        assert percents == sorted(percents)
        assert len(set(percents)) > 3
        assert_told(samples)
        page.get_by_role("link", name=f"View {PHOTOS // 2} thumbnails").click()
        expect(page.locator(".gallery img")).to_have_count(PHOTOS // 2)


def watched(page: Page, until: object) -> list[Sample]:
    """What a page shows that no script runs on, ten times a second, until this is so."""
    found: list[Sample] = []

    def looked() -> bool:
        page.wait_for_timeout(100)
        with suppress(BrowserError):
            found.append(page.evaluate(studio.LOOK))
        found[:] = [seen for seen in found if seen]
        return bool(found and until(found[-1]))  # type: ignore[operator]

    wait_until(looked, 120, f"the page, after {found[-3:]}")
    return found


def test_several_pictures_are_one_bar_too(visitor: Visitor, house: Studio, tmp_path: Path) -> None:
    paths = [tmp_path / f"{n}.jpg" for n in range(48)]
    for n, path in enumerate(paths):
        path.write_bytes(studio.photo(n))
    visitor.chooses(*paths)
    visitor.reaches(30)
    visitor.page.reload()
    visitor.sees(is_running, "running")
    house.restart_web()
    samples = visitor.gets("48 thumbnails")
    assert_forward(samples)
    assert_told(samples)
    assert not {"succeeded", "done"} & {sample["state"] for sample in samples[:-1]}


class TestNearlyTwoHundredMegabytes:
    @pytest.fixture(scope="class")
    @classmethod
    def table(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        return studio.price_list(tmp_path_factory.mktemp("table") / "prices.csv", ROWS, LARGE)

    def test_go_up_over_a_cut_and_come_out_right_in_little_memory(
        self, visitor: Visitor, house: Studio, table: Path, capsys: Capture
    ) -> None:
        size = table.stat().st_size
        assert LARGE - 3 * MB < size <= LARGE
        visitor.chooses(table)
        visitor.reaches(6)
        house.proxy.cut()
        visitor.reads("Connection lost. It goes on when it is back")
        house.proxy.mend()
        samples = visitor.gets(f"{ROWS:,} rows taken")
        assert_forward(samples)
        assert_told(samples)
        assert visitor.offsets == sorted(visitor.offsets)
        web = max(map(studio.peak_mb, [house.web.pid, *studio.children(house.web.pid)]))
        child = max(map(studio.peak_mb, studio.children(house.worker.pid)))
        assert web < WEB_MB
        assert child < CHILD_MB
        measured = f"web process {web:.0f} MB, worker's child {child:.0f} MB at most"
        tell(capsys, f"{size / MB:.0f} MB in chunks, cut in the middle", measured)

    def test_more_than_that_is_refused_before_anything_is_sent(
        self, visitor: Visitor, house: Studio, tmp_path: Path
    ) -> None:
        path = tmp_path / "prices.csv"
        with path.open("wb") as file:
            file.truncate(200 * MB + 1)
        before = house.left()
        visitor.chooses(path)
        visitor.reads("That is too large: at most 200 MB.")
        visitor.becomes("refused")
        assert visitor.offsets == []
        assert house.left() == before

    def test_a_plain_form_takes_less_and_says_so(
        self, chromium: Browser, house: Studio, tmp_path: Path
    ) -> None:
        path = tmp_path / "prices.csv"
        with path.open("wb") as file:
            file.truncate(20 * MB + 1)
        with visiting(chromium, house, java_script_enabled=False) as visitor:
            visitor.comes().chooses(path)
            visitor.page.get_by_role("button", name="Send").click()
            told = "Without JavaScript at most 20 MB can be sent."
            expect(visitor.page.get_by_role("alert")).to_have_text(told)


def test_an_end_that_comes_while_the_network_goes_is_shown_when_it_is_back(
    visitor: Visitor, tmp_path: Path
) -> None:
    visitor.chooses(studio.price_list(tmp_path / "prices.csv", 1000, MB))
    visitor.becomes("working")
    # What the page asks the shop itself when Headway says that the task is over.
    visitor.page.route(visitor.upload_url, lambda route: route.abort())
    visitor.sees(lambda seen: seen["state"] == "succeeded", "succeeded")
    visitor.page.unroute(visitor.upload_url)
    visitor.gets("1,000 rows taken")


class TestASecondVisitor:
    """Has the first one's link, ids or token: sees nothing, and can do nothing."""

    NAME = "wedding-photos.zip"

    @pytest.fixture(scope="class")
    @classmethod
    def first(
        cls, chromium: Browser, house: Studio, tmp_path_factory: pytest.TempPathFactory
    ) -> Iterator[Visitor]:
        """Is at work on something, for as long as the others try."""
        path = studio.zip_of_photos(tmp_path_factory.mktemp("first") / cls.NAME, PHOTOS)
        with visiting(chromium, house) as first:
            first.comes().chooses(path)
            first.reads("Making thumbnails")
            yield first
            assert first.card.get_attribute("data-state") == "working"

    @pytest.fixture
    def second(self, visitor: Visitor, tmp_path: Path) -> Visitor:
        """Has an upload of their own, and so a token of their own."""
        visitor.chooses(studio.zip_of_photos(tmp_path / "mine.zip", 30))
        visitor.reads("Making thumbnails")
        return visitor

    def test_the_links_lead_nowhere(self, first: Visitor, second: Visitor) -> None:
        url, request = first.upload_url, second.context.request
        field = second.page.locator("[name=csrfmiddlewaretoken]").first
        headers = {
            "X-CSRFToken": field.get_attribute("value") or "",
            "Origin": second.studio.url,
            "Upload-Offset": "0",
        }
        asked = {"id": first.followed[1]}
        answers = [
            request.get(url),
            request.get(f"{url}results/"),
            request.get(f"{url}results/001.jpg"),
            request.get(f"{url}results/thumbnails.zip"),
            request.put(f"{url}0/", data=b"x", headers=headers),
            request.post(f"{url}finish/", headers=headers),
            request.post(f"{url}token/", data=asked, headers=headers),
            request.post(f"{url}remove/", headers=headers),
        ]
        assert {answer.status for answer in answers} == {404}
        assert not any(self.NAME in answer.text() for answer in answers)
        own = request.post(f"{second.upload_url}token/", data=asked, headers=headers)
        assert own.status == 410
        assert "token" not in own.json()
        assert self.NAME not in request.get(f"{second.studio.url}/").text()
        self.knows_nothing(second, first)

    def test_the_task_id_is_not_enough(self, first: Visitor, second: Visitor) -> None:
        kind, id_ = first.followed
        assert second.asks_for(kind, id_, second.token) == "not_allowed"
        second.reads("This page may not follow it.")
        self.knows_nothing(second, first)

    @pytest.mark.parametrize("alteration", ALTERATIONS)
    def test_an_altered_token_opens_nothing(
        self, first: Visitor, second: Visitor, alteration: str
    ) -> None:
        kind, id_ = first.followed
        theirs = first.card.locator("headway-progress").get_attribute("token") or ""
        token = altered(second.token, theirs, id_, alteration)
        second.asks_for(kind, id_, token)
        second.reads("This page may not follow it.")
        self.knows_nothing(second, first)
        bearer = {"Authorization": f"Bearer {token}"}
        task = f"{second.studio.url}/headway/embed/v1/tasks/{id_}"
        assert second.context.request.get(task, headers=bearer).status == 401
        assert second.context.request.post(f"{task}/cancel", headers=bearer).status == 401

    def knows_nothing(self, second: Visitor, first: Visitor) -> None:
        received = second.received()
        assert self.NAME not in received
        assert first.upload_url.rstrip("/").rpartition("/")[2] not in received
