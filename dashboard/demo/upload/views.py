"""The page, what its script asks for, and the results. Nothing here needs an account: whoever has
the session sees their own uploads, and no one else's."""

import functools
import json
import time
from collections.abc import Callable
from typing import Any

from celery import current_app
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    JsonResponse,
)
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dashboard.demo.upload import convert, following, kinds, limits, receiving, store, visitors
from dashboard.demo.upload.receiving import WrongOffset
from dashboard.demo.upload.refusals import Gone, Refused
from dashboard.demo.upload.store import Meta, Upload
from dashboard.throttle import Budget, Rate
from dashboard.views import cors
from dashboard.views.policy import View, strict

_TYPES = {".jpg": "image/jpeg", ".zip": "application/zip", ".csv": "text/csv; charset=utf-8"}
_SHOWN = 6
_SMALL_BODY = 64 * 1024
_begun = Budget(Rate(limits.BEGUN_AT_ONCE, limits.BEGUN_EVERY_S))


def answered(view: Callable[..., HttpResponse]) -> View:
    """What a view refuses, as JSON with a sentence."""

    @strict
    @functools.wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except WrongOffset as error:
            return JsonResponse({"offset": error.offset}, status=409)
        except Refused as error:
            return JsonResponse({"detail": str(error)}, status=error.status)
        except Gone:
            return JsonResponse({"detail": "It is not here any more."}, status=404)

    return answer


@strict
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """The page; a POST is the form of a browser without JavaScript."""
    refusal, status = "", 200
    if request.method == "POST":
        try:
            _admit(request)
            following.start(
                receiving.take(visitors.visitor(request), request.FILES.getlist("files"))
            )
            return HttpResponseRedirect(reverse("uploads:page"))
        except Refused as error:
            refusal, status = str(error), error.status
    visitor = visitors.known(request)
    uploads = store.of_visitor(visitor) if visitor is not None else ()
    mine = [_card(upload, following.resume(upload, meta)) for upload, meta in uploads]
    now = [each for each in mine if each["state"] in (store.OPEN, store.WORKING)]
    context = {
        "now": now,
        "earlier": [each for each in mine if each not in now],
        "is_working": any(each["state"] == store.WORKING for each in now),
        "refusal": refusal,
        "server": reverse("headway:index"),
        "max_mb": limits.MAX_UPLOAD // limits.MB,
        "max_form_mb": limits.MAX_FORM // limits.MB,
    }
    return render(request, "headway/demo_upload.html", context, status=status)


@answered
@require_POST
def begin(request: HttpRequest) -> HttpResponse:
    """A place for the files that a script announces."""
    _admit(request)
    files, stumbles = receiving.read_request(request.read(_SMALL_BODY))
    upload = receiving.begin(visitors.visitor(request), files, stumbles=stumbles)
    return JsonResponse({**following.told(upload), "max_chunk": limits.MAX_CHUNK}, status=201)


@answered
@require_http_methods(["PUT"])
def chunk(request: HttpRequest, upload_id: str, number: str) -> HttpResponse:
    """The next bytes of a file. `Upload-Offset` says where they belong; 409 where that is not."""
    upload = visitors.upload_of(request, upload_id)
    offset = request.headers.get("Upload-Offset", "")
    if not (offset.isascii() and offset.isdigit() and len(offset) < 12):
        raise Refused("Upload-Offset must be a number of bytes.", 400)
    return JsonResponse({"offset": receiving.append(upload, int(number), int(offset), request)})


@answered
@require_GET
def upload(request: HttpRequest, upload_id: str) -> HttpResponse:
    """How an upload stands."""
    return JsonResponse(following.told(visitors.upload_of(request, upload_id)))


@answered
@require_POST
def finish(request: HttpRequest, upload_id: str) -> HttpResponse:
    """All bytes are here: look at them, and hand the work over."""
    upload = visitors.upload_of(request, upload_id)
    following.start(upload)
    return JsonResponse(following.told(upload))


@answered
@require_POST
def token(request: HttpRequest, upload_id: str) -> HttpResponse:
    """A fresh token, for the element's `refresh`."""
    upload = visitors.upload_of(request, upload_id)
    try:
        id_ = str(json.loads(request.read(_SMALL_BODY))["id"])
    except (ValueError, KeyError, TypeError) as error:
        raise Refused("`id` is missing.", 400) from error
    try:
        return JsonResponse({"token": following.token(upload, id_)})
    except Gone:
        # Tried again, by the element: its new task is this upload's as soon as it begins.
        return JsonResponse({"detail": "Reload the page to go on."}, status=410)


@strict
@require_POST
def remove(request: HttpRequest, upload_id: str) -> HttpResponse:
    """Remove an upload with all that was made of it; what is at work on it ends."""
    try:
        upload = visitors.upload_of(request, upload_id)
    except Gone as error:
        raise Http404 from error
    meta = upload.meta()
    upload.remove()
    if meta.state == store.WORKING and meta.task:
        current_app.control.revoke(meta.task)
    return HttpResponseRedirect(reverse("uploads:page"))


@strict
@require_GET
def results(request: HttpRequest, upload_id: str) -> HttpResponse:
    """What was made: a gallery, or the report of a table."""
    upload, meta = _done(request, upload_id)
    context = {
        "upload": following.shown(upload),
        "made": meta.summary,
        "is_table": meta.kind == kinds.TABLE,
        "pictures": following.pictures(upload, meta, limits.MAX_ENTRIES),
        "has_bundle": following.has_bundle(upload),
        "more_errors": max(meta.summary.get("wrong", 0) - limits.MAX_ROW_ERRORS, 0),
    }
    return render(request, "headway/demo_upload_results.html", context)


@strict
@require_GET
def file(request: HttpRequest, upload_id: str, name: str) -> HttpResponseBase:
    """One of the results' files: a thumbnail, all of them, or a table."""
    upload, meta = _done(request, upload_id)
    made = {each["file"] for each in meta.summary.get("pictures", [])}
    if name not in made | {convert.ALL_ZIP, convert.REPORT, convert.ROWS}:
        raise Http404
    path = upload.result / name
    try:
        content = path.open("rb")
    except OSError as error:
        raise Http404 from error
    return FileResponse(
        content,
        content_type=_TYPES[path.suffix],
        as_attachment=path.suffix != ".jpg",
        filename=name,
    )


def _admit(request: HttpRequest) -> None:
    """Raises Refused where too many uploads are begun from one address, in whatever sessions."""
    if _begun.take(cors.address(request), time.monotonic()):
        raise Refused("Too many uploads at once. Try again in a minute.", 429)


def _done(request: HttpRequest, upload_id: str) -> tuple[Upload, Meta]:
    try:
        upload = visitors.upload_of(request, upload_id)
        meta = upload.meta()
    except Gone as error:
        raise Http404 from error
    if meta.state != store.DONE:
        raise Http404
    return upload, meta


def _card(upload: Upload, meta: Meta) -> dict[str, Any]:
    card = following.shown(upload)
    arrived = sum(card["offsets"])
    return {
        **card,
        "at": time.strftime("%H:%M", time.gmtime(meta.made_at)),
        "percent": 100 * arrived // max(meta.size, 1),
        "bar": int(following.uploaded(meta, card["offsets"])),
        "pictures": following.pictures(upload, meta, _SHOWN),
        "poster": kinds.TABLE if _is_table(meta, card["name"]) else "",
    }


def _is_table(meta: Meta, name: str) -> bool:
    """By its content, and as long as that is not here, by its name."""
    return meta.kind == kinds.TABLE or (not meta.kind and name.lower().endswith((".csv", ".tsv")))
