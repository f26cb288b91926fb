from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("headway", "0002_operators")]

    operations = [
        migrations.AddField(
            model_name="worker",
            name="inspected_at",
            field=models.FloatField(null=True),
        ),
    ]
