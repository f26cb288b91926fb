"""The shapes of the HTTP API: the rows of the stream, with instants as RFC 3339 texts.

Each field has a default so that a field the caller may not read can be absent.
"""

from datetime import datetime
from typing import Any

from ninja import Schema
from pydantic import Field


class Progress(Schema):
    """How far a task has come, in its own units."""

    current: float | None
    total: float | None
    percent: float | None = Field(description="0 to 100; never falls within an attempt.")
    unit: str | None
    message: str | None
    stage: str | None
    stages: list[str] | None
    updated_at: datetime


class Attempt(Schema):
    """One time a worker was handed the task."""

    number: int = Field(description="Counts from 1.")
    retries: int
    worker: str | None
    sent_at: datetime | None
    received_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    outcome: str | None
    runtime: float | None = Field(description="Seconds.")
    exception: str | None


class Failure(Schema):
    """The error of one attempt."""

    exception: str
    traceback: str | None
    at: datetime | None
    worker: str | None


class TaskInList(Schema):
    """A task as lists show it. Fields that the caller may not read are absent."""

    id: str
    name: str | None = None
    state: str = Field("", description="Celery's word.")
    status: str = Field("", description="What people are shown.")
    conclusion: str | None = None
    reason: str | None = Field(None, description="Why it has this status, where that is not plain.")
    queue: str | None = None
    worker: str | None = None
    priority: int | None = None
    retries: int = 0
    eta: datetime | None = None
    expires: datetime | None = None
    retry_at: datetime | None = None
    first_seen_at: datetime | None = None
    sent_at: datetime | None = None
    received_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    updated_at: datetime | None = None
    wait: float | None = Field(None, description="Seconds.")
    runtime: float | None = Field(None, description="Seconds.")
    progress: Progress | None = None
    args: list[Any] | str | None = Field(None, description="A text where it could not be parsed.")
    kwargs: dict[str, Any] | str | None = None
    exception: str | None = None
    signature: str | None = None
    root_id: str | None = None
    parent_id: str | None = None
    group_id: str | None = None
    owner: str | None = None
    label: str | None = None
    revision: int = 0


class Child(Schema):
    """A task that this one called."""

    id: str
    name: str | None
    status: str
    conclusion: str | None


class Task(TaskInList):
    """A task with everything that is known of it."""

    result: str | None = None
    traceback: str | None = None
    attempts: list[Attempt] = []
    errors: list[Failure] = []
    children: list[Child] = []


class Tasks(Schema):
    """A page of tasks, newest first."""

    items: list[TaskInList]
    after: str | None = Field(description="The cursor of the next page; null on the last.")
    searched_back_to: datetime | None = Field(
        None, description="Where a costly query stopped reading; go on with `after`."
    )
    epoch: str
    revision: int


class Worker(Schema):
    """A worker, from its own heartbeats."""

    name: str
    state: str
    pid: int | None
    first_seen_at: datetime
    last_heartbeat_at: datetime
    freq: float | None = Field(description="Seconds between heartbeats.")
    active: int
    processed: int
    loadavg: list[float] | None
    clock_offset: float | None = Field(description="Seconds its clock is ahead of ours.")
    sw_ident: str | None
    sw_ver: str | None
    sw_sys: str | None
    pool: str | None
    concurrency: int | None
    queues: list[str] | None
    inspected_at: datetime | None = Field(
        description="When it last told its pool, its concurrency and its queues."
    )
    revision: int


class Workers(Schema):
    """Every worker."""

    items: list[Worker]
    after: None = None
    epoch: str
    revision: int


class Gap(Schema):
    """A time in which the stream was interrupted."""

    from_at: datetime
    until_at: datetime | None
    reason: str
    repaired: int


class Web(Schema):
    """The web process that answers; others count for themselves."""

    started_at: datetime
    refused_tokens: dict[str, int] = Field(
        ..., description="What was refused to embed tokens, by reason."
    )
    counters: dict[str, int] = Field(..., description="What its live connections did.")


class Stream(Schema):
    """Where the stream stands."""

    epoch: str
    revision: int
    floor: int
    state: str
    lag_ms: int | None
    events_per_second: float
    counters: dict[str, Any]
    alive_at: datetime | None
    receiver: str | None
    gap: Gap | None
    web: Web


class Problem(Schema):
    """An error, as RFC 9457 has it."""

    type: str = "about:blank"
    title: str
    detail: str
    status: int
    code: str
    at: int | None = Field(None, description="Where in the query, counted from 0.")
    allowed: list[str] | None = None
