"""The task page's panels as texts: summary, timeline, attempts, arguments, facts. `now` is in Unix
seconds."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from dashboard import arguments as arguments_of
from dashboard import formats, words
from dashboard.arguments import NoArguments
from dashboard.presentation import Row, counted, running_time, search_url, stamp, state_of, term

# Stands for the time in a sentence until the sentence is cut there.
_TIME = "\x00"
OUTCOME_STATES = {"retried": "retrying", "revoked": "cancelled"}
_ENDED_BADLY = frozenset({"failed", "retried", "lost"})


def summary(row: Row, now: float) -> dict[str, Any]:
    """One sentence: what became of the task, or what it is waiting for. `time` is the part that the
    page's script keeps true, by `age` or `since` (instants); `before` and `after` stand around
    it."""
    word, tries = words.STATES[state_of(row)], len(row.get("attempts") or ())
    if row["status"] == "completed":
        ended = _ended_at(row)
        sentence = _sentence(_("%(word)s %(time)s ago") % {"word": word, "time": _TIME})
        more = [ngettext("after %(count)s attempt", "after %(count)s attempts", tries)]
        total = _("%(time)s in total") % {"time": formats.duration(ended - _begun_at(row))}
        parts = [*(text % {"count": tries} for text in more if tries > 1), total]
        sentence["after"] = ", ".join([sentence["after"], *parts])
        return sentence | {"time": formats.age(now - ended), "age": stamp(ended)}
    ran = running_time(row, now)
    sentence = _sentence(_("%(word)s for %(time)s") % {"word": word, "time": _TIME})
    if tries > 1:
        sentence["after"] += ", " + _("attempt %(number)s") % {"number": tries}
    if ran is not None:
        return sentence | {"time": formats.duration(ran), "since": stamp(now - ran)}
    begun = float(row.get("received_at") or _begun_at(row))
    return sentence | {"time": formats.age(now - begun), "age": stamp(begun)}


def _sentence(text: str) -> dict[str, str]:
    before, _time, after = text.partition(_TIME)
    return {"before": before, "after": after}


def _begun_at(row: Row) -> float:
    return float(
        row.get("sent_at")
        or row.get("received_at")
        or row.get("started_at")
        or row["first_seen_at"]
    )


def _ended_at(row: Row) -> float:
    return float(row.get("finished_at") or row["updated_at"])


def timeline(row: Row, now: float) -> list[dict[str, Any]]:
    """The task's steps in order of time, each with how long it took from there to the next one."""
    steps = [step for step in _steps(row) if step["at"] is not None]
    if row["status"] != "completed":
        state = state_of(row)
        steps.append(
            {
                "state": state,
                "what": words.STATES[state],
                "at": now,
                "is_open": True,
                "small": _("now"),
            }
        )
    for step, following in pairwise(steps):
        step["gap"] = formats.duration(following["at"] - step["at"])
        step["since"] = stamp(step["at"]) if following.get("is_open") else None
        step["gap_word"] = step.get("gap_word") or ""
    return steps


def _steps(row: Row) -> Iterator[dict[str, Any]]:
    tries = row.get("attempts") or []
    first, last = (tries[0], tries[-1]) if tries else ({}, {})
    yield {
        "state": "queued",
        "what": _("Sent"),
        "at": row.get("sent_at"),
        "small": row.get("queue"),
        "gap_word": _("in queue"),
    }
    yield {
        "state": "reserved",
        "what": _("Received"),
        "at": first.get("received_at"),
        "small": first.get("worker"),
        "gap_word": _("held"),
    }
    yield _started(first, len(tries))
    if len(tries) > 1:
        yield _retried(tries)
        yield _started(last, len(tries), _("attempt %(number)s") % {"number": last["number"]})
    yield from _progressed(row, last)
    if row["status"] == "completed":
        yield _over(row)


def _started(attempt: Row, tries: int, small: str = "") -> dict[str, Any]:
    several = tries > 1 and not small
    return {
        "state": "running",
        "what": _("Started"),
        "at": attempt.get("started_at"),
        "small": small or attempt.get("worker"),
        "gap_word": _ran(tries - 1) if several else _("ran"),
    }


def _ran(times: int) -> str:
    return ngettext("ran", "ran %(count)s times", times) % {"count": times}


def _retried(tries: list[Row]) -> dict[str, Any]:
    times = len(tries) - 1
    small = ngettext("%(count)s retry", "%(count)s retries", times) % {"count": times}
    return {
        "state": "retrying",
        "what": _("Retried"),
        "at": tries[-2].get("finished_at"),
        "small": small,
        "gap_word": _("back-off"),
    }


def _progressed(row: Row, last: Row) -> Iterator[dict[str, Any]]:
    """The newest progress of the last attempt; one that was made before it tells nothing of it."""
    progress = row.get("progress")
    if not progress or progress["updated_at"] < (last.get("started_at") or 0):
        return
    ended = row.get("finished_at")
    if ended is not None and progress["updated_at"] >= ended:
        return
    share = progress.get("percent")
    what = (
        _("Progress")
        if share is None
        else _("Progress %(percent)s") % {"percent": formats.percent(share)}
    )
    small = progress.get("stage") or progress.get("message") or counted(progress)
    yield {
        "state": "running",
        "what": what,
        "at": progress["updated_at"],
        "small": small,
        "gap_word": _("silent"),
    }


def _over(row: Row) -> dict[str, Any]:
    state = state_of(row)
    total = _("%(time)s in total") % {"time": formats.duration(_ended_at(row) - _begun_at(row))}
    return {"state": state, "what": words.STATES[state], "at": _ended_at(row), "small": total}


def attempts(row: Row, now: float) -> dict[str, Any]:
    """The attempts with their bars on one axis, from the first sign of the task to its end or
    `now`."""
    tries = row.get("attempts") or []
    begins = [
        at
        for one in tries
        for at in (one.get("sent_at"), one.get("received_at"), one.get("started_at"))
        if at
    ]
    start = min(begins, default=row["first_seen_at"])
    end = _ended_at(row) if row["status"] == "completed" else now
    scale = 100 / max(end - start, 0.001)
    lines = []
    for position, one in enumerate(tries):
        following = tries[position + 1] if position + 1 < len(tries) else None
        lines.append(_attempt(one, row, now) | _bar(one, following, start, scale, end))
    return {"span": formats.duration(end - start), "lines": lines}


def _attempt(one: Row, row: Row, now: float) -> dict[str, Any]:
    outcome = one.get("outcome") or ""
    state = OUTCOME_STATES.get(outcome, outcome) or state_of(row)
    is_running = one.get("runtime") is None and one.get("started_at") and not outcome
    type_, message = formats.exception(one.get("exception") or "")
    return {
        "number": one["number"],
        "state": state,
        "word": _("Retried") if outcome == "retried" else words.STATES.get(state, state),
        "type": type_,
        "message": message,
        "worker": one.get("worker") or "",
        "at": one.get("started_at") or one.get("received_at") or one.get("sent_at"),
        "runtime": formats.duration(now - one["started_at"] if is_running else one.get("runtime")),
        "since": stamp(one["started_at"]) if is_running else "",
    }


def _bar(one: Row, following: Row | None, start: float, scale: float, end: float) -> dict[str, Any]:
    """Geometry in percent of the axis: waiting, running, the tick where it raised, the wait for the
    next attempt."""
    begun = one.get("started_at")
    waiting = (one["number"] == 1 and one.get("sent_at")) or one.get("received_at")
    ended = one.get("finished_at") or end
    bar: dict[str, Any] = {}
    if waiting and (begun or ended) > waiting:
        bar["wait"] = _span(waiting, begun or ended, start, scale)
    if begun:
        bar["run"] = _span(begun, ended, start, scale)
        if one.get("outcome") in _ENDED_BADLY:
            bar["raised"] = _percent(min(99.4, max(0.0, (ended - start) * scale - 0.3)))
    resumed = following and (following.get("started_at") or following.get("received_at"))
    if following and one.get("finished_at"):
        bar["pause"] = _line(ended, resumed or end, start, scale)
    return bar


def _span(from_at: float, to_at: float, start: float, scale: float) -> dict[str, str]:
    x = min(99.5, max(0.0, (from_at - start) * scale))
    width = min(100 - x, max(0.5, (to_at - from_at) * scale))
    return {"x": _percent(x), "width": _percent(width)}


def _line(from_at: float, to_at: float, start: float, scale: float) -> dict[str, str]:
    return {
        "from": _percent((from_at - start) * scale + 0.4),
        "to": _percent((to_at - start) * scale),
    }


def _percent(share: float) -> str:
    return f"{share:.2f}%"


def arguments(row: Row) -> dict[str, Any]:
    """The arguments one to a line. `texts` are those that could not be read as data; `hidden`
    counts redacted values."""
    named: list[dict[str, Any]] = []
    texts: list[str] = []
    args, kwargs = row.get("args"), row.get("kwargs")
    if isinstance(args, str):
        texts.append(args)
    else:
        named += [_argument(f"[{place}]", data) for place, data in enumerate(args or ())]
    if isinstance(kwargs, str):
        texts.append(kwargs)
    else:
        named += [_argument(key, data) for key, data in (kwargs or {}).items()]
    hidden = _redactions([args, kwargs])
    return {
        "named": named,
        "texts": texts,
        "is_unknown": args is None and kwargs is None,
        "hidden": ngettext("%(count)s value hidden", "%(count)s values hidden", hidden)
        % {"count": hidden}
        if hidden
        else "",
    }


def _argument(name: str, data: Any) -> dict[str, Any]:
    return {"name": name, "text": formats.literal(data), "is_redacted": data == formats.REDACTED}


def call(row: Row) -> str:
    """The task as a call for a Python prompt; empty where name or arguments are not known
    whole."""
    name = row.get("name")
    try:
        args, kwargs, *_others = arguments_of.of_row(dict(row))
    except NoArguments:
        return ""
    return f"app.send_task({name!r}, args={args!r}, kwargs={kwargs!r})" if name else ""


def _redactions(data: Any) -> int:
    if isinstance(data, dict):
        return sum(map(_redactions, data.values()))
    if isinstance(data, list):
        return sum(map(_redactions, data))
    return int(isinstance(data, str) and formats.REDACTED in data)


def progress(row: Row) -> list[tuple[str, str]]:
    """What the task last reported of its progress, as (word, text)."""
    last = row.get("progress")
    if not last:
        return []
    facts = [
        (_("done"), formats.percent(last["percent"]) if last.get("percent") is not None else ""),
        (_("count"), counted(last)),
        (_("stage"), last.get("stage") or ""),
        (_("message"), last.get("message") or ""),
        (_("reported"), formats.zoned_clock(last["updated_at"])),
    ]
    return [(word, text) for word, text in facts if text]


def facts(
    row: Row, names: Mapping[str, str] | None = None, failure_url: str = ""
) -> list[dict[str, Any]]:
    """What else is known, each with a link to the list it belongs to. `names` of tasks of the same
    workflow by their ids; `failure_url` of the page of its failure group."""
    names = names or {}
    found = [
        _listed(_("Queue"), "queue", row.get("queue")),
        _listed(_("Worker"), "worker", row.get("worker")),
        _plain(_("State in Celery"), row.get("state")),
        _plain(_("Priority"), row.get("priority")),
        _plain(_("Retries"), row.get("retries")),
        _moment(_("First seen"), row.get("first_seen_at")),
        _moment(_("Not before"), row.get("eta")),
        _moment(_("Expires"), row.get("expires")),
        _moment(_("Next try"), row.get("retry_at")),
        _listed(_("Owner"), "owner", row.get("owner")),
        _listed(_("Label"), "label", row.get("label")),
        _failure(row, failure_url),
        _listed(_("Same failure"), "signature", row.get("signature"), text=_("all its tasks")),
        _task(_("Parent"), row.get("parent_id"), row["id"], names),
        _task(_("Root"), row.get("root_id"), row["id"], names),
        _listed(_("Group"), "group", row.get("group_id"), is_id=True),
        _listed(_("Workflow"), "root", row.get("root_id"), text=_("all its tasks")),
    ]
    return [fact for fact in found if fact]


def _failure(row: Row, url: str) -> dict[str, Any] | None:
    if not url:
        return None
    text = formats.exception(row.get("exception") or "")[0] or row["signature"]
    return {"word": _("Failure group"), "text": text, "title": row["signature"], "url": url}


def _listed(
    word: str, key: str, data: str | None, *, text: str = "", is_id: bool = False
) -> dict[str, Any] | None:
    if not data:
        return None
    shown = text or (formats.short_id(data) if is_id else data)
    return {
        "word": word,
        "text": shown,
        "title": data,
        "url": search_url(term(key, data)),
        "is_code": is_id,
    }


def _task(
    word: str, task_id: str | None, own_id: str, names: Mapping[str, str]
) -> dict[str, Any] | None:
    if not task_id or task_id == own_id:
        return None
    known = names.get(task_id)
    return {
        "word": word,
        "text": formats.name(known)[1] if known else formats.short_id(task_id),
        "title": f"{known} {task_id}" if known else task_id,
        "url": reverse("headway:task", args=[task_id]),
        "is_code": not known,
    }


def _plain(word: str, data: Any) -> dict[str, Any] | None:
    return None if data is None else {"word": word, "text": str(data)}


def _moment(word: str, at: float | None) -> dict[str, Any] | None:
    if at is None:
        return None
    return {
        "word": word,
        "text": f"{formats.day(at)} {formats.clock(at)}",
        "iso": formats.iso(at),
        "title": formats.exact(at),
    }


def earlier_errors(row: Row) -> list[dict[str, Any]]:
    """The errors of the attempts before the last one that raised, newest first."""
    errors = (row.get("errors") or [])[:-1]
    return [
        {
            "exception": formats.exception(one["exception"]),
            "traceback": one.get("traceback"),
            "at": one.get("at"),
            "worker": one.get("worker"),
        }
        for one in reversed(errors)
    ]
