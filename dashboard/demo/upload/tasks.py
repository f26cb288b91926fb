"""The work behind the page: one task for a file, or a group of them for several pictures.

What an upload has become is in its directory. A task writes into `work/` and makes that the result
by one rename; a task that fails, is called off or finds its upload gone leaves nothing there.
"""

import functools
import time
from collections.abc import Callable
from typing import Any

from celery import Task, chord, shared_task, signals
from celery.result import AsyncResult, GroupResult
from celery.utils import uuid
from django.conf import settings

from dashboard.demo.upload import convert, kinds, stopping, store
from dashboard.demo.upload.refusals import BadFile, Gone
from dashboard.demo.upload.store import Upload
from realtime.worker import Progress, PublicError, headers

STAGES = ("Upload", "Check", "Convert", "Publish")
"""The first is the page's own: it is over when a task begins."""

PUBLISHING = "Putting it where you can see it"

Work = Callable[[Task, Upload], Any]


def hand_over(upload: Upload, kind: str) -> tuple[AsyncResult, GroupResult | None]:
    """Start the work on what has arrived: the task that publishes it, and the group before it."""
    meta = upload.meta()
    labelled: dict[str, Any] = {"headers": headers(label=meta.name)}
    if kind != kinds.PICTURES:
        return process.apply_async((upload.place,), **labelled), None
    upload.begin_work()
    # Whatever becomes of the pictures, those that are ready are published, by a task of this id.
    last = publish.si(upload.place).set(task_id=uuid())
    parts = [
        convert_one.s(upload.place, number).set(headers=headers(label=file["name"]))
        for number, file in enumerate(meta.files)
    ]
    result: Any = chord(parts, last.clone().on_error(last)).apply_async(**labelled)
    return result, result.parent


def guarded(work: Work) -> Callable[..., Any]:
    """Makes a task of work on an upload: whatever happens in it, nothing half-done is left."""

    @functools.wraps(work)
    def run(task: Task, place: str) -> Any:
        upload = Upload.at(place)
        try:
            return work(task, upload)
        except (stopping.Stopped, Gone):
            upload.end(store.CANCELLED)
            stopping.acknowledge(task)
        except BadFile as error:
            upload.end(store.REFUSED, str(error))
            # By this type alone, and never by another, a text reaches the visitor.
            raise PublicError(str(error)) from error
        except Exception:
            if not upload.path.exists():
                # The visitor removed it meanwhile.
                stopping.acknowledge(task)
            upload.end(store.FAILED)
            raise

    return run


@shared_task(bind=True, name="shop.upload.process")
@guarded
def process(task: Task, upload: Upload) -> dict[str, Any]:
    """Make of one file what the visitor came for; what was made, in numbers."""
    meta = upload.change(state=store.WORKING, message="", task=task.request.id)
    progress = Progress(stages=STAGES)
    progress.stage("Check")
    pace(task)
    upload.begin_work()
    steps = convert.STEPS[meta.kind](upload)
    progress.stage("Convert", total=steps.total)
    progress.message(steps.message)
    for done in steps:
        if meta.stumbles and done * 2 >= steps.total:
            _stumble(upload)
        progress.set(done)
        pace(task)
    progress.stage("Publish")
    progress.message(PUBLISHING)
    pace(task)
    upload.publish(steps.summary)
    return steps.counts()


@shared_task(bind=True, name="shop.upload.convert_one")
def convert_one(self: Task, place: str, number: int) -> str:
    """Make the thumbnail of one of several pictures."""
    upload = Upload.at(place)
    try:
        pace(self)
        return convert.part(upload, number, upload.meta().files[number]["name"])
    except (stopping.Stopped, Gone):
        upload.end(store.CANCELLED)
        stopping.acknowledge(self)
    except BadFile as error:
        raise PublicError(str(error)) from error


@shared_task(bind=True, name="shop.upload.publish")
@guarded
def publish(task: Task, upload: Upload) -> dict[str, Any]:
    """Publish what became of several pictures, once each of them has come to its end."""
    meta = upload.meta()
    if meta.state != store.WORKING:
        # Called off: there is nothing to publish.
        return {}
    Progress().message(PUBLISHING)
    pace(task)
    made = convert.gather(upload, [file["name"] for file in meta.files])
    upload.publish(made)
    return {"pictures": len(made["pictures"])}


def pace(task: Task) -> None:
    """Between two steps: end here if the task was called off. A demonstration takes its time."""
    stopping.check(task)
    time.sleep(getattr(settings, "UPLOAD_PACE_S", 0))
    stopping.check(task)


def _stumble(upload: Upload) -> None:
    """Fail once, as work does: what it says is for the operators, and never for the visitor."""
    upload.change(stumbles=False)
    raise ConnectionError("postgresql://shop:s3cret@db.internal/shop refused the connection")


@signals.task_revoked.connect(weak=False, dispatch_uid="uploads.revoked")
def _called_off(sender: Any = None, request: Any = None, **_: object) -> None:
    """A task was called off before it began, or its process was ended: it cannot tidy up itself."""
    if getattr(sender, "name", "") in (process.name, convert_one.name) and request.args:
        try:
            Upload.at(str(request.args[0])).end(store.CANCELLED)
        except Gone:
            return
