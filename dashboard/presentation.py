"""Rows as the pages show them: every value already a text, so that a template only places it.

Rows come as `realtime.core.wire` makes them, minus the fields the viewer may not read; a missing
field is shown like
an unknown one. `now` is in Unix seconds.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from dashboard import formats, words
from dashboard.said import said

Row = Mapping[str, Any]

# A clock this far off (seconds) makes the ages on the page wrong enough to see.
SKEW_LIMIT_S = 1.0
# An estimate from less than this much work is noise.
_ESTIMATE_AFTER_S = 5.0
# Whole, since a template takes five times as long over what is not there.
_NO_BAR: Row = {"is_shown": False, "percent": None, "detail": "", "title": "", "label": ""}
_NO_NOTE: Row = {"strong": "", "text": ""}


def state_of(row: Row) -> str:
    """The one word a task is shown under: its conclusion when it is over, else its status;
    `unknown` for one that a
    newer receiver wrote and this version has no word for."""
    state = row.get("conclusion") or row["status"]
    return state if state in words.STATES else "unknown"


def search_url(query: str) -> str:
    """The task list with this query."""
    return f"{reverse('headway:tasks')}?{urlencode({'query': query})}"


def term(key: str, value: str) -> str:
    """One term of the filter language for an exact value: `queue:media`, `worker:"a b"`."""
    is_syntax = any(character in ',"*\\' or character.isspace() for character in value)
    needs_quotes = is_syntax or value.startswith("-") or not value
    escaped = "".join(f"\\{character}" if character in '\\"*' else character for character in value)
    return f'{key}:"{escaped}"' if needs_quotes else f"{key}:{value}"


def task_line(row: Row, now: float) -> dict[str, Any]:
    """The cells of one row of the task list."""
    state = state_of(row)
    module, function = (
        formats.name(row["name"]) if row.get("name") else ("", formats.short_id(row["id"]))
    )
    worker = row.get("worker") or ""
    queue = row.get("queue") or ""
    bar = _bar(row, function, now)
    return {
        "id": row["id"],
        "url": reverse("headway:task", args=[row["id"]]),
        "status": row["status"],
        "conclusion": row.get("conclusion") or "",
        "state": state,
        "word": words.STATES[state],
        "module": module,
        "function": function,
        "title": row.get("name") or row["id"],
        "arguments": formats.args(row.get("args"), row.get("kwargs")),
        "where": " · ".join(part for part in (queue, worker) if part),
        "bar": bar,
        "note": _NO_NOTE if bar["is_shown"] else _note(row, state, now),
        "queue": queue or formats.NONE,
        "worker": formats.worker(worker)[0] or formats.NONE,
        "worker_title": worker,
        "wait": formats.duration(row.get("wait")),
        "runtime": formats.duration(running_time(row, now)),
        "age": formats.age(now - row["first_seen_at"]),
        "age_at": stamp(row["first_seen_at"]),
        "age_iso": formats.iso(row["first_seen_at"]),
        "age_title": formats.exact(row["first_seen_at"]),
    }


def node_line(row: Row) -> dict[str, Any]:
    """What names a task where there is room for little: state, name and address."""
    state = state_of(row)
    name = str(row["name"] or "")
    module, function = formats.name(name) if name else ("", formats.short_id(row["id"]))
    return {
        "id": row["id"],
        "url": reverse("headway:task", args=[row["id"]]),
        "state": state,
        "word": words.STATES[state],
        "module": module,
        "function": function,
        "title": name or row["id"],
    }


def blank_task_line() -> dict[str, Any]:
    """The same cells without a task, for the page's `<template>`."""
    blank = {"bar": _NO_BAR, "note": _NO_NOTE}
    return {"state": "unknown", "word": words.STATES["unknown"], **blank}


def stamp(at: float) -> str:
    """An instant for a data attribute: Unix seconds, in the same digits whatever the language of
    the page."""
    return f"{at:.3f}"


def running_time(row: Row, now: float) -> float | None:
    """Seconds the task ran, or has been running; None when it has not started."""
    if row.get("runtime") is not None:
        return float(row["runtime"])
    is_running = row["status"] in ("running", "stalled")
    return now - row["started_at"] if is_running and row.get("started_at") else None


def _bar(row: Row, function: str, now: float) -> Mapping[str, Any]:
    progress = row.get("progress")
    if not progress or row["status"] != "running":
        return _NO_BAR
    share = progress.get("percent")
    title = progress.get("message") or progress.get("stage") or counted(progress)
    end = expected_end(row)
    left = 0 if end is None else end - now
    return {
        "is_shown": True,
        "percent": None if share is None else int(min(100, max(0, share))),
        "detail": words.NOTES["left"] % {"time": formats.age(left)} if left > 0 else title,
        "title": title,
        "label": words.NOTES["progress_of"] % {"name": function},
    }


def expected_end(row: Row) -> float | None:
    """When a running task will probably be done, by its pace so far; None where that is not
    known."""
    progress, start = row.get("progress"), row.get("started_at")
    if not progress or start is None or progress.get("percent") is None:
        return None
    share, elapsed = progress["percent"], progress["updated_at"] - start
    if elapsed < _ESTIMATE_AFTER_S or not 0 < share < 100:
        return None
    return float(progress["updated_at"] + elapsed * (100 - share) / share)


def counted(progress: Row) -> str:
    """`4,608 of 7,200 frames`, `4,608 frames`, or nothing."""
    current, total = progress.get("current"), progress.get("total")
    if current is None:
        return ""
    amount = (
        formats.number(current)
        if total is None
        else f"{formats.number(current)} / {formats.number(total)}"
    )
    return f"{amount} {progress.get('unit') or ''}".strip()


def _note(row: Row, state: str, now: float) -> dict[str, str]:
    strong, text = _NOTES.get(state, _default_note)(row, state, now)
    return {"strong": str(strong), "text": str(text)}


def _default_note(row: Row, state: str, now: float) -> tuple[str, str]:
    return "", said(row.get("reason") or "") or str(words.NOTES.get(state, ""))


def _scheduled(row: Row, state: str, now: float) -> tuple[str, str]:
    if row.get("eta") is None:
        return _default_note(row, state, now)
    return "", _countdown(row["eta"] - now, "scheduled_in", "scheduled_due")


def _retrying(row: Row, state: str, now: float) -> tuple[str, str]:
    type_, message = formats.exception(row.get("exception") or "")
    because = f"{type_}: {message}" if message else type_
    if row.get("retry_at") is None:
        return str(words.NOTES["retry_unknown"]), because
    return _countdown(row["retry_at"] - now, "retry_in", "retry_due"), because


def _countdown(left: float, ahead: str, due: str) -> str:
    if left <= 0:
        return str(words.NOTES[due])
    return words.NOTES[ahead] % {"time": formats.age(left)}


def _failed(row: Row, state: str, now: float) -> tuple[str, str]:
    if not row.get("exception"):
        return _default_note(row, state, now)
    return formats.exception(row["exception"])


def _succeeded(row: Row, state: str, now: float) -> tuple[str, str]:
    parts = [counted(row["progress"])] if row.get("progress") else []
    if row.get("retries"):
        parts.append(retried(row["retries"]))
    return "", ", ".join(part for part in parts if part)


def retried(times: int) -> str:
    """`after 1 retry`, `after 3 retries`."""
    if times == 1:
        return str(words.NOTES["after_one_retry"])
    return words.NOTES["after_retries"] % {"count": times}


_NOTES = {
    "scheduled": _scheduled,
    "retrying": _retrying,
    "failed": _failed,
    "succeeded": _succeeded,
}
