"""Who may see what kind of thing: one table for the socket, the pages and the HTTP API."""

from collections.abc import Iterator, Mapping

from realtime.ports import Rights, Select

NEEDED: Mapping[str, str] = {
    "tasks": "view_task",
    "task": "view_task",
    "overview": "view_task",
    "workers": "view_worker",
    "worker": "view_worker",
    "failures": "view_failure",
    "attention": "view_failure",
    "queues": "view_queue",
    "schedule": "view_scheduleentry",
    "audit": "view_audit",
    "operations": "view_task",
}
"""The ability that each kind of view asks for."""
PARTS = ("workers", "failures", "queues", "schedule")
"""What an overview draws upon, as far as its viewer may see each."""
FRAME = "frame"
"""The part of a group of failures that comes from tracebacks."""
WHOLE_LIMIT = 2_000
"""More than a cluster has, and more than there are queues and entries of a schedule."""
WHOLE = ("workers", "queues", "schedule")
"""Kinds that are shown whole."""

_SINGLE = ("overview", "attention")
"""Kinds of one row."""
_OF_FAILURES = ("failures", "attention")
"""Kinds that tell of groups of failures."""


def is_restricted(rights: Rights) -> bool:
    """Whether this viewer sees only some of the tasks: figures about all of them are not theirs."""
    return bool(rights.rows.terms)


def refusal(of: str, rights: Rights) -> str | None:
    """Why this viewer may not see this kind of thing, in one sentence; None where they may."""
    needed = NEEDED[of]
    if needed not in rights.can:
        return f"You may not see {of}: ask for {needed}."
    if of not in _OF_FAILURES:
        return None
    if "view_task" not in rights.can:
        return f"You may not see {of}: ask for view_task."
    if "exception" in rights.hidden:
        return f"You may not see {of}: ask for view_task_exception."
    if is_restricted(rights):
        return "Failures are counted over all tasks, and you may see only some of them."
    return None


def _parts(of: str, rights: Rights) -> Iterator[str]:
    if of == "overview":
        yield from (part for part in PARTS if refusal(part, rights) is None)
    if "traceback" not in rights.hidden:
        yield FRAME


def narrowed(select: Select, rights: Rights) -> Select:
    """The select as far as this viewer may ask for it; `refusal` was asked before."""
    if select.of in WHOLE:
        return select._replace(limit=WHOLE_LIMIT)
    if select.of in ("overview", "failures"):
        select = select._replace(parts=frozenset(_parts(select.of, rights)))
    if select.of in _SINGLE:
        return select._replace(limit=1)
    if select.of in ("audit", "operations"):
        sees_all = "view_audit" in rights.can and not is_restricted(rights)
        return select._replace(user=None if sees_all else rights.user)
    return select
