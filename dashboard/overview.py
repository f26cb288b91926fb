"""The overview's row as its page shows it: every value already a text, so that a template only
places it.

static/headway/overview.js writes the same lines when the row changes; tests/vectors/overview.json
holds both to it. `now` is in Unix seconds; what may be absent from the row is absent for a reason
(no permission, or figures that count other people's tasks) and gives no line.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict
from urllib.parse import quote

from dashboard import formats, geometry, presentation, words

Row = Mapping[str, Any]
Links = Mapping[str, str]
"""Addresses of pages by name, empty where there is none: `tasks`, `workers`, `failures`,
`failure` and `schedule`. That of one failure has `ID_PLACEHOLDER` in the place of its signature."""

PLACEHOLDER = "ID_PLACEHOLDER"
SHOWN_PROBLEMS = 3
SHOWN_QUEUES = 9
SHOWN_FAILURES = 6
SHOWN_NAMES = 8
SHOWN_WORKERS = 48
NEW_FOR_S = 3600.0
LATE_S = 60.0
"""A wait of this length is worth a colour, whatever the task."""
_MASK = re.compile(r"(‹[^›]*›)")
# What encodeURIComponent leaves as it is.
_SAFE = "!'()*~"
_TROUBLE = {"failure": "failed", "worker_gone": "failed", "stream": "lost"}
_PAGES = {"queue": "tasks", "worker": "workers", "failure": "failure", "schedule": "schedule"}


class Sentence(TypedDict):
    """A text around a time that counts on by itself from `at`; without one, `before` is all."""

    before: str
    at: float | None
    time: str
    after: str


def sentence(pattern: object, at: float | None, now: float, **values: object) -> Sentence:
    """`pattern` with its places filled, and the age of `at` where it says `%(time)s`."""
    before, _, after = (str(pattern) % {**values, "time": "\0"}).partition("\0")
    if at is None:
        return {"before": before + after, "at": None, "time": "", "after": ""}
    return {"before": before, "at": at, "time": formats.age(now - at), "after": after}


def search(links: Links, *terms: str) -> str:
    """The task list with these terms."""
    return f"{links['tasks']}?query={quote(' '.join(terms), safe=_SAFE)}"


def tiles(row: Row, links: Links, now: float) -> dict[str, dict[str, Any]]:
    """The four figures at the top, by name."""
    return {
        "running": _running(row, links, now),
        "queued": _queued(row, links, now),
        "failed": _failed(row, links),
        "throughput": _throughput(row, links),
    }


def _running(row: Row, links: Links, now: float) -> dict[str, Any]:
    at, name = row.get("oldest_running_at"), row.get("oldest_running_name")
    slots = row.get("slots")
    return {
        "value": formats.number(row["running"]),
        "unit": _say("of_slots", count=formats.number(slots)) if slots else "",
        "says": _oldest(
            at, formats.name(name)[1] if name else "", "" if row["running"] else "none_runs", now
        ),
        "url": search(links, "status:running"),
        "spark": geometry.line(column(row, STARTED)[:-1]),
    }


def _queued(row: Row, links: Links, now: float) -> dict[str, Any]:
    at, queue = row.get("oldest_queued_at"), row.get("oldest_queued_queue")
    beside = [
        {
            "state": state,
            "word": str(words.STATES[state]),
            "count": formats.number(row[state]),
            "url": search(links, f"status:{state}"),
        }
        for state in ("reserved", "scheduled", "retrying")
        if row.get(state)
    ]
    return {
        "value": formats.number(row["queued"]),
        "unit": "",
        "says": _oldest(at, queue or "", "" if row["queued"] else "none_waits", now),
        "url": search(links, "status:queued"),
        "beside": beside,
    }


def _oldest(at: float | None, what: str, none: str, now: float) -> Sentence:
    if at is None:
        return sentence(words.OVERVIEW[none] if none else "", None, now)
    pattern = words.OVERVIEW["oldest" if what else "oldest_alone"]
    return sentence(pattern, at, now, what=what)


def _failed(row: Row, links: Links) -> dict[str, Any]:
    failed, finished = row.get("failed_last_hour"), row.get("finished_last_hour")
    before = row.get("failed_hour_before")
    share = f"{rate(100 * failed / finished)}%" if failed and finished else ""
    return {
        "value": formats.number(failed),
        "unit": share,
        "says": "" if before is None else _say("hour_before", count=formats.number(before)),
        "url": links["failures"] or search(links, "conclusion:failed", "since:1h"),
        "bars": geometry.bars(column(row, FAILED)),
    }


def _throughput(row: Row, links: Links) -> dict[str, Any]:
    mean, hour = row.get("throughput_per_minute"), row.get("finished_last_hour")
    minute = row.get("finished_last_minute")
    says = (
        _say("last_minute", count=formats.number(minute))
        if hour is None
        else _say("finished_hour", count=formats.number(hour))
    )
    return {
        "value": rate(minute if mean is None else mean),
        "unit": str(words.OVERVIEW["per_minute"]),
        "says": says,
        "url": search(links, "status:completed", "since:1h"),
        "spark": geometry.line(column(row, FINISHED)[:-1]),
    }


FINISHED, FAILED, STARTED = 1, 2, 3
"""Columns of the row's `series`."""


def column(row: Row, place: int) -> list[int]:
    """One column of the series; empty where the viewer gets no series."""
    return [int(point[place]) for point in row.get("series") or ()]


def problems(row: Row, links: Links, now: float) -> list[dict[str, Any]]:
    """What is wrong, the worst first, each in words."""
    tasks = {group["signature"]: group.get("name") for group in row.get("failures") or ()}
    return [_problem(problem, tasks, links, now) for problem in row.get("problems") or ()]


def _problem(problem: Row, tasks: Row, links: Links, now: float) -> dict[str, Any]:
    kind = problem["kind"] if problem["kind"] in words.PROBLEMS else "other"
    subject, count, at = problem["subject"], problem.get("value"), problem.get("since_at")
    about = kind.partition("_")[0]
    url = _problem_url(about, subject, links)
    pattern = "" if at is None else _pattern(kind, count)
    return {
        "key": f"{kind} {subject}",
        "state": _TROUBLE.get(kind) or _TROUBLE.get(about, "retrying"),
        "title": str(words.PROBLEMS[kind]) % {"subject": _title(problem, tasks.get(subject))},
        "says": sentence(pattern, at, now, count=formats.number(count)),
        "url": url,
        "action": _say(f"show_{about}") if url else "",
    }


def _title(problem: Row, task: str | None) -> str:
    """What people call it; one type of exception may be many failures, told apart by the task."""
    title = str(problem.get("title") or problem["subject"])
    if not task or not problem["kind"].startswith("failure"):
        return title
    return words.PROBLEMS["failure_in"] % {"subject": title, "task": formats.name(task)[1]}


def _pattern(kind: str, count: float | None) -> object:
    """The sentence of a problem for none, for one, or for any number."""
    name = {0: "none", 1: "one"}.get(int(count or 0), "many")
    return words.PROBLEMS.get(f"{kind}_{name}", words.PROBLEMS[f"{kind}_many"])


def _problem_url(about: str, subject: str, links: Links) -> str:
    page = links.get(_PAGES.get(about, ""), "")
    if about == "queue":
        return search(links, presentation.term("queue", subject), "status:queued")
    if about == "failure":
        return failure_url(subject, links)
    return page


def failure_url(signature: str, links: Links) -> str:
    """The page of a failure group, or its tasks where there is no such page."""
    if links["failure"]:
        return links["failure"].replace(PLACEHOLDER, quote(signature, safe=_SAFE))
    return search(links, presentation.term("signature", signature))


def failures(row: Row, links: Links, now: float) -> list[dict[str, Any]]:
    """The newest failure groups."""
    return [_failure(each, links, now) for each in (row.get("failures") or ())[:SHOWN_FAILURES]]


def _failure(group: Row, links: Links, now: float) -> dict[str, Any]:
    day, returned, first = group.get("last_day"), group.get("returned_at"), group["first_seen_at"]
    news = sentence("", None, now)
    if returned is not None:
        news = sentence(words.OVERVIEW["returned"], returned, now)
    elif now - first < NEW_FOR_S:
        news = sentence(words.OVERVIEW["new_failure"], first, now)
    total = formats.number(group["count"])
    return {
        "key": group["signature"],
        "url": failure_url(group["signature"], links),
        "type": group["type"],
        "message": [
            {"text": text, "is_mask": bool(_MASK.fullmatch(text))}
            for text in _MASK.split(group["message"] or "")
            if text
        ],
        "name": formats.name(group.get("name"))[1] if group.get("name") else "",
        "frame": group.get("frame") or "",
        "news": news,
        "count": total if day is None else formats.number(day),
        "title": "" if day is None else _say("in_all", day=formats.number(day), all=total),
        "seen": sentence(words.OVERVIEW["ago"], group["last_seen_at"], now),
        "bars": geometry.bars(group.get("spark") or ()),
    }


def queues(row: Row, links: Links, now: float) -> list[dict[str, Any]]:
    """The queues, the deepest first."""
    rows: Sequence[Row] = row.get("queues") or ()
    most = max((_depth(each) for each in rows), default=0)
    ordered = sorted(rows, key=lambda each: (-_depth(each), each["name"]))
    return [_queue(each, most, links, now) for each in ordered[:SHOWN_QUEUES]]


def _depth(queue: Row) -> int:
    depth = queue.get("depth")
    return int(queue.get("waiting") or 0) if depth is None else int(depth)


def _queue(queue: Row, most: int, links: Links, now: float) -> dict[str, Any]:
    warning, at, depth = queue.get("warning"), queue.get("oldest_at"), _depth(queue)
    is_capped = queue.get("depth") is None and bool(queue.get("waiting_capped"))
    tags = {"unattended": "no_workers", "backlog": "backlog"}
    return {
        "key": queue["name"],
        "url": search(links, presentation.term("queue", queue["name"])),
        "name": queue["name"],
        "tag": _say(tags[warning]) if warning in tags else "",
        "state": "retrying" if warning else "queued",
        "share": geometry.share(depth, most),
        "depth": formats.capped((depth, is_capped)),
        "oldest": sentence("%(time)s" if at else formats.NONE, at, now),
        "arriving": rate(queue.get("in_per_minute")),
        "leaving": rate(queue.get("out_per_minute")),
        "is_late": bool(warning),
    }


def latencies(row: Row, links: Links) -> list[dict[str, Any]]:
    """Wait and runtime of the task names with the most runs."""
    return [_latency(each, links) for each in (row.get("names") or ())[:SHOWN_NAMES]]


def _latency(each: Row, links: Links) -> dict[str, Any]:
    module, function = formats.name(each["name"])
    name = presentation.term("name", each["name"])
    low, high = each.get("wait_p50"), each.get("wait_p95")
    return {
        "key": each["name"],
        "url": search(links, name),
        "module": module,
        "function": function,
        "runs": formats.number(each["runs"]),
        "failed": formats.number(each.get("failed") or 0),
        "failed_url": search(links, name, "conclusion:failed", "since:1h"),
        "has_failed": bool(each.get("failed")),
        "wait_p95": formats.duration(high),
        "run_p50": formats.duration(each.get("runtime_p50")),
        "run_p95": formats.duration(each.get("runtime_p95")),
        "is_late": (high or 0) >= LATE_S,
        "wait": _span(high if low is None else low, high),
        "run": _span(each.get("runtime_p50"), each.get("runtime_p95")),
    }


def _span(low: float | None, high: float | None) -> dict[str, str]:
    return {"low": geometry.log_share(low), "high": geometry.log_share(high)}


def workers(rows: Sequence[Row], links: Links, now: float) -> list[dict[str, Any]]:
    """The workers by name, those that are not well first."""
    order = {"silent": 0, "gone": 1, "online": 2}
    ordered = sorted(rows, key=lambda row: (order.get(row["state"], 2), str(row["name"])))
    return [_worker(row, links, now) for row in ordered[:SHOWN_WORKERS]]


def _worker(row: Row, links: Links, now: float) -> dict[str, Any]:
    node, host = formats.worker(row["name"])
    slots, busy = row.get("concurrency"), row.get("active") or 0
    state = row["state"]
    return {
        "key": row["name"],
        "url": search(links, presentation.term("worker", row["name"])),
        "node": node,
        "host": host,
        "title": row["name"],
        "health": state,
        "word": "" if state == "online" else str(words.HEALTH[state]),
        "use": f"{busy}/{slots}" if slots else str(busy),
        "share": geometry.share(busy, slots or 0),
        "beat": sentence("%(time)s", row["last_heartbeat_at"], now),
    }


def rate(value: float | None) -> str:
    """Times a minute: `244`, `4.1`, `0`; a dash for None."""
    if value is None:
        return formats.NONE
    tenths = math.floor(max(0, value) * 10 + 0.5)
    if tenths >= 100 or tenths % 10 == 0:
        return formats.number(math.floor(tenths / 10 + 0.5))
    return formats.decimal(tenths / 10, 1)


def _say(key: str, **values: object) -> str:
    return str(words.OVERVIEW[key]) % values


def fleet(rows: Sequence[Row]) -> dict[str, str]:
    """How many workers are in which health, in words; empty where there are none."""
    states = [row["state"] for row in rows]
    return {
        health: _say(health, count=states.count(health)) if states.count(health) else ""
        for health in ("online", "silent", "gone")
    }
