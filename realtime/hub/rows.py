"""Rows on their way from a batch to the views: decoded once, encoded once per projection."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, cast

from realtime.codec import decode, encode
from realtime.core import wire
from realtime.core.framing import Text
from realtime.core.window import Order
from realtime.core.wire import Row
from realtime.ports import Snapshots

TASKS = "tasks"
WORKERS = "workers"
GROUPS = "groups"
KINDS = (TASKS, WORKERS)
"""What views are told of by batches. Of groups too, but whoever missed some reads what is watched
of them."""
KEYS: Mapping[str, str] = {
    TASKS: "id",
    WORKERS: "name",
    GROUPS: "id",
    "overview": "id",
    "attention": "id",
    "failures": "signature",
    "queues": "name",
    "schedule": "name",
    "audit": "id",
    "operations": "id",
}
"""What names a row of each kind."""


class Change(NamedTuple):
    """The newest version of one row."""

    key: str
    revision: int
    first_seen_at: float
    row: Row
    size: int
    """Bytes of JSON, on average of those it came with."""

    @property
    def order(self) -> Order:
        """Its place among others of its kind."""
        return (self.first_seen_at, self.key)


class Held(NamedTuple):
    """A row as a view holds it."""

    revision: int
    text: Text


class Projection(NamedTuple):
    """Which fields of a row are sent: the same values are the same bytes."""

    of: str
    hidden: frozenset[str]


class Encoder:
    """The texts of rows by projection, as long as it lives: one batch, or one read."""

    def __init__(self) -> None:
        self._held: dict[tuple[Projection, str, int], Held] = {}

    def held(self, change: Change, projection: Projection) -> Held:
        """The row of a change as views of this projection hold it."""
        cached = (projection, change.key, change.revision)
        held = self._held.get(cached)
        if held is None:
            held = Held(change.revision, json_text(project(change.row, projection)))
            self._held[cached] = held
        return held


def project(row: Row, projection: Projection) -> Row:
    """What of the row is sent."""
    if projection.of == "tasks":
        return wire.list_row(row, projection.hidden)
    return wire.project(row, projection.hidden) if projection.of == "task" else row


def json_text(value: object) -> Text:
    """The value as JSON text with its size."""
    data = encode(value)
    return Text(data.decode(), len(data))


def frame_body(fields: Mapping[str, object]) -> Text:
    """The rest of a frame, of these fields."""
    text, size = json_text(fields)
    return Text(text[1:], size - 1)


def change_of(kind: str, row: Row, size: int) -> Change:
    """The change that brought this version of a row."""
    key, revision, first_seen_at = row[KEYS[kind]], row["revision"], row["first_seen_at"]
    return Change(cast(str, key), cast(int, revision), cast(float, first_seen_at), row, size)


def changes_of(kind: str, rows: Sequence[Row], size: int = 0) -> list[Change]:
    """The changes that brought these rows, of `size` bytes together."""
    each = size // max(1, len(rows))
    return [change_of(kind, row, each) for row in rows]


def told_changes(kind: str, rows: Sequence[Row], revision: int) -> list[Change]:
    """The rows of a kind that only the store can tell, read as of `revision`, in their order."""
    name = KEYS[kind]
    return [
        Change(cast(str, row[name]), revision, -float(place), row, 0)
        for place, row in enumerate(rows)
    ]


def read_changes(reader: Snapshots, kind: str, since: int, limit: int) -> list[Change] | None:
    """What changed after revision `since`, from the store; None when more than `limit`."""
    rows = reader.changes(kind, since, limit)
    return None if rows is None else changes_of(kind, rows, len(encode(rows)))


def decoded(kind: str, data: bytes) -> list[Change]:
    """The changes in a batch's JSON array; ValueError, KeyError or TypeError when it is none."""
    return changes_of(kind, decode(data), len(data))
