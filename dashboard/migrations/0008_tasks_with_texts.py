"""The rows that have a label or an exception, in the order of pages: dashboard/search.py."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("headway", "0007_claims")]

    operations = [
        migrations.AddIndex(
            "task",
            models.Index(
                fields=("first_seen_at", "id"),
                name=f"headway_task_has_{column}",
                condition=models.Q(**{f"{column}__isnull": False}),
            ),
        )
        for column in ("label", "exception")
    ]
