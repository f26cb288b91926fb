"""Where the stream stands, and where it was interrupted."""

import secrets

from django.db import models


def new_epoch() -> str:
    """A name for this store's sequence of revisions; another store has another one."""
    return secrets.token_hex(4)


class Stream(models.Model):
    """The one row (id 1) that numbers every change and holds the receivers' lease."""

    epoch = models.CharField(max_length=16, default=new_epoch)
    revision = models.BigIntegerField(default=0)
    floor = models.BigIntegerField(default=0)
    lease_token = models.CharField(max_length=64, null=True)
    lease_holder = models.CharField(max_length=255, null=True)
    lease_until = models.FloatField(default=0)
    alive_at = models.FloatField(null=True)
    covered_at = models.FloatField(null=True)
    stats = models.TextField(default="{}")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.epoch}:{self.revision}"


class Gap(models.Model):
    """A time in which the stream was interrupted."""

    from_at = models.FloatField(unique=True)
    until_at = models.FloatField(null=True)
    reason = models.CharField(max_length=200)
    repaired = models.IntegerField(default=0)

    class Meta:
        default_permissions = ()
        ordering = ("-from_at",)

    def __str__(self) -> str:
        return f"{self.from_at}-{self.until_at or ''} {self.reason}"
