"""Tasks and workers, as the stream tells of them."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from dashboard.fields import Word


def _index(column: str, *, is_sparse: bool = False) -> models.Index:
    """Rows of one value in the order of pages. A sparse one leaves out rows without a value."""
    return models.Index(
        fields=(column, "first_seen_at", "id"),
        name=f"headway_task_{column.removesuffix('_id')}",
        condition=models.Q(**{f"{column}__isnull": False}) if is_sparse else None,
    )


def _having(column: str) -> models.Index:
    """Rows that have any value, in the order of pages: few, where most are searched for."""
    return models.Index(
        fields=("first_seen_at", "id"),
        name=f"headway_task_has_{column}",
        condition=models.Q(**{f"{column}__isnull": False}),
    )


class Task(models.Model):
    """One Celery task. `args`, `kwargs`, `progress` and `journal` are JSON text."""

    id = Word(primary_key=True, max_length=255)
    revision = models.BigIntegerField()
    first_seen_at = models.FloatField()
    updated_at = models.FloatField()
    name = Word(max_length=255, null=True)
    state = Word(max_length=255)
    status = Word(max_length=16)
    conclusion = Word(max_length=16, null=True)
    reason = Word(max_length=500, null=True)
    queue = Word(max_length=255, null=True)
    worker = Word(max_length=255, null=True)
    priority = models.IntegerField(null=True)
    retries = models.IntegerField(default=0)
    eta = models.FloatField(null=True)
    expires = models.FloatField(null=True)
    retry_at = models.FloatField(null=True)
    sent_at = models.FloatField(null=True)
    received_at = models.FloatField(null=True)
    started_at = models.FloatField(null=True)
    finished_at = models.FloatField(null=True)
    wait = models.FloatField(null=True)
    runtime = models.FloatField(null=True)
    args = models.TextField(null=True)
    kwargs = models.TextField(null=True)
    progress = models.TextField(null=True)
    exception = models.TextField(null=True)
    signature = Word(max_length=16, null=True)
    root_id = Word(max_length=255, null=True)
    parent_id = Word(max_length=255, null=True)
    group_id = Word(max_length=255, null=True)
    owner = Word(max_length=255, null=True)
    label = Word(max_length=255, null=True)
    journal = models.TextField()
    """The evidence that the other columns are derived from, results and tracebacks included."""

    class Meta:
        verbose_name = _("task")
        verbose_name_plural = _("tasks")
        ordering = ("-first_seen_at", "-id")
        permissions = (
            ("view_task_args", _("Can view the arguments of tasks")),
            ("view_task_kwargs", _("Can view the keyword arguments of tasks")),
            ("view_task_result", _("Can view the results of tasks")),
            ("view_task_exception", _("Can view the exceptions of tasks")),
            ("view_task_traceback", _("Can view the tracebacks of tasks")),
            ("revoke_task", _("Can revoke tasks")),
            ("retry_task", _("Can retry tasks")),
        )
        indexes = (
            models.Index(fields=("revision",), name="headway_task_revision"),
            models.Index(fields=("first_seen_at", "id"), name="headway_task_seen"),
            _index("status"),
            _index("name"),
            _index("root_id"),
            _index("conclusion", is_sparse=True),
            models.Index(
                fields=("conclusion", "finished_at"),
                name="headway_task_finished",
                condition=models.Q(conclusion__isnull=False),
            ),
            _index("queue", is_sparse=True),
            _index("worker", is_sparse=True),
            _index("parent_id", is_sparse=True),
            _index("group_id", is_sparse=True),
            _index("owner", is_sparse=True),
            _index("signature", is_sparse=True),
            _having("label"),
            _having("exception"),
        )

    def __str__(self) -> str:
        return f"{self.name or '?'} {self.id}"


class Worker(models.Model):
    """One worker by hostname; `loadavg` and `queues` are JSON text."""

    name = Word(primary_key=True, max_length=255)
    revision = models.BigIntegerField(db_index=True)
    state = Word(max_length=16)
    pid = models.BigIntegerField(default=0)
    pid_since = models.FloatField(default=0)
    first_seen_at = models.FloatField()
    last_heartbeat_at = models.FloatField()
    stamped_at = models.FloatField(default=0)
    is_offline = models.BooleanField(default=False)
    freq = models.FloatField(null=True)
    active = models.BigIntegerField(default=0)
    processed = models.BigIntegerField(default=0)
    loadavg = models.TextField(null=True)
    clock_offset = models.FloatField(null=True)
    sw_ident = Word(max_length=255, null=True)
    sw_ver = Word(max_length=255, null=True)
    sw_sys = Word(max_length=255, null=True)
    pool = Word(max_length=255, null=True)
    concurrency = models.IntegerField(null=True)
    queues = models.TextField(null=True)
    inspected_at = models.FloatField(null=True)
    """When it last answered what `pool`, `concurrency` and `queues` tell."""

    class Meta:
        verbose_name = _("worker")
        verbose_name_plural = _("workers")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name
