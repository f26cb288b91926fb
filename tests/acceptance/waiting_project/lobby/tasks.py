"""Work that visitors wait for."""

import os
import time
from pathlib import Path

from celery import shared_task

from realtime.worker import Progress, PublicError

STAGES = ("Check", "Convert", "Publish")
STEPS = 20
RELEASE_TIMEOUT_S = 120


@shared_task
def renovate(seconds: float, release: str) -> str:
    """Take so long, in three stages; the last one begins when the file `release` is there."""
    progress = Progress(stages=STAGES)
    deadline = time.monotonic() + RELEASE_TIMEOUT_S
    for stage in STAGES:
        progress.stage(stage, total=STEPS)
        while stage == STAGES[-1] and not Path(release).exists():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{release} was never made")
            time.sleep(0.05)
        for _ in range(STEPS):
            time.sleep(seconds / len(STAGES) / STEPS)
            progress.update()
    return "renovated"


@shared_task
def quick() -> None:
    """Be over at once."""


def planted_frame(order: str) -> None:
    """Fail with what no visitor may read."""
    raise ConnectionError(
        f"{order}: cannot reach postgresql://planted-user:planted-pw@planted-host/"
    )


@shared_task
def spill(order: str, is_told: bool) -> None:
    """Fail; `is_told`: in words for the visitor as well."""
    progress = Progress(total=2)
    progress.update()
    try:
        planted_frame(order)
    except ConnectionError as error:
        if is_told:
            raise PublicError("The file has no sheet named Orders.") from error
        raise


@shared_task
def endless(pid: str) -> None:
    """Never end by itself; the process that works writes its id there."""
    progress = Progress(total=4)
    progress.update()
    Path(pid).write_text(str(os.getpid()))
    while True:
        time.sleep(0.05)


@shared_task
def second_time_lucky(mark: str) -> str:
    """Fail when it is done for the first time."""
    progress = Progress(total=STEPS)
    is_first = not Path(mark).exists()
    Path(mark).touch()
    for _ in range(STEPS // 2 if is_first else STEPS):
        time.sleep(0.05)
        progress.update()
    if is_first:
        raise RuntimeError("not this time")
    return "lucky"
