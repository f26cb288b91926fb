"""The shop's own page: a button that starts each kind of work."""

import random
import time

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from dashboard.demo.scenes import BY_SLUG, SCENES
from dashboard.views import pages, shell
from dashboard.views.policy import page
from realtime.ports import Rights


@page("view_task")
@require_http_methods(["GET", "HEAD", "POST"])
def shop(request: HttpRequest, rights: Rights) -> HttpResponse:
    """The buttons; a POST of `scene` starts one and comes back to where it can be seen."""
    if request.method == "POST":
        return _start(request)
    return shell.page(
        request,
        "demo.html",
        {"scenes": SCENES, "started": BY_SLUG.get(request.GET.get("started", ""))},
        stream=pages.snapshots().stream(),
        now=time.time(),
    )


def _start(request: HttpRequest) -> HttpResponse:
    scene = BY_SLUG.get(request.POST.get("scene", ""))
    if scene is None:
        return shell.notice(
            request, 400, _("Nothing started"), _("The shop has no such button."), _("Go back.")
        )
    scene.start(random.Random())  # noqa: S311 - not a secret
    return HttpResponseRedirect(f"{reverse('headway_demo:shop')}?started={scene.slug}")
