"""What the company sells."""

from django.db import models


class Widget(models.Model):
    """One article."""

    name = models.CharField(max_length=80)

    def __str__(self) -> str:
        return self.name
