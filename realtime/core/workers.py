"""What is known of a worker, from its own heartbeats and from their absence."""

from dataclasses import dataclass, replace
from typing import Literal

from realtime.core.events import Event

Liveness = Literal["online", "silent", "gone"]

_LIVENESS: tuple[Liveness, ...] = ("online", "silent", "gone")

DEFAULT_FREQ_S = 2.0
"""Celery's heartbeat interval (`worker.consumer.heart`), where the worker does not say its own."""
SILENT_AFTER_BEATS = 5
"""Missed heartbeats before a worker counts as silent: a busy host skips one or two."""
GONE_AFTER_S = 60.0
FORGOTTEN_AFTER_S = 86_400.0
"""A worker that is gone is shown for a day, so that the next shift sees it too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """One worker by hostname. Instants are Unix seconds by our clock, unless named otherwise."""

    name: str
    first_seen_at: float
    last_heartbeat_at: float
    state: Liveness = "online"
    pid: int = 0
    pid_since: float = 0.0
    """When this process was first heard: tasks of an earlier process of that name are lost."""
    stamped_at: float = 0.0
    """The newest event by the worker's own clock; older ones change nothing."""
    freq: float | None = None
    active: int = 0
    processed: int = 0
    loadavg: tuple[float, float, float] | None = None
    clock_offset: float | None = None
    """Seconds the worker's clock is ahead of ours, transport time included."""
    sw_ident: str | None = None
    sw_ver: str | None = None
    sw_sys: str | None = None
    pool: str | None = None
    concurrency: int | None = None
    queues: tuple[str, ...] | None = None
    inspected_at: float | None = None
    """When it last answered what `pool`, `concurrency` and `queues` tell."""
    is_offline: bool = False
    """It said goodbye, and was not heard since."""


def heard(worker: Worker | None, event: Event) -> Worker | None:
    """The worker after one of its own events; an event older than the newest changes nothing.

    `worker-inspected` is what an inspection of a known worker found: pool, concurrency, queues.
    """
    if event.kind == "worker-inspected":
        inspected_at = event.received_at
        return worker and replace(worker, inspected_at=inspected_at, **event.fields)  # type: ignore[arg-type]
    if worker is not None and (event.at, event.clock) < (worker.stamped_at, 0):
        return worker
    base = worker or Worker(
        name=event.hostname, first_seen_at=event.received_at, last_heartbeat_at=event.received_at
    )
    told = {name: value for name, value in event.fields.items() if value is not None}
    is_same_process = base.pid == event.pid and worker is not None
    offline = event.kind == "worker-offline"
    return replace(
        base,
        pid=event.pid,
        pid_since=base.pid_since if is_same_process else event.received_at,
        last_heartbeat_at=max(base.last_heartbeat_at, event.received_at),
        stamped_at=event.at,
        clock_offset=event.at - event.received_at,
        is_offline=offline,
        state="gone" if offline else "online",
        **({} if offline else told),  # type: ignore[arg-type]
    )


def seen_at(worker: Worker, now: float, hearing_since: float = 0.0) -> Worker:
    """The worker as it stands at `now`: online, silent or gone. Before `hearing_since` nobody
    listened, so its silence until then says nothing; nor does it bring back who was gone before,
    which only a word of its own does."""
    state = max(worker.state, _liveness(worker, now, hearing_since), key=_LIVENESS.index)
    return worker if state == worker.state else replace(worker, state=state)


def _liveness(worker: Worker, now: float, hearing_since: float) -> Liveness:
    silence = now - max(worker.last_heartbeat_at, hearing_since)
    if worker.is_offline or silence > GONE_AFTER_S:
        return "gone"
    return "silent" if silence > silent_after_s(worker) else "online"


def is_old(worker: Worker, now: float, after_s: float) -> bool:
    """Whether it is gone, and was last heard longer than `after_s` ago."""
    return worker.state == "gone" and now - worker.last_heartbeat_at > after_s


def silent_after_s(worker: Worker) -> float:
    """Seconds without a heartbeat after which the worker counts as silent."""
    return SILENT_AFTER_BEATS * (worker.freq or DEFAULT_FREQ_S)
