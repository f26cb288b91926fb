import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import dashboard.fields
import dashboard.models


def create_stream(apps, schema_editor):
    stream = apps.get_model("headway", "Stream")
    stream.objects.using(schema_editor.connection.alias).create(id=1)


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Gap",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("from_at", models.FloatField(unique=True)),
                ("until_at", models.FloatField(null=True)),
                ("reason", models.CharField(max_length=200)),
                ("repaired", models.IntegerField(default=0)),
            ],
            options={
                "ordering": ("-from_at",),
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Stream",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("epoch", models.CharField(default=dashboard.models.new_epoch, max_length=16)),
                ("revision", models.BigIntegerField(default=0)),
                ("floor", models.BigIntegerField(default=0)),
                ("lease_token", models.CharField(max_length=64, null=True)),
                ("lease_holder", models.CharField(max_length=255, null=True)),
                ("lease_until", models.FloatField(default=0)),
                ("alive_at", models.FloatField(null=True)),
                ("covered_at", models.FloatField(null=True)),
                ("stats", models.TextField(default="{}")),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Worker",
            fields=[
                ("name", dashboard.fields.Word(max_length=255, primary_key=True, serialize=False)),
                ("revision", models.BigIntegerField(db_index=True)),
                ("state", dashboard.fields.Word(max_length=16)),
                ("pid", models.BigIntegerField(default=0)),
                ("pid_since", models.FloatField(default=0)),
                ("first_seen_at", models.FloatField()),
                ("last_heartbeat_at", models.FloatField()),
                ("stamped_at", models.FloatField(default=0)),
                ("is_offline", models.BooleanField(default=False)),
                ("freq", models.FloatField(null=True)),
                ("active", models.BigIntegerField(default=0)),
                ("processed", models.BigIntegerField(default=0)),
                ("loadavg", models.TextField(null=True)),
                ("clock_offset", models.FloatField(null=True)),
                ("sw_ident", dashboard.fields.Word(max_length=255, null=True)),
                ("sw_ver", dashboard.fields.Word(max_length=255, null=True)),
                ("sw_sys", dashboard.fields.Word(max_length=255, null=True)),
                ("pool", dashboard.fields.Word(max_length=255, null=True)),
                ("concurrency", models.IntegerField(null=True)),
                ("queues", models.TextField(null=True)),
            ],
            options={
                "verbose_name": "worker",
                "verbose_name_plural": "workers",
                "ordering": ("name",),
            },
        ),
        migrations.CreateModel(
            name="ApiKey",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                ("prefix", models.CharField(max_length=12, unique=True)),
                ("secret_hash", models.CharField(max_length=64)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("last_used_at", models.DateTimeField(blank=True, null=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "API key",
                "verbose_name_plural": "API keys",
            },
        ),
        migrations.CreateModel(
            name="Task",
            fields=[
                ("id", dashboard.fields.Word(max_length=255, primary_key=True, serialize=False)),
                ("revision", models.BigIntegerField()),
                ("first_seen_at", models.FloatField()),
                ("updated_at", models.FloatField()),
                ("name", dashboard.fields.Word(max_length=255, null=True)),
                ("state", dashboard.fields.Word(max_length=255)),
                ("status", dashboard.fields.Word(max_length=16)),
                ("conclusion", dashboard.fields.Word(max_length=16, null=True)),
                ("reason", dashboard.fields.Word(max_length=500, null=True)),
                ("queue", dashboard.fields.Word(max_length=255, null=True)),
                ("worker", dashboard.fields.Word(max_length=255, null=True)),
                ("priority", models.IntegerField(null=True)),
                ("retries", models.IntegerField(default=0)),
                ("eta", models.FloatField(null=True)),
                ("expires", models.FloatField(null=True)),
                ("retry_at", models.FloatField(null=True)),
                ("sent_at", models.FloatField(null=True)),
                ("received_at", models.FloatField(null=True)),
                ("started_at", models.FloatField(null=True)),
                ("finished_at", models.FloatField(null=True)),
                ("wait", models.FloatField(null=True)),
                ("runtime", models.FloatField(null=True)),
                ("args", models.TextField(null=True)),
                ("kwargs", models.TextField(null=True)),
                ("progress", models.TextField(null=True)),
                ("exception", models.TextField(null=True)),
                ("signature", dashboard.fields.Word(max_length=16, null=True)),
                ("root_id", dashboard.fields.Word(max_length=255, null=True)),
                ("parent_id", dashboard.fields.Word(max_length=255, null=True)),
                ("group_id", dashboard.fields.Word(max_length=255, null=True)),
                ("owner", dashboard.fields.Word(max_length=255, null=True)),
                ("label", dashboard.fields.Word(max_length=255, null=True)),
                ("journal", models.TextField()),
            ],
            options={
                "verbose_name": "task",
                "verbose_name_plural": "tasks",
                "ordering": ("-first_seen_at", "-id"),
                "permissions": (
                    ("view_task_args", "Can view the arguments of tasks"),
                    ("view_task_kwargs", "Can view the keyword arguments of tasks"),
                    ("view_task_result", "Can view the results of tasks"),
                    ("view_task_exception", "Can view the exceptions of tasks"),
                    ("view_task_traceback", "Can view the tracebacks of tasks"),
                ),
                "indexes": [
                    models.Index(fields=["revision"], name="headway_task_revision"),
                    models.Index(fields=["first_seen_at", "id"], name="headway_task_seen"),
                    models.Index(
                        fields=["status", "first_seen_at", "id"], name="headway_task_status"
                    ),
                    models.Index(fields=["name", "first_seen_at", "id"], name="headway_task_name"),
                    models.Index(
                        fields=["root_id", "first_seen_at", "id"], name="headway_task_root"
                    ),
                    models.Index(
                        condition=models.Q(("conclusion__isnull", False)),
                        fields=["conclusion", "first_seen_at", "id"],
                        name="headway_task_conclusion",
                    ),
                    models.Index(
                        condition=models.Q(("conclusion__isnull", False)),
                        fields=["conclusion", "finished_at"],
                        name="headway_task_finished",
                    ),
                    models.Index(
                        condition=models.Q(("queue__isnull", False)),
                        fields=["queue", "first_seen_at", "id"],
                        name="headway_task_queue",
                    ),
                    models.Index(
                        condition=models.Q(("worker__isnull", False)),
                        fields=["worker", "first_seen_at", "id"],
                        name="headway_task_worker",
                    ),
                    models.Index(
                        condition=models.Q(("parent_id__isnull", False)),
                        fields=["parent_id", "first_seen_at", "id"],
                        name="headway_task_parent",
                    ),
                    models.Index(
                        condition=models.Q(("group_id__isnull", False)),
                        fields=["group_id", "first_seen_at", "id"],
                        name="headway_task_group",
                    ),
                    models.Index(
                        condition=models.Q(("owner__isnull", False)),
                        fields=["owner", "first_seen_at", "id"],
                        name="headway_task_owner",
                    ),
                    models.Index(
                        condition=models.Q(("signature__isnull", False)),
                        fields=["signature", "first_seen_at", "id"],
                        name="headway_task_signature",
                    ),
                ],
            },
        ),
        migrations.RunPython(create_stream, migrations.RunPython.noop),
    ]
