"""Tasks in Django admin: the reader behind the task list answers, so the same bounds hold."""

import time
from collections.abc import Sequence
from typing import Any, cast

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from dashboard import formats, presentation, values, words
from dashboard.admin.cells import (
    Cell,
    age,
    as_json,
    code,
    field,
    instant,
    link,
    markup,
    number,
    seconds,
    when,
)
from dashboard.admin.rows import LIMIT, Asked, Found, RowsAdmin, filter_by
from realtime.core import query as language
from realtime.core import wire
from realtime.core.query_terms import Equal
from realtime.core.task import CONCLUSIONS, STATUSES
from realtime.core.wire import Row
from realtime.ports import Rights, Select, StoreUnavailable

_STATE_WORDS = frozenset({"status", "conclusion"})
_COMPLETED = _("Completed")
_CHOICES = {
    "status": [(name, words.STATES.get(name, _COMPLETED)) for name in STATUSES],
    "conclusion": [(name, words.STATES[name]) for name in CONCLUSIONS],
}


def _state(row: Row, now: float) -> str:
    state = presentation.state_of(row)
    return markup("state.html", id=row["id"], state=state, word=words.STATES[state])


def _progress(row: Row, now: float) -> str:
    return markup("progress.html", line=presentation.task_line(row, now))


def _worker(row: Row, now: float) -> str:
    worker = str(row.get("worker") or "")
    return field("worker", formats.worker(worker)[0], worker)


def _runtime(row: Row, now: float) -> str:
    ran = presentation.running_time(row, now)
    return field("runtime", formats.duration(ran))


def _name(row: Row, now: float) -> str:
    return str(row.get("name") or row["id"])


def _attempts(row: Row, now: float) -> str:
    told = [dict(attempt) for attempt in cast(Any, row.get("attempts") or ())]
    for attempt in told:
        attempt["began"] = when(attempt["started_at"])
        attempt["ran"] = formats.duration(attempt["runtime"])
    return markup("attempts.html", attempts=told)


def _progress_data(row: Row, now: float) -> str:
    told = cast(Any, row.get("progress"))
    return (
        as_json({name: value for name, value in told.items() if value is not None}) if told else ""
    )


_STATE = Cell("state", _("State"), _state)
_PROGRESS = Cell("progress", _("Progress or outcome"), _progress)
_RUNTIME = Cell("runtime", _("Runtime"), _runtime)


class TaskAdmin(RowsAdmin):
    """Every task that the viewer may see, newest first."""

    of = "tasks"
    is_live = True
    search_fields = ("id",)
    search_help_text = _(
        "In Headway's filter language: name:shop.* since:1h timeout. Plain words are looked for"
        " in id, name, label and exception."
    )
    list_filter = (
        filter_by("status", _("status")),
        filter_by("conclusion", _("conclusion")),
        filter_by("name", _("name")),
        filter_by("queue", _("queue")),
        filter_by("worker", _("worker")),
    )
    columns = (
        _STATE,
        Cell("name", _("Name"), _name, is_link=True),
        _PROGRESS,
        _RUNTIME,
        age("first_seen_at", _("Age")),
        Cell("queue", _("Queue")),
        Cell("worker", _("Worker"), _worker),
    )
    fields_of = (
        (
            None,
            (
                _STATE,
                _PROGRESS,
                Cell("name", _("Name")),
                Cell("id", _("Id")),
                Cell("queue", _("Queue")),
                Cell("worker", _("Worker")),
                number("retries", _("Retries")),
                Cell("reason", _("Reason")),
            ),
        ),
        (
            _("Times"),
            (
                instant("sent_at", _("Sent")),
                instant("received_at", _("Received")),
                instant("started_at", _("Started")),
                instant("finished_at", _("Finished")),
                seconds("wait", _("Wait")),
                _RUNTIME,
                instant("eta", _("ETA")),
                instant("expires", _("Expires")),
                instant("retry_at", _("Next attempt")),
            ),
        ),
        (
            _("Call"),
            (
                code("args", _("Arguments"), "args"),
                code("kwargs", _("Keyword arguments"), "kwargs"),
                Cell("priority", _("Priority")),
                Cell("owner", _("Owner")),
                Cell("label", _("Label")),
            ),
        ),
        (
            _("Outcome"),
            (
                code("result", _("Result"), "result"),
                code("exception", _("Exception"), "exception"),
                code("traceback", _("Traceback"), "traceback"),
                link("signature", _("Failure group"), "failure", "exception"),
                Cell("attempts", _("Attempts"), _attempts),
                Cell("progress_data", _("Progress as told"), _progress_data),
            ),
        ),
        (
            _("Relations"),
            (
                link("root_id", _("Root"), "task"),
                link("parent_id", _("Parent"), "task"),
                Cell("group_id", _("Group")),
            ),
        ),
    )

    def read(self, asked: Asked) -> Found:
        """A page of the list, by keyset."""
        terms = [presentation.term(name, value) for name, value in asked.chosen.items()]
        text = " ".join(part for part in (asked.text.strip(), *terms) if part)
        query = language.parse(text, unreadable=asked.rights.hidden)
        reader, rows = self.reader(), asked.rights.rows
        page = reader.page(Select("tasks", query, LIMIT), rows, asked.now, asked.after)
        shown = [wire.list_row(row, asked.rights.hidden) for row in page.rows]
        key = _counted_by(query)
        total = key and formats.capped(reader.counts(query, rows, asked.now).get(key, (0, False)))
        return Found(shown, page.after, total, page.searched_back_to is not None)

    def find(self, rights: Rights, key: str, now: float) -> Row | None:
        """The task with all that the viewer may read of it."""
        rows = self.reader().page(Select("task", ids=(key,), limit=1), rights.rows, now).rows
        return wire.project(rows[0], rights.hidden) if rows else None

    def values(self, request: HttpRequest, name: str) -> Sequence[tuple[str, Any]]:
        """The words of states; of the other columns what the viewer's tasks have."""
        if name in _CHOICES:
            return _CHOICES[name]
        try:
            found = values.values(self.reader(), self.rights(request), name, "", time.time())
        except StoreUnavailable:
            # The list itself says so.
            found = []
        chosen = filter(None, [request.GET.get(name)])
        return [(value, value) for value in sorted({*found, *chosen})]

    def address(self, row: Row) -> str:
        """The task's page."""
        return reverse("headway:task", args=[row["id"]])


def _counted_by(query: language.Query) -> str:
    """Which of the counts tells how many this query finds; empty where none does."""
    chosen = [term for term in query.terms if term.word in _STATE_WORDS | {"state"}]
    if not chosen:
        return "all"
    [term, *others] = chosen
    [condition, *alternatives] = term.conditions
    is_one = not (others or alternatives or term.is_negated) and term.word in _STATE_WORDS
    return condition.text if is_one and isinstance(condition, Equal) else ""
