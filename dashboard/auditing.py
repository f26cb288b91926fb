"""The audit: who did what to which target, and what came of it. Written once, read by page."""

import contextlib
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from dashboard import actions, cursors, reasons, snapshots
from dashboard.actions import Act, Outcome
from dashboard.changes import numbered, translated
from dashboard.cursors import Key
from dashboard.models import Audit
from realtime.core.wire import Row
from realtime.ports import Rights, StoreUnavailable

logger = logging.getLogger(__name__)

ACTIONS = {
    "revoke": _("revoke"),
    "terminate": _("terminate"),
    "retry": _("retry"),
    "mute": _("mute"),
    "resolve": _("resolve"),
    "reopen": _("reopen"),
    "stop": _("stop"),
}
OUTCOMES = {"done": _("done"), "refused": _("refused"), "failed": _("failed")}
"""What entries hold, and the words for it."""
FILTERS = ("target", "user", "action", "outcome", "operation")
_MAX_TARGET = 1000
_ID_DIGITS = 18
"""Fewer than the largest number that a database holds has."""


class AuditPage(NamedTuple):
    """Entries, newest first, and the cursor to go on, or None."""

    rows: list[Row]
    after: str | None


def entries(
    outcomes: Iterable[Outcome], *, user: str, action: str, at: float, operation: str | None = None
) -> list[Audit]:
    """An entry for each outcome on a task, not yet written."""
    return [
        Audit(
            at=at,
            user=user,
            action=action,
            kind="task",
            target=outcome.target,
            name=outcome.name,
            operation_id=operation,
            outcome=outcome.outcome,
            detail=reasons.stored(outcome.reason, outcome.more),
            new_id=outcome.new_id,
        )
        for outcome in outcomes
    ]


def entry(
    *,
    user: str,
    action: str,
    at: float,
    kind: str,
    target: str,
    outcome: str = "done",
    reason: str | None = None,
    more: str = "",
    name: str | None = None,
    operation: str | None = None,
) -> Audit:
    """An entry on anything else than a task, not yet written."""
    return Audit(
        at=at,
        user=user,
        action=action,
        kind=kind,
        target=target[:_MAX_TARGET],
        name=name,
        operation_id=operation,
        outcome=outcome,
        detail=reasons.stored(reason, more),
    )


def write(audits: Sequence[Audit], *, is_announced: bool = True) -> None:
    """Write these entries, with a revision so that live views show them where `is_announced`.
    Raises `StoreUnavailable`; what was done stands in the log then."""
    try:
        with numbered() if is_announced else translated():
            Audit.objects.bulk_create(audits)
    except StoreUnavailable:
        for audit in audits:
            logger.critical(
                "Not written to the audit: %s %s %s %s: %s %s",
                *(audit.user, audit.action, audit.kind, audit.target),
                *(audit.outcome, audit.new_id or audit.detail or ""),
                extra={"action": "audit_lost"},
            )
        raise


def performed(act: Act, task_id: str, rights: Rights) -> Outcome:
    """Do it to one task, and write down who did and what came of it. Raises `Impossible` and
    `StoreUnavailable`, where nothing was done."""
    at = time.time()
    [found] = actions.perform(act, [task_id], rights, actions.celery_app())
    if found.reason != "unknown":
        # It is done, whatever becomes of the entry: to fail would have it done twice.
        with contextlib.suppress(StoreUnavailable):
            write(entries([found], user=rights.user or "", action=act.action, at=at))
    return found


def page(wanted: Mapping[str, str], limit: int, after: str | None = None) -> AuditPage:
    """The newest `limit` entries with these values of `FILTERS`, below the cursor `after`;
    ValueError when it is no cursor. Raises `StoreUnavailable` and `TooCostly`."""
    if any("\x00" in value for value in wanted.values()):
        # PostgreSQL refuses a NUL even to compare with.
        return AuditPage([], None)
    found: QuerySet[Audit] = Audit.objects.order_by("-at", "-id")
    found = found.filter(**{_COLUMNS.get(name, name): value for name, value in wanted.items()})
    if after is not None:
        key = cursors.key(after)
        found = found.filter(
            Q(at__lt=key.first_seen_at) | Q(at=key.first_seen_at, id__lt=_number(key.id))
        )
    # A user or an outcome that is rare may be searched for in all of it.
    with translated():
        some = snapshots.read(DEFAULT_DB_ALIAS, lambda _: list(found[: limit + 1]))
    shown = some[:limit]
    last = shown[-1] if len(some) > limit else None
    cursor = None if last is None else cursors.text(Key(last.at, str(last.pk)))
    return AuditPage([row(each) for each in shown], cursor)


def row(audit: Audit) -> Row:
    """An entry as readers see it, its detail as a sentence in the active language."""
    return {
        "id": audit.pk,
        "at": audit.at,
        "user": audit.user,
        "action": audit.action,
        "kind": audit.kind,
        "target": audit.target,
        "name": audit.name,
        "outcome": audit.outcome,
        "reason": reasons.code(audit.detail),
        "detail": reasons.sentence(audit.detail),
        "new_id": audit.new_id,
        "operation": audit.operation_id,
    }


_COLUMNS = {"operation": "operation_id"}


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > _ID_DIGITS:
        raise ValueError("after: this is no cursor of the audit: take it from the answer before.")
    return int(text)
