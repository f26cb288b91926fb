"""What is wrong, of what the overview knows: a few kinds of problems, the worst first.

A problem is `kind`, `subject` (what it is about: the name of a queue, a worker or an entry of the
schedule, the signature of a failure), `title` (what people call that), `value` (how many) and
`since_at` (Unix seconds). The words are the page's.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from realtime.core.wire import Row

Rows = Sequence[Mapping[str, Any]]

MAX_PROBLEMS = 20
"""Nobody reads more; the pages behind them have all."""
NEW_FOR_S = 900.0
"""The time in which somebody who was called looks."""
RETURNED_FOR_S = 86_400.0
GONE_FOR_S = 3600.0
"""A worker that went without a word and left no task behind is no news after that."""
BURST_FROM = 20
BURST_TIMES = 5
"""So many failures in an hour, and so many times the usual number, are more than chance."""
_HOURS = 23
"""Before the last one, in the day that `last_day` counts."""

SEVERITY = (
    "stream",
    "queue_unattended",
    "worker_gone",
    "failure_burst",
    "failure_new",
    "failure_returned",
    "schedule_missed",
    "worker_silent",
    "queue_backlog",
)
"""The kinds, the worst first. Where the stream is blind nothing else may be true."""


def problems(
    *,
    now: float,
    stream: Mapping[str, Any],
    queues: Rows = (),
    workers: Rows = (),
    failures: Rows = (),
    schedule: Rows = (),
) -> list[Row]:
    """At most `MAX_PROBLEMS`, by severity and within one kind the newest first. `stream` is the
    row of `standing.stream_row`; a worker has `is_offline` and `running`, how many tasks it has
    not finished, beside its state."""
    found = [
        *_of_stream(stream),
        *_of_queues(queues),
        *_of_workers(workers, now),
        *_of_failures(failures, now),
        *_of_schedule(schedule),
    ]
    found.sort(key=lambda each: (SEVERITY.index(each["kind"]), -(each["since_at"] or 0.0)))
    return found[:MAX_PROBLEMS]


def _problem(
    kind: str, subject: str, value: object, since_at: object, title: str = ""
) -> dict[str, Any]:
    return {
        "kind": kind,
        "subject": subject,
        "title": title or subject,
        "value": value,
        "since_at": since_at,
    }


def _of_stream(stream: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if stream["state"] != "blind":
        return
    gap = stream["gap"]
    is_open = gap is not None and gap["until_at"] is None
    yield _problem("stream", "", None, gap["from_at"] if is_open else stream["alive_at"])


def _of_queues(queues: Rows) -> Iterator[dict[str, Any]]:
    for queue in queues:
        if queue["warning"] is not None:
            waiting = max(queue["depth"] or 0, queue["waiting"] or 0)
            yield _problem(f"queue_{queue['warning']}", queue["name"], waiting, queue["oldest_at"])


def _of_workers(workers: Rows, now: float) -> Iterator[dict[str, Any]]:
    for worker in workers:
        state, heard_at = worker["state"], worker["last_heartbeat_at"]
        is_news = worker["running"] or now - heard_at < GONE_FOR_S
        is_gone = state == "gone" and not worker["is_offline"] and is_news
        if is_gone or state == "silent":
            yield _problem(f"worker_{state}", worker["name"], worker["running"], heard_at)


def _of_failures(failures: Rows, now: float) -> Iterator[dict[str, Any]]:
    for group in failures:
        told = _news(group, now) if group["state"] == "open" else None
        if told is not None:
            kind, value, since_at = told
            yield _problem(kind, group["signature"], value, since_at, group["type"])


def _news(group: Mapping[str, Any], now: float) -> tuple[str, int, float | None] | None:
    """Kind, how many and since when, where a group of failures is news."""
    if now - group["first_seen_at"] < NEW_FOR_S:
        return "failure_new", group["count"], group["first_seen_at"]
    usual = (group["last_day"] - group["last_hour"]) / _HOURS
    if group["last_hour"] >= max(BURST_FROM, BURST_TIMES * usual):
        return "failure_burst", group["last_hour"], group["last_seen_at"]
    returned_at = group["returned_at"]
    if returned_at is not None and now - returned_at < RETURNED_FOR_S:
        return "failure_returned", group["last_hour"], returned_at
    return None


def _of_schedule(schedule: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for entry in schedule:
        if entry["missed"] and entry["is_enabled"]:
            yield _problem("schedule_missed", entry["name"], entry["missed"], entry["missed_at"])
