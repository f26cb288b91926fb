"""Pictures and films of the shop."""

from typing import Any

from celery import Task, shared_task

from dashboard.demo.work import busy, chance, report


class CorruptImage(Exception):
    """A picture that cannot be decoded."""


@shared_task(name="shop.media.resize_image")
def resize_image(path: str, *, width: int) -> dict[str, Any]:
    """Scale one picture."""
    busy(0.4, 2)
    if chance(0.03):
        raise CorruptImage(f"{path}: unexpected end of file")
    return {"path": path, "width": width}


@shared_task(name="shop.media.publish_gallery")
def publish_gallery(images: list[dict[str, Any]], *, sku: str) -> str:
    """Put the scaled pictures of an article into the shop, once all are there."""
    busy(0.3, 1)
    return f"{sku}: {len(images)} pictures published"


@shared_task(name="shop.media.extract_colours")
def extract_colours(path: str) -> list[str]:
    """Find the main colours of a picture."""
    busy(0.3, 1.2)
    return ["#2b3a42", "#bdd4de"]


@shared_task(bind=True, name="shop.media.transcode_video")
def transcode_video(self: Task, path: str, *, frames: int) -> dict[str, Any]:
    """Convert a film frame by frame, and say how far it is."""
    step = max(frames // 80, 1)
    for done in range(0, frames + 1, step):
        report(self, min(done, frames), frames, unit="frames")
        busy(0.12, 0.35)
    return {"path": path, "frames": frames}
