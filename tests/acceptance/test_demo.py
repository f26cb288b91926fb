"""`headway demo`: everything in one process, and every state on the page within seconds."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.acceptance.support import Site, wait_for_badge
from tests.services.headway import HeadwayWeb
from tests.services.process import wait_until


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HeadwayWeb]:
    with HeadwayWeb(tmp_path_factory.mktemp("demo"), "demo") as server:
        server.wait_for_line(r"^api key: \S+")
        yield server


def told(demo: HeadwayWeb, what: str) -> str:
    return demo.wait_for_line(rf"^{what}: (\S+)$")[1]


def test_every_kind_of_state_is_seen_within_seconds(demo: HeadwayWeb) -> None:
    site = Site(told(demo, "url").rstrip("/"), told(demo, "api key"))
    wanted = ["succeeded", "failed", "cancelled", "running", "queued", "scheduled", "retrying"]
    seen: set[str] = set()

    def all_seen() -> bool:
        for row in site.tasks().values():
            seen.add(row["conclusion"] or row["status"])
            if row["progress"] and row["progress"]["percent"]:
                seen.add("progress")
        return seen >= {*wanted, "progress"}

    wait_until(all_seen, 60, f"all of {wanted}")


def test_secrets_of_the_shop_are_redacted(demo: HeadwayWeb) -> None:
    site = Site(told(demo, "url").rstrip("/"), told(demo, "api key"))
    payments = wait_until(lambda: site.tasks("name:shop.payments.charge_card"), 30)
    assert all(row["kwargs"]["card_number"] == "[redacted]" for row in payments.values())


def test_the_shops_schedule_is_told(demo: HeadwayWeb) -> None:
    site = Site(told(demo, "url").rstrip("/"), told(demo, "api key"))
    entries = wait_until(lambda: site.get("schedule")["items"], 30)
    assert {"nightly-sales", "sync-suppliers"} <= {entry["name"] for entry in entries}


def test_a_button_starts_a_piece_of_work(demo: HeadwayWeb, page: Page) -> None:
    url = told(demo, "url")
    page.goto(f"{url}demo/")
    page.get_by_label("Username").fill(told(demo, "user"))
    page.get_by_label("Password").fill(told(demo, "password"))
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Start Rebuild the search index").click()
    page.get_by_text("Started: Rebuild the search index.").wait_for()
    page.get_by_role("link", name="Watch it").click()
    wait_for_badge(page, "live")
    page.goto(f"{url}tasks/?query=name:shop.reports.rebuild_search_index")
    page.locator("headway-task-list tbody tr[data-id]").first.wait_for()


def test_exactly_four_lines_are_answered_and_a_signal_ends_it_in_order(tmp_path: Path) -> None:
    answers = tmp_path / "answers"
    program = ("sh", "-c", f'exec "$0" "$@" > {answers}')
    server = HeadwayWeb(tmp_path, "demo")
    server.command = [*program, *server.command]
    with server:
        wait_until(lambda: answers.read_text().count("\n") >= 4, 30)
        assert server.stop() == 0
    lines = answers.read_text().splitlines()
    assert [line.partition(": ")[0] for line in lines] == ["url", "user", "password", "api key"]


def test_a_taken_port_is_said(tmp_path: Path, demo: HeadwayWeb) -> None:
    second = HeadwayWeb(tmp_path, "demo")
    second.command[-1] = str(demo.port)
    super(HeadwayWeb, second).start()
    assert second.wait_for_exit() == 1
    assert f"--port {demo.port}" in second.output()
