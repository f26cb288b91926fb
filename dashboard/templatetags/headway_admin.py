"""`{% load headway_admin %}`: Headway's parts in Django admin, and the links between the two.

- `{% headway_monitor %}`: the monitor box, for any admin page; nothing for who may see no task.
- `{% headway_live %}`: only the stream badge, and what keeps the cells of tasks true.
- `{% headway_admin_url "task" id as url %}`: the admin page of a task (without an id: their list),
  for staff; else empty.

The first two bring their own stylesheets and script. A page takes one of them.
"""

import time
from typing import Any

from django import template
from django.apps import apps
from django.template import Context
from django.urls import NoReverseMatch, reverse

from dashboard import access, badge, formats, presentation, queries, words
from realtime.ports import NOBODY, Rights, Select, StoreUnavailable

register = template.Library()

_OPEN = ("running", "queued")
_QUERIES = {
    "running": "status:running",
    "queued": "status:queued",
    "failed_last_hour": "conclusion:failed since:1h",
}


@register.inclusion_tag("admin/headway/live.html", takes_context=True)
def headway_live(context: Context, is_live: bool = True, is_linked: bool = True) -> dict[str, Any]:
    """The stream badge. `is_live` says whether a script keeps the page true, `is_linked` whether
    the way to Headway stands beside it."""
    rights = _rights(context)
    if rights is NOBODY:
        return {}
    if "view_task" not in rights.can:
        # Their cells need the stylesheets too.
        return {**_around(is_live=False), "stream": None}
    return {**_around(is_live=is_live), "is_linked": is_linked}


@register.inclusion_tag("admin/headway/monitor.html", takes_context=True)
def headway_monitor(context: Context) -> dict[str, Any]:
    """What goes on now, of the tasks that the viewer may see."""
    rights = _rights(context)
    if "view_task" not in rights.can:
        return {}
    now = time.time()
    around = _around(is_live=True)
    try:
        [row] = queries.Reader().page(Select("overview"), rights.rows, now).rows
    except StoreUnavailable:
        return {**around, "figures": []}
    return {**around, "figures": [_figure(name, row, now) for name in _QUERIES]}


@register.simple_tag(takes_context=True)
def headway_admin_url(context: Context, model: str, key: str = "") -> str:
    """The admin page of one of our things, or their list, where there is one and the viewer is
    staff."""
    user: Any = getattr(_request(context), "user", None)
    if not (user and user.is_active and getattr(user, "is_staff", False)):
        return ""
    if not apps.is_installed("django.contrib.admin"):
        return ""
    from django.contrib.admin.utils import quote

    try:
        if not key:
            return reverse(f"admin:headway_{model}_changelist")
        return reverse(f"admin:headway_{model}_change", args=[quote(key)])
    except NoReverseMatch:
        return ""


def _request(context: Context) -> Any:
    """The request, whether or not the project puts it into its contexts."""
    return getattr(context, "request", None) or context.get("request")


def _rights(context: Context) -> Rights:
    request = _request(context)
    try:
        reverse("headway:index")
    except NoReverseMatch:
        return NOBODY
    return NOBODY if request is None else access.rights(request.user)


def _around(*, is_live: bool) -> dict[str, Any]:
    """What every part of ours in admin has."""
    root = reverse("headway:index")
    try:
        stream = badge.stream_badge(queries.Reader().stream(), time.time())
    except StoreUnavailable:
        stream = None
    return {
        "is_shown": True,
        "root": root,
        "tasks_url": reverse("headway:tasks"),
        "live_path": f"{root}ws/v1/live" if is_live else "",
        "stream": stream,
        "words": words.for_script(),
    }


def _figure(name: str, row: Any, now: float) -> dict[str, Any]:
    at = row.get(f"oldest_{name}_at") if name in _OPEN else None
    return {
        "name": name,
        "count": formats.number(row.get(name)),
        "url": presentation.search_url(_QUERIES[name]),
        "is_bad": name not in _OPEN and bool(row.get(name)),
        "at": "" if at is None else presentation.stamp(at),
        "age": "" if at is None else formats.age(now - at),
    }
