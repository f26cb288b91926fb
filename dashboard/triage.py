"""What people decide about a group of failures: mute, resolve, reopen."""

import time
from typing import Any

from dashboard import auditing, codepaths
from dashboard.changes import numbered, translated
from dashboard.models import Failure
from realtime.core.wire import Row

STATES = {"mute": "muted", "resolve": "resolved", "reopen": "open"}
"""Action to the state that it leads to."""


def decide(signature: str, action: str, user: str, until: float | None = None) -> Row | None:
    """The group as it stands after the decision, which is audited; None where there is none.
    `until` (Unix seconds) ends a muting, which else is for good. Raises `StoreUnavailable`."""
    if find(signature) is None:
        return None
    now = time.time()
    changed: dict[str, Any] = {
        "state": STATES[action],
        "state_at": now,
        "state_by": user,
        "muted_until": until,
        "returned_at": None,
    }
    if action == "mute":
        del changed["returned_at"]
    with numbered() as [revision]:
        groups = Failure.objects.filter(pk=signature)
        if not groups.update(**changed, revision=revision):
            return None
        group = groups.get()
        auditing.entry(
            user=user, action=action, at=now, kind="failure", target=signature, name=group.name
        ).save()
    return row(group)


def find(signature: str) -> Row | None:
    """The group, or None. Raises `StoreUnavailable`."""
    if "\x00" in signature:
        # PostgreSQL refuses a NUL even to compare with.
        return None
    with translated():
        group = Failure.objects.filter(pk=signature).first()
    return None if group is None else row(group)


def row(group: Failure) -> Row:
    """The group by its own columns, without the figures that live views add."""
    names = (
        *("signature", "type", "message", "frame", "name", "task_id", "count"),
        *("first_seen_at", "last_seen_at", "state", "state_at", "state_by"),
        *("muted_until", "returned_at"),
    )
    found = {name: getattr(group, name) for name in names}
    return found | {"frame": codepaths.shown_place(group.frame, group.name)}
