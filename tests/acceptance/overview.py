"""The overview of a running dashboard in a browser, and what it says is wrong."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, expect

from tests.acceptance.support import Capture, Site, one_process, sign_in, tell, wait_for_badge
from tests.integration import celery_app

ENOUGH_S = 90.0
"""For a test to fail by: what it is to prove is printed, and is less."""


class Overview:
    """An open overview. `says` and `is_quiet_about` return the seconds that it took."""

    def __init__(self, page: Page, capture: Capture) -> None:
        self.page = page
        self._capture = capture

    @property
    def problems(self) -> Locator:
        return self.page.locator("[data-list='problems'] li, [data-list='further'] li")

    def says(self, fact: str, *words: str, since: float, within_s: float) -> Locator:
        """The problem in which all these words stand, from `since` (a clock that never goes back)
        on within so many seconds; how long it took is printed."""
        found = self.problems
        for text in words:
            found = found.filter(has_text=text)
        expect(found).to_have_count(1, timeout=1000 * ENOUGH_S)
        self._note(fact, " ".join(found.inner_text().split()), since, within_s)
        return found

    def is_quiet_about(self, fact: str, subject: str, since: float, within_s: float) -> None:
        """No problem names the subject any more."""
        named = self.problems.filter(has_text=subject)
        expect(named).to_have_count(0, timeout=1000 * ENOUGH_S)
        self._note(fact, f"no word of {subject}", since, within_s)

    def shows(self, fact: str, place: str, text: str, since: float, within_s: float) -> None:
        """What stands at a place of the page."""
        expect(self.page.locator(place)).to_contain_text(text, timeout=1000 * ENOUGH_S)
        self._note(fact, text, since, within_s)

    def _note(self, fact: str, said: str, since: float, within_s: float) -> None:
        took = time.monotonic() - since
        tell(self._capture, f"{took:5.1f} s | {fact} | {said}")
        assert took < within_s, f"{fact} took {took:.1f} s, not {within_s} s"


@contextmanager
def watching(chromium: Browser, site: Site, capture: Capture) -> Iterator[Overview]:
    """The overview of this site, live."""
    with chromium.new_context() as context:
        page = context.new_page()
        sign_in(page, site.url)
        page.goto(f"{site.url}/")
        wait_for_badge(page, "live")
        yield Overview(page, capture)


@contextmanager
def watched(
    chromium: Browser, broker: str, backend: str, directory: Path, capture: Capture
) -> Iterator[tuple[Site, Overview]]:
    """A dashboard, and a client of its cluster."""
    with (
        celery_app.connected(broker, backend),
        one_process(directory, broker, backend) as (_, site),
        watching(chromium, site, capture) as overview,
    ):
        yield site, overview


def assert_three_ways(
    overview: Overview, site: Site, number: int, since: float, within_s: float
) -> None:
    """Three new failures, each of a third of the tasks, and no other."""
    count = f"{number // celery_app.WAYS:,} tasks failed with it"
    for way in ("Declined", "KeyError", "TimeoutError"):
        words = (f"{way} in fail_in_ways is new.", count)
        overview.says(f"{number:,} tasks fail", *words, since=since, within_s=within_s)
    expect(overview.page.locator("[data-list='failures'] > li")).to_have_count(3)
    expect(overview.page.locator("nav [data-open-failures]")).to_have_text("3")
    groups = site.get("failures")["items"]
    assert [group["count"] for group in groups] == [number // celery_app.WAYS] * celery_app.WAYS
