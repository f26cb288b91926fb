"""What the stream badge and the first-run checks say of the stream, as the store knows it."""

from collections.abc import Sequence
from typing import Any, cast

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from dashboard import formats, refused, words
from dashboard.presentation import Row
from realtime.ports import StreamInfo
from realtime.standing import stream_row

_REASONS_TOLD = 4


def stream_badge(info: StreamInfo, now: float) -> dict[str, Any]:
    """The badge at first paint. That the page itself is live, only its script can say: until then
    it is as of `now`."""
    told = stream_row(info, now)
    conn, lag, why = _state(told, now)
    return {
        "conn": conn,
        "word": words.STREAM[conn],
        "lag": lag,
        "why": why,
        "position": f"{info.epoch}:{info.revision}",
        "events": _("%(count)s a second")
        % {"count": formats.number(cast(float, told["events_per_second"]))},
        "receiver": info.holder or formats.NONE,
        "refused": _refused(),
    }


def _refused() -> str:
    """What was refused to embed tokens, the commonest reasons first; empty where nothing was."""
    counts = refused.told()
    if not counts:
        return ""
    named = ", ".join(
        f"{words.REFUSED_TOKENS.get(reason, reason)} {formats.number(count)}"
        for reason, count in list(counts.items())[:_REASONS_TOLD]
    )
    return f"{formats.number(sum(counts.values()))} ({named})"


def _state(told: Row, now: float) -> tuple[str, str, str]:
    """What the badge is about, its figure, and the sentence behind it."""
    if told["alive_at"] is None:
        return (
            "unknown",
            "",
            _(
                "No receiver has written yet. Start one with headway receiver,"
                " or with manage.py headway_receiver."
            ),
        )
    if told["state"] == "blind":
        since = told["gap"]["from_at"] if _is_open(told["gap"]) else told["alive_at"]
        lag = str(words.STREAM["since"]) % {"time": formats.clock(since)}
        return (
            "blind",
            lag,
            _("Nothing is heard from the cluster since %(time)s.")
            % {"time": formats.zoned_clock(since)},
        )
    why = _("Loaded at %(time)s.") % {"time": formats.zoned_clock(now)}
    if told["state"] in ("behind", "repairing"):
        return str(told["state"]), _lag(told["lag_ms"]), why
    return "still", formats.clock(now), why


def _is_open(gap: Row | None) -> bool:
    return gap is not None and gap["until_at"] is None


def _lag(lag_ms: float | None) -> str:
    return (
        ""
        if lag_ms is None
        else str(words.STREAM["behind_by"]) % {"time": formats.duration(lag_ms / 1000)}
    )


def first_run_checks(
    info: StreamInfo, workers: Sequence[Row] | None, now: float
) -> list[dict[str, Any]]:
    """What must be true before a first task shows, in order: each with whether it is, and what to
    do when it is not.

    `workers` is None for a viewer who may not see them.
    """
    checks = [_receiver_check(info, now)]
    if workers is not None:
        checks.append(_workers_check(workers))
    return [*checks, _events_check()]


def _receiver_check(info: StreamInfo, now: float) -> dict[str, Any]:
    told = stream_row(info, now)
    if told["state"] != "blind":
        return {"state": "succeeded", "text": _("Receiver is running"), "sub": info.holder or ""}
    return {
        "state": "failed",
        "text": _("No receiver is running"),
        "sub": _("Start it with"),
        "code": "headway receiver",
        "or": "manage.py headway_receiver",
    }


def _workers_check(workers: Sequence[Row]) -> dict[str, Any]:
    online = [str(row["name"]) for row in workers if row["state"] == "online"]
    if online:
        text = ngettext("%(count)s worker answers", "%(count)s workers answer", len(online)) % {
            "count": len(online)
        }
        return {"state": "succeeded", "text": text, "sub": ", ".join(online)}
    return {
        "state": "failed",
        "text": _("No worker was heard of"),
        "sub": _("Start one on the same broker, with events on:"),
        "code": "celery -A proj worker -E",
    }


def _events_check() -> dict[str, Any]:
    return {
        "state": "queued",
        "text": _("No task event yet"),
        "sub": _("If one runs and nothing shows, the workers do not send events. Start them with"),
        "code": "-E",
        "or": "worker_send_task_events = True",
    }
