"""The pages for people. Each is whole from one read of the store, with the cursor its script goes
on from."""

import time

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from dashboard import columns, queries, querybar
from dashboard.views import shell
from dashboard.views.policy import page
from dashboard.views.tasklist import (
    BadCursor,
    TaskList,
    choices,
    list_url,
)
from realtime.ports import Rights, Snapshots, StoreUnavailable, TooCostly


def snapshots() -> Snapshots:
    """What the pages read from."""
    return queries.Reader()


@page("view_task")
@require_safe
def tasks(request: HttpRequest, rights: Rights) -> HttpResponse:
    """The live list, newest first. `query` may come several times: the form adds terms to those
    there are."""
    typed = request.GET.getlist("query")
    text = querybar.join(typed)
    if columns.PARAMETER in request.GET:
        return _with_columns(request, HttpResponseRedirect(list_url(text)))
    if len(typed) > 1:
        return HttpResponseRedirect(list_url(text))
    try:
        reader, now = snapshots(), time.time()
        found = TaskList(reader, rights, text, request.GET.get("after"), now)
        chosen = choices(request, rights)
        context = {**found.context(chosen["columns"]), **chosen}
        stream = reader.stream()
    except TooCostly:
        return too_costly(request)
    except StoreUnavailable:
        return unavailable(request)
    except BadCursor:
        return HttpResponseRedirect(list_url(text))
    return shell.page(request, "tasks.html", context, stream=stream, now=now, status=found.status)


def _with_columns(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The answer, which has the browser remember the columns that its form chose."""
    chosen = columns.written(request.GET.getlist(columns.PARAMETER))
    root = reverse("headway:index")
    response.set_cookie(columns.COOKIE, chosen, columns.KEPT_S, path=root, samesite="Lax")
    return response


def unavailable(request: HttpRequest) -> HttpResponse:
    """503: the store cannot be read now."""
    return shell.notice(
        request,
        503,
        _("The database does not answer"),
        _(
            "Headway cannot read what it stored. Events go on being collected as long as the"
            " receiver can write."
        ),
        _("Try again in a moment; if it stays, look at the log of the web process."),
    )


def too_costly(request: HttpRequest) -> HttpResponse:
    """503: the search was given up."""
    return shell.notice(
        request,
        503,
        _("This search takes too long"),
        _("It was given up, so that others are not kept waiting."),
        _("Add a term such as name:, queue: or since:, or use fewer wildcards."),
    )
