"""The shapes of what the HTTP API does: actions on tasks, operations, failure groups, the audit."""

from datetime import datetime
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import ConfigDict, Field

from dashboard import targets

Signal = Literal["SIGTERM", "SIGKILL", "SIGQUIT", "SIGUSR1"]
TaskId = Annotated[str, Field(min_length=1, max_length=255)]


class _Order(Schema):
    """A misspelt word must not make another order of it."""

    model_config = ConfigDict(extra="forbid")


class Nothing(_Order):
    """No options."""


class Revoke(_Order):
    """How a task is revoked."""

    terminate: bool = Field(False, description="End it where it is running already.")
    signal: Signal = Field("SIGTERM", description="What it is ended with; counts with `terminate`.")


class Done(Schema):
    """What was done to one task."""

    id: str
    action: str = Field(description="revoke, terminate or retry.")
    outcome: str = Field(description="done.")
    new_id: str | None = Field(description="The task that a retry sent.")


class Chosen(_Order):
    """Which tasks: all that match a query, or these."""

    query: str | None = Field(None, description="The filter language; empty for every task.")
    ids: list[TaskId] | None = Field(None, min_length=1, max_length=targets.MAX_IDS)


class Count(Chosen):
    """What is to be counted, and for which action."""

    action: Literal["revoke", "retry"] | None = Field(
        None, description="Whose permission is asked for; without one, that of any will do."
    )


class Counted(Schema):
    """How many tasks an action would be tried on."""

    count: int
    limit: int = Field(description="More than so many are refused.")
    is_over_limit: bool
    by: dict[str, int] = Field(description="By conclusion, or status of what is not over.")
    names: list[tuple[str, int]] = Field(description="The commonest names.")


class Bulk(Chosen):
    """An action on many tasks."""

    action: Literal["revoke", "retry"]
    options: Revoke | None = Field(None, description="Of a revocation.")
    expected: int = Field(ge=0, description="How many the person was told; refused beyond 10 %.")


class RetryGroup(_Order):
    """How many tasks the person was told."""

    expected: int = Field(ge=0, description="Refused where it is more than 10 % above.")


class Reason(Schema):
    """How often an outcome came of an operation's targets."""

    outcome: str = Field(description="refused or failed.")
    reason: str | None
    detail: str | None = Field(description="The reason as a sentence.")
    count: int


class Operation(Schema):
    """An action on many tasks while it goes on, and afterwards."""

    id: str
    user: str
    action: str
    options: dict[str, Any]
    query: str | None = Field(description="null for a selection.")
    state: str = Field(description="running, stopping, then finished, stopped or interrupted.")
    total: int
    done: int
    refused: int
    failed: int
    started_at: datetime
    finished_at: datetime | None
    detail: str | None = Field(description="Why it ended before its time.")
    reasons: list[Reason]


class Mute(_Order):
    """For how long."""

    until: datetime | None = Field(None, description="RFC 3339, or Unix seconds; null for good.")


class FailureGroup(Schema):
    """Failures of one cause, and what people decided about them."""

    signature: str
    type: str
    message: str
    frame: str | None
    name: str | None
    task_id: str
    count: int
    first_seen_at: datetime
    last_seen_at: datetime
    state: str = Field(description="open, muted or resolved.")
    state_at: datetime | None
    state_by: str | None
    muted_until: datetime | None = Field(description="null while it is muted for good.")
    returned_at: datetime | None


class AuditEntry(Schema):
    """Who did what to which target, and what came of it."""

    id: int
    at: datetime
    user: str
    action: str
    kind: str = Field(description="What `target` names: task, failure, query or operation.")
    target: str
    name: str | None
    outcome: str = Field(description="done, refused or failed.")
    reason: str | None
    detail: str | None = Field(description="The reason as a sentence.")
    new_id: str | None
    operation: str | None


class AuditEntries(Schema):
    """A page of the audit, newest first."""

    items: list[AuditEntry]
    after: str | None = Field(description="The cursor of the next page; null on the last.")
