"""The upload page of `headway demo`, as a visitor without an account uses it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.js.axe import violations
from tests.services.headway import HeadwayWeb
from tests.services.process import wait_until
from tests.unit.dashboard.uploads import picture, zipped

PATIENCE_MS = 60_000
"""The shop's other work goes on meanwhile: an upload waits in line."""
TABLE = "sku,name,price\n" + "".join(f"s{n},Throw,{n % 50}.50\n" for n in range(1, 4000))
BAR = "Upload / Check / Convert / Publish"

BARS = """() => {
  window.bars = [];
  document.addEventListener("headway:change", ({detail, target}) => {
    if (target.progress?.percent != null) window.bars.push(target.progress.percent);
  });
}"""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HeadwayWeb]:
    directory = tmp_path_factory.mktemp("demo")
    data = ("--data", str(directory / "data"))
    with HeadwayWeb(directory, "demo", *data) as server:
        server.wait_for_line(r"^api key: \S+")
        yield server


@pytest.fixture
def visitor(demo: HeadwayWeb, page: Page) -> Page:
    page.goto(f"{demo.url}/demo/upload/")
    page.evaluate(BARS)
    return page


def table(tmp_path: Path, text: str = TABLE) -> Path:
    path = tmp_path / "prices.csv"
    path.write_text(text)
    return path


def choose(page: Page, *paths: Path) -> Locator:
    """Send these files; the card of the upload."""
    page.set_input_files("#files", [str(path) for path in paths])
    return page.locator("[data-cards] > section").first


def becomes(card: Locator, state: str) -> None:
    expect(card).to_have_attribute("data-state", state, timeout=PATIENCE_MS)


def uploads(demo: HeadwayWeb) -> list[Path]:
    root = Path(demo.command[demo.command.index("--data") + 1]) / "uploads"
    return [path for path in root.glob("*/*/*") if path.name not in ("meta.json", "lock")]


def test_one_bar_goes_from_the_first_byte_to_the_result(
    demo: HeadwayWeb, visitor: Page, tmp_path: Path
) -> None:
    pictures = {f"{n}.jpg": picture(200, 150) for n in range(3)}
    card = choose(visitor, zipped(tmp_path / "pictures.zip", {**pictures, "notes.txt": b"no"}))
    for stage in BAR.split(" / "):
        card.get_by_text(stage, exact=True).wait_for()
    becomes(card, "done")
    bars = visitor.evaluate("window.bars")
    assert bars == sorted(bars)
    assert bars[0] < 25 <= bars[-1]
    card.get_by_role("link", name="View 3 thumbnails, 1 file left out").click()
    expect(visitor.locator(".gallery img")).to_have_count(3)
    visitor.get_by_text("It is not a picture we can read.").wait_for()
    visitor.get_by_role("link", name="All uploads").click()
    visitor.get_by_role("link", name="View 3 thumbnails").wait_for()
    assert {path.name for path in uploads(demo)} == {"result"}


def test_several_pictures_are_one_group(visitor: Page, tmp_path: Path) -> None:
    paths = [tmp_path / f"{n}.png" for n in range(3)]
    for n, path in enumerate(paths):
        path.write_bytes(picture(100, 100, "PNG") if n else picture(100, 100, "PNG")[:50])
    card = choose(visitor, *paths)
    becomes(card, "done")
    card.get_by_role("link", name="View 2 thumbnails, 1 file left out").wait_for()


def test_a_table_tells_its_wrong_rows(visitor: Page, tmp_path: Path) -> None:
    card = choose(visitor, table(tmp_path, "sku,name,price\n1,a,2\n2,b,much\n"))
    becomes(card, "done")
    card.get_by_role("link", name="View 1 row taken, 1 row not").click()
    visitor.get_by_role("row", name="3 price 'much' is no price; write it as 12.50").wait_for()


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.jpg", picture(300, 300)[:300], "The picture is broken or was cut off."),
        ("a.csv", b"%PDF-1.7", "This looks like a PDF."),
        ("a.zip", b"", "a.zip is empty."),
    ],
)
def test_a_file_that_cannot_be_used_is_told_in_a_sentence(
    name: str, data: bytes, reason: str, visitor: Page, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    card = choose(visitor, path)
    becomes(card, "refused")
    card.get_by_text(reason).wait_for()
    expect(card.get_by_role("button", name="Try again")).to_have_count(0)


def test_cancelling_stops_the_work_and_leaves_nothing(
    demo: HeadwayWeb, visitor: Page, tmp_path: Path
) -> None:
    before = len(uploads(demo))
    # Long enough that nobody is too late to cancel it.
    many = {f"{n}.jpg": picture() for n in range(200)}
    card = choose(visitor, zipped(tmp_path / "many.zip", many))
    card.get_by_text("Making thumbnails").wait_for(timeout=PATIENCE_MS)
    card.get_by_role("button", name="Cancel").click()
    card.get_by_role("button", name="Yes, cancel").click()
    card.get_by_text("Cancelled").wait_for(timeout=PATIENCE_MS)
    becomes(card, "cancelled")
    assert len(uploads(demo)) == before
    visitor.reload()
    visitor.get_by_text("Cancelled, nothing was kept.").wait_for()


def test_what_failed_by_our_fault_is_told_without_its_reason_and_tried_again(
    visitor: Page, tmp_path: Path
) -> None:
    visitor.get_by_label("Let the next one fail once").check()
    card = choose(visitor, table(tmp_path))
    card.get_by_text("Something went wrong on our side.").wait_for(timeout=PATIENCE_MS)
    assert "s3cret" not in visitor.content()
    card.get_by_role("button", name="Try again").click()
    becomes(card, "done")


def test_a_connection_lost_in_the_middle_is_waited_for(
    visitor: Page, context: BrowserContext, tmp_path: Path
) -> None:
    path = table(tmp_path, TABLE * 20)
    visitor.route("**/demo/upload/*/0/", lambda route: route.abort())
    card = choose(visitor, path)
    card.get_by_text("Connection lost. It goes on when it is back").wait_for()
    visitor.unroute("**/demo/upload/*/0/")
    becomes(card, "working")


def test_a_reload_finds_the_upload_again(visitor: Page, tmp_path: Path) -> None:
    card = choose(visitor, table(tmp_path, TABLE.replace("Throw", "Rug")))
    becomes(card, "working")
    visitor.reload()
    card = visitor.locator("[data-cards] > section").first
    becomes(card, "done")


def test_a_second_visitor_sees_nothing(
    demo: HeadwayWeb, visitor: Page, chromium: Browser, tmp_path: Path
) -> None:
    card = choose(visitor, table(tmp_path, TABLE.replace("Throw", "Cushion")))
    becomes(card, "working")
    url = f"{demo.url}/demo/upload/{card.get_attribute('data-upload')}/"
    stranger = chromium.new_context()
    try:
        other = stranger.new_page()
        other.goto(f"{demo.url}/demo/upload/")
        assert "prices.csv" not in other.content()
        for path in ("", "results/"):
            assert stranger.request.get(url + path).status == 404
        token = card.locator("headway-progress").get_attribute("token") or ""
        task = card.locator("headway-progress").get_attribute("task")
        altered = token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB")
        bearer = {"Authorization": f"Bearer {altered}"}
        answer = stranger.request.get(f"{demo.url}/embed/v1/tasks/{task}", headers=bearer)
        assert answer.status == 401
    finally:
        stranger.close()


def test_without_javascript_a_form_sends_and_the_page_shows_how_it_stands(
    demo: HeadwayWeb, chromium: Browser, tmp_path: Path
) -> None:
    context = chromium.new_context(java_script_enabled=False)
    try:
        page = context.new_page()
        page.goto(f"{demo.url}/demo/upload/")
        choose(page, table(tmp_path))
        page.get_by_role("button", name="Send").click()
        page.locator("[data-cards] progress").wait_for()
        wait_until(lambda: page.reload() and page.locator("aside .earlier").count(), 60)
        page.get_by_role("link", name="View 3,999 rows taken").wait_for()
    finally:
        context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_is_accessible_and_never_wider_than_a_phone(
    theme: str, visitor: Page, tmp_path: Path
) -> None:
    visitor.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    visitor.set_viewport_size({"width": 360, "height": 800})
    card = choose(visitor, table(tmp_path, f"sku,name,price\n1,{theme},no\n"))
    becomes(card, "done")
    assert violations(visitor) == []
    assert visitor.evaluate("document.documentElement.scrollWidth") <= 360
    card.get_by_role("link", name="View").click()
    assert violations(visitor) == []
    assert visitor.evaluate("document.documentElement.scrollWidth") <= 360
