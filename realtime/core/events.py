"""What a broker delivered, checked once: a raw dict becomes an `Event` or a counted `Reject`.

Field names follow Celery's event reference (docs.celeryq.dev, "Monitoring, Event Reference").
Nothing here trusts a sender: every value is type-checked and cut to a bound, and a malformed
event is answered with a value, never with an exception.
"""

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from realtime.core import literals

MAX_EVENT_BYTES = 256 * 1024
"""An event beyond this is dropped before it is decoded: no honest task event comes near."""

MAX_ID = 255
MAX_WORD = 255
MAX_MESSAGE = 200
MAX_REPR = 4 * 1024
"""Celery itself cuts argument reprs at 1 KB (`argsrepr` of `saferepr`, maxlen 1024)."""
MAX_EXCEPTION = 2 * 1024
MAX_TRACEBACK = 32 * 1024
MAX_RESULT = 4 * 1024
MAX_STAGES = 50
MAX_AT = 1e11
"""Unix seconds: the year 5138. What lies beyond is no instant."""

CUT = "…"

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")

TASK_KINDS = frozenset(
    {
        "task-sent",
        "task-received",
        "task-started",
        "task-succeeded",
        "task-failed",
        "task-retried",
        "task-revoked",
        "task-rejected",
        "task-cancelled",
        "task-progress",
        "task-context",
    }
)
WORKER_KINDS = frozenset({"worker-online", "worker-heartbeat", "worker-offline"})

Fields = dict[str, object]


class Event(NamedTuple):
    """One checked event. A tuple, because one is made for every event that arrives (0.5 us;
    a frozen dataclass of this size costs 2 us)."""

    kind: str
    """Celery's type, such as `task-received`."""
    id: str
    """The task's id, or the worker's hostname for worker events."""
    hostname: str
    pid: int
    at: float
    """When the sender stamped it, Unix seconds by the sender's clock."""
    clock: int
    """The sender's logical clock; 0 where it cannot be trusted."""
    received_at: float
    """When we took it off the broker, Unix seconds by our clock."""
    fields: Fields
    """Only the fields that `kind` knows, checked and cut."""


class Reject(NamedTuple):
    """An event that was dropped, and the counter it belongs to."""

    reason: str


def parse(raw: object, received_at: float) -> Event | Reject | None:
    """Check one decoded event; None for a kind that Headway has no use for (a host's own)."""
    if not isinstance(raw, dict):
        return Reject("not_an_object")
    kind = raw.get("type")
    if not isinstance(kind, str):
        return Reject("no_type")
    read = _READERS.get(kind)
    if read is None:
        return None
    hostname = raw.get("hostname")
    if not isinstance(hostname, str) or not 0 < len(hostname) <= MAX_ID:
        return Reject("bad_hostname")
    subject = raw.get("uuid") if kind in TASK_KINDS else hostname
    if not isinstance(subject, str) or not subject:
        return Reject("no_uuid")
    if not is_id(subject) or not is_id(hostname):
        return Reject("bad_uuid")
    at = _number(raw.get("timestamp"))
    if at is None or not 0 <= at < MAX_AT:
        return Reject("bad_timestamp")
    fields = read(raw)
    if isinstance(fields, Reject):
        return fields
    # A client never joins the workers' logical clock, so its value says nothing.
    clock = 0 if kind == "task-sent" else _count(raw.get("clock"))
    return Event(kind, subject, hostname, _count(raw.get("pid")), at, clock, received_at, fields)


def instant(value: object) -> float | None:
    """Unix seconds of an ISO 8601 text (UTC where it names no offset); None when it is none, or
    lies before 1970 or beyond `MAX_AT`."""
    if not isinstance(value, str) or len(value) > 64:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        at = moment.timestamp()
    except (OverflowError, ValueError):
        return None
    return at if 0 <= at < MAX_AT else None


def is_id(text: str) -> bool:
    """Whether this can name a task or a worker: of a bounded length, and without what no store
    holds, no query can ask for, or no address can carry (control characters, line ends)."""
    if not 0 < len(text) <= MAX_ID:
        return False
    return text.isprintable() or (_is_storable(text) and not _CONTROL.search(text))


def clean(value: object, limit: int) -> str | None:
    """The text without what no store can hold, cut to `limit` with a mark; None if not text."""
    if not isinstance(value, str):
        return None
    # Most text is plain: then no more is looked at.
    if ("\x00" in value or not value.isascii()) and not _is_storable(value):
        value = value.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
    return value if len(value) <= limit else value[: limit - 1] + CUT


def arguments(value: object, empty: str) -> object:
    """Positional or keyword arguments as data where their repr can be read, else the repr as text.

    `empty` is the repr of no arguments. A list, dict, text or None comes back, never more than
    `MAX_REPR` long; a repr that Celery cut does not parse and stays text.
    """
    if isinstance(value, list | tuple | dict):
        is_expected = isinstance(value, dict) == (empty == "{}")
        return _bounded(value) if is_expected else clean(_repr(value), MAX_REPR)
    text = clean(value, MAX_REPR)
    if text is None:
        return None
    if text == empty:
        return [] if empty == "()" else {}
    try:
        data = _as_json(literals.read(text), depth=0)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return text
    expected = list if empty == "()" else dict
    return data if isinstance(data, expected) else text


def _bounded(value: object) -> object:
    """Data that came as data: itself where it is small and JSON holds it, else its repr, cut."""
    text = _repr(value)
    if len(text) > MAX_REPR:
        return clean(text, MAX_REPR)
    try:
        return _as_json(value, depth=0)
    except ValueError:
        return clean(text, MAX_REPR)


def _repr(value: object) -> str:
    try:
        return repr(value)
    except (ValueError, RecursionError):
        # Nested too deep, or a number of more digits than Python prints.
        return CUT


def _as_json(value: object, depth: int) -> object:
    """The literal as JSON holds it; ValueError for what JSON cannot hold unchanged."""
    if depth > 20:
        raise ValueError("nested too deep")
    if isinstance(value, str):
        return clean(value, MAX_REPR)
    if isinstance(value, bool | None):
        return value
    if isinstance(value, int):
        if abs(value) > 2**63:
            raise ValueError("too large")
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("not finite")
        return value
    if isinstance(value, list | tuple):
        return [_as_json(item, depth + 1) for item in value]
    if isinstance(value, dict) and set(map(type, value)) <= {str}:
        return {str(clean(key, MAX_WORD)): _as_json(v, depth + 1) for key, v in value.items()}
    raise ValueError("no JSON form")


def _is_storable(text: str) -> bool:
    # PostgreSQL refuses NUL, and lone surrogates have no UTF-8 form.
    return "\x00" not in text and (text.isascii() or not _has_surrogate(text))


def _has_surrogate(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**62:
        return 0
    return value


def _retries(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
        return None
    return value


def _word(raw: Mapping[str, object], name: str) -> str | None:
    value = raw.get(name)
    return clean(value, MAX_WORD) if value else None


def _id(raw: Mapping[str, object], name: str) -> str | None:
    value = raw.get(name)
    return value if isinstance(value, str) and is_id(value) else None


def _announced(raw: Mapping[str, object]) -> Fields:
    """task-sent and task-received: the only events that say what the task is."""
    fields: Fields = {
        "name": _word(raw, "name"),
        "args": arguments(raw.get("args"), "()"),
        "kwargs": arguments(raw.get("kwargs"), "{}"),
        "retries": _retries(raw.get("retries")),
        "root_id": _id(raw, "root_id"),
        "parent_id": _parent(raw),
        "eta": instant(raw.get("eta")),
        "expires": instant(raw.get("expires")),
    }
    queue = _word(raw, "queue") or _word(raw, "routing_key")
    if queue is not None:
        fields["queue"] = queue
    return fields


def _parent(raw: Mapping[str, object]) -> str | None:
    """Who called it. A task that retries publishes itself, which Celery notes as its parent."""
    parent = _id(raw, "parent_id")
    return None if parent == raw.get("uuid") else parent


def _succeeded(raw: Mapping[str, object]) -> Fields:
    result = raw.get("result")
    text = result if isinstance(result, str) else None if result is None else _repr(result)
    return {"result": clean(text, MAX_RESULT), "runtime": _duration(raw.get("runtime"))}


def _raised(raw: Mapping[str, object]) -> Fields:
    return {
        "exception": clean(raw.get("exception"), MAX_EXCEPTION),
        "traceback": tail(raw.get("traceback"), MAX_TRACEBACK),
    }


def _revoked(raw: Mapping[str, object]) -> Fields:
    return {
        "expired": raw.get("expired") is True,
        "terminated": raw.get("terminated") is True,
    }


def _rejected(raw: Mapping[str, object]) -> Fields:
    return {"requeue": raw.get("requeue") is True}


def _nothing(raw: Mapping[str, object]) -> Fields:
    return {}


def _progress(raw: Mapping[str, object]) -> Fields | Reject:
    """`task-progress`, in our own shape, celery-progress's (`pending description`), or `done`."""
    current = _number(raw.get("current", raw.get("done")))
    total = _number(raw.get("total"))
    stages = raw.get("stages")
    fields: Fields = {
        "current": current,
        "total": total if total is None or total >= 0 else None,
        "unit": _word(raw, "unit"),
        "message": clean(raw.get("message", raw.get("description")), MAX_MESSAGE) or None,
        "stage": _word(raw, "stage"),
        "stages": _stages(stages),
        "retries": _retries(raw.get("retries")),
    }
    part = _word(raw, "part")
    if part is not None:
        fields["part"] = part
    if all(value is None for name, value in fields.items() if name != "retries"):
        return Reject("empty_progress")
    return fields


def progress_fields(meta: object) -> Fields | None:
    """The progress that a result backend's `meta` tells, or None where it tells none."""
    if not isinstance(meta, dict):
        return None
    fields = _progress(meta)
    return None if isinstance(fields, Reject) else fields


def _stages(value: object) -> tuple[str, ...] | None:
    if not isinstance(value, list | tuple) or not 0 < len(value) <= MAX_STAGES:
        return None
    stages = tuple(clean(stage, MAX_WORD) for stage in value)
    return None if None in stages else stages  # type: ignore[return-value]


def _context(raw: Mapping[str, object]) -> Fields:
    return {
        "retries": _retries(raw.get("retries")),
        "name": _word(raw, "name"),
        "root_id": _word(raw, "root_id"),
        "parent_id": _parent(raw),
        "queue": _word(raw, "queue"),
        "group_id": _id(raw, "group"),
        "group_size": _retries(raw.get("group_size")),
        "owner": _word(raw, "owner"),
        "label": _word(raw, "label"),
        "priority": _retries(raw.get("priority")),
        "time_limit": _duration(raw.get("time_limit")),
    }


def _worker(raw: Mapping[str, object]) -> Fields:
    load = raw.get("loadavg")
    loads = [_number(item) for item in load] if isinstance(load, list | tuple) else []
    return {
        "freq": _duration(raw.get("freq")),
        "active": _count(raw.get("active")),
        "processed": _count(raw.get("processed")),
        "loadavg": tuple(loads) if len(loads) == 3 and None not in loads else None,
        "sw_ident": _word(raw, "sw_ident"),
        "sw_ver": _word(raw, "sw_ver"),
        "sw_sys": _word(raw, "sw_sys"),
    }


def _duration(value: object) -> float | None:
    seconds = _number(value)
    return seconds if seconds is not None and 0 <= seconds < 1e10 else None


def tail(value: object, limit: int) -> str | None:
    """The end of a long traceback: its last frames and its error are what is read."""
    if not isinstance(value, str):
        return None
    text = value if len(value) <= limit else CUT + "\n" + value[-limit + 2 :]
    return clean(text, limit)


_READERS: Mapping[str, Callable[[Mapping[str, object]], Fields | Reject]] = {
    "task-sent": _announced,
    "task-received": _announced,
    "task-started": _nothing,
    "task-succeeded": _succeeded,
    "task-failed": _raised,
    "task-retried": _raised,
    "task-revoked": _revoked,
    "task-rejected": _rejected,
    "task-cancelled": _nothing,
    "task-progress": _progress,
    "task-context": _context,
    **dict.fromkeys(WORKER_KINDS, _worker),
}
