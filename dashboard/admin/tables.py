"""Workers, failure groups, queues, the schedule, the audit and API keys in Django admin."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from dashboard import auditing, cursors, formats, presentation, words
from dashboard.admin.cells import Cell, age, code, instant, link, markup, moment, number, seconds
from dashboard.admin.cells import words as worded
from dashboard.admin.rows import LIMIT, Asked, Found, RowsAdmin, filter_by
from dashboard.cursors import Key
from dashboard.models import ApiKey, Audit
from realtime import sight
from realtime.core import query as language
from realtime.core.frames import MAX_LIMIT
from realtime.core.wire import Row
from realtime.ports import Rights, Select

MAX_SEARCHED = 10_000
"""Audit entries that one page looks through."""

_FAILURE_STATES = {"open": _("Open"), "muted": _("Muted"), "resolved": _("Resolved")}
_WARNINGS = {"unattended": _("nobody takes them"), "backlog": _("falls behind")}
_SOURCES = {"celery": "Celery", "django-celery-beat": "django-celery-beat"}
_YES_NO = {True: _("yes"), False: _("no")}


class ToldAdmin(RowsAdmin):
    """A kind that is small enough to be read whole: search and filters look at what was read."""

    searched: Sequence[str] = ("name",)
    choices: Mapping[str, Mapping[Any, Any]] = {}
    key = "name"
    limit = MAX_LIMIT

    def read(self, asked: Asked) -> Found:
        """The rows that hold every word and have the values."""
        rows = list(self.rows(asked.rights, asked.now))
        wanted = [word.lower() for word in asked.text.split()]
        shown = [row for row in rows if self._matches(row, wanted, asked.chosen)]
        return Found(shown, total=formats.capped((len(shown), len(rows) >= self.limit)))

    def rows(self, rights: Rights, now: float) -> Iterable[Row]:
        """All there are."""
        select = sight.narrowed(Select(self.of, limit=self.limit), rights)
        return self.reader().page(select, rights.rows, now).rows

    def find(self, rights: Rights, key: str, now: float) -> Row | None:
        """The row with this key."""
        return next((row for row in self.rows(rights, now) if str(row[self.key]) == key), None)

    def values(self, request: HttpRequest, name: str) -> Sequence[tuple[str, Any]]:
        """The words of a field that has few values."""
        return [(str(value), word) for value, word in self.choices[name].items()]

    def address(self, row: Row) -> str:
        """The page of its kind."""
        return _page(self.of)

    def _matches(self, row: Row, wanted: Sequence[str], chosen: Mapping[str, str]) -> bool:
        text = " ".join(str(row.get(name) or "") for name in self.searched).lower()
        has_values = all(str(row.get(name)) == value for name, value in chosen.items())
        return has_values and all(word in text for word in wanted)


def _page(name: str, *arguments: str) -> str:
    """A page of Headway; its first one where this version has none of that name."""
    try:
        return reverse(f"headway:{name}", args=arguments)
    except NoReverseMatch:
        return reverse("headway:index")


def _worker_state(row: Row, now: float) -> str:
    state = str(row["state"])
    return markup("health.html", health=state, word=words.HEALTH[state])


def _use(row: Row, now: float) -> str:
    slots, busy = row.get("concurrency"), row.get("active") or 0
    return f"{busy}/{slots}" if slots else str(busy)


def _load(row: Row, now: float) -> str:
    load: Any = row.get("loadavg") or ()
    return " ".join(formats.decimal(figure, 2) for figure in load)


def _offset(row: Row, now: float) -> str:
    return formats.offset(row.get("clock_offset"))  # type: ignore[arg-type]


def _listed(name: str, label: Any) -> Cell:
    def tell(row: Row, now: float) -> str:
        texts: Any = row.get(name) or ()
        return ", ".join(texts)

    return Cell(name, label, tell)


class WorkerAdmin(ToldAdmin):
    """Every worker by name."""

    of = "workers"
    limit = sight.WHOLE_LIMIT
    search_fields = ("name",)
    choices = {"state": words.HEALTH}
    list_filter = (filter_by("state", _("state")),)
    columns = (
        Cell("state", _("State"), _worker_state),
        Cell("name", _("Name"), is_link=True),
        Cell("active", _("Active"), _use),
        number("processed", _("Processed")),
        Cell("pool", _("Pool")),
        _listed("queues", _("Queues")),
        age("last_heartbeat_at", _("Last heartbeat")),
    )
    fields_of = (
        (
            None,
            (
                *columns,
                Cell("pid", _("Process")),
                Cell("loadavg", _("Load"), _load),
                Cell("clock_offset", _("Clock offset"), _offset),
                seconds("freq", _("Heartbeat every")),
                instant("first_seen_at", _("First seen")),
                instant("inspected_at", _("Inspected")),
                Cell("sw_ident", _("Software")),
                Cell("sw_ver", _("Version")),
                Cell("sw_sys", _("System")),
            ),
        ),
    )

    def address(self, row: Row) -> str:
        """The workers' page."""
        return _page("workers")


def _failure(row: Row, now: float) -> str:
    return f"{row['type']}: {row['message']}" if row["message"] else str(row["type"])


class FailureAdmin(ToldAdmin):
    """The groups that failed last, searched as on Headway's own page."""

    of = "failures"
    key = "signature"
    search_fields = ("type",)
    search_help_text = _("Words of type, message and task, or name:shop.* since:1h")
    choices = {"state": _FAILURE_STATES}
    list_filter = (filter_by("state", _("state")),)
    columns = (
        worded("state", _("State"), _FAILURE_STATES),
        Cell("failure", _("Failure"), _failure, is_link=True),
        Cell("name", _("Task")),
        number("last_hour", _("Last hour")),
        number("count", _("Count")),
        age("last_seen_at", _("Last seen")),
    )
    fields_of = (
        (
            None,
            (
                worded("state", _("State"), _FAILURE_STATES),
                Cell("type", _("Type")),
                code("message", _("Message")),
                code("frame", _("Last own frame")),
                Cell("name", _("Task")),
                link("task_id", _("Newest task"), "task"),
                number("count", _("Count")),
                number("last_hour", _("Last hour")),
                number("last_day", _("Last day")),
                instant("first_seen_at", _("First seen")),
                instant("last_seen_at", _("Last seen")),
                instant("state_at", _("Decided")),
                Cell("state_by", _("By")),
                instant("muted_until", _("Muted until")),
                instant("returned_at", _("Came back")),
            ),
        ),
    )

    def read(self, asked: Asked) -> Found:
        """The newest groups that match."""
        states = [presentation.term(name, value) for name, value in asked.chosen.items()]
        text = " ".join([asked.text, *states])
        hidden = asked.rights.hidden
        query = language.parse(text, unreadable=hidden, language=language.FAILURES)
        select = sight.narrowed(Select("failures", query, LIMIT), asked.rights)
        rows = self.reader().page(select, asked.rights.rows, asked.now).rows
        return Found(rows, total=formats.capped((len(rows), len(rows) == LIMIT)))

    def find(self, rights: Rights, key: str, now: float) -> Row | None:
        """The group of this signature."""
        select = sight.narrowed(Select("failures", ids=(key,)), rights)
        rows = self.reader().page(select, rights.rows, now).rows
        return rows[0] if rows else None

    def address(self, row: Row) -> str:
        """The group's page."""
        return _page("failure", str(row["signature"]))


class QueueAdmin(ToldAdmin):
    """Every queue by name."""

    of = "queues"
    search_fields = ("name",)
    choices = {"warning": _WARNINGS}
    list_filter = (filter_by("warning", _("warning")),)
    columns = (
        Cell("name", _("Name"), is_link=True),
        worded("warning", _("Warning"), _WARNINGS),
        number("depth", _("Depth")),
        number("waiting", _("Waiting")),
        number("consumers", _("Consumers")),
        age("oldest_at", _("Oldest waits")),
        age("measured_at", _("Measured")),
    )
    fields_of = (
        (None, (*columns, code("priorities", _("By priority")), Cell("error", _("Error")))),
        (_("Workers"), (_listed("workers", _("Workers")),)),
    )


class ScheduleAdmin(ToldAdmin):
    """Every entry of the schedule by name."""

    of = "schedule"
    searched = ("name", "task")
    search_fields = ("name",)
    choices = {"source": _SOURCES, "is_enabled": _YES_NO}
    list_filter = (filter_by("source", _("source")), filter_by("is_enabled", _("enabled")))
    columns = (
        Cell("name", _("Name"), is_link=True),
        Cell("task", _("Task")),
        Cell("schedule", _("Schedule")),
        worded("is_enabled", _("Enabled"), _YES_NO),
        moment("next_run_at", _("Next run")),
        moment("last_run_at", _("Last run")),
        worded("last_outcome", _("Outcome"), words.STATES),
        number("missed", _("Missed")),
    )
    fields_of = (
        (
            None,
            (
                *columns,
                link("last_task_id", _("Last task"), "task"),
                instant("missed_at", _("First missed")),
                worded("source", _("Source"), _SOURCES),
                instant("checked_at", _("Checked")),
            ),
        ),
    )


def _target(row: Row, now: float) -> str:
    return str(row.get("name") or row["target"])


class AuditAdmin(RowsAdmin):
    """Who did what. A viewer who sees only some tasks gets their own entries."""

    of = "audit"
    search_fields = ("target",)
    search_help_text = _("A user, or the whole id of a target; plain words are looked for in names")
    list_filter = (filter_by("action", _("action")), filter_by("outcome", _("outcome")))
    columns = (
        moment("at", _("When")),
        Cell("user", _("User")),
        worded("action", _("Action"), auditing.ACTIONS),
        Cell("target", _("Target"), _target, is_link=True),
        worded("outcome", _("Outcome"), auditing.OUTCOMES),
        Cell("detail", _("Why")),
    )
    fields_of = (
        (
            None,
            (
                instant("at", _("When")),
                Cell("user", _("User")),
                worded("action", _("Action"), auditing.ACTIONS),
                Cell("kind", _("Kind of target")),
                link("target", _("Target"), "task"),
                Cell("name", _("Name")),
                worded("outcome", _("Outcome"), auditing.OUTCOMES),
                Cell("detail", _("Why")),
                link("new_id", _("New task"), "task"),
                Cell("operation", _("Operation")),
            ),
        ),
    )

    def read(self, asked: Asked) -> Found:
        """The newest entries of at most `MAX_SEARCHED`; what is older begins after them."""
        entries = self._visible(asked.rights)
        if asked.after is not None:
            key = cursors.key(asked.after)
            entries = entries.filter(at__lte=key.first_seen_at).exclude(
                at=key.first_seen_at, id__gte=int(key.id)
            )
        matching = Audit.objects.filter(pk__in=entries.values("pk")[:MAX_SEARCHED])
        matching = matching.filter(**asked.chosen).filter(_holding(asked.text))
        some = list(matching.order_by("-at", "-id")[: LIMIT + 1])
        shown = some[:LIMIT]
        last = shown[-1] if len(some) > LIMIT else _last(entries)
        after = None if last is None else cursors.text(Key(last.at, str(last.pk)))
        rows = [auditing.row(entry) for entry in shown]
        return Found(rows, after, is_cut=after is not None and len(some) <= LIMIT)

    def find(self, rights: Rights, key: str, now: float) -> Row | None:
        """The entry of this number."""
        entry = self._visible(rights).filter(pk=key).first() if key.isdecimal() else None
        return None if entry is None else auditing.row(entry)

    def values(self, request: HttpRequest, name: str) -> Sequence[tuple[str, Any]]:
        """The words there are."""
        return list({"action": auditing.ACTIONS, "outcome": auditing.OUTCOMES}[name].items())

    def address(self, row: Row) -> str:
        """The audit's page."""
        return _page("audit")

    def _visible(self, rights: Rights) -> QuerySet[Audit]:
        entries = Audit.objects.order_by("-at", "-id")
        return entries.filter(user=rights.user) if sight.is_restricted(rights) else entries


def _holding(text: str) -> Q:
    """Every word in the user, the target or the name."""
    found = Q()
    for word in text.replace("\x00", "").split():
        found &= Q(user__iexact=word) | Q(target=word) | Q(name__icontains=word)
    return found


def _last(entries: QuerySet[Audit]) -> Audit | None:
    """The oldest entry that was looked at, where there are older ones."""
    return entries[MAX_SEARCHED - 1 : MAX_SEARCHED].first()


class ApiKeyAdmin(ToldAdmin):
    """The keys of programs, without their secrets; `headway apikey` makes and revokes them."""

    of = "keys"
    key = "id"
    searched = ("name", "prefix", "user")
    search_fields = ("name",)
    columns = (
        Cell("name", _("Name"), is_link=True),
        Cell("prefix", _("Prefix")),
        Cell("user", _("User")),
        moment("created_at", _("Made")),
        moment("expires_at", _("Expires")),
        moment("last_used_at", _("Last used")),
    )
    fields_of = ((None, columns),)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """By Django's own permission: keys are no task data, and no page of Headway shows them."""
        return bool(request.user.has_perm("headway.view_apikey"))

    def rows(self, rights: Rights, now: float) -> Iterable[Row]:
        """The newest keys."""
        for key in ApiKey.objects.select_related("user").order_by("-created_at")[: self.limit]:
            row: Row = {"id": key.pk, "name": key.name, "prefix": key.prefix, "user": str(key.user)}
            for name in ("created_at", "expires_at", "last_used_at"):
                at = getattr(key, name)
                row[name] = None if at is None else at.timestamp()
            yield row

    def get_view_on_site_url(self, obj: Any = None) -> str | None:
        """None: Headway has no page of keys."""
        return None
