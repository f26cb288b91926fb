"""An operation tells why some of its targets were refused or failed; nobody reads its ids."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("headway", "0005_embedding")]

    operations = [
        migrations.RemoveField("operation", "task_ids"),
        migrations.AddField("operation", "reasons", models.TextField(default="[]")),
    ]
