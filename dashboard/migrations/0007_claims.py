"""Acts through tokens that are under way, so that none of them is done twice."""

from django.db import migrations, models

import dashboard.fields


class Migration(migrations.Migration):
    dependencies = [("headway", "0006_operation_reasons")]

    operations = [
        migrations.CreateModel(
            name="Claim",
            fields=[
                ("act", dashboard.fields.Word(max_length=280, primary_key=True, serialize=False)),
                ("holder", models.CharField(max_length=32)),
                ("at", models.FloatField()),
            ],
            options={"default_permissions": ()},
        ),
    ]
