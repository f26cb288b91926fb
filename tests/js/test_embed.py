"""`<headway-progress>` as a stranger's page has it: the shipped file in a real browser, under a
strict policy, on a server that does what it is told."""

import gzip
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.js.axe import violations
from tests.js.fake_embed import HEAD
from tests.js.serving import Server, running
from tests.services.needs import require_program
from tests.services.process import ROOT, wait_until

BUNDLE = ROOT / "static" / "headway" / "embed.js"
MAX_BYTES = 12 * 1024
ELEMENT = "headway-progress"
PAGE = "<main><h1>Host</h1>{}</main>"
RUNNING = {"status": "running", "progress": {"percent": 40}}
DONE = {"status": "completed", "conclusion": "succeeded", "elapsed_seconds": 240}
SHEET = "/docs/reference/element-states/index.html"


@pytest.fixture(scope="module")
def running_embed() -> Iterator[Server]:
    with running("tests.js.fake_embed:app") as fake:
        yield fake


@pytest.fixture
def server(running_embed: Server) -> Server:
    running_embed.tell(reset=True)
    return running_embed


def tag(task: str = "a", inside: str = "", **attributes: str) -> str:
    given = {"task": task, "token": task.replace(" ", ","), **attributes}
    text = " ".join(f'{name}="{value}"' for name, value in given.items())
    return f"<{ELEMENT} {text}>{inside}</{ELEMENT}>"


def show(page: Page, server: Server, *tags: str, **rows: dict[str, Any]) -> None:
    """The host's page with these elements, and what is known of their tasks."""
    told = {f"task:{name}": row for name, row in rows.items()}
    server.tell(page=PAGE.format("".join(tags)), rows=told)
    page.goto(server.url)


def say(server: Server, **rows: dict[str, Any]) -> None:
    server.tell(rows={f"task:{name}": row for name, row in rows.items()})


def asked(server: Server) -> list[dict[str, Any]]:
    """What scripts asked for over HTTP."""
    return [ask for ask in server.heard("ask") if ask["path"] != "/favicon.ico"]


def value(page: Page) -> Any:
    return page.locator(f"{ELEMENT} progress[aria-labelledby]").evaluate("bar => bar.value")


def live(page: Page) -> Any:
    """How many elements show a row; a locator of hundreds takes seconds."""
    return page.evaluate(
        "[...document.querySelectorAll('headway-progress')].filter((each) => each.progress).length"
    )


def part(page: Page, name: str) -> Any:
    return page.locator(f"{ELEMENT} [part~={name}]")


def test_the_shipped_file_is_what_its_sources_make() -> None:
    node = require_program("node")
    made = subprocess.run([node, "build-embed.js", "--print"], cwd=ROOT, capture_output=True)
    assert made.stdout.decode() == BUNDLE.read_text(encoding="utf-8"), "run `npm run embed`"


def test_all_that_an_english_page_loads_is_small(page: Page, server: Server) -> None:
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url.removeprefix(server.url)))
    show(page, server, tag(), a=RUNNING)
    expect(part(page, "value")).to_have_text("40%")
    scripts = [path for path in loaded if path.endswith(".js")]
    assert scripts == ["/static/headway/embed.js"]
    assert len(gzip.compress(BUNDLE.read_bytes(), 9, mtime=0)) <= MAX_BYTES


def test_a_task_is_followed_from_waiting_to_its_end(page: Page, server: Server) -> None:
    link = '<a slot="done" href="/video">View video</a>'
    show(page, server, tag(inside=f"Handed over.{link}"), a={"queue_position": 3})
    expect(part(page, "value")).to_have_text("about 3rd in line")
    expect(page.get_by_text("View video")).to_be_hidden()
    page.evaluate(
        """() => {
          window.heard = [];
          for (const name of ["change", "done"])
            document.addEventListener(`headway:${name}`, () => heard.push(name));
        }"""
    )
    say(server, a={**RUNNING, "eta_seconds": 118})
    expect(part(page, "note")).to_have_text("About 2\u00a0min left")
    say(server, a={**DONE, "result": {"url": "/v/1"}, "progress": None})
    expect(part(page, "title")).to_have_text("Done")
    expect(page.get_by_text("View video")).to_be_visible()
    heard = page.evaluate("heard")
    assert heard == ["change", "change", "done"]
    told = page.evaluate(
        """() => {
          const element = document.querySelector("headway-progress");
          const { status, conclusion, progress, result, transport } = element;
          return { status, conclusion, percent: progress.percent, result, transport };
        }"""
    )
    assert told == {
        "status": "completed",
        "conclusion": "succeeded",
        "percent": 40,
        "result": {"url": "/v/1"},
        "transport": "websocket",
    }


def test_what_the_server_rendered_stays_until_the_first_live_state(
    page: Page, server: Server
) -> None:
    inside = "<p>Waiting</p><progress></progress>"
    show(page, server, tag(inside=inside))
    wait_until(lambda: server.heard("subjects"))
    expect(page.get_by_text("Waiting")).to_be_visible()
    say(server, a=RUNNING)
    expect(part(page, "value")).to_have_text("40%")
    expect(page.get_by_text("Waiting")).to_be_hidden()


def test_what_may_not_be_followed_leaves_what_the_server_rendered(
    page: Page, server: Server
) -> None:
    show(page, server, tag(inside="<p>Handed over</p>", token="a!bad"))
    expect(part(page, "note")).to_have_text("This page may not follow it.")
    expect(page.get_by_text("Handed over")).to_be_visible()


def test_the_bar_never_goes_back(page: Page, server: Server) -> None:
    show(page, server, tag(), a=RUNNING)
    expect(part(page, "value")).to_have_text("40%")
    say(server, a={"status": "retrying", "retry_in": 24, "attempt": 2, "progress": None})
    expect(part(page, "title")).to_contain_text("Trying again in 2")
    assert value(page) == 40
    say(server, a={"status": "running", "progress": {"percent": 5, "message": "Once more"}})
    expect(part(page, "title")).to_have_text("Once more")
    assert value(page) == 40
    say(server, a={"status": "running", "progress": {"percent": 41}})
    expect(part(page, "value")).to_have_text("41%")


def test_a_preview_is_shown_until_a_real_row_goes_on_from_it(page: Page, server: Server) -> None:
    show(page, server, f"<{ELEMENT} label=reel.mp4></{ELEMENT}>", a={})
    stages = ["Upload", "Convert"]
    row = {"status": "running", "progress": {"percent": 30, "stage": "Upload", "stages": stages}}
    element = page.locator(ELEMENT)
    wait_until(lambda: element.evaluate("element => 'preview' in element"))
    element.evaluate("(element, row) => element.preview(row)", row)
    expect(part(page, "value")).to_have_text("30%")
    element.evaluate(
        "element => { element.setAttribute('task', 'a'); element.setAttribute('token', 'a'); }"
    )
    expect(part(page, "note")).to_have_text("Waiting to start")
    assert value(page) == 30
    say(server, a={"status": "running", "progress": {**row["progress"], "percent": 60}})  # type: ignore[dict-item]
    expect(part(page, "value")).to_have_text("60%")


def test_a_chain_is_one_bar(page: Page, server: Server) -> None:
    show(page, server, tag("a b"), a=DONE, b={"status": "running", "progress": {"percent": 50}})
    expect(part(page, "note")).to_contain_text("Step 2 of 2")
    assert value(page) == 75
    say(server, b=DONE)
    expect(part(page, "title")).to_have_text("Done")


def test_a_group_lists_its_parts_when_asked(page: Page, server: Server) -> None:
    counts = {"succeeded": 8, "failed": 1, "cancelled": 0, "running": 2, "waiting": 1}
    progress = {"percent": 80, "current": 9, "total": 12}
    row = {"status": "running", "counts": counts, "progress": progress}
    parts = [
        {"label": "cat.jpg", "status": "completed", "conclusion": "failed", "percent": None},
        {"label": None, "status": "running", "conclusion": None, "percent": 40.5},
    ]
    server.tell(
        page=PAGE.format(f"<{ELEMENT} group=g token=g label=Photos></{ELEMENT}>"),
        rows={"group:g": row},
        answers={"/embed/v1/groups/g": {"body": {"parts": parts}}},
    )
    page.goto(server.url)
    expect(part(page, "value")).to_have_text("9 of 12")
    expect(page.locator(f"{ELEMENT} [part=cells] li")).to_have_count(12)
    page.get_by_role("button", name="Show parts").click()
    expect(part(page, "part")).to_have_text(["cat.jpgThis did not work", "Part 2In progress, 40%"])
    page.get_by_role("button", name="Hide parts").click()
    expect(part(page, "list")).to_be_hidden()
    assert asked(server)[0]["bearer"] == "g"


def test_cancelling_asks_once_and_tells_what_came_of_it(page: Page, server: Server) -> None:
    path = "/embed/v1/tasks/a/cancel"
    server.tell(answers={path: {"status": 409, "body": {"detail": "It is over already."}}})
    show(page, server, tag(), a={**RUNNING, "can": ["cancel"]})
    page.get_by_role("button", name="Cancel").click()
    expect(part(page, "note")).to_have_text("Cancel this?")
    expect(page.get_by_role("button", name="Keep")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    assert asked(server) == []
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Yes, cancel").click()
    expect(part(page, "note")).to_have_text("That did not work: It is over already.")
    server.tell(answers={path: {"status": 202}})
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Yes, cancel").click()
    expect(part(page, "note")).to_have_text("Cancelling")
    say(server, a={"status": "completed", "conclusion": "cancelled", "can": []})
    expect(part(page, "note")).to_have_text("Stopped at 40%")


def test_trying_again_follows_the_new_task_from_its_beginning(page: Page, server: Server) -> None:
    server.tell(answers={"/embed/v1/tasks/a/retry": {"body": {"id": "b", "token": "b"}}})
    error = {"message": "The file may be damaged.", "reference": "HW-9D3F-0C6E"}
    failed = {"status": "completed", "conclusion": "failed", "error": error, "can": ["retry"]}
    show(page, server, tag(), a={**failed, "progress": {"percent": 90}})
    expect(part(page, "note")).to_have_text("The file may be damaged. Reference HW-9D3F-0C6E")
    say(server, b={"status": "running", "progress": {"percent": 10}})
    page.get_by_role("button", name="Try again").click()
    expect(part(page, "value")).to_have_text("10%")
    expect(page.locator(ELEMENT)).to_have_attribute("task", "b")
    assert value(page) == 10


def test_a_lost_connection_is_told_and_made_good(page: Page, server: Server) -> None:
    show(page, server, tag(), a=RUNNING)
    expect(part(page, "value")).to_have_text("40%")
    server.tell(down=True, drop=4412)
    expect(part(page, "title")).to_have_text("Connection lost")
    expect(part(page, "note")).to_contain_text("Last known at")
    assert value(page) == 40
    say(server, a={"status": "running", "progress": {"percent": 70}})
    server.tell(down=False)
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(part(page, "value")).to_have_text("70%")
    expect(part(page, "title")).to_have_text("In progress")


def test_a_network_that_goes_away_and_comes_back(
    page: Page, context: BrowserContext, server: Server
) -> None:
    show(page, server, tag(), a=RUNNING)
    expect(part(page, "value")).to_have_text("40%")
    context.set_offline(True)
    expect(part(page, "title")).to_have_text("You are offline")
    say(server, a=DONE)
    context.set_offline(False)
    expect(part(page, "title")).to_have_text("Done")


def test_without_websockets_it_streams_and_without_streams_it_polls(
    page: Page, server: Server
) -> None:
    server.tell(block=["ws"])
    show(page, server, tag(), a=RUNNING)
    expect(part(page, "icon")).to_have_attribute("title", "Updated by stream")
    say(server, a={"status": "running", "progress": {"percent": 50}})
    expect(part(page, "value")).to_have_text("50%")
    server.tell(block=["ws", "stream"], drop=0)
    expect(part(page, "icon")).to_have_attribute("title", "Updated by polling")
    say(server, a=DONE)
    expect(part(page, "title")).to_have_text("Done")


def test_a_policy_that_forbids_sockets_leaves_the_other_ways(chromium: Any, server: Server) -> None:
    # Not the watched context: that the policy is broken here is the point.
    context = chromium.new_context()
    page = context.new_page()
    policy = (
        f"default-src 'none'; script-src 'self'; style-src 'self'; connect-src {server.url}/embed/"
    )
    server.tell(csp=policy)
    show(page, server, tag(), a=RUNNING)
    expect(part(page, "value")).to_have_text("40%")
    expect(part(page, "icon")).to_have_attribute("title", "Updated by stream")
    context.close()


def test_an_expired_token_is_renewed_and_one_that_is_refused_says_so(
    page: Page, server: Server
) -> None:
    server.tell(answers={"/refresh/a": {"body": {"token": "a"}}})
    gone = {"status": 410, "body": {"detail": "Sign in again to go on."}}
    server.tell(answers={"/refresh/b": gone})
    old = [tag("a", token="a!expired", refresh="/refresh/a")]
    old += [tag("b", token="b!expired", refresh="/refresh/b")]
    page.context.add_cookies([{"name": "csrftoken", "value": "c5rf", "url": server.url}])
    show(page, server, *old, a=RUNNING, b=RUNNING)
    expect(part(page, "value").nth(0)).to_have_text("40%")
    expect(part(page, "note").nth(1)).to_have_text("Sign in again to go on.")
    told = [(ask["path"], ask["csrf"], ask["body"]) for ask in asked(server)]
    assert sorted(told) == [
        ("/refresh/a", "c5rf", {"id": "a", "ids": ["a"]}),
        ("/refresh/b", "c5rf", {"id": "b", "ids": ["b"]}),
    ]
    server.tell(expire=["a1"])
    say(server, a={"status": "running", "progress": {"percent": 60}})
    # One renewal follows another after five seconds at the soonest.
    expect(part(page, "value").nth(0)).to_have_text("60%", timeout=20_000)


def test_a_server_that_restarts_under_another_epoch_is_believed(page: Page, server: Server) -> None:
    show(page, server, tag(), a=RUNNING)
    for percent in (50, 60):
        say(server, a={"status": "running", "progress": {"percent": percent}})
    expect(part(page, "value")).to_have_text("60%")
    server.tell(bye=20, epoch="e2")
    wait_until(lambda: len(server.heard("socket")) > 1)
    say(server, a={"status": "running", "progress": {"percent": 61}})
    expect(part(page, "value")).to_have_text("61%")


def test_two_hundred_elements_share_one_socket(page: Page, server: Server) -> None:
    rows = {f"t{number}": RUNNING for number in range(200)}
    show(page, server, *(tag(name) for name in rows), **rows)
    wait_until(lambda: live(page) == 200)
    assert len(server.heard("socket")) == 1
    assert len(server.heard("open")) == 1


def test_more_than_a_socket_carries_is_followed_by_a_second_one(page: Page, server: Server) -> None:
    rows = {f"t{number}": RUNNING for number in range(501)}
    show(page, server, *(tag(name) for name in rows), **rows)
    wait_until(lambda: live(page) == 501)
    assert len(server.heard("socket")) == 2


def test_an_element_that_is_moved_changed_and_removed(page: Page, server: Server) -> None:
    show(page, server, tag(), "<aside></aside>", a=RUNNING, b=DONE)
    expect(part(page, "value")).to_have_text("40%")
    page.evaluate(
        "document.querySelector('aside').append(document.querySelector('headway-progress'))"
    )
    say(server, a={"status": "running", "progress": {"percent": 50}})
    expect(part(page, "value")).to_have_text("50%")
    assert len(server.heard("subjects")) == 1
    page.locator(ELEMENT).evaluate(
        "element => { element.setAttribute('task', 'b'); element.setAttribute('token', 'b'); }"
    )
    expect(part(page, "title")).to_have_text("Done")
    page.locator(ELEMENT).evaluate("element => element.remove()")
    wait_until(lambda: server.asked()["sockets"] == 0)


def test_german_is_fetched_for_a_german_page(page: Page, server: Server) -> None:
    german = '<section lang="de-AT">' + tag() + "</section>"
    show(page, server, german, a={"status": "queued", "queue_position": 3})
    expect(part(page, "title")).to_have_text("Wartet auf den Start")
    expect(part(page, "value")).to_have_text("etwa 3. in der Reihe")


def test_one_polite_region_tells_quarters_and_the_end(page: Page, server: Server) -> None:
    show(page, server, tag(label="reel.mp4"), tag("b"), a=RUNNING, b=RUNNING)
    region = page.locator("[role=status]")
    expect(region).to_have_count(1)
    expect(part(page, "value")).to_have_text(["40%", "40%"])
    say(server, a={"status": "running", "progress": {"percent": 51}})
    expect(region).to_have_text("reel.mp4: 51%")
    say(server, a={"status": "running", "progress": {"percent": 60}})
    expect(part(page, "value").nth(0)).to_have_text("60%")
    expect(region).to_have_text("reel.mp4: 51%")
    say(server, a=DONE)
    expect(region).to_have_text("reel.mp4: Done")
    expect(page.get_by_role("progressbar", name="In progress")).to_have_attribute("value", "40")


def test_what_a_task_says_is_text(page: Page, server: Server) -> None:
    evil = "<img src=x onerror=alert(1)>"
    row = {"status": "running", "progress": {"percent": 1, "message": evil}, "label": evil}
    show(page, server, tag(), a=row)
    expect(part(page, "title")).to_have_text(evil)
    assert page.locator(f"{ELEMENT} img").count() == 0


def test_a_host_themes_it_by_properties_and_parts(page: Page, server: Server) -> None:
    style = (
        "headway-progress { --headway-progress-accent: rgb(1 2 3); --headway-progress-bar: 9px }"
    )
    style += " headway-progress::part(title) { color: rgb(4, 5, 6) }"
    server.tell(files={"/host.css": style})
    show(page, server, '<link rel="stylesheet" href="/host.css">' + tag(), a=RUNNING)
    expect(part(page, "title")).to_have_css("color", "rgb(4, 5, 6)")
    expect(part(page, "bar")).to_have_css("color", "rgb(1, 2, 3)")
    expect(part(page, "bar")).to_have_css("height", "9px")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_state_is_accessible(chromium: Any, server: Server, scheme: Any) -> None:
    server.tell(page="")
    context = chromium.new_context(color_scheme=scheme, reduced_motion="reduce")
    page = context.new_page()
    page.goto(server.url + SHEET)
    expect(part(page, "title")).to_have_count(25)
    expect(page.get_by_text("Connection lost")).to_be_visible()
    assert violations(page) == []
    context.close()


def test_right_to_left_mirrors_and_nothing_is_wider_than_a_phone(
    page: Page, server: Server
) -> None:
    page.set_viewport_size({"width": 360, "height": 780})
    page.goto(server.url + SHEET)
    expect(part(page, "title")).to_have_count(25)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    box = page.locator(f"#rtl {ELEMENT}").first
    icon, percent = (box.locator(f"[part={name}]").bounding_box() for name in ("icon", "value"))
    assert icon is not None
    assert percent is not None
    assert icon["x"] > percent["x"]


def test_forced_colours_keep_the_bar(chromium: Any, server: Server) -> None:
    context = chromium.new_context(forced_colors="active", reduced_motion="reduce")
    page = context.new_page()
    show(page, server, tag(), a=RUNNING)
    expect(part(page, "bar")).to_have_css("border-top-width", "1px")
    expect(page.locator(f"{ELEMENT} svg").first).to_have_css("animation-name", "none")
    context.close()


@pytest.mark.parametrize("framework", ["react", "vue"])
def test_a_framework_makes_changes_and_removes_it(
    page: Page, server: Server, framework: str
) -> None:
    esbuild = ROOT / "node_modules" / ".bin" / "esbuild"
    source = ROOT / "tests" / "js" / "frameworks" / f"{framework}.js"
    options = ["--bundle", "--format=esm", '--define:process.env.NODE_ENV="production"']
    made = subprocess.run([esbuild, source, *options], capture_output=True, check=True)
    server.tell(files={"/app.js": made.stdout.decode()}, page="<main></main>")
    server.tell(head=HEAD + '<script type="module" src="/app.js"></script>')
    say(server, a=RUNNING, b=DONE)
    page.goto(server.url)
    expect(part(page, "value")).to_have_text("40%")
    page.get_by_role("button", name="Next").click()
    expect(part(page, "note")).to_have_text("Done in 4\u00a0min")
    expect(page.locator("output")).to_have_text("1")
    page.get_by_role("button", name="Close").click()
    wait_until(lambda: server.asked()["sockets"] == 0)


def test_htmx_swaps_it_in_and_out(page: Page, server: Server) -> None:
    swap = '<button hx-get="/part.html" hx-target="#part" hx-swap="innerHTML">Swap</button>'
    config = """<meta name="htmx-config" content='{"includeIndicatorCSS": false}'>"""
    server.tell(
        csp="default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'",
        files={"/part.html": tag("b")},
        head=HEAD + config + '<script src="/node_modules/htmx.org/dist/htmx.min.js"></script>',
    )
    show(page, server, swap, f"<div id=part>{tag('a')}</div>", a=RUNNING, b=DONE)
    expect(part(page, "value")).to_have_text("40%")
    page.get_by_role("button", name="Swap").click()
    expect(part(page, "title")).to_have_text("Done")
    assert len(server.heard("socket")) == 1
    # Keys are used again: a page that swaps for hours stays within what a socket may hold.
    for task in ("c", "d", "e"):
        server.tell(
            files={"/part.html": tag(task)}, rows={f"task:{task}": {**RUNNING, "label": task}}
        )
        page.get_by_role("button", name="Swap").click()
        expect(part(page, "title")).to_have_text(task)
    assert {token["key"] for token in server.heard("token")} == {"a1", "a2"}
