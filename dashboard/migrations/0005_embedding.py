"""What was handed over, and groups as their members add up; those of stored tasks are added up."""

import json
from itertools import islice

from django.db import migrations, models

import dashboard.fields

_BATCH = 1000
_STEPS = 2**20
"""As realtime.core.groups counts: sums of such fractions are exact."""
_OVER = {"succeeded": "succeeded", "cancelled": "cancelled"}


def add_up(apps, schema_editor):
    """One row for each group that a stored task belongs to. Stop the receivers before this: they
    add what changes to what they find."""
    alias = schema_editor.connection.alias
    members = apps.get_model("headway", "Task").objects.using(alias).filter(group_id__isnull=False)
    found = {}
    counts = members.values("group_id", "status", "conclusion").annotate(
        size=models.Count("id"),
        first=models.Min("first_seen_at"),
        last=models.Max("updated_at"),
        ended=models.Max("finished_at"),
    )
    for each in counts.order_by().iterator():
        _count(found.setdefault(each["group_id"], {}), each)
    going_on = members.exclude(status="completed").filter(progress__isnull=False)
    for id_, progress in going_on.values_list("group_id", "progress").iterator():
        percent = json.loads(progress).get("percent") or 0.0
        group = found[id_]
        group["fractions"] = group.get("fractions", 0.0) + round(percent / 100 * _STEPS) / _STEPS
    _write(apps, alias, found)


def _count(group, told):
    group["first_seen_at"] = min(told["first"], group.get("first_seen_at", told["first"]))
    group["updated_at"] = max(told["last"], group.get("updated_at", told["last"]))
    ended = [at for at in (told["ended"], group.get("finished_at")) if at is not None]
    group["finished_at"] = max(ended, default=None)
    if told["status"] == "completed":
        what = _OVER.get(told["conclusion"], "failed")
    else:
        what = "running" if told["status"] in ("running", "stalled") else "waiting"
    group[what] = group.get(what, 0) + told["size"]
    group["parts"] = group.get("parts", 0) + told["size"]


def _write(apps, alias, found):
    group = apps.get_model("headway", "Group")
    streams = apps.get_model("headway", "Stream").objects.using(alias).filter(id=1)
    streams.update(revision=models.F("revision") + len(found))
    last = streams.values_list("revision", flat=True).first() or len(found)
    groups = (
        group(id=id_, revision=revision, **told)
        for revision, (id_, told) in enumerate(found.items(), last - len(found) + 1)
    )
    while batch := list(islice(groups, _BATCH)):
        group.objects.using(alias).bulk_create(batch)


def keep(apps, schema_editor):
    """The tables go as a whole."""


class Migration(migrations.Migration):
    dependencies = [("headway", "0004_search")]

    operations = [
        migrations.CreateModel(
            name="Group",
            fields=[
                ("id", dashboard.fields.Word(max_length=255, primary_key=True, serialize=False)),
                ("revision", models.BigIntegerField(db_index=True)),
                ("first_seen_at", models.FloatField()),
                ("updated_at", models.FloatField()),
                ("total", models.IntegerField(null=True)),
                ("parts", models.IntegerField(default=0)),
                ("succeeded", models.IntegerField(default=0)),
                ("failed", models.IntegerField(default=0)),
                ("cancelled", models.IntegerField(default=0)),
                ("running", models.IntegerField(default=0)),
                ("waiting", models.IntegerField(default=0)),
                ("fractions", models.FloatField(default=0)),
                ("furthest", models.FloatField(default=0)),
                ("finished_at", models.FloatField(null=True)),
            ],
            options={"ordering": ("-first_seen_at", "-id"), "default_permissions": ()},
        ),
        migrations.CreateModel(
            name="Expectation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("subject", dashboard.fields.Word(max_length=262, unique=True)),
                ("total", models.IntegerField(null=True)),
                ("at", models.FloatField()),
                ("is_taken", models.BooleanField(default=False)),
            ],
            options={
                "default_permissions": (),
                "indexes": [
                    models.Index(
                        condition=models.Q(is_taken=False),
                        fields=["id"],
                        name="headway_expectation_new",
                    ),
                    models.Index(fields=["at"], name="headway_expectation_at"),
                ],
            },
        ),
        migrations.RunPython(add_up, keep),
    ]
