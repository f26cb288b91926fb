"""The system's Chromium, driven by Playwright."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.services.needs import require_program

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """Yield a headless Chromium. While it is open no asyncio test can run on this thread."""
    program = require_program(*_NAMES)
    sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()  # Chromium's own refuses root
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(program), args=[*_FLAGS, *sandbox])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def browsing(browser: Browser, **options: Any) -> Iterator[BrowserContext]:
    """A fresh profile; a script error or a violation of the pages' policy fails the test."""
    faults = _Faults()
    context = browser.new_context(**options)
    faults.watch(context)
    try:
        yield context
    finally:
        context.close()
    assert faults == []


class _Faults(list[str]):
    """What a page must never do: throw, or be stopped by its content security policy."""

    def watch(self, context: BrowserContext) -> None:
        context.on("page", self._watch_page)

    def _watch_page(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.append(f"{page.url}: {error}"))
        page.on("console", lambda message: self._note(page, message))

    def _note(self, page: Page, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            self.append(f"{page.url}: {message.text}")
