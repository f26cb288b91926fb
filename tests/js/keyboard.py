"""Walks through a page by keyboard alone: is every control reached, seen, and left again?"""

from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Page

from tests.services.process import ROOT

_SCRIPT = (ROOT / "tests" / "js" / "walk.js").read_text(encoding="utf-8")
_ARROWS = ("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp")
_MOST = 1500
"""Presses of a key; more than any page has stops."""
_PRESSED = {"click", "mousedown", "pointerdown", "mouseup", "pointerup"}


@dataclass(slots=True)
class Walk:
    """What a walk came by."""

    controls: list[dict[str, Any]]
    stops: list[dict[str, Any]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def name(self, place: int) -> str:
        return str(self.controls[place]["told"])


def walk(page: Page, *, part: str = "", is_dialog: bool = False) -> Walk:
    """Go from the top to the end with Tab, through what only arrows reach, and back again.

    `part`: only through this part of the page, from its control that has the focus now.
    `is_dialog`: an open dialog keeps the focus, so that its end is its beginning.
    """
    page.evaluate(f"() => {{ {_SCRIPT} }}")
    done = Walk(page.evaluate("part => keyboard.collect(part)", part))
    reached = {page.evaluate("() => keyboard.here()")["place"]} if part else set()
    if not (is_dialog or part):
        _begin(page)
    done.stops = _forth(page, done, "Tab", is_dialog, bool(part))
    reached |= {stop["place"] for stop in done.stops}
    if not is_dialog:
        if not part:
            _back(page, done)
        _in_reading_order(done)
    reached |= _by_arrows(page, done, reached)
    for place, control in enumerate(done.controls):
        if place not in reached:
            done.faults.append(f"is not reached: {control['told']}")
        if not control["isOrdered"]:
            done.faults.append(f"has an order of its own: {control['told']}")
    return done


def _begin(page: Page) -> None:
    """The focus is where a page that was just opened has it."""
    page.evaluate("""() => {
      window.scrollTo(0, 0);
      const start = document.createElement("i");
      start.tabIndex = -1;
      document.body.prepend(start);
      start.focus();
      start.remove();
    }""")


def _forth(
    page: Page, done: Walk, key: str, is_dialog: bool = False, is_part: bool = False
) -> list[dict[str, Any]]:
    """The stops of this key, until it leaves the page, or the part of it."""
    stops: list[dict[str, Any]] = []
    seen: set[int] = set()
    for _ in range(_MOST):
        page.keyboard.press(key)
        here = page.evaluate("() => keyboard.here()")
        place = here["place"]
        if place < 0 and is_part:
            return stops
        if place < 0 and not here["told"]:
            if not is_dialog:
                return stops
            continue
        if place in seen:
            if place != stops[0]["place"]:
                done.faults.append(f"{key} does not lead on from {stops[-1]['told']}")
            return stops
        if not here["isHit"]:
            done.faults.append(f"is covered or out of sight after {key}: {here['told']}")
        if not here["isMarked"]:
            done.faults.append(f"does not show its focus: {here['told']}")
        seen.add(place)
        stops.append(here)
    raise AssertionError(f"{key} never left the page: {stops[-3:]}")


def _by_arrows(page: Page, done: Walk, reached: set[int]) -> set[int]:
    """What the arrows lead to from the stops of Tab, where there is anything that it left out."""
    missing = {place for place, each in enumerate(done.controls) if each["isRoving"]} - reached
    found: set[int] = set()
    begun = [place for place in sorted(reached) if place >= 0]
    for first in begun if missing else []:
        waiting = [first]
        while waiting and missing:
            place = waiting.pop()
            for arrow in _ARROWS:
                page.evaluate("place => keyboard.focus(place)", place)
                page.keyboard.press(arrow)
                here = page.evaluate("() => keyboard.here()")
                if here["place"] not in missing:
                    continue
                if not (here["isHit"] and here["isMarked"]):
                    done.faults.append(f"is not seen after {arrow}: {here['told']}")
                missing.discard(here["place"])
                found.add(here["place"])
                waiting.append(here["place"])
    return found


def _back(page: Page, done: Walk) -> None:
    """Shift and Tab stop where Tab did, from the end to the top."""
    if not done.stops:
        return
    page.evaluate("place => keyboard.focus(place)", done.stops[-1]["place"])
    stops = _forth(page, done, "Shift+Tab")
    forth = [stop["place"] for stop in done.stops[-2::-1]]
    back = [stop["place"] for stop in stops]
    if back[: len(forth)] != forth:
        done.faults.append(f"the way back is another: {[stop['told'] for stop in stops][:8]}")


def _in_reading_order(done: Walk) -> None:
    """No stop is above and before the one that it follows."""
    before: dict[str, Any] | None = None
    for stop in done.stops:
        here = stop["box"]
        if before and here and before["box"]:
            there = before["box"]
            is_above = here["bottom"] + stop["y"] <= there["top"] + before["y"]
            if is_above and here["left"] < there["left"] - 1:
                done.faults.append(f"{stop['told']} stands before {before['told']}")
        before = stop


def silent_listeners(page: Page) -> list[str]:
    """What answers a pointer by a listener of its own, and has no control in or around it."""
    session = page.context.new_cdp_session(page)
    found: list[str] = []
    listening = session.send(
        "Runtime.evaluate", {"expression": "keyboard.listening()", "objectGroup": "walk"}
    )["result"]["objectId"]
    properties = session.send(
        "Runtime.getProperties", {"objectId": listening, "ownProperties": True}
    )["result"]
    for each in properties:
        element = each.get("value", {}).get("objectId")
        if not each["name"].isdecimal() or not element:
            continue
        listeners = session.send("DOMDebugger.getEventListeners", {"objectId": element})
        if not _PRESSED & {listener["type"] for listener in listeners["listeners"]}:
            continue
        call = "function() { return keyboard.isReachable(this) ? '' : keyboard.told(this); }"
        answer = session.send(
            "Runtime.callFunctionOn",
            {"objectId": element, "functionDeclaration": call, "returnByValue": True},
        )
        if answer["result"]["value"]:
            found.append(answer["result"]["value"])
    session.send("Runtime.releaseObjectGroup", {"objectGroup": "walk"})
    session.detach()
    return found


def press(page: Page, *keys: str) -> None:
    """One after the other."""
    for key in keys:
        page.keyboard.press(key)


def tab_to(page: Page, selector: str, key: str = "Tab") -> None:
    """Press this key until the focus is there."""
    for _ in range(150):
        page.keyboard.press(key)
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"{key} never came to {selector}")


def at(page: Page, selector: str) -> None:
    """Wait until the focus is there."""
    page.wait_for_function("selector => document.activeElement.matches(selector)", arg=selector)
