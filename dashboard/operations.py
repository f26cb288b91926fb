"""An action on many tasks, carried out on a thread of a web process: batch by batch, its progress
told as it goes, ended when somebody says so or may no longer do it."""

import json
import logging
import secrets
import threading
import time
from collections import Counter, deque
from collections.abc import Sequence
from typing import Any

from celery import Celery
from django.contrib.auth import get_user_model
from django.db import close_old_connections, connections, transaction

from dashboard import access, actions, auditing, reasons
from dashboard.actions import Act, Outcome
from dashboard.changes import numbered, translated
from dashboard.models import Audit, Operation
from realtime.core.wire import Row
from realtime.ports import NOBODY, Rights

logger = logging.getLogger(__name__)

RUNNING, STOPPING = "running", "stopping"
FINISHED, STOPPED, INTERRUPTED = "finished", "stopped", "interrupted"
ACTIVE = (RUNNING, STOPPING)
MAX_RUNNING = 8
"""In all processes together: each holds a thread, and a connection to the broker now and then."""
TELL_EVERY_S = 0.5
SILENT_S = 30.0
"""An operation tells of itself after each batch, and a batch waits for broker and backend for
little more than ten seconds: one that told nothing for so long has lost its process."""
MAX_REASONS = 50
"""Different ones that are counted with their words; more are counted by their kind."""
_ID_BYTES = 8


class Busy(Exception):
    """`MAX_RUNNING` operations go on already."""


def start(act: Act, ids: Sequence[str], *, user: str, query: str | None, app: Celery) -> Operation:
    """Begin to do it to these tasks and return at once. `query` is what found them, None for a
    selection. The caller has checked rights and numbers. Raises `Busy`, `StoreUnavailable`."""
    now = time.time()
    settle(now)
    with numbered() as [revision]:
        if Operation.objects.filter(state__in=ACTIVE).count() >= MAX_RUNNING:
            raise Busy
        operation = Operation.objects.create(
            id=secrets.token_hex(_ID_BYTES),
            revision=revision,
            user=user,
            action=act.action,
            options=json.dumps(_options(act)),
            query=query,
            state=RUNNING,
            total=len(ids),
            started_at=now,
            beat_at=now,
        )
    run = _Run(operation, act, ids, app)
    thread = threading.Thread(target=run.run, name=f"headway-operation-{operation.pk}", daemon=True)
    # A project may keep a transaction open for the whole request.
    transaction.on_commit(thread.start)
    return operation


def find(operation_id: str, rights: Rights) -> Operation | None:
    """The operation, where these rights may see it: one's own, and with `view_audit` everyone's.
    Raises `StoreUnavailable`."""
    if "\x00" in operation_id:
        return None
    settle(time.time())
    with translated():
        operation = Operation.objects.filter(pk=operation_id).first()
    return operation if operation and _is_visible(operation, rights) else None


def stop(operation: Operation, user: str) -> Operation:
    """Ask it to end before its next batch; as it stands then. Raises `StoreUnavailable`."""
    with numbered() as [revision]:
        asked = Operation.objects.filter(pk=operation.pk, state=RUNNING)
        if asked.update(state=STOPPING, revision=revision):
            auditing.entry(
                user=user,
                action="stop",
                at=time.time(),
                kind="operation",
                target=operation.pk,
                operation=operation.pk,
            ).save()
        operation.refresh_from_db()
    return operation


def settle(now: float) -> None:
    """Say of operations whose process is gone that they were interrupted. `now` is in Unix
    seconds. Raises `StoreUnavailable`."""
    with translated():
        silent = list(Operation.objects.filter(state__in=ACTIVE, beat_at__lt=now - SILENT_S))
    for operation in silent:
        with numbered() as [revision]:
            of = Operation.objects.filter(
                pk=operation.pk, state__in=ACTIVE, beat_at=operation.beat_at
            )
            if of.update(state=INTERRUPTED, finished_at=now, revision=revision):
                _summary(operation, now, actions.FAILED, "interrupted").save()


def row(operation: Operation) -> Row:
    """The operation as live views carry it."""
    return {
        "id": operation.pk,
        "user": operation.user,
        "action": operation.action,
        "query": operation.query,
        "state": operation.state,
        "total": operation.total,
        "done": operation.done,
        "refused": operation.refused,
        "failed": operation.failed,
        "started_at": operation.started_at,
        "finished_at": operation.finished_at,
    }


def whole_row(operation: Operation) -> Row:
    """The row with its options, why it ended before its time, and how often each outcome came. It
    costs the same however many targets there are. Raises `StoreUnavailable`."""
    with translated():
        of = Audit.objects.filter(operation=operation, kind__in=("query", "operation"))
        summary = of.exclude(action="stop").order_by("-id").first()
    told = auditing.row(summary) if summary else {}
    return {
        **row(operation),
        "options": json.loads(operation.options),
        "detail": told.get("detail"),
        "reasons": [
            {
                "outcome": outcome,
                "reason": reasons.code(detail),
                "detail": reasons.sentence(detail),
                "count": count,
            }
            for outcome, detail, count in json.loads(operation.reasons)
        ],
    }


def _is_visible(operation: Operation, rights: Rights) -> bool:
    sees_all = "view_audit" in rights.can and not rights.rows.terms
    return sees_all or (rights.user is not None and operation.user == rights.user)


def _options(act: Act) -> dict[str, object]:
    if act.action == actions.RETRY:
        return {}
    is_end = act.action == actions.TERMINATE
    return {"terminate": is_end} | ({"signal": act.signal} if is_end else {})


def _summary(
    operation: Operation, at: float, outcome: str, reason: str | None, more: str = ""
) -> Audit:
    """The one entry that tells of the operation as a whole."""
    is_query = operation.query is not None
    return auditing.entry(
        user=operation.user,
        action=operation.action,
        at=at,
        kind="query" if is_query else "operation",
        target=(operation.query or "") if is_query else operation.pk,
        outcome=outcome,
        reason=reason,
        more=more,
        operation=operation.pk,
    )


class _Run:
    """One operation while it goes on; on a thread of its own."""

    def __init__(self, operation: Operation, act: Act, ids: Sequence[str], app: Celery) -> None:
        self._operation = operation
        self._act = act
        self._ids = ids
        self._app = app
        self._counts: Counter[str] = Counter()
        self._reasons: Counter[tuple[str, str | None]] = Counter()
        self._told_at = time.monotonic()

    def run(self) -> None:
        """Do all of it; an error ends it as interrupted."""
        try:
            self._work()
        except Exception:
            logger.exception(
                "Operation %s failed", self._operation.pk, extra={"action": "operation_failed"}
            )
            self._give_up()
        finally:
            connections.close_all()

    def _work(self) -> None:
        waiting = deque(self._ids)
        while waiting:
            close_old_connections()
            if not self._goes_on():
                return self._end(STOPPED, actions.REFUSED, "stopped")
            rights = _rights(self._operation.user)
            if actions.missing(self._act.action, rights):
                return self._end(STOPPED, actions.REFUSED, "not_allowed")
            batch = [waiting.popleft() for _ in range(min(actions.MAX_BATCH, len(waiting)))]
            outcomes = actions.perform(self._act, batch, rights, self._app)
            told = {outcome.target for outcome in outcomes}
            waiting.extendleft(id_ for id_ in reversed(batch) if id_ not in told)
            self._note(outcomes)
            if actions.is_away(outcomes):
                return self._end(STOPPED, actions.FAILED, "broker_away", outcomes[-1].more)
        return self._end(FINISHED, actions.DONE)

    def _goes_on(self) -> bool:
        of = Operation.objects.filter(pk=self._operation.pk)
        return of.values_list("state", flat=True).first() == RUNNING

    def _note(self, outcomes: Sequence[Outcome]) -> None:
        self._counts.update(outcome.outcome for outcome in outcomes)
        self._reasons.update(
            self._reason(each) for each in outcomes if each.outcome != actions.DONE
        )
        operation = self._operation
        entries = auditing.entries(
            outcomes,
            user=operation.user,
            action=operation.action,
            at=time.time(),
            operation=operation.pk,
        )
        auditing.write(entries, is_announced=False)
        if time.monotonic() - self._told_at >= TELL_EVERY_S:
            self._tell()
            self._told_at = time.monotonic()

    def _reason(self, outcome: Outcome) -> tuple[str, str | None]:
        told = (outcome.outcome, reasons.stored(outcome.reason, outcome.more))
        # Where the texts that brokers and hosts add are all different, their kind must do.
        is_kept = told in self._reasons or len(self._reasons) < MAX_REASONS
        return told if is_kept else (outcome.outcome, reasons.stored(outcome.reason))

    def _tell(self, summary: Audit | None = None, **more: Any) -> None:
        """Write how far it is, and the entry that ends it; nothing when others declared it over."""
        with numbered() as [revision]:
            of = Operation.objects.filter(pk=self._operation.pk, state__in=ACTIVE)
            is_ours = of.update(
                revision=revision,
                done=self._counts[actions.DONE],
                refused=self._counts[actions.REFUSED],
                failed=self._counts[actions.FAILED],
                reasons=json.dumps([(*of, n) for of, n in self._reasons.most_common()]),
                beat_at=time.time(),
                **more,
            )
            if is_ours and summary is not None:
                summary.save()

    def _end(self, state: str, outcome: str, reason: str | None = None, more: str = "") -> None:
        now = time.time()
        summary = _summary(self._operation, now, outcome, reason, more)
        self._tell(summary, state=state, finished_at=now)

    def _give_up(self) -> None:
        try:
            self._end(INTERRUPTED, actions.FAILED, "interrupted")
        except Exception:
            # Without a database nothing can be told: its silence will be noticed.
            logger.exception(
                "Operation %s could not be ended",
                self._operation.pk,
                extra={"action": "operation_lost"},
            )


def _rights(username: str) -> Rights:
    """What this user may do now; nothing once the account is gone."""
    model = get_user_model()
    users = model._default_manager  # noqa: SLF001 - Django's name for whatever the host calls it
    user = users.filter(**{model.USERNAME_FIELD: username}).first()
    return NOBODY if user is None else access.rights(user)
