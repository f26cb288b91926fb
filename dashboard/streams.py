"""The row of `headway_stream`, with the newest gap, as both sides of the store read it."""

from collections.abc import Sequence
from typing import Any

from realtime.codec import decode
from realtime.ports import Gap, StreamInfo

STREAM_SQL = (
    "SELECT epoch, revision, floor, alive_at, covered_at, lease_holder, stats,"
    " gap.from_at, gap.until_at, gap.reason, gap.repaired"
    " FROM headway_stream LEFT JOIN headway_gap AS gap"
    " ON gap.from_at = (SELECT MAX(from_at) FROM headway_gap) WHERE headway_stream.id = 1"
)
NOT_BEGUN = StreamInfo(epoch="", revision=0, floor=0)
"""A database that was emptied and that no receiver has written to since."""


def stream_info(found: Sequence[Sequence[Any]]) -> StreamInfo:
    """Where the stream stands, of what `STREAM_SQL` found."""
    if not found:
        return NOT_BEGUN
    epoch, revision, floor, alive_at, covered_at, holder, stats, *gap = found[0]
    return StreamInfo(
        epoch=epoch,
        revision=revision,
        floor=floor,
        alive_at=alive_at,
        covered_at=covered_at,
        holder=holder,
        stats=decode(stats),
        gap=None
        if gap[0] is None
        else Gap(from_at=gap[0], until_at=gap[1], reason=gap[2], repaired=gap[3]),
    )
