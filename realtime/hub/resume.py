"""What a reader who comes back is told: every change since it left, or everything anew."""

from collections.abc import Sequence

from realtime.core.frames import Since
from realtime.core.window import Pending
from realtime.hub.pool import Offload
from realtime.hub.rows import OVERVIEW, TASKS, Change, changes_of
from realtime.hub.stream import Stream
from realtime.hub.views import View
from realtime.ports import Snapshots

MOST_TIMES_LIMIT = 5
"""More changes than this many windows cost more to tell one by one than a snapshot."""


async def changed_since(
    view: View, since: Since, stream: Stream, reader: Snapshots, pool: Offload, at: float
) -> Pending | None:
    """Which rows to send and which to remove; None where only a snapshot will do.

    Errs towards too much: sending a row again, or removing one that is not held, does no harm.
    """
    if not is_resumable(view, since, stream):
        return None
    if view.keys:
        return _followed_since(view, since)
    limit = MOST_TIMES_LIMIT * view.select.limit
    changes = stream.since(view.kind, since.revision)
    if changes is None:
        rows = await pool.run(reader.changes, view.kind, since.revision, limit)
        if rows is None:
            return None
        changes = changes_of(view.kind, rows)
    if len(changes) > limit:
        return None
    below: list[Change] = []
    if changes and not view.is_complete:
        # Rows that came in pushed others out, which the reader may hold.
        wider = view.select._replace(limit=view.select.limit + len(changes))
        page = await pool.run(reader.page, wider, view.key.rows, at)
        below = changes_of(view.kind, page.rows)
    if any(change.key not in view.held and not view.allows(change) for change in changes):
        # It may have been the reader's to see before; its id must not be told now.
        return None
    return _window_since(view, since, changes, below)


def is_resumable(view: View, since: Since, stream: Stream) -> bool:
    """Whether numbers tell what changed in this view. Not where time alone changes it."""
    is_numbered = view.kind != OVERVIEW and not (view.kind == TASKS and view.is_relative)
    is_in_range = stream.floor <= since.revision <= stream.revision
    return is_numbered and since.epoch == stream.epoch and is_in_range


def _followed_since(view: View, since: Since) -> Pending:
    changed = _held_since(view, since)
    for key in view.keys:
        if key not in view.held:
            changed.drop(key)
    return changed


def _window_since(
    view: View, since: Since, changes: Sequence[Change], below: Sequence[Change]
) -> Pending:
    changed = _held_since(view, since)
    gone = [change.key for change in changes if change.key not in view.held]
    for key in gone:
        changed.drop(key)
    for change in below:
        if change.key not in view.held:
            changed.drop(change.key)
    if not view.is_complete:
        # What came up from below when others went out did not change itself.
        for key in view.oldest(len(gone)):
            changed.put(key, is_new=False)
    return changed


def _held_since(view: View, since: Since) -> Pending:
    changed = Pending()
    for key, held in view.held.items():
        if held.revision > since.revision:
            changed.put(key, is_new=False)
    return changed
