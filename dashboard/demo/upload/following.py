"""What a page needs to show an upload, and to go on following it."""

import contextlib
from typing import Any

from django.conf import settings
from django.urls import reverse

from dashboard import status, tokens
from dashboard.demo.upload import kinds, limits, receiving, store, tasks
from dashboard.demo.upload.convert import ALL_ZIP
from dashboard.demo.upload.refusals import Gone, Refused
from dashboard.demo.upload.store import Meta, Upload
from realtime.ports import StoreUnavailable

_OVER = (store.DONE, store.REFUSED, store.CANCELLED)
SHARE, GROUP_SHARE = 100 / len(tasks.STAGES), 20.0
"""Percent of the bar that the upload itself takes: its stage of a task, its part before a group.
The page's script has the same numbers."""


def start(upload: Upload) -> Meta:
    """Hand over what has arrived, or what a process was killed at handing over; a second call
    changes nothing. Raises Refused."""
    with upload.handing_over():
        meta = upload.meta()
        if meta.state == store.OPEN:
            meta = upload.change(state=store.WORKING, kind=receiving.look(upload))
        return _hand_over(upload, meta.kind) if is_left(meta) else meta


def is_left(meta: Meta) -> bool:
    """Whether all has arrived, and nothing was handed over."""
    return meta.state == store.WORKING and not (meta.task or meta.group)


def resume(upload: Upload, meta: Meta) -> Meta:
    """How it stands, once what was left is handed over."""
    if is_left(meta):
        with contextlib.suppress(Refused):
            return start(upload)
    return meta


def _hand_over(upload: Upload, kind: str) -> Meta:
    try:
        task, group = tasks.hand_over(upload, kind)
    except Exception as error:
        # The broker cannot be had: what has arrived stays, and the visitor may ask once more.
        upload.change(state=store.OPEN)
        raise Refused("It has arrived, but cannot be worked on yet. Try again.", 503) from error
    if group is None:
        return upload.change(task=task.id)
    # How many there will be is known from here on, whichever of them is heard of first.
    tokens.mint(group)
    return upload.change(group=group.id, publishes=task.id)


def told(upload: Upload) -> dict[str, Any]:
    """An upload as the page's script reads it, with a token to follow it by."""
    card = shown(upload)
    follow = card["follow"]
    if follow:
        card["token"] = token(upload, next(iter(follow.values())))
    return card


def shown(upload: Upload) -> dict[str, Any]:
    """An upload as the template reads it, whose tag makes a token itself."""
    meta = upload.meta()
    return {
        "id": upload.id,
        "name": meta.name,
        "size": meta.size,
        "kind": meta.kind,
        "state": meta.state,
        "message": meta.message,
        "made_at": meta.made_at,
        "offsets": receiving.offsets(upload) if meta.state == store.OPEN else [],
        "url": reverse("uploads:upload", args=(upload.id,)),
        "results": reverse("uploads:results", args=(upload.id,)),
        "summary": summary(meta),
        **follow(upload, meta),
    }


def follow(upload: Upload, meta: Meta) -> dict[str, Any]:
    """What is to be followed, what may be done to it, and what comes after it."""
    id_ = meta.group or meta.task
    if id_ is None or meta.state in _OVER:
        return {"follow": None}
    then, least = meta.publishes, GROUP_SHARE if meta.group else SHARE
    if meta.group and then and _is_finished(meta.group):
        # What is left of several pictures is as one more of them.
        id_, then, least = then, None, 100 * len(meta.files) / (len(meta.files) + 1)
    return {
        "follow": {"group" if id_ == meta.group else "task": id_},
        "can": _can(upload, meta, id_),
        "then": then,
        "least": least,
        "ttl": _ttl(),
        "refresh": reverse("uploads:token", args=(upload.id,)),
    }


def uploaded(meta: Meta, offsets: list[int]) -> float:
    """How far the bar of an upload is whose bytes are still coming, in percent of all of it."""
    share = GROUP_SHARE if len(meta.files) > 1 else SHARE
    return share * sum(offsets) / max(meta.size, 1)


def token(upload: Upload, id_: str) -> str:
    """A token for one of the upload's own tasks; raises Gone for any other."""
    meta = upload.meta()
    if not id_ or id_ not in (meta.group, meta.task, meta.publishes):
        raise Gone
    what: dict[str, Any] = {"group" if id_ == meta.group else "task": id_}
    return tokens.mint(**what, label=meta.name, can=_can(upload, meta, id_), ttl=_ttl())


def _ttl() -> int:
    return int(getattr(settings, "UPLOAD_TOKEN_S", limits.TOKEN_S))


def _is_finished(group: str) -> bool:
    try:
        return status.get_group(group).is_finished
    except StoreUnavailable:
        return False


def _can(upload: Upload, meta: Meta, id_: str) -> list[str]:
    """Only a file that is still here can be worked on again."""
    if id_ == meta.publishes:
        return []
    return ["cancel", "retry"] if upload.has_source and not meta.group else ["cancel"]


def summary(meta: Meta) -> str:
    """What came of it, in words."""
    made = meta.summary
    if not made:
        return ""
    if meta.kind == kinds.TABLE:
        wrong = f", {_many(made['wrong'], 'row')} not" if made["wrong"] else ""
        return f"{_many(made['taken'], 'row')} taken{wrong}"
    left_out = len(made["left_out"]) + made["more_left_out"]
    return _many(len(made["pictures"]), "thumbnail") + (
        f", {_many(left_out, 'file')} left out" if left_out else ""
    )


def pictures(upload: Upload, meta: Meta, most: int) -> list[dict[str, Any]]:
    """The first thumbnails with their addresses."""
    return [
        {**made, "url": reverse("uploads:file", args=(upload.id, made["file"]))}
        for made in meta.summary.get("pictures", [])[:most]
    ]


def has_bundle(upload: Upload) -> bool:
    """Whether all thumbnails can be had as one file."""
    return (upload.result / ALL_ZIP).is_file()


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
