"""What is known beside single tasks: failure groups, figures over time, queues, the schedule."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from dashboard.fields import Word


class Failure(models.Model):
    """Failures of one signature (`realtime.core.signature`), and what people decided about them."""

    signature = Word(primary_key=True, max_length=16)
    revision = models.BigIntegerField(db_index=True)
    type = Word(max_length=255)
    message = Word(max_length=500)
    """With its volatile parts masked."""
    frame = Word(max_length=500, null=True)
    """The host's own last frame of the newest failure, `path:line in function`."""
    name = Word(max_length=255, null=True)
    """The name of the newest task that failed so."""
    task_id = Word(max_length=255)
    """The newest task that failed so."""
    count = models.BigIntegerField(default=0)
    first_seen_at = models.FloatField()
    last_seen_at = models.FloatField()
    state = models.CharField(max_length=16, default="open")
    """open, muted or resolved."""
    state_at = models.FloatField(null=True)
    state_by = models.CharField(max_length=254, null=True)
    muted_until = models.FloatField(null=True)
    """None while muted for good."""
    returned_at = models.FloatField(null=True)
    """When it failed again after it had been resolved."""

    class Meta:
        verbose_name = _("failure group")
        verbose_name_plural = _("failure groups")
        ordering = ("-last_seen_at",)
        default_permissions = ("change", "view")
        indexes = (
            models.Index(fields=("state", "last_seen_at"), name="headway_failure_state"),
            models.Index(fields=("last_seen_at",), name="headway_failure_seen"),
        )

    def __str__(self) -> str:
        return f"{self.type} {self.message}"


class Rollup(models.Model):
    """What happened in one span of time (`tier` seconds from `start`) to the tasks of one key:
    counts, and sketches (JSON, `realtime.core.sketch`) of how long they waited and ran."""

    tier = models.IntegerField()
    by = models.CharField(max_length=12)
    """What `key` names: all, name, queue, worker or signature."""
    start = models.BigIntegerField()
    key = Word(max_length=255)
    """Empty for `all`, and for what came when there were too many keys."""
    arrived = models.IntegerField(default=0)
    started = models.IntegerField(default=0)
    retried = models.IntegerField(default=0)
    succeeded = models.IntegerField(default=0)
    failed = models.IntegerField(default=0)
    cancelled = models.IntegerField(default=0)
    rejected = models.IntegerField(default=0)
    expired = models.IntegerField(default=0)
    lost = models.IntegerField(default=0)
    waits = models.TextField(default="{}")
    runtimes = models.TextField(default="{}")

    class Meta:
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(
                fields=("tier", "by", "start", "key"), name="headway_rollup_cell"
            ),
        )
        indexes = (models.Index(fields=("tier", "by", "key", "start"), name="headway_rollup_key"),)

    def __str__(self) -> str:
        return f"{self.by} {self.key} {self.start}"


class Tally(models.Model):
    """What one commit counted (JSON), until it is added up into rollups and failure groups."""

    id = models.BigIntegerField(primary_key=True)
    """Drawn at random by the leader; a repeated commit repeats it."""
    counts = models.TextField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.id)


class Queue(models.Model):
    """One queue as the broker told last. `priorities` is JSON, depth by priority; `depths` is a
    JSON list, the deepest of each minute."""

    name = Word(primary_key=True, max_length=255)
    revision = models.BigIntegerField(db_index=True)
    first_seen_at = models.FloatField()
    measured_at = models.FloatField(null=True)
    """When the broker last answered; None while it never did."""
    depth = models.BigIntegerField(null=True)
    consumers = models.IntegerField(null=True)
    """As the broker counts them; None where it does not."""
    priorities = models.TextField(null=True)
    depths = models.TextField(null=True)
    error = models.CharField(max_length=200, null=True)
    """Why the newest question was not answered."""

    class Meta:
        verbose_name = _("queue")
        verbose_name_plural = _("queues")
        ordering = ("name",)
        default_permissions = ("view",)

    def __str__(self) -> str:
        return self.name


class ScheduleEntry(models.Model):
    """One entry of Celery beat's schedule, and how its runs stand."""

    name = Word(primary_key=True, max_length=255)
    revision = models.BigIntegerField(db_index=True)
    task = Word(max_length=255)
    schedule = models.CharField(max_length=200)
    """In Celery's own words, for people."""
    source = models.CharField(max_length=32)
    """celery or django-celery-beat."""
    is_enabled = models.BooleanField(default=True)
    first_seen_at = models.FloatField()
    checked_at = models.FloatField()
    next_run_at = models.FloatField(null=True)
    last_run_at = models.FloatField(null=True)
    last_task_id = Word(max_length=255, null=True)
    missed = models.IntegerField(default=0)
    """Runs that were due since the last one and did not happen."""
    missed_at = models.FloatField(null=True)
    """When the first of them was due."""

    class Meta:
        verbose_name = _("schedule entry")
        verbose_name_plural = _("schedule")
        ordering = ("name",)
        default_permissions = ("view",)

    def __str__(self) -> str:
        return self.name
