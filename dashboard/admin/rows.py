"""Admin pages of rows that somebody else reads and bounds: nothing here asks the tables itself.

Django admin is made for querysets. Ours are always empty: a list is what `RowsAdmin.read` answers,
an object what `RowsAdmin.find` does, both as far as the viewer's rights go. Whatever else admin may
ask its queryset for (another lookup, another order, a count) finds nothing.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, cast

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters, ShowFacets
from django.contrib.admin.views.main import ChangeList
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from dashboard import access, queries
from dashboard.admin.cells import Cell
from realtime import sight
from realtime.core.query import QueryError
from realtime.core.wire import Row
from realtime.ports import NOBODY, Rights, Snapshots, StoreUnavailable, TooCostly

AFTER = "after"
"""The parameter that holds where the next page begins."""
LIMIT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question of a list."""

    rights: Rights
    text: str
    """What stands in the search box."""
    chosen: Mapping[str, str]
    """The values of the filters by their names."""
    after: str | None
    now: float


class Found(NamedTuple):
    """The answer: rows in the order they are shown, where the next page begins, how many there
    are in words, and whether the search stopped before it had seen all."""

    rows: Sequence[Row]
    after: str | None = None
    total: str = ""
    is_cut: bool = False


class ValueFilter(admin.SimpleListFilter):
    """Rows with one value of a field; `RowsAdmin.values` says which there are."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        """The values and their words."""
        return cast(RowsAdmin, model_admin).values(request, str(self.parameter_name))

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Nothing to do: the reader of the rows takes the value."""
        return queryset


def filter_by(name: str, title: Any) -> type[ValueFilter]:
    """A filter on the field `name`."""
    return type(f"{name.title()}Filter", (ValueFilter,), {"parameter_name": name, "title": title})


class RowsList(ChangeList):
    """One page of rows."""

    after: str | None = None
    found: Found = Found(())
    fault = ""
    """Why there is no answer, in a sentence."""
    status = 200

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet:
        """An empty one; what the address asks for is taken apart."""
        # Whoever changes a filter or searches begins at the newest again.
        self.after = self.params.pop(AFTER, None)
        self.filter_params.pop(AFTER, None)
        self.filter_specs, self.has_filters, others, _, self.has_active_filters = self.get_filters(
            request
        )
        self.clear_all_filters_qs = self.get_query_string(remove=list(self.get_filters_params()))
        if others:
            raise IncorrectLookupParameters(str(sorted(others)))
        return self.root_queryset

    def get_results(self, request: HttpRequest) -> None:
        """Have the rows read; a question that cannot be answered is told why."""
        rows_admin = cast(RowsAdmin, self.model_admin)
        chosen = {spec.parameter_name: spec.value() for spec in cast(Any, self.filter_specs)}
        asked = Asked(
            rights=rows_admin.rights(request),
            text=self.query,
            chosen={name: value for name, value in chosen.items() if value},
            after=self.after,
            now=time.time(),
        )
        try:
            self.found = rows_admin.read(asked)
        except QueryError as error:
            self._refuse(400, error.message)
        except TooCostly:
            self._refuse(
                503, _("This search takes too long. Add a term such as name: or since:1h.")
            )
        except StoreUnavailable:
            self._refuse(503, _("The database does not answer. Try again in a moment."))
        except ValueError:
            raise IncorrectLookupParameters(AFTER) from None
        if self.fault:
            messages.error(request, self.fault)
        self.result_list = [rows_admin.shown(row, asked.now) for row in self.found.rows]
        self._number(request)

    def _refuse(self, status: int, why: str) -> None:
        self.status, self.fault = status, why

    def _number(self, request: HttpRequest) -> None:
        """What admin's templates ask of every list."""
        self.result_count = self.full_result_count = len(self.result_list)
        self.show_full_result_count = self.show_admin_actions = False
        self.can_show_all = self.multi_page = False
        self.paginator = self.model_admin.get_paginator(request, self.result_list, LIMIT)

    @property
    def is_newest(self) -> bool:
        """Whether this is the first page."""
        return self.after is None

    @property
    def newest_url(self) -> str:
        """The first page of the same question."""
        return str(self.get_query_string())

    @property
    def older_url(self) -> str:
        """The page after this one; empty on the last."""
        after = self.found.after
        return str(self.get_query_string({AFTER: after})) if after else ""


class RowsAdmin(admin.ModelAdmin):
    """A model that is read and never written here. Subclasses say which rows there are and how
    they look."""

    of: ClassVar[str]
    """The kind of thing (`sight.NEEDED`) that a viewer must be allowed to see."""
    columns: ClassVar[Sequence[Cell]] = ()
    fields_of: ClassVar[Sequence[tuple[Any, Sequence[Cell]]]] = ()
    """The titles and cells of an object's page."""
    is_live: ClassVar[bool] = False
    """Whether its cells follow the tasks they tell of."""

    actions = None
    sortable_by = ()
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    list_per_page = LIMIT

    def read(self, asked: Asked) -> Found:
        """The rows of a list. May raise QueryError, StoreUnavailable, and ValueError for an
        `after` that is none."""
        raise NotImplementedError

    def find(self, rights: Rights, key: str, now: float) -> Row | None:
        """The whole row of one object; None where there is none that the viewer may see."""
        raise NotImplementedError

    def values(self, request: HttpRequest, name: str) -> Sequence[tuple[str, Any]]:
        """The values of a filter with their words."""
        return ()

    def address(self, row: Row) -> str:
        """The same thing on Headway's own pages."""
        raise NotImplementedError

    def reader(self) -> Snapshots:
        """What is read from."""
        return queries.Reader()

    def rights(self, request: HttpRequest) -> Rights:
        """What the viewer may see, read once for each request."""
        kept: Any = request
        if not hasattr(kept, "headway_rights"):
            # Rows link to Headway's own pages: without those there is nothing to show.
            kept.headway_rights = access.rights(request.user) if is_mounted() else NOBODY
        return cast(Rights, kept.headway_rights)

    def shown(self, row: Row, now: float) -> Model:
        """The row as the unsaved object that admin's pages take."""
        names = [field.attname for field in self.opts.concrete_fields]
        thing: Any = self.model(**{name: row[name] for name in names if name in row})
        thing.row, thing.now = row, now
        return cast(Model, thing)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """By the same table as pages and API."""
        return sight.refusal(self.of, self.rights(request)) is None

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whether it is listed."""
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never: actions have their own permissions and their audit, on Headway's pages."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Always empty."""
        return super().get_queryset(request).none()

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Any:
        """The object of this key, where the viewer may see it."""
        if not self.has_view_permission(request) or "\x00" in object_id:
            return None
        now = time.time()
        row = self.find(self.rights(request), object_id, now)
        return None if row is None else self.shown(row, now)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Only what a filter asks for."""
        return lookup in {spec.parameter_name for spec in cast(Any, self.list_filter)}

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Our list."""
        return RowsList

    def get_list_display(self, request: HttpRequest) -> Any:
        """The columns that the viewer may read."""
        return readable(self.columns, self.rights(request))

    def get_list_display_links(self, request: HttpRequest, list_display: Any) -> Any:
        """The column that leads to an object."""
        return [cell for cell in list_display if getattr(cell, "is_link", False)]

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """The parts of an object's page with what the viewer may read."""
        rights = self.rights(request)
        parts = [(title, readable(cells, rights)) for title, cells in self.fields_of]
        return [(title, {"fields": cells}) for title, cells in parts if cells]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """All of them."""
        return [cell for _, part in self.get_fieldsets(request, obj) for cell in part["fields"]]

    def view_on_site(self, obj: Model) -> str:
        """The link to Headway's own page."""
        return self.address(cast(Any, obj).row)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list, with the status of what a question that cannot be answered is refused for."""
        extra = {"headway_is_live": self.is_live, **(extra_context or {})}
        response = super().changelist_view(request, extra)
        shown = (getattr(response, "context_data", None) or {}).get("cl")
        if isinstance(shown, RowsList):
            response.status_code = shown.status
        return response

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """The page of one object."""
        context["headway_is_live"] = self.is_live
        return super().render_change_form(request, context, *args, **kwargs)


def readable(cells: Sequence[Cell], rights: Rights) -> list[Cell]:
    """The cells whose guarded field, if they tell one, these rights do not hide."""
    return [cell for cell in cells if cell.guarded not in rights.hidden]


def is_mounted() -> bool:
    """Whether this project's addresses include Headway's."""
    try:
        reverse("headway:index")
    except NoReverseMatch:
        return False
    return True
