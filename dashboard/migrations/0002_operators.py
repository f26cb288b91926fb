import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import dashboard.fields


class Migration(migrations.Migration):
    dependencies = [
        ("headway", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Operation",
            fields=[
                ("id", dashboard.fields.Word(max_length=16, primary_key=True, serialize=False)),
                ("revision", models.BigIntegerField(db_index=True)),
                ("user", models.CharField(max_length=254)),
                ("action", models.CharField(max_length=16)),
                ("options", models.TextField(default="{}")),
                ("query", models.CharField(max_length=1000, null=True)),
                ("task_ids", models.TextField(null=True)),
                ("state", models.CharField(max_length=16)),
                ("total", models.IntegerField(default=0)),
                ("done", models.IntegerField(default=0)),
                ("refused", models.IntegerField(default=0)),
                ("failed", models.IntegerField(default=0)),
                ("started_at", models.FloatField()),
                ("beat_at", models.FloatField()),
                ("finished_at", models.FloatField(null=True)),
            ],
            options={
                "ordering": ("-started_at",),
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Tally",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("counts", models.TextField()),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Queue",
            fields=[
                ("name", dashboard.fields.Word(max_length=255, primary_key=True, serialize=False)),
                ("revision", models.BigIntegerField(db_index=True)),
                ("first_seen_at", models.FloatField()),
                ("measured_at", models.FloatField(null=True)),
                ("depth", models.BigIntegerField(null=True)),
                ("consumers", models.IntegerField(null=True)),
                ("priorities", models.TextField(null=True)),
                ("error", models.CharField(max_length=200, null=True)),
            ],
            options={
                "verbose_name": "queue",
                "verbose_name_plural": "queues",
                "ordering": ("name",),
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="ScheduleEntry",
            fields=[
                ("name", dashboard.fields.Word(max_length=255, primary_key=True, serialize=False)),
                ("revision", models.BigIntegerField(db_index=True)),
                ("task", dashboard.fields.Word(max_length=255)),
                ("schedule", models.CharField(max_length=200)),
                ("source", models.CharField(max_length=32)),
                ("is_enabled", models.BooleanField(default=True)),
                ("first_seen_at", models.FloatField()),
                ("checked_at", models.FloatField()),
                ("next_run_at", models.FloatField(null=True)),
                ("last_run_at", models.FloatField(null=True)),
                ("last_task_id", dashboard.fields.Word(max_length=255, null=True)),
                ("missed", models.IntegerField(default=0)),
                ("missed_at", models.FloatField(null=True)),
            ],
            options={
                "verbose_name": "schedule entry",
                "verbose_name_plural": "schedule",
                "ordering": ("name",),
                "default_permissions": ("view",),
            },
        ),
        migrations.AlterModelOptions(
            name="task",
            options={
                "ordering": ("-first_seen_at", "-id"),
                "permissions": (
                    ("view_task_args", "Can view the arguments of tasks"),
                    ("view_task_kwargs", "Can view the keyword arguments of tasks"),
                    ("view_task_result", "Can view the results of tasks"),
                    ("view_task_exception", "Can view the exceptions of tasks"),
                    ("view_task_traceback", "Can view the tracebacks of tasks"),
                    ("revoke_task", "Can revoke tasks"),
                    ("retry_task", "Can retry tasks"),
                ),
                "verbose_name": "task",
                "verbose_name_plural": "tasks",
            },
        ),
        migrations.CreateModel(
            name="Failure",
            fields=[
                (
                    "signature",
                    dashboard.fields.Word(max_length=16, primary_key=True, serialize=False),
                ),
                ("revision", models.BigIntegerField(db_index=True)),
                ("type", dashboard.fields.Word(max_length=255)),
                ("message", dashboard.fields.Word(max_length=500)),
                ("frame", dashboard.fields.Word(max_length=500, null=True)),
                ("name", dashboard.fields.Word(max_length=255, null=True)),
                ("task_id", dashboard.fields.Word(max_length=255)),
                ("count", models.BigIntegerField(default=0)),
                ("first_seen_at", models.FloatField()),
                ("last_seen_at", models.FloatField()),
                ("state", models.CharField(default="open", max_length=16)),
                ("state_at", models.FloatField(null=True)),
                ("state_by", models.CharField(max_length=254, null=True)),
                ("muted_until", models.FloatField(null=True)),
                ("returned_at", models.FloatField(null=True)),
            ],
            options={
                "verbose_name": "failure group",
                "verbose_name_plural": "failure groups",
                "ordering": ("-last_seen_at",),
                "default_permissions": ("change", "view"),
                "indexes": [
                    models.Index(fields=["state", "last_seen_at"], name="headway_failure_state"),
                    models.Index(fields=["last_seen_at"], name="headway_failure_seen"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Rollup",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("tier", models.IntegerField()),
                ("by", models.CharField(max_length=12)),
                ("start", models.BigIntegerField()),
                ("key", dashboard.fields.Word(max_length=255)),
                ("arrived", models.IntegerField(default=0)),
                ("started", models.IntegerField(default=0)),
                ("retried", models.IntegerField(default=0)),
                ("succeeded", models.IntegerField(default=0)),
                ("failed", models.IntegerField(default=0)),
                ("cancelled", models.IntegerField(default=0)),
                ("rejected", models.IntegerField(default=0)),
                ("expired", models.IntegerField(default=0)),
                ("lost", models.IntegerField(default=0)),
                ("waits", models.TextField(default="{}")),
                ("runtimes", models.TextField(default="{}")),
            ],
            options={
                "default_permissions": (),
                "indexes": [
                    models.Index(fields=["tier", "by", "key", "start"], name="headway_rollup_key")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tier", "by", "start", "key"), name="headway_rollup_cell"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Audit",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.FloatField()),
                ("user", models.CharField(max_length=254)),
                ("action", models.CharField(max_length=16)),
                ("kind", models.CharField(max_length=16)),
                ("target", dashboard.fields.Word(max_length=1000)),
                ("name", dashboard.fields.Word(max_length=255, null=True)),
                ("outcome", models.CharField(max_length=16)),
                ("detail", models.CharField(max_length=500, null=True)),
                ("new_id", dashboard.fields.Word(max_length=255, null=True)),
                (
                    "operation",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="headway.operation",
                    ),
                ),
            ],
            options={
                "verbose_name": "audit entry",
                "verbose_name_plural": "audit",
                "ordering": ("-at", "-id"),
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(fields=["at", "id"], name="headway_audit_at"),
                    models.Index(fields=["target", "at"], name="headway_audit_target"),
                ],
            },
        ),
        migrations.CreateModel(
            name="SavedQuery",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=60)),
                ("query", models.CharField(blank=True, max_length=1000)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
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
                "ordering": ("name",),
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("user", "name"), name="headway_savedquery_name")
                ],
            },
        ),
    ]
