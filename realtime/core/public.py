"""What people who wait are shown of a task or a group, and nothing else of it ever leaves.

A row of theirs is built field by field from what is named here: no name, queue, worker, argument,
traceback or exception, but the text of an exception that its host declared safe. Sentences are
made by whoever shows the row, in the language of the page.
"""

import ast
import re
from collections.abc import Collection
from typing import NamedTuple, cast

from realtime.core.task import (
    COMPLETED,
    CONCLUSIONS,
    FAILED,
    QUEUED,
    RUNNING,
    STATUSES,
    SUCCEEDED,
    UNKNOWN,
)
from realtime.core.wire import Row

TASK = "task"
GROUP = "group"
MAX_ID_LENGTH = 255
CAN = frozenset({"result", "cancel", "retry"})
"""What a token may grant beside the look."""

EXPECTED_S = 600.0
"""So long after it was handed over nobody wonders that nothing was heard of a task."""
PUBLIC_ERRORS = ("PublicError",)
"""Exceptions whose text is made for the people who wait, unless the host names others."""
MAX_MESSAGE = 300

HANDED_OVER = "handed_over"
NEVER_SEEN = "never_seen"
NO_NEWS = "no_news"
BLIND = "blind"
"""Notes: it was handed over and there is no news yet; nothing was ever seen of it and nobody
vouched for it; it was handed over and nothing was heard for long; nothing can be heard now."""

_TROUBLE = frozenset({FAILED, "rejected", "expired", "lost"})
_EXCEPTION = re.compile(r"\s*([A-Za-z_][\w.]{0,254})\((?:-?\d+, )?", re.ASCII)
_ESCAPE = r"\\(?:[\\'\"abfnrtv]|x[0-9a-f]{2}|u[0-9a-f]{4}|U000[0-9a-f]{5}|U0010[0-9a-f]{4})"
_LITERAL = re.compile(
    rf"'(?P<single>(?:[^'\\\n\r\0]|{_ESCAPE}){{0,2000}})"
    rf"|\"(?P<double>(?:[^\"\\\n\r\0]|{_ESCAPE}){{0,2000}})"
)
_HEX = re.compile(r"[0-9a-f]{8}")


class Expected(NamedTuple):
    """That somebody trusted said it was handed over: at `at` (Unix seconds), a group with `total`
    members, where that was told."""

    at: float
    total: int | None = None


class Usual(NamedTuple):
    """Seconds that a task of one name usually runs: a quarter of them less than `low`, a quarter
    more than `high`."""

    low: float
    high: float
    median: float


class Shown(NamedTuple):
    """How a token shows what it opens: equal ones are the same bytes."""

    has_result: bool = False
    label: str | None = None
    actions: frozenset[str] = frozenset()
    """Of `cancel` and `retry`."""


def split(subject: object) -> tuple[str, str] | None:
    """Kind and id of `task:<id>` or `group:<id>`; None for what is neither."""
    if not isinstance(subject, str):
        return None
    kind, _, id_ = subject.partition(":")
    is_one = kind in (TASK, GROUP) and 0 < len(id_) <= MAX_ID_LENGTH
    return (kind, id_) if is_one else None


def subject_of(kind: str, id_: str) -> str:
    """The subject of a kind and an id."""
    return f"{kind}:{id_}"


def reference(id_: str) -> str | None:
    """What people name towards operators, who find the task by it: `HW-9D3F-0C6E`. None where the
    id does not begin with eight hexadecimal digits."""
    if not _HEX.match(id_):
        return None
    return f"HW-{id_[:4]}-{id_[4:8]}".upper()


def message(exception: object, public_errors: Collection[str] = PUBLIC_ERRORS) -> str | None:
    """The first text among the arguments of an exception (as Celery prints it) whose type is in
    `public_errors`; None for every other one."""
    if not isinstance(exception, str):
        return None
    named = _EXCEPTION.match(exception)
    if named is None or named.group(1).rpartition(".")[2] not in public_errors:
        return None
    found = _LITERAL.match(exception, named.end())
    if found is None:
        return None
    quote = "'" if found.group("double") is None else '"'
    body = found.group("single") if quote == "'" else found.group("double")
    # Python prints text that UTF-8 cannot carry as lone halves of a pair.
    text = str(ast.literal_eval(f"{quote}{body}{quote}")).encode("utf-8", "replace").decode()
    return " ".join(text.split())[:MAX_MESSAGE] or None


def task_row(
    row: Row | None,
    expected: Expected | None,
    shown: Shown,
    now: float,
    *,
    id: str,  # noqa: A002 -- the field's name
    left: float | None = None,
    usual: Usual | None = None,
    place: int | None = None,
    public_errors: Collection[str] = PUBLIC_ERRORS,
    is_blind: bool = False,
) -> Row:
    """The public row of a task.

    `row` is its whole row (`wire.task_row`), None where nothing is stored; `left` are the seconds
    that its own pace leaves, `usual` is what its name usually takes, `place` counts from 1 in its
    queue. `now` is Unix seconds; durations in the row are seconds as of `now`.
    """
    held: Row = row or {}
    status, note = _standing(held, expected, now)
    conclusion = _word(held, "conclusion", CONCLUSIONS) if status == COMPLETED else None
    is_over = status == COMPLETED
    can = shown.actions & _sensible(status, conclusion)
    usually = None if is_over or usual is None else [_seconds(usual.low), _seconds(usual.high)]
    return {
        "subject": subject_of(TASK, id),
        "id": id,
        "label": shown.label or _text(held, "label"),
        "status": status,
        "conclusion": conclusion,
        "progress": _progress(held.get("progress")),
        "queue_position": place if status == QUEUED else None,
        "eta_seconds": _seconds(left) if status == RUNNING else None,
        "usual_seconds": usually,
        "attempt": cast(int, held.get("retries") or 0) + 1,
        "retry_in": _until(held, "retry_at", now) if status == "retrying" else None,
        "starts_in": _until(held, "eta", now) if status == "scheduled" else None,
        "elapsed_seconds": _elapsed(held, expected, now),
        "is_vouched": expected is not None,
        "note": BLIND if is_blind and note is None and not is_over else note,
        "error": _error(held, conclusion, id, public_errors),
        "result": held.get("result") if shown.has_result and conclusion == SUCCEEDED else None,
        "can": sorted(can),
        "updated_at": _updated_at(held, expected),
        "revision": held.get("revision", 0),
    }


def group_row(
    row: Row | None,
    expected: Expected | None,
    shown: Shown,
    now: float,
    *,
    id: str,  # noqa: A002 -- the field's name
    left: float | None = None,
    is_blind: bool = False,
) -> Row:
    """The public row of a group, from its whole one (`wire.group_row`), None where nothing is
    stored; the rest as of `task_row`."""
    held: Row = row or {}
    status, note = _standing(held, expected, now)
    is_over = status == COMPLETED
    total = _total(held, expected)
    counts = {name: cast(int, held.get(name) or 0) for name in _COUNTED}
    if row is None and total is not None:
        counts["waiting"] = total
    finished = counts["succeeded"] + counts["failed"] + counts["cancelled"]
    known = finished + counts["running"] + counts["waiting"]
    return {
        "subject": subject_of(GROUP, id),
        "id": id,
        "label": shown.label,
        "status": status,
        "conclusion": _word(held, "conclusion", CONCLUSIONS) if is_over else None,
        "progress": _group_progress(held, finished, total),
        "counts": counts,
        "at_least": known if total is None else None,
        "eta_seconds": _seconds(left) if status == RUNNING else None,
        "elapsed_seconds": _elapsed(held, expected, now),
        "is_vouched": expected is not None,
        "note": BLIND if is_blind and note is None and not is_over else note,
        "can": sorted(shown.actions & _sensible(status, None) - {"retry"}),
        "updated_at": _updated_at(held, expected),
        "revision": held.get("revision", 0),
    }


_COUNTED = ("succeeded", "failed", "cancelled", "running", "waiting")
_OF_PROGRESS = ("current", "total", "percent", "unit", "message", "stage", "stages")


def _standing(held: Row, expected: Expected | None, now: float) -> tuple[str, str | None]:
    """Status and note. What was handed over and is not heard of yet is waiting, not unknown."""
    status = _word(held, "status", STATUSES) or UNKNOWN
    if status == UNKNOWN and expected is None:
        return UNKNOWN, NO_NEWS if held.get("sent_at") else NEVER_SEEN
    if status != UNKNOWN and (status != QUEUED or _is_heard_of(held)):
        return status, None
    due_at = overdue_at(held, expected)
    is_overdue = due_at is not None and now >= due_at
    return (UNKNOWN, NO_NEWS) if is_overdue else (QUEUED, HANDED_OVER)


def overdue_at(row: Row | None, expected: Expected | None) -> float | None:
    """When what was handed over, and is not heard of, is given up: what is told of it is another
    thing from then on, by the clock alone. Unix seconds; None where no clock changes it."""
    held: Row = row or {}
    status = _word(held, "status", STATUSES) or UNKNOWN
    if status == UNKNOWN:
        return None if expected is None else expected.at + EXPECTED_S
    # A task's own evidence ages in the fold; a group of which only its size was told does so here.
    if status != QUEUED or _is_heard_of(held) or "parts" not in held:
        return None
    since = expected.at if expected is not None else held.get("first_seen_at")
    return since + EXPECTED_S if isinstance(since, (int, float)) else None


def _is_heard_of(held: Row) -> bool:
    return any(held.get(name) for name in ("sent_at", "received_at", "started_at", "parts"))


def _sensible(status: str, conclusion: str | None) -> frozenset[str]:
    """What can be done with it now."""
    if status != COMPLETED:
        return frozenset({"cancel"})
    return frozenset({"retry"} if conclusion == FAILED else ())


def _progress(progress: object) -> Row | None:
    if not isinstance(progress, dict):
        return None
    return {name: progress.get(name) for name in _OF_PROGRESS}


def _group_progress(held: Row, finished: int, total: int | None) -> Row:
    percent = held.get("percent") if total is not None else None
    if not held and total is not None:
        percent = 0.0
    told = {"current": finished, "total": total, "percent": percent}
    return {name: told.get(name) for name in _OF_PROGRESS}


def _total(held: Row, expected: Expected | None) -> int | None:
    told = [held.get("total"), expected.total if expected is not None else None]
    known = [number for number in told if isinstance(number, int)]
    return max(known, default=None)


def _error(held: Row, conclusion: str | None, id_: str, public: Collection[str]) -> Row | None:
    if conclusion not in _TROUBLE:
        return None
    said = message(held.get("exception"), public) if conclusion == FAILED else None
    return {"message": said, "reference": reference(id_)}


def _elapsed(held: Row, expected: Expected | None, now: float) -> float | None:
    """Since it began to run, or else since it was handed over; of what is over, how long it ran."""
    began = held.get("started_at") or held.get("sent_at") or held.get("first_seen_at")
    if began is None and expected is not None:
        began = expected.at
    if began is None:
        return None
    if held.get("status") == COMPLETED and held.get("runtime") is not None:
        return _seconds(cast(float, held["runtime"]))
    until = held.get("finished_at") if held.get("status") == COMPLETED else None
    return _seconds(max(0.0, cast(float, until or now) - cast(float, began)))


def _until(held: Row, name: str, now: float) -> float | None:
    at = held.get(name)
    return None if at is None else _seconds(max(0.0, cast(float, at) - now))


def _updated_at(held: Row, expected: Expected | None) -> object:
    return held.get("updated_at", expected.at if expected is not None else None)


def _seconds(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _word(held: Row, name: str, words: Collection[str]) -> str | None:
    value = _text(held, name)
    return value if value in words else None


def _text(held: Row, name: str) -> str | None:
    value = held.get(name)
    return value if isinstance(value, str) else None
