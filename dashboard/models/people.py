"""What people and programs do here: keys, saved queries, actions and what came of them."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from dashboard.fields import Word


class ApiKey(models.Model):
    """A program's way in. Only the hash of its secret is stored; it can do what its user can."""

    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12, unique=True)
    secret_hash = models.CharField(max_length=64)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix})"


class SavedQuery(models.Model):
    """A query that someone gave a name."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=1000, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(fields=("user", "name"), name="headway_savedquery_name"),
        )

    def __str__(self) -> str:
        return self.name


class Operation(models.Model):
    """One action on many tasks while it goes on. `query` says which, as far as the asker may see
    them; it is null for a selection, whose tasks stand in the audit."""

    id = Word(primary_key=True, max_length=16)
    revision = models.BigIntegerField(db_index=True)
    user = models.CharField(max_length=254)
    action = models.CharField(max_length=16)
    options = models.TextField(default="{}")
    query = models.CharField(max_length=1000, null=True)
    state = models.CharField(max_length=16)
    """running, stopping, then finished, stopped or interrupted."""
    total = models.IntegerField(default=0)
    done = models.IntegerField(default=0)
    refused = models.IntegerField(default=0)
    failed = models.IntegerField(default=0)
    reasons = models.TextField(default="[]")
    """JSON: `[outcome, detail as in the audit, count]` of what was not done."""
    started_at = models.FloatField()
    beat_at = models.FloatField()
    """When it last told its progress: an old one that still runs was interrupted."""
    finished_at = models.FloatField(null=True)

    class Meta:
        default_permissions = ()
        ordering = ("-started_at",)

    def __str__(self) -> str:
        return f"{self.action} {self.id}"


class Audit(models.Model):
    """Who did what to which target, and what came of it. Never changed once it is written."""

    at = models.FloatField()
    user = models.CharField(max_length=254)
    action = models.CharField(max_length=16)
    """revoke, terminate, retry, mute, resolve, reopen."""
    kind = models.CharField(max_length=16)
    """What `target` names: task, failure or query."""
    target = Word(max_length=1000)
    name = Word(max_length=255, null=True)
    """The name of the task, for people."""
    operation = models.ForeignKey(Operation, null=True, on_delete=models.SET_NULL, related_name="+")
    outcome = models.CharField(max_length=16)
    """done, refused or failed."""
    detail = models.CharField(max_length=500, null=True)
    """Why it was refused or failed."""
    new_id = Word(max_length=255, null=True)
    """The task that a retry sent."""

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit")
        default_permissions = ("view",)
        ordering = ("-at", "-id")
        indexes = (
            models.Index(fields=("at", "id"), name="headway_audit_at"),
            models.Index(fields=("target", "at"), name="headway_audit_target"),
        )

    def __str__(self) -> str:
        return f"{self.user} {self.action} {self.target}"
