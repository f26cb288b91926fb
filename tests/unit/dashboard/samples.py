"""Rows of a small shop as the store gives them, and a reader that serves them to the pages."""

from typing import Any

from realtime.core import query as language
from realtime.ports import Page, Select, StreamInfo

NOW = 1_795_269_731.2
"""2026-11-21 14:02:11.2 UTC."""

TRACEBACK = """Traceback (most recent call last):
  File "/srv/venv/lib/python3.12/site-packages/celery/app/trace.py", line 453, in trace_task
    R = retval = fun(*args, **kwargs)
                 ^^^^^^^^^^^^^^^^^^^^
  File "/srv/venv/lib/python3.12/site-packages/celery/app/trace.py", line 736, in __call__
    return self.run(*args, **kwargs)
           ^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/srv/shop/shop/media/tasks.py", line 88, in transcode_video
    encode(upload, preset=preset, on_progress=report)
  File "/srv/shop/shop/media/transcode.py", line 118, in run_ffmpeg
    subprocess.run(cmd, check=True, stdin=DEVNULL, timeout=limit)
  File "/usr/lib/python3.12/subprocess.py", line 571, in run
    raise CalledProcessError(retcode, process.args,
subprocess.CalledProcessError: Command '['ffmpeg', '-y']' died with <Signals.SIGKILL: 9>.
"""


def task(number: int, **fields: Any) -> dict[str, Any]:
    """A whole task row; times are seconds before NOW where they are given as `ago`."""
    seen = NOW - fields.pop("ago", number * 7)
    row: dict[str, Any] = {
        "id": f"9d3f0c6e-41b7-4a52-8e0a-{number:012x}",
        "name": "shop.media.render_thumbnail",
        "state": "SUCCESS",
        "status": "completed",
        "conclusion": "succeeded",
        "queue": "media",
        "worker": "media-1@fra-04",
        "priority": None,
        "retries": 0,
        "eta": None,
        "expires": None,
        "first_seen_at": seen,
        "sent_at": seen,
        "received_at": seen + 0.4,
        "started_at": seen + 0.41,
        "finished_at": seen + 2.4,
        "updated_at": seen + 2.4,
        "wait": 0.41,
        "runtime": 1.99,
        "progress": None,
        "args": [],
        "kwargs": {"upload_id": "u_9KfQ2", "sizes": [160, 320, 640]},
        "result": "{'status': 'captured'}",
        "exception": None,
        "traceback": None,
        "attempts": [],
        "errors": [],
        "signature": None,
        "root_id": None,
        "parent_id": None,
        "group_id": None,
        "owner": None,
        "label": None,
        "retry_at": None,
        "reason": None,
        "revision": number,
    }
    return row | fields


def unfinished(number: int, status: str, state: str, **fields: Any) -> dict[str, Any]:
    """A task that is not over."""
    open_ends = {"conclusion": None, "finished_at": None, "runtime": None, "result": None}
    return task(number, status=status, state=state, **(open_ends | fields))


def progress(percent: float | None, **fields: Any) -> dict[str, Any]:
    """A progress as rows carry it."""
    total = None if percent is None else 7200
    return {
        "current": 4608 if percent is None else 72 * percent,
        "total": total,
        "percent": percent,
        "unit": "frames",
        "message": None,
        "stage": None,
        "stages": None,
        "updated_at": NOW - 1,
    } | fields


def attempt(
    number: int, outcome: str | None, start: float, end: float | None, exception: str | None = None
) -> dict[str, Any]:
    """One attempt; start and end are seconds before NOW."""
    started, finished = NOW - start, None if end is None else NOW - end
    return {
        "number": number,
        "retries": number - 1,
        "worker": f"media-{number}@fra-0{number}",
        "sent_at": started - 2 if number == 1 else None,
        "received_at": started - 0.2,
        "started_at": started,
        "finished_at": finished,
        "outcome": outcome,
        "runtime": None if finished is None else finished - started,
        "exception": exception,
    }


FAILED = task(
    4,
    name="shop.media.transcode_video",
    state="FAILURE",
    conclusion="failed",
    ago=602,
    sent_at=NOW - 602,
    started_at=NOW - 270,
    finished_at=NOW - 100,
    received_at=NOW - 600.2,
    runtime=170.0,
    retries=2,
    worker="media-3@fra-03",
    priority=6,
    owner="maker:pinecraft",
    root_id="5be14a52-8e0a-4a52-41b7-0000000007c2",
    parent_id="5be14a52-8e0a-4a52-41b7-0000000007c2",
    group_id="77b04a52-8e0a-4a52-41b7-0000000007c2",
    signature="9c01d2e4",
    result=None,
    args=["u_9KfDq", "4k"],
    kwargs={
        "source_url": "[redacted]",
        "notify": ["maker:pinecraft"],
        "watermark": True,
        "note": "a <b>bold</b> & 'quoted' word",
    },
    exception="CalledProcessError(\"Command '['ffmpeg', '-y']' died with <Signals.SIGKILL: 9>.\")",
    traceback=TRACEBACK,
    progress=progress(64.2, stage="encode, pass 2 of 2", updated_at=NOW - 135),
    attempts=[
        attempt(1, "retried", 600, 491, "ConnectionResetError(104, 'Connection reset by peer')"),
        attempt(2, "retried", 460, 330, "SoftTimeLimitExceeded()"),
        attempt(
            3,
            "failed",
            270,
            100,
            "CalledProcessError(\"Command '['ffmpeg', '-y']' died with <Signals.SIGKILL: 9>.\")",
        ),
    ],
    errors=[
        {
            "exception": "ConnectionResetError(104, 'Connection reset by peer')",
            "traceback": TRACEBACK,
            "at": NOW - 491,
            "worker": "media-1@fra-01",
        },
        {
            "exception": "SoftTimeLimitExceeded()",
            "traceback": None,
            "at": NOW - 330,
            "worker": "media-2@fra-02",
        },
        {
            "exception": "CalledProcessError('died')",
            "traceback": TRACEBACK,
            "at": NOW - 100,
            "worker": "media-3@fra-03",
        },
    ],
)

RUNNING = unfinished(
    3,
    "running",
    "STARTED",
    name="shop.media.transcode_video",
    started_at=NOW - 161,
    ago=171,
    progress=progress(64.2, stage="encode, pass 2 of 2"),
    attempts=[attempt(1, None, 161, None)],
)

HOSTILE = task(
    16,
    args="('<script>alert(1)</script>', <Order: 48291>...)",
    kwargs="{'x': ...}",
    name="shop.<script>alert(1)</script>",
)

TASKS = [
    unfinished(
        1,
        "queued",
        "PENDING",
        received_at=None,
        started_at=None,
        worker=None,
        wait=None,
        name="shop.media.transcode_video",
    ),
    unfinished(
        2,
        "running",
        "PROGRESS",
        name="shop.payments.capture_payment",
        queue="payments",
        worker="pay-1@fra-01",
        started_at=NOW - 1.14,
        progress=progress(None, message="Talking to the gateway"),
        args=[48291],
        kwargs={"amount": "64.90 EUR", "card": "[redacted]"},
    ),
    RUNNING,
    FAILED,
    task(
        5,
        name="shop.payments.capture_payment",
        conclusion="failed",
        state="FAILURE",
        exception="CardError('Your card was declined.')",
        queue="payments",
        worker="pay-1@fra-01",
    ),
    unfinished(
        6,
        "retrying",
        "RETRY",
        name="shop.media.publish_clip",
        retry_at=NOW + 24,
        exception="HTTPError('503 Service Unavailable')",
        retries=1,
    ),
    unfinished(7, "reserved", "RECEIVED", started_at=None, wait=None),
    unfinished(
        8,
        "scheduled",
        "RECEIVED",
        eta=NOW + 250,
        started_at=None,
        wait=None,
        name="shop.mail.send_reminder",
        queue="mail",
    ),
    unfinished(
        9,
        "stalled",
        "STARTED",
        started_at=NOW - 3845,
        reason="Its worker has been silent since 13:58:11.",
        name="shop.reports.daily_sales_csv",
        queue="reports",
    ),
    task(10, retries=2, progress=progress(100)),
    task(
        11,
        conclusion="cancelled",
        state="REVOKED",
        runtime=None,
        finished_at=NOW - 50,
        reason="Revoked before it started.",
    ),
    task(12, conclusion="lost", state="STARTED", runtime=None, reason="Its worker is gone."),
    task(13, conclusion="expired", state="REVOKED", runtime=None),
    task(14, conclusion="rejected", state="REJECTED", runtime=None),
    unfinished(
        15,
        "unknown",
        "PENDING",
        name=None,
        queue=None,
        worker=None,
        args=None,
        kwargs=None,
        wait=None,
        started_at=None,
        received_at=None,
    ),
    HOSTILE,
    *(task(number) for number in range(17, 40)),
]
TASKS.sort(key=lambda row: row["first_seen_at"], reverse=True)


def worker(name: str, **fields: Any) -> dict[str, Any]:
    """A worker row that is online."""
    row: dict[str, Any] = {
        "name": name,
        "state": "online",
        "pid": 4127,
        "first_seen_at": NOW - 90_000,
        "last_heartbeat_at": NOW - 1.3,
        "freq": 2.0,
        "active": 3,
        "processed": 418_220,
        "loadavg": [0.61, 0.5, 0.4],
        "clock_offset": 0.002,
        "sw_ident": "py-celery",
        "sw_ver": "5.6.2",
        "sw_sys": "Linux",
        "pool": "prefork",
        "concurrency": 8,
        "queues": ["default", "orders"],
        "revision": 1,
    }
    return row | fields


WORKERS = [
    worker("web-1@fra-01"),
    worker("pay-1@fra-01", active=1, concurrency=4, queues=["payments"], clock_offset=-0.001),
    worker("media-1@fra-04", active=4, concurrency=4, queues=["media"], loadavg=[3.92, 3.5, 3.1]),
    worker(
        "media-3@fra-03",
        state="silent",
        last_heartbeat_at=NOW - 14,
        clock_offset=2.4,
        sw_ver="5.5.3",
        concurrency=4,
    ),
    worker(
        "media-hd-1@fra-07",
        state="gone",
        last_heartbeat_at=NOW - 3070,
        active=0,
        concurrency=2,
        queues=["media-hd"],
    ),
    worker(
        "bare@fra-09",
        pool=None,
        concurrency=None,
        queues=None,
        loadavg=None,
        clock_offset=None,
        sw_ver=None,
    ),
]

STREAM = StreamInfo(
    epoch="e41",
    revision=9_204_117,
    floor=0,
    alive_at=NOW - 0.4,
    holder="recv-2",
    stats={"state": "live", "lag_ms": 38, "events_per_second": 31.2, "counters": {"events": 10}},
)


class Shop:
    """The rows above behind the reads that pages make. Queries are answered with the real
    predicate."""

    def __init__(
        self,
        tasks: list[dict[str, Any]] | None = None,
        workers: list[dict[str, Any]] | None = None,
        stream: StreamInfo = STREAM,
    ) -> None:
        self.tasks = TASKS if tasks is None else tasks
        self.workers = WORKERS if workers is None else workers
        self.info = stream
        self.searched_back_to: float | None = None

    def stream(self) -> StreamInfo:
        return self.info

    def page(
        self, select: Select, rows: language.Query, now: float, after: str | None = None
    ) -> Page:
        if select.of == "workers":
            return Page(list(self.workers), self.info.epoch, self.info.revision)
        matches = language.predicate(language.conjunction(select.query, rows), now)
        found = [
            row for row in self.tasks if (row["id"] in select.ids if select.ids else matches(row))
        ]
        found = found[int(after or 0) :]
        more = str(int(after or 0) + select.limit) if len(found) > select.limit else None
        return Page(
            found[: select.limit], self.info.epoch, self.info.revision, more, self.searched_back_to
        )

    def children(
        self, parent_id: str, rows: language.Query, now: float, limit: int
    ) -> list[dict[str, Any]]:
        return [row for row in self.tasks if row["parent_id"] == parent_id][:limit]

    def counts(
        self, query: language.Query, rows: language.Query, now: float
    ) -> dict[str, tuple[int, bool]]:
        matches = language.predicate(language.conjunction(query, rows), now)
        counts = {"all": (0, False)}
        for row in filter(matches, self.tasks):
            for key in ("all", row["status"], row["conclusion"]):
                if key:
                    counts[key] = (counts.get(key, (0, False))[0] + 1, False)
        return counts
