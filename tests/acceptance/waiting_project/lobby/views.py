"""Pages of the site: its visitors have no accounts, and each sees only what they handed over."""

import json
from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from lobby import tasks

POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self'; "
    "require-trusted-types-for 'script'"
)


def strict(get_response: Callable[[HttpRequest], HttpResponse]) -> object:
    """The policy of all pages that have none of their own."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response

    return middleware


def hand_over(request: HttpRequest) -> HttpResponse:
    """Give a worker what is asked for, and show what becomes of it."""
    asked = json.loads(request.GET["asked"])
    task = getattr(tasks, asked["task"])
    result = task.apply_async(kwargs=asked.get("with", {}), queue=asked.get("queue"))
    request.session[f"work {result.id}"] = asked.get("shown", {})
    return redirect("work", result.id)


def work(request: HttpRequest, task_id: str) -> HttpResponse:
    """How far it is, for the one who handed it over."""
    shown = request.session.get(f"work {task_id}")
    if shown is None:
        raise Http404
    defaults = {"label": None, "can": "", "ttl": 900}
    return render(request, "lobby/work.html", {"id": task_id, **defaults, **shown})


def many(request: HttpRequest) -> HttpResponse:
    """Two hundred things at once."""
    ids = [tasks.quick.delay().id for _ in range(200)]
    return render(request, "lobby/many.html", {"ids": ids})
