"""The shapes of what the HTTP API tells beside single tasks: failures, queues, the schedule,
figures over time, workflows."""

from datetime import datetime

from ninja import Schema
from pydantic import Field

from dashboard.views.schemas_actions import FailureGroup


class CountedFailureGroup(FailureGroup):
    """Failures of one cause, with how often it failed lately."""

    last_hour: int
    last_day: int
    spark: list[int] = Field(description="Of the last 24 hours, by hour, the present one last.")


class _List(Schema):
    after: None = None
    epoch: str
    revision: int


class FailureGroups(_List):
    """The groups that failed last."""

    items: list[CountedFailureGroup]


class Queue(Schema):
    """A queue, as the broker and the stored tasks tell of it."""

    name: str
    depth: int | None = Field(description="Messages in the broker, as it told at `measured_at`.")
    consumers: int | None = Field(description="null where the broker does not count them.")
    priorities: dict[str, int] | None = Field(description="Depth by priority.")
    depths: list[int | None] = Field(
        description="The deepest of each minute of the last hour, the newest last: the minute of"
        " `measured_at`. null where nobody measured."
    )
    measured_at: datetime | None
    error: str | None = Field(description="Why the broker did not answer last.")
    waiting: int | None = Field(description="Tasks that are queued; null where not to be seen.")
    waiting_capped: bool
    oldest_at: datetime | None
    workers: list[str] = Field(description="Some of those online that take from it.")
    worker_count: int
    in_per_minute: float | None
    out_per_minute: float | None
    warning: str | None = Field(description="unattended or backlog.")


class Queues(_List):
    """Every queue, by name."""

    items: list[Queue]


class ScheduleEntry(Schema):
    """An entry of Celery beat's schedule."""

    name: str
    task: str
    schedule: str = Field(description="In Celery's own words.")
    source: str = Field(description="celery or django-celery-beat.")
    is_enabled: bool
    next_run_at: datetime | None
    last_run_at: datetime | None
    last_task_id: str | None
    last_outcome: str | None = Field(description="Conclusion of that task, or its status.")
    missed: int
    missed_at: datetime | None = Field(description="When the first missed run was due.")
    checked_at: datetime


class Schedule(_List):
    """Every entry, by name."""

    items: list[ScheduleEntry]


class Span(Schema):
    """What happened in one span of time."""

    at: datetime
    arrived: int
    started: int
    retried: int
    succeeded: int
    failed: int
    cancelled: int
    rejected: int
    expired: int
    lost: int
    wait_p50: float | None = Field(None, description="Seconds.")
    wait_p95: float | None = None
    runtime_p50: float | None = None
    runtime_p95: float | None = None
    runtime_p99: float | None = None


class Figures(Schema):
    """What happened to the tasks of one key."""

    key: str = Field(description="Empty for the rest, where there are too many keys.")
    arrived: int
    runs: int = Field(description="How many started.")
    finished: int
    failed: int
    retried: int
    wait_p50: float | None = Field(description="Seconds.")
    wait_p95: float | None
    runtime_p50: float | None
    runtime_p95: float | None
    runtime_p99: float | None


class Stats(Schema):
    """Figures over a span of time, of all tasks and by key."""

    from_at: datetime
    until_at: datetime
    by: str
    items: list[Figures]
    series: list[Span]


class Node(Schema):
    """A task of a workflow."""

    id: str
    name: str | None
    status: str
    conclusion: str | None
    parent_id: str | None
    group_id: str | None
    runtime: float | None = Field(description="Seconds.")


class Tree(Schema):
    """A workflow by the ids of its tasks."""

    root_id: str
    nodes: dict[str, Node]
    is_cut: bool = Field(description="Whether there are more nodes than were told.")
