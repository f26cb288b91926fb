"""Groups of failures: which there are, what their tasks share, what people decide about them."""

import time
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods, require_safe

from dashboard import (
    actions,
    codepaths,
    failures,
    formats,
    geometry,
    presentation,
    querybar,
    sharing,
    traceback,
    triage,
)
from dashboard import words as texts
from dashboard.overview import PLACEHOLDER, Links, sentence
from dashboard.views import pages, shell, tasklist
from dashboard.views.policy import page
from realtime import sight
from realtime.core import query as language
from realtime.core import wire
from realtime.core.wire import Row
from realtime.ports import Rights, Select, Snapshots, StoreUnavailable, TooCostly

RANGES = ("1h", "6h", "24h", "7d")
DEFAULT_RANGE = "24h"
TABS = ("all", *failures.STATES)
DEFAULT_TAB = "all"
LIMIT = 500
"""Groups that are shown: more are more than anybody sorts out."""
SAMPLE = 200
"""The newest tasks of a group, in which is looked for what they share."""
NEWEST = 6
MUTE_FOR_S = {"hour": 3600.0, "day": 86_400.0, "week": 604_800.0}


@page("view_failure")
@require_safe
def show(request: HttpRequest, rights: Rights) -> HttpResponse:
    """The groups that failed within `range`, in the state `state`."""
    return _answer(request, rights, "")


@page("view_failure")
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
def group(request: HttpRequest, rights: Rights, signature: str) -> HttpResponse:
    """The same page with one group unfolded. A POST decides about it: `decision` is one of
    `triage.STATES`, `for` one of `MUTE_FOR_S` or absent."""
    if request.method != "POST":
        return _answer(request, rights, signature)
    if "change_failure" not in rights.can:
        return shell.denied(request, "change_failure")
    refused = _refused(request, rights)
    if refused is not None:
        return refused
    decision, span = request.POST.get("decision", ""), request.POST.get("for", "")
    if decision in triage.STATES:
        until = time.time() + MUTE_FOR_S[span] if span in MUTE_FOR_S else None
        try:
            triage.decide(signature, decision, rights.user or "", until)
        except StoreUnavailable:
            return pages.unavailable(request)
    return HttpResponseRedirect(request.get_full_path())


def _refused(request: HttpRequest, rights: Rights) -> HttpResponse | None:
    """The answer to those who may see groups, but not what these are made of."""
    if "view_task" not in rights.can:
        return shell.denied(request, "view_task")
    if "exception" in rights.hidden:
        return shell.denied(request, "view_task_exception")
    if sight.is_restricted(rights):
        return shell.notice(
            request,
            403,
            _("No permission"),
            _("Failures are counted over all tasks, and you may see only some of them."),
            _("The task list shows those of yours that failed."),
        )
    return None


def _answer(request: HttpRequest, rights: Rights, signature: str) -> HttpResponse:
    refused = _refused(request, rights)
    if refused is not None:
        return refused
    reader, now = pages.snapshots(), time.time()
    try:
        found = _Found(reader, rights, request.GET, signature, now)
        status = 404 if signature and found.opened is None else 200
        status = status if found.is_understood else 400
        context, stream = found.context(), reader.stream()
    except TooCostly:
        return pages.too_costly(request)
    except StoreUnavailable:
        return pages.unavailable(request)
    return shell.page(request, "failures.html", context, stream=stream, now=now, status=status)


class _Found:
    """What the page shows, read once."""

    def __init__(
        self,
        reader: Snapshots,
        rights: Rights,
        asked: Mapping[str, str],
        signature: str,
        now: float,
    ) -> None:
        self._reader, self._rights, self._now = reader, rights, now
        self._signature = signature
        self._range = asked.get("range") if asked.get("range") in RANGES else DEFAULT_RANGE
        self._tab = asked.get("state") if asked.get("state") in TABS else DEFAULT_TAB
        self._asked = tasklist.ask(asked.get("query", ""), rights.hidden, language.FAILURES)
        self._links = addresses(f"?{self._with()}")
        since = language.parse(f"since:{self._range}", language=language.FAILURES)
        self._query = language.conjunction(since, self._asked.query)
        select = sight.narrowed(Select("failures", self._query, LIMIT), rights)
        self._page = reader.page(select, rights.rows, now)
        self.opened = self._one() if signature else None

    def _one(self) -> Row | None:
        """The unfolded group, which may have failed before the range began."""
        for row in self._page.rows:
            if row["signature"] == self._signature:
                return row
        select = Select("failures", ids=(self._signature,), limit=1)
        select = sight.narrowed(select, self._rights)
        found = self._reader.page(select, self._rights.rows, self._now).rows
        return next((row for row in found if row["signature"] == self._signature), None)

    def context(self) -> dict[str, Any]:
        """The template's."""
        rows = self._page.rows
        shown = [row for row in rows if self._tab in ("all", row["state"])]
        if self.opened is not None and self.opened not in shown:
            shown.append(self.opened)
        numbers = failures.counts(rows)
        return {
            "lines": [
                failures.line(row, self._links, self._now) for row in failures.ordered(shown)
            ],
            "blank": failures.blank(),
            "detail": self._detail(self.opened) if self.opened is not None else None,
            "opened": self._signature,
            "is_unknown": bool(self._signature) and self.opened is None,
            "ranges": [self._choice("range", name, self._range) for name in RANGES],
            "tabs": [
                {**self._choice("state", name, self._tab), "count": self._number(numbers[name])}
                for name in TABS
            ],
            "asked": f"?{self._with()}",
            "range": self._range,
            "tab": self._tab,
            "query": self._asked.query.text,
            "view_query": self._query.text,
            "fault": self._asked.fault,
            "chips": tasklist.chips(querybar.terms(self._asked.query.text), self._search),
            "bar": {
                "of": "failures",
                "action": reverse("headway:failures"),
                "kept": {"range": self._range, "state": self._tab},
                "clear": self._search(""),
            },
            "query_words": tasklist.query_words(self._rights.hidden, language.FAILURES),
            "limit": LIMIT,
            "links": self._links,
            "may_change": "change_failure" in self._rights.can,
            "may_retry": actions.missing(actions.RETRY, self._rights) is None,
            "first_rows": {
                "epoch": self._page.epoch,
                "revision": self._page.revision,
                "rows": rows,
                "alone": None if self.opened in rows else self.opened,
            },
        }

    def _number(self, count: int) -> str:
        return formats.capped((count, len(self._page.rows) >= LIMIT))

    @property
    def is_understood(self) -> bool:
        """Whether the query could be read as it was typed."""
        return self._asked.fault is None

    def _search(self, query: str) -> str:
        return f"{reverse('headway:failures')}?{self._with(query=query)}"

    def _with(self, **other: str) -> str:
        chosen = {"range": self._range, "state": self._tab, "query": self._asked.query.text}
        return urlencode({key: value for key, value in (chosen | other).items() if value})

    def _choice(self, key: str, name: str, current: str | None) -> dict[str, Any]:
        url = f"{reverse('headway:failures')}?{self._with(**{key: name})}"
        return {
            "name": name,
            "word": texts.FAILURES.get(name, ""),
            "url": url,
            "is_current": name == current,
        }

    def _detail(self, row: Row) -> dict[str, Any]:
        """What is known of the group beside its line."""
        signature = str(row["signature"])
        text = f"{presentation.term('signature', signature)} conclusion:failed"
        select = Select("tasks", language.parse(text), SAMPLE)
        tasks = [
            wire.project(task, self._rights.hidden)
            for task in self._reader.page(select, self._rights.rows, self._now).rows
        ]
        return {
            "signature": signature,
            "row": row,
            "count": formats.number(cast(int, row["count"])),
            **self._stored(signature, cast(int, row["count"])),
            "tasks_url": failures.tasks_url(signature, self._links),
            "newest": [self._task(task) for task in tasks[:NEWEST]],
            "sample": len(tasks),
            "is_sample": len(tasks) == SAMPLE,
            "facets": _facets(tasks),
            "may_see_arguments": not {"args", "kwargs"} & self._rights.hidden,
            "frame": self._frame(row),
            "frame_url": reverse("headway:task", args=[row["task_id"]]) + "#traceback",
        }

    def _stored(self, signature: str, count: int) -> dict[str, Any]:
        """How many of its tasks there still are: those can be opened and tried again."""
        query = language.parse(presentation.term("signature", signature))
        counts = self._reader.counts(query, self._rights.rows, self._now)
        number, is_capped = counts.get("failed", (0, False))
        return {
            "stored": formats.capped((number, is_capped)),
            "stored_number": number,
            "has_lost": number < count and not is_capped,
        }

    def _task(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """One of its newest tasks."""
        percent = (row.get("progress") or {}).get("percent")
        ended = row.get("finished_at") or row["updated_at"]
        return {
            "url": reverse("headway:task", args=[row["id"]]),
            "id": row["id"],
            "short": formats.short_id(row["id"]),
            "arguments": formats.args(row.get("args"), row.get("kwargs")),
            "worker": formats.worker(row.get("worker") or "")[0] or formats.NONE,
            "worker_title": row.get("worker") or "",
            "percent": formats.NONE if percent is None else formats.percent(percent),
            "runtime": formats.duration(row.get("runtime")),
            "seen": sentence("%(time)s", ended, self._now),
        }

    def _frame(self, row: Row) -> traceback.Frame | None:
        """The last own frame of the newest task, with its source."""
        if "traceback" in self._rights.hidden:
            return None
        select = Select("task", ids=(str(row["task_id"]),), limit=1)
        found = self._reader.page(select, self._rights.rows, self._now).rows
        text = found[0].get("traceback") if found else None
        below = codepaths.below(row["name"])
        for error in traceback.parse(str(text), below) if text else ():
            for section in error.sections:
                for frame in section.frames:
                    if frame.is_last_own:
                        return frame
        return None


def addresses(asked: str = "") -> Links:
    """The pages that lines link to; `asked` goes with the address of a group."""
    return {
        "tasks": reverse("headway:tasks"),
        "workers": "",
        "schedule": "",
        "failures": reverse("headway:failures"),
        "failure": reverse("headway:failure", args=[PLACEHOLDER]) + asked,
    }


def _facets(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the tasks share, with how long each bar is."""
    return [
        {
            "name": facet.name,
            "is_argument": facet.is_argument,
            "others": facet.others,
            "values": [
                {
                    "text": share.value,
                    "count": formats.number(share.number),
                    "share": geometry.share(share.number, len(tasks)),
                }
                for share in facet.values
            ],
        }
        for facet in sharing.facets(tasks)
    ]
