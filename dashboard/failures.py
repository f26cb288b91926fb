"""Groups of failures as their page shows them: every value already a text, so that a template only
places it.

static/headway/failures.js writes the same lines when a group changes; tests/vectors/failures.json
holds both to it. `now` is in Unix seconds.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dashboard import formats, geometry, words
from dashboard.overview import NEW_FOR_S, Links, failure_url, search, sentence
from dashboard.presentation import term

Row = Mapping[str, Any]

OPEN, MUTED, RESOLVED = "open", "muted", "resolved"
STATES = (OPEN, MUTED, RESOLVED)
_MASK = re.compile(r"(‹[^›]*›)")
_ICONS = {OPEN: "failed", MUTED: "mute", RESOLVED: "check"}


def ordered(rows: Iterable[Row]) -> list[Row]:
    """What nobody looked at first, then what fails most, then what failed last."""
    return sorted(
        rows,
        key=lambda row: (
            STATES.index(row["state"]),
            -row["last_hour"],
            -row["last_seen_at"],
            row["signature"],
        ),
    )


def line(row: Row, links: Links, now: float) -> dict[str, Any]:
    """The cells of one group."""
    state = row["state"]
    is_quiet = state != OPEN
    return {
        "key": row["signature"],
        "url": failure_url(row["signature"], links),
        "type": row["type"],
        "message": pieces(row["message"]),
        "name": row.get("name") or "",
        "frame": row.get("frame") or "",
        "bars": geometry.bars(row["spark"]),
        "drawn": "queued" if is_quiet else "failed",
        "hour": formats.number(row["last_hour"]) if row["last_hour"] else formats.NONE,
        "day": formats.number(row["last_day"]) if row["last_day"] else formats.NONE,
        "first": sentence("%(time)s", row["first_seen_at"], now),
        "last": sentence("%(time)s", row["last_seen_at"], now),
        "state": state,
        "icon": f"#i-{_ICONS[state]}",
        "word": str(words.FAILURES[state]),
        "news": _news(row, now),
        "until": _until(row),
        "is_quiet": is_quiet,
    }


def blank() -> dict[str, Any]:
    """The same cells without a group, for the page's `<template>`."""
    empty = {"before": "", "at": None, "time": "", "after": ""}
    shape = dict.fromkeys(("first", "last", "news"), empty)
    return {"bars": (), "drawn": "failed", "state": OPEN, "icon": "#i-failed", **shape}


def pieces(message: str | None) -> list[dict[str, Any]]:
    """A message, of which what was masked is told apart."""
    return [
        {"text": text, "is_mask": bool(_MASK.fullmatch(text))}
        for text in _MASK.split(message or "")
        if text
    ]


def _news(row: Row, now: float) -> Any:
    if row["state"] == OPEN and row["returned_at"] is not None:
        return sentence(words.FAILURES["returned"], row["returned_at"], now)
    if row["state"] == OPEN and now - row["first_seen_at"] < NEW_FOR_S:
        return sentence(words.FAILURES["new"], row["first_seen_at"], now)
    return sentence("", None, now)


def _until(row: Row) -> str:
    """How long it is muted, or who resolved it."""
    if row["state"] == MUTED:
        if row["muted_until"] is None:
            return str(words.FAILURES["muted_for_good"])
        when = formats.moment(row["muted_until"])
        return str(words.FAILURES["muted_until"]) % {"when": when}
    if row["state"] == RESOLVED and row["state_by"]:
        return str(words.FAILURES["by"]) % {"user": row["state_by"]}
    return ""


def counts(rows: Sequence[Row]) -> dict[str, int]:
    """How many groups there are, in all and in each state."""
    return {"all": len(rows)} | {
        state: sum(row["state"] == state for row in rows) for state in STATES
    }


def tasks_url(signature: str, links: Links) -> str:
    """The list of the tasks that failed so."""
    return search(links, term("signature", signature), "conclusion:failed")
