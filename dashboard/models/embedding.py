"""What is kept for the people who wait: what was handed over, and groups as their members make
them."""

from django.db import models

from dashboard.fields import Word


class Expectation(models.Model):
    """Somebody trusted says that this was handed over. Web processes write it; the leader takes it
    up, and forgets it after a day. A task's own events say more than it does."""

    subject = Word(max_length=262, unique=True)
    """`task:<id>` or `group:<id>`."""
    total = models.IntegerField(null=True)
    """How many members a group has."""
    at = models.FloatField()
    is_taken = models.BooleanField(default=False)

    class Meta:
        default_permissions = ()
        indexes = (
            models.Index(
                fields=("id",),
                name="headway_expectation_new",
                condition=models.Q(is_taken=False),
            ),
            models.Index(fields=("at",), name="headway_expectation_at"),
        )

    def __str__(self) -> str:
        return self.subject


class Claim(models.Model):
    """One act through a token that is under way (`dashboard.claims`): nobody else begins the same
    meanwhile. Gone when it is over."""

    act = Word(max_length=280, primary_key=True)
    """`retry task:<id>`, `cancel group:<id>`."""
    holder = models.CharField(max_length=32)
    at = models.FloatField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.act


class Group(models.Model):
    """One group of tasks, as its stored members add up (`realtime.core.groups`)."""

    id = Word(primary_key=True, max_length=255)
    revision = models.BigIntegerField(db_index=True)
    first_seen_at = models.FloatField()
    updated_at = models.FloatField()
    total = models.IntegerField(null=True)
    parts = models.IntegerField(default=0)
    succeeded = models.IntegerField(default=0)
    failed = models.IntegerField(default=0)
    cancelled = models.IntegerField(default=0)
    running = models.IntegerField(default=0)
    waiting = models.IntegerField(default=0)
    fractions = models.FloatField(default=0)
    furthest = models.FloatField(default=0)
    finished_at = models.FloatField(null=True)

    class Meta:
        default_permissions = ()
        ordering = ("-first_seen_at", "-id")

    def __str__(self) -> str:
        return self.id
