"""Where a hub stands in the stream: its epoch, its revision, and the recent changes before it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, cast

from realtime.core.pulse import Pulse
from realtime.core.ring import MAX_ROWS, Ring
from realtime.hub.pool import Offload
from realtime.hub.rows import KEYS, KINDS, Change, decoded, read_changes
from realtime.ports import Batch, Snapshots, StreamInfo
from realtime.standing import told_row

GLANCE_ROWS = 1_000
"""Read first at the start: on a quiet system they reach back far enough."""


class News(NamedTuple):
    """What a hub did not know, by kind."""

    changes: Mapping[str, list[Change]]
    removed: Mapping[str, Sequence[str]]


class Behind(Exception):
    """Something before this batch is missing."""


class Lost(Exception):
    """What is missing cannot be read row by row: every view is to be read anew."""


class OtherStream(Exception):
    """The store is another one, or was set back: numbers from before mean nothing now."""


class Stream:
    """The cursor of one hub. Touched only by its loop."""

    def __init__(self, reader: Snapshots, pool: Offload) -> None:
        self._reader = reader
        self._pool = pool
        self.epoch = ""
        self.revision = 0
        self.floor = 0
        self.rings: dict[str, Ring[Change]] = {kind: Ring(0) for kind in KINDS}
        self.pulse = Pulse()

    async def begin(self, at: float) -> None:
        """Stand where the store stands, with the changes of the last minute."""
        info = await self._pool.run(self._reader.stream)
        rings = {kind: await self._recent(kind, info, at) for kind in KINDS}
        self.epoch, self.revision, self.floor = info.epoch, info.revision, info.floor
        self.rings = rings
        self.pulse.hear(told_row(info), at)

    def take(self, batch: Batch, at: float) -> News | None:
        """Stand where this batch ends; None when all of it was known. Raises Behind, OtherStream,
        and ValueError, KeyError or TypeError for what is no batch."""
        self._follow(batch.epoch)
        is_beat = batch.previous == batch.revision
        if batch.previous > self.revision or (is_beat and batch.revision < self.revision):
            raise Behind
        self._hear(batch.stream, at)
        if batch.revision <= self.revision:
            return None
        told = {kind: data for kind, data in batch.rows.items() if kind in KEYS}
        changes = {kind: self._unknown(decoded(kind, data)) for kind, data in told.items()}
        return self._advance(News(changes, batch.removed), batch.revision, at)

    async def catch_up(self, at: float) -> News | None:
        """Stand where the store stands; None when it is where we are. Raises Lost, OtherStream and
        whatever the store raises. No batch may be taken meanwhile."""
        info = await self._pool.run(self._reader.stream)
        self._follow(info.epoch)
        if info.revision < self.revision:
            raise OtherStream
        self._hear(told_row(info), at)
        if info.revision == self.revision:
            return None
        if info.floor > self.revision:
            self._skip_to(info)
            raise Lost
        changes = {}
        for kind in KINDS:
            found = await self._pool.run(read_changes, self._reader, kind, self.revision, MAX_ROWS)
            if found is None:
                self._skip_to(info)
                raise Lost
            # Later ones come again, in the order of their batches.
            changes[kind] = [change for change in found if change.revision <= info.revision]
        return self._advance(News(changes, {}), info.revision, at)

    def since(self, kind: str, revision: int) -> list[Change] | None:
        """What changed after `revision`; None when that is longer ago than we remember."""
        return [] if revision >= self.revision else self.rings[kind].since(revision)

    def trim(self, at: float) -> None:
        """Forget what is no longer recent."""
        for ring in self.rings.values():
            ring.trim(at)

    def _follow(self, epoch: str) -> None:
        """Stay with the stream; one that had not begun when we did is adopted."""
        if not self.epoch:
            self.epoch = epoch
        if epoch != self.epoch:
            raise OtherStream

    def _unknown(self, changes: Iterable[Change]) -> list[Change]:
        return [change for change in changes if change.revision > self.revision]

    def _hear(self, told: Mapping[str, object], at: float) -> None:
        self.pulse.hear(told, at)
        floor = told.get("floor")
        if isinstance(floor, int):
            self.floor = max(self.floor, floor)

    def _advance(self, news: News, revision: int, at: float) -> News:
        for kind, ring in self.rings.items():
            for change in news.changes.get(kind, ()):
                ring.put(change.key, change, at)
        for kind, ring in self.rings.items():
            keys = news.removed.get(kind, ())
            for key in keys:
                ring.discard(key)
            if keys:
                # A view that reads now may hold what was removed: it has to read again.
                ring.floor = max(ring.floor, revision)
        self.revision = revision
        return news

    def _skip_to(self, info: StreamInfo) -> None:
        self.revision = info.revision
        for ring in self.rings.values():
            ring.clear(info.revision)

    async def _recent(self, kind: str, info: StreamInfo, at: float) -> Ring[Change]:
        """The changes of the last minute, as far as they are numbered one by one."""
        for reach in (GLANCE_ROWS, MAX_ROWS):
            since = max(info.floor, info.revision - reach)
            changes = await self._pool.run(read_changes, self._reader, kind, since, MAX_ROWS)
            if changes is None:
                break
            ring = _ring(changes, since, info.revision, at)
            if reach == MAX_ROWS or since == info.floor or ring.floor > since:
                return ring
        return Ring(info.revision)


def _ring(changes: Iterable[Change], since: int, revision: int, at: float) -> Ring[Change]:
    ring: Ring[Change] = Ring(since)
    for change in changes:
        if change.revision <= revision:
            changed_at = cast(float, change.row.get("updated_at", at))
            ring.put(change.key, change, changed_at)
    ring.trim(at)
    return ring
