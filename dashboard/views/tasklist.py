"""The task list at first paint: rows, tabs, chips, and what is said when there is nothing to
show."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from dashboard import badge, columns, formats, presentation, querybar, saved, words
from dashboard.said import described, said
from realtime.core import query as language
from realtime.core import wire
from realtime.ports import Counts, Page, Rights, Select, Snapshots

LIST_LIMIT = 100
# More workers than this are no list to read.
WORKER_LIMIT = 500
# Each suggestion costs a count, so a long query offers only some.
_SUGGESTION_LIMIT = 6

# Where the page's script puts an id into an address.
ID_PLACEHOLDER = "ID_PLACEHOLDER"
_CONCLUSIONS = frozenset({"succeeded", "failed", "cancelled", "rejected", "expired", "lost"})
_ALWAYS_SHOWN = (
    "running",
    "queued",
    "reserved",
    "scheduled",
    "retrying",
    "succeeded",
    "failed",
    "cancelled",
    "lost",
)
_SHOWN_WHEN_ANY = ("stalled", "rejected", "expired", "unknown")


class BadCursor(Exception):
    """`after` is no cursor of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Why a query was not answered as typed: the term it is in, what is wrong, what is allowed."""

    message: str
    allowed: Collection[str]
    term: str
    before: str
    marked: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What of a query could be read. With a fault, `query` leaves the faulty term out."""

    query: language.Query
    fault: Fault | None = None


def choices(request: HttpRequest, rights: Rights) -> dict[str, Any]:
    """What this viewer chose for all their lists: columns, and queries they saved."""
    return {
        "columns": columns.read(request.COOKIES.get(columns.COOKIE), rights.hidden),
        "saved": [
            {"id": each.pk, "name": each.name, "query": each.query, "url": list_url(each.query)}
            for each in saved.saved(request.user)
        ],
    }


def list_url(text: str = "", after: str | None = None) -> str:
    """The list with this query, going on below the cursor `after`."""
    parameters = {key: value for key, value in (("query", text), ("after", after)) if value}
    return reverse("headway:tasks") + (f"?{urlencode(parameters)}" if parameters else "")


def ask(text: str, hidden: frozenset[str], of: language.Language = language.TASKS) -> Asked:
    """Read the query. A faulty term is left out and told; when the rest cannot be read either,
    everything is shown."""
    try:
        return Asked(query=language.parse(text, unreadable=hidden, language=of))
    except language.QueryError as error:
        fault, rest = _fault(text, error)
    try:
        return Asked(query=language.parse(rest, unreadable=hidden, language=of), fault=fault)
    except language.QueryError:
        return Asked(query=language.EVERYTHING, fault=fault)


def _fault(text: str, error: language.QueryError) -> tuple[Fault, str]:
    all_terms = querybar.terms(text)
    term = querybar.at(all_terms, error.at) or querybar.Term("", 0)
    end = max(error.until, error.at + 1)
    fault = Fault(
        message=said(error.message),
        allowed=error.allowed,
        term=term.text,
        before=text[max(0, error.at - 60) : error.at],
        marked=text[error.at : end] or "\u00a0",
        after=text[end : end + 60],
    )
    return fault, querybar.without(all_terms, [term])


def chips(terms: list[querybar.Term], url: Callable[[str], str]) -> list[dict[str, Any]]:
    """The terms of a query, each with the address without it; `url` makes one of a query."""
    return [
        {
            "head": term.head,
            "tail": term.tail,
            "text": term.text,
            "url": url(querybar.without(terms, [term])),
        }
        for term in terms
    ]


def query_words(
    hidden: frozenset[str], of: language.Language = language.TASKS
) -> list[dict[str, Any]]:
    """The words of the language that this viewer may use, for completion."""
    return [
        {"word": f"{key}:", "description": described(word.description), "values": [*word.values]}
        for key, word in of.words.items()
        if key != "kwarg.NAME" and not hidden.intersection(word.needs)
    ]


class TaskList:
    """One read of the list for one viewer."""

    def __init__(
        self, reader: Snapshots, rights: Rights, text: str, after: str | None, now: float
    ) -> None:
        """`text` is the query as typed, `after` the cursor to go on below, `now` Unix seconds."""
        self._reader, self._rights, self._after, self._now = reader, rights, after, now
        self._asked = ask(text, rights.hidden)
        self._terms = querybar.terms(self._asked.query.text)
        self._stateless = language.without(self._asked.query, querybar.STATE_KEYS)

    @property
    def status(self) -> int:
        """400 where the query was not answered as typed."""
        return 400 if self._asked.fault else 200

    def context(self, shown: columns.Shown) -> dict[str, Any]:
        """Everything tasks.html needs, with these columns."""
        select = Select("tasks", self._asked.query, LIST_LIMIT)
        page = self._page(select)
        counts = self._reader.counts(self._stateless, self._rights.rows, self._now)
        rows = [wire.list_row(row, self._rights.hidden) for row in page.rows]
        return {
            "query": self._asked.query.text,
            "fault": self._asked.fault,
            "chips": chips(self._terms, list_url),
            "bar": {"of": "tasks", "action": list_url(), "clear": list_url()},
            "tabs": self._tabs(counts),
            "lines": [self._line(row, shown) for row in rows],
            "blank": presentation.blank_task_line(),
            "limit": LIST_LIMIT,
            "api_url": f"{reverse('headway:index')}api/v1/tasks",
            "task_url": reverse("headway:task", args=[ID_PLACEHOLDER]),
            "is_older": bool(self._after),
            "newest_url": list_url(self._asked.query.text),
            "older_url": list_url(self._asked.query.text, page.after) if page.after else "",
            "searched_back_to": page.searched_back_to,
            "shown": self._shown(len(rows), counts),
            "query_words": query_words(self._rights.hidden),
            "first_rows": {
                "epoch": page.epoch,
                "revision": page.revision,
                "rows": rows,
                "counts": counts,
                "after": page.after,
            },
            "empty": None if rows else self._empty(page),
        }

    def _line(self, row: Mapping[str, Any], shown: columns.Shown) -> dict[str, Any]:
        line = presentation.task_line(row, self._now)
        return {**line, **columns.cells(row)} if shown.has_more else line

    def _page(self, select: Select) -> Page:
        try:
            return self._reader.page(select, self._rights.rows, self._now, self._after)
        except ValueError as error:
            raise BadCursor(self._after) from error

    def _tabs(self, counts: Counts) -> list[dict[str, Any]]:
        chosen = [term.text for term in self._terms if term.key in querybar.STATE_KEYS]
        tabs = [self._tab("all", "", _("All"), counts, is_current=not chosen)]
        for key in (*_ALWAYS_SHOWN, *_SHOWN_WHEN_ANY):
            state_term = f"{'conclusion' if key in _CONCLUSIONS else 'status'}:{key}"
            tabs.append(
                self._tab(
                    key,
                    state_term,
                    str(words.STATES[key]),
                    counts,
                    is_current=chosen == [state_term],
                )
            )
        return tabs

    def _tab(
        self, key: str, state_term: str, word: str, counts: Counts, *, is_current: bool
    ) -> dict[str, Any]:
        number = counts.get(key, (0, False))
        is_rare = key in _SHOWN_WHEN_ANY
        return {
            "key": key,
            "word": word,
            "url": list_url(querybar.with_state(self._terms, state_term)),
            "count": formats.capped(number),
            "is_current": is_current,
            "is_rare": is_rare,
            "is_hidden": is_rare and not is_current and not number[0],
        }

    def _shown(self, number: int, counts: Counts) -> str:
        """`40 of 10k+`; only the number where the tabs do not count what is listed."""
        chosen = [term for term in self._terms if term.key in querybar.STATE_KEYS]
        key = "all" if not chosen else chosen[0].tail if len(chosen) == 1 else ""
        if self._after or key not in counts:
            return formats.number(number)
        return words.PAGE["shown"] % {
            "number": formats.number(number),
            "total": formats.capped(counts[key]),
        }

    def _empty(self, page: Page) -> dict[str, Any]:
        """Which sentence stands in the empty list, and its next steps."""
        if page.searched_back_to is not None and page.after:
            return {"kind": "too_broad"}
        if self._after:
            return {"kind": "no_older"}
        if not self._terms and not self._asked.fault:
            workers = self._reader.page(
                Select("workers", limit=WORKER_LIMIT), language.EVERYTHING, self._now
            )
            may_see = "view_worker" in self._rights.can
            checks = badge.first_run_checks(
                self._reader.stream(), workers.rows if may_see else None, self._now
            )
            return {"kind": "first_run", "checks": checks}
        return {"kind": "no_match", "wider": self._wider()}

    def _wider(self) -> list[dict[str, Any]]:
        """The same query with one thing less, where that finds something: without its times first,
        then term by term."""
        ranges = [term for term in self._terms if term.key in querybar.RANGE_KEYS]
        others = [term for term in self._terms if term not in ranges]
        trials = ([ranges] if ranges else []) + [[term] for term in others]
        return [found for gone in trials[:_SUGGESTION_LIMIT] if (found := self._trial(gone))]

    def _trial(self, gone: list[querybar.Term]) -> dict[str, Any] | None:
        text = querybar.without(self._terms, gone)
        query = language.parse(text, unreadable=self._rights.hidden)
        number = self._reader.counts(query, self._rights.rows, self._now).get("all", (0, False))
        if not number[0]:
            return None
        return {
            "without": querybar.join(gone),
            "count": formats.capped(number),
            "url": list_url(text),
        }
