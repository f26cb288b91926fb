"""Where the stream stands, as the badge, the API and the socket tell it."""

from realtime.core.wire import Row
from realtime.ports import Gap, StreamInfo

SILENT_AFTER_S = 5.0
"""The leader beats every second and a takeover takes up to five: silence beyond is blindness."""


def stream_row(info: StreamInfo, now: float) -> Row:
    """The stream as readers see it at `now`, Unix seconds: blind where no receiver gives a sign
    of life, whatever the last one said of itself."""
    row = told_row(info)
    if info.alive_at is None or now - info.alive_at > SILENT_AFTER_S:
        row |= {"state": "blind", "lag_ms": None, "events_per_second": 0.0}
    return row


def told_row(info: StreamInfo) -> Row:
    """The stream as the stored row tells it, however long ago that was."""
    return {
        "epoch": info.epoch,
        "revision": info.revision,
        "floor": info.floor,
        "state": info.stats.get("state", "live"),
        "lag_ms": info.stats.get("lag_ms"),
        "events_per_second": info.stats.get("events_per_second", 0.0),
        "counters": info.stats.get("counters", {}),
        "alive_at": info.alive_at,
        "receiver": info.holder,
        "gap": gap_row(info.gap),
    }


def gap_row(gap: Gap | None) -> Row | None:
    """A gap as readers see it."""
    if gap is None:
        return None
    return {
        "from_at": gap.from_at,
        "until_at": gap.until_at,
        "reason": gap.reason,
        "repaired": gap.repaired,
    }
